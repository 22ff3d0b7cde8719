# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Crops as a camera would take them that looks straight at the face.

An image is flat: away from its centre it shows a face stretched, and larger on one side. In a crop
both look like a turn of the head. A camera that turns about its centre sees the same rays, so a
homography takes that away (Yu et al., "PCLs: Geometry-aware Neural Reconstruction of 3D Pose with
Perspective Crop Layers", 2021). Lens distortion is taken for a homography within the crop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.regression.region import Region
from face_recon_ros.rotations import rotation_in_plane, rotation_to

# Of a square of side one about its middle: its corners, and what lies between them
_CORNERS = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
_BETWEEN = np.array([[0.0, 0.0], [0.0, -0.5], [0.5, 0.0], [0.0, 0.5], [-0.5, 0.0]])
_PLACES = np.vstack([_CORNERS, _BETWEEN])
# The part of a region in which the face is: there a lens is followed, and seldom ends
_FACE_PART = 0.6
# Between the rays of such a corner and of the middle: no plane shows much more than 80 degrees
_LEAST_COSINE = 0.17
# The depths of a crop's corners before the image plane: least to largest
_LEAST_DEPTH_RATIO = 0.06


@dataclass(slots=True, frozen=True, eq=False)
class StraightView:
    """
    How a turned camera sees the face in a region.

    Homographies (3, 3) of the crop's pixels: to the image, and to the plane at distance 1 before
    the turned camera (x right, y down), of which it is a square that is turned and moved.
    calibrated: the camera's focal length is known.
    """

    image_from_crop: np.ndarray
    plane_from_crop: np.ndarray
    calibrated: bool

    @classmethod
    def of(cls, region: Region, camera: Camera, size: int) -> StraightView | None:
        """Return the view of a region in crops of size x size; None where no plane shows it."""
        places = _PLACES if camera.distortion.size or camera.distortion_model else _CORNERS
        offset_px = _FACE_PART * region.side_px * places @ rotation_in_plane(-region.roll_rad)
        directions = camera.directions(np.vstack([region.centre, region.centre + offset_px]))
        turned = directions @ rotation_to(directions[0])
        if not (turned[:, 2] > _LEAST_COSINE).all():
            return None
        plane = turned[1:, :2] / turned[1:, 2:]
        image_from_plane = _homography(plane, offset_px)
        if image_from_plane is None:
            return None
        image_from_plane[:2] += np.outer(region.centre, image_from_plane[2])
        plane_from_crop = _square(image_from_plane, region, size)
        if plane_from_crop is None:
            return None
        image_from_crop = image_from_plane @ plane_from_crop
        if not _is_before_the_lens(image_from_crop, size):
            return None
        return cls(image_from_crop, plane_from_crop, camera.calibrated)


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray | None:
    """Return what takes points to others (N, 2), least squares; None where nothing does."""
    source, target = source.astype(np.float32), target.astype(np.float32)
    exact = len(source) == len(_CORNERS)
    found = (
        cv2.getPerspectiveTransform(source, target)
        if exact
        else cv2.findHomography(source, target)[0]
    )
    usable = found is not None and np.isfinite(found).all() and found[2, 2]
    return found if usable else None


def _is_before_the_lens(image_from_crop: np.ndarray, size: int) -> bool:
    """Tell whether an image plane can show all of a crop: corners may be far out, not beyond."""
    across, down, first = (image_from_crop[2] * (size - 1, size - 1, 1)).tolist()
    corners = (first, first + across, first + down, first + across + down)
    return min(corners) > _LEAST_DEPTH_RATIO * max(corners) > 0


def _square(image_from_plane: np.ndarray, region: Region, size: int) -> np.ndarray | None:
    """Return the crop's pixels -> the plane: as large and as upright as the region is."""
    h = (image_from_plane / image_from_plane[2, 2]).tolist()
    # the linear part at the plane's origin
    a, b = h[0][0] - h[0][2] * h[2][0], h[0][1] - h[0][2] * h[2][1]
    c, d = h[1][0] - h[1][2] * h[2][0], h[1][1] - h[1][2] * h[2][1]
    area = a * d - b * c
    if not area > 0:
        return None
    sine, cosine = math.sin(region.roll_rad), math.cos(region.roll_rad)
    # solved for the head's axis, (sine, -cosine) in the image
    roll_rad = math.atan2(d * sine + b * cosine, a * cosine + c * sine)
    scale = region.side_px / (size * math.sqrt(area))
    linear = scale * rotation_in_plane(roll_rad)
    square = np.eye(3)
    square[:2, :2] = linear
    square[:2, 2] = -linear.sum(axis=1) * (size - 1) / 2
    return square
