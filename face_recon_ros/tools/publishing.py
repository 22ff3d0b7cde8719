# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Time publishing alone: a stage of `face-recon bench`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import rclpy
from rclpy.context import Context
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from face_recon_ros.face import Face
from face_recon_ros.msg import FaceArray
from face_recon_ros.nodes import messages
from face_recon_ros.nodes.images import to_image


class Publishing:
    """Turns faces and pictures into messages and hands them to DDS, as the node does."""

    def __init__(self) -> None:
        self._context = Context()
        rclpy.init(args=[], context=self._context)
        self._node = rclpy.create_node('face_recon_bench', context=self._context)
        self._faces = self._node.create_publisher(FaceArray, '~/faces', 1)
        self._transforms = self._node.create_publisher(TFMessage, '~/tf', 1)
        self._image = self._node.create_publisher(Image, '~/mesh_image', 1)
        # without a subscriber nothing is sent
        topics = ((FaceArray, '~/faces'), (TFMessage, '~/tf'), (Image, '~/mesh_image'))
        self._takers = [
            self._node.create_subscription(kind, topic, lambda message: None, 1)
            for kind, topic in topics
        ]
        self._header = Header(frame_id='camera')

    def faces(self, faces: Sequence[Face], width: int, height: int) -> None:
        """Publish transforms and faces."""
        self._transforms.publish(messages.transforms(faces, self._header))
        self._faces.publish(messages.face_array(faces, self._header, width, height))

    def picture(self, image: np.ndarray) -> None:
        """Publish an image (H, W, 3) uint8 BGR."""
        self._image.publish(to_image(image, 'bgr8', self._header))

    def close(self) -> None:
        """Leave DDS."""
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)
