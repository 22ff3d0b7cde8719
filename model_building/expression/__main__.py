# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make models/expressions.tflite by one config: ``make expressions``.

    python -m model_building.expression --genki DIR --ict DIR --portraits DIR
        [--work DIR] [--config FILE] [--output FILE]

Crops of rendered people are made in the work folder, shard after shard; what is there already is
not made again, and the training goes on from its last checkpoint. Photos are those that do not
judge (photo_split.py, portraits.py).
"""
from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import yaml

from face_recon_ros.errors import FaceReconError
from face_recon_ros.expression.units import NAMES
from model_building.expression import export, learn
from model_building.expression.landmark_teacher import LandmarkTeacher
from model_building.expression.network import ExpressionNet
from model_building.expression.photo_crops import photo_crops
from model_building.expression.photo_split import is_for_judging
from model_building.face_model.assets import sha256_of
from model_building.face_model.errors import ModelBuildingError
from model_building.network.portraits import training_portraits

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CONFIG = HERE / 'configs' / 'shipped.yaml'
OUTPUT = ROOT / 'models' / 'expressions.tflite'
TRUNK = ROOT / 'models' / 'face_recon.tflite'


def _say(line: str) -> None:
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


def _run(module: str, *arguments: object) -> None:
    """
    Run a module of model_building.

    :raises ModelBuildingError: it failed; it has said why.
    """
    command = [sys.executable, '-m', f'model_building.{module}', *map(str, arguments)]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise ModelBuildingError(f'{module} failed; the same command goes on from there')


def teacher_of(options: argparse.Namespace) -> Path:
    """Return the file of expressions by landmarks, made where it is not there."""
    landmarks: Path = options.work / 'landmarks.npz'
    if not landmarks.exists():
        partial = landmarks.with_suffix('.partial.npz')
        _run('expression.train', '--ict', options.ict, '--output', partial)
        _run('expression.zero', '--portraits', options.portraits, '--file', partial)
        partial.replace(landmarks)
    return landmarks


def rendered(options: argparse.Namespace, config: dict[str, Any], teacher: Path,
             *more: str) -> learn.Crops:
    """
    Return crops of rendered people, made where they are not there.

    :param more: arguments of generate.py
    """
    sources = options.work / 'sources.npz'
    if not sources.exists():
        _run('network.photos', '--photos', options.genki, '--output', sources)
    shards = []
    for kind in ('shards', 'alike'):
        for seed, count in config.get(kind, {}).items():
            folder = options.work / f'rendered_{seed}'
            _run('expression.generate', '--sources', sources, '--ict', options.ict,
                 '--portraits', options.portraits, '--teacher', teacher, '--output', folder,
                 '--shards', count, '--crops', config['crops'], '--seed', seed,
                 *more, *(['--alike'] if kind == 'alike' else []))
            shards += [folder / f'train_{number:03d}.npz' for number in range(count)]
    return learn.Crops.rendered(shards)


def photographed(options: argparse.Namespace, count: int,
                 teacher: Path) -> tuple[learn.Crops, np.ndarray]:
    """Return crops of photos, and the images of those who sit for a portrait."""
    reader = LandmarkTeacher(teacher)
    files = [p for p in sorted(options.genki.glob('*.jpg')) if not is_for_judging(p)][:count]
    sitting = photo_crops(training_portraits(options.portraits), reader)
    return photo_crops(files, reader).with_more(sitting), sitting.image


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.expression',
                                     description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--genki', type=Path, required=True)
    parser.add_argument('--ict', type=Path, required=True)
    parser.add_argument('--portraits', type=Path, required=True)
    parser.add_argument('--work', type=Path, default=ROOT / 'build' / 'expressions')
    parser.add_argument('--config', type=Path, default=CONFIG)
    parser.add_argument('--output', type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    config = yaml.safe_load(options.config.read_text())
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        teacher = teacher_of(options)
        crops = rendered(options, config['rendered'], teacher)
        judging = rendered(options, config['calibration'], teacher, '--found')
        photos, resting = photographed(options, config['genki']['photos'], teacher)
    except (OSError, FaceReconError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    _say(f'{len(crops.person)} rendered crops, {len(photos.person)} photos')
    network: ExpressionNet | None = None
    for number, stage in enumerate(config['training']):
        training = learn.Training(TRUNK, crops, photos, learn.Plan(**stage),
                                  options.work / f'checkpoint_{number}.pt', network)
        network = training.run(_say)
    if network is None:
        sys.stderr.write(f'{options.config}: no stage of training\n')
        return 1
    unseen = crops.held_out(True).with_more(judging)
    calibration = export.Calibration.measured(network, unseen, resting)
    export.write(network, calibration, options.output)
    for name, offset, gain in zip(NAMES, calibration.offset, calibration.gain, strict=True):
        _say(f'{name}: -{offset:.3f}, x{gain:.2f}')
    difference = export.largest_difference(network, calibration, options.output)
    _say(f'{options.output}: {sha256_of(options.output)}; to PyTorch {difference:.1e}')
    return 0 if difference < export.TOLERANCE else 1


if __name__ == '__main__':
    sys.exit(main())
