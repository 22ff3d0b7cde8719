# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How large one person's head is, and of what shape, from all images of it so far.

Without depth everybody is taken for an average adult. Once depth was measured the size is kept
with the id, so that images without depth (holes, out of range, a sensor that stops) stay metric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.confidence import DISTANCE_SIGMA_RATIO

# The error of one image's size, and what of it stays in all images of a person: the model's
# relief is not quite this person's
MEASURED_SIGMA, LEAST_SIGMA = 0.03, 0.015
# Neighbouring images err alike: those of so long a time count as one
ALIKE_S = 0.5
# Nobody's head grows; what changes is how it is measured. So many images are remembered
MOST_IMAGES = 60.0


@dataclass(slots=True)
class SlowMean:
    """
    The mean of what images say of something that does not change.

    value: of any kind that can be added. images: how many independent ones it is the mean of.
    """

    value: float | np.ndarray = 0.0
    images: float = 0.0
    since_s: float = 0.0

    def predict(self, step_s: float) -> None:
        """Let time pass."""
        self.since_s += max(step_s, 0.0)

    def take(self, found: float | np.ndarray, weight: float = 1.0) -> None:
        """Take in what one image says; weight 0..1: how much it counts."""
        news = min(self.since_s / ALIKE_S, 1.0) if self.images else 1.0
        self.since_s = 0.0
        total = self.images + weight * news
        if total > 0:
            self.value = self.value + weight * news / total * (found - self.value)
        self.images = min(total, MOST_IMAGES)


@dataclass(slots=True)
class HeadSize:
    """
    A head's size relative to the face model's.

    assumed: the size taken while nothing was measured. log_ratio: mean logarithm of the measured
    sizes relative to it.
    """

    assumed: float
    log_ratio: SlowMean = field(default_factory=SlowMean)

    @property
    def measured(self) -> bool:
        """Whether it was measured at all."""
        return self.log_ratio.images > 0

    @property
    def scale(self) -> float:
        """The head's size relative to the face model's."""
        return self.assumed * math.exp(self.log_ratio.value)

    @property
    def sigma(self) -> float:
        """Its relative standard deviation."""
        if not self.measured:
            return DISTANCE_SIGMA_RATIO
        return math.hypot(LEAST_SIGMA, MEASURED_SIGMA / math.sqrt(self.log_ratio.images))

    def assume(self, scale: float) -> None:
        """Assume another size; what was measured stays."""
        if self.measured:
            self.log_ratio.value -= math.log(scale / self.assumed)
        self.assumed = scale

    def predict(self, step_s: float) -> None:
        """Let time pass."""
        self.log_ratio.predict(step_s)

    def measure(self, scale: float, sigma: float) -> None:
        """Take in a size with its relative standard deviation."""
        # an average adult is no measurement of a child: the first size counts alone
        weight = min(MEASURED_SIGMA / max(sigma, 1e-9), 1.0) ** 2
        self.log_ratio.take(math.log(scale / self.assumed), weight)
