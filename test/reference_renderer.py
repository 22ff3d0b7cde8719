# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A plain, slow renderer to hold the C++ one against: exact coverage, one pixel at a time.

It shares no code and no shortcuts with it: Python integers for coverage, float64 for the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

SUBPIXELS = 16


@dataclass
class Picture:
    """What covers each pixel: depth order value, weights of the corners, their indices."""

    nearness: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    covered_by: list[list[int]] = field(default_factory=list)

    @property
    def mask(self) -> np.ndarray:
        return np.isfinite(self.nearness)

    def interpolate(self, per_vertex: np.ndarray) -> np.ndarray:
        """(H, W, ...) of per_vertex (V, ...); rubbish outside the mask."""
        values = per_vertex.astype(np.float64)[self.corners]
        return np.einsum('hwk,hwk...->hw...', self.weights, values)


def rasterise(
    triangles: np.ndarray, vertices: np.ndarray, size: tuple[int, int], nearness: np.ndarray
) -> Picture:
    """Cover (H, W) pixels with front-facing triangles, largest nearness (V,) in front."""
    height, width = size
    picture = Picture(np.full(size, -np.inf), np.zeros((*size, 3), int), np.zeros((*size, 3)))
    picture.covered_by = [[] for _ in range(height * width)]
    for number, triangle in enumerate(triangles):
        # Clockwise with y down, so that inside is positive.
        corners = [int(triangle[0]), int(triangle[2]), int(triangle[1])]
        points = vertices[corners].astype(np.float64)
        if not (np.abs(points) <= 2**20).all():
            continue
        snapped = [tuple(math.floor(c * SUBPIXELS + 0.5) for c in p[:2]) for p in points]
        area = _cross(snapped[0], snapped[1], snapped[2])
        if area <= 0:
            continue
        xs, ys = zip(*snapped, strict=True)
        for y in range(max(0, -(-min(ys) // SUBPIXELS)), min(height - 1, max(ys) // 16) + 1):
            for x in range(max(0, -(-min(xs) // SUBPIXELS)), min(width - 1, max(xs) // 16) + 1):
                weights = _weights(snapped, (x * SUBPIXELS, y * SUBPIXELS))
                if weights is None:
                    continue
                picture.covered_by[y * width + x].append(number)
                weights = np.array(weights) / area
                near = float(weights @ nearness[corners])
                if near > picture.nearness[y, x]:
                    picture.nearness[y, x] = near
                    picture.corners[y, x] = corners
                    picture.weights[y, x] = weights
    return picture


def _cross(a: tuple, b: tuple, c: tuple) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])


def _weights(corners: list[tuple], point: tuple) -> list[int] | None:
    """Doubled areas opposite to each corner, None when the top-left rule excludes the point."""
    weights = []
    for k in range(3):
        start, end = corners[(k + 1) % 3], corners[(k + 2) % 3]
        side = _cross(start, end, point)
        dx, dy = end[0] - start[0], end[1] - start[1]
        top_left = dy < 0 or (dy == 0 and dx > 0)
        if side < 0 or (side == 0 and not top_left):
            return None
        weights.append(side)
    return weights


def vertex_light(
    triangles: np.ndarray,
    vertices: np.ndarray,
    light: tuple,
    ambient: float,
    diffuse: float,
    specular: float,
) -> np.ndarray:
    """Light (V,) of the documented shading with area-weighted normals."""
    points = vertices.astype(np.float64) * (1, -1, 1)
    normals = np.zeros_like(points)
    a, b, c = (points[triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    for k in range(3):
        np.add.at(normals, triangles[:, k], faces)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    towards = np.array(light) * (1, -1, 1)
    towards = towards / np.linalg.norm(towards)
    halfway = towards + np.array([0, 0, 1])
    halfway /= np.linalg.norm(halfway)
    lambert = np.maximum(0, normals @ towards)
    shine = np.maximum(0, normals @ halfway) ** 16
    return np.clip(ambient + diffuse * lambert + specular * shine, 0, 2)


def shade(color: np.ndarray, light: np.ndarray) -> np.ndarray:
    """BGR (..., 3) of color (..., 3) under light (...)."""
    plain = np.minimum(light, 1)[..., np.newaxis]
    excess = np.maximum(light - 1, 0)[..., np.newaxis]
    return color * plain + (255 - color) * excess
