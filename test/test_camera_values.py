# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which numbers a camera may have, and what the names of lens models mean: written out."""

from types import SimpleNamespace

import numpy as np
import pytest

from face_recon_ros import lens
from face_recon_ros.calibration import image_size
from face_recon_ros.camera import DISTORTION_COUNTS, Camera, known_distortion
from face_recon_ros.errors import CalibrationError


@pytest.mark.parametrize(('fx', 'fy'), [(0.5, 0.5), (1e-3, 2.0), (2.0, 1e-3)])
def test_a_focal_length_of_less_than_a_pixel_is_one(fx, fy):
    assert Camera(1, 1, fx, fy, 0, 0).fy == fy


@pytest.mark.parametrize(
    'numbers', [(0, 1, 1.0, 1.0), (1, 0, 1.0, 1.0), (1, 1, 0.0, 1.0), (1, 1, 1.0, 0.0),
                (1, 1, -1.0, 1.0), (1, 1, 1.0, -1.0)])
def test_a_camera_without_size_or_focal_length_is_none(numbers):
    with pytest.raises(CalibrationError):
        Camera(*numbers, 0, 0)


def test_models_and_their_coefficients():
    assert {name: tuple(counts) for name, counts in DISTORTION_COUNTS.items()} == {
        'plumb_bob': (4, 5), 'rational_polynomial': (8, 12, 14), 'equidistant': (4,), '': (0,)}


@pytest.mark.parametrize(
    ('count', 'model'),
    [(4, 'plumb_bob'), (5, 'plumb_bob'), (8, 'rational_polynomial'),
     (12, 'rational_polynomial'), (14, 'rational_polynomial')],
)  # fmt: skip
@pytest.mark.parametrize('name', ['', 'Plumb-Bob', 'rational_polynomial', 'radtan', 'OpenCV'])
def test_a_polynomial_goes_by_its_number_of_coefficients(count, model, name):
    d, found = known_distortion(np.full(count, 0.1), name)
    assert (found, d.size) == (model, count)


@pytest.mark.parametrize(
    ('count', 'used', 'left'), [(6, 5, 5), (6, 4, 4), (7, 3, 4), (9, 8, 8), (20, 14, 14),
                                (13, 9, 12), (10, 1, 4)])
def test_spare_zeros_are_cut(count, used, left):
    d = np.zeros(count)
    d[used - 1] = 0.1
    found, _ = known_distortion(d, 'plumb_bob')
    assert found.size == left
    assert found[used - 1] == 0.1


@pytest.mark.parametrize('count', [1, 2, 3, 6, 9, 15])
def test_numbers_of_coefficients_that_no_model_has(count):
    with pytest.raises(CalibrationError, match=f'{count} distortion coefficients'):
        known_distortion(np.full(count, 0.1), 'plumb_bob')


# One lens of each kind, and what OpenCV 4 makes of the point (0.3, -0.2)
BENT = {
    (0.1, 0, 0, 0): (0.3039, -0.2026),
    (0, 0.1, 0, 0): (0.300507, -0.200338),
    (0, 0, 0.1, 0): (0.288, -0.179),
    (0, 0, 0, 0.1): (0.331, -0.212),
    (0, 0, 0, 0, 0.1): (0.3000659, -0.2000439),
    (0, 0, 0, 0, 0, 0.1, 0, 0): (0.2961500, -0.1974333),
    (0, 0, 0, 0, 0, 0, 0.1, 0): (0.2994939, -0.1996626),
    (0, 0, 0, 0, 0, 0, 0, 0.1): (0.2999341, -0.1999561),
    (0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0, 0, 0): (0.313, -0.2),
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0, 0): (0.30169, -0.2),
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0): (0.3, -0.187),
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1): (0.3, -0.19831),
}


