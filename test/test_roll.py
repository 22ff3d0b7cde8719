# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A face at any roll: the right pose, in stills and in streams; see scripts/evaluate_roll.py."""

import cv2
import numpy as np
import pytest

from face_recon_ros.detection.base import Detection
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import FACE_MESH, NETWORK
from face_recon_ros.regression.rolls import detect_upside_down, is_upside_down
from face_recon_ros.rotations import rotation_matrix, rotation_vector

ROLLS_DEG = range(0, 360, 30)


def turned(photo, roll_deg):
    """Return a photo turned clockwise in a canvas that holds all of it."""
    extent = np.array(photo.shape[1::-1])
    size = int(np.ceil(np.linalg.norm(extent)))
    matrix = cv2.getRotationMatrix2D(((extent - 1) / 2).tolist(), -roll_deg, 1.0)
    matrix[:, 2] += (size - extent) / 2
    return cv2.warpAffine(photo, matrix, (size, size))


def error_deg(face, upright, roll_deg):
    expected = rotation_matrix(np.array([0, 0, np.radians(roll_deg)])) @ upright.rotation
    return np.degrees(np.linalg.norm(rotation_vector(face.rotation @ expected.T)))


@pytest.fixture(scope='module', params=[NETWORK, FACE_MESH])
def pipeline(request):
    return Pipeline(PipelineConfig(regressor=request.param))


@pytest.mark.parametrize('roll_deg', ROLLS_DEG)
def test_a_still_face_of_any_roll_is_found_the_right_way_up(pipeline, portrait, roll_deg):
    (upright,) = pipeline.detect(portrait)
    face = pipeline.detect(turned(portrait, roll_deg))[0]
    assert error_deg(face, upright, roll_deg) < 12
    assert face.score > 0.7


@pytest.mark.parametrize('roll_deg', [90, 120, 180, 240])
def test_a_stream_of_any_roll_is_followed_the_right_way_up(pipeline, portrait, roll_deg):
    (upright,) = pipeline.detect(portrait)
    pipeline.reset()
    image = turned(portrait, roll_deg)
    seen = [pipeline.track(image, stamp_s=index / 30) for index in range(12)]
    # others than the face score low: there is none
    assert len({faces[0].id for faces in seen}) == 1
    assert all(error_deg(faces[0], upright, roll_deg) < 15 for faces in seen)
    assert all(face.score < 0.5 for faces in seen for face in faces[1:])


def test_a_face_that_rolls_all_the_way_round_is_one_face(portrait):
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    (upright,) = pipeline.detect(portrait)
    ids = set()
    for index in range(61):
        roll_deg = 6.0 * index
        face, *others = pipeline.track(turned(portrait, roll_deg), stamp_s=index / 30)
        assert all(other.score < 0.5 for other in others)
        ids.add(face.id)
        assert error_deg(face, upright, roll_deg) < 15
    assert len(ids) == 1


def test_what_is_found_upside_down_is_given_in_the_images_pixels():
    """A detector that reports the white square of an image, its eyes at its upper corners."""

    def detect(image):
        y, x = np.nonzero(image[..., 0])
        box = np.array([x.min(), y.min(), x.max(), y.max()], float)
        return [Detection(box, 0.9, box[[0, 1, 2, 1]].reshape(2, 2))]

    image = np.zeros((60, 100, 3), np.uint8)
    image[10:21, 30:51] = 255
    (found,) = detect_upside_down(detect, image)
    np.testing.assert_array_equal(found.box, [30, 10, 50, 20])
    np.testing.assert_array_equal(found.eyes, [[50, 20], [30, 20]])


@pytest.mark.parametrize(
    ('roll_deg', 'expected'),
    [(0, False), (90, False), (-90, False), (180, True), (-180, True), (150, True), (530, True)],
)
def test_upside_down_is_about_a_half_turn(roll_deg, expected):
    assert is_upside_down(np.radians(roll_deg)) is expected


@pytest.mark.parametrize('roll_deg', [90, 120, 180])
@pytest.mark.parametrize('folder', ['ibug68_helen_train', 'portraits_congress'])
def test_other_peoples_photos(shared_data, folder, roll_deg):
    pipeline = Pipeline()
    paths = sorted((shared_data / 'data' / folder).glob('*.jpg'))[::60][:10]
    right = 0
    for path in paths:
        photo = cv2.imread(str(path))
        upright = max(pipeline.detect(photo), key=lambda f: np.prod(f.box[2:] - f.box[:2]))
        faces = pipeline.detect(turned(photo, roll_deg))
        errors = [error_deg(face, upright, roll_deg) for face in faces]
        right += min(errors, default=180) < 20
    assert right == len(paths)


def test_heads_turned_far_aside_are_not_turned_over(shared_data):
    """Profiles score low either way up; upright they were before, upright they stay."""
    pipeline = Pipeline()
    paths = sorted((shared_data / 'data' / 'pointing04').glob('person*+0+75.jpg'))
    paths += sorted((shared_data / 'data' / 'pointing04').glob('person*+0-75.jpg'))
    assert len(paths) >= 20
    over = 0
    for path in paths:
        faces = pipeline.detect(cv2.imread(str(path)))
        up = [face.parameters.model_rotation[1, 1] > 0 for face in faces[:1]]
        over += not all(up)
    assert over == 0
