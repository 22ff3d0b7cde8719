# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Prints how much memory a process holds after each step of what a node loads, without DDS.

    python -m face_recon_ros.tools.memory

Resident memory, and the part of it that is the process's own: the rest are libraries and mapped
files, which processes share.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

IMAGES, RATE_HZ = 60, 30.0


def memory_mib() -> tuple[float, float]:
    """Return this process's resident and anonymous memory (proc(5), smaps_rollup)."""
    lines = Path('/proc/self/smaps_rollup').read_text().splitlines()[1:]
    kib = {name: int(rest.split()[0]) for name, _, rest in (li.partition(':') for li in lines)}
    return kib['Rss'] / 1024, kib['Anonymous'] / 1024


def steps() -> list[tuple[str, Callable[[], object]]]:
    """Return what a node loads, in order: names, and calls that load it."""
    loaded: list[Any] = []
    return [
        ('Python', lambda: None),
        ('NumPy', partial(import_module, 'numpy')),
        ('OpenCV', partial(import_module, 'cv2')),
        ('LiteRT', partial(import_module, 'ai_edge_litert.interpreter')),
        ('the node: rclpy, messages', _import_node),
        ('a pipeline: models', lambda: loaded.append(_pipeline())),
        (f'{IMAGES} images', lambda: _track(loaded[0], eyes=False)),
        (f'{IMAGES} images with eyes', lambda: _track(loaded[0], eyes=True)),
    ]


def _import_node() -> None:
    """Import what a node does; without ROS what the library does."""
    try:
        import_module('face_recon_ros.nodes.node')
    except ImportError:
        import_module('face_recon_ros.pipeline')


def _pipeline() -> Any:
    return import_module('face_recon_ros.pipeline').Pipeline()


def _track(pipeline: Any, eyes: bool) -> None:
    """Follow the face of the sample portrait from the beginning."""
    image_files = import_module('face_recon_ros.io.image_files')
    share = import_module('face_recon_ros.paths').share_directory()
    portrait = image_files.read_image(share / 'samples' / 'astronaut.png')
    pipeline.reset()
    pipeline.eyes_wanted = eyes
    for index in range(IMAGES):
        pipeline.track(portrait, index / RATE_HZ)


def main() -> int:
    """Print a row per step."""
    sys.stdout.write(f'{"MiB":<28}{"resident":>9}{"":>9}{"own":>9}\n')
    before = (0.0, 0.0)
    for name, load in steps():
        load()
        now = memory_mib()
        sys.stdout.write(
            f'{name:<28}{now[0]:9.1f}{now[0] - before[0]:+9.1f}{now[1]:9.1f}'
            f'{now[1] - before[1]:+9.1f}\n'
        )
        before = now
    return 0


if __name__ == '__main__':
    sys.exit(main())
