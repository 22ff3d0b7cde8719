# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Frames and rotations between them, by values written out."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from face_recon_ros import rotations
from face_recon_ros.rotations import (
    FACE_FROM_GAZE,
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    EulerAngles,
    azimuth_seen_rad,
    gaze_rotation,
    mirrored_rotation,
    nearest_rotation,
    quaternion,
    rotation_about,
    rotation_angles_rad,
    rotation_from_quaternion,
    rotation_in_plane,
    rotation_matrix,
    rotation_to,
    rotation_vector,
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



@pytest.mark.parametrize('azimuth_deg', [-170, -60, -20, 0, 45, 90, 120])
@pytest.mark.parametrize('roll_deg', [0, 40, 90, 180, -90])
def test_a_head_is_seen_from_one_side_at_any_roll(azimuth_deg, roll_deg):
    turn = rotation_about('y', np.radians(azimuth_deg))
    seen = rotation_about('z', np.radians(roll_deg)) @ turn
    assert np.degrees(azimuth_seen_rad(900 * seen)) == pytest.approx(azimuth_deg, abs=1e-9)


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


@pytest.mark.parametrize('axis', 'xyz')
@pytest.mark.parametrize('degrees', [0, 30, -75, 180, 250])
def test_turns_about_an_axis(axis, degrees):
    turn = rotation_about(axis, np.radians(degrees))
    np.testing.assert_allclose(turn, about(axis, degrees), atol=1e-12)
    np.testing.assert_allclose(turn @ np.eye(3)['xyz'.index(axis)], np.eye(3)['xyz'.index(axis)])


def test_a_turn_in_the_plane_is_clockwise_where_y_is_down():
    np.testing.assert_allclose(rotation_in_plane(np.pi / 2) @ [1, 0], [0, 1], atol=1e-12)
    np.testing.assert_allclose(rotation_in_plane(np.radians(30)) * 2,
                               [[3**0.5, -1], [1, 3**0.5]])


def test_rotation_vectors_and_their_matrices():
    quarter = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(rotation_matrix([0, 0, np.pi / 2]), quarter, atol=1e-12)
    np.testing.assert_allclose(rotation_vector(np.array(quarter, float)), [0, 0, np.pi / 2])
    np.testing.assert_allclose(rotation_vector(np.eye(3)), np.zeros(3))


@pytest.mark.parametrize('vector', [(0.1, -0.2, 0.3), (2, 1, -1.5), (0, 3, 0.1), (1e-3, 0, 0)])
def test_all_forms_of_a_rotation_are_scipy_s(vector):
    """Of every conversion the inverse, too, against another's."""
    matrix = Rotation.from_rotvec(vector).as_matrix()
    np.testing.assert_allclose(rotation_matrix(np.array(vector, float)), matrix, atol=1e-12)
    np.testing.assert_allclose(rotation_vector(matrix), vector, atol=1e-9)
    expected = Rotation.from_matrix(matrix).as_quat()
    np.testing.assert_allclose(quaternion(matrix), np.copysign(1, expected[3]) * expected,
                               atol=1e-9)
    np.testing.assert_allclose(rotation_from_quaternion(*expected), matrix, atol=1e-12)


def test_angles_between_rotations():
    turns = np.array([about('y', angle) for angle in (0, 10, -170)])
    np.testing.assert_allclose(
        np.degrees(rotation_angles_rad(turns, about('y', 10))), [10, 0, 180], atol=1e-5)
    np.testing.assert_allclose(np.degrees(rotation_angles_rad(turns, turns)), 0, atol=1e-5)
    assert np.degrees(rotation_angles_rad(about('x', 5), np.eye(3))) == pytest.approx(5)


def test_the_nearest_rotation():
    turn = about('y', 20) @ about('x', -40)
    np.testing.assert_allclose(nearest_rotation(3 * turn), turn, atol=1e-12)
    mean = nearest_rotation(about('z', 10) + about('z', 50))
    np.testing.assert_allclose(mean, about('z', 30), atol=1e-12)
    # a reflection is none: the axis that counts least gives way
    np.testing.assert_allclose(nearest_rotation(np.diag([2.0, 1.0, -0.1])), np.eye(3), atol=1e-12)


def test_the_rotation_of_a_mirrored_head():
    """It turns and leans to the other side and nods as before."""
    np.testing.assert_allclose(mirrored_rotation(about('x', 20)), about('x', 20))
    np.testing.assert_allclose(mirrored_rotation(about('y', 20)), about('y', -20))
    both = np.array([about('z', 20), about('y', 5)])
    np.testing.assert_allclose(mirrored_rotation(both), [about('z', -20), about('y', -5)])


# --- the only place ------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    path
    for folder in ('face_recon_ros', 'model_building', 'scripts', 'examples')
    for path in sorted((ROOT / folder).rglob('*.py'))
    if path != ROOT / 'face_recon_ros' / 'rotations.py'
]
# PyTorch's must be differentiable
BY_PYTORCH = {'rotation_from_6d', 'mirrored_rotation'}


