# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Eyes: what is seen of them, where they look, and what of it is used."""

import math
from dataclasses import replace

import numpy as np
import pytest
from reference_eyes import openness_of

from face_recon_ros import deprecation
from face_recon_ros.camera import Camera
from face_recon_ros.errors import ModelFileError
from face_recon_ros.eyes import reader as reader_module
from face_recon_ros.eyes.crops import eye_regions
from face_recon_ros.eyes.gaze import GazeConstants, gaze_of, head_sigma_rad
from face_recon_ros.eyes.iris import EyeNetwork
from face_recon_ros.eyes.landmarks import EyeLandmarks, Eyes
from face_recon_ros.eyes.smoothing import GazeSmoothers
from face_recon_ros.paths import model_file
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import rotation_about, rotation_to
from model_building.eyes.elsewhere import looking_elsewhere
from model_building.eyes.photo_eyes import IrisMarker

CAMERA = Camera(640, 480, 600.0, 600.0, 319.5, 239.5)
# x out of the face, y to the person's left, z up, in the optical frame of a head that faces it
FRONTAL = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
TIGHT = np.diag([1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6])
LOOSE = np.diag([1e-6, 1e-6, 1e-6, 0.01, 0.01, 0.01])
# eyes whose turns are seen as they are
DRAWN = GazeConstants(eye_sigma=1e-3, noise_width_px=0.0, spread_rad=1.0)


def direction(right_deg, down_deg):
    """Return a direction in the optical frame, from a person towards the camera."""
    right, down = math.radians(right_deg), math.radians(down_deg)
    return np.array([
        math.sin(right) * math.cos(down), math.sin(down), -math.cos(right) * math.cos(down)
    ])


def project(points_m):
    points_m = np.asarray(points_m)
    return points_m[..., :2] / points_m[..., 2:] * 600.0 + [319.5, 239.5]


def outline(inner, outer, ratio):
    """Return an eye's outline (16, 2): lids that are apart by this part of its width."""
    along = outer - inner
    down = np.array([-along[1], along[0]]) * np.sign(along[0])
    t = np.arange(1, 8) / 8
    arch = 0.5 * ratio * np.minimum(1, 4 * t * (1 - t) / 0.9)[:, None]
    lower = inner + t[:, None] * along + arch * down
    upper = inner + t[:, None] * along - arch * down
    return np.vstack([inner[None], lower, outer[None], upper])


def scene(gaze, place=(0.0, 0.0, 0.7), rotation=FRONTAL, ratio=0.4, width_m=0.025):
    """Return a pose, landmarks (68, 3) and those of eyes that look in a direction (3,)."""
    pose = MetricPose(rotation, np.array(place))
    landmarks_m, lids, irises, turns = np.zeros((68, 3)), [], [], []
    landmarks_m[:, 2] = place[2]
    for side, first in ((-1, 36), (1, 42)):
        middle = np.array([-0.012, side * 0.0315, -0.003])
        ends = middle + np.array([[0, -width_m / 2, 0], [0, width_m / 2, 0]])
        # image-left first: of the person that is the right
        landmarks_m[[first, first + 3]] = ends @ rotation.T + place
        middle_m = rotation @ middle + place
        irises.append(project(middle_m + 0.01 * gaze))
        turns.append((rotation_to(middle_m).T @ gaze)[:2])
        right, left = project(landmarks_m[[first, first + 3]])
        inner, outer = (left, right) if side < 0 else (right, left)
        lids.append(outline(inner, outer, ratio))
    lids = np.array(lids)
    eyes = EyeLandmarks(
        iris_px=np.array(irises),
        radius_px=np.full(2, 5.0),
        lids_px=lids,
        openness=openness_of(lids),
        width_px=np.linalg.norm(lids[:, 8] - lids[:, 0], axis=1),
        turns=np.array(turns),
    )
    return pose, landmarks_m, eyes


def test_the_old_name_of_the_landmarks_still_works():
    _, _, landmarks = scene(np.array([0.0, 0.0, -1.0]))
    eyes = Eyes(landmarks, np.array([0.0, 0, -1]), 0.1, np.array([True, True]))
    deprecation.warn_once.cache_clear()
    with pytest.warns(DeprecationWarning, match=r'Eyes\.looks is deprecated; use Eyes\.landmarks'):
        assert eyes.looks is landmarks
    deprecation.warn_once.cache_clear()


def angle_deg(a, b):
    return math.degrees(math.atan2(np.linalg.norm(np.cross(a, b)), a @ b))


# --- where they look ---------------------------------------------------------------


