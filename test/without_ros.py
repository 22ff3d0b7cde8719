# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which tests a build without ROS leaves out. In a build with ROS every test is collected."""

import ast
import os
from importlib import util
from pathlib import Path

HELPERS = ('node_process', 'peer_process')


def is_without_ros() -> bool:
    """
    Tell whether the package was built without messages, on a Python without rclpy.

    One of the two alone is a fault, which the tests are to show. `make` sets FACE_RECON_ROS=ON
    where it has installed ROS: the absence of both is a fault there, too.
    """
    if os.environ.get('FACE_RECON_ROS') == 'ON':
        return False
    return all(_find(name) is None for name in ('rclpy', 'face_recon_ros.msg'))


def ros_files(folder: Path) -> list[str]:
    """Return the test files that import ROS, or the nodes, before any test of theirs runs."""
    return sorted(
        path.name for path in folder.glob('test_*.py')
        if any(_is_ros(name) for name in _imports(path)))


def _find(name: str) -> object:
    try:
        return util.find_spec(name)
    except ModuleNotFoundError:  # its parent is missing
        return None


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f'{node.module}.{alias.name}' for alias in node.names)]
    return names


def _is_ros(module: str) -> bool:
    root = module.split('.')[0]
    return (
        root in ('rclpy', *HELPERS)
        or root.endswith(('_msgs', '_interfaces', '_srvs'))
        or module.startswith(('face_recon_ros.msg', 'face_recon_ros.nodes')))