@pytest.mark.parametrize('coefficients', BENT)
def test_each_coefficient_bends_as_in_opencv(coefficients):
    k = np.zeros(14)
    k[: len(coefficients)] = coefficients
    point = np.array([[0.3, -0.2]])
    bent, jacobian = lens.bend(point, k)
    np.testing.assert_allclose(bent, [BENT[coefficients]], atol=1e-6)
    # the Jacobian against differences
    for column in range(2):
        step = np.zeros((1, 2))
        step[0, column] = 1e-6
        slope = (lens.bend(point + step, k)[0] - lens.bend(point - step, k)[0])[0] / 2e-6
        found = [jacobian[0][column][0], jacobian[1][column][0]]
        np.testing.assert_allclose(found, slope, atol=1e-8)
    # and back
    found = lens.polynomial_directions(np.array([BENT[coefficients]]), k)[0]
    np.testing.assert_allclose(found[:2] / found[2], [0.3, -0.2], atol=2e-6)


@pytest.mark.parametrize(
    ('coefficients', 'angle_deg', 'radius'),
    [((0, 0, 0, 0), 60, 1.0471976), ((0.1, 0, 0, 0), 60, 1.1620357),
     ((0, 0.1, 0, 0), 60, 1.1731309), ((0, 0, 0.1, 0), 60, 1.1852982),
     ((0, 0, 0, 0.1), 60, 1.1986409), ((0.1, 0, 0, 0), 110, 2.6274986)],
)  # fmt: skip
def test_each_coefficient_of_a_fisheye(coefficients, angle_deg, radius):
    """theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8)."""
    found = lens.fisheye_directions(np.array([[0.0, radius]]), np.array(coefficients, float))
    a = np.radians(angle_deg)
    np.testing.assert_allclose(found, [[0, np.sin(a), np.cos(a)]], atol=1e-6)


def test_beyond_the_rim_of_a_fisheye_is_the_rim():
    """1 - 3 * 0.1 theta^2 is zero at 1.8257: no direction goes further out than 1.2172."""
    found = lens.fisheye_directions(np.array([[1.5, 0.0]]), np.array([-0.1, 0, 0, 0.0]))
    np.testing.assert_allclose(found, [[np.sin(1.8257419), 0, np.cos(1.8257419)]], atol=1e-6)


def test_beyond_the_rim_of_a_barrel_is_the_rim():
    """1 - 3 * 0.3 r^2 is zero at 1.0541."""
    found = lens.polynomial_directions(np.array([[0.0, 2.0]]), np.array([-0.3, 0, 0, 0]))[0]
    assert found[1] / found[2] == pytest.approx(1.0540926, abs=1e-6)


def test_a_lens_without_a_rim_sees_nearly_to_the_side():
    found = lens.polynomial_directions(np.array([[1e12, 0.0]]), np.array([0.1, 0, 0, 0]))[0]
    assert found[0] / found[2] == pytest.approx(500.0)


@pytest.mark.parametrize('tilt', [(0.05, 0.0), (0.0, -0.04), (0.03, 0.02)])
def test_a_tilted_sensor_against_opencv(tilt):
    import cv2

    d = np.zeros(14)
    d[12:] = tilt
    wanted = np.array([[0.3, -0.2, 1.0], [-0.5, 0.4, 1.0]])
    seen = cv2.projectPoints(wanted, np.zeros(3), np.zeros(3), np.eye(3), d)[0][:, 0]
    found = lens.polynomial_directions(seen, d)
    np.testing.assert_allclose(found[:, :2] / found[:, 2:], wanted[:, :2], atol=1e-9)


@pytest.mark.parametrize(
    ('roi', 'binning', 'expected'),
    [((0, 0), (0, 0), (640, 480)), ((0, 0), (2, 4), (320, 120)), ((0, 0), (4, 2), (160, 240)),
     ((200, 100), (1, 1), (200, 100)), ((200, 100), (2, 5), (100, 20))],
)  # fmt: skip
def test_size_of_the_images_of_a_calibration(roi, binning, expected):
    info = SimpleNamespace(
        width=640, height=480, binning_x=binning[0], binning_y=binning[1],
        roi=SimpleNamespace(width=roi[0], height=roi[1]))
    assert image_size(info) == expected
