# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Large arrays of an .npz file left in the file: memory mapped, and shared between processes."""

from __future__ import annotations

import math
import mmap
import struct
import zipfile
from typing import IO

import numpy as np

# A member's header in the archive itself (APPNOTE.TXT 4.3.7): its size without name and extra
# field, and where the lengths of these two are
_LOCAL_HEADER_SIZE, _LENGTHS_AT = 30, 26
_CHUNK_BYTES = 1 << 16


def mapped_array(file: IO[bytes], archive: zipfile.ZipFile, name: str) -> np.ndarray | None:
    """
    Return the array of a member of an archive without a copy of it; read-only.

    All of it is read once, for its checksum.

    :param file: the archive's
    :returns: None where it cannot be mapped (compressed, not aligned, in Fortran's order)
    :raises ValueError: its header is none.
    :raises zipfile.BadZipFile: damaged.
    """
    member = archive.getinfo(f'{name}.npy')
    if member.compress_type != zipfile.ZIP_STORED:
        return None
    with archive.open(member) as stream:
        if np.lib.format.read_magic(stream) != (1, 0):
            return None
        shape, in_fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
        header_size = stream.tell()
        while stream.read(_CHUNK_BYTES):  # the checksum is told at the end
            pass
    file.seek(member.header_offset + _LENGTHS_AT)
    lengths = struct.unpack('<HH', file.read(4))
    offset = member.header_offset + _LOCAL_HEADER_SIZE + sum(lengths) + header_size
    size = math.prod(shape) * dtype.itemsize
    fits = size > 0 and size == member.file_size - header_size
    if not fits or in_fortran_order or dtype.hasobject or offset % max(dtype.alignment, 1):
        return None
    view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(view, dtype, math.prod(shape), offset).reshape(shape)


def release_pages(array: np.ndarray) -> None:
    """Give the memory of a mapped array back; what is read again comes from the file again."""
    owner: object = array
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.obj if isinstance(owner, memoryview) else owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, 'MADV_DONTNEED'):
        owner.madvise(mmap.MADV_DONTNEED)
