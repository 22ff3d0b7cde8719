# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The square of the image that a face is in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.detection.base import Detection
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.face_model.landmarks import OUTER_CANTHI_468
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.regression.mirror_looks import AS_IT_IS, Look
from face_recon_ros.rotations import azimuth_seen_rad, rotation_in_plane

# Point of the head, in model axes and metres, that a crop is centred on, and the side of the crop:
# half way from nose to ear, so that profiles are in the middle too, and as large as Face Mesh's
# crop of a frontal face
CROP_CENTRE_M = np.array([0.0, -0.037, -0.045])
CROP_SIDE_M = 0.24


@dataclass(slots=True, frozen=True, eq=False)
class Region(ComparedByValue):
    """A square of the image with a face in it: centre (2,) px, side px, roll in radians.

    roll is the angle of the eye line, positive clockwise in the image. turned_rad: how far the
    face looks to a side, 0 to pi, as it was found last; None where that is not known. camera: what
    took the image, where a crop is to be as if it looked straight at the face; None: a flat crop.
    look: how the crop is looked at, by networks that can be shown mirror images.
    """

    centre: np.ndarray
    side_px: float
    roll_rad: float
    turned_rad: float | None = None
    camera: Camera | None = None
    look: Look = AS_IT_IS

    # Face Mesh's model card: the crop is the face's square enlarged by half
    ENLARGEMENT = 1.5

    @property
    def reach_px(self) -> float:
        """Half the side of the upright square around it."""
        return self.side_px * (abs(math.cos(self.roll_rad)) + abs(math.sin(self.roll_rad))) / 2

    @classmethod
    def from_detection(cls, detection: Detection) -> Region:
        """Return the region of a detector's box, upright by its eyes where it reports them."""
        x0, y0, x1, y1 = detection.box
        roll = 0.0
        if detection.eyes is not None:
            roll = _angle(detection.eyes[1] - detection.eyes[0])
        side = cls.ENLARGEMENT * max(x1 - x0, y1 - y0)
        return cls(np.array([x0 + x1, y0 + y1]) / 2, side, roll)

    @classmethod
    def from_landmarks(cls, landmarks_px: np.ndarray) -> Region:
        """Return the region of a face whose 468 landmarks (468, 2+) in pixels are known."""
        points = landmarks_px[:, :2]
        right, left = OUTER_CANTHI_468
        roll = _angle(points[left] - points[right])
        upright = rotation_in_plane(-roll)
        turned = points @ upright.T
        low, high = turned.min(axis=0), turned.max(axis=0)
        return cls((low + high) / 2 @ upright, cls.ENLARGEMENT * (high - low).max(), roll)

    @classmethod
    def from_parameters(cls, parameters: FaceParameters) -> Region:
        """Return the region of a face whose parameters are known, upright by the head's axis."""
        up = parameters.model_rotation[:2, 1]
        roll = float(np.arctan2(up[0], up[1]))
        centre = parameters.project(CROP_CENTRE_M[None])[0, :2]
        side_px = CROP_SIDE_M * parameters.scale_px_per_m
        return cls(centre, side_px, roll, turn_to_side_rad(parameters))

    def image_from_crop(self, size: int) -> np.ndarray:
        """Return the affine map (2, 3) from pixels of a size x size crop to the image's."""
        (a, b), (c, d) = (self.side_px / size * rotation_in_plane(self.roll_rad)).tolist()
        (x, y), middle = self.centre.tolist(), (size - 1) / 2
        return np.array([[a, b, x - (a + b) * middle], [c, d, y - (c + d) * middle]])


def seen_through(region: Region, camera: Camera) -> Region:
    """Return a region whose crop is to be as if the camera looked straight at the face."""
    return replace(region, camera=camera)


def without_turn(region: Region) -> Region:
    """Return a region whose face's turn to the side is not known."""
    return replace(region, turned_rad=None)


def turn_to_side_rad(parameters: FaceParameters) -> float:
    """Return how far a face looks to a side, 0 to pi."""
    return abs(azimuth_seen_rad(parameters.model_rotation))


def _angle(direction: np.ndarray) -> float:
    return float(np.arctan2(direction[1], direction[0]))