def called(node):
    return ast.unparse(node.func).rpartition('.')[2] if isinstance(node, ast.Call) else ''


def trigonometric_names(function):
    """Return which variables of a function hold sines and cosines."""
    names = {'sin': set(), 'cos': set()}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            pairs = [(node.targets[0], node.value)]
            if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(node.targets[0].elts, node.value.elts, strict=False))
            for target, value in pairs:
                for kind in names:
                    if any(called(n) == kind for n in ast.walk(value)):
                        names[kind].add(ast.unparse(target))
    return names


def is_rotation_matrix(node, names):
    """Tell whether a list of lists has sines and cosines in it."""
    if not (isinstance(node, ast.List) and node.elts
            and all(isinstance(row, ast.List) for row in node.elts)):
        return False
    inside = list(ast.walk(node))
    return all(
        any(called(n) == kind or (isinstance(n, ast.Name) and n.id in names[kind]) for n in inside)
        for kind in ('sin', 'cos')
    )


def second_definitions(tree):
    """Yield what looks like a conversion of rotations of its own."""
    here = {name for name in vars(rotations) if name.startswith(('rotation_', 'quaternion'))}
    here |= {'nearest_rotation', 'mirrored_rotation', 'gaze_rotation'}
    for node in ast.walk(tree):
        if called(node) == 'Rodrigues':
            yield f'line {node.lineno}: cv2.Rodrigues'
        if called(node) == 'arccos' and re.search(r'- 1\)? ?/ 2', ast.unparse(node)):
            yield f'line {node.lineno}: the angle of a rotation'
        if not isinstance(node, ast.FunctionDef):
            continue
        delegates = any(f'rotations.{node.name}' in ast.unparse(n) for n in ast.walk(node))
        is_method = node.args.args[:1] and node.args.args[0].arg == 'self'
        by_pytorch = node.name in BY_PYTORCH and 'Tensor' in ast.unparse(node.args)
        if node.name.lstrip('_') in here and not (delegates or is_method or by_pytorch):
            yield f'line {node.lineno}: {node.name}'
        names = trigonometric_names(node)
        if any(is_rotation_matrix(n, names) for n in ast.walk(node)):
            yield f'line {node.lineno}: {node.name} writes a rotation by sines and cosines'


def test_rotations_are_converted_in_one_module():
    found = {
        str(path.relative_to(ROOT)): faults
        for path in SOURCES
        if (faults := list(second_definitions(ast.parse(path.read_text()))))
    }
    assert found == {}


def test_a_second_definition_would_be_found():
    by_name = 'def _rotation_about(axis, angle): ...'
    by_sines = 'def turn(a):\n  c, s = np.cos(a), np.sin(a)\n  return np.array([[c, -s], [s, c]])'
    by_opencv = 'matrix = cv2.Rodrigues(vector)[0]'
    by_trace = 'angle = np.arccos((np.trace(r) - 1) / 2)'
    innocent = 'def wave(a):\n  return [np.sin(a), np.cos(a)]'
    for code in (by_name, by_sines, by_opencv, by_trace):
        assert len(list(second_definitions(ast.parse(code)))) == 1, code
    assert list(second_definitions(ast.parse(innocent))) == []
