#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Greets whoever looks at the robot, once: a person is greeted again after looking away for a while.

    ros2 launch face_recon_ros face_recon.launch.py image:=...     # in another terminal
    python3 examples/greet.py --ros-args -r gazes:=/face_recon/gazes -r say:=/tts/say

The node says with every image who looks at what (~/gazes); a receiver '' is the camera. Publishes
std_msgs/String. Parameters: greeting, again_after (seconds).
"""

import signal
from contextlib import suppress

import rclpy
from face_recon_ros.msg import Gazes
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from std_msgs.msg import String

CAMERA = ''


class Greeter:
    """Decides who is to be greeted."""

    def __init__(self, again_after_s: float) -> None:
        self._again_after_s = again_after_s
        self._looked_s: dict[str, float] = {}  # when a person looked here last

    def newcomers(self, stamp_s: float, looking: set[str]) -> list[str]:
        """Return those who look at the robot now and have not done so for a while."""
        old = [i for i, s in self._looked_s.items() if stamp_s - s > self._again_after_s]
        for face_id in old:
            del self._looked_s[face_id]
        new = sorted(looking - self._looked_s.keys())
        self._looked_s.update(dict.fromkeys(looking, stamp_s))
        return new


class Greet(Node):
    """Subscribes `gazes`, publishes `say`."""

    def __init__(self) -> None:
        super().__init__('greet')
        self._greeting = str(self.declare_parameter('greeting', 'Hello!').value)
        self._greeter = Greeter(float(self.declare_parameter('again_after', 10.0).value))
        self._say = self.create_publisher(String, 'say', 10)
        self.create_subscription(Gazes, 'gazes', self._take, qos_profile_sensor_data)

    def _take(self, message: Gazes) -> None:
        pairs = zip(message.senders, message.receivers, strict=True)
        looking = {sender for sender, receiver in pairs if receiver == CAMERA}
        stamp_s = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
        for face_id in self._greeter.newcomers(stamp_s, looking):
            self.get_logger().info(f'{face_id} looks here')
            self._say.publish(String(data=self._greeting))


def main() -> None:
    """Greet until the end."""
    # as Ctrl-C: at rclpy's own handling of SIGTERM a node that gets no messages may wait on
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.init()
        rclpy.spin(Greet())


if __name__ == '__main__':
    main()
