# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What C++ reads of eyes and how it makes a gaze of it, held to the plain NumPy way."""

import math
from dataclasses import replace

import numpy as np
import pytest
import reference_eyes
from test_eyes import CAMERA, FRONTAL, direction, outline, scene

from face_recon_ros import _renderer
from face_recon_ros.camera import Camera
from face_recon_ros.eyes.crops import sines_seen
from face_recon_ros.eyes.gaze import FITTED, OF_TWO_AXES, gaze_of
from face_recon_ros.eyes.iris import OPENNESS_SCALE, OUTPUT, SIZE
from face_recon_ros.eyes.openness import FULL_OPENNESS, part_open
from face_recon_ros.regression.region import Region
from face_recon_ros.rotations import rotation_matrix, rotation_to

NAMES = 'iris_px', 'radius_px', 'lids_px', 'openness', 'width_px', 'turns'
INSIDE = (True, True)


def crop_maps(random):
    """Return the maps (2, 2, 3) of two crops somewhere, the first of them mirrored."""
    regions = [Region(random.uniform(50, 500, 2), random.uniform(20, 90), random.uniform(-3, 3))
               for _ in range(2)]
    maps = np.array([region.image_from_crop(SIZE) for region in regions])
    maps[0, :, 0] *= -1
    return maps


def read(outputs, maps, inside=INSIDE, heads=None):
    heads = np.zeros((2, 2)) if heads is None else heads
    found = _renderer.read_eyes(
        outputs, tuple(maps), tuple(bool(i) for i in inside), heads, OPENNESS_SCALE)
    return dict(zip(NAMES, found, strict=True))


@pytest.mark.parametrize('inside', [INSIDE, (False, True), (True, False), (False, False)])
def test_eyes_are_read_as_by_numpy(inside):
    random = np.random.default_rng(7)
    for _ in range(20):
        outputs = random.uniform(0, SIZE, OUTPUT).astype(np.float32)
        outputs[:, -6:] = random.normal(0, 0.3, (2, 6))
        maps, heads = crop_maps(random), random.normal(0, 0.4, (2, 2))
        found = read(outputs, maps, inside, heads)
        expected = reference_eyes.read_eyes(outputs, maps, np.array(inside), heads)
        for name in NAMES:
            np.testing.assert_allclose(found[name], expected[name], atol=1e-10, err_msg=name)


def openness_of(lids_px):
    """Return what is read of an eye with this outline (16, 2)."""
    outputs = np.zeros(OUTPUT, np.float32)
    outputs[:, 2:34] = lids_px.ravel()
    return read(outputs, np.array(2 * [[[1.0, 0, 0], [0, 1, 0]]]))['openness'][1]


def test_openness_goes_from_closed_to_open():
    values = [
        openness_of(outline(np.array([0.0, 0.0]), np.array([40.0, 6.0]), ratio))
        for ratio in (0.0, 0.05, 0.12, 0.26, 0.36, 0.5)
    ]
    assert values[0] == values[1] == 0
    assert values[-1] == 1
    assert values == sorted(values)
    assert 0.1 < values[2] < values[3] < values[4] < 1
    assert values[3] == pytest.approx(FULL_OPENNESS, abs=1e-6)
    assert part_open(np.array(values[3:])) == pytest.approx(1)
    assert part_open(values[2]) == pytest.approx(0.3, abs=1e-6)
    assert math.isnan(part_open(math.nan))
    assert math.isnan(openness_of(np.full((16, 2), np.nan)))


@pytest.mark.parametrize('turn_deg', [0, 40, 90, 135, 200])
def test_a_turned_eye_is_as_open(turn_deg):
    turn = math.radians(turn_deg)
    r = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    points = outline(np.zeros(2), np.array([40.0, 0.0]), 0.2)
    assert openness_of(points @ r.T) == pytest.approx((0.2 - 0.06) / (0.40 - 0.06), abs=1e-6)


@pytest.mark.parametrize(('width_px', 'is_told'), [(9.9, False), (10.1, True)])
def test_of_eyes_narrower_than_ten_pixels_no_openness_is_told(width_px, is_told):
    eye = outline(np.zeros(2), np.array([width_px, 0.0]), 0.2)
    assert math.isfinite(openness_of(eye)) == is_told


# --- gaze --------------------------------------------------------------------------


def somebody(random):
    """Return a pose, landmarks (68, 3) and eyes of somebody who looks somewhere."""
    turn = rotation_matrix(random.normal(0, 0.4, 3))
    place = random.uniform([-0.5, -0.3, 0.4], [0.5, 0.3, 2.0])
    gaze = turn @ direction(*random.normal(0, 15, 2))
    pose, landmarks_m, eyes = scene(gaze, place, turn @ FRONTAL, random.uniform(0.1, 0.4))
    return pose, landmarks_m, replace(eyes, turns=eyes.turns + random.normal(0, 0.05, (2, 2)))


def covariance_of(random):
    root = random.normal(0, 0.05, (6, 6))
    return root @ root.T


CAMERAS = {
    'in the origin': CAMERA,
    'beside': Camera(640, 480, 600.0, 600.0, 319.5, 239.5, position_m=(0.12, -0.01, 0.02)),
}


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
def test_a_gaze_is_numpy_s(camera):
    random = np.random.default_rng(3)
    measured = []
    for _ in range(60):
        pose, landmarks_m, eyes = somebody(random)
        covariance, scale = covariance_of(random), float(random.uniform(0.8, 1.2))
        known = replace(FITTED, spread_rad=float(random.uniform(0.05, 0.3)))
        given = eyes, pose, covariance, landmarks_m, camera, scale, known
        found = gaze_of(*given)
        gaze, variance, seen = reference_eyes.gaze_of(*given)
        assert found.measured.tolist() == seen.tolist()
        measured.append(int(seen.sum()))
        if gaze is None:
            np.testing.assert_array_equal(found.direction, pose.rotation[:, 0])
            continue
        np.testing.assert_allclose(found.direction, gaze, atol=1e-10)
        sigma_rad = known.sigma_scale * OF_TWO_AXES * math.sqrt(variance / 2)
        assert found.sigma_rad == pytest.approx(sigma_rad, rel=1e-9)
    assert set(measured) == {0, 1, 2}


def test_sines_are_those_in_the_ray_s_frame():
    random = np.random.default_rng(5)
    points_m = random.normal(0, 1, (20, 3))
    to = random.normal(0, 1, 3)
    to /= np.linalg.norm(to)
    expected = [(rotation_to(point).T @ to)[:2] for point in points_m]
    np.testing.assert_allclose(sines_seen(to, points_m), expected, atol=1e-12)


@pytest.mark.parametrize(('name', 'value'), [
    ('turns', np.zeros((2, 3))), ('width_px', np.zeros(3)), ('corners', np.zeros((2, 3, 3))),
    ('rotation', np.eye(4)), ('covariance', np.eye(3)),
])
def test_arguments_of_another_shape_are_named(name, value):
    given = {
        'turns': np.zeros((2, 2)), 'width_px': np.zeros(2), 'openness': np.zeros(2),
        'corners': np.zeros((2, 2, 3)), 'rotation': np.eye(3), 'covariance': np.eye(6),
    }
    with pytest.raises(ValueError, match=f'{name}: want float64'):
        _renderer.gaze_of(
            **{**given, name: value}, head_scale=1.0, settings=_renderer.GazeSettings())
