# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Set the zeros of what train.py wrote by people at rest, and its confidences.

    python -m model_building.expression.zero --portraits F --file FILE

Face Mesh's average face is not the ICT model's: what is read of people who sit for a portrait is
not 0. Units of RESTING are shifted so that most of these people are at rest. It is one number for
each unit: what they look like is not learnt.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from face_recon_ros.errors import FaceReconError
from face_recon_ros.expression.units import COUNT, INDEX, MIRROR, NAMES
from face_recon_ros.face_model.model import FaceModel
from model_building.expression.features import aligned, feature_vector, mirrored
from model_building.expression.seen import landmarks_of
from model_building.face_model.assets import sha256_of
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.model_file import write_arrays
from model_building.network.portraits import training_portraits

ROOT = Path(__file__).resolve().parents[2]
RESTING = ('jawForward', 'jawLeft', 'jawRight', 'jawOpen', 'mouthClose', 'mouthFunnel',
           'mouthPucker', 'mouthLeft', 'mouthRight', 'mouthShrugLower', 'mouthShrugUpper',
           'mouthFrownLeft', 'mouthFrownRight', 'cheekPuff', 'noseSneerLeft', 'noseSneerRight',
           'browDownLeft', 'browDownRight', 'browInnerUp', 'browOuterUpLeft', 'browOuterUpRight',
           'eyeBlinkLeft', 'eyeBlinkRight')
MOVED = ('eyeBlinkLeft', 'eyeBlinkRight', 'jawOpen', 'mouthSmileLeft', 'mouthSmileRight',
         'browOuterUpLeft', 'browOuterUpRight')
UNPROVEN = 0.3
"""Simulated landmarks say how well a unit could be known. Of those that are not seen to move in
photos or on rendered heads (scripts/evaluate_expressions.py) only this part is believed."""
AT_REST_PERCENT = 75
"""So many of the people read 0 afterwards. A shift is never to the other side."""


def read(arrays: dict[str, np.ndarray], vectors: np.ndarray) -> np.ndarray:
    """Return what the file reads of features (N, 1407), before it is cut to 0..1: (N, 52)."""
    values = (vectors - arrays['centre']) @ arrays['components']
    for layer in ('1', '2'):
        values = np.maximum(values @ arrays[f'hidden_{layer}'] + arrays[f'bias_{layer}'], 0)
    return np.asarray(values @ arrays['output'] + arrays['output_bias'])


def shifts(arrays: dict[str, np.ndarray], landmarks: np.ndarray, model: FaceModel) -> np.ndarray:
    """Return what to take off each unit (52,), the same on both sides."""
    reference = model.landmarks_468.mean
    rows = []
    for points in landmarks:
        face = aligned(points, reference)
        other = mirrored(face, model.landmarks_468_mirror)
        pair = np.stack([feature_vector(f, reference) for f in (face, other)]).astype(np.float32)
        first, second = read(arrays, pair)
        rows.append((first + second[MIRROR]) / 2)
    level = np.percentile(rows, AT_REST_PERCENT, axis=0)
    resting = np.zeros(COUNT)
    at = [INDEX[name] for name in RESTING]
    resting[at] = np.maximum(level[at], 0)
    return np.asarray((resting + resting[MIRROR]) / 2)


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.expression.zero',
                                     description=__doc__)
    parser.add_argument('--portraits', type=Path, required=True)
    parser.add_argument('--file', type=Path, required=True)
    arguments = parser.parse_args()
    try:
        with np.load(arguments.file, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        landmarks = landmarks_of(training_portraits(arguments.portraits), seed=1)
        taken = shifts(arrays, landmarks, FaceModel())
    except (OSError, FaceReconError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    arrays['output_bias'] = (arrays['output_bias'] - taken).astype(np.float32)
    proven = np.where(np.isin(NAMES, MOVED), 1.0, UNPROVEN)
    arrays['confidence'] = (arrays['confidence'] * proven).astype(np.float32)
    write_arrays(arguments.file, arrays)
    for name in RESTING:
        sys.stdout.write(f'{name} -{taken[INDEX[name]]:.3f}\n')
    sys.stdout.write(f'{arguments.file}: {sha256_of(arguments.file)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
