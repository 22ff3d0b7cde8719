# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A face placed in space, with a head of another size, or less sure."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.confidence import moving_covariance
from face_recon_ros.face import DistanceSource, Face
from face_recon_ros.head_size import HeadSize
from face_recon_ros.pose import MetricPose
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.rolls import score_of


def resized(face: Face, camera: Camera, size: HeadSize, sigma: float) -> Face:
    """Return a face whose head is of a size; sigma: what that of its size was, relative."""
    ratio, origin = size.scale / face.head_scale, camera.position_m
    seen = ratio * (face.pose.translation_m - origin)
    covariance = face.pose_covariance.copy()
    covariance[:3] *= ratio
    covariance[:, :3] *= ratio
    covariance[:3, :3] += (size.sigma**2 - sigma**2) * np.outer(seen, seen)
    return replace(
        face,
        pose=MetricPose(face.pose.rotation, origin + seen),
        pose_covariance=covariance,
        landmarks_m=origin + ratio * (face.landmarks_m - origin),
        head_scale=size.scale,
        distance_source=source_of(size),
    )


def source_of(size: HeadSize) -> DistanceSource:
    """Return what a size, and so the distance by it, follows from."""
    if size.measured:
        return DistanceSource.DEPTH
    return DistanceSource.IRIS if size.by_iris else DistanceSource.ASSUMED


def predicted(
    face: Face, regression: Regression, camera: Camera, growth: np.ndarray
) -> Face:
    """
    Return a face that waits for its turn or, of presence 0, is held.

    :param growth: (4,) of the variances of its place, by which it is less sure
    """
    sigma_rad = regression.rotation_sigma_rad
    if sigma_rad is not None:
        sigma_rad = math.hypot(sigma_rad, math.sqrt(growth[3]))
    return replace(
        face,
        score=score_of(replace(regression, rotation_sigma_rad=sigma_rad)),
        pose_covariance=face.pose_covariance + moving_covariance(face.pose, camera, growth),
        rotation_sigma_rad=sigma_rad,
        predicted=regression.presence > 0,
    )
