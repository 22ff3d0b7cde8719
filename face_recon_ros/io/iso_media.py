# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The boxes of ISO base media files (ISO/IEC 14496-12): MP4, MOV, HEIF, AVIF, JPEG 2000.

Read for what OpenCV does not provide: whether a file is truncated, the duration of its video, and
the rotation of an AVIF or HEIF image.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

# Limit of boxes on one level, against endless files
_MOST_BOXES = 100_000


@dataclass(frozen=True, slots=True)
class Box:
    """A box: the offsets of its content and of its end; cut_off: the file ends before it does."""

    kind: bytes
    begin: int
    end: int
    cut_off: bool


def boxes(stream: BinaryIO, begin: int, end: int) -> Iterator[Box]:
    """Yield the boxes that begin between two offsets of a file; stops at invalid data."""
    for _ in range(_MOST_BOXES):
        if begin >= end:  # a 64-bit length may be beyond what seek accepts
            return
        stream.seek(begin)
        head = stream.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack_from('>I4s', head)
        header = 8
        if length == 1 and len(head) == 16:
            length, header = struct.unpack_from('>Q', head, 8)[0], 16
        elif length == 0:  # to the end of the file
            length = end - begin
        if length < header or not all(32 <= letter < 127 for letter in kind):
            return
        yield Box(kind, begin + header, min(begin + length, end), begin + length > end)
        begin += length


def _find(stream: BinaryIO, box: Box, *path: bytes) -> Box | None:
    """Return the first box of a path of kinds within another."""
    for kind in path:
        # full boxes such as meta: version and flags come before the content
        begin = box.begin + (4 if box.kind == b'meta' else 0)
        found = next((b for b in boxes(stream, begin, box.end) if b.kind == kind), None)
        if found is None:
            return None
        box = found
    return box


def _whole_file(stream: BinaryIO) -> Box:
    return Box(b'', 0, stream.seek(0, 2), cut_off=False)


def _content(stream: BinaryIO, box: Box, most: int = 1 << 20) -> bytes:
    stream.seek(box.begin)
    return stream.read(min(box.end - box.begin, most))


def is_cut_off(stream: BinaryIO) -> bool:
    """Tell whether the last box of an ISO media file ends after the end of the file."""
    whole = _whole_file(stream)
    stream.seek(4)
    if stream.read(4) not in (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip'):
        return False
    return any(b.cut_off for b in boxes(stream, 0, whole.end))


def video_duration_s(stream: BinaryIO) -> float | None:
    """
    Return the duration of the first video track in seconds, from its first frame on.

    Its edit list counts, but for the time that it is to wait: parts of a longer recording do.
    None: no such file, or the duration is not stored (fragments).
    """
    movie = _find(stream, _whole_file(stream), b'moov')
    header = movie and _find(stream, movie, b'mvhd')
    if not movie or not header:
        return None
    try:
        timescale = _movie_timescale(_content(stream, header))
        for track in boxes(stream, movie.begin, movie.end):
            handler = _find(stream, track, b'mdia', b'hdlr') if track.kind == b'trak' else None
            head = handler and _find(stream, track, b'tkhd')
            if handler and head and _content(stream, handler)[8:12] == b'vide':
                duration = _track_duration(_content(stream, head))
                edits = _find(stream, track, b'edts', b'elst')
                duration -= _wait(_content(stream, edits)) if duration and edits else 0
                return duration / timescale if duration > 0 and timescale else None
    except (IndexError, struct.error):
        pass
    return None


def _movie_timescale(mvhd: bytes) -> int:
    return struct.unpack_from('>I', mvhd, 20 if mvhd[0] else 12)[0]


def _track_duration(tkhd: bytes) -> int:
    """Return the duration in the movie's units, 0 where it is not known."""
    if tkhd[0]:
        duration, unknown = struct.unpack_from('>Q', tkhd, 28)[0], 2**64 - 1
    else:
        duration, unknown = struct.unpack_from('>I', tkhd, 20)[0], 2**32 - 1
    return 0 if duration == unknown else duration


def _wait(elst: bytes) -> int:
    """Return how long an edit list waits before its first frame, in the movie's units."""
    form = struct.Struct('>QqI' if elst[0] else '>IiI')
    waited = 0
    for number in range(struct.unpack_from('>I', elst, 4)[0]):
        duration, media_time, _ = form.unpack_from(elst, 8 + number * form.size)
        if media_time != -1:
            break
        waited += duration
    return waited


@dataclass(frozen=True, slots=True)
class Turn:
    """How to show a decoded HEIF image: rotate it counter-clockwise, then mirror it."""

    quarter_turns: int = 0
    # 0: top and bottom change places, 1: left and right do; None: not mirrored
    mirror: int | None = None


def image_turn(stream: BinaryIO) -> Turn:
    """Return what the properties irot and imir of the main image say (ISO/IEC 23008-12)."""
    meta = _find(stream, _whole_file(stream), b'meta')
    properties = meta and _find(stream, meta, b'iprp')
    container = properties and _find(stream, properties, b'ipco')
    if not meta or not properties or not container:
        return Turn()
    turns, mirror = 0, None
    try:
        wanted = _main_image_properties(stream, meta, properties)
        for number, box in enumerate(boxes(stream, container.begin, container.end), start=1):
            if number in wanted and box.kind == b'irot':
                turns = _content(stream, box)[0] & 3
            elif number in wanted and box.kind == b'imir':
                mirror = _content(stream, box)[0] & 1
    except (IndexError, struct.error):
        return Turn()
    return Turn(turns, mirror)


def _main_image_properties(stream: BinaryIO, meta: Box, properties: Box) -> set[int]:
    """Return the numbers of the main image's properties, from 1 on."""
    primary = _find(stream, meta, b'pitm')
    table = _find(stream, properties, b'ipma')
    if not primary or not table:
        return set()
    content = _content(stream, primary)
    main = struct.unpack_from('>I' if content[0] else '>H', content, 4)[0]
    content = _content(stream, table)
    id_code, wide = ('>I' if content[0] else '>H'), content[3] & 1
    position = 8
    for _ in range(struct.unpack_from('>I', content, 4)[0]):
        item = struct.unpack_from(id_code, content, position)[0]
        position += struct.calcsize(id_code)
        count = content[position]
        codes = struct.unpack_from(f'>{count}{"H" if wide else "B"}', content, position + 1)
        position += 1 + count * (2 if wide else 1)
        if item == main:
            return {code & (0x7FFF if wide else 0x7F) for code in codes}
    return set()
