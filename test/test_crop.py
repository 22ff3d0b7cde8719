# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Crops as C++ makes them, held to their definition in NumPy and to OpenCV's."""

import cv2
import numpy as np
import pytest

from face_recon_ros import _renderer
from face_recon_ros.regression.crop import cut, cut_floats
from face_recon_ros.regression.region import Region

SIZE = 48
SIMD = pytest.mark.parametrize('simd', _renderer.instruction_sets())


@pytest.fixture(scope='module')
def photo():
    """Return an image (90, 120, 3) that changes from pixel to pixel."""
    noise = np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)
    return cv2.GaussianBlur(noise, (5, 5), 1.0)


def region(x=60.0, y=45.0, side_px=40.0, roll_rad=0.4):
    return Region(np.array([x, y]), side_px, roll_rad)


def sampled(image, image_from_crop, size):
    """Return (size, size, 3) RGB, 0 to 255: bilinear, black outside."""
    u, v = np.meshgrid(np.arange(size), np.arange(size))
    # the sampler's places are multiples of 1/128 px
    places = np.stack([u, v], axis=-1) @ image_from_crop[:, :2].T + image_from_crop[:, 2]
    places = np.floor(places * 128 + 0.5) / 128
    corner = np.floor(places).astype(int)
    part = places - corner
    height, width = image.shape[:2]
    total = np.zeros((size, size, 3))
    for down in (0, 1):
        for right in (0, 1):
            x, y = corner[..., 0] + right, corner[..., 1] + down
            inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
            pixels = image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
            weight = np.abs(1 - right - part[..., 0]) * np.abs(1 - down - part[..., 1])
            total += (weight * inside)[..., None] * pixels
    return total[..., ::-1]


