# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Crops as a camera would take them that looks straight at the face, and what is read of them."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_recon_ros import Camera, Pipeline, PipelineConfig, _renderer
from face_recon_ros.face_model.decoding import ParameterDecoder
from face_recon_ros.face_model.landmarks import INNER_LIP_PAIRS_468, OUTER_CANTHI_468
from face_recon_ros.face_model.lips import CLOSED_LIP_GAP, OPEN_LIP_GAP
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.io.image_files import read_image
from face_recon_ros.paths import model_file
from face_recon_ros.pose import metric_pose
from face_recon_ros.pose_solver import PoseSolver
from face_recon_ros.regression.crop import MOST_HALVINGS, cut_floats, cut_straight
from face_recon_ros.regression.own_network import OwnNetworkAdapter
from face_recon_ros.regression.region import CROP_CENTRE_M, CROP_SIDE_M, Region, seen_through
from face_recon_ros.regression.straight_view import StraightView
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    rotation_about,
    rotation_in_plane,
    rotation_matrix,
    rotation_to,
    rotation_vector,
)
from face_recon_ros.tflite import Network
from model_building.evaluation.pans import seen_by_turned_camera

PORTRAIT = Path(__file__).resolve().parents[1] / 'samples' / 'astronaut.png'
SIZE = 192
WIDTH, HEIGHT = 640, 480
PINHOLE = Camera(WIDTH, HEIGHT, 500.0, 520.0, 310.0, 245.0, skew=2.0)
DISTORTED = replace(
    PINHOLE, distortion=np.array([-0.25, 0.07, 0.001, -0.002, 0.0]), distortion_model='plumb_bob')
FISHEYE = Camera(
    WIDTH, HEIGHT, 260.0, 260.0, 320.0, 240.0, np.array([0.02, -0.01, 0.0, 0.0]), 'equidistant')
LENSES = {'pinhole': PINHOLE, 'plumb_bob': DISTORTED, 'fisheye': FISHEYE}
SIDES_PX = {'pinhole': 110.0, 'plumb_bob': 110.0, 'fisheye': 60.0}
# how far lenses bend what is straight in a crop, in its pixels; pixels to which its middle is kept
MOST_BENT_PX = {'pinhole': 1e-3, 'plumb_bob': 1.0, 'fisheye': 2.5}
MIDDLE_WITHIN_PX = {'pinhole': 1e-2, 'plumb_bob': 1.0, 'fisheye': 1.2}
PLACES = {'middle': (310.0, 245.0), 'aside': (560.0, 230.0), 'corner': (90.0, 60.0)}


def region(centre, side_px=110.0, roll_rad=0.3):
    return Region(np.array(centre), side_px, roll_rad)


def placed(homography, points):
    moved = points @ homography[:, :2].T + homography[:, 2]
    return moved[:, :2] / moved[:, 2:]


def grid(size=SIZE, count=9):
    side = np.linspace(0, size - 1, count)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def face_of_grid():
    middle = (SIZE - 1) / 2
    return middle + 0.6 * (grid() - middle)


