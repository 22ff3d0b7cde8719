# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every encoding by bytes written out, and every complaint of a message."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from face_recon_ros.errors import ImageError
from face_recon_ros.io.encodings import (
    LAYOUTS,
    UnknownEncodingError,
    compressed_to_bgr,
    decode_image,
    to_8_bits,
    to_bgr,
)


def raw(encoding, width, height, data, step=None, big=0):
    if step is None:
        step = len(data) // height
    return SimpleNamespace(
        encoding=encoding, width=width, height=height, step=step, is_bigendian=big,
        data=bytes(data))


# blue, green, red of the only pixel value of a 2 x 2 image
PACKED = {
    'bgr8': ([10, 20, 30], [10, 20, 30]),
    '8UC3': ([10, 20, 30], [10, 20, 30]),
    'rgb8': ([10, 20, 30], [30, 20, 10]),
    'bgra8': ([10, 20, 30, 7], [10, 20, 30]),
    '8UC4': ([10, 20, 30, 7], [10, 20, 30]),
    'rgba8': ([10, 20, 30, 7], [30, 20, 10]),
    'mono8': ([77], [77, 77, 77]),
    '8UC1': ([77], [77, 77, 77]),
    # brightest 0xff00: 16 bits, so that the upper byte is left
    'bgr16': ([1, 10, 2, 20, 0, 255], [10, 20, 255]),
    'rgb16': ([1, 10, 2, 20, 0, 255], [255, 20, 10]),
    'mono16': ([3, 200], [200, 200, 200]),
    '16UC1': ([3, 200], [200, 200, 200]),
}


