# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Whether a depth image shows a head where a face was seen: what is around it lies further away.

From two metres on a sensor's noise hides the relief of a face, so that a wall passes for one. A
head stands out of what is around it by more than that noise. Which pixels are looked at is decided
here; the least squares are in C++ (src_cpp/depth_surface.hpp).
"""

from __future__ import annotations

import math

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.camera import Camera
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.face_model.parameters import FaceParameters

# The middle of the mean head, model axes, and distances from it, seen by the camera, at which only
# what is around the head is seen
MIDDLE_M = np.array([0.0, 0.01, -0.085])
AROUND_M = (0.14, 0.17)
# Neck, shoulders and collars hide below: so far from straight down nothing is looked at
BELOW_RAD = math.radians(50)
COUNT = 24


def _circles() -> np.ndarray:
    """Return places (2 * COUNT, 2) around a head, down is (0, 1), metres."""
    angles = np.linspace(BELOW_RAD, 2 * math.pi - BELOW_RAD, COUNT)
    circle = np.column_stack([-np.sin(angles), np.cos(angles)])
    return np.concatenate([radius_m * circle for radius_m in AROUND_M])


PLACES_M = _circles()


def stands_out(
    parameters: FaceParameters,
    camera: Camera,
    depth: DepthImage,
    shift_px: np.ndarray,
    rays: np.ndarray,
    depth_m: np.ndarray,
) -> bool | None:
    """
    Tell whether a face is nearer than the surface around it goes on; None: cannot be told.

    :param shift_px: (2,) how far the depth image lies beside the image
    :param rays: (N, 3) z = 1, and depth_m (N,) m, NaN unknown: of points of the face
    """
    places_px = around_px(parameters)
    return _renderer.stands_out(
        rays, depth_m, depth.values, places_px + shift_px, camera.rays(places_px)
    )


def around_px(parameters: FaceParameters) -> np.ndarray:
    """Return pixels (2 * COUNT, 2) around a head, but for below it."""
    image = parameters.camera_matrix[:2]
    middle_px = image[:, :3] @ MIDDLE_M + image[:, 3]
    x, y = (-image[:, 1]).tolist()
    # its own down, as long as a metre across the ray
    long = parameters.scale_px_per_m / math.hypot(x, y)
    return middle_px + PLACES_M @ (long * np.array([[y, -x], [x, y]]))
