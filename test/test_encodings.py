# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Samples of 16 bits by the range that a sensor uses, wherever they come from."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from face_recon_ros.io.encodings import compressed_to_bgr, to_bgr
from face_recon_ros.io.image_files import read_image


def samples_of(bits):
    """Return a ramp (32, 64) uint16 that uses all of so many bits."""
    return np.linspace(0, 2**bits - 1, 64 * 32).reshape(32, 64).astype(np.uint16)


def message(samples, encoding, big=False):
    samples = samples.astype('>u2' if big else '<u2')
    height, width = samples.shape[:2]
    step = samples.nbytes // height
    return SimpleNamespace(
        width=width, height=height, step=step, encoding=encoding, is_bigendian=int(big),
        data=samples.tobytes(),
    )


@pytest.mark.parametrize('bits', [8, 10, 12, 14, 16])
@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
@pytest.mark.parametrize('big', [False, True])
def test_every_sensor_gives_the_same_picture(bits, encoding, big):
    converted = to_bgr(message(samples_of(bits), encoding, big), '/ir')
    ramp = np.linspace(0, 255, 64 * 32).reshape(32, 64)
    assert converted.max() == 255
    assert np.abs(converted[..., 1] - ramp).max() <= 1


def test_bayer_and_colour_too():
    grey = np.full((16, 16), 1000, np.uint16)
    assert (to_bgr(message(grey, 'bayer_rggb16'), '/c')[4:-4, 4:-4] == 250).all()
    color = np.dstack([np.full((4, 4), v, np.uint16) for v in (4000, 2000, 16)])
    assert to_bgr(message(color, 'rgb16'), '/c')[0, 0].tolist() == [1, 125, 250]


def test_a_darker_image_of_the_same_sensor_is_scaled_alike():
    for brightest in (4095, 3000, 1500, 1024):
        samples = samples_of(12) * (brightest / 4095)
        converted = to_bgr(message(samples.astype(np.uint16), 'mono16'), '/ir')
        assert converted.max() == brightest // 16


def test_black_stays_black():
    assert not to_bgr(message(np.zeros((4, 4), np.uint16), 'mono16'), '/ir').any()


@pytest.mark.parametrize('bits', [10, 12, 16])
def test_topic_compressed_and_file_give_the_same(bits, tmp_path):
    samples = samples_of(bits)
    raw = to_bgr(message(samples, 'mono16'), '/ir')
    png = cv2.imencode('.png', samples)[1].tobytes()
    packed = SimpleNamespace(format='mono16; png compressed', data=png)
    np.testing.assert_array_equal(compressed_to_bgr(packed, '/ir'), raw)
    (tmp_path / 'a.png').write_bytes(png)
    np.testing.assert_array_equal(read_image(tmp_path / 'a.png'), raw)
    cv2.imwrite(str(tmp_path / 'a.tiff'), samples)
    np.testing.assert_array_equal(read_image(tmp_path / 'a.tiff'), raw)
