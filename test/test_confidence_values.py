# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The calibration of the hybrid regressor, the score and the covariance, by values written out."""

import math

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.confidence import (
    BY_BOTH,
    confidence,
    pose_covariance,
    rotation_sigma_rad,
    scored_sigma_rad,
)
from face_recon_ros.pose import MetricPose


def facing(azimuth_deg):
    """Return the rotation face -> optical frame of an upright face turned to image left."""
    a = np.radians(azimuth_deg)
    out = np.array([-np.sin(a), 0, -np.cos(a)])
    up = np.array([0.0, -1.0, 0.0])
    return np.column_stack([out, np.cross(up, out), up])


@pytest.mark.parametrize(
    ('azimuth_deg', 'doubt_rad', 'expected_deg'),
    [
        (7.5, 0.0582, (1.93, 7.32, 4.17)),
        (22.5, 0.0582, (2.9, 7.11, 5.93)),
        (37.5, 0.0582, (2.87, 10.54, 5.9)),
        (-52.5, 0.0582, (3.91, 11.14, 8.83)),
        (67.5, 0.0582, (3.37, 9.41, 15.0)),
        (82.5, 0.0582, (1.51, 8.38, 5.22)),
        (0.0, 0.0582, (1.93, 7.32, 4.17)),
        (130.0, 0.0582, (1.51, 8.38, 5.22)),
        # half way between two bands
        (30.0, 0.0582, (2.885, 8.825, 5.915)),
        # doubled: 2^0.85, 2^0.45, 2^0.6; eight times at most, 0.3 at least
        (7.5, 0.1164, (3.4789, 9.9995, 6.3205)),
        (7.5, 9.0, (11.3035, 18.6594, 14.5205)),
        (7.5, 0.0, (0.6936, 4.2583, 2.025)),
    ],
)
def test_sigmas_of_the_hybrid(azimuth_deg, doubt_rad, expected_deg):
    found = rotation_sigma_rad(facing(azimuth_deg), 0.5, doubt_rad, BY_BOTH)
    np.testing.assert_allclose(np.degrees(found), expected_deg, rtol=1e-3)


@pytest.mark.parametrize(
    ('presence', 'fit_error', 'expected'),
    [(1.0, 0.026, 0.5), (0.8, 0.026, 0.4), (1.0, 0.021, 0.731059), (1.0, 0.036, 0.119203)],
)
def test_scores_by_the_fit(presence, fit_error, expected):
    """The logistic function around 0.026, with a spread of 0.005."""
    assert confidence(presence, fit_error) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(('sigma_deg', 'expected'), [(12, 0.682689), (6, 0.9545), (24, 0.382925)])
def test_scores_by_sigma(sigma_deg, expected):
    """How much of a normal distribution lies within 12 degrees."""
    assert confidence(1.0, 9.0, math.radians(sigma_deg)) == pytest.approx(expected, abs=1e-6)


def test_an_assumed_focal_length_is_off_by_half():
    """RMS 0.53 of the depth; a face off the axis is turned by sin cos of its angle times that."""
    camera = Camera(640, 480, 640, 640, 319.5, 239.5, calibrated=False)
    pose = MetricPose(facing(0), np.array([1.0, 0.0, 1.0]))
    certain = pose_covariance(pose, 0.01)
    added = pose_covariance(pose, 0.01, camera=camera) - certain
    expected = np.zeros((6, 6))
    expected[2, 2] = 0.53**2
    expected[4, 4] = (0.53 * 0.5) ** 2
    expected[2, 4] = expected[4, 2] = -0.53 * 0.53 * 0.5
    np.testing.assert_allclose(added, expected, atol=1e-12)
    known = Camera(640, 480, 640, 640, 319.5, 239.5)
    np.testing.assert_allclose(pose_covariance(pose, 0.01, camera=known), certain)


def test_the_camera_of_a_stereo_pair_sees_along_its_own_ray():
    camera = Camera(640, 480, 640, 640, 319.5, 239.5, position_m=(0.5, 0.0, 0.0))
    pose = MetricPose(facing(0), np.array([0.5, 0.0, 2.0]))
    sigma_m = np.sqrt(np.diag(pose_covariance(pose, 0.01, camera=camera))[:3])
    np.testing.assert_allclose(sigma_m, [0.008, 0.008, 0.114])


def test_rotations_are_about_the_cameras_axes():
    """Face x (roll) is the camera's z, y (pitch) its x, z (yaw) its y."""
    pose = MetricPose(facing(0), np.array([0.0, 0.0, 2.0]))
    sigma_deg = np.degrees(np.sqrt(np.diag(pose_covariance(pose, 0.0116))[3:]))
    np.testing.assert_allclose(sigma_deg, [7.33, 4.41, 2.01], rtol=1e-6)


def test_a_score_counts_with_the_larger_of_calibrated_sigma_and_doubt():
    assert scored_sigma_rad(0.3, 0.09) == 0.3
    # twice 0.09 rad: 3.4 degrees times 2 ** 1.5
    assert math.degrees(scored_sigma_rad(0.01, 0.18)) == pytest.approx(9.6167, abs=1e-3)
