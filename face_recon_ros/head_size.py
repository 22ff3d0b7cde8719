# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How large one person's head is, from all images of it so far.

Without depth everybody is taken for an average adult. Once depth was measured the size is kept
with the id, so that images without depth (holes, out of range, a sensor that stops) stay metric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from face_recon_ros.confidence import DISTANCE_SIGMA_RATIO

# A measured size is as good as the model's relief is this person's: neighbouring images err alike,
# so that more of them make it no better than the least sigma
MEASURED_SIGMA, LEAST_SIGMA = 0.03, 0.015
# Nobody's head grows; what changes is how it is measured. Per square root of a second
DRIFT_SIGMA = 0.002


@dataclass(slots=True)
class HeadSize:
    """
    A Kalman filter of the logarithm of a head's size relative to the face model's.

    assumed: the size taken while nothing was measured, relative to the model's.
    """

    assumed: float
    log_ratio: float = 0.0
    sigma: float = DISTANCE_SIGMA_RATIO
    measured: bool = False

    @property
    def scale(self) -> float:
        """The head's size relative to the face model's."""
        return self.assumed * math.exp(self.log_ratio)

    def predict(self, step_s: float) -> None:
        """Let time pass."""
        if self.measured:
            self.sigma = math.hypot(self.sigma, DRIFT_SIGMA * math.sqrt(max(step_s, 0.0)))

    def measure(self, scale: float, sigma: float) -> None:
        """Take in a size with its relative standard deviation."""
        found = math.log(scale / self.assumed)
        sigma = max(sigma, MEASURED_SIGMA)
        if not self.measured:
            # an average adult is no measurement of a child
            self.log_ratio, self.sigma, self.measured = found, sigma, True
            return
        gain = self.sigma**2 / (self.sigma**2 + sigma**2)
        self.log_ratio += gain * (found - self.log_ratio)
        self.sigma = max(math.sqrt(1 - gain) * self.sigma, LEAST_SIGMA)
