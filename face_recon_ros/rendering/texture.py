# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Colours of a face, sampled from its photo."""

from __future__ import annotations

import cv2
import numpy as np

# cv2.remap takes maps and images of less than this on a side; a mesh has more vertices
_REMAP_LIMIT = 32_767
_ROW = 1024


def sample_colors(image: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    """
    Return the colours (N, 3) uint8 of an image (H, W, 3) at points (N, 2+) px, bilinear.

    Points outside the image get the colour of its nearest border pixel.
    """
    if max(image.shape[:2]) >= _REMAP_LIMIT:
        return _sample_large(image, points_px)
    count = len(points_px)
    rows = -(-count // _ROW)
    grid = np.zeros((rows * _ROW, 2), np.float32)
    grid[:count] = points_px[:, :2]
    xy = grid.reshape(rows, _ROW, 2)
    x, y = cv2.split(xy)
    sampled = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled.reshape(-1, 3)[:count]


def _sample_large(image: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    """Do the same in an image of any size; several times slower."""
    height, width = image.shape[:2]
    last = np.array([width - 1, height - 1])
    xy = np.clip(np.nan_to_num(points_px[:, :2]).astype(np.float64), 0, last)
    corner = np.minimum(xy.astype(int), np.maximum(last - 1, 0))
    part = xy - corner
    sampled = np.zeros((len(xy), 3))
    for dx, dy in np.ndindex(2, 2):
        x, y = np.minimum(corner + np.array([dx, dy]), last).T
        weight = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
        sampled += weight[:, None] * image[y, x]
    return sampled.round().astype(np.uint8)
