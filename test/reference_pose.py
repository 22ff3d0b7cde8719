# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The pose solver in NumPy, the plain way: what the C++ one is held to.

Weak perspective lifted to the camera frame, then Gauss-Newton in full perspective.
"""

import numpy as np

from face_recon_ros.confidence import DISTANCE_SIGMA_RATIO, pose_covariance
from face_recon_ros.pose import MetricPose, metric_pose, points_in_camera
from face_recon_ros.pose_solver import SolvedPose
from face_recon_ros.rotations import MODEL_FROM_FACE, rotation_matrix, rotation_to, rotation_vector


def solve(sparse, parameters, camera, fit_error, own_sigma_rad=None, calibration=None,
          head_scale=1.0, head_sigma=DISTANCE_SIGMA_RATIO):
    """Return what PoseSolver(sparse) returns."""
    points = sparse.points(parameters)
    pose = metric_pose(parameters, points, camera)
    seen_m = pose.translation_m - np.array(camera.position_m)
    if camera.calibrated:
        pixels = parameters.project(points)[:, :2]
        seen_in_weak = camera.directions(parameters.camera_matrix[None, :2, 3])[0]
        rotation, seen_m = refined(sparse.mean, points, camera.directions(pixels), seen_in_weak,
                                   pose.rotation @ MODEL_FROM_FACE.T, seen_m)
        pose = MetricPose(rotation @ MODEL_FROM_FACE, seen_m)
    pose = MetricPose(pose.rotation, head_scale * seen_m + np.array(camera.position_m))
    covariance = pose_covariance(pose, fit_error, own_sigma_rad, camera, calibration, head_sigma)
    return SolvedPose(pose, covariance, parameters.project(points),
                      points_in_camera(points, pose, head_scale))


def refined(mean, points, directions, ray, rotation, place):
    """
    Return rotation (3, 3), model -> optical, and place (3,) of a head of the model's size.

    Landmarks of a head with half of its relief, raised by 1.2 degrees, off by 4 mm, 30 of them
    independent; the first rotation is off by 0.03 rad. Three steps in the frame of the face's ray.
    """
    from_ray = rotation_to(ray)
    turned = directions @ from_ray
    target = turned[:, :2] / turned[:, 2:]
    model = (mean + 0.5 * (points - mean)) @ rotation_matrix([np.radians(-1.2), 0, 0]).T
    first = now = from_ray.T @ rotation
    place = from_ray.T @ place
    weight = 30 / len(points) * (np.linalg.norm(place) / 0.004) ** 2

    def residual(change):
        seen = model @ (rotation_matrix(change[:3]) @ now).T + place + change[3:]
        return (target - seen[:, :2] / seen[:, 2:]).ravel()

    for _ in range(3):
        step = 1e-6
        jacobian = np.column_stack([
            (residual(step * axis) - residual(-step * axis)) / (2 * step) for axis in np.eye(6)
        ])
        hold = np.diag([1.0, 1, 1, 0, 0, 0]) / 0.03**2
        normal = weight * jacobian.T @ jacobian + hold
        since = np.append(rotation_vector(now @ first.T), np.zeros(3))
        change = -np.linalg.solve(normal, weight * jacobian.T @ residual(np.zeros(6))
                                  + hold @ since)
        now = rotation_matrix(change[:3]) @ now
        place = place + change[3:]
    return from_ray @ now, from_ray @ place
