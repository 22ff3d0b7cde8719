# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Fast DDS and the C library set up for camera images, before the first participant is created.

Fast DDS' default shared-memory segment (512 KiB) is smaller than one camera image, and images are
then lost silently (ros2/rmw_fastrtps#576). The profile matters in the process that publishes.
"""

import ctypes
import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from face_recon_ros.paths import share_directory

PROFILE = 'fastdds_images.xml'
# Fast DDS 3 (Kilted and newer) reads the first, Fast DDS 2 (Jazzy and older) the second, and each
# complains about the other's; other middlewares read neither.
FASTDDS_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'
FASTRTPS_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'

# Parameters of glibc's mallopt (malloc.h)
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_MMAP_THRESHOLD_BYTES = 32 << 20  # glibc's largest
_TRIM_THRESHOLD_BYTES = 256 << 20
# Of the two dozen threads of a node two allocate at a time; each arena keeps what was freed in it
_ARENAS = 2


def use_image_profile(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Choose the shipped profile unless the user has chosen one; return whether it is used."""
    if environment.get(FASTDDS_VARIABLE) or environment.get(FASTRTPS_VARIABLE):
        return False
    profile = share_directory() / 'config' / PROFILE
    if not profile.is_file():
        return False
    environment[_variable(environment)] = str(profile)
    return True


def _variable(environment: Mapping[str, str]) -> str:
    """Return the variable that the installed Fast DDS reads; version 2 was package fastrtps."""
    sourced = environment.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    prefixes = [Path(p) for p in [*sourced, sys.prefix] if p]
    is_old = any((p / 'share' / 'fastrtps').is_dir() for p in prefixes)
    return FASTRTPS_VARIABLE if is_old else FASTDDS_VARIABLE


def keep_image_memory() -> bool:
    """
    Let glibc reuse the memory of images instead of returning it to the kernel with each one.

    Returning costs a page fault per 4 KiB of every image. Fewer arenas keep less. Does nothing on
    other C libraries.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
        and mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
        and mallopt(_M_ARENA_MAX, _ARENAS)
    )
