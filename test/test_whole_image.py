# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether an image is whole: cut anywhere it is not, whatever follows its end it is."""

import io
import struct

import cv2
import numpy as np
import pytest

from face_recon_ros.errors import ImageError
from face_recon_ros.io.encodings import compressed_to_bgr
from face_recon_ros.io.image_files import read_image
from face_recon_ros.io.iso_media import Turn, image_turn, is_cut_off, video_duration_s
from face_recon_ros.io.whole_image import fault_of, png_without_remarks


@pytest.fixture(scope='module')
def photo(portrait):
    return np.ascontiguousarray(portrait[:60, 100:200])


def gif():
    """One pixel after another, by hand: older OpenCV writes no GIF."""
    head = b'GIF89a' + struct.pack('<HHBBB', 2, 1, 0x80, 0, 0) + bytes([0, 0, 0, 255, 255, 255])
    comment = b'\x21\xfe\x05hello\x00'
    image = b'\x2c' + struct.pack('<HHHHB', 0, 0, 2, 1, 0) + b'\x02\x02\x44\x0a\x00'
    return head + comment + image + b'\x3b'


def iso_media():
    """The boxes of an AVIF or HEIC file, without an image."""
    content = struct.pack('>I4s', 24, b'ftyp') + b'avif' + bytes(12)
    content += struct.pack('>I4sQ', 1, b'meta', 16 + 100) + bytes(100)
    return content + struct.pack('>I4s', 0, b'mdat') + bytes(50)


def files(photo):
    made = {
        suffix: cv2.imencode(suffix, photo)[1].tobytes()
        for suffix in ('.jpg', '.png', '.webp', '.bmp', '.tiff', '.ppm')
    }
    made['.pgm'] = cv2.imencode('.pgm', photo[..., 0])[1].tobytes()
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    made['progressive .jpg'] = cv2.imencode('.jpg', photo, progressive)[1].tobytes()
    made['.gif'] = gif()
    return made


def test_what_is_whole_has_no_fault(photo):
    for name, data in files(photo).items():
        assert fault_of(data) == '', name
        assert fault_of(memoryview(data)) == '', name
        assert fault_of(np.frombuffer(data, np.uint8)) == '', name
    assert fault_of(iso_media()) == ''


@pytest.mark.parametrize('trailer', [bytes(1), bytes(100), bytes(4096), b'\xff' * 500])
def test_padding_is_nobodys_business(photo, trailer):
    for name, data in files(photo).items():
        assert fault_of(data + trailer) == '', name