@pytest.mark.parametrize('encoding', PACKED)
@pytest.mark.parametrize('padding', [0, 5])
def test_packed_encodings(encoding, padding):
    pixel, expected = PACKED[encoding]
    rows = (pixel * 2 + [99] * padding) * 2
    image = to_bgr(raw(encoding, 2, 2, rows), '/c')
    assert image.shape == (2, 2, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.reshape(-1, 3).tolist() == [expected] * 4


@pytest.mark.parametrize('encoding', ['bgr16', 'rgb16', 'mono16', '16UC1'])
def test_bytes_of_samples_may_be_swapped(encoding):
    pixel, expected = PACKED[encoding]
    swapped = [b for low, high in zip(pixel[::2], pixel[1::2], strict=True) for b in (high, low)]
    image = to_bgr(raw(encoding, 2, 2, swapped * 4, big=1), '/c')
    assert image.reshape(-1, 3).tolist() == [expected] * 4


# luma 81, Cb 90, Cr 240 is pure red (ITU-R BT.601)
YUV = {
    'uyvy': [90, 81, 240, 81] * 2,
    'yuv422': [90, 81, 240, 81] * 2,
    'yuyv': [81, 90, 81, 240] * 2,
    'yuv422_yuy2': [81, 90, 81, 240] * 2,
    'nv12': [81, 81, 81, 81, 90, 240],
    'nv21': [81, 81, 81, 81, 240, 90],
}


@pytest.mark.parametrize('encoding', YUV)
def test_luma_and_chroma(encoding):
    data = YUV[encoding]
    message = raw(encoding, 2, 2, data, step=2 if encoding.startswith('nv') else 4)
    image = to_bgr(message, '/c')
    assert image.shape == (2, 2, 3)
    assert np.abs(image.astype(int) - [0, 0, 255]).max() <= 2


# where the red pixel of every two by two lies: row, column; blue is across from it
RED_AT = {'rggb': (0, 0), 'bggr': (1, 1), 'gbrg': (1, 0), 'grbg': (0, 1)}


@pytest.mark.parametrize('pattern', RED_AT)
@pytest.mark.parametrize('bits', [8, 16])
def test_bayer_patterns(pattern, bits):
    row, column = RED_AT[pattern]
    mosaic = np.full((8, 8), 100, np.uint16)
    mosaic[row::2, column::2] = 200
    mosaic[1 - row :: 2, 1 - column :: 2] = 50
    samples = mosaic.astype(np.uint8) if bits == 8 else (mosaic << 8).astype('<u2')
    image = to_bgr(raw(f'bayer_{pattern}{bits}', 8, 8, samples.tobytes()), '/c')
    assert image[4, 4].tolist() == [50, 100, 200]


def test_no_encoding_is_untested():
    tested = {*PACKED, *YUV, *(f'bayer_{p}{b}' for p in RED_AT for b in (8, 16))}
    assert set(LAYOUTS) == tested


@pytest.mark.parametrize(
    ('brightest', 'expected'),
    [(255, 255), (256, 64), (1023, 255), (1024, 64), (4095, 255), (4096, 64), (16383, 255),
     (16384, 64), (65535, 255)],
)  # fmt: skip
def test_the_bits_of_a_sensor_follow_from_the_brightest_sample(brightest, expected):
    assert to_8_bits(np.array([[0, brightest]], np.uint16)).tolist() == [[0, expected]]


def test_no_samples_are_none():
    assert to_8_bits(np.zeros((0, 4), np.uint16)).shape == (0, 4)


@pytest.mark.parametrize(
    ('message', 'said'),
    [
        (raw('bgr8', 0, 2, b'abc', step=3), r'image on /c is empty \(0x2, 3 bytes\)'),
        (raw('bgr8', 2, 0, b'abc', step=3), r'image on /c is empty \(2x0, 3 bytes\)'),
        (raw('bgr8', 2, 2, b'', step=6), r'image on /c is empty \(2x2, 0 bytes\)'),
        (raw('bgr8', 2, 2, bytes(12), step=5), r'has step 5, too small for 2 pixels of bgr8 \(6'),
        (raw('mono16', 2, 2, bytes(8), step=3), r'step 3, too small for 2 pixels of mono16 \(4 b'),
        (raw('bgr8', 2, 2, bytes(11), step=6), 'truncated: 11 bytes, but 2 rows of step 6 are 12'),
        (raw('nv12', 2, 2, bytes(5), step=2), 'truncated: 5 bytes, but 3 rows of step 2 are 6'),
        (raw('uyvy', 3, 2, bytes(12), step=6), 'is 3x2, but uyvy shares chroma'),
        (raw('nv12', 3, 2, bytes(12), step=4), 'is 3x2, but nv12 shares chroma'),
        (raw('nv12', 2, 3, bytes(12), step=2), 'is 2x3, but nv12 shares chroma'),
    ],
)
def test_what_does_not_fit_is_refused(message, said):
    with pytest.raises(ImageError, match=said) as error:
        to_bgr(message, '/c')
    assert '\n' not in str(error.value)


def test_an_odd_height_is_fine_without_chroma_planes():
    assert to_bgr(raw('uyvy', 2, 3, [90, 81, 240, 81] * 3), '/c').shape == (3, 2, 3)
    assert to_bgr(raw('bgr8', 3, 3, bytes(27)), '/c').shape == (3, 3, 3)


def test_what_is_behind_the_last_row_is_ignored():
    message = raw('mono8', 2, 2, [1, 2, 3, 4, 9, 9], step=2)
    assert to_bgr(message, '/c')[..., 0].tolist() == [[1, 2], [3, 4]]


def test_an_unknown_encoding_names_those_that_are_known():
    with pytest.raises(UnknownEncodingError, match=r"encoding '32FC1'.*publish one of bgr8, 8UC3"):
        to_bgr(raw('32FC1', 1, 1, bytes(4)), '/c')


def packed(data, name='jpeg'):
    return SimpleNamespace(format=name, data=bytes(data))


def test_compressed_images():
    image = np.zeros((4, 6, 3), np.uint8)
    image[...] = 10, 20, 200
    png = cv2.imencode('.png', image)[1].tobytes()
    np.testing.assert_array_equal(compressed_to_bgr(packed(png), '/c'), image)
    grey = cv2.imencode('.png', np.full((4, 6), 70, np.uint8))[1].tobytes()
    np.testing.assert_array_equal(
        compressed_to_bgr(packed(grey), '/c'), np.full((4, 6, 3), 70))
    with pytest.raises(ImageError, match='compressed image on /c is empty'):
        compressed_to_bgr(packed(b''), '/c')
    with pytest.raises(ImageError, match=rf'is truncated \({len(png) - 20} bytes, no end\)'):
        compressed_to_bgr(packed(png[:-20]), '/c')
    with pytest.raises(ImageError, match=r"/c can't be decoded \(format 'x', 4 bytes\)"):
        compressed_to_bgr(packed(b'abcd', 'x'), '/c')
    changed = bytearray(png)
    changed[png.index(b'IDAT') + 6] ^= 255
    with pytest.raises(ImageError, match='is damaged: check the link'):
        compressed_to_bgr(packed(changed), '/c')


def test_floats_are_read_by_what_opencv_makes_of_them():
    tiff = cv2.imencode('.tiff', np.full((2, 2, 3), 0.5, np.float32))[1].tobytes()
    image = decode_image(tiff)
    assert image is None or image.dtype == np.uint8
    assert decode_image(b'no image at all') is None
