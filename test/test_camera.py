# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Cameras against OpenCV's own projection, and calibrations of which a piece is broken."""

import re
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from face_recon_ros.calibration import Calibration, refuse_impossible
from face_recon_ros.camera import Camera
from face_recon_ros.errors import CalibrationError, GeometryError
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pose import metric_pose
from face_recon_ros.rotations import MODEL_FROM_FACE, OPTICAL_FROM_VIEWER, rotation_to

# the same ones each time, however long they take
CASES = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)

WIDTH, HEIGHT = 640, 480
K = np.array([[600.0, 0, 319.5], [0, 610, 239.5], [0, 0, 1]])

numbers = {'allow_nan': False, 'allow_infinity': False}


def between(low, high):
    return st.floats(low, high, **numbers)


def lenses(count):
    """Coefficients of the size that calibrations have, in OpenCV's order."""
    radial = [between(-0.4, 0.4), between(-0.2, 0.2)]
    tangential = [between(-0.01, 0.01)] * 2
    rational = [between(-0.1, 0.1), between(-0.2, 0.4), between(-0.1, 0.1), between(-0.05, 0.05)]
    prism, tilt = [between(-0.01, 0.01)] * 4, [between(-0.05, 0.05)] * 2
    return st.tuples(*[*radial, *tangential, *rational, *prism, *tilt][:count]).map(np.array)


def angles(found, wanted):
    """Return the angles (N,) in radians between directions."""
    across = np.linalg.norm(np.cross(found, wanted), axis=1)
    return np.arctan2(across, np.sum(found * np.asarray(wanted), axis=1))


def unit(vectors):
    vectors = np.asarray(vectors, float)
    return vectors / np.linalg.norm(vectors, axis=1)[:, None]


def cone(most_deg, count=60):
    """Return unit vectors (N, 3) all around the axis, out to an angle from it."""
    theta = np.radians(most_deg) * np.sqrt(np.linspace(0, 1, count))
    around = np.arange(count) * 2.4
    return np.column_stack([
        np.sin(theta) * np.cos(around), np.sin(theta) * np.sin(around), np.cos(theta)
    ])


def is_one_to_one(d, most_deg):
    """Whether OpenCV's projection keeps the order of what lies ever further out, all around."""
    tangents = np.linspace(0, np.tan(np.radians(most_deg)), 80)
    for around in np.arange(0, 2 * np.pi, np.pi / 8):
        out = np.array([np.cos(around), np.sin(around)])
        line = np.column_stack([tangents[:, None] * out, np.ones(len(tangents))])
        seen = cv2.projectPoints(line, np.zeros(3), np.zeros(3), np.eye(3), d)[0][:, 0]
        if (np.diff(seen @ out) < 0.05 * np.diff(tangents)).any():
            return False
    return True


@pytest.mark.parametrize('count', [4, 5, 8, 12, 14])
def test_directions_undo_opencvs_projection(count):
    @CASES
    @given(d=lenses(count), most_deg=between(5, 48))
    def holds(d, most_deg):
        assume(is_one_to_one(d, most_deg + 3))
        directions = cone(most_deg)
        pixels = cv2.projectPoints(directions, np.zeros(3), np.zeros(3), K, d)[0][:, 0]
        camera = Camera.from_calibration(WIDTH, HEIGHT, K, d, 'rational_polynomial')
        assert angles(camera.directions(pixels), directions).max() < 1e-6

    holds()


@pytest.mark.parametrize('angle_deg', [20, 46, 47, 50, 55, 57])
def test_a_lens_that_bends_to_infinity_is_undone_up_to_there(angle_deg):
    """The denominator 1 - 0.1875 r^2 - 0.03125 r^6 is zero at 57.97 degrees."""
    d = np.array([0.0, 0.125, 0, 0, 0, -0.1875, 0, -0.03125])
    direction = np.array([[np.sin(np.radians(angle_deg)), 0.0, np.cos(np.radians(angle_deg))]])
    pixels = cv2.projectPoints(direction, np.zeros(3), np.zeros(3), K, d)[0][:, 0]
    camera = Camera.from_calibration(WIDTH, HEIGHT, K, d, 'rational_polynomial')
    assert angles(camera.directions(pixels), direction).max() < 1e-6


@CASES
@given(d=st.tuples(between(-0.05, 0.2), *[between(-0.02, 0.05)] * 3).map(np.array),
       skew=between(-30, 30))
