# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the eyes of a face are cut out of the image."""

from __future__ import annotations

import math

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.regression.region import Region

# Corners of the person's right and left eye among the 68, the image-left one of an upright face
# first
CORNERS_68 = np.array([[36, 39], [42, 45]])
# MediaPipe's model card: the crop's side is 2.3 times the distance of the corners
CROP_PER_WIDTH = 2.3
# Rounding of the sines of a quarter turn
SLACK_PX = 1e-6


def eye_regions(landmarks_px: np.ndarray) -> list[Region]:
    """
    Return the squares around the right and the left eye, turned by each eye's corners.

    :param landmarks_px: (68, 2+)
    """
    regions = []
    for (x0, y0), (x1, y1) in landmarks_px[CORNERS_68, :2].tolist():
        side_px = CROP_PER_WIDTH * math.hypot(x1 - x0, y1 - y0)
        roll_rad = math.atan2(y1 - y0, x1 - x0)
        regions.append(Region(np.array([(x0 + x1) / 2, (y0 + y1) / 2]), side_px, roll_rad))
    return regions


def sines_seen(direction: np.ndarray, points_m: np.ndarray) -> np.ndarray:
    """
    Return how far a direction is turned from the viewing rays to points, as the image shows it.

    :param direction: (3,) unit, camera frame; one at a viewer is not turned
    :param points_m: (N, 3) from the camera
    :return: (N, 2) sines, to the image's right and down
    """
    return _renderer.sines_seen(direction.tolist(), np.ascontiguousarray(points_m))


def is_inside(region: Region, image: np.ndarray) -> bool:
    """Tell whether the middle of a region, as wide as an eye, lies in the image."""
    half = region.side_px / CROP_PER_WIDTH / 2
    half_x, half_y = half * abs(math.cos(region.roll_rad)), half * abs(math.sin(region.roll_rad))
    height, width = image.shape[:2]
    x, y = region.centre.tolist()
    return bool(
        half_x - SLACK_PX <= x <= width - 1 - half_x + SLACK_PX
        and half_y - SLACK_PX <= y <= height - 1 - half_y + SLACK_PX
    )
