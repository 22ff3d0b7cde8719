# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make models/gaze.tflite from photos, by one config.

    python -m model_building.eyes --portraits DIR --genki DIR --iris-network FILE [--output FILE]

--portraits: people who look into the lens; every second one takes part, the others judge
(scripts/evaluate_gaze.py). Of those that take part every fourth is not learnt from: the constants
of gazes are chosen on them (scripts/fit_gaze.py). --genki: other photos of faces. --iris-network:
iris_landmark.tflite of the PyPI package mediapipe 0.10.21, which marks the photos' eyes.
"""
from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import yaml

from face_recon_ros.errors import FaceReconError
from model_building.eyes import export, train
from model_building.eyes.photo_eyes import IrisMarker, photo_eyes, photos
from model_building.eyes.samples import Samples, make

HERE = Path(__file__).resolve().parent
CONFIG = HERE / 'configs' / 'shipped.yaml'
OUTPUT = HERE.parents[1] / 'models' / 'gaze.tflite'


def joined(parts: list[Samples]) -> Samples:
    """Return samples of several sets of eyes."""
    return Samples(**{
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(Samples)
    })


def _say(line: str) -> None:
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.eyes', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--portraits', type=Path, required=True)
    parser.add_argument('--genki', type=Path, required=True)
    parser.add_argument('--iris-network', type=Path, required=True)
    parser.add_argument('--config', type=Path, default=CONFIG)
    parser.add_argument('--output', type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    config = yaml.safe_load(options.config.read_text())
    try:
        parts = []
        for name, at_lens in (('portraits', True), ('genki', False)):
            wanted = config[name]
            files = photos(getattr(options, name), wanted['every'])
            marker = IrisMarker(options.iris_network, wanted['looks'])
            eyes = list(photo_eyes(files, marker, at_lens, config['seed']))
            parts.append(make(eyes, wanted['per_eye'], config['seed']))
            _say(f'{name}: {len(files)} photos, {len(eyes)} eyes, {len(parts[-1].close)} crops')
    except (OSError, FaceReconError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    plan = train.Plan(**config['training'], seed=config['seed'])
    network = train.train(joined(parts), plan, _say)
    export.write(network, options.output)
    difference = export.largest_difference(network, options.output)
    _say(f'{options.output}: largest difference to PyTorch {difference:.1e}')
    return 0 if difference < export.TOLERANCE else 1


if __name__ == '__main__':
    sys.exit(main())
