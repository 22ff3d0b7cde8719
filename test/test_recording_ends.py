# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What recordings say of their ends: WMV, MKV, MPEG streams; AVI of its empty frames."""

import io
import random
import struct

import cv2
import numpy as np
import pytest

from face_recon_ros.io.recording_ends import RecordingEnd, recording_end
from face_recon_ros.io.video_files import Video

WHOLE, CUT_OFF = RecordingEnd(False), RecordingEnd(True)


def end_of(data):
    return recording_end(io.BytesIO(data))


def asf(size, play_s=5.0, preroll_ms=1000, flags=2, other=b''):
    """The header of a file of `size` bytes; before the properties comes another object."""
    properties = bytes.fromhex('a1dcab8c47a9cf118ee400c00c205365') + struct.pack(
        '<Q16sQQQQQQIIII', 104, bytes(16), size, 0, 7, round(play_s * 10**7), 0, preroll_ms,
        flags, 0, 0, 0)
    objects = other + properties
    return bytes.fromhex('3026b2758e66cf11a6d900aa0062ce6c') + struct.pack(
        '<QIBB', 30 + len(objects), 2, 1, 2) + objects


def test_wmv_says_its_size_and_length():
    other = bytes(range(16)) + struct.pack('<Q', 30) + b'extras'
    data = asf(1000, other=other)
    assert end_of(data.ljust(1000, b'\0')) == RecordingEnd(False, 4.0)
    assert end_of(data.ljust(999, b'\0')) == RecordingEnd(True, 4.0)
    # more behind it is nobody's business
    assert end_of(data.ljust(1200, b'\0')) == RecordingEnd(False, 4.0)


def test_wmv_of_a_live_stream_says_nothing():
    assert end_of(asf(1000, flags=3)) == WHOLE
    # nor does one whose length is less than what is to be loaded first
    assert end_of(asf(0, play_s=0.5)) == WHOLE
    assert end_of(asf(1000)[:60]) == WHOLE


def transport(packets, length=188, before=b'', lead=b''):
    packet = before + b'\x47\x01\x00' + bytes(185) + bytes(length - 188 - len(before))
    return lead + packet * packets


@pytest.mark.parametrize(('length', 'before'), [(188, b''), (192, b'time'), (204, b'')])
@pytest.mark.parametrize('lead', [b'', b'the end of a packet'])
def test_transport_streams_end_with_a_whole_packet(length, before, lead):
    data = transport(30, length, before, lead)
    assert end_of(data) == WHOLE
    for lost in (1, 100, length - 1):
        assert end_of(data[:-lost]) == CUT_OFF
    assert end_of(data[:-length]) == WHOLE
    # out of step at its end: nothing can be said
    assert end_of(data + bytes(300)) == WHOLE
    assert end_of(data[: 7 * length]) == WHOLE  # too little to know what it is


def packet(code, content=b''):
    return b'\0\0\1' + bytes([code]) + len(content).to_bytes(2, 'big') + content


MPEG_2_PACK = b'\0\0\1\xba\x44' + bytes(8) + b'\xfa' + b'\xff\xff'
MPEG_1_PACK = b'\0\0\1\xba\x21' + bytes(7)
PICTURES = packet(0xE0, b'pictures' * 9)


@pytest.mark.parametrize('pack', [MPEG_2_PACK, MPEG_1_PACK])
def test_program_streams_end_with_a_whole_packet(pack):
    data = pack + packet(0xBB, b'system') + PICTURES + pack + PICTURES
    for end in (b'', b'\0\0\1\xb9', bytes(500)):
        assert end_of(data + end) == WHOLE
    for lost in (1, 40, len(PICTURES) - 3, len(PICTURES) - 4, len(PICTURES) - 5):
        assert end_of(data[:-lost]) == CUT_OFF
    assert end_of(data[: -len(PICTURES)]) == WHOLE
    for lost in (3, len(pack) - 4):
        assert end_of(data[: -len(PICTURES) - lost]) == CUT_OFF
    # what follows is no packet
    assert end_of(data + b'something else') == WHOLE


def test_what_looks_like_a_pack_in_a_picture_is_none():
    """Only the last megabyte is looked at; it may begin in the middle of a packet."""
    filler = packet(0xE0, (b'\0\0\1\xba' + b'picture') * 5000)
    data = MPEG_2_PACK + filler * 25 + MPEG_2_PACK + PICTURES
    assert len(data) > 1 << 20
    assert end_of(data) == WHOLE
    assert end_of(data[:-1]) == CUT_OFF


EBML, SEGMENT, INFO, CLUSTER, TIMESTAMP, SCALE, DURATION, VOID, CHECKSUM = (
    bytes.fromhex(code)
    for code in (
        '1a45dfa3', '18538067', '1549a966', '1f43b675', 'e7', '2ad7b1', '4489', 'ec', 'bf')
)


