# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Write files without losing files of the user.

A file is written under another name in the same folder and renamed when it is complete; if the
disk is full, the old file stays. An output is never an input. Files of this program contain a
mark: the next run may replace them and does not read them as photos. Other files are not
replaced.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import struct
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from face_recon_ros.errors import OutputError

_MARK = b'face_recon_ros'
_JPEG_MARK = b'\xff\xfe' + struct.pack('>H', 2 + len(_MARK)) + _MARK
_PNG_TEXT = b'tEXtSoftware\0' + _MARK
_PNG_MARK = (
    struct.pack('>I', len(_PNG_TEXT) - 4) + _PNG_TEXT + struct.pack('>I', zlib.crc32(_PNG_TEXT))
)
_PNG_HEADER_BYTES = 33
# Appended to files; readers skip them
_TRAILERS = {
    '.npy': _MARK,
    **dict.fromkeys(
        ('.mp4', '.m4v', '.mov'), struct.pack('>I', 8 + len(_MARK)) + b'free' + _MARK
    ),
    '.avi': b'JUNK' + struct.pack('<I', len(_MARK)) + _MARK,
    '.mkv': b'\xec' + bytes([0x80 | len(_MARK)]) + _MARK,  # Void
}
# First bytes of files of this program that need no mark; of those that an option is for
_STARTS_BY_OPTION = {'--csv': b'file,id,score,x0,', '--json': b'{\n "machine": '}
_OWN_STARTS = (
    b'ply\nformat binary_little_endian 1.0\ncomment face_recon_ros: ',
    b'# face_recon_ros: ',
    *_STARTS_BY_OPTION.values(),
)
_GLTF_GENERATOR = b'{"asset":{"generator":"' + _MARK + b'"'
_HEAD_BYTES = 256
PART_PREFIX = '.face_recon_part_'
# Longest file name that all common file systems accept
LONGEST_NAME_BYTES = 255
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# A file of this name is given as a path, and is another one
_STANDARD_OUTPUT = Path('-')

Identity = tuple[int, int]


def identity(path: Path) -> Identity | None:
    """Return the file a path refers to, links followed; None: no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def identities(paths: Iterable[Path]) -> set[Identity]:
    """Return the files that paths refer to, and those in the folders among them."""
    found = set()
    for path in paths:
        found.add(identity(path))
        with suppress(OSError):
            found |= {identity(inside) for inside in path.iterdir()}
    return {i for i in found if i is not None}


def marked(data: bytes, suffix: str) -> bytes:
    """Return the bytes of a file with the mark of this program, where its format has room."""
    if data[:4] == b'\xff\xd8\xff\xe0':  # JFIF's segment must be the first
        place = 4 + struct.unpack_from('>H', data, 4)[0]
        return data[:place] + _JPEG_MARK + data[place:]
    if data.startswith(b'\x89PNG'):
        return data[:_PNG_HEADER_BYTES] + _PNG_MARK + data[_PNG_HEADER_BYTES:]
    return data + _TRAILERS.get(suffix.lower(), b'')


def mark_file(path: Path) -> None:
    """Append the mark of this program to a video. :raises OSError: it cannot be written."""
    trailer = _TRAILERS.get(path.suffix.lower(), b'')
    if trailer:
        with path.open('ab') as file:
            file.write(trailer)


def is_own(path: Path) -> bool:
    """Tell whether this program wrote a file; one that cannot be read is not its own."""
    if is_special(path):  # opening a pipe would wait for a writer
        return False
    try:
        with path.open('rb') as file:
            head = file.read(_HEAD_BYTES)
            trailer = _TRAILERS.get(path.suffix.lower(), b'')
            file.seek(max(file.seek(0, os.SEEK_END) - len(trailer), 0))
            tail = file.read()
    except OSError:
        return False
    if head.startswith(b'\xff\xd8'):
        return _JPEG_MARK in head
    if head.startswith(b'\x89PNG'):
        return _PNG_MARK in head
    if head.startswith(b'glTF'):
        return _GLTF_GENERATOR in head
    return head.startswith(_OWN_STARTS) or bool(trailer and tail == trailer)


def check_output(path: Path, option: str, inputs: set[Identity]) -> None:
    """
    Refuse to write a file over an input, or over one that no such run of this program wrote.

    Devices, pipes and empty files may be overwritten.

    :raises OutputError: one line with the option and the remedy.
    """
    try:
        found = path.stat()
    except OSError:  # no such file; other faults appear when it is written
        return
    if (found.st_dev, found.st_ino) in inputs:
        raise OutputError(f'{option} {path} is an input; choose another {option}')
    if stat.S_ISDIR(found.st_mode):
        raise OutputError(f'{option} {path} is a folder; name a file in it')
    if not stat.S_ISREG(found.st_mode) or not found.st_size:
        return
    if not is_own(path):
        kind = 'not of this program'
    elif not _begins_with(path, _STARTS_BY_OPTION.get(option, b'')):
        kind = 'of another kind'
    else:
        return
    raise OutputError(
        f'{option} {path} is there and {kind}; delete it, or choose another {option}'
    )


def _begins_with(path: Path, start: bytes) -> bool:
    try:
        with path.open('rb') as file:
            return file.read(len(start)) == start
    except OSError:
        return False


def check_apart(outputs: Iterable[tuple[Path | None, str]]) -> None:
    """:raises OutputError: two options name one file."""
    taken: dict[str, str] = {}
    for path, option in outputs:
        real = path and os.path.realpath(path)
        if path and real in taken and not is_special(path):
            raise OutputError(f'{option} {path} is {taken[real]} too; choose another {option}')
        if real:
            taken[real] = option


def cannot_write(path: Path, error: OSError, option: str = '--out') -> OutputError:
    """Return the line about a file that cannot be written."""
    return OutputError(f'{path}: {error.strerror or error}; choose another {option}')


def check_can_be_written(path: Path, option: str) -> None:
    """
    Refuse now what is written at the end of long work alone.

    :raises OutputError: no file can be made there.
    """
    try:
        PartFile(path).discard()
    except OSError as error:
        raise cannot_write(path, error, option) from error


def fitting_name(stem: str, ending: str) -> str:
    """Return a file's name, its stem cut where the name would be too long for a folder."""
    room = LONGEST_NAME_BYTES - len(os.fsencode(ending))
    name = os.fsencode(stem)
    if len(name) <= room:
        return stem + ending
    return name[:room].decode('utf-8', 'ignore') + ending