def blurred(rgb, sigma_px):
    off = np.arange(-3, 4)
    weights = np.exp(-0.5 * (off / sigma_px) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padding = [(3, 3) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(rgb, padding, mode='reflect')
        parts = [
            w * np.take(padded, np.arange(k, k + rgb.shape[axis]), axis)
            for k, w in enumerate(weights)
        ]
        rgb = np.sum(parts, axis=0)
    return rgb


REGIONS = {
    'inside': region(),
    'upside down': region(roll_rad=3.0),
    'beyond a corner': region(x=5.0, y=80.0),
    'all of it': region(side_px=90.0, roll_rad=0.0),
    'elsewhere': region(x=-500.0, y=1e5),
}


@SIMD
@pytest.mark.parametrize('sigma_px', [0.0, 1.2])
@pytest.mark.parametrize('place', REGIONS.values(), ids=REGIONS)
def test_a_crop_is_numpy_s(photo, place, sigma_px, simd):
    crop = np.full((SIZE, SIZE, 3), np.nan, np.float32)
    image_from_crop = place.image_from_crop(SIZE)
    _renderer.crop(photo, image_from_crop, sigma_px, 1.0, crop, simd)
    expected = sampled(photo, image_from_crop, SIZE)
    if sigma_px:
        expected = blurred(expected, sigma_px)
    # a place that is half way between two multiples may go either way
    off = np.abs(crop - expected)
    assert np.quantile(off, 0.99) < 1e-3
    assert off.max() < 255 / 128


@SIMD
@pytest.mark.parametrize('size', [4, 7, 41, 192])
def test_instruction_sets_agree_to_the_bit(photo, size, simd):
    image_from_crop = region(x=20.0).image_from_crop(size)
    crops = [np.full((size, size, 3), np.nan, np.float32) for _ in range(2)]
    for crop, name in zip(crops, (simd, 'portable'), strict=True):
        _renderer.crop(photo, image_from_crop, 1.2, 1 / 255, crop, name)
    np.testing.assert_array_equal(*crops)


@pytest.mark.parametrize('side_px', [30.0, 48.0, 100.0])
def test_a_crop_is_opencv_s_within_a_grey_level(photo, side_px):
    place = region(side_px=side_px)
    crop = np.empty((SIZE, SIZE, 3), np.float32)
    image_from_crop = cut_floats(crop, photo, place, 1.2)
    rgb, expected_map = cut(photo, place, SIZE)
    np.testing.assert_array_equal(image_from_crop, expected_map)
    off = crop * 255 - cv2.GaussianBlur(rgb, (7, 7), 1.2)
    assert np.abs(off).mean() < 0.5
    assert np.abs(off).max() < 3
    assert abs(off.mean()) < 0.05


@pytest.mark.parametrize('mirrored', [False, True])
@pytest.mark.parametrize('side_px', [30.0, 200.0])
@pytest.mark.parametrize('sigma_px', [0.0, 1.2])
def test_middle_rows_and_mirrored_crops_are_those_of_whole_ones(
    photo, side_px, sigma_px, mirrored
):
    photo = cv2.resize(photo, None, fx=2, fy=2)
    place = region(x=120.0, y=90.0, side_px=side_px)
    whole, part = np.empty((SIZE, SIZE, 3), np.float32), np.empty((30, SIZE, 3), np.float32)
    image_from_crop = cut_floats(whole, photo, place, sigma_px)
    image_from_part = cut_floats(part, photo, place, sigma_px, mirrored)
    points = np.array([[0.0, 0, 1], [SIZE - 1, 0, 1], [5, 20, 1]])
    if mirrored:
        part = part[:, ::-1]
        points[:, 0] = SIZE - 1 - points[:, 0]
    np.testing.assert_allclose(
        points @ image_from_part.T,
        np.array([[0.0, 0, 1], [SIZE - 1, 0, 1], [5, 20, 1]]) @ image_from_crop.T)
    # a blur mirrors about the outer rows of what is cut
    inner = slice(3, -3) if sigma_px else slice(None)
    off = np.abs(part - whole[9:39])[inner]
    assert np.quantile(off, 0.99) < 1e-5
    assert off.max() < 1 / 128


@SIMD
def test_views_of_images_are_taken(photo, simd):
    views = {
        'part': photo[10:80, 20:110],
        'upside down': photo[::-1],
        'mirrored': photo[:, ::-1],
        'turned': photo.transpose(1, 0, 2),
    }
    for name, view in views.items():
        crop, expected = (np.empty((SIZE, SIZE, 3), np.float32) for _ in range(2))
        cut_floats(crop, view, region(), 1.2)
        cut_floats(expected, view.copy(), region(), 1.2)
        np.testing.assert_array_equal(crop, expected, err_msg=name)
    crop, expected = (np.empty((SIZE, SIZE, 3), np.float32) for _ in range(2))
    _renderer.crop(photo[::-1], region().image_from_crop(SIZE), 0.0, 1.0, crop, simd)
    _renderer.crop(photo[::-1].copy(), region().image_from_crop(SIZE), 0.0, 1.0, expected, simd)
    np.testing.assert_array_equal(crop, expected)


@SIMD
@pytest.mark.parametrize('shape', [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3)])
def test_images_of_a_few_pixels(shape, simd):
    image = np.full((*shape, 3), (10, 20, 30), np.uint8)
    crop = np.empty((SIZE, SIZE, 3), np.float32)
    map_ = np.array([[1.0, 0.0, -20.0], [0.0, 1.0, -20.0]])
    _renderer.crop(image, map_, 0.0, 1.0, crop, simd)
    expected = np.zeros((SIZE, SIZE, 3))
    expected[20:, 20:][: shape[0], : shape[1]] = (30, 20, 10)
    np.testing.assert_array_equal(crop, expected)


@SIMD
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf, 1e300])
def test_maps_that_lead_nowhere(photo, value, simd):
    crop = np.full((SIZE, SIZE, 3), np.nan, np.float32)
    image_from_crop = region().image_from_crop(SIZE)
    image_from_crop[:, 2] = value
    _renderer.crop(photo, image_from_crop, 1.2, 1.0, crop, simd)
    assert not crop.any()
    # steps between pixels that are none, too: anything but a crash or what is no number
    image_from_crop[:] = value
    _renderer.crop(photo, image_from_crop, 1.2, 1.0, crop, simd)
    assert np.isfinite(crop).all()


def test_arguments_that_cannot_be_used_are_named(photo):
    good = region().image_from_crop(SIZE)
    out = np.empty((SIZE, SIZE, 3), np.float32)
    for arguments, complaint in (
        ((photo[..., 0], good, 0.0, 1.0, out), 'image: want uint8'),
        ((photo.astype(np.float32), good, 0.0, 1.0, out), 'image: want uint8'),
        ((photo[:, ::2], good, 0.0, 1.0, out), 'image: .* contiguous'),
        ((photo, good[:1], 0.0, 1.0, out), 'image_from_crop'),
        ((photo, good, 0.0, 1.0, out[:, :40]), 'out'),
        ((photo, good, 0.0, 1.0, np.empty((3, 3, 3), np.float32)), 'out: want sides of 4'),
        ((photo, good, 0.0, 1.0, np.empty((1025, 1025, 3), np.float32)), 'out: want sides'),
        ((photo, good, 0.0, 1.0, out, 'mmx'), 'simd'),
    ):
        with pytest.raises((ValueError, TypeError), match=complaint):
            _renderer.crop(*arguments)