def element(kind, content, width=8):
    """One of Matroska, whose size takes so many bytes (RFC 8794); content None: not known."""
    length = (1 << 7 * width) - 1 if content is None else len(content)
    return kind + (length | 1 << 7 * width).to_bytes(width, 'big') + (content or b'')


TWELVE_AND_A_HALF_S = struct.pack('>d', 12500)


def matroska(duration=TWELVE_AND_A_HALF_S, first=10000, scale=None, width=8, before=b''):
    """A file of one cluster that ends at a time and begins at another, in ticks."""
    info = element(DURATION, duration, 1)
    if scale is not None:
        info = element(SCALE, scale.to_bytes(4, 'big'), 1) + info
    times = element(TIMESTAMP, first.to_bytes(2, 'big'), 1) + element(b'\xa3', bytes(50))
    content = element(INFO, info, width) + before + element(CLUSTER, times, width)
    return element(EBML, bytes(5), 1) + element(SEGMENT, content, width)


def test_matroska_says_when_it_begins_and_ends():
    late = RecordingEnd(False, 2.5, 10.0)
    assert end_of(matroska()) == late
    for width in (2, 4, 8):
        assert end_of(matroska(width=width)) == late
    assert end_of(matroska(duration=struct.pack('>f', 12500))) == late
    assert end_of(matroska(scale=1_000_000)) == late
    assert end_of(matroska(scale=2_000_000)) == RecordingEnd(False, 5.0, 20.0)
    assert end_of(matroska(scale=0)) == late
    assert end_of(matroska(first=0)) == RecordingEnd(False, 12.5, 0.0)
    # what else is in a file does not matter, a cluster within another element no more
    other = element(VOID, bytes(300), 2) + element(b'\x42\x86', bytes(3), 1)
    other += element(VOID, element(CLUSTER, element(TIMESTAMP, b'\1', 1)))
    assert end_of(matroska(before=other)) == late
    # the second cluster does not count
    assert end_of(matroska() + element(CLUSTER, element(TIMESTAMP, b'\x2e\xe0', 1))) == late


def test_matroska_of_a_live_stream_has_no_sizes():
    times = element(CLUSTER, None) + element(TIMESTAMP, (10000).to_bytes(2, 'big'), 1)
    info = element(INFO, element(DURATION, struct.pack('>d', 12500), 1))
    head = element(EBML, bytes(5), 1) + element(SEGMENT, None)
    assert end_of(head + info + times) == RecordingEnd(False, 2.5, 10.0)
    # one byte whose bits are all ones is such a size, too
    head = element(EBML, bytes(5), 1) + element(SEGMENT, None, 1)
    assert end_of(head + info + times) == RecordingEnd(False, 2.5, 10.0)
    assert end_of(head + times) == WHOLE


def test_matroska_that_says_what_cannot_be_says_nothing():
    for duration in (10000.0, 9000.0, 0.0, -1.0, float('nan'), float('inf')):
        assert end_of(matroska(duration=struct.pack('>d', duration))) == WHOLE
    assert end_of(matroska(duration=struct.pack('>d', 10001))) == RecordingEnd(False, 0.001, 10.0)
    assert end_of(matroska(duration=b'123')) == WHOLE
    # a file that ends before its first cluster
    for length in range(matroska().index(CLUSTER) + 4):
        assert end_of(matroska()[:length]) == WHOLE
    # endless ones
    assert end_of(matroska(before=element(VOID, b'', 1) * 997)) != WHOLE
    assert end_of(matroska(before=element(VOID, b'', 1) * 999)) == WHOLE


def chunk(kind, content=b''):
    return kind + struct.pack('<I', len(content)) + content + bytes(len(content) % 2)


def avi(*pictures, after=b''):
    """Pictures by their stream and length, each in a list with sound."""
    content = b''.join(
        chunk(b'LIST', b'rec ' + chunk(b'02wb', b'123') + chunk(kind, bytes(length)))
        for kind, length in pictures)
    index = chunk(b'idx1', b'00dc' + bytes(12))
    riff = b'AVI ' + chunk(b'JUNK', b'00dc\0\0\0\0') + chunk(b'LIST', b'movi' + content) + index
    return chunk(b'RIFF', riff) + after


def test_empty_frames_of_an_avi_repeat_the_one_before():
    full, empty = (b'00dc', 5), (b'00dc', 0)
    assert end_of(avi(full, full)) == WHOLE
    assert end_of(avi(full, empty, empty, full, empty, full)) == RecordingEnd(repeats=3)
    assert end_of(avi(full, empty, full, empty, empty)) == RecordingEnd(
        repeats=3, last_repeats=2)
    # those of another stream are others, and so is empty sound; one stream has both codes
    assert end_of(avi(full, (b'01dc', 0), (b'02wb', 0))) == WHOLE
    assert end_of(avi((b'01db', 5), (b'00dc', 0), (b'01dc', 0))) == RecordingEnd(
        repeats=1, last_repeats=1)
    # large files go on in further lists
    more = chunk(b'RIFF', b'AVIX' + chunk(b'LIST', b'movi' + chunk(b'00dc')))
    assert end_of(avi(full, empty, after=more)) == RecordingEnd(repeats=2, last_repeats=2)
    # of what is cut off, what is there counts; behind zeros nothing does
    whole = avi(full, empty, full)
    assert end_of(whole[: whole.rindex(b'00dc', 0, -24) - 1]) == RecordingEnd(
        repeats=1, last_repeats=1)
    assert end_of(avi(full, after=bytes(8) + chunk(b'00dc'))) == WHOLE


