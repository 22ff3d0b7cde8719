# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The step from weak perspective to a metric pose in the camera frame.

Frames are those of rotations.py; SI units, radians.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import GeometryError
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    quaternion,
    rotation_to,
)


@dataclass(slots=True, frozen=True, eq=False)
class MetricPose(ComparedByValue):
    """Pose of the face frame in the camera optical frame: rotation (3, 3), translation (3,) m."""

    rotation: np.ndarray
    translation_m: np.ndarray

    @property
    def distance_m(self) -> float:
        """From the origin of the camera frame to the face's: range, not z along the axis."""
        return float(np.linalg.norm(self.translation_m))

    def matrix(self) -> np.ndarray:
        """Return the homogeneous matrix (4, 4): face frame -> camera frame, metres."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.rotation, self.translation_m
        return matrix

    def quaternion(self) -> np.ndarray:
        """Return the rotation as x, y, z, w with w >= 0."""
        return quaternion(self.rotation)


# A landmark further than 80 degrees from its face's viewing ray is none: a head that fills so much
# of the view would touch the lens
LEAST_COSINE = 0.17
# The landmarks of a face of less are in one place
LEAST_SPREAD_PX = 1e-6


def face_rotation(parameters: FaceParameters) -> np.ndarray:
    """Return (3, 3): face frame -> image-aligned optical frame, without the viewing ray."""
    return OPTICAL_FROM_VIEWER @ parameters.model_rotation @ MODEL_FROM_FACE


def metric_pose(
    parameters: FaceParameters,
    landmarks_model_m: np.ndarray,
    camera: Camera,
    head_scale: float = 1.0,
) -> MetricPose:
    """
    Lift a weak-perspective fit to a pose in metres in the camera frame.

    The landmarks' pixels become rays (lens distortion undone), the rays are turned so that the
    face's own viewing ray is the axis, and there weak perspective is fitted again: on that axis it
    holds, whatever the place in the image; an off-axis face would come out stretched and turned
    by the angle of its ray otherwise. 1 / scale is the distance of the landmarks' centroid.

    :param landmarks_model_m: (N, 3) the face's own landmarks in model axes, metres
    :param head_scale: size of the real head relative to the model's
    :raises GeometryError: no pose follows: landmarks that are not finite, in one place or on one
        line, or all around the camera.
    """
    landmarks_px = parameters.project(landmarks_model_m)
    if not np.isfinite(landmarks_px).all():
        raise GeometryError('landmarks are not finite; no pose follows')
    origin_px = parameters.camera_matrix[:, 3]
    directions = camera.directions(np.vstack([origin_px[:2], landmarks_px[:, :2]]))
    optical_from_ray = rotation_to(directions[0])
    turned = directions @ optical_from_ray
    if not (turned[1:, 2] > LEAST_COSINE).all():
        raise GeometryError('landmarks are all around the camera; no pose follows')
    seen = turned[1:, :2] / turned[1:, 2:]
    # depth from the fit, in the unit of `seen`; towards the viewer is nearer
    spread_px = _spread(landmarks_px[:, :2])
    if not spread_px > LEAST_SPREAD_PX:
        raise GeometryError('landmarks are in one place; no pose follows')
    unit = _spread(seen) / spread_px
    depth = -(landmarks_px[:, 2] - origin_px[2]) * unit
    scale, rotation, _ = similarity(
        landmarks_model_m @ OPTICAL_FROM_VIEWER, np.column_stack([seen, depth])
    )
    optical_from_model = optical_from_ray @ rotation @ OPTICAL_FROM_VIEWER
    centroid_m = optical_from_ray @ np.append(seen.mean(axis=0), 1.0) * head_scale / scale
    origin_m = centroid_m - head_scale * optical_from_model @ landmarks_model_m.mean(axis=0)
    return MetricPose(optical_from_model @ MODEL_FROM_FACE, origin_m + camera.position_m)


def _spread(points: np.ndarray) -> float:
    centred = points - points.mean(axis=0)
    return float(np.sqrt(np.vdot(centred, centred)))


def points_in_camera(
    points_model_m: np.ndarray, pose: MetricPose, head_scale: float = 1.0
) -> np.ndarray:
    """Take model points (N, 3) in metres to the camera optical frame."""
    optical_from_model = pose.rotation @ MODEL_FROM_FACE.T
    return head_scale * points_model_m @ optical_from_model.T + pose.translation_m


def depth_plane(parameters: FaceParameters, pose: MetricPose, head_scale: float) -> np.ndarray:
    """
    Return (4,) a, b, c, d with depth_m = a x_px + b y_px + c z_px + d for the face's vertices.

    Depth is along the camera's optical axis, as in a depth image (REP-118).
    """
    optical_from_model = pose.rotation @ MODEL_FROM_FACE.T
    model_from_px = np.linalg.inv(parameters.camera_matrix[:, :3])
    gradient = head_scale * optical_from_model[2] @ model_from_px
    return np.append(gradient, pose.translation_m[2] - gradient @ parameters.camera_matrix[:, 3])
