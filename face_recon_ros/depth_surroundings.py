# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Whether a depth image shows a head where a face was seen: what is around it lies further away.

From two metres on a sensor's noise hides the relief of a face, so that a wall passes for one. A
head stands out of what is around it by more than that noise.
"""

from __future__ import annotations

import math

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.face_model.parameters import FaceParameters

# The middle of the mean head, model axes, and distances from it, seen by the camera, at which only
# what is around the head is seen
MIDDLE_M = np.array([[0.0, 0.01, -0.085]])
AROUND_M = (0.14, 0.17)
# Neck, shoulders and collars hide below: so far from straight down nothing is looked at
BELOW_RAD = math.radians(50)
COUNT = 24
# What is nearer than the face by so much hides what is around: hands, others
NEARER_M = 0.1
# A face stands out by so much at least: that of a head that lies on a pillow does by 0.08 m
LEAST_OUT_M = 0.05
# Fewer places around the head that are measured say nothing, part of all
LEAST_MEASURED = 0.25
# Of the mean information of a plane's unknowns
RIDGE = 1e-12


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
    around_px = _around_px(parameters)
    around_m = depth.at(around_px + shift_px)
    known = np.isfinite(depth_m)
    face_m = float(np.median(depth_m[known]))
    with np.errstate(invalid='ignore'):
        use = around_m > face_m - NEARER_M
    if use.sum() < LEAST_MEASURED * len(around_m):
        return None
    # a plane: the inverse of depth is linear in the ray; the face is nearer by a step
    all_rays = np.concatenate([rays[known], camera.rays(around_px)[use]])
    step = np.repeat([1.0, 0.0], [known.sum(), use.sum()])
    inverse = 1 / np.concatenate([depth_m[known], around_m[use]])
    found = least_squares(np.column_stack([all_rays, step]), inverse)
    return bool(found[3] * face_m**2 > LEAST_OUT_M)


def least_squares(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return x (K,), few, of the least |rows @ x - values|, rows (N, K), values (N,)."""
    information = rows.T @ rows
    # rows that leave an unknown open leave it small
    information += RIDGE * np.trace(information) * np.eye(len(information))
    return np.linalg.solve(information, rows.T @ values)


def _around_px(parameters: FaceParameters) -> np.ndarray:
    """Return pixels (2 * COUNT, 2) around a head, but for below it."""
    middle_px = parameters.project(MIDDLE_M)[0, :2]
    down = -parameters.camera_matrix[:2, 1]
    angles = math.atan2(down[1], down[0]) + np.linspace(BELOW_RAD, 2 * math.pi - BELOW_RAD, COUNT)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    radii_px = parameters.scale_px_per_m * np.array(AROUND_M)
    return middle_px + np.concatenate([radius_px * circle for radius_px in radii_px])