def test_directions_undo_opencvs_fisheye_projection(d, skew):
    directions = cone(80)
    theta = np.linspace(0, np.radians(85), 200)
    bent = theta * (1 + d @ theta ** np.array([[2], [4], [6], [8]]))
    assume((np.diff(bent) > 0.05 * np.diff(theta)).all())
    pixels = cv2.fisheye.projectPoints(
        directions[:, None], np.zeros(3), np.zeros(3), K, d, alpha=skew / K[0, 0]
    )[0][:, 0]
    k = K.copy()
    k[0, 1] = skew
    camera = Camera.from_calibration(WIDTH, HEIGHT, k, d, 'equidistant')
    assert angles(camera.directions(pixels), directions).max() < 1e-6


@CASES
@given(d=st.tuples(between(-0.03, 0.05), *[between(-0.002, 0.005)] * 3).map(np.array))
def test_a_fisheye_sees_behind_its_own_plane(d):
    """Kannala and Brandt's formula; OpenCV's own projection ends at 90 degrees."""
    theta = np.linspace(0, np.radians(110), 200)
    bent = theta * (1 + d @ theta ** np.array([[2], [4], [6], [8]]))
    assume((np.diff(bent) > 0.05 * np.diff(theta)).all())
    directions = cone(105)
    theta = np.arccos(np.clip(directions[:, 2], -1, 1))
    bent = theta * (1 + d @ theta ** np.array([[2], [4], [6], [8]]))
    out = directions[:, :2] / np.maximum(np.sin(theta), 1e-12)[:, None]
    pixels = out * bent[:, None] * [200, 200] + [640, 480]
    camera = Camera(1280, 960, 200, 200, 640, 480, d, 'fisheye')
    found = camera.directions(pixels)
    assert angles(found, directions).max() < 1e-6
    assert (found[:, 2] < 0).any()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)


def test_pixels_beyond_the_rim_get_the_direction_at_the_rim():
    """r = theta (1 - 0.1 theta^2) is largest at sqrt(10 / 3) rad: 104.6 degrees."""
    camera = Camera(1280, 960, 200, 200, 640, 480, np.array([-0.1, 0, 0, 0]), 'equidistant')
    [far] = camera.directions(np.array([[1279.0, 480.0]]))
    assert np.degrees(np.arctan2(far[0], far[2])) == pytest.approx(104.6, abs=0.1)
    # radial: r (1 - 0.3 r^2) is largest at 1 / sqrt(0.9)
    camera = Camera(640, 480, 300, 300, 320, 240, np.array([-0.3, 0, 0, 0]))
    [far] = camera.directions(np.array([[639.0, 240.0]]))
    assert far[0] / far[2] == pytest.approx(1.054, abs=0.001)


def test_skew_moves_columns_by_rows():
    camera = Camera.from_calibration(640, 480, [500, 25, 320, 0, 500, 240, 0, 0, 1], [])
    # x = u - cx - skew y'
    [ray] = camera.rays(np.array([[320 + 0.2 * 500 + 25 * 0.1, 240 + 0.1 * 500]]))
    np.testing.assert_allclose(ray, [0.2, 0.1, 1])


def test_rays_of_pixels_that_look_back_are_nan():
    camera = Camera(1280, 960, 200, 200, 640, 480, np.zeros(4), 'equidistant')
    rays = camera.rays(np.array([[640 + 200 * 0.5, 480], [640 + 200 * 1.7, 480]]))
    np.testing.assert_allclose(rays[0], [np.tan(0.5), 0, 1])
    assert np.isnan(rays[1]).all()


# --- faces at the rim -----------------------------------------------------------


def seen_by_fisheye(points_m, rotation, translation_m, focal_px, centre_px):
    """Return parameters of weak perspective for a face that an equidistant fisheye sees."""
    in_camera = points_m @ (rotation @ MODEL_FROM_FACE.T).T + translation_m
    out = np.linalg.norm(in_camera[:, :2], axis=1)
    theta = np.arctan2(out, in_camera[:, 2])
    pixels = in_camera[:, :2] / out[:, None] * (focal_px * theta)[:, None] + centre_px
    # affine least squares: a rotation could not be as flat as a face is at the rim
    ray = translation_m / np.linalg.norm(translation_m)
    # a fisheye stretches a face along the rim; a regressor's z has the size of the whole
    angle = np.arctan2(np.linalg.norm(ray[:2]), ray[2])
    stretch = (1 + angle / np.sin(angle)) / 2
    z = -(in_camera - translation_m) @ ray * stretch * focal_px / np.linalg.norm(translation_m)
    target = np.column_stack([pixels, z])
    design = np.column_stack([points_m, np.ones(len(points_m))])
    matrix = np.linalg.lstsq(design, target, rcond=None)[0].T
    return FaceParameters(matrix, np.zeros(40), np.zeros(10))


