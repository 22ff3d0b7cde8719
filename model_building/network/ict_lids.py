# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Lids of ICT heads that lie over their eyeballs.

The model's lids move straight from open to shut, and identities change lids and eyeballs apart
from each other: on the way, and of some people in full, eyeballs would come through their lids.
"""
from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from model_building.face_model.ict_model import FACE, LEFT_EYE, RIGHT_EYE, IctModel

THICKNESS_M = 0.0006
"""Of a lid, over the eyeball."""
LEAST_MOVE_M = 0.0003
"""Of skin that belongs to a lid, when an eye shuts."""
NEIGHBOURS = 4
"""Vertices of the eyeball whose greatest distance is the eyeball's under a vertex of a lid."""


class Lids:
    """The skin that moves over each eyeball."""

    def __init__(self, model: IctModel) -> None:
        self._sides = []
        for name, ball in (('eyeBlink_L', LEFT_EYE), ('eyeBlink_R', RIGHT_EYE)):
            blink = model.expression[model.expression_names.index(name)]
            moves = np.linalg.norm(blink[FACE], axis=1) > LEAST_MOVE_M
            self._sides.append((np.flatnonzero(moves) + FACE.start, ball))

    def over_eyes(self, points: np.ndarray) -> np.ndarray:
        """Return vertices (V, 3) of which no lid's lies in an eyeball: moved out of its centre."""
        points = points.copy()
        for lid, ball in self._sides:
            centre = (points[ball].max(axis=0) + points[ball].min(axis=0)) / 2
            out, distance_m = _polar(points[lid] - centre)
            eyeball, radius_m = _polar(points[ball] - centre)
            _, nearest = cKDTree(eyeball).query(out, NEIGHBOURS)
            least_m = radius_m[nearest].max(axis=1) + THICKNESS_M
            inside = distance_m < least_m
            points[lid[inside]] = centre + least_m[inside, None] * out[inside]
        return points


def _polar(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return directions (N, 3) and lengths (N,)."""
    lengths = np.linalg.norm(offsets, axis=1)
    return offsets / lengths[:, None], lengths
