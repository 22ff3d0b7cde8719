# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The node's pictures: mesh, overlay, depth and points, each only when somebody subscribes.

Beside them the calibration of the camera, where viewers of depth images look for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from face_recon_ros.camera import Camera
from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.nodes import messages
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.publishers import MakePublisher, has_listener, publish_if_heard
from face_recon_ros.nodes.settings import EXPRESSION, GAZE
from face_recon_ros.rendering.views import FaceViews

Message: TypeAlias = CameraInfo | Image | PointCloud2


@dataclass(frozen=True, slots=True)
class Scene:
    """
    An image (H, W, 3) uint8 BGR with the faces found in it; the image is not drawn on.

    camera: that they were found with, measured or assumed.
    """

    image: np.ndarray
    faces: Sequence[Face]
    header: Header
    camera: Camera
    settings: Settings


class Pictures:
    """Draws and publishes; used by one thread, asked by others what is wanted."""

    def __init__(self, make_publisher: MakePublisher, model: FaceModel) -> None:
        self._views = FaceViews(model)
        self._overlay_publisher = make_publisher(Image, '~/overlay_image', 1)
        self._outputs: list[tuple[Publisher, Callable[[Scene], Message]]] = [
            # first, so that no picture has to wait for its calibration
            (make_publisher(CameraInfo, '~/camera_info', 1), self._camera_info),
            (make_publisher(Image, '~/mesh_image', 1), self._mesh),
            (self._overlay_publisher, self._overlay),
            (make_publisher(Image, '~/depth_image', 1), self._depth),
            (make_publisher(PointCloud2, '~/points', 1), self._points),
        ]

    def wanted(self) -> bool:
        """Tell whether anybody subscribes to a picture."""
        return any(has_listener(publisher) for publisher, _ in self._outputs)

    def wants_expressions(self, settings: Settings) -> bool:
        """Tell whether anybody subscribes to a picture of expressions."""
        wanted = EXPRESSION in settings.overlay_modes
        return wanted and has_listener(self._overlay_publisher)

    def wants_eyes(self, settings: Settings) -> bool:
        """Tell whether anybody subscribes to a picture that shows eyes."""
        shown = GAZE in settings.overlay_modes
        return shown and has_listener(self._overlay_publisher)

    def draw(self, scene: Scene) -> None:
        """Publish what is wanted of a scene."""
        for publisher, make in self._outputs:
            publish_if_heard(publisher, partial(make, scene))
        self._views.forget()

    def _camera_info(self, scene: Scene) -> CameraInfo:
        return messages.camera_info(scene.camera, scene.header)

    def _mesh(self, scene: Scene) -> Image:
        opacity = scene.settings.mesh_opacity
        image = self._views.mesh(scene.image.copy(), scene.faces, opacity)
        return to_image(image, 'bgr8', scene.header)

    def _overlay(self, scene: Scene) -> Image:
        image = scene.image.copy()
        for mode in scene.settings.overlay_modes:
            image = self._views.draw(mode, image, scene.faces)
        return to_image(image, 'bgr8', scene.header)

    def _depth(self, scene: Scene) -> Image:
        depth_m = self._views.depth_m(scene.image.shape[:2], scene.faces)
        return to_image(depth_m, '32FC1', scene.header)

    def _points(self, scene: Scene) -> PointCloud2:
        points, colors = [np.empty((0, 3))], [np.empty((0, 3), np.uint8)]
        for face in scene.faces:
            points.append(self._views.vertices_m(face))
            colors.append(self._views.colors(scene.image, face))
        return messages.point_cloud(np.concatenate(points), np.concatenate(colors), scene.header)
