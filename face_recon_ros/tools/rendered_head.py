# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The face model's own head before a depth camera: colour, depth, and where it truly is.

It is painted, rendered in full perspective, and moves as a function of time alone, so that its
truth can be computed anywhere. No network took part in making it.
"""

from __future__ import annotations

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.pose import MetricPose, points_in_camera
from face_recon_ros.rendering.renderer import PlacedMesh, Renderer, Shading
from face_recon_ros.rotations import MODEL_FROM_FACE, OPTICAL_FROM_VIEWER, rotation_about

# Of the face model's mean, an adult's: what one image says of distance is wrong by as much
HEAD_SCALE = 0.9
WALL_M = 2.0
WALL_COLOR = (112, 104, 96)
LIGHT = Shading(ambient=0.7, diffuse=0.3, specular=0.0)
# Amplitude and period: turning, nodding, tilting; aside, up, and nearer and further
YAW, PITCH, ROLL = (0.5, 5.3), (0.25, 4.1), (0.15, 7.1)
ASIDE_M, UP_M, NEARER_M = (0.08, 6.7), (0.04, 5.9), (0.25, 6.1)
DISTANCE_M = 0.8
# Nearness at 1 m, in the renderer's unit: of the order of pixels
NEARNESS = 600.0


def head_pose_at(time_s: float) -> MetricPose:
    """Return where the head is at a time in seconds (of the clock that stamps the images)."""
    yaw, pitch, roll, aside, up, nearer = (
        float(amplitude * np.sin(2 * np.pi * (time_s % period_s) / period_s))
        for amplitude, period_s in (YAW, PITCH, ROLL, ASIDE_M, UP_M, NEARER_M)
    )
    turn = rotation_about('z', roll) @ rotation_about('x', pitch) @ rotation_about('y', yaw)
    rotation = turn @ OPTICAL_FROM_VIEWER @ MODEL_FROM_FACE
    return MetricPose(rotation, np.array([aside, up, DISTANCE_M - nearer]))


class RenderedHead:
    """Draws the head as a camera sees it."""

    def __init__(self, camera: Camera) -> None:
        model = FaceModel()
        self._points = model.mean.astype(np.float64)
        self._colors = model.colors
        self._renderer = Renderer(model.triangles)
        self._camera = camera

    def image(self, time_s: float) -> np.ndarray:
        """Return the image (H, W, 3) uint8 BGR at a time."""
        image = np.empty((self._camera.height, self._camera.width, 3), np.uint8)
        image[:] = WALL_COLOR
        mesh = PlacedMesh(self._vertices(time_s), None, self._colors)
        self._renderer.draw([mesh], image.shape[:2], image=image, shading=LIGHT)
        return image

    def depth_m(self, time_s: float) -> np.ndarray:
        """Return the true depth (H, W) float64 m of head and wall at a time."""
        vertices = self._vertices(time_s)
        # linear on the screen is the inverse of depth: it is drawn as a depth that grows with it
        top = 2 * float(vertices[:, 2].max())
        found = self._renderer.depth(
            vertices, (self._camera.height, self._camera.width), np.array([0.0, 0.0, -1.0, top])
        )
        with np.errstate(invalid='ignore'):
            return np.where(np.isfinite(found), NEARNESS / (top - found), WALL_M)

    def _vertices(self, time_s: float) -> np.ndarray:
        """Return pixels (V, 2) and the nearness, larger towards the camera, of the vertices."""
        placed = points_in_camera(self._points, head_pose_at(time_s), HEAD_SCALE)
        camera = self._camera
        x, y = placed[:, :2].T / placed[:, 2]
        return np.column_stack([
            camera.fx * x + camera.cx, camera.fy * y + camera.cy, NEARNESS / placed[:, 2]
        ]).astype(np.float32)
