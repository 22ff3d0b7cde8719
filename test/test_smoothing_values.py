# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The filters against the formula of the One-Euro filter, with the numbers of faces."""

import math

import numpy as np
import pytest

from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.rotations import rotation_matrix, rotation_vector
from face_recon_ros.tracking.smoothing import (
    FaceSmoother,
    OneEuroRotation,
    OneEuroSettings,
    OneEuroVector,
    SmoothingSettings,
)

STEP_S = 0.04


def weight(cutoff_hz):
    """Casiez, Roussel, Vogel 2012: 1 / (1 + tau / Te), tau = 1 / (2 pi fc)."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * STEP_S))


def one_euro(values, cutoff_hz, beta, unit=1.0):
    """Filter numbers; the speed's own cut-off is 1 Hz."""
    filtered, speed = values[0], 0.0
    for value in values[1:]:
        speed += weight(1.0) * ((value - filtered) / STEP_S - speed)
        filtered += weight(cutoff_hz + beta * abs(speed) / unit) * (value - filtered)
    return filtered


def test_a_vector_is_filtered_by_the_length_of_its_velocity():
    numbers = OneEuroVector(OneEuroSettings(0.7, 2.0))
    along = np.array([3.0, 4.0])
    for value in (0.0, 1.0, 4.0, 2.0):
        found = numbers(value * along, STEP_S, unit=10.0)
    np.testing.assert_allclose(found, one_euro([0, 5, 20, 10], 0.7, 2.0, 10.0) * along / 5)


def test_rotations_are_filtered_by_their_angle():
    turns = OneEuroRotation(OneEuroSettings(0.7, 2.0))
    for angle in (0.0, 0.1, 0.5, 0.3):
        found = turns(rotation_matrix([0, angle, 0]), STEP_S)
    np.testing.assert_allclose(
        rotation_vector(found), [0, one_euro([0, 0.1, 0.5, 0.3], 0.7, 2.0), 0], atol=1e-12)


def followed(angles, sigma_rad, beta):
    """0.3 of the cut-off at rest; beta * min((distance / 0.3 sigma)^4, 10) Hz are added."""
    filtered, speed = angles[0], 0.0
    for angle in angles[1:]:
        off = angle - filtered
        speed += weight(1.0) * (off / STEP_S - speed)
        cutoff = 0.3 * 0.4 + 6 * beta * abs(speed)
        cutoff += beta * min((off / (0.3 * sigma_rad)) ** 4, 10)
        filtered += weight(cutoff) * off
    return filtered


@pytest.mark.parametrize('angles', [(0.0, 0.01, 0.02, 0.0), (0.0, 0.02, 0.1, 0.05)])
@pytest.mark.parametrize('sigma_rad', [0.05, 0.08])
def test_what_is_further_off_than_noise_makes_it_is_followed(angles, sigma_rad):
    smoother = FaceSmoother(SmoothingSettings(min_cutoff_hz=0.4, beta=0.5))
    for angle in angles:
        found = smoother(face(turn_rad=angle), STEP_S, sigma_rad=sigma_rad)
    np.testing.assert_allclose(
        rotation_vector(found.model_rotation), [0, followed(angles, sigma_rad, 0.5), 0], atol=1e-9)


def face(turn_rad=0.0, x_px=0.0, scale=1000.0, shape=0.0, expression=0.0):
    matrix = camera_matrix(scale, rotation_matrix([0, turn_rad, 0]), np.array([x_px, 50.0, 7]))
    return FaceParameters(matrix, np.full(40, shape), np.full(10, expression))


def smoothed(faces):
    smoother = FaceSmoother(SmoothingSettings(min_cutoff_hz=0.4, beta=0.5))
    for parameters in faces:
        found = smoother(parameters, STEP_S)
    return found


def test_a_faces_rotation():
    """beta 6 per rad/s."""
    found = smoothed([face(turn_rad=a) for a in (0.0, 0.02, 0.1, 0.05)])
    np.testing.assert_allclose(
        rotation_vector(found.model_rotation),
        [0, one_euro([0.0, 0.02, 0.1, 0.05], 0.4, 0.5 * 6.0), 0], atol=1e-9)


def test_a_faces_place():
    """beta 30 per face of 0.15 m and second: 150 px here."""
    found = smoothed([face(x_px=x) for x in (0.0, 2.0, 8.0, 5.0)])
    np.testing.assert_allclose(
        found.camera_matrix[:, 3],
        [one_euro([0.0, 2.0, 8.0, 5.0], 0.4, 0.5 * 30.0, 150.0), 50, 7])


def test_a_faces_size():
    """beta 20, of its logarithm."""
    sizes = (1000.0, 1010.0, 1100.0, 1050.0)
    found = smoothed([face(scale=s) for s in sizes])
    expected = math.exp(one_euro([math.log(s) for s in sizes], 0.4, 0.5 * 20.0))
    assert found.scale_px_per_m == pytest.approx(expected)


def test_a_faces_shape_and_expression():
    """Shape at 0.3 of the cut-off whatever its speed, expression at 4 times that with beta 1."""
    values = (0.0, 1.0, 0.2, 0.6)
    found = smoothed([face(shape=v, expression=v) for v in values])
    np.testing.assert_allclose(found.shape, one_euro(list(values), 0.4 * 0.3, 0.0))
    # ten numbers that move together are as fast as the root of ten times one
    expected = one_euro([v * math.sqrt(10) for v in values], 0.4 * 4.0, 0.5 * 1.0)
    np.testing.assert_allclose(found.expression, expected / math.sqrt(10))


def test_resuming_takes_the_next_pose_as_it_comes_but_not_the_next_shape():
    smoother = FaceSmoother(SmoothingSettings(min_cutoff_hz=0.4, beta=0.5))
    smoother(face(), STEP_S)
    smoother.resume()
    found = smoother(face(0.5, 80.0, 1500.0, 1.0, 1.0), STEP_S)
    np.testing.assert_allclose(rotation_vector(found.model_rotation), [0, 0.5, 0])
    assert found.camera_matrix[0, 3] == 80
    assert found.scale_px_per_m == pytest.approx(1500)
    assert found.expression[0] == 1
    assert found.shape[0] == pytest.approx(weight(0.4 * 0.3))


def test_defaults():
    assert (SmoothingSettings().min_cutoff_hz, SmoothingSettings().beta) == (0.5, 1.0)
