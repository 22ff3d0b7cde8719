# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How large one person's head is, and of what shape, from all images of it so far.

Without depth everybody is taken for an average adult, as far as the irises do not say otherwise.
Once depth was measured the size is kept with the id, so that images without depth (holes, out of
range, a sensor that stops) stay metric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.confidence import DISTANCE_SIGMA_RATIO

# By depth: how well the face that was fitted is as wide as the one that is seen, the same in all
# images of a person (the prior of src_cpp/depth_alignment.cpp)
APPARENT_SIGMA = 0.1
# With that prior sizes are less doubtful than the least squares say, by this factor; and what is
# left in all images: the model's relief is not quite this person's
SIZE_DOUBT, LEAST_SIGMA = 0.4, 0.015
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
        """Take in what one image says; weight: how much it counts."""
        news = min(self.since_s / ALIKE_S, 1.0) if self.images else 1.0
        self.since_s = 0.0
        total = self.images + weight * news
        if total > 0:
            self.value = self.value + weight * news / total * (found - self.value)
        self.images = min(total, MOST_IMAGES * max(weight, 1.0))


@dataclass(slots=True)
class HeadSize:
    """
    A head's size relative to the face model's.

    assumed: the size taken while nothing was measured. Of logarithms of sizes relative to it:
    apparent, relief (in units of information) by depth; iris.
    """

    assumed: float
    apparent: SlowMean = field(default_factory=SlowMean)
    relief: SlowMean = field(default_factory=SlowMean)
    iris: SlowMean = field(default_factory=SlowMean)
    iris_sigmas: tuple[float, float] = (1.0, 1.0)

    @property
    def measured(self) -> bool:
        """Whether depth measured it at all."""
        return self.apparent.images > 0

    @property
    def by_iris(self) -> bool:
        """Whether irises, and no depth, say something of it."""
        return not self.measured and self.iris.images > 0

    @property
    def scale(self) -> float:
        """The head's size relative to the face model's."""
        return self.assumed * math.exp(self._estimate()[0])

    @property
    def apparent_scale(self) -> float:
        """Of what size a head as large as this one looks would be: what its distance is by."""
        if not self.measured:
            return self.scale
        return self.assumed * math.exp(float(self.apparent.value))

    @property
    def sigma(self) -> float:
        """Its relative standard deviation."""
        return math.sqrt(self._estimate()[1])

    def _estimate(self) -> tuple[float, float]:
        """Return logarithm of size over assumed size, and its variance."""
        if self.measured:
            # an average adult is no measurement of a child: depth counts alone
            looks, relief = APPARENT_SIGMA**-2, self.relief.images
            log_ratio = float(looks * self.apparent.value + relief * self.relief.value)
            log_ratio /= looks + relief
            return log_ratio, LEAST_SIGMA**2 + SIZE_DOUBT**2 / (looks + relief)
        prior = DISTANCE_SIGMA_RATIO**2
        if not self.iris.images:
            return 0.0, prior
        one, lasting = self.iris_sigmas
        iris = lasting**2 + one**2 / self.iris.images
        return float(self.iris.value) * prior / (prior + iris), prior * iris / (prior + iris)

    def assume(self, scale: float) -> None:
        """Assume another size; what was measured stays."""
        for mean in (self.apparent, self.relief, self.iris):
            if mean.images:
                mean.value -= math.log(scale / self.assumed)
        self.assumed = scale

    def predict(self, step_s: float) -> None:
        """Let time pass."""
        for mean in (self.apparent, self.relief, self.iris):
            mean.predict(step_s)

    def measure(self, apparent: float, relief: float, relief_sigma: float) -> None:
        """
        Take in a size by one depth image, relative to the face model's.

        :param apparent: by how large the face looks at the measured distance
        :param relief: by the measured relief alone, with relative standard deviation relief_sigma
        """
        self.apparent.take(math.log(apparent / self.assumed))
        self.relief.take(math.log(relief / self.assumed), relief_sigma**-2)

    @property
    def iris_due(self) -> bool:
        """Whether irises should be measured again: not with depth, nor for images alike."""
        if self.measured:
            return False
        return not self.iris.images or (
            self.iris.since_s >= ALIKE_S and self.iris.images < MOST_IMAGES
        )

    def measure_iris(self, scale: float, one_sigma: float, lasting_sigma: float) -> None:
        """
        Take in a size by irises.

        :param one_sigma: relative error of one image; lasting_sigma: what stays in all images
        """
        self.iris.take(math.log(scale / self.assumed))
        self.iris_sigmas = one_sigma, lasting_sigma
