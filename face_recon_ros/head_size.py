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

from face_recon_ros import _renderer
from face_recon_ros.confidence import DISTANCE_SIGMA_RATIO
from face_recon_ros.equality import ComparedByValue

# By depth: faces are fitted so much wider than the skin at the same places is, on the mean of
# rendered heads of known size (model_building/evaluation/depth_streams.py), and so well is one as
# wide as its skin, the same in all images of a person
WIDER, APPARENT_SIGMA = 0.016, 0.018
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

    def take(self, found: float | np.ndarray) -> None:
        """Take in what one image says."""
        news = min(self.since_s / ALIKE_S, 1.0) if self.images else 1.0
        self.since_s = 0.0
        total = self.images + news
        self.value = self.value + news / total * (found - self.value)
        self.images = min(total, MOST_IMAGES)


@dataclass(slots=True, frozen=True, eq=False)
class Relief(ComparedByValue):
    """
    What depth says of a head's size and of its face's relief together: normal equations.

    information (1 + K, 1 + K), vector (1 + K,): of the logarithm of the skin's size relative to
    the mean face's, and of K modes of its relief, each of which has the variance 1 among people.
    """

    information: np.ndarray
    vector: np.ndarray


@dataclass(slots=True)
class InformationSum:
    """What reliefs of one person say together; images: how many independent ones they are."""

    found: Relief | None = None
    images: float = 0.0
    since_s: float = 0.0

    @property
    def news(self) -> float:
        """How much the next image tells, 0..1."""
        return 1.0 if self.found is None else min(self.since_s / ALIKE_S, 1.0)

    def predict(self, step_s: float) -> None:
        """Let time pass."""
        self.since_s += max(step_s, 0.0)

    def take(self, relief: Relief) -> None:
        """Take in what one image says."""
        if self.found is None:
            self.found, self.images, self.since_s = relief, 1.0, 0.0
            return
        news = self.news
        total = self.images + news
        kept = min(MOST_IMAGES / total, 1.0)
        self.found = Relief(
            kept * (self.found.information + news * relief.information),
            kept * (self.found.vector + news * relief.vector),
        )
        self.images, self.since_s = kept * total, 0.0


@dataclass(slots=True)
class HeadSize:
    """
    A head's size relative to the face model's.

    assumed: the size taken while nothing was measured. By depth, of the skin relative to the mean
    face's: apparent, the logarithm of the size that it seems to have; relief, what the measured
    relief says. fitted: logarithm of the size of the fitted faces' skin, at the model's scale.
    iris: of the logarithm of the head's size relative to the assumed.
    """

    assumed: float
    apparent: SlowMean = field(default_factory=SlowMean)
    fitted: SlowMean = field(default_factory=SlowMean)
    relief: InformationSum = field(default_factory=InformationSum)
    iris: SlowMean = field(default_factory=SlowMean)
    iris_sigmas: tuple[float, float] = (1.0, 1.0)
    _skin: tuple[float, float] = (0.0, 0.0)

    @property
    def measured(self) -> bool:
        """Whether depth measured it at all."""
        return self.apparent.images > 0

    @property
    def news(self) -> float:
        """How much the next relief tells, 0..1: those of neighbouring images are alike."""
        return self.relief.news

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
        return math.exp(float(self.apparent.value - self.fitted.value))

    @property
    def sigma(self) -> float:
        """Its relative standard deviation."""
        return math.sqrt(self._estimate()[1])

    def _estimate(self) -> tuple[float, float]:
        """Return logarithm of size over assumed size, and its variance."""
        if self.measured:
            # an average adult is no measurement of a child: depth counts alone
            log_size, variance = self._skin
            return log_size - float(self.fitted.value) - math.log(self.assumed), variance
        prior = DISTANCE_SIGMA_RATIO**2
        if not self.iris.images:
            return 0.0, prior
        one, lasting = self.iris_sigmas
        iris = lasting**2 + one**2 / self.iris.images
        return float(self.iris.value) * prior / (prior + iris), prior * iris / (prior + iris)

    def assume(self, scale: float) -> None:
        """Assume another size; what was measured stays."""
        if self.iris.images:
            self.iris.value -= math.log(scale / self.assumed)
        self.assumed = scale

    def predict(self, step_s: float) -> None:
        """Let time pass."""
        for mean in (self.apparent, self.fitted, self.relief, self.iris):
            mean.predict(step_s)

    def measure(self, apparent: float, fitted: float, relief: Relief | None) -> None:
        """
        Take in what one depth image says.

        :param apparent: size by how large the face looks at the measured distance, relative to
            the face model's
        :param fitted: size of the fitted face's skin relative to the mean face's
        :param relief: None: it says nothing
        """
        self.apparent.take(math.log(apparent * fitted))
        self.fitted.take(math.log(fitted))
        if relief is not None:
            self.relief.take(relief)
        self._skin = self._skin_size()

    @property
    def contradiction(self) -> float:
        """By how many sigmas of their difference the looks and the relief say other sizes."""
        if self.relief.found is None:
            return 0.0
        # the estimate is the looks' moved by the relief's share of the way
        log_size, variance = self._skin
        looks = float(self.apparent.value) - WIDER
        return abs(log_size - looks) / math.sqrt(max(APPARENT_SIGMA**2 - variance, 1e-12))

    def _skin_size(self) -> tuple[float, float]:
        """Return logarithm of the skin's size relative to the mean face's, and its variance."""
        looks = float(self.apparent.value) - WIDER
        found = self.relief.found
        if found is None:
            return looks, APPARENT_SIGMA**2
        return _renderer.skin_size(found.information, found.vector, looks, APPARENT_SIGMA)

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
