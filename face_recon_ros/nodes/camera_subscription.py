# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node's subscriptions to a camera, and what becomes of an image before it is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from face_recon_ros.calibration import Calibration
from face_recon_ros.nodes.frame_ids import Publishers, PublisherTurns
from face_recon_ros.nodes.image_processing import Arrival
from face_recon_ros.nodes.monitor import Monitor, SequenceGaps
from face_recon_ros.nodes.qos import overrides_of
from face_recon_ros.nodes.topics import Topic

# An old rclpy gives a callback the message alone
GIVES_INFO = hasattr(Subscription, 'CallbackType')


def image_qos() -> QoSProfile:
    """
    Return the profile of sensor data, of depth 1: an image that waits is late.

    A new one each time: rclpy writes overrides into the profile it is given.
    """
    return QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class CameraSubscription:
    """Listens to a camera from its making until close()."""

    def __init__(
        self,
        node: Node,
        topic: Topic,
        calibration: Calibration,
        calibration_wait_s: float,
        monitor: Monitor,
        wanted: Callable[[], bool],
        submit: Callable[[Arrival], bool],
    ) -> None:
        """
        Begin to listen.

        :param calibration_wait_s: how long the first image waits for camera_info.
        :param wanted: tells whether anybody listens to any result.
        :param submit: takes an image; tells whether it replaced one that nobody had begun.
        """
        self._node = node
        self._calibration = calibration
        self._calibration_wait_s = calibration_wait_s
        self._monitor = monitor
        self._wanted = wanted
        self._submit = submit
        self._gaps = SequenceGaps()
        self._topic = topic
        self._publishers = Publishers(self._publishers_there)
        self._turns = PublisherTurns()
        self._held: Arrival | None = None
        self._hold_until_s: float | None = None
        # Not ROS time: a paused simulation must not hold images for ever.
        self._release_timer = node.create_timer(
            max(calibration_wait_s, 1e-3),
            self._release,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        self._release_timer.cancel()
        self._subscriptions: list[Subscription] = []
        try:
            self._subscribe(topic)
        except Exception:
            self.close()
            raise

    def _subscribe(self, topic: Topic) -> None:
        wanted = {
            'camera_info': (CameraInfo, self._on_camera_info),
            topic.name: (
                topic.kind,
                self._on_image if GIVES_INFO else lambda message: self._on_image(message, {}),
            ),
        }
        for name, (kind, callback) in wanted.items():
            with overrides_of(self._node) as overrides:
                self._subscriptions.append(
                    self._node.create_subscription(
                        kind, name, callback, image_qos(), qos_overriding_options=overrides
                    )
                )

    def _publishers_there(self) -> frozenset[bytes]:
        known = self._node.get_publishers_info_by_topic(self._topic.name)
        return frozenset(bytes(publisher.endpoint_gid) for publisher in known)

    def close(self) -> None:
        """Listen no more."""
        self._held = None
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._node.destroy_timer(self._release_timer)

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._calibration.update(message)
        self._release()

    def _on_image(self, message: Image | CompressedImage, info: Mapping[str, Any]) -> None:
        now, now_s = self._node.get_clock().now().to_msg(), time.monotonic()
        publisher = self._publishers.of(info)
        arrival = Arrival(message, now_s, now, self._turns.turn_s(publisher, now_s))
        idle = not self._wanted()
        # how many images of the same publisher were lost before this one
        missed = self._gaps.missed(publisher, info.get('publication_sequence_number'))
        self._monitor.received(now_s, idle, missed)
        if idle:
            return
        if self._waits_for_calibration(arrival.arrived_s):
            if self._held is not None:
                self._monitor.dropped(arrival.arrived_s, held=True)
            self._held = arrival
        elif self._submit(arrival):
            self._monitor.dropped(arrival.arrived_s)

    def _waits_for_calibration(self, now_s: float) -> bool:
        """Give camera_info a moment to come before a focal length is assumed."""
        if self._calibration.received:
            return False
        if self._hold_until_s is None:
            self._hold_until_s = now_s + self._calibration_wait_s
            self._release_timer.reset()
        return now_s < self._hold_until_s

    def _release(self) -> None:
        """Let the image go that waited for camera_info."""
        self._release_timer.cancel()
        held, self._held = self._held, None
        if held is not None and self._submit(held):
            self._monitor.dropped(time.monotonic())