@pytest.mark.parametrize('bearing_deg', [0.0, 60, 85, 93, 100])
@pytest.mark.parametrize('side', [-1, 1])
def test_a_person_at_the_rim_of_a_fisheye_is_where_they_are(model, bearing_deg, side):
    points = model.landmarks_68.mean
    angle = np.radians(side * bearing_deg)
    [direction] = unit([[np.sin(angle), 0.05, np.cos(angle)]])
    rotation = rotation_to(direction) @ OPTICAL_FROM_VIEWER @ MODEL_FROM_FACE
    camera = Camera(1280, 960, 350, 350, 640, 480, np.zeros(4), 'fisheye')
    seen = seen_by_fisheye(points, rotation, 1.2 * direction, 350, [640, 480])
    pose = metric_pose(seen, points, camera)
    assert np.degrees(angles(unit([pose.translation_m]), [direction])) < 0.5
    assert np.linalg.norm(pose.translation_m) == pytest.approx(1.2, rel=0.03)
    turn = np.degrees(np.arccos(np.clip((np.trace(pose.rotation.T @ rotation) - 1) / 2, -1, 1)))
    assert turn < 1.5


@pytest.mark.parametrize('place_px', [np.nan, np.inf])
def test_a_face_that_is_nowhere_has_no_pose(model, place_px):
    nowhere = camera_matrix(1000.0, np.eye(3), np.array([place_px, 200.0, 0.0]))
    seen = FaceParameters(nowhere, np.zeros(40), np.zeros(10))
    with pytest.raises(GeometryError):
        metric_pose(seen, model.landmarks_68.mean, Camera.uncalibrated(640, 480))


@pytest.mark.parametrize('scale_px_per_m', [0.0, 1e-12, 1e6, np.nan])
def test_a_face_of_no_size_or_all_around_has_no_pose(model, scale_px_per_m):
    size = camera_matrix(scale_px_per_m, np.eye(3), np.array([320.0, 240.0, 0.0]))
    seen = FaceParameters(size, np.zeros(40), np.zeros(10))
    with pytest.raises(GeometryError, match='no pose follows'):
        metric_pose(seen, model.landmarks_68.mean, Camera.uncalibrated(640, 480))


# --- calibrations ---------------------------------------------------------------


def info(model='plumb_bob', d=(0.0,) * 5, size=(640, 480), k=None, p=None, roi=(0, 0, 0, 0)):
    k = np.array([600.0, 0, 319.5, 0, 600, 239.5, 0, 0, 1]) if k is None else np.array(k, float)
    p = np.column_stack([k.reshape(3, 3), np.zeros(3)]).ravel() if p is None else p
    return SimpleNamespace(
        header=SimpleNamespace(frame_id='cam'),
        width=size[0], height=size[1], k=k, d=np.array(d, float), p=np.array(p, float),
        distortion_model=model, binning_x=0, binning_y=0,
        roi=SimpleNamespace(x_offset=roi[0], y_offset=roi[1], width=roi[2], height=roi[3]),
    )


def read(message, size=(640, 480), rectified=False, frame_id=''):
    calibration = Calibration('/c', rectified)
    calibration.update(message)
    return calibration.camera(*size, frame_id)


BENT = [0.05, -0.02, 0.001, 0.002, 0.01]
EIGHT = [0.3, -0.1, 0.001, 0.002, 0.01, 0.4, -0.05, 0.02]


