# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Executable ``face_recon_demo``: the real node on a sample camera, each in its own process.

Prints the poses that arrive and writes pictures. It succeeds only if poses arrived and agree with
the known motion of portrait or head (other sources have none: then poses only have to arrive).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes.installation import require_ros
from face_recon_ros.tools.processes import Processes, module_command

NODE_MODULE = 'face_recon_ros.nodes.face_recon_node'
CAMERA_MODULE = 'face_recon_ros.tools.sample_camera'
EXIT_REFUSED = 1
EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return 0 only if it succeeded."""
    options = parse(arguments)
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    try:
        require_ros()
        from face_recon_ros.tools.demo_viewer import watch

        with Processes() as processes:
            start(
                processes, options.source, options.node_parameters, options.camera_parameters
            )
            return watch(
                namespace(), options.source, options.seconds, options.out, processes.ended
            )
    except FaceReconError as error:
        sys.stderr.write(f'error: {error}\n')
        return EXIT_REFUSED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog='face_recon_demo', description=__doc__)
    parser.add_argument(
        '--source',
        default='portrait',
        help='portrait (default), head (rendered, with depth), a video file, a folder of images, '
        'or /dev/videoN',
    )
    parser.add_argument('--seconds', type=float, default=10.0, help='how long (default 10)')
    parser.add_argument(
        '--out', type=Path, default=Path('demo_output'), help='folder for the pictures'
    )
    parser.add_argument(
        '--node-parameters',
        nargs='*',
        default=[],
        metavar='NAME:=VALUE',
        help='parameters for the face_recon node',
    )
    parser.add_argument(
        '--camera-parameters',
        nargs='*',
        default=[],
        metavar='NAME:=VALUE',
        help='parameters for the sample camera, as depth_sensor:=time_of_flight',
    )
    return parser.parse_args(arguments)


def namespace() -> str:
    """Return a namespace for this process, so that other nodes on the network do not disturb."""
    return f'/face_recon_demo_{os.getpid()}'


def start(
    processes: Processes, source: str, node_parameters: list[str], camera_parameters: list[str]
) -> None:
    """Start the node and the camera."""
    if Path(source).exists():
        source = str(Path(source).resolve())
    # ids by themselves: nobody else is in this namespace
    alone = "face_id_prefix:=''"
    processes.start('face_recon_node', command(NODE_MODULE, [alone, *node_parameters]))
    camera = command(CAMERA_MODULE, [f'source:={source}', *camera_parameters])
    processes.start('sample_camera', camera)


def command(module: str, parameters: list[str]) -> list[str]:
    """Return the command line of a node in the demo's namespace."""
    ros = ['--ros-args', '--log-level', 'warn', '-r', f'__ns:={namespace()}']
    for parameter in parameters:
        ros += ['-p', parameter]
    return module_command(module, *ros)


if __name__ == '__main__':
    sys.exit(main())
