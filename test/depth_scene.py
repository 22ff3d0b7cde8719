# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a depth camera sees of a face that was found: its mesh in true perspective."""

import numpy as np

from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.pose import points_in_camera
from face_recon_ros.rendering.renderer import Renderer


def depth_of(model, face, camera, factor=1.0, wall_m=4.0):
    """Depth (H, W) m of a head of `factor` times the size found, at as much of the distance."""
    own = FaceParameters(np.eye(3, 4), face.parameters.shape, face.parameters.expression)
    placed = factor * points_in_camera(
        model.dense_px(own).astype(np.float64), face.pose, face.head_scale)
    # what is linear on the screen is the inverse of depth
    nearness = 1000 / placed[:, 2:]
    pixels = placed[:, :2] / placed[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
    vertices = np.column_stack([pixels, nearness]).astype(np.float32)
    found = Renderer(model.triangles).depth(
        vertices, (camera.height, camera.width), np.array([0.0, 0.0, -1.0, 1e4]))
    return np.where(np.isfinite(found), 1000 / (1e4 - found), wall_m).astype(np.float32)
