# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Fields over a mesh that bend as little as a thin plate, and are symmetric about x = 0."""
from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu


def thin_plate(points: np.ndarray, triangles: np.ndarray) -> tuple[sparse.csc_array, np.ndarray]:
    """Return the bending energy of fields over a mesh (V,V), and the area of each vertex (V,)."""
    count = len(points)
    corner = points[triangles]
    laplacian = sparse.csr_array((count, count))
    area = np.zeros(count)
    for k in range(3):
        a, b, c = corner[:, k], corner[:, (k + 1) % 3], corner[:, (k + 2) % 3]
        cross = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        # Slivers would make stiffer than everything else.
        half_cotangent = np.clip(((b - a) * (c - a)).sum(axis=1) / np.maximum(cross, 1e-14),
                                 0.05, 5) / 2
        i, j = triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3]
        one = sparse.csr_array((half_cotangent, (i, j)), shape=(count, count))
        laplacian = laplacian + one + one.T
        area += np.bincount(triangles[:, k], cross / 6, count)
    laplacian = sparse.csr_array(sparse.diags(np.asarray(laplacian.sum(axis=1)).ravel())
                                 - laplacian)
    inverse = sparse.diags(1 / np.maximum(area, np.percentile(area[area > 0], 5)))
    return sparse.csc_array(laplacian @ inverse @ laplacian), area


class SymmetricSolver:
    """Solves for fields that are symmetric about x = 0, with half the unknowns."""

    def __init__(self, mirror: np.ndarray, points: np.ndarray) -> None:
        left = np.flatnonzero(points[:, 0] > 1e-9)
        middle = np.flatnonzero(np.abs(points[:, 0]) <= 1e-9)
        right = mirror[left]
        count, known = len(points), len(left)

        def spread(sign: float, rows: np.ndarray) -> sparse.csc_array:
            columns = np.concatenate([np.arange(known), np.arange(known), np.arange(known, len(
                rows) - known)])
            values = np.concatenate([np.ones(known), np.full(known, sign),
                                     np.ones(len(rows) - 2 * known)])
            return sparse.csc_array((values, (rows, columns)),
                                    shape=(count, len(rows) - known))

        self._odd = spread(-1, np.concatenate([left, right]))
        self._even = spread(1, np.concatenate([left, right, middle]))

    def solve(self, system: sparse.csc_array, right_hand_side: np.ndarray) -> np.ndarray:
        """Return the field (V,3) with system @ field = right_hand_side (V,3), both symmetric."""
        field = np.empty_like(right_hand_side)
        for spread, axes in ((self._odd, [0]), (self._even, [1, 2])):
            reduced = sparse.csc_array(spread.T @ system @ spread)
            factors = splu(reduced, permc_spec='MMD_AT_PLUS_A', diag_pivot_thresh=0.0,
                           options={'SymmetricMode': True})
            field[:, axes] = spread @ factors.solve(spread.T @ right_hand_side[:, axes])
        return field
