# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A photo seen by a virtual camera that pans, tilts, rolls and comes nearer: motion with known truth.

Rotating a camera about its centre changes the image by a homography, exactly, for any scene. A
head at pose (R0, t0) for the camera at rest is therefore at (Q R0, Q t0) at another time, with a
known Q. Enlarging the image about its centre divides the distance of a head near the optical axis.
This is the ground truth.
The motion is a function of time alone, so that it can be computed anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.rotations import rotation_about

RotationAndPlace = tuple[np.ndarray, np.ndarray]  # (3, 3), (3,) metres


@dataclass(frozen=True, slots=True)
class Motion:
    """
    How the camera's view differs from the one at rest.

    rotation (3, 3): takes directions in the optical frame at rest to the optical frame now.
    distance_ratio: distance of the head now over that at rest, before the camera turns.
    """

    rotation: np.ndarray
    distance_ratio: float

    def move(self, rotation: np.ndarray, translation_m: np.ndarray) -> RotationAndPlace:
        """Return a head's pose now, given that at rest."""
        nearer = np.array([1.0, 1.0, self.distance_ratio])
        return self.rotation @ rotation, self.rotation @ (nearer * translation_m)

    def undo(self, rotation: np.ndarray, translation_m: np.ndarray) -> RotationAndPlace:
        """Return a head's pose at rest, given that now."""
        nearer = np.array([1.0, 1.0, self.distance_ratio])
        return self.rotation.T @ rotation, self.rotation.T @ translation_m / nearer


STILL = Motion(np.eye(3), 1.0)

# Amplitude and period of each part of the motion; together they repeat after minutes only
PAN_RAD, PAN_PERIOD_S = 0.16, 5.3
TILT_RAD, TILT_PERIOD_S = 0.09, 4.1
ROLL_RAD, ROLL_PERIOD_S = 0.45, 7.1
NEARER, NEARER_PERIOD_S = 0.25, 6.1


def motion_at(time_s: float) -> Motion:
    """Return the motion at a time in seconds (of the clock that stamps the images)."""
    pan = _swing(time_s, PAN_RAD, PAN_PERIOD_S)
    tilt = _swing(time_s, TILT_RAD, TILT_PERIOD_S)
    roll = _swing(time_s, ROLL_RAD, ROLL_PERIOD_S)
    rotation = rotation_about('z', roll) @ rotation_about('x', tilt) @ rotation_about('y', pan)
    return Motion(rotation, 1.0 / (1.0 + _swing(time_s, NEARER, NEARER_PERIOD_S)))


def portrait_camera(width: int, height: int) -> Camera:
    """Return the calibration of the virtual camera: 56 degrees across, as webcams have."""
    focal_px = 0.94 * width
    return Camera(width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)


@dataclass(frozen=True, slots=True)
class Portrait:
    """
    A photo (H, W, 3) uint8 BGR, and its place and size in the image at rest.

    centre_px: x, y in the photo. face_width_px: width of the face in the photo.
    """

    photo: np.ndarray
    centre_px: tuple[float, float]
    face_width_px: float

    # Part of the image's width that the face takes at rest
    FACE_FRACTION = 0.24

    def view(self, camera: Camera, motion: Motion) -> np.ndarray:
        """Return the image (height, width, 3) uint8 BGR that the camera sees."""
        return cv2.warpPerspective(
            self.photo,
            self.image_from_photo(camera, motion),
            (camera.width, camera.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(96, 96, 96),
        )

    def image_from_photo(self, camera: Camera, motion: Motion) -> np.ndarray:
        """Return the homography (3, 3) from pixels of the photo to pixels of the image."""
        intrinsics = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
        scale = self.FACE_FRACTION * camera.width / self.face_width_px / motion.distance_ratio
        x, y = self.centre_px
        # The photo stands upright before the camera at rest, its centre on the optical axis
        ray_from_photo = np.diag([scale / camera.fx, scale / camera.fy, 1.0]) @ np.array(
            [[1, 0, -x], [0, 1, -y], [0, 0, 1]]
        )
        return intrinsics @ motion.rotation @ ray_from_photo


def _swing(time_s: float, amplitude: float, period_s: float) -> float:
    return float(amplitude * np.sin(2 * np.pi * (time_s % period_s) / period_s))
