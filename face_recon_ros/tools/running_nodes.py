# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What running nodes tell of themselves: the frame of their images, and how those are sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rclpy
from rcl_interfaces.srv import GetParameters
from rclpy.node import Node

from face_recon_ros.msg import FaceArray
from face_recon_ros.nodes.process import Signals, start_ros

NODE = 'face_recon'
# for the node's answer, once it has published
ANSWER_S, ASK_AGAIN_S = 3.0, 1.0
SPIN_S = 0.1


@dataclass(slots=True)
class Seen:
    """What the running nodes reported; '' for nothing."""

    frame: str = ''
    transport: str = ''


def look(
    cameras: Sequence[str], ros: Sequence[str], wait_s: float, frame: str, signals: Signals
) -> Seen:
    """
    Return the frame of the images and how they are sent, as the node there tells it.

    :param cameras: namespaces of the nodes; none: the node in this namespace. How the images of
        several are sent does not matter.
    :param ros: ROS arguments: namespace, remappings.
    :param wait_s: after which what was not told stays ''.
    :param frame: '' or the frame, which is not waited for then.
    :param signals: one ends the waiting.
    :raises FaceReconError: ROS arguments cannot be used.
    """
    # an exception in the middle of what rclpy does would be told as a fault
    signals.interrupt_no_more()
    start_ros(['', *ros])
    node = rclpy.create_node('face_recon_rviz', start_parameter_services=False)
    try:
        return _ask(node, cameras, wait_s, frame, signals)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _ask(
    node: Node, cameras: Sequence[str], wait_s: float, frame: str, signals: Signals
) -> Seen:
    seen = Seen(frame)
    names = [f'{camera}/{NODE}' for camera in cameras] or [NODE]

    def on_faces(message: FaceArray) -> None:
        seen.frame = seen.frame or message.header.frame_id.lstrip('/')

    if not frame:
        topics = [
            node.create_subscription(FaceArray, f'{name}/faces', on_faces, 1).topic_name
            for name in names
        ]
        node.get_logger().info(f'RViz starts with the first message on {" or ".join(topics)}')
    parameters: Any = node.create_client(GetParameters, f'{names[0]}/get_parameters')
    answers: list[Any] = []
    again_s = 0.0
    end_s = time.monotonic() + wait_s
    while not (signals.stopped or (seen.frame and (seen.transport or cameras))):
        if time.monotonic() >= end_s:
            break
        rclpy.spin_once(node, timeout_sec=SPIN_S)
        # DDS drops the answer to a client that the server has not heard of yet: ask again
        if time.monotonic() >= again_s and parameters.service_is_ready():
            request = GetParameters.Request(names=['image_transport'])
            answers.append(parameters.call_async(request))
            again_s = time.monotonic() + ASK_AGAIN_S
        if answer := next((a for a in answers if a.done()), None):
            seen.transport = answer.result().values[0].string_value
        if seen.frame and not frame:
            end_s = min(end_s, time.monotonic() + ANSWER_S)
    if not (seen.frame or signals.stopped):
        node.get_logger().warning(
            f'no message came in {wait_s:g} s: RViz starts without. Set its Fixed Frame to the '
            "frame_id of your camera's images, or launch with fixed_frame:=<frame>"
        )
    return seen
