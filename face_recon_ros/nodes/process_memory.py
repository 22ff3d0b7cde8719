# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a node holds in memory without need, once its models are loaded or freed."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
from pathlib import Path

from face_recon_ros.errors import FaceReconError
from face_recon_ros.paths import share_directory

_MAPS = Path('/proc/self/maps')


def give_back() -> None:
    """
    Give back what loading, or freeing, left over.

    What threads and subscriptions call refers to them: Python finds such cycles, and the models
    that hang on them, only now and then, so it is told to look. The runtime keeps the files of
    networks mapped, but works with weights that it has unpacked; and the allocator keeps what was
    freed, as keep_image_memory() has it for images. What is wanted again is read again. Of this,
    nothing is done on systems other than Linux and with C libraries other than glibc.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, FaceReconError, ValueError):
        library = ctypes.CDLL(None)
        _release_networks(library, share_directory() / 'models')
        library.malloc_trim(0)


def _release_networks(library: ctypes.CDLL, folder: Path) -> None:
    """Drop the resident pages of mapped .tflite files in a folder; they are never written to."""
    shipped = {str(path.resolve()) for path in folder.glob('*.tflite')}
    for line in _MAPS.read_text().splitlines():
        # range, permissions, offset, device, inode, path
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] in shipped and 'w' not in fields[1]:
            first, last = (int(address, 16) for address in fields[0].split('-'))
            library.madvise(
                ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED
            )
