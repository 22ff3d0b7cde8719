# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth images registered to the camera's: taken as they come, found again by their stamps."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from face_recon_ros.depth_image import DepthImage
from face_recon_ros.errors import ImageError
from face_recon_ros.io.depth_encodings import compressed_to_depth, to_depth
from face_recon_ros.nodes.depth_monitor import DepthMonitor
from face_recon_ros.nodes.qos import overrides_of
from face_recon_ros.nodes.settings import COMPRESSED_DEPTH
from face_recon_ros.nodes.stamps import seconds
from face_recon_ros.nodes.topics import DEPTH_IMAGE, topic_of

# Of so many depth images the one nearest in time is taken: depth may come a little late
KEPT = 4
# Depth that has not come for so long has stopped: its last images are no fault of their stamps
STOPPED_S = 0.3


class DepthSubscription:
    """Listens to depth images from its making until close(); never waits for one."""

    def __init__(
        self,
        node: Node,
        transport: str,
        tolerance_s: float,
        monitor: DepthMonitor,
    ) -> None:
        """:param tolerance_s: how far the stamps of an image and its depth may be apart."""
        self._node = node
        self._tolerance_s = tolerance_s
        self._monitor = monitor
        topic = topic_of(node, DEPTH_IMAGE, transport)
        self._topic = topic.full_name
        # the executor's thread adds, the one that finds faces looks
        self._lock = threading.Lock()
        self._arrived_s = time.monotonic() - STOPPED_S
        self._kept: deque[tuple[float, Image | CompressedImage]] = deque(maxlen=KEPT)
        with overrides_of(node) as overrides:
            self._subscription = node.create_subscription(
                CompressedImage if transport == COMPRESSED_DEPTH else Image,
                topic.name,
                self._on_depth,
                QoSProfile(depth=2, reliability=ReliabilityPolicy.BEST_EFFORT),
                qos_overriding_options=overrides,
            )

    def close(self) -> None:
        """Listen no more."""
        self._node.destroy_subscription(self._subscription)

    def _on_depth(self, message: Image | CompressedImage) -> None:
        self._arrived_s = time.monotonic()
        self._monitor.received(self._arrived_s)
        with self._lock:
            self._kept.append((seconds(message.header.stamp), message))

    def at(self, stamp_s: float, image: np.ndarray, frame_id: str = '') -> DepthImage | None:
        """
        Return the depth of an image's pixels; None: there is none that can be used.

        :param frame_id: of the image; depth that is registered to it has the same
        """
        with self._lock:
            kept = list(self._kept)
        if not kept:
            return None
        nearest_s, message = min(kept, key=lambda depth: abs(depth[0] - stamp_s))
        if abs(nearest_s - stamp_s) > self._tolerance_s:
            if time.monotonic() - self._arrived_s < STOPPED_S:
                self._monitor.unmatched(abs(nearest_s - stamp_s))
            return None
        decode = compressed_to_depth if isinstance(message, CompressedImage) else to_depth
        try:
            depth = decode(message, self._topic)
            depth.check_size(image)
        except ImageError as error:
            self._monitor.unusable(str(error))
            return None
        self._monitor.matched(abs(nearest_s - stamp_s), message.header.frame_id, frame_id)
        return depth
