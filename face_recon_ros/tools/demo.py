"""
Executable ``face_recon_demo``: the real node on a sample camera, each in its own process.

Prints the poses that arrive and writes pictures. It succeeds only if poses arrived and agree with
the portrait's known motion (other sources have none: then poses only have to arrive).
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes.installation import require_ros

NODE_MODULE = 'face_recon_ros.nodes.face_recon_node'
CAMERA_MODULE = 'face_recon_ros.tools.sample_camera'
EXIT_REFUSED = 1
EXIT_INTERRUPTED = 130
STOP_TIMEOUT_S = 5.0


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return 0 only if it succeeded."""
    options = parse(arguments)
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    try:
        require_ros()
        from face_recon_ros.tools.demo_viewer import watch

        with Processes(options.source, options.node_parameters) as processes:
            has_truth = options.source == 'portrait'
            return watch(namespace(), has_truth, options.seconds, options.out, processes.ended)
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
        help='portrait (default), a video file, a folder of images, or /dev/videoN',
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
    return parser.parse_args(arguments)


def namespace() -> str:
    """Return a namespace for this process, so that other nodes on the network do not disturb."""
    return f'/face_recon_demo_{os.getpid()}'


class Processes:
    """The node and the camera, running as long as the context lasts."""

    def __init__(self, source: str, node_parameters: list[str]) -> None:
        if Path(source).exists():
            source = str(Path(source).resolve())
        self._commands = {
            # ids by themselves: nobody else is in this namespace
            'face_recon_node': command(NODE_MODULE, ["face_id_prefix:=''", *node_parameters]),
            'sample_camera': command(CAMERA_MODULE, [f'source:={source}']),
        }
        self._running: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> Processes:
        # the package that runs the demo, not a folder of that name where it is run
        environment = {**os.environ, 'PYTHONSAFEPATH': '1'}
        self._running = {
            name: subprocess.Popen(c, env=environment) for name, c in self._commands.items()
        }
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()

    def ended(self) -> str:
        """Return which of them has ended by itself, or ''."""
        for name, process in self._running.items():
            if process.poll() is not None:
                return f'{name} ended with status {process.returncode}'
        return ''


def command(module: str, parameters: list[str]) -> list[str]:
    """Return the command line of a node in the demo's namespace."""
    ros = ['--ros-args', '--log-level', 'warn', '-r', f'__ns:={namespace()}']
    for parameter in parameters:
        ros += ['-p', parameter]
    return [sys.executable, '-m', module, *ros]


if __name__ == '__main__':
    sys.exit(main())
