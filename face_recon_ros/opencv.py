# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What versions of OpenCV do differently; the package runs with 4.5.4 to 5."""

import cv2
import numpy as np

_SILENT = 0


def silence() -> None:
    """Keep OpenCV's own messages off stderr."""
    if hasattr(cv2, 'setLogLevel'):
        cv2.setLogLevel(_SILENT)
    else:  # 5
        cv2.utils.logging.setLogLevel(_SILENT)


def takeable(image: np.ndarray) -> np.ndarray:
    """
    Return an image (H, W, C) as every OpenCV takes it: one of a single pixel gets a black second.

    4.5.4 refuses those of one pixel and several channels.
    """
    if image.shape[:2] != (1, 1):
        return image
    return np.pad(image, ((0, 0), (0, 1), (0, 0)))
