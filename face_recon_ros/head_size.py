"""
How large one person's head is, from all images of it so far.

Without depth everybody is taken for an average adult. Once depth was measured the size is kept
with the id, so that images without depth (holes, out of range, a sensor that stops) stay metric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from face_recon_ros.confidence import DISTANCE_SIGMA_RATIO

# The error of one image's size, and what of it stays in all images of a person: the model's
# relief is not quite this person's
MEASURED_SIGMA, LEAST_SIGMA = 0.03, 0.015
# Neighbouring images err alike: those of so long a time count as one
ALIKE_S = 0.5
# Nobody's head grows; what changes is how it is measured. So many images are remembered
MOST_IMAGES = 60.0


@dataclass(slots=True)
class HeadSize:
    """
    The mean logarithm of a head's size relative to the face model's.

    assumed: the size taken while nothing was measured, relative to the model's. images: how many
    independent ones the mean is of.
    """

    assumed: float
    log_ratio: float = 0.0
    images: float = 0.0
    since_s: float = 0.0

    @property
    def measured(self) -> bool:
        """Whether it was measured at all."""
        return self.images > 0

    @property
    def scale(self) -> float:
        """The head's size relative to the face model's."""
        return self.assumed * math.exp(self.log_ratio)

    @property
    def sigma(self) -> float:
        """Its relative standard deviation."""
        if not self.measured:
            return DISTANCE_SIGMA_RATIO
        return math.hypot(LEAST_SIGMA, MEASURED_SIGMA / math.sqrt(self.images))

    def predict(self, step_s: float) -> None:
        """Let time pass."""
        self.since_s += max(step_s, 0.0)

    def measure(self, scale: float, sigma: float) -> None:
        """Take in a size with its relative standard deviation."""
        found = math.log(scale / self.assumed)
        # an average adult is no measurement of a child
        news = min(self.since_s / ALIKE_S, 1.0) if self.measured else 1.0
        images = news * min(MEASURED_SIGMA / max(sigma, 1e-9), 1.0) ** 2
        self.since_s = 0.0
        total = self.images + images
        if total > 0:
            self.log_ratio += images / total * (found - self.log_ratio)
        self.images = min(total, MOST_IMAGES)
