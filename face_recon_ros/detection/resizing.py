# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images as small as the networks take them."""

from __future__ import annotations

import cv2
import numpy as np

from face_recon_ros.opencv import takeable


def shrink(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize, averaging; large images in two steps, which is ten times quicker than in one."""
    image = takeable(image)
    if image.shape[1] > 2 * width and image.shape[0] > 2 * height:
        image = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    smaller = image.shape[1] >= width
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=interpolation)
