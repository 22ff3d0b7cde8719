# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the outputs of the node are given with every image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from std_msgs.msg import Header

from face_recon_ros.camera import Camera
from face_recon_ros.face import Face


@dataclass(frozen=True, slots=True)
class Result:
    """
    The faces found in an image.

    image_bgr: (H, W, 3) uint8, not to be drawn on. header: of the image, and of all that is
    published of it. camera: that the faces were found with, measured or assumed; None: unknown.
    """

    image_bgr: np.ndarray
    faces: Sequence[Face]
    header: Header
    camera: Camera | None = None

    @classmethod
    def withdrawal(cls, header: Header) -> Result:
        """Return what tells that the faces shown last have gone, without an image."""
        return cls(np.empty((0, 0, 3), np.uint8), [], header)

    @property
    def withdraws(self) -> bool:
        """Whether there is no image: the node has been deactivated or disabled."""
        return not self.image_bgr.size

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image, pixels."""
        height, width = self.image_bgr.shape[:2]
        return width, height