@pytest.mark.parametrize(
    ('model', 'd', 'as_opencv_reads'),
    [
        ('none', [], []),
        ('none', [0.0] * 5, []),
        ('pinhole', [], []),
        ('pinhole', [0.0] * 4, []),
        ('whatever', [0.0] * 5, []),
        ('fisheye', [], []),
        ('Kannala Brandt4', [], []),
        ('plumb_bob', BENT[:4], BENT[:4]),
        ('plumb_bob', BENT, BENT),
        ('plumb_bob', EIGHT, EIGHT),
        ('plumb_bob', BENT + [0.0] * 9, BENT),
        ('plumb_bob', BENT + [0.0] * 2, BENT),
        ('radtan', BENT[:4], BENT[:4]),
        ('Brown-Conrady', BENT, BENT),
        ('', BENT, BENT),
        ('rational_polynomial', BENT, BENT),
        ('rational_polynomial', EIGHT, EIGHT),
        ('rational_polynomial', [*EIGHT, 0.0, 0.0], EIGHT),
        ('rational_polynomial', [*EIGHT, 0.001, 0.0, 0.001, 0.0], [*EIGHT, 0.001, 0, 0.001, 0]),
    ],
)
def test_models_by_name_or_by_number_of_coefficients(model, d, as_opencv_reads):
    camera, fault = read(info(model, d))
    assert not fault
    assert (camera.fx, camera.cx, camera.calibrated) == (600, 319.5, True)
    directions = cone(25)
    k = np.array([[600, 0, 319.5], [0, 600, 239.5], [0, 0, 1]])
    wanted = cv2.projectPoints(
        directions, np.zeros(3), np.zeros(3), k, np.array(as_opencv_reads or [0.0] * 4)
    )[0][:, 0]
    assert angles(camera.directions(wanted), directions).max() < 1e-6


@pytest.mark.parametrize('name', ['equidistant', 'fisheye', 'Kannala Brandt4', 'kannala_brandt'])
@pytest.mark.parametrize('d', [[0.1, -0.02, 0.005, 0], [0.1, -0.02, 0.005, 0, 0], [0.0] * 4])
def test_names_of_the_fisheye_model(name, d):
    camera, fault = read(info(name, d))
    assert not fault
    directions = cone(60)
    k = np.array([[600, 0, 319.5], [0, 600, 239.5], [0, 0, 1]])
    pixels = cv2.fisheye.projectPoints(
        directions[:, None], np.zeros(3), np.zeros(3), k, np.array(d[:4])
    )[0][:, 0]
    assert angles(camera.directions(pixels), directions).max() < 1e-6


@pytest.mark.parametrize(
    ('message', 'piece', 'remedy'),
    [
        (info('inverse_brown', BENT), 'distortion_model "inverse_brown"', 'use one of plumb_bob'),
        (info('plumb_bob', BENT[:3]), '3 distortion coefficients', 'wants 4 or 5 or 8'),
        (info('equidistant', BENT), '5 distortion coefficients', 'wants 4'),
        (info(d=[np.nan] * 5), 'distortion coefficients hold NaN', 'distortion is left out'),
        (info(d=[np.inf, 0, 0, 0, 0]), 'coefficients hold NaN or infinity', 'is left out'),
        (info(roi=(100, 50, 0, 0)), 'region of interest at 100, 50', 'fill roi.width'),
    ],
)
def test_a_broken_piece_is_named_and_k_is_kept(message, piece, remedy):
    camera, fault = read(message)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (600, 600, 319.5, 239.5)
    assert camera.calibrated
    assert not camera.distortion.size
    assert 'camera_info on /c' in fault
    assert piece in fault
    assert remedy in fault
    assert '\n' not in fault
    assert 'assumed' not in fault


@pytest.mark.parametrize(('model', 'd'), [
    ('plumb_bob', [1e9, 0, 0, 0, 0]),
    ('plumb_bob', [-1e9, 0, 0, 0, 0]),
    ('plumb_bob', [-5, 0, 0, 0, 0]),  # folds at 103 of 240 px
    ('plumb_bob', [0, 0, 1e3, 0, 0]),
    ('rational_polynomial', [0, 0, 0, 0, 0, 1e6, 0, 0]),
    ('equidistant', [1e9, 0, 0, 0]),
    ('equidistant', [-12, 0, 0, 0]),
    ('plumb_bob', [1e300, 0, 0, 0, 0]),
])
@pytest.mark.parametrize('size', [(640, 480), (0, 0)])
def test_distortion_of_no_lens_is_left_out(model, d, size):
    camera, fault = read(info(model, d, size=size))
    assert (camera.fx, camera.calibrated, camera.distortion.size) == (600, True, 0)
    assert 'camera_info on /c: distortion coefficients' in fault
    assert 'of no lens: within 120 px' in fault
    assert 'calibrate again; until then lens distortion is left out' in fault
    assert '\n' not in fault
    bent = Camera.from_calibration(640, 480, np.array(matrix(600)), np.array(d), model)
    with pytest.raises(CalibrationError, match='of no lens'):
        refuse_impossible(bent)


