# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Points on the mesh: normals, closest points, barycentric embeddings."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree


@dataclass(frozen=True, slots=True)
class Embedding:
    """Points tied to a mesh: each a weighted sum of three vertices."""

    vertices: np.ndarray
    """(m,3) int64."""
    weights: np.ndarray
    """(m,3) float64, rows sum to one."""

    def of(self, field: np.ndarray) -> np.ndarray:
        """Interpolate a field (...,V,3) over the vertices; returns (...,m,3)."""
        return np.einsum('mk,...mkx->...mx', self.weights, field[..., self.vertices, :])


class Surface:
    """Finds closest points on part of a mesh."""

    NEIGHBOURS = 12

    def __init__(self, triangles: np.ndarray, vertex_count: int,
                 neighbours: int = NEIGHBOURS) -> None:
        """Look only at `triangles` (t,3), those around so many vertices nearest to a target."""
        self._neighbours = neighbours
        self._triangles = triangles
        self._used = np.unique(triangles)
        order = np.argsort(triangles.ravel(), kind='stable')
        owner = order // 3
        start = np.searchsorted(triangles.ravel()[order], np.arange(vertex_count + 1))
        degree = int(np.diff(start).max())
        slot = np.minimum(start[:-1, None] + np.arange(degree), start[1:, None] - 1)
        self._around = owner[np.clip(slot, 0, len(owner) - 1)]

    def closest(self, targets: np.ndarray, points: np.ndarray,
                facing: tuple[np.ndarray, np.ndarray] | None = None) -> Embedding:
        """
        Return the nearest points on the surface to targets (m,3), vertices at points (V,3).

        facing: normals of targets (m,3) and vertices (V,3), times a length in metres: being as far
        from the target as that counts as much as being turned from it by 60 degrees.
        """
        places, wanted = points, targets
        if facing is not None:
            wanted = np.hstack([targets, facing[0]])
            places = np.hstack([points, facing[1]])
        _, near = cKDTree(places[self._used]).query(wanted, k=self._neighbours)
        candidates = self._triangles[self._around[self._used[near]].reshape(len(targets), -1)]
        corner = points[candidates]
        edge_1 = corner[..., 1, :] - corner[..., 0, :]
        edge_2 = corner[..., 2, :] - corner[..., 0, :]
        towards = targets[:, None] - corner[..., 0, :]
        d11, d22 = (edge_1 ** 2).sum(-1), (edge_2 ** 2).sum(-1)
        d12 = (edge_1 * edge_2).sum(-1)
        t1, t2 = (towards * edge_1).sum(-1), (towards * edge_2).sum(-1)
        scale = 1 / np.maximum(d11 * d22 - d12 * d12, 1e-30)
        second, third = (d22 * t1 - d12 * t2) * scale, (d11 * t2 - d12 * t1) * scale
        # Outside the triangle the clipped weights are near, not exactly at, the closest point.
        weights = np.clip(np.stack([1 - second - third, second, third], axis=-1), 0, None)
        weights /= weights.sum(axis=-1, keepdims=True)
        found = np.einsum('mck,mckx->mcx', weights, corner)
        cost = ((found - targets[:, None]) ** 2).sum(-1)
        if facing is not None:
            normals = np.einsum('mck,mckx->mcx', weights, facing[1][candidates])
            cost += ((normals - facing[0][:, None]) ** 2).sum(-1)
        best = cost.argmin(axis=1)
        row = np.arange(len(targets))
        return Embedding(candidates[row, best], weights[row, best])


def closest_on_edges(targets: np.ndarray, edges: np.ndarray, points: np.ndarray) -> Embedding:
    """Return the nearest points on edges (e,2) to targets (m,3); the third weight is zero."""
    start, along = points[edges[:, 0]], points[edges[:, 1]] - points[edges[:, 0]]
    part = ((targets[:, None] - start) * along).sum(-1) / (along ** 2).sum(-1)
    part = np.clip(part, 0, 1)
    distance = ((start + part[..., None] * along - targets[:, None]) ** 2).sum(-1)
    best = distance.argmin(axis=1)
    second = part[np.arange(len(targets)), best]
    pair = edges[best]
    return Embedding(np.column_stack([pair, pair[:, 1]]),
                     np.column_stack([1 - second, second, np.zeros(len(targets))]))
