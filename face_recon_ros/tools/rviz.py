# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Executable ``face_recon_rviz``: RViz with the package's view, in the frame of the camera there is.

RViz draws nothing if its fixed frame does not exist, and the camera's frame is known from its
images only. So this program waits for the first ~/faces and then executes RViz.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from face_recon_ros.errors import FaceReconError
from face_recon_ros.tools import rviz_view

if TYPE_CHECKING:
    from rclpy.node import Node

EXIT_OK = 0
EXIT_REFUSED = 1
ROS_ARGUMENTS = '--ros-args'
NODE = 'face_recon'
WAIT_S = 15.0
# for the node's answer, once it has published
ANSWER_S, ASK_AGAIN_S = 3.0, 1.0
SPIN_S = 0.1


@dataclass(slots=True)
class Seen:
    """What the running nodes reported; '' for nothing."""

    frame: str = ''
    transport: str = ''


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options that are this program's and not RViz's."""
    options = argparse.ArgumentParser(
        'face_recon_rviz',
        description="RViz with this package's view, in the frame of the camera's images",
        epilog=f'Other options, and those after {ROS_ARGUMENTS}, are passed on to rviz2.',
        allow_abbrev=False,
    )
    options.add_argument('-d', '--display-config', metavar='FILE', help='a view of your own')
    options.add_argument(
        '-f',
        '--fixed-frame',
        metavar='FRAME',
        help="fixed frame; not given: FILE's, else the images'",
    )
    options.add_argument(
        '--cameras',
        metavar='NAMES',
        help='show the nodes in these namespaces, joined by commas',
    )
    options.add_argument(
        '--wait',
        metavar='SECONDS',
        type=float,
        default=WAIT_S,
        help='for the first image, before RViz starts without (default %(default)g)',
    )
    return options


def rviz_executable() -> str:
    """
    Return the path of RViz.

    :raises FaceReconError: it is not installed.
    """
    try:
        executable = Path(get_package_prefix('rviz2')) / 'lib' / 'rviz2' / 'rviz2'
    except PackageNotFoundError:
        executable = None
    if executable is None or not os.access(executable, os.X_OK):
        distribution = os.environ.get('ROS_DISTRO') or '$ROS_DISTRO'
        raise FaceReconError(
            f'rviz2 is not installed: sudo apt install ros-{distribution}-rviz2'
        )
    return str(executable)


def command(arguments: Sequence[str]) -> list[str]:
    """
    Return the command line of RViz; waits for the values it needs.

    :raises FaceReconError: RViz is not installed, or the view cannot be written.
    """
    own = list(arguments)
    ros: list[str] = []
    if ROS_ARGUMENTS in own:
        begin = own.index(ROS_ARGUMENTS)
        own, ros = own[:begin], own[begin:]
    options, others = parser().parse_known_args(own)
    executable = rviz_executable()
    cameras = [name for name in (options.cameras or '').split(',') if name]
    view, frame = options.display_config, options.fixed_frame or ''
    if not view:
        seen = look(cameras, ros, options.wait, frame)
        frame = seen.frame
        view = str(_view(cameras, seen.transport))
    return [executable, '-d', view, *(['-f', frame] if frame else []), *others, *ros]


def _view(cameras: Sequence[str], transport: str) -> Path:
    shipped = rviz_view.shipped_view()
    if cameras:
        return rviz_view.write(rviz_view.of_cameras(rviz_view.read(shipped), cameras))
    if transport == 'compressed':
        return rviz_view.write(rviz_view.with_compressed_images(rviz_view.read(shipped)))
    return shipped


def look(cameras: Sequence[str], ros: Sequence[str], wait_s: float, frame: str) -> Seen:
    """
    Return the frame of the images and how they are sent, as the node there tells it.

    :param cameras: namespaces of the nodes; none: the node in this namespace. How the images of
        several are sent does not matter.
    :param ros: ROS arguments: namespace, remappings.
    :param wait_s: after which what was not told stays ''.
    :param frame: '' or the frame, which is not waited for then.
    """
    if frame and cameras:
        return Seen(frame)
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(args=['', *ros], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('face_recon_rviz', start_parameter_services=False)
    try:
        return _ask(node, cameras, wait_s, frame)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _ask(node: Node, cameras: Sequence[str], wait_s: float, frame: str) -> Seen:
    import rclpy
    from rcl_interfaces.srv import GetParameters

    from face_recon_ros.msg import FaceArray

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
    while time.monotonic() < end_s and not (seen.frame and (seen.transport or cameras)):
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
    if not seen.frame:
        node.get_logger().warning(
            f'no message came in {wait_s:g} s: RViz starts without. Set its Fixed Frame to the '
            "frame_id of your camera's images, or launch with fixed_frame:=<frame>"
        )
    return seen


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute RViz in place of this process; return the exit status if that fails."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        line = command(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return EXIT_OK
    except FaceReconError as error:
        sys.stderr.write(f'error: {error}\n')
        return EXIT_REFUSED
    return os.execv(line[0], line)


if __name__ == '__main__':
    sys.exit(main())