@pytest.mark.parametrize('lens', LENSES)
@pytest.mark.parametrize('place', PLACES)
def test_a_turned_camera_sees_the_crop_as_a_square(lens, place):
    camera, wanted = LENSES[lens], region(PLACES[place], SIDES_PX[lens])
    view = StraightView.of(wanted, camera, SIZE)
    shown = grid() if lens == 'pinhole' else face_of_grid()
    turned = camera.directions(placed(view.image_from_crop, shown)) @ rotation_to(
        camera.directions(wanted.centre[None])[0])
    seen = turned[:, :2] / turned[:, 2:]
    expected = placed(view.plane_from_crop, shown)
    step = np.linalg.norm(view.plane_from_crop[:2, 0])
    assert np.linalg.norm(seen - expected, axis=1).max() / step < MOST_BENT_PX[lens]
    square = view.plane_from_crop[:2, :2] / step
    np.testing.assert_allclose(square @ square.T, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(view.plane_from_crop[2], [0, 0, 1])


@pytest.mark.parametrize('lens', LENSES)
@pytest.mark.parametrize('roll_rad', [-2.5, 0.0, 0.7])
def test_its_middle_is_as_large_and_as_upright_as_the_region(lens, roll_rad):
    wanted = region((520.0, 120.0), SIDES_PX[lens], roll_rad)
    view = StraightView.of(wanted, LENSES[lens], SIZE)
    middle = np.full((1, 2), (SIZE - 1) / 2)
    steps = np.array([[0.5, 0], [0, 0.5]])
    right, down = (
        (placed(view.image_from_crop, middle + s) - placed(view.image_from_crop, middle - s))[0]
        for s in steps
    )
    off = placed(view.image_from_crop, middle)[0] - wanted.centre
    assert np.linalg.norm(off) < MIDDLE_WITHIN_PX[lens]
    area = abs(right[0] * down[1] - right[1] * down[0])
    assert np.sqrt(area) == pytest.approx(SIDES_PX[lens] / SIZE, rel=0.02)
    along, across = rotation_in_plane(-roll_rad) @ down
    assert abs(along) < 0.02 * across


def test_a_lens_that_ends_beside_the_face_does_not_bend_the_face():
    # its rim is 330 px from the middle; two corners of the region are beyond
    camera = Camera(WIDTH, HEIGHT, 380.0, 380.0, 319.5, 239.5, np.array([-0.3, 0.0, 0.0, 0.0]),
                    'plumb_bob')
    rim_px = 380 * 2 / 3 * np.sqrt(1 / 0.9)
    wanted = region((520.0, 200.0), 110.0, 0.0)
    corners = wanted.centre + 55 * np.array([[1, -1], [1, 1]])
    off_axis = np.linalg.norm(corners - [319.5, 239.5], axis=1)
    assert off_axis.min() < rim_px + 8
    assert off_axis.max() > rim_px - 8
    view = StraightView.of(wanted, camera, SIZE)
    places = placed(view.image_from_crop, face_of_grid())
    inside = np.linalg.norm(places - [319.5, 239.5], axis=1) < 0.93 * rim_px
    assert inside.sum() > 50
    turned = camera.directions(places) @ rotation_to(camera.directions(wanted.centre[None])[0])
    off = turned[:, :2] / turned[:, 2:] - placed(view.plane_from_crop, face_of_grid())
    step = np.linalg.norm(view.plane_from_crop[:2, 0])
    assert np.linalg.norm(off[inside], axis=1).max() / step < 12


def test_straight_ahead_it_is_the_flat_crop():
    camera = Camera(WIDTH, HEIGHT, 500.0, 500.0, 310.0, 245.0)
    wanted = region((310.0, 245.0))
    view = StraightView.of(wanted, camera, SIZE)
    flat = wanted.image_from_crop(SIZE)
    np.testing.assert_allclose(placed(view.image_from_crop, grid()),
                               grid() @ flat[:, :2].T + flat[:, 2], atol=1e-3)


@pytest.mark.parametrize(('centre', 'side_px', 'camera'), [
    ((320.0, 240.0), 1150.0, FISHEYE),  # corners beyond 80 degrees
    ((320.0, 240.0), 0.0, PINHOLE),
    ((320.0, 240.0), np.nan, PINHOLE),
    ((np.nan, 240.0), 100.0, PINHOLE),
    ((320.0, 240.0), 1e300, PINHOLE),
])
def test_where_no_plane_shows_a_region_there_is_no_view(centre, side_px, camera):
    with np.errstate(all='ignore'):
        assert StraightView.of(region(centre, side_px), camera, SIZE) is None


# --- crops ---------------------------------------------------------------------------


@pytest.fixture(scope='module')
def photo():
    return cv2.resize(read_image(PORTRAIT), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize('simd', _renderer.instruction_sets())
@pytest.mark.parametrize('sigma_px', [0.0, 1.2])
def test_a_homography_is_opencv_s_within_a_grey_level(photo, simd, sigma_px):
    soft = cv2.GaussianBlur(photo, (0, 0), 2.0)
    view = StraightView.of(region((440.0, 200.0), 180.0), FISHEYE, SIZE)
    crop = np.full((SIZE, SIZE, 3), np.nan, np.float32)
    _renderer.crop(soft, view.image_from_crop, sigma_px, 1.0, crop, simd)
    expected = cv2.warpPerspective(
        soft.astype(np.float32), view.image_from_crop, (SIZE, SIZE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)[..., ::-1]
    if sigma_px:
        expected = cv2.GaussianBlur(expected, (7, 7), sigma_px)
    assert np.abs(crop - expected).max() < 2.5
    assert np.abs(crop - expected).mean() < 0.3


def test_rows_of_every_width_follow_a_homography(photo):
    soft = cv2.GaussianBlur(photo, (0, 0), 2.0)
    matrix = np.array([[2.0, 0.1, 100], [0.1, 2.0, 80], [2e-3, 1e-3, 1]])
    whole = np.empty((64, 64, 3), np.float32)
    _renderer.crop(soft, matrix, 0.0, 1.0, whole)
    for width in (4, 15, 16, 17, 40):
        part = np.empty((5, width, 3), np.float32)
        _renderer.crop(soft, matrix, 0.0, 1.0, part)
        assert np.abs(part - whole[:5, :width]).max() < 1.5


def test_a_homography_by_any_factor_is_the_same(photo):
    view = StraightView.of(region((470.0, 150.0)), PINHOLE, SIZE)
    crops = [np.empty((SIZE, SIZE, 3), np.float32) for _ in range(2)]
    for crop, factor in zip(crops, (1.0, -3.0), strict=True):
        _renderer.crop(photo, factor * view.image_from_crop, 0.0, 1.0, crop)
    assert np.abs(crops[0] - crops[1]).max() < 255 / 64
    affine = np.vstack([region((200.0, 200.0)).image_from_crop(SIZE), [0, 0, 1]])
    for crop, matrix in zip(crops, (affine[:2], 2 * affine), strict=True):
        _renderer.crop(photo, matrix, 0.0, 1.0, crop)
    np.testing.assert_allclose(*crops, atol=255 / 64)


@pytest.mark.parametrize('shape', [(1, 3), (4, 3), (3, 4), (3,)])
def test_maps_of_another_shape_are_named(photo, shape):
    with pytest.raises(ValueError, match='image_from_crop'):
        _renderer.crop(photo, np.ones(shape), 0.0, 1.0, np.empty((8, 8, 3), np.float32))


@pytest.mark.parametrize('side_px', [150.0, 450.0, 900.0, 2000.0])
def test_large_regions_are_halved_and_shown_at_the_same_place(side_px):
    assert MOST_HALVINGS >= 3
    # brightness says where a pixel was; the middle part of a large image
    image = np.zeros((1400, 1800, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(1800) / 1800 * 255, np.arange(1400)[:, None] / 5.6
    camera = Camera(1800, 1400, 1500.0, 1500.0, 900.0, 700.0)
    wanted = region((1150.0, 500.0), side_px, -0.2)
    view = StraightView.of(wanted, camera, SIZE)
    tensor = np.empty((SIZE, SIZE, 3), np.float32)
    cut_straight(tensor, image, wanted, view.image_from_crop)
    places = placed(view.image_from_crop, grid())
    x, y = grid().round().astype(int).T
    inside = ((places > 4) & (places < [1795, 1395])).all(axis=1)
    assert inside.sum() > 20
    seen = tensor[y, x][:, ::-1] * 255
    expected = places / [1800 / 255, 5.6]
    # flat: off by up to 20 here
    assert np.abs(seen[inside, :2] - expected[inside]).max() < 2.5


PLUMB_BOB = Camera(1280, 720, 500.0, 500.0, 639.5, 359.5,
                   np.array([-0.25, 0.05, 0.001, 0.001, 0.0]), 'plumb_bob')


@pytest.mark.parametrize(('camera', 'centre', 'side_px'), [
    (Camera(1280, 720, 172.0, 172.0, 639.5, 359.5), (925.0, 357.0), 710.0),  # beyond its horizon
    (PLUMB_BOB, (118.0, 123.0), 434.0),
    (PLUMB_BOB, (85.0, 603.0), 313.0),  # corners more than three crops outside
    (Camera(1280, 720, 370.0, 370.0, 639.5, 359.5), (1071.0, 493.0), 760.0),
])
def test_no_edge_of_the_image_lies_across_a_face(model, camera, centre, side_px):
    white = np.full((720, 1280, 3), 255, np.uint8)
    adapter = OwnNetworkAdapter(Network(model_file('face_recon.tflite')), model)
    tensor = np.empty((SIZE, SIZE, 3), np.float32)
    adapter.cut(tensor, white, seen_through(region(centre, side_px, 0.0), camera), False)
    assert tensor[40:152, 40:152].min() > 0.99


def test_beyond_the_image_its_outermost_pixels_go_on(photo):
    grey = np.full_like(photo, 90)
    view_of = region((20.0, 20.0), 150.0)
    tensor = np.empty((SIZE, SIZE, 3), np.float32)
    view = StraightView.of(view_of, PINHOLE, SIZE)
    cut_straight(tensor, grey, view_of, view.image_from_crop, 1.2)
    np.testing.assert_allclose(tensor, 90 / 255, atol=1 / 255)


# --- reading -------------------------------------------------------------------------


@pytest.fixture(scope='module')
def reader(model):
    decoder = ParameterDecoder(model)
    sparse, of_pose = model.landmarks_468, model.landmarks_68
    return _renderer.StraightReader(
        sparse.mean, sparse.basis, OUTER_CANTHI_468, CROP_CENTRE_M.tolist(), CROP_SIDE_M,
        np.ascontiguousarray(decoder.solve), INNER_LIP_PAIRS_468.tolist(),
        (decoder.canthal_distance_m, CLOSED_LIP_GAP, OPEN_LIP_GAP), of_pose.mean, of_pose.basis)


def found_in_crop(model, rng, noise_px=0.0):
    """Return parameters of a face in a crop and its landmarks there (468, 3)."""
    turn = rotation_matrix(rng.normal(0, 0.4, 3))
    matrix = camera_matrix(rng.uniform(700, 850), turn, np.append(rng.uniform(80, 110, 2), 0))
    coefficients = rng.normal(0, 0.7, 50)
    parameters = FaceParameters(matrix, coefficients[:40], coefficients[40:])
    points = model.landmarks_468.points_px(parameters)
    return parameters, np.ascontiguousarray(points + rng.normal(0, noise_px, points.shape))


def reference(model, parameters, points, view, camera, optical_from_ray):
    """Return parameters as StraightReader finds them, in NumPy, with the camera itself."""
    decode, pose_marks = ParameterDecoder(model), model.landmarks_68
    roll_rad = np.arctan2(view.plane_from_crop[1, 0], view.plane_from_crop[0, 0])
    focal = 1 / np.linalg.norm(view.plane_from_crop[:2, 0])
    middle = (SIZE - 1) / 2
    turned_camera = Camera(SIZE, SIZE, focal, focal, middle, middle)
    straight = metric_pose(parameters, pose_marks.points(parameters), turned_camera)
    upright = rotation_about('z', -roll_rad)
    frame = optical_from_ray @ OPTICAL_FROM_VIEWER
    wanted = (frame @ upright @ OPTICAL_FROM_VIEWER @ straight.rotation) @ MODEL_FROM_FACE.T
    told = upright @ parameters.model_rotation
    in_image = placed(view.image_from_crop, points[:, :2])
    coefficients = np.concatenate([parameters.shape, parameters.expression])
    found = decode(in_image, told, coefficients, rounds=1)
    for _ in range(3):
        pose = metric_pose(found, pose_marks.points(found), camera)
        left = wanted @ (pose.rotation @ MODEL_FROM_FACE.T).T
        if np.linalg.norm(rotation_vector(left)) < 0.001:
            break
        told = frame.T @ left @ frame @ told
        coefficients = np.concatenate([found.shape, found.expression])
        found = decode(in_image, told, coefficients, rounds=1)
    return found


def test_it_is_numpy_s(model, reader):
    rng = np.random.default_rng(5)
    for _ in range(12):
        centre = rng.uniform([60, 60], [580, 420])
        place = region(centre, rng.uniform(60, 200), rng.uniform(-3, 3))
        view = StraightView.of(place, PINHOLE, SIZE)
        parameters, points = found_in_crop(model, rng, 1.0)
        ray = rotation_to(PINHOLE.directions(centre[None])[0])
        expected = reference(model, parameters, points, view, PINHOLE, ray)
        face, coefficients = reader.read(
            parameters.vector(), points, view.image_from_crop, view.plane_from_crop, False)
        np.testing.assert_allclose(face[0], expected.camera_matrix, rtol=1e-4, atol=1e-2)
        np.testing.assert_allclose(
            coefficients, [*expected.shape, *expected.expression], atol=2e-3)
        in_image = placed(view.image_from_crop, points[:, :2])
        np.testing.assert_allclose(
            face[2], [*in_image.min(axis=0), *in_image.max(axis=0)], rtol=1e-9)
        again = Region.from_parameters(expected)
        np.testing.assert_allclose(face[3], again.centre, atol=1e-2)
        assert face[4] == pytest.approx(again.side_px, rel=1e-4)


@pytest.mark.parametrize('calibrated', [True, False])
def test_the_pose_is_that_of_the_crop_turned_to_the_ray(model, reader, calibrated):
    solve = PoseSolver(model.landmarks_68)
    camera = replace(PINHOLE, calibrated=calibrated)
    rng = np.random.default_rng(6)
    for _ in range(8):
        centre = rng.uniform([40, 40], [600, 440])
        view = StraightView.of(region(centre, 150.0, 0.2), camera, SIZE)
        parameters, points = found_in_crop(model, rng)
        ray = rotation_to(camera.directions(centre[None])[0])
        roll_rad = np.arctan2(view.plane_from_crop[1, 0], view.plane_from_crop[0, 0])
        focal, middle = 1 / np.linalg.norm(view.plane_from_crop[:2, 0]), (SIZE - 1) / 2
        turned = Camera(SIZE, SIZE, focal, focal, middle, middle, calibrated=calibrated)
        wanted = ray @ rotation_about('z', roll_rad) @ solve(
            parameters, turned, 0.01).pose.rotation
        face, coefficients = reader.read(
            parameters.vector(), points, view.image_from_crop, view.plane_from_crop, calibrated)
        found = FaceParameters(face[0], coefficients[:40], coefficients[40:])
        off = rotation_vector(wanted.T @ solve(found, camera, 0.01).pose.rotation)
        # without the round that corrects it, 0.5 degrees and more
        assert np.degrees(np.linalg.norm(off)) < 0.15


# --- a pipeline ----------------------------------------------------------------------

WIDE = Camera(1280, 960, 640.0, 640.0, 639.5, 479.5)


def turned_by_deg(pipeline, axis, angle_deg, streams):
    """Return how far the portrait's head seems to turn with the camera, degrees."""
    rotations = []
    for angle in (0.0, angle_deg):
        turned = rotation_about(axis, np.radians(angle))
        image = seen_by_turned_camera(read_image(PORTRAIT), WIDE, turned)
        if streams:
            pipeline.reset()
            for index in range(8):
                faces = pipeline.track(image, index / 30, WIDE)
        else:
            faces = pipeline.detect(image, WIDE)
        assert len(faces) == 1
        rotations.append(turned.T @ faces[0].pose.rotation)
    return np.degrees(np.linalg.norm(rotation_vector(rotations[0].T @ rotations[1])))


@pytest.mark.parametrize('streams', [False, True])
@pytest.mark.parametrize(('axis', 'angle_deg'), [('x', 25.0), ('y', 25.0)])
def test_a_head_stays_where_it_is_when_the_camera_turns(axis, angle_deg, streams, monkeypatch):
    pipeline = Pipeline(PipelineConfig(smoothing=None, use_eyes='never'))
    straight = turned_by_deg(pipeline, axis, angle_deg, streams)
    assert straight < 1.6
    monkeypatch.setattr('face_recon_ros.pipeline.seen_through', lambda region, camera: region)
    flat = turned_by_deg(pipeline, axis, angle_deg, streams)
    # the yaw of this portrait errs by as little in a stream's flat crops
    assert flat > straight + 0.4 or (axis == 'y' and streams)


@pytest.mark.parametrize('regressor', ['network', 'hybrid', 'facemesh'])
def test_every_regressor_takes_regions_with_a_camera(regressor, photo):
    pipeline = Pipeline(PipelineConfig(regressor=regressor, smoothing=None, use_eyes='never'))
    image = read_image(PORTRAIT)
    height, width = image.shape[:2]
    camera = Camera(width, height, float(width), float(width), width / 2, height / 2)
    face, = pipeline.detect(image, camera)
    again = seen_through(Region.from_parameters(face.parameters), camera)
    found = pipeline.regressor(image, again)
    assert found.presence > 0.9
    assert np.isfinite(found.parameters.vector()).all()


def test_without_a_view_the_crop_is_flat(photo):
    pipeline = Pipeline(PipelineConfig(smoothing=None, use_eyes='never'))
    adapter = pipeline.regressor._adapter
    beyond = seen_through(region((320.0, 240.0), 1150.0), FISHEYE)
    tensors = [np.empty((SIZE, SIZE, 3), np.float32) for _ in range(2)]
    place = adapter.cut(tensors[0], photo, beyond, False)
    np.testing.assert_array_equal(place.where, beyond.image_from_crop(SIZE))
    cut_floats(tensors[1], photo, beyond, continued=True)
    np.testing.assert_array_equal(*tensors)
