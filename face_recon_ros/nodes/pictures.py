# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The node's pictures: mesh, overlay, depth and points, each only when somebody subscribes.

Beside them the calibration of the camera, where viewers of depth images look for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias, cast

import numpy as np
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from face_recon_ros.camera import Camera
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.nodes import messages
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.publishers import MakePublisher, has_listener, publish_if_heard
from face_recon_ros.nodes.result import Result
from face_recon_ros.nodes.settings import EXPRESSION, GAZE
from face_recon_ros.rendering.views import FaceViews

Message: TypeAlias = CameraInfo | Image | PointCloud2


class Pictures:
    """
    An Output of the node (outputs.py) that takes long: it has a thread of its own.

    Other threads ask what is wanted.
    """

    def __init__(
        self, make_publisher: MakePublisher, settings: Callable[[], Settings], model: FaceModel
    ) -> None:
        """:param settings: returns the newest."""
        self._settings = settings
        self._views = FaceViews(model)
        self._overlay_publisher = make_publisher(Image, '~/overlay_image', 1)
        self._outputs: list[tuple[Publisher, Callable[[Result], Message]]] = [
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

    def wants_expressions(self) -> bool:
        """Tell whether anybody subscribes to a picture of expressions."""
        return self._is_mode_wanted(EXPRESSION)

    def wants_eyes(self) -> bool:
        """Tell whether anybody subscribes to a picture that shows eyes."""
        return self._is_mode_wanted(GAZE)

    def publish(self, result: Result) -> None:
        """Draw and publish what is subscribed to; the last pictures stay when faces go."""
        if result.withdraws or result.camera is None:
            return
        for publisher, make in self._outputs:
            publish_if_heard(publisher, partial(make, result))
        self._views.forget()

    def withdraws_on(self) -> Sequence[Publisher]:
        """Return none: the last pictures stay."""
        return ()

    def close(self) -> None:
        """Do nothing: the node destroys the publishers it has made."""

    def _is_mode_wanted(self, mode: str) -> bool:
        shown = mode in self._settings().overlay_modes
        return shown and has_listener(self._overlay_publisher)

    def _camera_info(self, result: Result) -> CameraInfo:
        # publish() has looked that there is one
        return messages.camera_info(cast('Camera', result.camera), result.header)

    def _mesh(self, result: Result) -> Image:
        opacity = self._settings().mesh_opacity
        image = self._views.mesh(result.image_bgr.copy(), result.faces, opacity)
        return to_image(image, 'bgr8', result.header)

    def _overlay(self, result: Result) -> Image:
        image = result.image_bgr.copy()
        for mode in self._settings().overlay_modes:
            image = self._views.draw(mode, image, result.faces)
        return to_image(image, 'bgr8', result.header)

    def _depth(self, result: Result) -> Image:
        depth_m = self._views.depth_m(result.image_bgr.shape[:2], result.faces)
        return to_image(depth_m, '32FC1', result.header)

    def _points(self, result: Result) -> PointCloud2:
        points, colors = [np.empty((0, 3))], [np.empty((0, 3), np.uint8)]
        for face in result.faces:
            points.append(self._views.vertices_m(face))
            colors.append(self._views.colors(result.image_bgr, face))
        return messages.point_cloud(np.concatenate(points), np.concatenate(colors), result.header)