@pytest.mark.parametrize('place', [(0, 0, 0.7), (0.25, -0.15, 0.6), (-0.3, 0.1, 0.8)])
@pytest.mark.parametrize('yaw_deg', [-30, 0, 20])
@pytest.mark.parametrize('gaze', [(0, 0), (20, 5), (-15, -10)])
def test_drawn_eyeballs_look_where_they_were_turned(place, yaw_deg, gaze):
    """In full perspective, off the axis, of a turned head."""
    rotation = rotation_about('y', math.radians(yaw_deg)) @ FRONTAL
    wanted = direction(*gaze)
    pose, landmarks_m, looks = scene(wanted, place, rotation)
    found = gaze_of(looks, pose, TIGHT, landmarks_m, CAMERA, constants=DRAWN)
    assert found.measured.all()
    assert np.linalg.norm(found.direction) == pytest.approx(1)
    # each eye's own viewing ray differs from the middle's by two degrees
    assert angle_deg(found.direction, wanted) < 1.5


def test_a_mirrored_scene_has_the_mirrored_gaze():
    mirror = np.diag([-1.0, 1.0, 1.0])
    rotation = rotation_about('y', 0.3) @ rotation_about('x', 0.2) @ FRONTAL
    pose, landmarks_m, looks = scene(direction(12, 4), (0.1, 0.05, 0.7), rotation)
    # left and right change places, the corners of each eye as well
    swapped = np.arange(68)
    swapped[[36, 39, 42, 45]] = [45, 42, 39, 36]

    def flipped_px(points):
        return points[::-1] * [-1, 1] + [639, 0]

    other = MetricPose(mirror @ rotation @ np.diag([1.0, -1, 1]), mirror @ pose.translation_m)
    mirrored = replace(
        looks,
        iris_px=flipped_px(looks.iris_px),
        lids_px=flipped_px(looks.lids_px),
        openness=looks.openness[::-1],
        width_px=looks.width_px[::-1],
        turns=looks.turns[::-1] * [-1, 1],
    )
    one = gaze_of(looks, pose, LOOSE, landmarks_m, CAMERA)
    two = gaze_of(mirrored, other, LOOSE, landmarks_m[swapped] @ mirror, CAMERA)
    np.testing.assert_allclose(two.direction, mirror @ one.direction, atol=1e-9)
    assert two.sigma_rad == pytest.approx(one.sigma_rad)
    assert abs(one.direction[0]) > 0.05


def test_irises_further_to_a_side_look_further_to_it():
    found = []
    for right_deg in (-24, -12, 0, 12, 24):
        pose, landmarks_m, looks = scene(direction(right_deg, 0))
        found.append(gaze_of(looks, pose, LOOSE, landmarks_m, CAMERA).direction[0])
    assert (np.diff(found) > 0.05).all()


@pytest.mark.parametrize(
    'change', [{'ratio': 0.05}, {'width_m': 0.006}, {'place': (0, 0, 2.5)}],
    ids=['closed', 'narrow', 'far'],
)  # fmt: skip
def test_closed_and_small_eyes_give_the_head_with_its_sigma(change):
    rotation = rotation_about('y', 0.2) @ FRONTAL
    pose, landmarks_m, looks = scene(direction(-20, 0), rotation=rotation, **change)
    found = gaze_of(looks, pose, LOOSE, landmarks_m, CAMERA)
    assert not found.measured.any()
    np.testing.assert_array_equal(found.direction, rotation[:, 0])
    # of rotations of 0.1 rad about each axis, the two that turn the direction; 68 % within 1.51
    assert found.sigma_rad == pytest.approx(0.151, abs=0.001)
    assert found.sigma_rad == head_sigma_rad(pose, LOOSE)


def test_one_eye_is_enough():
    pose, landmarks_m, looks = scene(direction(15, 0))
    both = gaze_of(looks, pose, LOOSE, landmarks_m, CAMERA)
    one = gaze_of(
        replace(looks, openness=np.array([1.0, 0.0])), pose, LOOSE, landmarks_m, CAMERA
    )
    assert one.measured.tolist() == [True, False]
    assert one.sigma_rad > both.sigma_rad
    assert one.direction[0] > 0.05
    unseen = np.full((2, 2), np.nan)
    none = gaze_of(replace(looks, turns=unseen), pose, LOOSE, landmarks_m, CAMERA)
    assert not none.measured.any()


def test_sigma_is_smaller_with_eyes_that_are_larger():
    sigmas = []
    for z in (0.5, 0.8, 1.2):
        pose, landmarks_m, looks = scene(direction(0, 0), (0, 0, z))
        sigmas.append(gaze_of(looks, pose, LOOSE, landmarks_m, CAMERA).sigma_rad)
    assert sigmas == sorted(sigmas)
    assert sigmas[0] < sigmas[2]


# --- of pictures -----------------------------------------------------------------


@pytest.fixture(scope='module')
def face(portrait):
    (found,) = Pipeline().detect(portrait)
    return found