def is_special(path: Path) -> bool:
    """Tell whether a path is that of a device or pipe, which is written to as it is."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


class PartFile:
    """A file that is written to `part` and renamed when it is complete."""

    def __init__(self, path: Path) -> None:
        """:raises OSError: the file cannot be made."""
        # /dev/stdout and <(...) are links to pipes, which have no other path
        self._special = is_special(path)
        if self._special:
            self.part = path
            return
        self._target = Path(os.path.realpath(path))  # a link stays a link
        if self._target.is_dir():
            raise IsADirectoryError(21, 'Is a directory', str(path))
        if self._target.exists() and not os.access(self._target, os.W_OK):
            raise PermissionError(13, 'Permission denied', str(path))
        number, name = tempfile.mkstemp(
            prefix=PART_PREFIX, suffix=self._target.suffix, dir=self._target.parent
        )
        os.close(number)
        self.part = Path(name)
        self.part.chmod(self._mode())

    def _mode(self) -> int:
        """Return the permissions of the file that is replaced, or those of a new one."""
        try:
            return stat.S_IMODE(self._target.stat().st_mode)
        except OSError:
            mask = os.umask(0)
            os.umask(mask)
            return 0o666 & ~mask

    def publish(self) -> None:
        """Rename the file to its name. :raises OSError: not possible; the part is deleted."""
        if self._special:
            return
        try:
            self.part.replace(self._target)
        except OSError:
            self.discard()
            raise

    def discard(self) -> None:
        """Delete the part; the old file stays."""
        if not self._special:
            self.part.unlink(missing_ok=True)


def file_or_standard_output(text: str) -> Path:
    """Return the path that an option of the command line names, which may be standard output."""
    if text in ('-', '/dev/stdout'):
        return _STANDARD_OUTPUT
    path = Path(text)
    return path.absolute() if path == _STANDARD_OUTPUT else path


def is_standard_output(path: Path | None) -> bool:
    """Tell whether file_or_standard_output() found standard output."""
    return path == _STANDARD_OUTPUT


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """
    Open standard output for text in UTF-8, with the bytes of names that are none as they are.

    :raises OSError: it is closed; or, while it is written to, nobody reads it or a disk is full.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    sys.stdout.flush()
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):  # a caller's, which keeps it in memory
        yield sys.stdout
        return
    with open(
        number, 'w', newline='', encoding='utf-8', errors='surrogateescape', closefd=False
    ) as stream:
        yield stream


def write_bytes(path: Path, data: bytes, option: str = '--out') -> None:
    """Write a complete file, or keep the old one. :raises OutputError: it cannot be written."""
    try:
        file = PartFile(path)
        try:
            file.part.write_bytes(data)
        except BaseException:
            file.discard()
            raise
        file.publish()
    except OSError as error:
        raise cannot_write(path, error, option) from error


@contextmanager
def signals_held() -> Iterator[None]:
    """Delay signals that end the program until the block is done, which completes a file."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = {s: signal.getsignal(s) for s in _ENDING_SIGNALS}
    ours = {s: h for s, h in before.items() if h is not None}
    for number in ours:
        signal.signal(number, lambda given, _: waiting.append(given))
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        for first in waiting[:1]:
            signal.raise_signal(first)
