# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Crops: a region of the image cut out for a network, and how much of a face it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.opencv import takeable
from face_recon_ros.regression.region import Region

# Times that a crop's part of the image is halved at most: 16 of its pixels to one of the crop
MOST_HALVINGS = 4
# With less than the first part in the image there is no face, from the second on a regressor is
# believed: it squeezes a face into what it sees of it. Of what it finds, and of where it looks
FOUND_IN_SIGHT = (0.65, 0.8)
LOOKED_AT_IN_SIGHT = (0.35, 0.6)


def cut(image: np.ndarray, region: Region, size: int) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the region of a BGR image as RGB (size, size, 3) uint8, and the map (2, 3) back.

    A large region is halved first, as often as it can be: leaving pixels out lets more of the
    sensor's noise through, which is jitter of the pose.
    """
    image_from_crop = region.image_from_crop(size)
    source, source_from_crop = _source(image, region, size, image_from_crop)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(takeable(source), source_from_crop, (size, size), flags=flags)
    return cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), image_from_crop


def cut_floats(
    tensor: np.ndarray,
    image: np.ndarray,
    region: Region,
    sigma_px: float = 0.0,
    mirrored: bool = False,
) -> np.ndarray:
    """
    Write the region of a BGR image as RGB, 0 to 1, into a tensor; return the map (2, 3) back.

    As cut() and a blur of 7 x 7 pixels, in one step without the GIL and without rounding between.

    :param tensor: (rows, size, 3) float32, of a square of side `size` the middle rows
    :param sigma_px: of a Gaussian blur, pixels of the crop; 0: none
    :param mirrored: left to right
    :return: of the pixels of the whole square, mirrored or not
    """
    rows, size = tensor.shape[:2]
    image_from_crop = region.image_from_crop(size)
    if mirrored:
        image_from_crop[:, 2] += (size - 1) * image_from_crop[:, 0]
        image_from_crop[:, 0] *= -1
    source, source_from_crop = _source(image, region, size, image_from_crop)
    if rows != size:
        source_from_crop = source_from_crop.copy()
        source_from_crop[:, 2] += (size - rows) // 2 * source_from_crop[:, 1]
    if source.strides[1:] != (3, 1):
        source = np.ascontiguousarray(source)
    _renderer.crop(source, source_from_crop, sigma_px, 1 / 255, tensor)
    return image_from_crop


def _source(
    image: np.ndarray, region: Region, size: int, image_from_crop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return what a crop is cut out of, and the map (2, 3) crop -> its pixels.

    It is the image, or the part of it around the region, halved.
    """
    # a size gone wrong, NaN too, must not ask for an image of any size
    halvings = int(math.log2(min(max(1.0, region.side_px / size), 2.0**MOST_HALVINGS)))
    if not halvings:
        return image, image_from_crop
    source, corner = _halved(image, region, halvings)
    factor = 2**halvings
    # a pixel's centre lies in the middle of the pixels it gathers
    source_from_crop = image_from_crop / factor
    source_from_crop[:, 2] -= (corner + (factor - 1) / 2) / factor
    return source, source_from_crop


def _halved(
    image: np.ndarray, region: Region, halvings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the image around a region, halved so many times, and its corner (2,) px."""
    factor = 2**halvings
    reach = region.side_px * (abs(np.cos(region.roll_rad)) + abs(np.sin(region.roll_rad))) / 2
    extent = np.array(image.shape[1::-1])
    # with a border of one small pixel, which interpolation touches
    low = np.clip(np.floor(region.centre - reach) - factor, 0, extent - 1).astype(int)
    high = np.clip(np.ceil(region.centre + reach) + factor, low + 1, extent).astype(int)
    part = takeable(image[low[1] : high[1], low[0] : high[0]])
    bottom, right = -np.array(part.shape[:2]) % factor
    if bottom or right:
        part = cv2.copyMakeBorder(part, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
    for _ in range(halvings):
        size = part.shape[1] // 2, part.shape[0] // 2
        # OpenCV is several times as fast at halves as at other parts
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return part, low


def in_sight(box: np.ndarray, region: Region, image: np.ndarray) -> float:
    """Return 0..1: whether enough of a face's box (4,), found in a region, is in the image."""
    half = region.side_px / Region.ENLARGEMENT / 2
    x, y = region.centre.tolist()
    looked_at = (x - half, y - half, x + half, y + half)
    return min(
        _part_in_sight(box.tolist(), image.shape, FOUND_IN_SIGHT),
        _part_in_sight(looked_at, image.shape, LOOKED_AT_IN_SIGHT),
    )


def _part_in_sight(
    box: Sequence[float], shape: tuple[int, ...], parts: tuple[float, float]
) -> float:
    x0, y0, x1, y1 = box
    inside_x, inside_y = min(x1, shape[1]) - max(x0, 0), min(y1, shape[0]) - max(y0, 0)
    part = max(inside_x, 0) * max(inside_y, 0) / max((x1 - x0) * (y1 - y0), 1e-9)
    low, high = parts
    return min(max((part - low) / (high - low), 0.0), 1.0)
