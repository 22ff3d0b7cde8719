# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
ROS domain ids that nobody else on this machine uses.

A domain of its own keeps test runs from hearing each other. The claim is a name in Linux's
abstract socket namespace: it is free again however its owner ends, and needs no folder.
"""

import atexit
import contextlib
import fcntl
import re
import socket
import time
from pathlib import Path

# Up to here DDS's ports lie below Linux's ephemeral ones.
LAST_DOMAIN_ID = 101
# Ports of a domain, as the RTPS specification (9.6.1) has them: base, gain, first unicast
PORT_BASE, PORT_GAIN, UNICAST_OFFSET = 7400, 250, 10
SHARED_MEMORY = Path('/dev/shm')
# Fast DDS holds one of these, exclusive or shared, on each of its files.
LOCKS = ('_el', '_sl')
OLD_S = 60.0

_claims: dict[int, socket.socket] = {}
atexit.register(lambda: [release(domain_id) for domain_id in list(_claims)])


def claim() -> int:
    """Return a domain id that is ours until this process ends."""
    for domain_id in range(1, LAST_DOMAIN_ID + 1):
        if domain_id in _claims or not _take(domain_id):
            continue
        if _is_heard(domain_id):
            release(domain_id)
            continue
        _sweep(domain_id)
        return domain_id
    raise OSError(f'all {LAST_DOMAIN_ID} ROS domain ids are in use')


def release(domain_id: int) -> None:
    """Give a domain id back."""
    _claims.pop(domain_id).close()


def _take(domain_id: int) -> bool:
    claimed = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claimed.bind(f'\0face_recon_ros/domain/{domain_id}')
    except OSError:
        claimed.close()
        return False
    _claims[domain_id] = claimed
    return True


def _is_heard(domain_id: int) -> bool:
    """Tell whether a participant that claimed nothing, a user's ROS for one, is in a domain."""
    for participant in range(3):
        port = PORT_BASE + PORT_GAIN * domain_id + UNICAST_OFFSET + 2 * participant
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('', port))
            except OSError:
                return True
    return False


def _sweep(domain_id: int) -> None:
    """Delete what killed processes left of Fast DDS: ports of a domain, and unlocked files."""
    first = PORT_BASE + PORT_GAIN * domain_id
    for file in _shared_memory():
        match = re.search(r'_port(\d+)', file.name)
        if match and first <= int(match[1]) < first + PORT_GAIN:
            _delete(file)
    for lock in _shared_memory():
        if lock.name.endswith(LOCKS) and _is_left_behind(lock):
            _delete(lock.with_name(lock.name[:-3]))
            _delete(lock)


def _shared_memory() -> list[Path]:
    names = ('fastdds_*', 'fastrtps_*', 'sem.fastdds_port*', 'sem.fastrtps_port*')
    return [file for name in names for file in SHARED_MEMORY.glob(name)]


def _is_left_behind(lock: Path) -> bool:
    """Tell whether a lock of Fast DDS is old and nobody holds it or its other half."""
    halves = [lock.with_name(lock.name[:-3] + suffix) for suffix in LOCKS]
    try:
        return time.time() - lock.stat().st_mtime > OLD_S and not any(map(_is_held, halves))
    except OSError:
        return False


def _is_held(lock: Path) -> bool:
    try:
        with open(lock, 'rb') as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _delete(file: Path) -> None:
    with contextlib.suppress(OSError):  # another user's
        file.unlink()