def test_the_portrait_s_eyes_are_seen(face):
    looks = face.eyes.landmarks
    corners = face.landmarks_px[[[36, 39], [42, 45]], :2]
    for side in range(2):
        low, high = corners[side].min(axis=0), corners[side].max(axis=0)
        x, y = looks.iris_px[side]
        assert low[0] < x < high[0]
        assert abs(y - corners[side][:, 1].mean()) < 0.3 * (high[0] - low[0])
    assert (face.eye_openness > 0.6).all()
    assert face.eyes.measured.all()
    # the astronaut looks past the camera, above and to the image's right of where her chest is
    assert angle_deg(face.gaze, face.pose.rotation[:, 0]) < 20
    assert 0 < face.gaze_sigma_rad < math.radians(20)


def test_the_mirrored_portrait_has_the_mirrored_gaze(portrait, face):
    (other,) = Pipeline().detect(np.ascontiguousarray(portrait[:, ::-1]))
    assert angle_deg(other.gaze * [-1, 1, 1], face.gaze) < 2
    np.testing.assert_allclose(other.eye_openness[::-1], face.eye_openness, atol=0.25)
    width = portrait.shape[1] - 1
    mirrored_px = other.eyes.landmarks.iris_px[::-1] * [-1, 1] + [width, 0]
    np.testing.assert_allclose(mirrored_px, face.eyes.landmarks.iris_px, atol=1.0)


def test_eyes_outside_the_image_are_unknown(portrait, face):
    network = EyeNetwork()
    # cut between the eyes: the person's right one, image-left, is in the picture
    middle = int(face.landmarks_px[27, 0])
    looks = network(np.ascontiguousarray(portrait[:, :middle]), face.landmarks_px)
    assert np.isfinite(looks.openness).tolist() == [True, False]
    assert np.isnan(looks.iris_px[1]).all()


def test_eye_crops_turn_with_the_eyes():
    landmarks = np.zeros((68, 3))
    landmarks[[36, 39, 42, 45], :2] = [[100, 100], [120, 120], [150, 150], [160, 160]]
    right, left = eye_regions(landmarks)
    assert right.roll_rad == left.roll_rad == pytest.approx(math.pi / 4)
    assert right.centre.tolist() == [110, 110]
    assert right.side_px == pytest.approx(2.3 * 20 * 2**0.5)


def test_without_use_eyes_no_network_is_loaded(portrait, monkeypatch):
    def load(**_):
        raise AssertionError('it was loaded')

    monkeypatch.setattr(reader_module, 'EyeNetwork', load)
    pipeline = Pipeline(PipelineConfig(use_eyes='never'))
    (face,) = pipeline.detect(portrait)
    assert face.eyes is None
    np.testing.assert_array_equal(face.gaze, face.pose.rotation[:, 0])
    assert face.gaze_sigma_rad == head_sigma_rad(face.pose, face.pose_covariance)
    assert np.isnan(face.eye_openness).all()
    # an image without a face needs none either
    pipeline.configure(PipelineConfig(use_eyes='always'))
    assert not len(pipeline.detect(np.zeros((240, 320, 3), np.uint8)))
    with pytest.raises(AssertionError, match='it was loaded'):
        pipeline.detect(portrait)


def test_a_stream_is_spared_the_eyes_that_nobody_wants(portrait, monkeypatch):
    looked = []

    class Counted(EyeNetwork):
        def __call__(self, image, landmarks_px, heads=None):
            looked.append(1)
            return super().__call__(image, landmarks_px, heads)

    monkeypatch.setattr(reader_module, 'EyeNetwork', Counted)

    def looks(use_eyes, wanted):
        looked.clear()
        pipeline = Pipeline(PipelineConfig(use_eyes=use_eyes))
        pipeline.eyes_wanted = wanted
        for image in range(3):
            (face,) = pipeline.track(portrait, image / 30)
        assert (face.eyes is not None) == bool(looked)
        return len(looked)

    assert [looks('auto', True), looks('auto', False)] == [3, 0]
    assert [looks('always', False), looks('never', True)] == [3, 0]
    # a photo is looked at whole
    pipeline = Pipeline()
    pipeline.eyes_wanted = False
    assert pipeline.detect(portrait)[0].eyes is not None


def test_a_foreign_file_is_refused():
    with pytest.raises(ModelFileError, match='is not a network of eyes'):
        EyeNetwork(model_file('face_landmark.tflite'))


@pytest.mark.parametrize('aside', [-0.3, 0.3])
def test_moved_irises_turn_both_eyes(portrait, face, aside):
    marker = IrisMarker(model_file('iris_landmark.tflite'), looks=1)
    gaze = np.array([aside, 0.0])
    random = np.random.default_rng(0)
    shown = looking_elsewhere(portrait, face.landmarks_px, gaze, marker, random)
    network = EyeNetwork()
    before, after = (network(image, face.landmarks_px) for image in (portrait, shown))
    np.testing.assert_allclose(after.turns[:, 0] - before.turns[:, 0], aside, atol=0.12)