def test_what_follows_the_end_is_nobodys_business(photo):
    random = np.random.default_rng(3)
    for name, data in files(photo).items():
        # a clip holds every pair of bytes: starts of scans, starts and ends of images
        clip = b'\0\0\0\x18ftypmp42' + random.bytes(300_000)
        assert b'\xff\xda' in clip
        assert fault_of(data + clip) == '', name
        assert fault_of(data + data[: len(data) // 2]) == '', name


def test_a_cut_is_found_wherever_it_is(photo):
    for name, data in files(photo).items():
        # a TIFF ends with remarks, a GIF after its first image
        end = len(data) - {'.gif': 2, '.tiff': 10}.get(name, 1)
        for length in {int(end * part) for part in np.linspace(0.2, 1, 50)}:
            assert fault_of(data[:length]) == 'cut off', (name, length)
    for length in range(16, 24 + 16 + 100):
        if length not in (24,):  # between two boxes nothing tells of a third
            assert fault_of(iso_media()[:length]) in ('cut off', ''), length
    assert fault_of(iso_media()[:100]) == 'cut off'


def test_a_thumbnail_has_an_end_of_its_own(photo):
    jpeg = files(photo)['.jpg']
    thumbnail = cv2.imencode('.jpg', photo[:20, :20])[1].tobytes()
    segment = b'\xff\xe1' + struct.pack('>H', 2 + len(thumbnail)) + thumbnail
    whole = jpeg[:2] + segment + jpeg[2:]
    assert fault_of(whole) == ''
    for length in (len(segment) - 50, len(segment) + 10, len(whole) // 2, len(whole) - 1):
        assert fault_of(whole[:length]) == 'cut off'


def test_a_frame_of_a_stream_that_runs_into_the_next_is_cut_off(photo):
    jpeg = files(photo)['.jpg']
    assert fault_of(jpeg[: len(jpeg) // 2] + jpeg) == 'cut off'


def test_a_changed_byte_of_a_png_is_damage(photo):
    data = bytearray(files(photo)['.png'])
    data[len(data) // 2] ^= 1
    assert fault_of(data) == 'damaged'


def test_no_bytes_make_it_raise_or_hang(photo):
    random = np.random.default_rng(5)
    seeds = [*files(photo).values(), iso_media()]
    for _ in range(4000):
        data = bytearray(seeds[random.integers(len(seeds))][: random.integers(16, 4000)])
        for _ in range(random.integers(1, 12)):
            place = int(random.integers(len(data)))
            few = bytes(random.choice([0, 1, 0x7F, 0xFF, 0xD8, 0xD9], random.integers(1, 5)))
            data[place : place + len(few)] = few
        assert fault_of(data) in ('', 'cut off', 'damaged')
    for length in range(1, 40):
        for seed in seeds:
            assert fault_of(seed[:length]) in ('', 'cut off', 'damaged')


def test_lengths_of_64_bits_are_no_places(tmp_path):
    data = struct.pack('>I4s', 16, b'ftyp') + b'avif' + bytes(4)
    data += struct.pack('>I4sQ', 1, b'meta', 2**64 - 1) + bytes(60)
    assert fault_of(data) == 'cut off'
    assert is_cut_off(io.BytesIO(data))
    assert image_turn(io.BytesIO(data)) == Turn()
    assert video_duration_s(io.BytesIO(data)) is None


def test_long_runs_are_walked_once(photo):
    start = files(photo)['.jpg'][:2]
    for run in (b'\xff', b'\xff\x00', b'\xff\xd0', b'\xff\xfe\x00\x00', b'\x00'):
        assert fault_of(start + run * (3_000_000 // len(run))) == 'cut off'


def test_files_and_topics_answer_alike(photo, tmp_path):
    class Message:
        format = 'jpeg'

    for name in ('.jpg', '.png'):
        whole = files(photo)[name]
        for data, is_whole in (
            (whole, True), (whole + bytes(4096), True), (whole + b'\xff\xda' * 9, True),
            (whole[:-5], False), (whole[: len(whole) // 2], False),
        ):
            path = tmp_path / f'image{name}'
            path.write_bytes(data)
            Message.data = data
            if is_whole:
                expected = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR)
                np.testing.assert_array_equal(read_image(path), expected)
                np.testing.assert_array_equal(compressed_to_bgr(Message, '/t'), expected)
            else:
                with pytest.raises(ImageError, match='is cut off; copy it again'):
                    read_image(path)
                with pytest.raises(ImageError, match=r'/t is truncated .*check the link'):
                    compressed_to_bgr(Message, '/t')


def test_remarks_of_a_png_are_left_out_and_pixels_stay(photo, tmp_path, capfd):
    data = files(photo)['.png']
    profile = b'iCCP' + b'broken\0\0' + b'no profile at all'
    remark = struct.pack('>I', len(profile) - 4) + profile + bytes(4)  # its checksum is wrong, too
    noisy = data[:33] + remark + data[33:]
    assert fault_of(noisy) == ''
    assert png_without_remarks(noisy) == png_without_remarks(data)
    (tmp_path / 'noisy.png').write_bytes(noisy)
    np.testing.assert_array_equal(read_image(tmp_path / 'noisy.png'), photo)
    assert capfd.readouterr().err == ''
    assert png_without_remarks(b'not a PNG') == b'not a PNG'


def test_a_segment_of_a_jpeg_may_be_empty():
    """Its length counts itself: 2 is nothing. What says less is taken for that."""
    for length in (0, 1, 2):
        data = b'\xff\xd8\xff\xfe' + length.to_bytes(2, 'big') + b'\xff\xd9'
        assert fault_of(data) == ''
    assert fault_of(b'\xff\xd8\xff\xfe\0\3\xff\xd9') != ''
