# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What expressions are read from: Face Mesh's landmarks with the head's pose taken out, in 3D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.rotations import rotation_vector

# Landmarks that expressions move least (Face Mesh): forehead, temples, bridge of the nose, corners
# of the eyes. A pose by them does not follow the jaw or the brows
STEADY_468 = np.array([
    *(10, 338, 297, 332, 251, 389, 356, 454, 109, 67, 103, 21, 162, 127, 234),
    *(168, 6, 197, 195, 33, 133, 263, 362),
])
# px, y down -> model axes, y up
MODEL_FROM_SCREEN_AXES = np.array([1.0, -1.0, 1.0])


@dataclass(slots=True, frozen=True)
class Aligned:
    """
    A face as if it looked at the camera, of the reference's size.

    points (468, 3): model axes, metres. turn (3,): rotation vector of the head's pose that was
    taken out, x up and down, y to the sides, z roll.
    """

    points: np.ndarray
    turn: np.ndarray


def aligned(landmarks_px: np.ndarray, reference: np.ndarray) -> Aligned:
    """
    Take the pose out of landmarks.

    :param landmarks_px: (468, 3) x right, y down, z towards the viewer
    :param reference: (468, 3) the model's, metres, that STEADY_468 are laid onto
    :raises GeometryError: no pose follows from them.
    """
    points = landmarks_px * MODEL_FROM_SCREEN_AXES
    scale, rotation, move = similarity(points[STEADY_468], reference[STEADY_468])
    return Aligned(scale * points @ rotation.T + move, rotation_vector(rotation.T))


def mirrored(face: Aligned, mirror_468: np.ndarray) -> Aligned:
    """Return the face in the mirror; mirror_468 (468,): the landmark on the other side of each."""
    points = face.points[mirror_468] * np.array([-1.0, 1.0, 1.0])
    return Aligned(points, face.turn * np.array([1.0, -1.0, -1.0]))


def feature_vector(face: Aligned, reference: np.ndarray) -> np.ndarray:
    """Return (1407,): how far each landmark is from the reference's, metres, and the turn."""
    return np.concatenate([(face.points - reference).ravel(), face.turn])
