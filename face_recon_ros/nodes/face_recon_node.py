# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Executable ``face_recon_node``: camera images in, faces out. The node itself is in node.py."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from face_recon_ros.nodes import process

if TYPE_CHECKING:
    from rclpy.node import Node


def load() -> Callable[[], Node]:
    """Import the node with all it needs."""
    from face_recon_ros.nodes.node import FaceReconNode

    return FaceReconNode


def main(arguments: list[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM; return the exit status."""
    return process.run(load, arguments)


if __name__ == '__main__':
    sys.exit(main())