@pytest.mark.parametrize(('model', 'd', 'fx'), [
    ('plumb_bob', [-0.3, 0.0, 0.0, 0.0, 0.0], 380),
    ('plumb_bob', [-0.45, 0.25, 0.002, -0.002, -0.08], 300),
    ('plumb_bob', [0.3, -0.8, 0.0, 0.0, 0.9], 600),
    ('rational_polynomial', [12.0, 6.0, 0.0, 0.0, 0.4, 12.3, 10.0, 1.9], 330),
    ('equidistant', [0.02, -0.01, 0.0, 0.0], 180),
    ('equidistant', [-0.04, 0.02, -0.015, 0.003], 280),
])
@pytest.mark.parametrize('centre', [(319.5, 239.5), (-200.0, 239.5), (2000.0, -900.0)])
def test_lenses_that_there_are_are_kept(model, d, fx, centre):
    camera, fault = read(info(model, d, k=matrix(fx, None, *centre)))
    assert not fault
    assert camera.distortion.size


@pytest.mark.parametrize('centre', [(1e6, 239.5), (319.5, -1e7), (1e300, 1e300)])
def test_a_principal_point_that_no_part_of_a_sensor_has_is_refused(centre):
    camera, fault = read(info(k=matrix(600, None, *centre)))
    assert (camera.fx, camera.calibrated) == (640, False)
    assert 'beside the axis of its lens: give that of this image' in fault
    assert fault.endswith('is assumed')


@pytest.mark.parametrize(
    ('message', 'reason'),
    [
        (info(k=[0] * 9), 'uncalibrated'),
        (info(k=[np.nan, 0, 1, 0, 1, 1, 0, 0, 1]), 'NaN'),
        (info(k=[600, 0, np.inf, 0, 600, 1, 0, 0, 1]), 'infinity'),
        (info(k=[-600, 0, 1, 0, 600, 1, 0, 0, 1]), 'not positive'),
        (info(size=(320, 240)), '320x240'),
    ],
)
def test_without_a_focal_length_there_is_no_calibration(message, reason):
    camera, fault = read(message)
    assert (camera.fx, camera.calibrated) == (640, False)
    assert reason in fault
    assert 'until then focal length = the longer side of the image is assumed' in fault


def matrix(fx, fy=None, cx=319.5, cy=239.5):
    return [fx, 0, cx, 0, fx if fy is None else fy, cy, 0, 0, 1]


@pytest.mark.parametrize('size', [(640, 480), (0, 0)])
@pytest.mark.parametrize(('k', 'field'), [
    (matrix(1e-3), '180.0 x 180.0'),
    (matrix(1e-300), '180.0 x 180.0'),
    (matrix(5e-324), '180.0 x 180.0'),
    (matrix(27.9), '170.0 x 166.7'),
    (matrix(600, 1e-3), '56.1 x 180.0'),
    (matrix(640_001), '0.1 x 0.0'),
    (matrix(1e300), '0.0 x 0.0'),
])
def test_a_focal_length_that_no_lens_has_is_refused(k, field, size):
    camera, fault = read(info(k=k, size=size))
    assert (camera.fx, camera.calibrated) == (640, False)
    assert fault.startswith('camera_info on /c: focal length ')
    assert fault.endswith(
        f'px gives an image of 640x480 px a field of view of {field} degrees: give K in pixels, '
        'or calibrate again; until then focal length = the longer side of the image is assumed')


@pytest.mark.parametrize('size', [(640, 480), (0, 0)])
@pytest.mark.parametrize(('fx', 'field'), [
    (0.5, '73338.6 x 55003.9'), (2.8, '13096.2 x 9822.1'), (7.6, '4824.9 x 3618.7'),
    (640_001, '0.1 x 0.0'), (5e-324, 'inf x inf'),
])
def test_a_focal_length_that_no_fisheye_has_is_refused(fx, field, size):
    camera, fault = read(info(k=matrix(fx), model='equidistant', d=[0.01, 0, 0, 0], size=size))
    assert (camera.fx, camera.calibrated) == (640, False)
    assert f'px a field of view of {field} degrees: give K in pixels' in fault


@pytest.mark.parametrize('size', [(640, 480), (0, 0)])
@pytest.mark.parametrize('message', [
    {'k': matrix(7.7), 'model': 'equidistant', 'd': [0.0] * 4},
    {'k': matrix(28.1)},
    {'k': matrix(639_000)},
    # a fisheye may look back, and a part of the sensor may lie far from the middle
    {'k': matrix(20), 'model': 'equidistant', 'd': [0.0] * 4},
])
def test_wide_and_long_lenses_are_used(message, size):
    camera, fault = read(info(size=size, **message))
    assert (camera.calibrated, fault) == (True, '')


