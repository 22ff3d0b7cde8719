# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces that the image cuts: what is found of them is nearly the same, and less sure."""

import cv2
import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.confidence import (
    OUT_OF_SIGHT_SIGMA_DEG,
    out_of_sight_covariance,
    out_of_sight_sigma_rad,
)
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.pose import MetricPose
from face_recon_ros.regression.crop import cut, cut_floats
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.sight import out_of_sight
from face_recon_ros.rotations import rotation_vector

SIDES = ('left', 'right', 'top', 'bottom')


def without(image, box, side, part):
    """Return an image (H, W, 3) less what is beyond a part of a face's box."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    return np.ascontiguousarray({
        'left': lambda: image[:, round(x0 + part * width) :],
        'right': lambda: image[:, : round(x1 - part * width)],
        'top': lambda: image[round(y0 + part * height) :],
        'bottom': lambda: image[: round(y1 - part * height)],
    }[side]())


@pytest.fixture(scope='module', params=['network', 'facemesh', 'hybrid'])
def pipeline(request):
    return Pipeline(PipelineConfig(
        use_eyes='never', smoothing=None, regressor=request.param
    ))


def followed(pipeline, portrait, side, parts):
    """Return the face of the whole portrait and, by parts, those of images cut off."""
    (whole,) = pipeline.detect(portrait)
    pipeline.reset()
    shown = []
    for index, part in enumerate((0.0, 0.0, 0.0, *parts)):
        image = without(portrait, whole.box, side, part)
        faces = pipeline.track(image, index / 30)
        shown.append(faces[0] if len(faces) else None)
    return shown[2], shown[3:]


@pytest.mark.parametrize('side', SIDES)
def test_a_face_that_leaves_the_image_keeps_its_pose(pipeline, portrait, side):
    parts = np.arange(1, 7) * 0.05
    before, cut_faces = followed(pipeline, portrait, side, parts)
    assert len(cut_faces) == len(parts)
    for part, face in zip(parts, cut_faces, strict=True):
        off_deg = np.degrees(np.linalg.norm(rotation_vector(before.rotation.T @ face.rotation)))
        assert off_deg < 4 + 45 * part, part
        assert face.id == before.id


@pytest.mark.parametrize('side', SIDES)
def test_it_is_never_found_the_wrong_way_up(pipeline, portrait, side):
    before, cut_faces = followed(pipeline, portrait, side, np.arange(1, 15) * 0.05)
    seen = [face for face in cut_faces if face is not None and face.score > 0.1]
    assert seen
    for face in seen:
        assert np.dot(face.rotation[:, 2], before.rotation[:, 2]) > 0


def test_it_is_less_sure(portrait):
    pipeline = Pipeline(PipelineConfig(use_eyes='never', smoothing=None))
    before, (face,) = followed(pipeline, portrait, 'left', [0.25])

    def sigma_rad(f):
        own = f.pose.rotation
        return np.sqrt(np.diag(own.T @ f.pose_covariance[3:, 3:] @ own))

    aside, _ = out_of_sight(face.box, portrait)
    assert 0.15 < aside < 0.3
    more = np.radians(OUT_OF_SIGHT_SIGMA_DEG[0]) * aside
    assert (sigma_rad(face) > more).all()
    assert face.score < before.score - 0.05
    assert (np.linalg.eigvalsh(face.pose_covariance) > 0).all()


def test_a_quarter_turn_of_the_image_turns_the_directions(portrait):
    """A cheek is a cheek, on whichever side of the image it lies."""
    pipeline = Pipeline(PipelineConfig(use_eyes='never', smoothing=None))
    turned = np.ascontiguousarray(cv2.rotate(portrait, cv2.ROTATE_90_CLOCKWISE))
    shown = []
    # what is left of a face is above it then
    for image, side in ((portrait, 'left'), (turned, 'top')):
        (whole,) = pipeline.detect(image)
        (face, *_) = pipeline.detect(without(image, whole.box, side, 0.25))
        own = face.pose.rotation
        more = face.pose_covariance[3:, 3:] - whole.pose_covariance[3:, 3:]
        shown.append(np.sqrt(np.diag(own.T @ more @ own).clip(0)))
    assert shown[0][2] > np.radians(5)
    assert shown[1][2] == pytest.approx(shown[0][2], rel=0.4)


def test_sigmas_of_both_directions_add_up():
    assert out_of_sight_sigma_rad((0.0, 0.0)).tolist() == [0, 0, 0]
    aside, below = np.radians(OUT_OF_SIGHT_SIGMA_DEG)
    both = out_of_sight_sigma_rad((0.2, 0.3))
    assert both == pytest.approx(np.sqrt((0.2 * aside) ** 2 + (0.3 * below) ** 2))


def test_the_place_of_a_face_that_the_image_cuts_is_less_sure():
    """Written out: 7 mm across the ray and 12 % of the distance, of the part out of sight."""
    camera = Camera(640, 480, 600.0, 600.0, 320.0, 240.0, position_m=(0.1, 0.0, 0.0))
    pose = MetricPose(np.eye(3), np.array([0.1, 0.0, 2.0]))
    assert not out_of_sight_covariance(pose, camera, (0.0, 0.0)).any()
    more = out_of_sight_covariance(pose, camera, (0.3, 0.4))
    np.testing.assert_allclose(np.sqrt(np.diag(more)[:3]), [0.0035, 0.0035, 0.12], rtol=1e-9)
    beside = MetricPose(np.eye(3), np.array([2.1, 0.0, 0.0]))
    aside = out_of_sight_covariance(beside, camera, (0.5, 0.0))
    assert np.sqrt(aside[0, 0]) == pytest.approx(0.12)
    assert not aside[:3, 3:].any()



@pytest.mark.parametrize(('box', 'parts'), [
    ((10, 10, 50, 50), (0, 0)),
    ((-10, 10, 30, 50), (0.25, 0)),
    ((90, 60, 110, 100), (0.5, 0.5)),
    ((-10, -20, 110, 100), (20 / 120, 40 / 120)),
    ((200, 300, 220, 320), (1, 1)),
])
def test_parts_out_of_sight(box, parts):
    image = np.zeros((80, 100, 3), np.uint8)
    assert out_of_sight(np.array(box, float), image) == pytest.approx(parts)
    assert out_of_sight(np.array(box, float), image, np.pi) == pytest.approx(parts)
    turned = out_of_sight(np.array(box, float), image, -np.pi / 2)
    assert turned == pytest.approx(parts[::-1])


@pytest.mark.parametrize('side_px', [40.0, 90.0, 500.0])
@pytest.mark.parametrize('centre', [(5.0, 45.0), (118.0, 88.0), (60.0, -15.0), (60.0, 45.0)])
def test_the_image_goes_on_beyond_its_edge(centre, side_px):
    """As if the image had been continued by its outermost pixels before."""
    noise = np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)
    photo = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 6.0), None, 0, 255, cv2.NORM_MINMAX)
    size, wide = 48, 512
    region = Region(np.array(centre), side_px, 0.3)
    moved = Region(np.array(centre) + wide, side_px, 0.3)
    continued = cv2.copyMakeBorder(photo, *[wide] * 4, cv2.BORDER_REPLICATE)
    found, _ = cut(photo, region, size, continued=True)
    expected, _ = cut(continued, moved, size)
    # halves begin elsewhere
    limit = 2 if side_px < 2 * size else 40
    assert np.abs(found.astype(int) - expected).max() <= limit
    floats = np.zeros((size, size, 3), np.float32)
    cut_floats(floats, photo, region, continued=True)
    assert np.abs(255 * floats - found).max() <= 3


@pytest.mark.parametrize('centre', [(-1e4, 45.0), (60.0, 1e9), (np.nan, 45.0), (-60.0, 45.0)])
def test_far_from_the_image_all_is_black(centre):
    photo = np.full((90, 120, 3), 200, np.uint8)
    crop = np.ones((48, 48, 3), np.float32)
    cut_floats(crop, photo, Region(np.array(centre), 40.0, 0.0), continued=True)
    assert crop.max() == 0


def test_depth_and_calibrated_cameras_take_cut_faces(portrait):
    pipeline = Pipeline(PipelineConfig(use_eyes='never'))
    (whole,) = pipeline.detect(portrait)
    image = without(portrait, whole.box, 'right', 0.2)
    height, width = image.shape[:2]
    camera = Camera(width, height, 600.0, 600.0, 256.0, 256.0)
    (face,) = pipeline.detect(image, camera, np.full((height, width), 1.0, np.float32))
    assert np.isfinite(face.pose_covariance).all()
