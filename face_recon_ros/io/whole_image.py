# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Check that an image is complete, by walking the structure of its format.

Decoders fill missing parts with grey, without an error, so this is checked before. Data after the
end of an image (padding of a camera's buffer, the clip of a motion photo) is ignored. The walkers
do not raise, and read each byte a bounded number of times.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from face_recon_ros.io.iso_media import boxes

# Results of fault_of; '' is complete, or a format that cannot be checked
CUT_OFF, DAMAGED = 'cut off', 'damaged'

_PNG_START = b'\x89PNG\r\n\x1a\n'
_TIFF_STARTS = {b'II*\0': '<', b'MM\0*': '>'}
_ISO_STARTS = (b'ftyp', b'jP  ', b'JXL ')
# A marker of JPEG: not a stuffed byte, not a restart within a scan, not fill bytes
_JPEG_MARKER = re.compile(rb'\xff[^\x00\x01\xd0-\xd7\xff]', re.DOTALL)
_JPEG_START, _JPEG_END = 0xD8, 0xD9
# An ancillary PNG chunk that changes what is decoded
_PNG_USED = (b'tRNS', b'eXIf', b'acTL', b'fcTL', b'fdAT')
_PNM_HEADER = re.compile(rb'P([456])' + rb'(?:\s|#[^\n]*\n)+(\d{1,9})' * 2)
_PNM_DEPTH = re.compile(rb'(?:\s|#[^\n]*\n)+(\d{1,5})')
_PNM_HEADER_BYTES = 4096


def fault_of(data: Any) -> str:
    """
    Return what is wrong with an image: CUT_OFF, DAMAGED, or ''.

    :param data: the bytes of the file, at least one, in anything that has a buffer of them
    """
    view = memoryview(data).cast('B')
    walk = _walker(bytes(view[:16]))
    if walk is None:
        return ''
    try:
        return walk(view)
    except (IndexError, struct.error):  # a field is beyond the end
        return CUT_OFF


def _walker(start: bytes) -> Callable[[memoryview], str] | None:
    if start[:2] == b'\xff\xd8':
        return _jpeg
    if start[:4] == _PNG_START[:4]:
        return _png
    if start[:4] == b'RIFF' and start[8:12] == b'WEBP':
        return _webp
    if start[:6] in (b'GIF87a', b'GIF89a'):
        return _gif
    if start[:4] in _TIFF_STARTS:
        return _tiff
    if start[:2] == b'BM':
        return _bmp
    if start[4:8] in _ISO_STARTS:
        return _iso_media
    return _pnm if start[:2] in (b'P4', b'P5', b'P6') else None


def _jpeg(data: memoryview) -> str:
    """Walk the segments by their length and the scans by their markers, to the end marker."""
    position = 2
    while match := _JPEG_MARKER.search(data, position):
        position = match.end()
        code = data[position - 1]
        if code == _JPEG_END:
            return ''
        if code == _JPEG_START:  # the next image of a stream, before the end of this one
            return CUT_OFF
        position += max(struct.unpack_from('>H', data, position)[0], 2)
    return CUT_OFF


def png_chunks(data: bytes | memoryview) -> Iterator[tuple[bytes, int, int]]:
    """
    Yield the type of each chunk of a PNG and where it begins and ends, length and CRC included.

    :raises struct.error: a chunk reaches behind the end.
    """
    position = len(_PNG_START)
    while True:
        length, kind = struct.unpack_from('>I4s', data, position)
        end = position + 12 + length
        if end > len(data):
            raise struct.error('chunk behind the end')
        yield kind, position, end
        if kind == b'IEND':
            return
        position = end


def _png(data: memoryview) -> str:
    for kind, begin, end in png_chunks(data):
        if not kind.isalpha():
            return DAMAGED
        critical = kind[:1].isupper()
        crc = zlib.crc32(data[begin + 4 : end - 4])
        if critical and crc != struct.unpack_from('>I', data, end - 4)[0]:
            return DAMAGED
    return ''


def png_without_remarks(data: bytes) -> bytes:
    """
    Return a whole PNG without the chunks that change no pixel; other data as it is.

    libpng complains about some of these (colour profiles) on standard error.
    """
    if not data.startswith(_PNG_START):
        return data
    kept = [
        data[begin:end]
        for kind, begin, end in png_chunks(data)
        if kind[:1].isupper() or kind in _PNG_USED
    ]
    return b''.join([_PNG_START, *kept])


def _webp(data: memoryview) -> str:
    return CUT_OFF if len(data) < 8 + struct.unpack_from('<I', data, 4)[0] else ''


def _gif(data: memoryview) -> str:
    """Walk the blocks to the end of the first image; the others are not read."""
    position = 13 + _gif_colors(data[10])
    while True:
        kind = data[position]
        if kind == 0x21:
            position = _gif_sub_blocks(data, position + 2)
        elif kind == 0x2C:
            _gif_sub_blocks(data, position + 11 + _gif_colors(data[position + 9]))
            return ''
        else:
            return DAMAGED


def _gif_colors(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_sub_blocks(data: memoryview, position: int) -> int:
    while length := data[position]:
        position += 1 + length
    return position + 1


def _bmp(data: memoryview) -> str:
    begin, header = struct.unpack_from('<II', data, 10)
    if header < 40:
        return ''
    width, height, _, bits, compression = struct.unpack_from('<iiHHI', data, 18)
    if compression not in (0, 3, 6):  # its length is not known before it is decoded
        return ''
    row_bytes = (abs(width) * bits + 31) // 32 * 4
    return CUT_OFF if len(data) < begin + row_bytes * abs(height) else ''


# Tags of where the strips or tiles of a TIFF begin, and of how long they are
_TIFF_BEGINS, _TIFF_LENGTHS = (273, 324), (279, 325)
_TIFF_INTEGERS = {3: 'H', 4: 'I'}


def _tiff(data: memoryview) -> str:
    """Look whether the strips or tiles of the first page lie within the file."""
    order = _TIFF_STARTS[bytes(data[:4])]
    page = struct.unpack_from(f'{order}I', data, 4)[0]
    begins: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()
    for index in range(struct.unpack_from(f'{order}H', data, page)[0]):
        entry = page + 2 + 12 * index
        tag, kind, count = struct.unpack_from(f'{order}HHI', data, entry)
        if tag in _TIFF_BEGINS and kind in _TIFF_INTEGERS:
            begins = _tiff_values(data, order, kind, count, entry)
        elif tag in _TIFF_LENGTHS and kind in _TIFF_INTEGERS:
            lengths = _tiff_values(data, order, kind, count, entry)
    # the counts may be missing or differ: the decoder checks the rest
    ends = (begin + length for begin, length in zip(begins, lengths))  # noqa: B905
    return CUT_OFF if max(ends, default=0) > len(data) else ''


def _tiff_values(
    data: memoryview, order: str, kind: int, count: int, entry: int
) -> tuple[int, ...]:
    code = _TIFF_INTEGERS[kind]
    size = struct.calcsize(f'={code}') * count
    if size > len(data):
        raise struct.error('values behind the end')
    place = entry + 8 if size <= 4 else struct.unpack_from(f'{order}I', data, entry + 8)[0]
    return struct.unpack_from(f'{order}{count}{code}', data, place)


def _iso_media(data: memoryview) -> str:
    return CUT_OFF if any(b.cut_off for b in boxes(io.BytesIO(data), 0, len(data))) else ''


def _pnm(data: memoryview) -> str:
    head = bytes(data[:_PNM_HEADER_BYTES])
    found = _PNM_HEADER.match(head)
    if found is None:
        return ''
    kind, width, height = (int(number) for number in found.groups())
    end, largest = found.end(), 1
    if kind != 4:
        depth = _PNM_DEPTH.match(head, end)
        if depth is None:
            return ''
        end, largest = depth.end(), int(depth[1])
    samples = (width + 7) // 8 if kind == 4 else width * (1 if kind == 5 else 3)
    return CUT_OFF if len(data) < end + 1 + samples * (2 if largest > 255 else 1) * height else ''
