# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The drawn surface of the ICT face model's heads, finer, and what lies where on it."""
from __future__ import annotations

from itertools import pairwise

import numpy as np

from model_building.face_model import ict_model
from model_building.face_model.ict_model import IctModel

PART_COUNT = 5
SKIN, MOUTH, EYE_SOCKETS, GUMS, TEETH = range(PART_COUNT)
"""Columns of Surface.parts."""


class Subdivision:
    """Quads into eight triangles each: colours are of vertices."""

    def __init__(self, quads: np.ndarray, fine: slice | None = None) -> None:
        """
        Prepare for quads (Q, 4) of the drawn vertices.

        :param fine: only quads of these vertices alone are divided, the others are cut in two
        """
        divided = np.ones(len(quads), bool)
        if fine is not None:
            divided = ((quads >= fine.start) & (quads < fine.stop)).all(axis=1)
        whole, quads = quads[~divided], quads[divided]
        edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1), axis=-1)
        self._edges, inverse = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
        self._quads = quads
        count = ict_model.DRAWN_COUNT
        middle = count + inverse.reshape(-1, 4)
        centre = count + len(self._edges) + np.arange(len(quads))
        parts = []
        for k in range(4):
            before = middle[:, k - 1]
            parts.append(np.column_stack([quads[:, k], middle[:, k], centre]))
            parts.append(np.column_stack([quads[:, k], centre, before]))
        parts += [whole[:, [0, 1, 2]], whole[:, [0, 2, 3]]]
        triangles = np.concatenate(parts).astype(np.int32)
        # a triangle's third corner stands in for its fourth
        self.triangles = triangles[triangles[:, 1] != triangles[:, 2]]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return values (V, C) at the vertices as those of all vertices."""
        values = values[: ict_model.DRAWN_COUNT]
        return np.concatenate([
            values, values[self._edges].mean(axis=1), values[self._quads].mean(axis=1)
        ])


class Surface:
    """
    The subdivided head of N vertices.

    neutral (N, 3). parts (N, 5), eyes (N, 2) left and right: 1 where a vertex belongs there.
    hair (N,): 0..1, where it grows. triangles (T, 3).
    """

    def __init__(self, model: IctModel, fine: slice | None = None) -> None:
        """:param fine: see Subdivision"""
        self.model = model
        self.subdivide = Subdivision(model.quads, fine)
        self.triangles = self.subdivide.triangles
        self.neutral = self.subdivide(model.neutral)
        part = np.zeros((len(model.neutral), PART_COUNT))
        for column, vertices in enumerate((
            ict_model.SKIN, ict_model.MOUTH, ict_model.EYE_SOCKETS, ict_model.GUMS,
            ict_model.TEETH,
        )):
            part[vertices, column] = 1
        self.parts = self.subdivide(part)
        eyes = np.zeros((len(model.neutral), 2))
        eyes[ict_model.LEFT_EYE, 0] = eyes[ict_model.RIGHT_EYE, 1] = 1
        self.eyes = self.subdivide(eyes)
        self.hair = scalp(self.neutral) * (self.parts[:, SKIN] > 0.99)

    def __len__(self) -> int:
        return len(self.neutral)


def scalp(points: np.ndarray) -> np.ndarray:
    """Return 0..1 (N,): where hair grows on the neutral head."""
    x, y, z = points.T
    azimuth = np.degrees(np.arctan2(np.abs(x), z))
    line = np.interp(azimuth, (0, 35, 55, 68, 80, 95, 180),
                     (0.092, 0.088, 0.06, 0.03, 0.045, -0.02, -0.045))
    ear = (np.abs(x) > 0.072) & (y < 0.065) & (y > -0.04) & (np.abs(z) < 0.04)
    return step(y - line, 0.0, 0.008) * ~ear


def step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 below low, 1 above high, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return those (A, B) of points (A, 3) to others (B, 3)."""
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def distance_to_line(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return the distance (N,) of points to a polyline (K, 3)."""
    nearest = np.full(len(points), np.inf)
    for a, b in pairwise(line):
        way = b - a
        part = np.clip((points - a) @ way / max(way @ way, 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - a - part[:, None] * way, axis=1))
    return nearest


def smooth_noise(points: np.ndarray, rng: np.random.Generator, size_m: float) -> np.ndarray:
    """Return about N(0, 1) (N,) that varies over size_m in space."""
    waves = rng.normal(0, 1 / size_m, (24, 3))
    phases = rng.uniform(0, 2 * np.pi, 24)
    return np.cos(points @ waves.T + phases).sum(axis=1) / np.sqrt(12)
