# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The ends of recordings of which OpenCV does not tell that they are cut off.

ASF (WMV) says its size and length at its beginning. Matroska (MKV, WebM) says at which time it
ends: a part of a longer recording may begin late on the same clock. MPEG transport and program
streams say nothing of their end, but are packets: one that is not whole shows the cut. AVI counts
among its frames those that are empty and repeat the one before; OpenCV leaves them out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

# Advanced Systems Format, chapters 3.1 and 3.2: the GUIDs of two objects, as they are stored
_ASF_HEADER = bytes.fromhex('3026b2758e66cf11a6d900aa0062ce6c')
_ASF_FILE_PROPERTIES = bytes.fromhex('a1dcab8c47a9cf118ee400c00c205365')
_ASF_MOST_HEADER_BYTES = 1 << 20
_ASF_TICKS_PER_S = 10_000_000
_ASF_BROADCAST = 1
# RFC 9559, of Matroska: elements, as they are stored, and how many are looked at on one level
_EBML, _SEGMENT, _INFO, _CLUSTER = (
    bytes.fromhex(code) for code in ('1a45dfa3', '18538067', '1549a966', '1f43b675')
)
_SCALE, _DURATION, _TIMESTAMP = (bytes.fromhex(code) for code in ('2ad7b1', '4489', 'e7'))
_MOST_ELEMENTS = 1000
_USUAL_SCALE_NS = 1_000_000
# ISO/IEC 13818-1: transport packets, plain, after a time code (M2TS), before check bytes
_SYNC = 0x47
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))
_TS_PACKETS_IN_STEP = 8
# Of a program stream: how much of its end is looked at, and the codes that begin its packets
_PS_TAIL_BYTES = 1 << 20
_PS_PACK, _PS_END, _PS_FIRST_WITH_LENGTH = 0xBA, 0xB9, 0xBB
_START = b'\0\0\1'
# AVI: lists of chunks, pictures' codes behind the two digits of a stream, and how many chunks are
# looked at: days of a recording
_AVI_LISTS, _AVI_PICTURES, _AVI_MOST_CHUNKS = (b'RIFF', b'LIST'), (b'db', b'dc'), 1 << 24


@dataclass(frozen=True, slots=True)
class RecordingEnd:
    """
    Whether a recording ends before its container does, and how long it was to be.

    lead_s: time before its first frame that OpenCV counts as frames. repeats, last_repeats: frames
    that are counted, but empty, and how many of them are at its end.
    """

    is_cut_off: bool = False
    duration_s: float | None = None
    lead_s: float = 0.0
    repeats: int = 0
    last_repeats: int = 0


def recording_end(stream: BinaryIO) -> RecordingEnd:
    """Return what a file says; nothing, if it is of another kind."""
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(4096)
    if head.startswith(_ASF_HEADER):
        stream.seek(0)
        return _of_asf(stream.read(_ASF_MOST_HEADER_BYTES), size)
    if head.startswith(b'RIFF') and head[8:12] == b'AVI ':
        return _of_avi(stream, size)
    if head.startswith(_EBML):
        return _of_matroska(stream, size)
    if head.startswith(_START + bytes([_PS_PACK])):
        stream.seek(max(size - _PS_TAIL_BYTES, 0))
        return RecordingEnd(_program_stream_is_cut_off(stream.read()))
    return RecordingEnd(_transport_stream_is_cut_off(stream, head, size))


def _of_asf(data: bytes, size: int) -> RecordingEnd:
    place = 30
    while place + 24 <= len(data):
        length = struct.unpack_from('<Q', data, place + 16)[0]
        if data.startswith(_ASF_FILE_PROPERTIES, place) and place + 92 <= len(data):
            said, _, _, play, _, preroll_ms, flags = struct.unpack_from('<6QI', data, place + 40)
            if flags & _ASF_BROADCAST:  # live: the rest is not valid
                return RecordingEnd()
            duration_s = play / _ASF_TICKS_PER_S - preroll_ms / 1000
            return RecordingEnd(said > size, duration_s if duration_s > 0 else None)
        place += max(length, 24)
    return RecordingEnd()


def _of_avi(stream: BinaryIO, size: int) -> RecordingEnd:
    """Count the empty pictures of the first stream that has any."""
    number, repeats, last_repeats = b'', 0, 0
    for kind, length in _chunks(stream, size):
        number = number or kind[:2]
        if kind[:2] == number:
            repeats += not length
            last_repeats = 0 if length else last_repeats + 1
    return RecordingEnd(repeats=repeats, last_repeats=last_repeats)


