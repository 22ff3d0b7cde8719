"""Colours of a face taken from the photo it was found in."""

from __future__ import annotations

import cv2
import numpy as np

# cv2.remap takes maps of up to 32,767 rows; a mesh has more vertices
_ROW = 1024


def sample_colors(image: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    """
    Return the colours (N, 3) uint8 of an image (H, W, 3) at points (N, 2+) px, bilinear.

    Points outside the image get the colour of its nearest border pixel.
    """
    count = len(points_px)
    rows = -(-count // _ROW)
    grid = np.zeros((rows * _ROW, 2), np.float32)
    grid[:count] = points_px[:, :2]
    xy = grid.reshape(rows, _ROW, 2)
    x, y = cv2.split(xy)
    sampled = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled.reshape(-1, 3)[:count]
