# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every encoding against a picture made by hand, every fault by its line."""

import sys
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from face_recon_ros.errors import ImageError
from face_recon_ros.io.encodings import LAYOUTS, compressed_to_bgr
from face_recon_ros.nodes.images import to_bgr, to_image

TOPIC = '/robot/image'
HEIGHT, WIDTH = 6, 8


def message(data, encoding, *, width=WIDTH, height=HEIGHT, step=None, big=False):
    data = np.ascontiguousarray(data)
    made = Image(width=width, height=height, encoding=encoding, is_bigendian=big)
    made.step = data.strides[0] if step is None else step
    made.data.frombytes(data.tobytes())
    return made


@pytest.fixture
def picture():
    """Smooth colours, equal in blocks of 2x2, so that shared chroma loses nothing."""
    blocks = np.random.default_rng(1).integers(40, 216, (HEIGHT // 2, WIDTH // 2, 3), np.uint8)
    return blocks.repeat(2, axis=0).repeat(2, axis=1)


def yuv(picture):
    """Studio-swing BT.601 planes, rounded."""
    b, g, r = picture.astype(float).transpose(2, 0, 1)
    y = 16 + 0.257 * r + 0.504 * g + 0.098 * b
    u = 128 - 0.148 * r - 0.291 * g + 0.439 * b
    v = 128 + 0.439 * r - 0.368 * g - 0.071 * b
    return [np.rint(p).astype(np.uint8) for p in (y, u, v)]


def interleaved_422(picture, order):
    y, u, v = yuv(picture)
    pairs = {'y': iter((y[:, ::2], y[:, 1::2])), 'u': iter([u[:, ::2]]), 'v': iter([v[:, ::2]])}
    return np.stack([next(pairs[c]) for c in order], axis=-1).reshape(HEIGHT, 2 * WIDTH)


def semi_planar_420(picture, order):
    y, u, v = yuv(picture)
    chroma = {'u': u[::2, ::2], 'v': v[::2, ::2]}
    rows = np.stack([chroma[c] for c in order], axis=-1).reshape(HEIGHT // 2, WIDTH)
    return np.vstack([y, rows])


def test_three_and_four_channels(picture):
    alpha = np.full((HEIGHT, WIDTH, 1), 7, np.uint8)
    rgb = picture[..., ::-1]
    for encoding, data in {
        'bgr8': picture,
        '8UC3': picture,
        'rgb8': rgb,
        'bgra8': np.dstack([picture, alpha]),
        '8UC4': np.dstack([picture, alpha]),
        'rgba8': np.dstack([rgb, alpha]),
    }.items():
        data = np.ascontiguousarray(data)
        np.testing.assert_array_equal(to_bgr(message(data, encoding), TOPIC), picture, encoding)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey(picture, encoding):
    grey = picture[..., 0]
    converted = to_bgr(message(grey, encoding), TOPIC)
    np.testing.assert_array_equal(converted, np.dstack([grey] * 3))


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
def test_grey_of_16_bits_in_both_byte_orders(picture, encoding, big):
    grey = picture[..., 1]
    samples = (grey.astype(np.uint16) * 256 + 130).astype('>u2' if big else '<u2')
    converted = to_bgr(message(samples, encoding, big=big), TOPIC)
    np.testing.assert_array_equal(converted, np.dstack([grey] * 3))


def test_color_of_16_bits(picture):
    samples = picture[..., ::-1].astype('<u2') * 256
    np.testing.assert_array_equal(to_bgr(message(samples, 'rgb16'), TOPIC), picture)


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv')],
)
def test_yuv422(picture, encoding, order):
    converted = to_bgr(message(interleaved_422(picture, order), encoding), TOPIC)
    assert np.abs(converted.astype(int) - picture).max() <= 3


@pytest.mark.parametrize(('encoding', 'order'), [('nv12', 'uv'), ('nv21', 'vu')])
def test_yuv420(picture, encoding, order):
    converted = to_bgr(message(semi_planar_420(picture, order), encoding), TOPIC)
    assert np.abs(converted.astype(int) - picture).max() <= 3


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer(pattern, bits):
    color = {'b': 50, 'g': 120, 'r': 200}
    cell = np.array([color[c] for c in pattern], np.uint8).reshape(2, 2)
    mosaic = np.tile(cell, (HEIGHT, WIDTH))
    samples = mosaic if bits == 8 else mosaic.astype('<u2') * 256
    converted = to_bgr(
        message(samples, f'bayer_{pattern}{bits}', width=2 * WIDTH, height=2 * HEIGHT), TOPIC
    )
    assert (converted[3:-3, 3:-3] == [50, 120, 200]).all()


def test_padded_rows(picture):
    for encoding, data in {
        'bgr8': picture.reshape(HEIGHT, -1),
        'mono8': picture[..., 0],
        'nv12': semi_planar_420(picture, 'uv'),
        'yuv422_yuy2': interleaved_422(picture, 'yuyv'),
    }.items():
        plain = to_bgr(message(data, encoding), TOPIC)
        padded = np.pad(data, ((0, 0), (0, 5)), constant_values=255)
        np.testing.assert_array_equal(to_bgr(message(padded, encoding), TOPIC), plain, encoding)


def test_every_listed_encoding_gives_contiguous_bgr():
    for encoding, layout in LAYOUTS.items():
        rows = HEIGHT * layout.rows_per_two // 2
        data = np.zeros((rows, WIDTH * layout.channels * layout.sample_bytes), np.uint8)
        converted = to_bgr(message(data, encoding), TOPIC)
        assert converted.shape == (HEIGHT, WIDTH, 3), encoding
        assert converted.dtype == np.uint8, encoding
        assert converted.flags.c_contiguous, encoding


def refused(converter, made):
    with pytest.raises(ImageError) as caught:
        converter(made, TOPIC)
    text = str(caught.value)
    assert TOPIC in text
    assert '\n' not in text
    return text


def test_empty(picture):
    assert 'empty' in refused(to_bgr, Image())
    assert 'empty' in refused(to_bgr, message(picture, 'bgr8', width=0))
    assert 'empty' in refused(to_bgr, Image(width=4, height=4, step=12, encoding='bgr8'))
    assert 'empty' in refused(compressed_to_bgr, CompressedImage(format='jpeg'))


def test_truncated(picture):
    made = message(picture, 'bgr8')
    made.data = made.data[:-1]
    assert 'truncated' in refused(to_bgr, made)
    only_luma = message(picture[..., 0], 'nv12')
    assert 'truncated' in refused(to_bgr, only_luma)


def test_wrong_step(picture):
    text = refused(to_bgr, message(picture, 'bgr8', step=WIDTH))
    assert 'step 8' in text
    assert 'fix' in text
    assert 'truncated' in refused(to_bgr, message(picture, 'bgr8', step=10_000))


def test_unknown_encoding_names_the_known_ones(picture):
    text = refused(to_bgr, message(picture, 'rgb101010'))
    assert 'rgb101010' in text
    assert 'bgr8' in text


def fake_cv_bridge(monkeypatch, convert):
    module = ModuleType('cv_bridge')
    module.CvBridge = lambda: SimpleNamespace(imgmsg_to_cv2=convert)
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)


def test_cv_bridge_converts_what_is_rare(picture, monkeypatch):
    fake_cv_bridge(monkeypatch, lambda made, encoding: picture if encoding == 'bgr8' else None)
    converted = to_bgr(message(picture, 'rgb101010'), TOPIC)
    np.testing.assert_array_equal(converted, picture)


def test_cv_bridge_that_is_broken(picture, monkeypatch):
    def fail(made, encoding):
        raise RuntimeError('numpy\nmismatch')

    fake_cv_bridge(monkeypatch, fail)
    text = refused(to_bgr, message(picture, 'rgb101010'))
    assert 'cv_bridge: RuntimeError: numpy mismatch' in text


def test_odd_size_with_shared_chroma():
    assert 'even' in refused(to_bgr, message(np.zeros((6, 10), np.uint8), 'yuv422', width=5))
    assert 'even' in refused(to_bgr, message(np.zeros((9, 8), np.uint8), 'nv12', height=5))


def compressed(data):
    made = CompressedImage(format='bgr8; jpeg compressed bgr8')
    made.data.frombytes(bytes(data))
    return made


def test_compressed():
    gradient = np.dstack([np.tile(np.arange(64, dtype=np.uint8) * 3, (48, 1))] * 3)
    gradient[..., 2] = 30
    png = cv2.imencode('.png', gradient)[1].tobytes()
    np.testing.assert_array_equal(compressed_to_bgr(compressed(png), TOPIC), gradient)
    jpeg = cv2.imencode('.jpg', gradient, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    decoded = compressed_to_bgr(compressed(jpeg), TOPIC).astype(int)
    assert np.abs(decoded - gradient).mean() < 3


def test_compressed_that_is_broken():
    jpeg = cv2.imencode('.jpg', np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
    assert 'truncated' in refused(compressed_to_bgr, compressed(jpeg[: len(jpeg) // 2]))
    assert 'decoded' in refused(compressed_to_bgr, compressed(b'not an image at all'))


def test_to_image_and_back(picture):
    header = Header(frame_id='camera')
    made = to_image(picture[:, ::-1], 'bgr8', header)  # not contiguous
    assert (made.width, made.height, made.step) == (WIDTH, HEIGHT, 3 * WIDTH)
    assert made.header == header
    np.testing.assert_array_equal(to_bgr(made, TOPIC), picture[:, ::-1])


def test_depth_to_image():
    depth_m = np.linspace(0.4, 0.9, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    depth_m[0, 0] = np.nan
    made = to_image(depth_m, '32FC1', Header())
    assert made.step == 4 * WIDTH
    back = np.frombuffer(made.data, np.float32).reshape(HEIGHT, WIDTH)
    np.testing.assert_array_equal(back, depth_m)
