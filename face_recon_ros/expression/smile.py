# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How much a mouth smiles, by its width and by how far its corners lie above its middle."""

from __future__ import annotations

import numpy as np

from face_recon_ros.expression.units import INDEX
from face_recon_ros.face_model.landmarks import OUTER_CANTHI_468, SparseModel
from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES, FaceParameters

SMILES = [INDEX['mouthSmileLeft'], INDEX['mouthSmileRight']]
# Of the 468 landmarks: the corners of the mouth, and the lips' outer and inner edges between them
CORNERS_468, MIDDLE_468 = (61, 291), (0, 13, 14, 17)
_POINTS_468 = [*OUTER_CANTHI_468, *CORNERS_468, *MIDDLE_468]
_EYES, _CORNERS, _MIDDLE = slice(0, 2), slice(2, 4), slice(4, None)
# How much width and rise grow from rest to both mouthSmile in full, on the mean face
SPAN = np.array([0.189472, 0.110334])
LEAST, MOST = -0.5, 1.2


class SmileMeasure:
    """
    0 at rest and 1 in full on the mean face.

    Two numbers of equal weight. Landmarks alone; nothing is learnt.
    """

    def __init__(self, landmarks: SparseModel) -> None:
        """:param landmarks: the face model's 468"""
        self._mouth = SparseModel(landmarks.mean[_POINTS_468], landmarks.basis[_POINTS_468])
        self._rest = _width_and_rise(self._mouth.mean @ SCREEN_FROM_MODEL_AXES)

    def __call__(self, landmarks_px: np.ndarray) -> float:
        """Return how much landmarks (468, 3) of an image smile, LEAST..MOST."""
        return self._of(landmarks_px[_POINTS_468])

    def of_shape(self, parameters: FaceParameters) -> float:
        """Return how much a face smiles by its shape, LEAST..MOST: its pose does not count."""
        return self._of(self._mouth.points(parameters) @ SCREEN_FROM_MODEL_AXES)

    def _of(self, points: np.ndarray) -> float:
        values = (_width_and_rise(points) - self._rest) / SPAN
        return float(np.clip(values, LEAST, MOST).mean())


def with_smile(values: np.ndarray, smile: float) -> np.ndarray:
    """Return coefficients (52,) whose smile is the mean of theirs and another reading of it."""
    values = values.copy()
    values[SMILES] += (smile - values[SMILES].mean()) / 2
    return values


def _width_and_rise(points: np.ndarray) -> np.ndarray:
    """
    Return the width of the mouth, and how far its corners lie above its middle.

    The width is a part of the distance of the eyes' outer corners, the rise of the width. Points
    (8, 2 or more) as in _POINTS_468, y down.
    """
    points = points[:, :2]
    right, left = points[_EYES]
    distance = np.linalg.norm(left - right)
    along = (left - right) / distance
    down = np.array([-along[1], along[0]])
    corners = points[_CORNERS]
    width = np.linalg.norm(corners[1] - corners[0])
    rise = (points[_MIDDLE].mean(axis=0) - corners.mean(axis=0)) @ down
    return np.array([width / distance, rise / width])
