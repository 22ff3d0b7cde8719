# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import math

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.confidence import (
    BY_FIT_ERROR,
    BY_OWN_SIGMA,
    RotationCalibration,
    confidence,
    pose_covariance,
    rotation_sigma_rad,
)
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.pose import MetricPose, metric_pose
from face_recon_ros.pose_solver import compiled
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    rotation_about,
    rotation_matrix,
    rotation_to,
    rotation_vector,
)

FRONTAL = OPTICAL_FROM_VIEWER @ MODEL_FROM_FACE


def turned(yaw_deg):
    """Face frame in the optical frame of a head turned towards image left."""
    return rotation_matrix([0, math.radians(yaw_deg), 0]) @ FRONTAL


def test_confidence_falls_with_the_fit_and_with_presence():
    values = [confidence(1.0, error) for error in (0.005, 0.015, 0.025, 0.035)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.95
    assert values[-1] < 0.2
    assert confidence(0.1, 0.005) < 0.1


@pytest.mark.parametrize('fit_error', [3.6, 1e6, math.inf])
def test_confidence_of_a_hopeless_fit_is_zero(fit_error):
    assert confidence(1.0, fit_error) == pytest.approx(0, abs=1e-12)


def test_covariance_is_symmetric_and_positive():
    pose = MetricPose(np.eye(3), np.array([0.4, -0.2, 1.0]))
    covariance = pose_covariance(pose, 0.02)
    np.testing.assert_allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_distance_is_the_least_certain_part_of_the_position():
    """The long axis of the error is the viewing ray, and grows with the distance."""
    translation_m = np.array([0.5, 0.1, 1.0])
    near = pose_covariance(MetricPose(np.eye(3), translation_m), 0.01)[:3, :3]
    axis = np.linalg.eigh(near)[1][:, -1]
    assert abs(axis @ rotation_to(translation_m)[:, 2]) > 0.999
    far = pose_covariance(MetricPose(np.eye(3), 2 * translation_m), 0.01)[:3, :3]
    np.testing.assert_allclose(far, 4 * near)


def test_rotation_is_less_certain_where_the_fit_is_poor():
    pose = MetricPose(np.eye(3), np.array([0, 0, 1.0]))
    good, poor = (np.diag(pose_covariance(pose, e))[3:] for e in (0.007, 0.03))
    assert (poor > 2 * good).all()


def test_a_network_that_says_how_sure_it_is_sets_the_score():
    scores = [confidence(1.0, 0.01, math.radians(s)) for s in (3, 6, 12, 24)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.99
    # two in three errors are within one sigma
    assert scores[2] == pytest.approx(0.68, abs=0.01)


@pytest.mark.parametrize('constants', [BY_FIT_ERROR, BY_OWN_SIGMA])
def test_constants_have_a_row_for_each_band(constants):
    assert len(constants.sigma_deg) == 6  # of 15 degrees, up to 90
    assert np.array(constants.sigma_deg).min() > 0


def test_sigma_follows_the_bands_on_both_sides_without_steps():
    rows = tuple((1.0, 2.0, 5.0 + 3 * i) for i in range(6))
    constants = RotationCalibration(0.01, (0.0, 0.0, 1.0), rows)
    middles = (7.5, 22.5, 37.5, 52.5, 67.5, 82.5)
    for side in (-1, 1):
        found = [constants.sigma_rad(math.radians(side * m), 0.01) for m in middles]
        np.testing.assert_allclose(np.degrees(found), rows)
    fine = [constants.sigma_rad(math.radians(a), 0.01)[2] for a in np.arange(0, 120, 0.5)]
    assert np.abs(np.diff(np.degrees(fine))).max() < 0.2
    doubled = constants.sigma_rad(0.0, 0.02) / constants.sigma_rad(0.0, 0.01)
    np.testing.assert_allclose(doubled, [1, 1, 2])


def test_doubt_beyond_what_was_seen_changes_nothing_more():
    constants = RotationCalibration(0.01, (1.0, 1.0, 1.0), ((1.0, 2.0, 3.0),) * 6)
    # from 0.3 to 8 times the unit
    for doubt, factor in ((0.0, 0.3), (0.003, 0.3), (0.004, 0.4), (0.079, 7.9), (0.08, 8),
                          (0.5, 8)):
        np.testing.assert_allclose(
            np.degrees(constants.sigma_rad(0.0, doubt)), np.array([1, 2, 3]) * factor)


def test_no_sigma_is_larger_than_errors_are():
    for size, largest_deg in ((5.0, (25, 30, 40)), (9.0, (25, 30, 60))):
        constants = RotationCalibration(0.01, (1.0, 1.0, 1.0), ((size,) * 3,) * 6)
        sigma_rad = constants.sigma_rad(0.5, 1.0)
        np.testing.assert_allclose(np.degrees(sigma_rad), largest_deg)
        assert constants.yaw_sigma_rad(0.5, 1.0) == sigma_rad[2]
        np.testing.assert_allclose(compiled(constants).sigma_rad(0.5, 1.0), sigma_rad)


def test_yaw_is_less_certain_the_further_a_head_is_turned():
    sigmas = [rotation_sigma_rad(turned(yaw), 0.0116)[2] for yaw in (0, 25, 40, 55)]
    assert sigmas == sorted(sigmas)
    assert sigmas[-1] > 2 * sigmas[0]
    left, right = rotation_sigma_rad(turned(40), 0.01), rotation_sigma_rad(turned(-40), 0.01)
    np.testing.assert_allclose(left, right)


@pytest.mark.parametrize(('yaw_deg', 'pitch_axis', 'roll_axis'), [(0, 0, 2), (90, 2, 0)])
def test_a_turned_heads_pitch_is_about_another_axis_of_the_camera(yaw_deg, pitch_axis, roll_axis):
    """Frontal, a nod is about image x; seen from the side it is about the viewing axis."""
    pose = MetricPose(turned(yaw_deg), np.array([0, 0, 1.0]))
    sigmas = np.sqrt(np.diag(pose_covariance(pose, 0.01))[3:])
    roll, pitch, yaw = rotation_sigma_rad(pose.rotation, 0.01)
    assert sigmas[pitch_axis] == pytest.approx(pitch)
    assert sigmas[roll_axis] == pytest.approx(roll)
    assert sigmas[1] == pytest.approx(yaw)


def test_the_viewing_ray_turns_the_covariance_along():
    """A face to the side of the image is no less certain for being there."""
    centre = MetricPose(turned(30), np.array([0, 0, 1.0]))
    ray = np.array([0.5, 0.2, 1.0])
    turn = rotation_to(ray)
    aside = MetricPose(turn @ centre.rotation, ray)
    want = turn @ pose_covariance(centre, 0.01)[3:, 3:] @ turn.T
    np.testing.assert_allclose(pose_covariance(aside, 0.01)[3:, 3:], want, atol=1e-12)


def test_errors_drawn_from_the_covariance_are_covered_as_promised():
    rng = np.random.default_rng(0)
    pose = MetricPose(turned(50), np.array([0.3, 0, 1.0]))
    covariance = pose_covariance(pose, 0.02)
    drawn = rng.multivariate_normal(np.zeros(6), covariance, 20000)
    share = (np.abs(drawn) < np.sqrt(np.diag(covariance))).mean(axis=0)
    np.testing.assert_allclose(share, 0.683, atol=0.02)


# --- without calibration --------------------------------------------------------

# Horizontal fields of view in degrees, of data sheets; what gives a diagonal or a focal length for
# 36 mm film is converted.
FIELDS_OF_VIEW_DEG = {
    'RealSense D435 colour': 69.0,
    'RealSense D435 infrared': 87.0,
    'RealSense D455 colour': 90.0,
    'Kinect for Xbox 360': 57.0,
    'Kinect for Xbox One': 84.1,
    'Azure Kinect': 90.0,
    'OAK-D': 69.0,
    'Logitech C270': 53.4,
    'Logitech C920': 70.4,
    'Raspberry Pi camera 1': 53.5,
    'Raspberry Pi camera 2': 62.2,
    'Raspberry Pi camera 3': 66.0,
    'Raspberry Pi camera 3 wide': 102.0,
    'Raspberry Pi HQ camera, 6 mm': 55.3,
    '2/3 inch sensor, 8 mm': 57.6,
    '2/3 inch sensor, 12.5 mm': 38.8,
    '2/3 inch sensor, 16 mm': 30.8,
    'phone, ultra-wide, 13 mm': 108.4,
    'phone, main, 26 mm': 69.4,
    'phone, tele, 77 mm': 26.3,
    'photo camera, 50 mm': 39.6,
    'photo camera, 85 mm': 23.9,
}


UNCALIBRATED = Camera.uncalibrated(640, 480)


def seen(origin_px):
    """Return a face of 125 px between the pupils somewhere in an image of 640x480."""
    rotation = rotation_matrix([0.1, 0.3, -0.1])
    origin = np.array([*origin_px, 0.0])
    return FaceParameters(camera_matrix(2000.0, rotation, origin), np.zeros(40), np.zeros(10))


def pose_with_focal_length(model, f, origin_px):
    camera = Camera(640, 480, f, f, 319.5, 239.5)
    return metric_pose(seen(origin_px), model.landmarks_68.mean, camera)


def errors(found, true):
    """Return (6,): by what position and rotation of a pose are off, in the camera frame."""
    turn = rotation_vector(true.rotation @ found.rotation.T)
    return np.concatenate([true.translation_m - found.translation_m, turn])


def test_doubt_of_an_assumed_focal_length_is_that_of_common_cameras(model):
    """Of a face on the axis the sigma of z must be the cameras' RMS of f / assumed f - 1."""
    ratios = 0.5 / np.tan(np.radians(list(FIELDS_OF_VIEW_DEG.values())) / 2)
    rms = np.sqrt(np.mean((ratios - 1) ** 2))
    pose = pose_with_focal_length(model, 640.0, (319.5, 239.5))
    known = pose_covariance(pose, 0.01)[2, 2]
    guessed = pose_covariance(pose, 0.01, camera=UNCALIBRATED)[2, 2]
    added = np.sqrt(guessed - known) / pose.translation_m[2]
    assert added == pytest.approx(rms, abs=0.01)


@pytest.mark.parametrize('true_f_px', [0.6 * 640, 0.75 * 640, 2 * 640])
@pytest.mark.parametrize('origin_px', [(320, 240), (60, 100), (600, 420)])
def test_the_true_pose_lies_within_two_sigma_without_calibration(model, true_f_px, origin_px):
    guess = pose_with_focal_length(model, 640.0, origin_px)
    off = errors(guess, pose_with_focal_length(model, true_f_px, origin_px))
    sigmas = np.sqrt(np.diag(pose_covariance(guess, 0.0116, camera=UNCALIBRATED)))
    assert (np.abs(off) < 2.1 * sigmas).all()
    # and it is not made so by a covariance that says nothing
    assert (sigmas[:2] < 0.05).all()
    assert (np.degrees(sigmas[3:]) < 25).all()
    too_sure = np.sqrt(pose_covariance(guess, 0.0116)[2, 2])
    assert abs(off[2]) > 3.5 * too_sure


def test_assumed_focal_length_turns_and_moves_as_the_covariance_says(model):
    """A small change of the focal length: the longest axis of what is added points along it."""
    origin_px = (600, 420)
    guess = pose_with_focal_length(model, 640.0, origin_px)
    off = errors(guess, pose_with_focal_length(model, 1.002 * 640.0, origin_px))
    added = pose_covariance(guess, 0.01, camera=UNCALIBRATED) - pose_covariance(guess, 0.01)
    values, axes = np.linalg.eigh(added)
    assert values[-2] < 1e-9 * values[-1]  # one number is in doubt: one axis
    along = axes[:, -1] @ off / np.linalg.norm(off)
    assert abs(along) > 0.99  # the face is no point, so not exactly
    assert np.linalg.norm(off[3:]) > 0.1 * np.linalg.norm(off[:3])


def test_pipeline_doubts_the_distance_where_the_camera_is_not_calibrated(model, portrait):
    pipeline = Pipeline()
    height, width = portrait.shape[:2]
    centre = (width - 1) / 2, (height - 1) / 2
    [guess] = pipeline.detect(portrait)
    [known] = pipeline.detect(portrait, Camera(width, height, width, width, *centre))
    [true] = pipeline.detect(portrait, Camera(width, height, 2 * width, 2 * width, *centre))
    off_m = true.pose.translation_m[2] - guess.pose.translation_m[2]
    assert off_m > 0.5
    assert off_m < 2 * np.sqrt(guess.pose_covariance[2, 2])
    assert off_m > 10 * np.sqrt(known.pose_covariance[2, 2])


# Written out, so that a figure of the calibration cannot change unseen: standard deviations in
# degrees about the face's x, y, z at some azimuths, and at some doubts there
@pytest.mark.parametrize(
    ('azimuth_deg', 'fit_error', 'expected_deg'),
    [
        (7.5, 0.0116, (2.01, 7.33, 4.41)),
        (22.5, 0.0116, (2.8, 7.22, 5.37)),
        (37.5, 0.0116, (1.86, 10.19, 6.51)),
        (-52.5, 0.0116, (2.41, 8.03, 10.41)),
        (67.5, 0.0116, (2.44, 6.29, 10.7)),
        (82.5, 0.0116, (2.44, 6.29, 10.7)),
        (15.0, 0.0232, (4.81, 9.938, 8.514)),
        (7.5, 1.0, (16.08, 18.685, 23.276)),
        (7.5, 0.0, (0.603, 4.264, 1.683)),
    ],
)
def test_sigmas_by_fit_error(azimuth_deg, fit_error, expected_deg):
    found = rotation_sigma_rad(facing(azimuth_deg), fit_error)
    np.testing.assert_allclose(np.degrees(found), expected_deg, rtol=2e-3)


@pytest.mark.parametrize(
    ('azimuth_deg', 'own_sigma_rad', 'expected_deg'),
    [
        (7.5, 0.101, (1.06, 5.24, 1.77)),
        (22.5, 0.101, (1.6, 5.3, 2.75)),
        (37.5, 0.101, (2.28, 3.08, 3.06)),
        (-52.5, 0.101, (2.93, 2.84, 3.8)),
        (67.5, 0.101, (3.92, 2.83, 3.18)),
        (82.5, 0.101, (3.52, 1.9, 3.97)),
        (7.5, 0.202, (2.435, 12.902, 3.794)),
    ],
)
def test_sigmas_by_the_networks_own(azimuth_deg, own_sigma_rad, expected_deg):
    found = rotation_sigma_rad(facing(azimuth_deg), 0.5, own_sigma_rad)
    np.testing.assert_allclose(np.degrees(found), expected_deg, rtol=2e-3)


@pytest.mark.parametrize('roll_deg', [40, 90, 180, -90])
@pytest.mark.parametrize('azimuth_deg', [0, 30, -60])
def test_a_rolled_face_is_as_sure_as_an_upright_one(azimuth_deg, roll_deg):
    rolled = rotation_about('z', np.radians(roll_deg)) @ facing(azimuth_deg)
    for own in (None, 0.11):
        np.testing.assert_allclose(
            rotation_sigma_rad(rolled, 0.0116, own),
            rotation_sigma_rad(facing(azimuth_deg), 0.0116, own),
        )


def facing(azimuth_deg):
    """Return the rotation face -> optical frame of an upright face turned to image left."""
    a = np.radians(azimuth_deg)
    out = np.array([-np.sin(a), 0, -np.cos(a)])
    up = np.array([0.0, -1.0, 0.0])
    return np.column_stack([out, np.cross(up, out), up])


def test_place_is_sure_across_the_ray_and_not_along_it():
    pose = MetricPose(facing(0), np.array([0.0, 0.0, 2.0]))
    sigma_m = np.sqrt(np.diag(pose_covariance(pose, 0.01))[:3])
    # 0.4 % of the distance across; adults' eye distances spread by 5.7 % of their mean
    np.testing.assert_allclose(sigma_m, [0.008, 0.008, 0.114])
