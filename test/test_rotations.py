"""Frames and rotations between them, by values written out."""

import numpy as np
import pytest

from face_recon_ros.rotations import (
    FACE_FROM_GAZE,
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    EulerAngles,
    gaze_rotation,
    quaternion,
    rotation_to,
)

# face -> optical of somebody who looks into the camera: out of the face is -z, left is x, up is -y
FRONTAL = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])


def test_axes_of_the_frames():
    x, y, z = np.eye(3)
    # model: x image-right when frontal, y up, z out of the face
    np.testing.assert_array_equal(MODEL_FROM_FACE @ x, z)
    np.testing.assert_array_equal(MODEL_FROM_FACE @ y, x)
    np.testing.assert_array_equal(MODEL_FROM_FACE @ z, y)
    # gaze: z out of the face, x to the subject's right, y down
    np.testing.assert_array_equal(FACE_FROM_GAZE @ x, -y)
    np.testing.assert_array_equal(FACE_FROM_GAZE @ y, -z)
    np.testing.assert_array_equal(FACE_FROM_GAZE @ z, x)
    np.testing.assert_array_equal(OPTICAL_FROM_VIEWER, [[1, 0, 0], [0, -1, 0], [0, 0, -1]])
    np.testing.assert_array_equal(
        gaze_rotation(FRONTAL), [[-1, 0, 0], [0, 1, 0], [0, 0, -1]])


def test_rotation_to_is_the_shortest():
    # by 36.87 degrees about y, then about an axis across
    np.testing.assert_allclose(
        rotation_to(np.array([3.0, 0.0, 4.0])), [[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]])
    np.testing.assert_allclose(
        rotation_to(np.array([0.0, -6.0, 8.0])), [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]])
    np.testing.assert_allclose(
        rotation_to(np.array([2.0, 1.0, 2.0])) * 15,
        [[11, -2, 10], [-2, 14, 5], [-10, -5, 10]])
    np.testing.assert_allclose(
        rotation_to(np.array([0.0, 2.0, 0.0])), [[1, 0, 0], [0, 0, 1], [0, -1, 0]])


@pytest.mark.parametrize('ray', [(0, 0, -1), (0, 0, -7.5), (1e-9, 0, -1)])
def test_rotation_to_what_lies_straight_behind(ray):
    turn = rotation_to(np.array(ray, float))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(turn[:, 2], [0, 0, -1], atol=1e-6)
    assert np.linalg.det(turn) == pytest.approx(1)


@pytest.mark.parametrize(
    ('rotation', 'expected'),
    [
        (np.eye(3), (0, 0, 0, 1)),
        ([[0, -1, 0], [1, 0, 0], [0, 0, 1]], (0, 0, 0.5**0.5, 0.5**0.5)),
        ([[1, 0, 0], [0, 0, -1], [0, 1, 0]], (0.5**0.5, 0, 0, 0.5**0.5)),
        ([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], (0, 0.5**0.5, 0, 0.5**0.5)),
        ([[0, 0, 1], [1, 0, 0], [0, 1, 0]], (0.5, 0.5, 0.5, 0.5)),
        ([[0, 1, 0], [0, 0, 1], [1, 0, 0]], (-0.5, -0.5, -0.5, 0.5)),
    ],
)
def test_quaternions(rotation, expected):
    np.testing.assert_allclose(quaternion(np.array(rotation, float)), expected, atol=1e-12)


@pytest.mark.parametrize(
    ('half_turn', 'axis'),
    [((1, -1, -1), (1, 0, 0)), ((-1, 1, -1), (0, 1, 0)), ((-1, -1, 1), (0, 0, 1))],
)
def test_quaternions_of_half_turns(half_turn, axis):
    found = quaternion(np.diag(np.array(half_turn, float)))
    np.testing.assert_allclose(np.abs(found[:3]), axis, atol=1e-12)
    assert found[3] == pytest.approx(0, abs=1e-12)


def about(axis, degrees):
    a = np.radians(degrees)
    c, s = np.cos(a), np.sin(a)
    return {
        'x': np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        'y': np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        'z': np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


@pytest.mark.parametrize(
    ('turn', 'expected'),
    [
        (np.eye(3), (0, 0, 0)),
        (about('y', 30), (30, 0, 0)),  # optical y is down: towards image left
        (about('y', -120), (-120, 0, 0)),
        (about('x', -20), (0, 20, 0)),  # y is down: upwards
        (about('x', 25), (0, -25, 0)),
        (about('z', 10), (0, 0, 10)),
        (about('z', -170), (0, 0, -170)),
    ],
)
def test_euler_angles_of_turns_about_the_cameras_axes(turn, expected):
    e = EulerAngles.from_rotation(turn @ FRONTAL)
    np.testing.assert_allclose([e.yaw_deg, e.pitch_deg, e.roll_deg], expected, atol=1e-9)
