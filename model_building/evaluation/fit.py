# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Measure how well the model fits photos it has not seen.

    python -m model_building.evaluation fit --photos GENKI_FOLDER

Prints the figures of docs/face_model.md that need photos: those of the GENKI-4K folder whose file
number is divisible by three, which the statistics leave out.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_building.face_model import face_mesh
from model_building.face_model.face_mesh_statistics import LabelledFace, read_faces

MODEL_TO_SCREEN = np.array([1.0, -1.0, 1.0])
CLOSED_LIPS = 0.02
"""Inner lips nearer than this part of the outer canthal distance: certainly closed."""
OPEN_LID = 0.06, 0.16
"""Lid gaps, as a part of the outer canthal distance, between which openness is compared."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one photo tells. Lengths in per cent of the outer canthal distance, or millimetres."""

    residual: float
    residual_in_image: float
    pitch_error_deg: float
    closed: bool
    widest_lip_gap_mm: float
    lid_gap_seen: float
    lid_gap_fitted: float


class Evaluator:
    """Fits one model with the product's own fitter."""

    def __init__(self, path: Path) -> None:
        """Load a model file."""
        from face_recon_ros.face_model.landmark_fit import LandmarkFitter
        from face_recon_ros.face_model.model import FaceModel

        self._model = FaceModel.load(path)
        self._fitter = LandmarkFitter(self._model)
        with np.load(path) as arrays:
            self._lips = np.stack([arrays['lip_upper'], arrays['lip_lower']])
            self._mean = arrays['mean'][self._lips].astype(np.float64)
            self._moves = np.concatenate([
                arrays[f'{kind}_basis'][:, self._lips]
                * arrays[f'{kind}_step'].astype(np.float64)[:, None, None, None]
                for kind in ('shape', 'expression')])

    def __call__(self, face: LabelledFace) -> Fitted:
        """Fit the landmarks of one photo."""
        landmarks_px = face.landmarks * MODEL_TO_SCREEN
        parameters = self._fitter.fit(landmarks_px).parameters
        fitted = self._model.landmarks_468.points_px(parameters)
        unit = face_mesh.outer_canthal_distance(landmarks_px)
        residual = fitted - landmarks_px
        rotation = parameters.model_rotation
        pitch = np.degrees(np.arctan2(rotation[1, 2], rotation[2, 2]))
        coefficients = np.concatenate([parameters.shape, parameters.expression])
        upper, lower = self._mean + np.tensordot(coefficients, self._moves, axes=1)
        lids = np.array(face_mesh.RIGHT_LID_PAIRS)[2:5]

        def openness(points: np.ndarray) -> float:
            gaps = np.linalg.norm(points[lids[:, 0]] - points[lids[:, 1]], axis=1)
            return float(gaps.mean()) / unit

        return Fitted(
            residual=float(np.linalg.norm(residual, axis=1).mean() / unit) * 100,
            residual_in_image=float(np.linalg.norm(residual[:, :2], axis=1).mean() / unit) * 100,
            pitch_error_deg=float(pitch) - face.pitch_deg, closed=face.lip_gap < CLOSED_LIPS,
            widest_lip_gap_mm=float((upper[:, 1] - lower[:, 1]).max() * 1e3),
            lid_gap_seen=openness(landmarks_px), lid_gap_fitted=openness(fitted))


def positive(text: str) -> int:
    """Read a number from 1 on; raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text}: give a whole number from 1 on')
    return int(text)


def report(results: list[Fitted]) -> list[str]:
    """Return the figures as text, a line each."""
    residual = np.array([(result.residual, result.residual_in_image) for result in results])
    closed = np.array([result.widest_lip_gap_mm for result in results if result.closed])
    lids = np.array([(result.lid_gap_seen, result.lid_gap_fitted) for result in results])
    lids = lids[(lids[:, 0] > OPEN_LID[0]) & (lids[:, 0] < OPEN_LID[1])]
    slope = np.polyfit(lids[:, 0], lids[:, 1], 1)[0]
    pitch = np.median([result.pitch_error_deg for result in results])
    return [
        f'{len(results)} held-out photos; residual in % of the outer canthal distance: '
        f'mean {residual[:, 0].mean():.2f}, median {np.median(residual[:, 0]):.2f}; in the image '
        f'plane mean {residual[:, 1].mean():.2f}, median {np.median(residual[:, 1]):.2f}',
        f'pitch against the labels: median {pitch:+.1f} deg',
        f'{len(closed)} mouths that Face Mesh sees closed; widest gap of the fitted lips: '
        f'median {np.median(closed):.2f} mm, 90th percentile {np.percentile(closed, 90):.2f} mm',
        f'openness of the lids, fitted against seen: slope {slope:.2f}',
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    root = Path(__file__).resolve().parents[2]
    parser.add_argument('--photos', type=Path, required=True,
                        help='folder of the GENKI-4K photos with labels.csv')
    parser.add_argument('--model', type=Path, default=root / 'models' / 'face_model.npz')
    parser.add_argument('--every', type=positive, default=1, metavar='N',
                        help='only every N-th of the held-out photos')


def run(arguments: argparse.Namespace) -> int:
    """Print the figures."""
    faces = read_faces(arguments.photos, arguments.every)
    evaluator = Evaluator(arguments.model)
    for line in report([evaluator(face) for face in faces]):
        sys.stdout.write(line + '\n')
    return 0
