# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make models/eyes.tflite from photos and rendered people, by one config.

    python -m model_building.eyes --portraits DIR --genki DIR --ict DIR --iris-network FILE
        [--output FILE]

--portraits: people who look into the lens; every second one takes part, the others judge
(scripts/evaluate_gaze.py). Of those that take part every fourth is not learnt from: the constants
of gazes are chosen on them (scripts/fit_gaze.py). --genki: other photos of faces. --ict: the
folder of the ICT face model, of which people with turned heads are rendered. --iris-network:
iris_landmark.tflite of the PyPI package mediapipe 0.10.21, which marks the photos' eyes.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from face_recon_ros import Pipeline, PipelineConfig
from face_recon_ros.errors import FaceReconError
from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.io.image_files import read_image
from model_building.eyes import export, train
from model_building.eyes.photo_eyes import LEAST_SCORE, IrisMarker, photo_eyes, photos
from model_building.eyes.rendered import RenderedEyes
from model_building.eyes.samples import Samples, of_photos, of_rendered
from model_building.face_model.ict_model import IctModel
from model_building.network.ict_people import Photo

HERE = Path(__file__).resolve().parent
CONFIG = HERE / 'configs' / 'shipped.yaml'
OUTPUT = HERE.parents[1] / 'models' / 'eyes.tflite'
LEAST_SKIN_PX = 40.0
"""Between the outer corners of the eyes."""
MOST_ASIDE, MOST_DOWN = 0.3, 0.35
"""Sines of heads that give their skin."""
SKIN_PORTRAITS = 8
"""One in so many, from the fifth: none that is held out, nor one of the development heads."""


def skins(files: Sequence[Path]) -> list[Photo]:
    """Return the photos that show one large face from in front: skins of rendered people."""
    pipeline, found = Pipeline(PipelineConfig(use_eyes='never')), []
    for path in files:
        image = read_image(path)
        faces = [face for face in pipeline.detect(image) if face.score > LEAST_SCORE]
        if len(faces) != 1:
            continue
        corners_px = faces[0].landmarks_px[CORNERS_68.ravel()[[0, 3]], :2]
        aside, down = np.abs(faces[0].pose.rotation[:2, 0])
        wide = np.linalg.norm(corners_px[1] - corners_px[0]) >= LEAST_SKIN_PX
        if wide and aside < MOST_ASIDE and down < MOST_DOWN:
            found.append(Photo(image, faces[0].landmarks_px))
    return found


def _rendered(options: argparse.Namespace, config: dict[str, Any]) -> Samples:
    """Return crops of rendered people, with skins of photos that judge nothing."""
    wanted = config['rendered']
    files = photos(options.portraits, SKIN_PORTRAITS, SKIN_PORTRAITS // 2)
    files += photos(options.genki, wanted['skins_every'])
    people = RenderedEyes(IctModel.load(options.ict), skins(files))
    eyes = [
        eye for number in range(wanted['people'])
        for eye in people(np.random.default_rng([config['seed'], number]))]
    samples = of_rendered(eyes, wanted['per_eye'], config['seed'])
    _say(f'rendered: {wanted["people"]} people, {len(eyes)} eyes, {len(samples.close)} crops')
    return samples


def _say(line: str) -> None:
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.eyes', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--portraits', type=Path, required=True)
    parser.add_argument('--genki', type=Path, required=True)
    parser.add_argument('--ict', type=Path, required=True)
    parser.add_argument('--iris-network', type=Path, required=True)
    parser.add_argument('--config', type=Path, default=CONFIG)
    parser.add_argument('--output', type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    config = yaml.safe_load(options.config.read_text())
    try:
        sets = []
        for name, at_lens in (('portraits', True), ('genki', False)):
            wanted = config[name]
            files = photos(getattr(options, name), wanted['every'])
            marker = IrisMarker(options.iris_network, wanted['looks'])
            eyes = list(photo_eyes(files, marker, at_lens, config['seed']))
            sets.append(of_photos(eyes, wanted['per_eye'], config['seed']))
            _say(f'{name}: {len(files)} photos, {len(eyes)} eyes, {len(sets[-1].close)} crops')
        sets.append(_rendered(options, config))
    except (OSError, FaceReconError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    plan = train.Plan(**config['training'], seed=config['seed'])
    network = train.train(sets, plan, _say)
    export.write(network, options.output)
    difference = export.largest_difference(network, options.output)
    _say(f'{options.output}: largest difference to PyTorch {difference:.1e}')
    return 0 if difference < export.TOLERANCE else 1


if __name__ == '__main__':
    sys.exit(main())