@pytest.mark.parametrize('size', [(640, 480), (0, 0)])
@pytest.mark.parametrize(('k', 'said'), [
    (matrix(4.2, cx=2.9, cy=2.2), '4.2, 4.2 px and principal point 2.9, 2.2 px let .* 89.6 deg'),
    (matrix(0.95, 1.27, 0.5, 0.5), '0.95, 1.27 px and principal point 0.5, 0.5 px let .* 89.9 '),
    (matrix(600, 1.5, cy=1.1), '600, 1.5 px and principal point 319.5, 1.1 px let .* 89.8 deg'),
], ids=['millimetres', 'parts of the image', 'height'])
def test_a_matrix_in_another_unit_is_refused(k, said, size):
    camera, fault = read(info(k=k, size=size))
    assert (camera.fx, camera.calibrated) == (640, False)
    assert re.match(f'camera_info on /c: focal length {said}', fault)
    assert 'degrees to one side: give K in pixels, or calibrate again; until then' in fault


@pytest.mark.parametrize('k', [matrix(60, cx=20), matrix(60, cx=620, cy=470)])
def test_a_wide_lens_beside_the_middle_is_used(k):
    camera, fault = read(info(k=k))
    assert (camera.calibrated, fault) == (True, '')


def test_a_part_of_the_sensor_sees_as_much_as_it_sees():
    camera, fault = read(
        info(k=matrix(20, cx=2000, cy=1500), size=(4000, 3000), roi=(3000, 2000, 640, 480)))
    assert (camera.calibrated, fault) == (True, '')


@pytest.mark.parametrize(('k', 'is_told'), [
    (matrix(300, 600), True), (matrix(600, 300), True), (matrix(600, 661), True),
    (matrix(600, 659), False),
])
def test_pixels_that_are_not_square_are_told_and_the_calibration_is_used(k, is_told):
    camera, fault = read(info(k=k))
    assert (camera.fx, camera.fy, camera.calibrated) == (k[0], k[4], True)
    assert bool(fault) is is_told
    if is_told:
        assert fault == (
            f'camera_info on /c: pixels are not square (focal length {k[0]}, {k[4]} px), which '
            'squeezes faces, so their poses are wrong: use square binning, or resize the image '
            'and its camera_info')


def test_binning_in_one_direction_makes_pixels_that_are_not_square():
    message = info(size=(1280, 480))
    message.binning_x, message.binning_y = 2, 1
    camera, fault = read(message)
    assert (camera.fx, camera.fy) == (300, 600)
    assert 'pixels are not square (focal length 300, 600 px)' in fault


OF_ANOTHER = (
    "camera_info on /c is of the frame 'cam', but images are of 'depth': is it another camera's? "
    'remap camera_info'
)


def test_a_calibration_of_another_frame_is_told_and_used():
    camera, fault = read(info(), frame_id='depth')
    assert (camera.fx, camera.calibrated, fault) == (600, True, OF_ANOTHER)
    camera, fault = read(info(k=matrix(300, 600)), frame_id='depth')
    assert camera.calibrated
    assert fault.startswith('camera_info on /c: pixels are not square')
    assert fault.endswith(f'; {OF_ANOTHER}')


@pytest.mark.parametrize('frame_id', ['cam', '/cam', ''])
def test_a_calibration_of_the_images_frame_is_no_fault(frame_id):
    assert read(info(), frame_id=frame_id)[1] == ''


def test_a_calibration_without_frame_is_anybodys():
    message = info()
    message.header.frame_id = ''
    assert read(message, frame_id='depth')[1] == ''


def test_an_assumed_calibration_is_of_no_other_frame():
    camera, fault = read(info(k=matrix(0)), frame_id='depth')
    assert not camera.calibrated
    assert 'depth' not in fault


def test_the_frame_of_the_newest_calibration_counts():
    calibration = Calibration('/c', rectified=False)
    message = info()
    calibration.update(message)
    message.header.frame_id = 'depth'
    calibration.update(message)
    assert calibration.camera(640, 480, 'depth')[1] == ''


@pytest.mark.parametrize('size', [(0, 0), (640, 0), (0, 480)])
def test_a_calibration_without_image_size_is_the_images(size):
    camera, fault = read(info(size=size))
    assert (camera.width, camera.height, camera.fx, fault) == (640, 480, 600, '')
    camera, fault = read(info(size=size), (300, 200))
    assert not camera.calibrated
    assert '319.5, 239.5 is outside of 300x200' in fault


