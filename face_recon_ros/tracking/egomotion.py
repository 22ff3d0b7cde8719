# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a head that stands still is seen after the camera has moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import OPTICAL_FROM_VIEWER, rotation_to


@dataclass(slots=True, frozen=True)
class View:
    """
    Where an image was taken from.

    camera: its calibration. pose: of the camera's optical frame in a fixed frame. head_scale: size
    of the heads relative to the model's.
    """

    camera: Camera
    pose: MetricPose
    head_scale: float = 1.0


# Nearer than this to the camera's plane, or behind it, nothing is carried
LEAST_DEPTH_M = 0.05


def carried(
    scale_px_per_m: float, rotation: np.ndarray, origin_px: np.ndarray, before: View, now: View
) -> tuple[float, np.ndarray, np.ndarray] | None:
    """
    Return how a head that stands still in the fixed frame is seen after the camera has moved.

    :param rotation: (3, 3) model rotation, without the viewing ray
    :param origin_px: (3,) of the model's origin
    :returns: the same three; None where the head would be beside or behind the camera
    """
    ray = before.camera.rays(origin_px[None, :2])[0]
    turn = now.pose.rotation.T @ before.pose.rotation
    shift_m = now.pose.rotation.T @ (before.pose.translation_m - now.pose.translation_m)
    size_px = scale_px_per_m / before.head_scale
    depth_m = before.camera.length_px(origin_px[:2]) / size_px
    place_m = turn @ (ray * depth_m) + shift_m
    if not place_m[2] >= LEAST_DEPTH_M:  # nor NaN, of a fisheye's pixel that looks back
        return None
    seen = place_m / place_m[2]
    optical_from_model = rotation_to(ray) @ OPTICAL_FROM_VIEWER @ rotation
    carried_rotation = (
        OPTICAL_FROM_VIEWER @ rotation_to(seen).T @ turn @ optical_from_model
    )
    origin = origin_px.copy()
    origin[:2] = now.camera.pixel_towards(seen, origin_px[:2])
    scale = before.head_scale * now.camera.length_px(origin[:2]) / place_m[2]
    return scale, carried_rotation, origin
