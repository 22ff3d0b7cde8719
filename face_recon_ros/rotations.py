# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Frames, rotations between them, and every conversion of rotations: the only place for them.

Frames: camera optical (REP-103: x right, y down, z forward); face (REP-155: x out of the face, y
to the subject's left, z up); gaze (REP-155: z out of the face, x to the subject's right, y down);
model (x image-right when frontal, y up, z out of the face). All right-handed, SI units, radians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

# Columns: the axes of one frame written in another
MODEL_FROM_FACE = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
FACE_FROM_GAZE = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
# x right, y up, z to the viewer -> x right, y down, z forward
OPTICAL_FROM_VIEWER = np.diag([1.0, -1.0, -1.0])


def rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Return axis times angle (3,) in radians, angle in [0, pi], of a rotation (3, 3)."""
    return cv2.Rodrigues(rotation)[0].ravel()


def rotation_matrix(vector: np.ndarray) -> np.ndarray:
    """Return the rotation (3, 3) of an axis times angle (3,) in radians."""
    return cv2.Rodrigues(np.asarray(vector, np.float64))[0]


def rotation_about(axis: str, angle_rad: float) -> np.ndarray:
    """Return the rotation (3, 3) by an angle about 'x', 'y' or 'z', right-handed."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    i, j = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
    rotation = np.eye(3)
    rotation[i, i] = rotation[j, j] = cosine
    rotation[i, j], rotation[j, i] = -sine, sine
    return rotation


def rotation_in_plane(angle_rad: float) -> np.ndarray:
    """Return the rotation (2, 2) from x towards y: clockwise in an image, where y is down."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, -sine], [sine, cosine]])


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """Return the rotation (3, 3) nearest to a matrix: of a sum of rotations, their mean."""
    u, _, vt = np.linalg.svd(matrix)
    if np.linalg.det(u @ vt) < 0:
        u[:, 2] = -u[:, 2]
    return u @ vt


def rotation_angles_rad(rotations: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the angles (...,) between rotations (..., 3, 3) and others, broadcast."""
    traces = (rotations * others).sum(axis=(-2, -1))
    return np.arccos(np.clip((traces - 1) / 2, -1, 1))


def mirrored_rotation(rotation: np.ndarray) -> np.ndarray:
    """Return the rotations (..., 3, 3) of what is mirrored left to right (x)."""
    signs = np.array([-1.0, 1.0, 1.0])
    return rotation * signs[:, None] * signs


def rotation_to(ray: np.ndarray) -> np.ndarray:
    """Return the shortest rotation (3, 3) that takes the z axis to the direction `ray` (3,)."""
    x, y, z = ray.tolist()
    length = math.hypot(x, y, z) or math.nan
    x, y, z = x / length, y / length, z / length
    if z < -1 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])  # straight back: any half turn is as short
    # Rodrigues' formula with axis z x ray
    return np.array(
        [
            [1 - x * x / (1 + z), -x * y / (1 + z), x],
            [-x * y / (1 + z), 1 - y * y / (1 + z), y],
            [-x, -y, z],
        ]
    )


def azimuth_seen_rad(model_rotation: np.ndarray) -> float:
    """
    Return how far aside of a head the camera is: its azimuth about the head's vertical, -pi to pi.

    A head that is turned to image right, upright, has a positive one. The roll of the image does
    not change it.

    :param model_rotation: (3, 3) model axes -> image (x right, y up, z to the viewer), any scale
    """
    x, _, z = model_rotation[2].tolist()
    return math.atan2(-x, z)


def gaze_rotation(face: np.ndarray) -> np.ndarray:
    """Return the rotation (3, 3) of the gaze frame from that of the face frame."""
    return face @ FACE_FROM_GAZE


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """Return x, y, z, w with w >= 0 of a rotation (3, 3)."""
    # Eigenvector of the largest eigenvalue of K (Bar-Itzhack 2000): exact for every angle
    m = rotation
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], m[1, 0] + m[0, 1], m[2, 0] + m[0, 2], m[2, 1] - m[1, 2]],
            [m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]],
            [m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
        ]
    )
    q = np.linalg.eigh(k)[1][:, -1]
    return -q if q[3] < 0 else q


def rotation_from_quaternion(x: float, y: float, z: float, w: float) -> np.ndarray:
    """Return the rotation (3, 3) of a unit quaternion."""
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross


@dataclass(slots=True, frozen=True)
class EulerAngles:
    """
    Yaw, pitch, roll in degrees, for display only.

    AFLW2000's convention, R = Rx(-pitch) Ry(-yaw) Rz(-roll) with x right, y up, z to the viewer:
    yaw is positive towards image left, pitch is positive up, roll is positive clockwise in the
    image. Every rotation has two such triples; this is the one with pitch in [-90, 90], so that
    yaw goes on past 90 degrees (to +-180) where a head turns its back. At 90 degrees of yaw pitch
    and roll are about the same axis (gimbal lock) and only their difference means anything.

    Of a rotation in the image-aligned frame (pipeline.Face.rotation) they say where the face
    points in the image: 0 is towards the viewer wherever in the image the face is. Of one in the
    camera frame (Face.pose) they say where it points in the room.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float

    @classmethod
    def from_rotation(cls, rotation: np.ndarray) -> EulerAngles:
        """Take them from a rotation (3, 3) face frame -> optical frame."""
        r = OPTICAL_FROM_VIEWER @ rotation @ MODEL_FROM_FACE.T
        # cos(yaw) is negative where the face points away from the viewer, else pitch would turn
        away = -1.0 if r[2, 2] < 0 else 1.0
        pitch = np.arctan2(away * r[1, 2], away * r[2, 2])
        yaw = np.arctan2(-r[0, 2], away * np.hypot(r[0, 0], r[0, 1]))
        roll = np.arctan2(away * r[0, 1], away * r[0, 0])
        return cls(*(float(v) for v in np.degrees([yaw, pitch, roll])))
