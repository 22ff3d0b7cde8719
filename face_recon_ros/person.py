# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is remembered of an id where faces are placed in space."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.depth_alignment import Aligned, Refused
from face_recon_ros.depth_lag import Nearing, Turning
from face_recon_ros.head_size import ALIKE_S, HeadSize, SlowMean
from face_recon_ros.late_depth import FacesBefore
from face_recon_ros.tracking.smoothing import OneEuroVector

# Images without depth between those with it keep the correction, less of it with time
CORRECTION_KEPT_S = 0.3
# Where depth tells nothing of the rotation in some images, its part in the others is less by this
# with each: a rotation that comes and goes is worse than none
TRUST_STEP = 0.15
# An id is another head's where depth says one other size for so long, in so many images: ids of
# people who pass each other may be mixed up. Sizes that differ by more (logarithm) are others
ANOTHER_S, ANOTHER_IMAGES = 1.0, 3
MOST_CHANGE = 0.15
# Depth is of something else where looks and relief differ by more sigmas in the size that they say
MOST_SIGMAS = 4.0


@dataclass(slots=True)
class Person:
    """What is remembered of an id: size and shape of its head, what depth adds to its rotation."""

    size: HeadSize
    seen_s: float
    shape: SlowMean = field(default_factory=SlowMean)
    measured_s: float = -math.inf
    correction: np.ndarray = field(default_factory=lambda: np.zeros(3))
    filter: OneEuroVector | None = None
    turning: Turning = field(default_factory=Turning)
    nearing: Nearing = field(default_factory=Nearing)
    before: FacesBefore = field(default_factory=FacesBefore)
    iris_s: float = -math.inf
    # how far rotations by depth are used, 0..1, and the number of images in a row without one
    trust: float = 1.0
    misses: int = 0
    # images whose depth showed the face, and a plane
    faces: int = 0
    planes: int = 0
    # how much larger the head seemed to be with the last depth than on the mean (logarithm), when
    seemed: float = 0.0
    seemed_s: float = -math.inf
    # the size that depth says instead of the head's, since when, and how often
    other_scale: float = math.nan
    other_s: float = math.inf
    others: int = 0

    def missed(self) -> None:
        """Take in that a depth image told nothing of the rotation."""
        self.trust = max(self.trust - TRUST_STEP, 0.0)
        self.misses += 1

    def told(self) -> None:
        """Take in that one did."""
        self.trust = min(self.trust + TRUST_STEP, 1.0)

    def kept(self, stamp_s: float) -> np.ndarray:
        """Return what is left of what depth added last, (3,) rad about the face's axes."""
        age_s = stamp_s - self.measured_s
        if not 0 <= age_s < 10 * CORRECTION_KEPT_S:
            return np.zeros(3)
        return self.correction * math.exp(-age_s / CORRECTION_KEPT_S)

    def apparent_scale(self, stamp_s: float) -> float:
        """Return what size the head seems to have: that of the last depth, later the mean."""
        age_s, scale = stamp_s - self.seemed_s, self.size.apparent_scale
        if not self.size.measured or age_s < 0:
            return scale
        return scale * math.exp(self.seemed * math.exp(-age_s / ALIKE_S))

    def seemed_to_be(self, apparent_scale: float, stamp_s: float) -> None:
        """Take in what size the head seems to have by depth."""
        self.seemed = math.log(apparent_scale / self.size.apparent_scale)
        self.seemed_s = stamp_s

    def seems(self, apparent_scale: float) -> bool:
        """Tell whether the head was measured to have about such a size; NaN: no."""
        known = self.size.measured
        return known and _alike(apparent_scale, self.size.apparent_scale)

    def contradicts(self, apparent_scale: float) -> bool:
        """Take in the size that the head seems to have; tell whether that is another's."""
        if not self.size.measured or self.seems(apparent_scale):
            self.others = 0
            return False
        if not self.others or not _alike(apparent_scale, self.other_scale):
            self.other_scale, self.other_s, self.others = apparent_scale, self.seen_s, 0
        self.others += 1
        if self.others < ANOTHER_IMAGES or self.seen_s - self.other_s < ANOTHER_S:
            return True
        self.begin_anew()
        return False

    def agreeing(self, found: Aligned | Refused) -> Aligned | Refused:
        """Take in what depth says of the head's size, and return it; Refused: it contradicts."""
        if isinstance(found, Refused):
            return found
        if self.contradicts(found.apparent_scale):
            return Refused('by its depth the head is of another size than before', flat=True)
        self.size.measure(found.apparent_scale, found.skin_ratio, found.relief)
        if self.size.contradiction > MOST_SIGMAS:
            self.size = HeadSize(self.size.assumed)
            return Refused(
                'how large the face looks and its relief contradict each other', flat=True
            )
        return found

    def begin_anew(self) -> None:
        """Forget what depth said of a head that was not this one."""
        self.size = HeadSize(self.size.assumed)
        self.shape, self.nearing = SlowMean(), Nearing()
        self.correction = np.zeros(3)
        self.faces = self.planes = self.others = 0


def _alike(scale: float, other: float) -> bool:
    return abs(math.log(scale / other)) <= MOST_CHANGE