def test_what_a_turned_head_changes_is_mirrored_with_it(portrait, face):
    network = EyeNetwork()
    heads = np.array([[0.3, 0.1], [0.25, 0.12]])
    mirror = np.arange(68)
    mirror[[36, 39, 42, 45]] = [45, 42, 39, 36]
    mirrored_px = face.landmarks_px[mirror] * [-1, 1, 1] + [portrait.shape[1] - 1, 0, 0]
    mirrored = np.ascontiguousarray(portrait[:, ::-1])

    def change(image, landmarks_px, heads):
        return network(image, landmarks_px, heads).turns - network(image, landmarks_px).turns

    there = change(mirrored, mirrored_px, heads[::-1] * [-1, 1])
    here = change(portrait, face.landmarks_px, heads)
    assert np.abs(here).max() > 0.02
    np.testing.assert_allclose(there[::-1] * [-1, 1], here, atol=0.02)


def test_tables_of_eyes(face, portrait):
    faces = Pipeline().detect(portrait)
    assert faces.gazes.shape == (1, 3)
    np.testing.assert_array_equal(faces.gazes[0], face.gaze)
    assert faces.gaze_sigmas_rad.tolist() == [face.gaze_sigma_rad]
    np.testing.assert_array_equal(faces.eye_openness[0], face.eye_openness)
    nobody = Pipeline().detect(np.zeros((240, 320, 3), np.uint8))
    assert nobody.gazes.shape == (0, 3)
    assert nobody.eye_openness.shape == (0, 2)


# --- over time -------------------------------------------------------------------

HEAD, AT_CAMERA = FRONTAL, np.array([0.0, 0.0, -1.0])


def test_a_still_gaze_with_noise_is_steady():
    smooth = GazeSmoothers(smooth=True, learn_offset=False)
    random = np.random.default_rng(5)
    raw, found = [], []
    for image in range(120):
        noisy = direction(*(10 + random.normal(0, 2.0), random.normal(0, 2.0)))
        raw.append(noisy)
        found.append(smooth('f1', noisy, image / 30, True, HEAD, AT_CAMERA))
    late = np.array(found[60:])
    jitter_deg = np.degrees(late.std(axis=0)[:2]).max()
    assert np.degrees(np.array(raw[60:]).std(axis=0)[:2]).max() > 1.5
    assert jitter_deg < 1.0
    np.testing.assert_allclose(np.linalg.norm(late, axis=1), 1)


def test_a_saccade_is_followed_at_once_and_others_are_not_moved():
    smooth = GazeSmoothers(smooth=True, learn_offset=False)
    for image in range(30):
        smooth('f1', direction(0, 0), image / 30, True, HEAD, AT_CAMERA)
        smooth('f2', direction(-20, 0), image / 30, True, HEAD, AT_CAMERA)
    for image in range(30, 36):
        after = smooth('f1', direction(25, 0), image / 30, True, HEAD, AT_CAMERA)
        other = smooth('f2', direction(-20, 0), image / 30, True, HEAD, AT_CAMERA)
    assert angle_deg(after, direction(25, 0)) < 6
    assert angle_deg(other, direction(-20, 0)) < 0.1
    # after a gap it begins anew
    again = smooth('f1', direction(-30, 0), 3.0, True, HEAD, AT_CAMERA)
    assert angle_deg(again, direction(-30, 0)) < 1e-6


@pytest.mark.parametrize(('learn', 'expected_deg'), [(True, 0.5), (False, 3.0)])
def test_a_person_s_own_offset_is_learnt_at_the_camera_only(learn, expected_deg):
    smooth = GazeSmoothers(smooth=False, learn_offset=learn)
    image = 0
    for _ in range(3000):
        image += 1
        found = smooth('f1', direction(3, 0), image / 30, True, HEAD, AT_CAMERA)
    assert angle_deg(found, AT_CAMERA) == pytest.approx(expected_deg, abs=0.5)
    learnt = smooth.offset('f1').copy()
    for _ in range(600):
        image += 1
        smooth('f1', direction(20, 0), image / 30, True, HEAD, AT_CAMERA)
    np.testing.assert_array_equal(smooth.offset('f1'), learnt)
    assert np.degrees(np.linalg.norm(smooth.offset('f1'))) <= 5
    # the head's direction has none
    head = smooth('f1', direction(0, 0), image / 30, False, HEAD, AT_CAMERA)
    assert angle_deg(head, AT_CAMERA) < 1e-6
    smooth.keep([])
    assert not smooth.offset('f1').any()
