# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How much of a face the image shows, and what that means for what was found of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region

# With less than the first part in the image there is no face, from the second on a regressor is
# believed. Of what it finds, and of where it looks
FOUND_IN_SIGHT = (0.55, 0.7)
LOOKED_AT_IN_SIGHT = (0.35, 0.6)


def seen_in(found: Regression, region: Region, image: np.ndarray) -> Regression:
    """Return what was found in a region, less sure as far as it is out of sight."""
    outside = out_of_sight(found.box, image, found.region.roll_rad)
    part = in_sight(found.box, region, image)
    if outside == (0.0, 0.0) and part == 1:
        return found
    before = found.presence
    return replace(
        found, presence=before * part, out_of_sight=outside, presence_if_whole=before
    )


def in_sight(box: np.ndarray, region: Region, image: np.ndarray) -> float:
    """Return 0..1: whether enough of a face's box (4,), found in a region, is in the image."""
    half = region.side_px / Region.ENLARGEMENT / 2
    x, y = region.centre.tolist()
    looked_at = (x - half, y - half, x + half, y + half)
    return min(
        _part_in_sight(box.tolist(), image.shape, FOUND_IN_SIGHT),
        _part_in_sight(looked_at, image.shape, LOOKED_AT_IN_SIGHT),
    )


def out_of_sight(
    box: np.ndarray, image: np.ndarray, roll_rad: float = 0.0
) -> tuple[float, float]:
    """
    Return the parts 0..1 of a face across and along it that are beyond the image.

    :param box: (4,) px, in the image's axes
    :param roll_rad: of the face, which shares out what is beyond each side
    """
    x0, y0, x1, y1 = box.tolist()
    height, width = image.shape[:2]
    aside = (max(-x0, 0.0) + max(x1 - width, 0.0)) / max(x1 - x0, 1e-9)
    above_below = (max(-y0, 0.0) + max(y1 - height, 0.0)) / max(y1 - y0, 1e-9)
    upright, turned = abs(math.cos(roll_rad)), abs(math.sin(roll_rad))
    aside, above_below = min(aside, 1.0), min(above_below, 1.0)
    return (
        math.hypot(upright * aside, turned * above_below),
        math.hypot(turned * aside, upright * above_below),
    )


def _part_in_sight(
    box: Sequence[float], shape: tuple[int, ...], parts: tuple[float, float]
) -> float:
    x0, y0, x1, y1 = box
    inside_x, inside_y = min(x1, shape[1]) - max(x0, 0), min(y1, shape[0]) - max(y0, 0)
    part = max(inside_x, 0) * max(inside_y, 0) / max((x1 - x0) * (y1 - y0), 1e-9)
    low, high = parts
    return min(max((part - low) / (high - low), 0.0), 1.0)
