# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The line where the lips touch: finding it, closing it, pairing its vertices."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from model_building.face_model.correspondence import Creases

OVERLAP_M = 0.0003
"""How far the lips of the mean reach into each other, so that small errors show no slit."""
REACH_M = 0.008
"""Above and below the line, how far the correction fades out."""
SAMPLES = 61
WINDOW_M = 0.0012
PAIR_COUNT = 12
"""Pairs on each side of the middle."""


@dataclass(frozen=True, slots=True)
class ContactLine:
    """Lower edge of the upper lip and upper edge of the lower lip over x >= 0, metres."""

    x: np.ndarray
    upper_y: np.ndarray
    lower_y: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """Return the open height at each x, negative where the lips overlap."""
        return self.upper_y - self.lower_y


def contact_line(points: np.ndarray, creases: Creases) -> ContactLine:
    """Sample the lips of a face (V,3), metres, from the middle to the corner."""
    upper, lower = points[creases.upper_lip], points[creases.lower_lip]
    x = np.linspace(0, min(upper[:, 0].max(), lower[:, 0].max()), SAMPLES)

    def edge(lip: np.ndarray, sign: float) -> np.ndarray:
        near = np.abs(lip[:, 0] - x[:, None]) < WINDOW_M
        lowest = np.where(near, sign * lip[:, 1], np.inf).min(axis=1)
        known = np.isfinite(lowest)
        return sign * np.interp(x, x[known], lowest[known])

    smooth = [gaussian_filter1d(edge(lip, sign), 1.5, mode='nearest')
              for lip, sign in ((upper, 1.0), (lower, -1.0))]
    return ContactLine(x, smooth[0], smooth[1])


def close_lips(points: np.ndarray, creases: Creases) -> np.ndarray:
    """Return the face (V,3) with each lip moved half way to the other, symmetric, smooth."""
    line = contact_line(points, creases)
    side = np.abs(points[:, 0])
    middle = np.interp(side, line.x, (line.upper_y + line.lower_y) / 2)
    excess = np.interp(side, line.x, line.gap + OVERLAP_M)
    beyond = np.clip(side - line.x[-1], 0, None)
    front = points[creases.upper_lip, 2].min() - 2 * REACH_M
    height = points[:, 1] - middle
    fade = np.exp(-(height / REACH_M) ** 2 - (beyond / (REACH_M / 3)) ** 2)
    fade *= points[:, 2] > front
    # Which lip a vertex belongs to, without a jump across the cavity behind the line.
    belongs = np.clip(height / 2e-4, -1, 1)
    moved = points.copy()
    moved[:, 1] -= belongs * fade * excess / 2
    return moved


def lip_pairs(points: np.ndarray, creases: Creases,
              mirror: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return facing vertices (n,) of upper and lower lip, from the right corner to the left."""
    line = contact_line(points, creases)
    at = np.linspace(0, line.x[-1], PAIR_COUNT + 1)

    def nearest(crease: np.ndarray, edge_y: np.ndarray) -> np.ndarray:
        places = np.stack([at, np.interp(at, line.x, edge_y)], axis=1)
        distance = np.linalg.norm(points[crease, None, :2] - places, axis=2)
        distance[points[crease, 0] > 1e-9, 0] = np.inf
        return crease[distance.argmin(axis=0)]

    upper, lower = nearest(creases.upper_lip, line.upper_y), nearest(creases.lower_lip,
                                                                     line.lower_y)
    return (np.concatenate([mirror[upper[:0:-1]], upper]),
            np.concatenate([mirror[lower[:0:-1]], lower]))
