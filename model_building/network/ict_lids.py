# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Lids of the ICT face model's heads, laid over the eyeballs.

The model adds shapes of identity and expression linearly, so lids of many people cut through the
eyeballs, shut ones most of all: eyes then show through them.
"""
from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from model_building.network.ict_surface import SKIN, Surface

THICKNESS_M = 0.0004
"""How far from an eyeball lids lie at least."""
NEAR_M = 0.01
"""Skin that lies further from the eyeballs on the neutral head is not of lids."""


class Lids:
    """The skin around the eyes of a surface."""

    def __init__(self, surface: Surface) -> None:
        skin = surface.parts[:, SKIN] > 0.99
        self._balls = [np.flatnonzero(surface.eyes[:, side] > 0.99) for side in range(2)]
        self._lids = []
        for ball in self._balls:
            centre, radius_m = _centre_and_size(surface.neutral[ball])
            away = np.linalg.norm(surface.neutral - centre, axis=1)
            self._lids.append(np.flatnonzero(skin & (away < radius_m + NEAR_M)))

    def over_eyes(self, points: np.ndarray) -> np.ndarray:
        """Return vertices (N, 3) of a subdivided head, lids moved out of its eyeballs."""
        points = points.copy()
        for ball, lids in zip(self._balls, self._lids, strict=True):
            centre, _ = _centre_and_size(points[ball])
            out = points[lids] - centre
            away = np.linalg.norm(out, axis=1, keepdims=True)
            out = out / away
            least = _radii(points[ball] - centre, out)[:, None] + THICKNESS_M
            points[lids] = centre + np.maximum(away, least) * out
        return points


def _centre_and_size(ball: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the middle (3,) of an eyeball's vertices and half its largest extent."""
    low, high = ball.min(axis=0), ball.max(axis=0)
    return (low + high) / 2, float((high - low).max()) / 2


def _radii(ball: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return how far (N,) an eyeball reaches from the origin in unit directions (N, 3)."""
    sides = ConvexHull(ball).equations
    towards = directions @ sides[:, :3].T / -sides[:, 3]
    return np.asarray(1 / towards.max(axis=1))
