# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Changes MP4 files as cameras write them: frame times, the shape of pixels, a rotation."""

import struct

# Bytes before the boxes that a box holds
_BEFORE = {b'stsd': 8, b'mp4v': 78}
_TRACK = (b'moov', b'trak')
_TABLES = (*_TRACK, b'mdia', b'minf', b'stbl')


def edit(content, path, change, before=0):
    """Return the content of a box, or a file, with that of the box at a path changed."""
    if not path:
        return change(content)
    edited, position = content[:before], before
    while position < len(content):
        length, kind = struct.unpack_from('>I4s', content, position)
        inner = content[position + 8 : position + length]
        if kind == path[0]:
            inner = edit(inner, path[1:], change, _BEFORE.get(kind, 0))
        edited += struct.pack('>I4s', 8 + len(inner), kind) + inner
        position += length
    assert path[0] in edited, path
    return edited


def with_frame_times(data, counts_and_steps):
    """Let so many frames last so many units of the track's clock each, in order."""
    table = struct.pack('>II', 0, len(counts_and_steps))
    table += b''.join(struct.pack('>II', *pair) for pair in counts_and_steps)
    duration = sum(count * step for count, step in counts_and_steps)
    data = edit(data, (*_TABLES, b'stts'), lambda _: table)
    data = data.replace(b'edts', b'free')  # it would end the track where it ended before
    return edit(
        data,
        (*_TRACK, b'mdia', b'mdhd'),
        lambda c: c[:16] + struct.pack('>I', duration) + c[20:],
    )


def with_waits(data, version, waits_s):
    """Let the first frame wait, by empty edits of so many seconds in a list of a version."""
    found = []
    edit(data, (b'moov', b'mvhd'), lambda c: found.append(c) or c)
    second = struct.unpack_from('>I', found[0], 12)[0]
    entry = '>QqI' if version else '>IiI'

    def longer(content):
        (duration,) = struct.unpack_from('>I', content, 20)
        found.append(duration)
        return content[:20] + struct.pack('>I', duration + sum(waits_s) * second) + content[24:]

    def list_of_edits(content):
        edits = [(wait_s * second, -1) for wait_s in waits_s] + [(found[-1], 0)]
        table = struct.pack('>B3xI', version, len(edits))
        return table + b''.join(struct.pack(entry, *times, 1 << 16) for times in edits)

    data = edit(data, (*_TRACK, b'tkhd'), longer)
    return edit(data, (*_TRACK, b'edts', b'elst'), list_of_edits)


def clock_of(data):
    """Return the units per second of the track's clock."""
    found = []
    edit(data, (*_TRACK, b'mdia', b'mdhd'), lambda c: found.append(c) or c)
    return struct.unpack_from('>I', found[0], 12)[0]


def with_pixel_shape(data, width, height):
    """Say that pixels are so wide and so high."""
    shape = struct.pack('>I4sII', 16, b'pasp', width, height)

    def change(content):
        kept = content[:78]
        position = 78
        while position + 8 <= len(content):
            length, kind = struct.unpack_from('>I4s', content, position)
            kept += content[position : position + length] if kind != b'pasp' else b''
            position += length
        return kept + shape

    return edit(data, (*_TABLES, b'stsd', b'mp4v'), change)


def turned_clockwise(data, height):
    """Say that the frames are to be shown turned by 90 degrees clockwise."""
    one = 1 << 16
    matrix = struct.pack('>9i', 0, one, 0, -one, 0, 0, height * one, 0, 1 << 30)
    return edit(data, (*_TRACK, b'tkhd'), lambda c: c[:40] + matrix + c[76:])