def test_skew_of_a_calibration_is_used():
    camera, fault = read(info(k=[600, 25, 319.5, 0, 600, 239.5, 0, 0, 1]))
    assert (camera.skew, fault) == (25, '')
    message = info(k=[600, 25, 319.5, 0, 600, 239.5, 0, 0, 1], size=(1280, 960))
    message.binning_x = message.binning_y = 2
    assert read(message)[0].skew == 12.5


RIGHT = [600.0, 0, 319.5, -72.0, 0, 600, 239.5, 0, 0, 0, 1, 0]


def test_the_right_camera_of_a_stereo_pair_places_faces_in_the_lefts_frame(model):
    """sensor_msgs/CameraInfo: Tx = -fx' B, in the frame of the first camera."""
    points = model.landmarks_68.mean
    left, _ = read(info(), rectified=True)
    right, fault = read(info(p=RIGHT), rectified=True)
    assert not fault
    in_camera = points @ np.diag([1.0, -1, -1]) + [0.1, 0.05, 1.0]  # in the left's frame
    poses = []
    for camera, baseline_m in ((left, 0.0), (right, 0.12)):
        seen = in_camera - [baseline_m, 0, 0]
        pixels = seen[:, :2] / seen[:, 2:] * 600 + [319.5, 239.5]
        target = np.column_stack([pixels, -(seen[:, 2] - 1.0) * 600])
        design = np.column_stack([points, np.ones(len(points))])
        matrix = np.linalg.lstsq(design, target, rcond=None)[0].T
        poses.append(
            metric_pose(FaceParameters(matrix, np.zeros(40), np.zeros(10)), points, camera)
        )
    # weak perspective is good to 2 cm here; the baseline is 12
    np.testing.assert_allclose(poses[0].translation_m, [0.1, 0.05, 1.0], atol=0.02)
    np.testing.assert_allclose(poses[1].translation_m, poses[0].translation_m, atol=0.003)


@pytest.mark.parametrize('p', [[0.0] * 12, [np.nan] * 12])
def test_rectified_images_without_p_take_k(p):
    camera, fault = read(info('plumb_bob', BENT, p=p), rectified=True)
    assert (camera.fx, camera.calibrated, camera.distortion.size) == (600, True, 0)
    assert 'P holds no focal length, so K is taken' in fault


def test_a_broken_tx_is_left_out():
    p = list(RIGHT)
    p[3] = np.nan
    camera, fault = read(info(p=p), rectified=True)
    assert camera.position_m == (0, 0, 0)
    assert 'NaN for Tx' in fault


# --- the guess, and what no camera is -------------------------------------------


def test_an_uncalibrated_camera_is_the_same_one_turned_upright(model):
    across, upright = Camera.uncalibrated(1920, 1080), Camera.uncalibrated(1080, 1920)
    assert across.fx == across.fy == upright.fx == upright.fy == 1920
    assert (upright.cx, upright.cy) == (539.5, 959.5)
    poses = [
        metric_pose(
            FaceParameters(
                camera_matrix(2000.0, np.eye(3), np.array([c.cx, c.cy, 0])),
                np.zeros(40), np.zeros(10),
            ),
            model.landmarks_68.mean,
            c,
        )
        for c in (across, upright)
    ]
    np.testing.assert_allclose(poses[0].translation_m, poses[1].translation_m, atol=1e-12)


@pytest.mark.parametrize(
    'changes',
    [
        {'width': 0}, {'height': -1}, {'fx': 0.0}, {'fx': -500.0}, {'fy': np.nan},
        {'fx': np.inf}, {'cx': np.nan}, {'skew': np.inf}, {'distortion': np.array([np.nan] * 4)},
        {'distortion': np.array([0.1] * 3)},
        {'distortion': np.array([0.1] * 4), 'distortion_model': 'odd'},
        {'position_m': (np.nan, 0, 0)},
    ],
)
def test_numbers_that_no_camera_has_are_refused(changes):
    good = {'width': 640, 'height': 480, 'fx': 600.0, 'fy': 600.0, 'cx': 319.5, 'cy': 239.5}
    with pytest.raises(CalibrationError) as error:
        Camera(**{**good, **changes})
    assert isinstance(error.value, ValueError)
    assert '\n' not in str(error.value)


