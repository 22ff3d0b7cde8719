# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A small orthographic depth buffer, for asking which vertices can be seen from where."""
from __future__ import annotations

import numpy as np

from face_recon_ros.rotations import rotation_about


def rotation_yaw_pitch(yaw_deg: float, pitch_deg: float) -> np.ndarray:
    """Return the (3,3) rotation of a head turned by yaw about y, then by pitch about x."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    return rotation_about('x', pitch) @ rotation_about('y', yaw)


def rasterize_depth(points_px: np.ndarray, triangles: np.ndarray, size_px: int) -> np.ndarray:
    """
    Return the largest z at each pixel, (size_px,size_px) float64, -inf where nothing is.

    points_px (n,3): x right, y down, z towards the viewer. Triangles of either orientation are
    drawn; pixel centres are at integer coordinates.
    """
    corners = points_px[triangles]
    low = np.ceil(corners[:, :, :2].min(axis=1)).astype(np.int64)
    high = np.floor(corners[:, :, :2].max(axis=1)).astype(np.int64)
    edge_1, edge_2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    determinant = edge_1[:, 0] * edge_2[:, 1] - edge_1[:, 1] * edge_2[:, 0]
    extent = (high - low + 1).max(axis=1)
    drawable = ((high >= low).all(axis=1) & (np.abs(determinant) > 1e-12)
                & (low >= 0).all(axis=1) & (high < size_px).all(axis=1))
    buffer = np.full(size_px * size_px, -np.inf)
    done = 0
    for side in (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128):
        chosen = np.flatnonzero(drawable & (extent > done) & (extent <= side))
        done = side
        offset_y, offset_x = (grid.ravel() for grid in np.mgrid[:side, :side])
        for part in np.array_split(chosen, max(1, chosen.size * side * side // 2_000_000)):
            x = low[part, 0, None] + offset_x
            y = low[part, 1, None] + offset_y
            dx, dy = x - corners[part, 0, 0, None], y - corners[part, 0, 1, None]
            a = (dx * edge_2[part, 1, None] - dy * edge_2[part, 0, None]) \
                / determinant[part, None]
            b = (dy * edge_1[part, 0, None] - dx * edge_1[part, 1, None]) \
                / determinant[part, None]
            inside = (a >= -1e-9) & (b >= -1e-9) & (a + b <= 1 + 1e-9)
            z = (corners[part, 0, 2, None] + a * edge_1[part, 2, None]
                 + b * edge_2[part, 2, None])
            np.maximum.at(buffer, (y * size_px + x)[inside], z[inside])
    return buffer.reshape(size_px, size_px)


def visible_vertices(points: np.ndarray, triangles: np.ndarray, rotation: np.ndarray,
                     resolution: float, tolerance: float) -> np.ndarray:
    """
    Return which vertices (n,) bool are in sight for a viewer far out on the rotated z axis.

    resolution is the pixel size and tolerance the depth by which a vertex may lie behind the
    nearest surface, both in the unit of `points` (n,3).
    """
    turned = points @ rotation.T * [1, -1, 1]
    low = turned.min(axis=0)
    turned = (turned - low) / resolution + 2
    size = int(np.ceil(turned[:, :2].max())) + 3
    buffer = rasterize_depth(turned, triangles, size)
    column, row = np.rint(turned[:, 0]).astype(int), np.rint(turned[:, 1]).astype(int)
    return turned[:, 2] >= buffer[row, column] - tolerance / resolution
