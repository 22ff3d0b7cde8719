# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where glasses rest on heads of the ICT face model."""
from __future__ import annotations

import numpy as np

from model_building.network.glasses import Wearer
from model_building.network.ict_surface import SKIN, Surface


class Wearers:
    """Finds eyes, ears and face of heads of one surface."""

    def __init__(self, surface: Surface) -> None:
        x, y, z = surface.neutral.T
        skin = surface.parts[:, SKIN] > 0.99
        self.ears = skin & (np.abs(x) > 0.071) & (np.abs(y - 0.015) < 0.05) & (np.abs(z) < 0.04)
        self._ear_tops = np.array([
            np.where(self.ears & (side * x > 0) & (z < 0.02), y, -1).argmax()
            for side in (-1, 1)
        ])
        self._front = skin & (z > 0.02)
        self._balls = [surface.eyes[:, side] > 0.99 for side in (1, 0)]

    def __call__(self, points: np.ndarray) -> Wearer:
        """Return where glasses rest on a head (N, 3)."""
        balls = [points[ball].mean(axis=0) for ball in self._balls]
        return Wearer(np.stack(balls), points[self._ear_tops], points[self._front])
