# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Appearance descriptors of faces: they tell people apart for a few seconds."""

from __future__ import annotations

import math

import cv2
import numpy as np

from face_recon_ros.opencv import takeable
from face_recon_ros.regression.region import Region

# A descriptor is a picture of this many cells a side
CELLS = 8
# Sampled finer than kept, so that averaging leaves out detail and noise
_SAMPLED_SIZE = 32
# Part of a region's side that is sampled: the face, little of what is around it
_SAMPLED_PART = 1 / Region.ENLARGEMENT
# Steps of CIELAB's a and b that weigh as one deviation of L
_COLOR_UNIT = 5.0
# Mean square difference in a cell above which it says no more: what covers it may be anything
_MOST = 1.0
# A head is larger than the box around the facial landmarks by this part on each side
_HEAD_MARGIN = 0.25
# Fewer cells than this part of all say nothing
_LEAST_PART = 0.3
# A face's descriptor follows it with this time constant, and no closer than after so long, seconds
_FOLLOWED_S, _MOST_FOLLOWED_S = 0.28, 0.2


def descriptor_of(image: np.ndarray, region: Region) -> np.ndarray:
    """
    Return the appearance descriptor (64, 3) of the face in a region of an image.

    CIELAB (OpenCV's 8-bit scale) of an 8 x 8 picture, row by row, upright by the eyes.

    :param image: (H, W, 3) uint8 BGR
    """
    fine = cv2.warpAffine(
        takeable(image),
        _sampled(region).image_from_crop(_SAMPLED_SIZE),
        (_SAMPLED_SIZE, _SAMPLED_SIZE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    small = cv2.resize(fine, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2LAB).reshape(-1, 3).astype(np.float64)


def uncovered_cells(region: Region, boxes: np.ndarray) -> np.ndarray:
    """Return which cells (64,) of a region's descriptor lie off the heads around boxes (N, 4)."""
    y, x = np.divmod(np.arange(CELLS**2), CELLS)
    to_image = _sampled(region).image_from_crop(CELLS)
    points = np.column_stack([x, y]) @ to_image[:, :2].T + to_image[:, 2]
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    margin = _HEAD_MARGIN * (boxes[:, 2:] - boxes[:, :2])
    low, high = boxes[:, :2] - margin, boxes[:, 2:] + margin
    inside = (points[:, None] > low) & (points[:, None] < high)
    return ~inside.all(axis=2).any(axis=1)


def descriptor_distance(
    a: np.ndarray, b: np.ndarray, cells: np.ndarray | None = None
) -> float | None:
    """
    Return how much two descriptors (64, 3) differ, 0 to 1; about 0.6 for two people.

    The root mean square, limited per cell, of the differences of light and dark, less mean and
    contrast, and of colours. None where too little can be compared.

    :param cells: (64,) bool, those to compare; None is all
    """
    if cells is not None:
        if cells.mean() < _LEAST_PART:
            return None
        a, b = a[cells], b[cells]
    light = _normalised(a[:, 0]) - _normalised(b[:, 0])
    color = (a[:, 1:] - b[:, 1:]) / _COLOR_UNIT
    squares = (light**2 + (color**2).sum(axis=1)) / 3
    return float(np.sqrt(np.minimum(squares, _MOST).mean()))


def followed(before: np.ndarray | None, now: np.ndarray, step_s: float) -> np.ndarray:
    """Return a face's descriptor (64, 3) after another image, so many seconds after the last."""
    if before is None:
        return now
    weight = 1 - math.exp(-min(step_s, _MOST_FOLLOWED_S) / _FOLLOWED_S)
    return before + weight * (now - before)


def _sampled(region: Region) -> Region:
    return Region(region.centre, region.side_px * _SAMPLED_PART, region.roll_rad)


def _normalised(light: np.ndarray) -> np.ndarray:
    return (light - light.mean()) / max(float(light.std()), 1.0)
