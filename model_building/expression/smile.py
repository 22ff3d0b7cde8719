# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How much a mouth smiles, by its width and by how far its corners lie above its middle."""
from __future__ import annotations

import numpy as np

from face_recon_ros.face_model.model import FaceModel

OUTER_EYES, CORNERS, MIDDLE = (33, 263), (61, 291), (0, 13, 14, 17)
"""Of the 468 landmarks; MIDDLE: of the lips' outer and inner edges."""
LEAST, MOST = -0.5, 1.2


class SmileMeasure:
    """
    0 at rest and 1 in full on the mean face.

    Two numbers of equal weight. Landmarks alone; no label is learnt from.
    """

    def __init__(self, model: FaceModel) -> None:
        """:raises ModelFileError: models/face_units.npz cannot be used."""
        points, vertices = model.landmarks_468.mean, model.vertices(blendshapes={})
        nearest = [int(((vertices - p) ** 2).sum(axis=1).argmin()) for p in points]
        smiling = model.vertices(blendshapes={'mouthSmileLeft': 1.0, 'mouthSmileRight': 1.0})
        moves = (smiling - vertices)[nearest]
        y_down = np.array([1.0, -1.0, 1.0])
        self._rest = _width_and_rise(points * y_down)
        self._span = _width_and_rise((points + moves) * y_down) - self._rest

    def __call__(self, landmarks_px: np.ndarray) -> float:
        """Return how much landmarks (468, 3) of an image smile, LEAST..MOST."""
        values = (_width_and_rise(landmarks_px) - self._rest) / self._span
        return float(np.clip(values, LEAST, MOST).mean())


def _width_and_rise(points: np.ndarray) -> np.ndarray:
    """
    Return the width of the mouth, and how far its corners lie above its middle.

    The width is a part of the distance of the eyes' outer corners, the rise of the width. Points
    (468, 2 or more), y down.
    """
    right, left = points[list(OUTER_EYES), :2]
    distance = np.linalg.norm(left - right)
    along = (left - right) / distance
    down = np.array([-along[1], along[0]])
    corners = points[list(CORNERS), :2]
    width = np.linalg.norm(corners[1] - corners[0])
    middle = points[list(MIDDLE), :2].mean(axis=0)
    rise = (middle - corners.mean(axis=0)) @ down
    return np.array([width / distance, rise / width])
