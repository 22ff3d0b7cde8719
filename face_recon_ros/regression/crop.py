# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Crops: a region of the image cut out for a network."""

from __future__ import annotations

import math

import cv2
import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.opencv import takeable
from face_recon_ros.regression.region import Region

# Times that a crop's part of the image is halved at most: 16 of its pixels to one of the crop
MOST_HALVINGS = 4
# An image is continued by so many sides of the crop at most
MOST_CONTINUED = 3
# Of a square of side one, (2, 4)
CORNERS = np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])


def cut(
    image: np.ndarray, region: Region, size: int, continued: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the region of a BGR image as RGB (size, size, 3) uint8, and the map (2, 3) back.

    A large region is halved first, as often as it can be: leaving pixels out lets more of the
    sensor's noise through, which is jitter of the pose.

    :param continued: as cut_floats() has it
    """
    image_from_crop = region.image_from_crop(size)
    source, source_from_crop = _source(image, region, size, image_from_crop)
    if continued:
        source, source_from_crop = _continued(source, source_from_crop, size)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(takeable(source), source_from_crop, (size, size), flags=flags)
    return cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), image_from_crop


def cut_floats(
    tensor: np.ndarray,
    image: np.ndarray,
    region: Region,
    sigma_px: float = 0.0,
    mirrored: bool = False,
    continued: bool = False,
) -> np.ndarray:
    """
    Write the region of a BGR image as RGB, 0 to 1, into a tensor; return the map (2, 3) back.

    As cut() and a blur of 7 x 7 pixels, in one step without the GIL and without rounding between.

    :param tensor: (rows, size, 3) float32, of a square of side `size` the middle rows
    :param sigma_px: of a Gaussian blur, pixels of the crop; 0: none
    :param mirrored: left to right
    :param continued: beyond the image its outermost pixels go on; False: all is black there
    :return: of the pixels of the whole square, mirrored or not
    """
    rows, size = tensor.shape[:2]
    image_from_crop = region.image_from_crop(size)
    if mirrored:
        image_from_crop = _mirrored(image_from_crop, size)
    source, source_from_crop = _source(image, region, size, image_from_crop)
    if continued:
        source, source_from_crop = _continued(source, source_from_crop, size)
    if rows != size:
        source_from_crop = source_from_crop.copy()
        source_from_crop[:, 2] += (size - rows) // 2 * source_from_crop[:, 1]
    if source.strides[1:] != (3, 1):
        source = np.ascontiguousarray(source)
    _renderer.crop(source, source_from_crop, sigma_px, 1 / 255, tensor)
    return image_from_crop


def cut_straight(
    tensor: np.ndarray,
    image: np.ndarray,
    region: Region,
    image_from_crop: np.ndarray,
    sigma_px: float = 0.0,
    mirrored: bool = False,
) -> None:
    """
    Write a region of a BGR image as a homography shows it, `continued` as by cut_floats().

    :param tensor: (size, size, 3) float32
    :param image_from_crop: (3, 3), of the pixels of a crop of size x size that is not mirrored
    :param mirrored: left to right
    """
    size = len(tensor)
    if mirrored:
        image_from_crop = _mirrored(image_from_crop, size)
    source, source_from_crop = _source(image, region, size, image_from_crop)
    source, source_from_crop = _continued(source, source_from_crop, size)
    if source.strides[1:] != (3, 1):
        source = np.ascontiguousarray(source)
    _renderer.crop(source, source_from_crop, sigma_px, 1 / 255, tensor)


def _source(
    image: np.ndarray, region: Region, size: int, image_from_crop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return what a crop is cut out of, and the map (2, 3) or (3, 3) crop -> its pixels.

    It is the image, or the part of it around the region, halved.
    """
    # a size gone wrong, NaN too, must not ask for an image of any size
    halvings = int(math.log2(min(max(1.0, region.side_px / size), 2.0**MOST_HALVINGS)))
    if not halvings:
        return image, image_from_crop
    source, corner = _halved(image, region, halvings, _corners(image_from_crop, size))
    factor = 2**halvings
    # a pixel's centre lies in the middle of the pixels it gathers
    offset = corner + (factor - 1) / 2
    source_from_crop = _moved(image_from_crop, -offset)
    source_from_crop[:2] /= factor
    return source, source_from_crop


def _mirrored(image_from_crop: np.ndarray, size: int) -> np.ndarray:
    """Return the map (2, 3) or (3, 3) of a crop that is mirrored left to right."""
    x, y, origin = image_from_crop.T
    return np.column_stack([-x, y, origin + (size - 1) * x])


def _corners(image_from_crop: np.ndarray, size: int) -> np.ndarray:
    """Return where the corners of a crop are, (2, 4) px."""
    corners = (size - 1) * CORNERS
    placed = image_from_crop[:, :2] @ corners + image_from_crop[:, 2:]
    return placed if len(placed) == 2 else placed[:2] / placed[2]


def _moved(image_from_crop: np.ndarray, by_px: np.ndarray) -> np.ndarray:
    """Return a map (2, 3) or (3, 3) to pixels that are moved."""
    moved = image_from_crop.copy()
    if len(moved) == 2:
        moved[:, 2] += by_px
    else:
        moved[:2] += np.outer(by_px, moved[2])
    return moved


def _continued(
    source: np.ndarray, source_from_crop: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return what a crop is cut out of, continued beyond the image, and the map to its pixels.

    A black edge across a face looks like its outline: the face would be found turned towards it.
    Far from the image all stays black.
    """
    extent = np.array(source.shape[1::-1])
    corners = _corners(source_from_crop, size)
    low, high = corners.min(axis=1), corners.max(axis=1)
    if (low >= 0).all() and (high <= extent - 1).all():
        return source, source_from_crop
    if not ((low < extent - 1).all() and (high > 0).all()):
        return source, source_from_crop
    # corners of a homography may be anywhere
    reach = MOST_CONTINUED * size
    low, high = np.maximum(low, -reach), np.minimum(high, extent + reach)
    # with a border of one pixel, which interpolation touches
    first, last = np.floor(low).astype(int) - 1, np.ceil(high).astype(int) + 2
    x0, y0 = inside = np.maximum(first, 0)
    x1, y1 = end = np.minimum(last, extent)
    (left, top), (right, bottom) = inside - first, last - end
    part = takeable(source[y0:y1, x0:x1])
    wide = cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return wide, _moved(source_from_crop, -first.astype(np.float64))


def _halved(
    image: np.ndarray, region: Region, halvings: int, corners: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the image around a region, halved so many times, and its corner (2,) px.

    :param corners: (2, 4) px, of the crop
    """
    factor = 2**halvings
    reach = region.reach_px
    extent = np.array(image.shape[1::-1])
    # with a border of one small pixel, which interpolation touches
    low = np.minimum(region.centre - reach, corners.min(axis=1))
    high = np.maximum(region.centre + reach, corners.max(axis=1))
    low = np.clip(np.floor(low) - factor, 0, extent - 1).astype(int)
    high = np.clip(np.ceil(high) + factor, low + 1, extent).astype(int)
    part = takeable(image[low[1] : high[1], low[0] : high[0]])
    bottom, right = -np.array(part.shape[:2]) % factor
    if bottom or right:
        part = cv2.copyMakeBorder(part, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    for _ in range(halvings):
        size = part.shape[1] // 2, part.shape[0] // 2
        # OpenCV is several times as fast at halves as at other parts
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return part, low
