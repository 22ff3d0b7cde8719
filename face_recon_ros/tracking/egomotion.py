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
    moved = _through_lens(now.camera, seen, origin_px[:2])
    if moved is None:
        # about as far as without distortion, and as large as here
        pixel = origin_px[:2] + [now.camera.fx, now.camera.fy] * (seen[:2] - ray[:2])
        scale = scale_px_per_m * depth_m / place_m[2]
    else:
        pixel, length_px = moved
        scale = before.head_scale * length_px / place_m[2]
    return scale, carried_rotation, np.append(pixel, origin_px[2])


def _through_lens(
    camera: Camera, seen: np.ndarray, near_px: np.ndarray
) -> tuple[np.ndarray, float] | None:
    """
    Return where a camera sees along a ray (3,), z = 1, and Camera.length_px there.

    None near the rim of a lens and beyond, where pixels tell no directions.

    :param near_px: (2,) a pixel that sees along another ray
    """
    pixel = camera.pixel_towards(seen, near_px)
    if pixel is None:
        return None
    length_px = camera.length_px(pixel)
    return (pixel, length_px) if length_px > 0 else None