def test_other_files_say_nothing():
    assert end_of(b'') == RecordingEnd(False, None, 0.0)
    for data in (b'', b'\0', b'RIFF' + bytes(500), b'\x1a\x45\xdf\xa3' * 300):
        assert end_of(data) == WHOLE


def test_damaged_ends_are_no_error():
    rng = random.Random(5)
    seeds = [asf(1000), matroska(), transport(30), transport(30, 192, b'time'),
             MPEG_2_PACK + PICTURES + MPEG_1_PACK + PICTURES,
             avi((b'00dc', 5), (b'00dc', 0), (b'00dc', 5))]
    for _ in range(3000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0xBA, 0xFF, rng.randrange(256)))
        end = end_of(bytes(data[: rng.randrange(len(data) + 1)]))
        assert end.duration_s is None or end.duration_s > 0


@pytest.fixture(params=[('wmv', 'WMV2'), ('mpg', 'mpg1'), ('ts', 'mpg2')], ids=lambda p: p[0])
def recording(request, tmp_path):
    """A recording of 60 frames at 30 Hz."""
    suffix, codec = request.param
    path = tmp_path / f'c.{suffix}'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 30.0, (160, 120))
    if not writer.isOpened():
        pytest.skip(f'OpenCV of this machine writes no {codec}')
    for shade in range(10, 250, 4):
        frame = np.full((120, 160, 3), shade, np.uint8)
        frame[40:80, shade // 2 : shade // 2 + 30] = 255
        writer.write(frame)
    writer.release()
    return path


def faults_of(path):
    video = Video.open(path)
    count = len(list(video.frames()))
    return count, video.faults


def test_a_recording_that_is_cut_off_is_told(recording):
    count, faults = faults_of(recording)
    assert (count, faults) == (60, [])
    data = recording.read_bytes()
    cut = recording.with_name(f'cut{recording.suffix}')
    cut.write_bytes(data[: len(data) * 7 // 10 | 1])
    count, faults = faults_of(cut)
    assert 0 < count < 60
    (line,) = faults
    assert line.startswith(f'{cut}: ')
    assert 'is cut off' in line or 'ends after 1.' in line
    assert line.endswith('; copy it again')


def begun_later(data, wait_ms):
    """Let a Matroska file of OpenCV be the part of a longer recording that begins so late."""
    start = data.index(SEGMENT) + 12
    head, content, place = data[:start], b'', start
    while place < len(data):
        kind = data[place : place + 9 - data[place].bit_length()]
        place += len(kind)
        width = 9 - data[place].bit_length()
        length = int.from_bytes(data[place : place + width], 'big') - (1 << 7 * width)
        inner = data[place + width : place + width + length]
        place += width + length
        if kind == INFO:
            at = inner.index(DURATION) + 3
            ends = struct.unpack_from('>d', inner, at)[0] + wait_ms
            inner = inner[:at] + struct.pack('>d', ends) + inner[at + 8 :]
        elif kind == CLUSTER:
            inner = inner[6:] if inner.startswith(CHECKSUM) else inner
            assert inner.startswith(TIMESTAMP)
            size = inner[1] & 0x7F
            time = int.from_bytes(inner[2 : 2 + size], 'big') + wait_ms
            inner = element(TIMESTAMP, time.to_bytes(4, 'big'), 1) + inner[2 + size :]
        else:
            inner = inner if kind == bytes.fromhex('1654ae6b') else None  # the tracks
        if inner is not None:
            content += element(kind, inner)
    return head[:-8] + (len(content) | 1 << 56).to_bytes(8, 'big') + content


@pytest.mark.parametrize('wait_ms', [0, 60_000])
def test_a_part_of_a_longer_recording_is_whole(tmp_path, wait_ms):
    """As `ffmpeg -f segment` writes them: times go on from the part before."""
    path = tmp_path / 'c.mkv'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 30.0, (160, 120))
    for shade in range(10, 250, 4):
        writer.write(np.full((120, 160, 3), shade, np.uint8))
    writer.release()
    data = begun_later(path.read_bytes(), wait_ms)
    path.write_bytes(data)
    assert faults_of(path) == (60, [])
    # a part that is cut off is told of the frames of its own
    path.write_bytes(data[: len(data) // 2])
    count, (fault,) = faults_of(path)
    assert count < 50
    assert fault == f'{path}: ends after {count} of 60 frames; copy it again'
