# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is remembered of an id where faces are placed in space."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.depth_lag import Turning
from face_recon_ros.head_size import HeadSize, SlowMean
from face_recon_ros.late_depth import FacesBefore
from face_recon_ros.tracking.smoothing import OneEuroVector

# Images without depth between those with it keep the correction, less of it with time
CORRECTION_KEPT_S = 0.3
# Where depth tells nothing of the rotation in some images, its part in the others is less by this
# with each: a rotation that comes and goes is worse than none
TRUST_STEP = 0.15


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
    before: FacesBefore = field(default_factory=FacesBefore)
    iris_s: float = -math.inf
    # how far rotations by depth are used, 0..1, and the number of images in a row without one
    trust: float = 1.0
    misses: int = 0
    # images whose depth showed the face, and a plane
    faces: int = 0
    planes: int = 0

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
