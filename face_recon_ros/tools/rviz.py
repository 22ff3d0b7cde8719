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
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes import process
from face_recon_ros.tools import rviz_view

ROS_ARGUMENTS = '--ros-args'
WAIT_S = 15.0


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


def command(arguments: Sequence[str], signals: process.Signals) -> list[str]:
    """
    Return the command line of RViz; waits for the values it needs, or for a signal.

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
        transport = ''
        if not (frame and cameras):
            # ROS only where it is needed
            from face_recon_ros.tools import running_nodes

            seen = running_nodes.look(cameras, ros, options.wait, frame, signals)
            frame, transport = seen.frame, seen.transport
        view = str(_view(cameras, transport))
    return [executable, '-d', view, *(['-f', frame] if frame else []), *others, *ros]


def _view(cameras: Sequence[str], transport: str) -> Path:
    shipped = rviz_view.shipped_view()
    if cameras:
        return rviz_view.write(rviz_view.of_cameras(rviz_view.read(shipped), cameras))
    if transport == 'compressed':
        return rviz_view.write(rviz_view.with_compressed_images(rviz_view.read(shipped)))
    return shipped


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute RViz in place of this process; return the exit status if that fails."""
    own = sys.argv[1:] if arguments is None else arguments
    return process.until_signal(partial(_execute, own))


def _execute(arguments: Sequence[str], signals: process.Signals) -> int:
    line = command(arguments, signals)
    signals.release()
    if signals.stopped:
        return process.EXIT_OK
    return os.execv(line[0], line)


if __name__ == '__main__':
    sys.exit(main())