def _chunks(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield kind and length of the pictures' chunks of an AVI, in their order."""
    begin = 0
    for _ in range(_AVI_MOST_CHUNKS):
        stream.seek(begin)
        head = stream.read(8)
        if begin >= size or len(head) < 8 or not all(32 <= letter < 127 for letter in head[:4]):
            return
        kind, length = struct.unpack('<4sI', head)
        if kind in _AVI_LISTS:  # its chunks come next, behind its type
            begin += 12
            continue
        if kind[2:] in _AVI_PICTURES and kind[:2].isdigit():
            yield kind, length
        begin += 8 + length + length % 2


def _of_matroska(stream: BinaryIO, size: int) -> RecordingEnd:
    scale_ns, duration = _USUAL_SCALE_NS, 0.0
    for kind, begin, end in _elements(stream, 0, size):
        if kind != _SEGMENT:
            continue
        for inner, inner_begin, inner_end in _elements(stream, begin, end):
            if inner == _INFO:
                said = _values(stream, inner_begin, inner_end)
                scale_ns = int.from_bytes(said.get(_SCALE, b''), 'big') or _USUAL_SCALE_NS
                duration = _real(said.get(_DURATION, b''))
            elif inner == _CLUSTER:
                said = _values(stream, inner_begin, inner_end, last=_TIMESTAMP)
                lead = int.from_bytes(said.get(_TIMESTAMP, b''), 'big')
                if not lead < duration < float('inf'):
                    break
                tick_s = scale_ns / 1e9
                return RecordingEnd(False, (duration - lead) * tick_s, lead * tick_s)
    return RecordingEnd()


def _elements(stream: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and end of the content of the elements between two offsets of a file."""
    for _ in range(_MOST_ELEMENTS):
        stream.seek(begin)
        head = stream.read(min(12, end - begin))
        # the first byte's leading zeros tell the length of a kind, and of a size
        kind = 9 - head[0].bit_length() if head else 0
        if not 1 <= kind <= 4 or len(head) <= kind or not head[kind]:
            return
        width = 9 - head[kind].bit_length()
        content = begin + kind + width
        if content > end:
            return
        length = int.from_bytes(head[kind : kind + width], 'big') - (1 << 7 * width)
        unknown = length == (1 << 7 * width) - 1
        after = end if unknown else min(content + length, end)
        yield head[:kind], content, after
        begin = after


def _values(
    stream: BinaryIO, begin: int, end: int, last: bytes | None = None
) -> dict[bytes, bytes]:
    """Return the first 8 bytes of the elements between two offsets, up to that of kind `last`."""
    values = {}
    for kind, content, after in _elements(stream, begin, end):
        stream.seek(content)
        values[kind] = stream.read(min(after - content, 8))
        if kind == last:
            break
    return values


def _real(data: bytes) -> float:
    code = {4: '>f', 8: '>d'}.get(len(data))
    return struct.unpack(code, data)[0] if code else 0.0


def _transport_stream_is_cut_off(stream: BinaryIO, head: bytes, size: int) -> bool:
    """Tell whether packets that are in step at the beginning and the end leave a rest there."""
    for length, before_sync in _TS_PACKETS:
        for first in range(length):
            syncs = head[first : first + _TS_PACKETS_IN_STEP * length : length]
            if len(syncs) < _TS_PACKETS_IN_STEP or any(byte != _SYNC for byte in syncs):
                continue
            rest = (size - first + before_sync) % length
            stream.seek(size - rest - length + before_sync)
            return rest > 0 and stream.read(1) == bytes([_SYNC])
    return False


def _program_stream_is_cut_off(tail: bytes) -> bool:
    """Tell whether the last packet of a program stream's end reaches behind it."""
    pack = _START + bytes([_PS_PACK])
    place = tail.find(pack)
    while place >= 0:
        end = _walked(tail, place)
        if end is not None:
            return end > len(tail)
        place = tail.find(pack, place + 1)  # that one was part of a picture or sound
    return False


def _walked(data: bytes, place: int) -> int | None:
    """Return where the last of the packets from a place on ends; None: they are none."""
    while place < len(data):
        rest = data[place : place + 14]
        if not rest.strip(b'\0') and not data[place:].strip(b'\0'):
            return len(data)  # padding
        if not (_START.startswith(rest) or rest.startswith(_START)):
            return None
        if len(rest) < 4:
            return place + 4
        if rest[3] == _PS_END:
            place += 4
        elif rest[3] == _PS_PACK:
            if rest[4:5] and rest[4] >> 6 != 1:  # of MPEG-1
                place += 12
            else:
                place += 14 + (rest[13] & 7 if len(rest) == 14 else 0)
        elif rest[3] >= _PS_FIRST_WITH_LENGTH:
            if len(rest) < 6:
                return place + 6
            place += 6 + int.from_bytes(rest[4:6], 'big')
        else:
            return None
    return place
