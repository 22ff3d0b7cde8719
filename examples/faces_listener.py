#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Prints the faces that the node finds.

    ros2 launch face_recon_ros face_recon.launch.py image:=...     # in another terminal
    python3 examples/faces_listener.py --ros-args -r faces:=/face_recon/faces
"""

import signal
from contextlib import suppress

import rclpy
from face_recon_ros.msg import FaceArray
from rclpy.executors import ExternalShutdownException
from rclpy.qos import qos_profile_sensor_data


def tell(message: FaceArray) -> None:
    """Print where each face is in the frame of the camera, in metres."""
    for face in message.faces:
        p = face.pose.pose.position
        where = f'({p.x:+.2f}, {p.y:+.2f}, {p.z:+.2f}) m in {message.header.frame_id}'
        print(f'face {face.id} at {where}, score {face.score:.2f}', flush=True)


def main() -> None:
    """Listen until the end."""
    # as Ctrl-C: at rclpy's own handling of SIGTERM a node that gets no messages may wait on
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.init()
        node = rclpy.create_node('faces_listener')
        node.create_subscription(FaceArray, 'faces', tell, qos_profile_sensor_data)
        rclpy.spin(node)


if __name__ == '__main__':
    main()
