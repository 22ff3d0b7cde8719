# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Normals of a mesh."""

from __future__ import annotations

import numpy as np


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """
    Return the unit normals (V, 3) float64 of vertices, weighted by area; 0 where no triangle is.

    :param points: (V, 3)
    :param triangles: (T, 3), counter-clockwise seen from outside
    """
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    across = np.tile(np.cross(b - a, c - a), (3, 1))
    # one corner after the other: files that are built keep their bytes
    corners = triangles.T.ravel()
    sums = np.column_stack(
        [np.bincount(corners, across[:, axis], len(points)) for axis in range(3)]
    )
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(length > 0, length, 1.0))