def test_cameras_are_equal_by_value():
    cameras = [Camera.from_calibration(640, 480, K, BENT) for _ in range(2)]
    assert cameras[0] == cameras[1]
    assert hash(cameras[0]) == hash(cameras[1])
    assert cameras[0] != Camera.from_calibration(640, 480, K, EIGHT)
    assert cameras[0] != Camera.uncalibrated(640, 480)
    assert cameras[0] != 'camera'


@pytest.mark.parametrize('size', [(0, 480), (640, 0), (0, 0)])
def test_a_size_that_is_half_there_is_the_images(size):
    camera, fault = read(info(size=size), size=(800, 600))
    assert not fault
    assert (camera.width, camera.height, camera.cx) == (800, 600, 319.5)


@pytest.mark.parametrize(('cx', 'cy', 'is_inside'), [
    (0, 0, True), (799, 599, True), (-0.5, 0, False), (0, -0.5, False), (800, 0, False),
    (0, 600, False),
])
def test_without_a_size_the_centre_has_to_be_in_the_image(cx, cy, is_inside):
    camera, fault = read(info(size=(0, 0), k=[600, 0, cx, 0, 600, cy, 0, 0, 1]), size=(800, 600))
    assert camera.calibrated == is_inside
    assert bool(fault) != is_inside


@pytest.mark.parametrize(('roi', 'size'), [
    ((100, 0, 540, 0), (540, 480)), ((0, 50, 0, 430), (640, 430))])
def test_a_region_of_interest_needs_both_of_its_sides(roi, size):
    camera, fault = read(info(roi=roi), size=size)
    assert (camera.fx, camera.cx, camera.cy) == (600, 319.5, 239.5)
    assert f'region of interest at {roi[0]}, {roi[1]} has no size' in fault


@pytest.mark.parametrize(('model', 'distortion'), [
    ('', ()), ('plumb_bob', (-0.2, 0.03, 0.001, -0.001, 0.0)), ('equidistant', (0.01, 0, 0, 0)),
])
def test_a_direction_is_where_its_pixel_looks(model, distortion):
    camera = Camera(640, 480, 400.0, 420.0, 315.0, 236.0, np.array(distortion), model, skew=2.0)
    pixels = np.array([[30.0, 40.0], [320.0, 240.0], [600.0, 300.0]])
    for pixel, direction in zip(pixels, camera.directions(pixels), strict=True):
        found = camera.pixel_towards(3 * direction, np.array([320.0, 240.0]))
        np.testing.assert_allclose(found, pixel, atol=0.02)


@pytest.mark.parametrize(('model', 'distortion'), [
    ('plumb_bob', (-0.42, 0.22, 0, 0, -0.06)), ('equidistant', (-0.1, 0, 0, 0)),
])
def test_beyond_the_rim_of_a_lens_no_pixel_is_made_up(model, distortion):
    """The rim lies within the image: there and beyond all look about the same way."""
    camera = Camera(640, 480, 300.0, 300.0, 320.0, 240.0, np.array(distortion), model)
    rng = np.random.default_rng(1)
    found = 0
    for pixel in rng.uniform([-60, -60], [700, 540], (300, 2)):
        wanted = camera.directions(pixel[None])[0] + rng.normal(0, 0.05, 3)
        if wanted[2] <= 0:
            continue
        there = camera.pixel_towards(wanted, pixel)
        if there is not None:
            found += 1
            seen = camera.directions(there[None])[0]
            assert np.linalg.norm(seen - wanted / np.linalg.norm(wanted)) < 2e-3
            assert np.abs(there - pixel).max() < 1000
    assert found > 50


def test_a_length_in_a_fisheye_is_that_of_a_sphere():
    camera = Camera(960, 960, 300.0, 300.0, 479.5, 479.5, np.zeros(4), 'equidistant')
    assert camera.length_px(np.array([479.5, 479.5])) == pytest.approx(300.0, rel=1e-4)
    # 60 degrees aside: a radian is 300 px outwards, 300 px * angle / sine around
    aside = np.array([479.5 + 300 * np.radians(60), 479.5])
    around = 300 * np.radians(60) / np.sin(np.radians(60))
    expected_px = np.sqrt(300 * around) * np.cos(np.radians(60))
    assert camera.length_px(aside) == pytest.approx(expected_px, rel=5e-3)
    assert Camera(640, 480, 400.0, 400.0, 320.0, 240.0).length_px(np.array([9.0, 9.0])) == 400.0
