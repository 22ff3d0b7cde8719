# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The crop that networks look at."""

import numpy as np
import pytest

from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.region import Region

SIZE = 192
HEIGHT, WIDTH = 900, 1200
# as large as the crop, once and twice halved, and beyond the image
SIDES_PX = (150.0, 391.0, 800.0, 1500.0)


def places_image() -> np.ndarray:
    """Return an image whose blue grows with x and whose green grows with y."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([255 * x / WIDTH, 255 * y / HEIGHT, 0 * x], axis=-1).round().astype(np.uint8)


@pytest.mark.parametrize('side_px', SIDES_PX)
@pytest.mark.parametrize('centre', [(610.0, 455.0), (35.0, 871.0)])
def test_crop_shows_what_its_map_says(side_px: float, centre: tuple[float, float]) -> None:
    region = Region(np.array(centre), side_px, 0.4)
    rgb, image_from_crop = cut(places_image(), region, SIZE)
    # what rounding adds to one it takes from the other
    inverse, _ = cut(255 - places_image(), region, SIZE)

    row, column = np.mgrid[:SIZE, :SIZE]
    places = np.stack([column, row], axis=-1) @ image_from_crop[:, :2].T + image_from_crop[:, 2]
    margin_px = side_px / SIZE + 4
    inside = ((places > margin_px) & (places < np.array([WIDTH, HEIGHT]) - margin_px)).all(axis=-1)
    shown = (255.0 + rgb - inverse)[..., [2, 1]] / 2 * np.array([WIDTH, HEIGHT]) / 255
    # a shift of half a pixel of the image would be seen
    assert inside.sum() > 1000
    assert np.abs((shown - places)[inside].mean(axis=0)).max() < 0.25
    far = ((places < -margin_px) | (places > np.array([WIDTH, HEIGHT]) + margin_px)).any(axis=-1)
    assert not rgb[far].any()


def test_large_face_is_averaged_not_sampled() -> None:
    noise = np.random.default_rng(0).normal(128, 20, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    seen = {}
    for side_px in SIDES_PX[:3]:
        rgb, _ = cut(noise, Region(np.array([610.0, 455.0]), side_px, 0.1), SIZE)
        seen[side_px] = rgb.std()
    first, second, third = seen.values()
    assert second < 0.55 * first
    assert third < 0.55 * second


def test_region_beside_the_image_is_black() -> None:
    region = Region(np.array([5000.0, -3000.0]), 700.0, 0.2)
    assert not cut(places_image(), region, SIZE)[0].any()


@pytest.mark.parametrize('side_px', [100.0, 1000.0])
def test_an_image_of_one_pixel_is_cut(side_px: float) -> None:
    white = np.full((1, 1, 3), 255, np.uint8)
    rgb, _ = cut(white, Region(np.zeros(2), side_px, 0.0), SIZE)
    assert rgb.shape == (SIZE, SIZE, 3)
    assert not rgb[0].any()


@pytest.mark.parametrize('side_px', [1e9, np.nan])
def test_region_of_a_size_gone_wrong_is_cut_all_the_same(side_px: float) -> None:
    """As a network that somebody brings may find it."""
    rgb, _ = cut(places_image(), Region(np.array([610.0, 455.0]), side_px, 0.2), SIZE)
    assert rgb.shape == (SIZE, SIZE, 3)
