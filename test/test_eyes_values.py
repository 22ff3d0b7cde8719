# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Eyes: thresholds, constants and mirrors, by values written out."""

import math
from dataclasses import replace

import numpy as np
import pytest
from reference_eyes import gains
from test_eyes import (
    AT_CAMERA,
    CAMERA,
    DRAWN,
    FRONTAL,
    HEAD,
    LOOSE,
    TIGHT,
    angle_deg,
    direction,
    scene,
)

from face_recon_ros import Camera, face_reader
from face_recon_ros.eyes import reader as reader_module
from face_recon_ros.eyes.blinks import BlinkCounter
from face_recon_ros.eyes.crops import is_inside
from face_recon_ros.eyes.gaze import OF_TWO_AXES, GazeConstants, gaze_of
from face_recon_ros.eyes.iris import EyeNetwork
from face_recon_ros.eyes.smoothing import GazeSmoothers
from face_recon_ros.face_reader import FaceReader, Wanted
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.region import Region
from face_recon_ros.rotations import rotation_about


@pytest.fixture(scope='module')
def face(portrait):
    (found,) = Pipeline().detect(portrait)
    return found


# --- where they are looked for -----------------------------------------------------


@pytest.mark.parametrize(('side_px', 'x', 'y', 'inside'), [
    (0.0, 0, 0, True), (0.0, 99, 79, True), (0.0, -0.1, 0, False), (0.0, 99.1, 0, False),
    (0.0, 50, -0.1, False), (0.0, 50, 79.1, False),
    # 23 px are an eye of 10: its corners are in the image, too
    (23.0, 5.1, 0, True), (23.0, 4.9, 40, False), (23.0, 93.9, 79, True), (23.0, 94.1, 40, False),
])
def test_an_eye_is_inside_with_both_corners(side_px, x, y, inside):
    region = Region(np.array([x, y], float), side_px, 0.0)
    assert is_inside(region, np.zeros((80, 100, 3), np.uint8)) is inside
    # the same of a face that lies on its side
    lying = Region(np.array([y, x], float), side_px, np.pi / 2)
    assert is_inside(lying, np.zeros((100, 80, 3), np.uint8)) is inside


def test_iris_and_corners_have_the_sizes_of_a_face(portrait, face):
    """An iris has 11.7 mm, and the corners of an eye are two to three times as far apart."""
    looks = EyeNetwork()(portrait, face.landmarks_px)
    corners = face.landmarks_px[[[36, 39], [42, 45]], :2]
    np.testing.assert_allclose(
        looks.width_px, np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1), rtol=0.25)
    assert (looks.radius_px / looks.width_px == pytest.approx(0.21, abs=0.06))


# Who mirrors an image has its landmarks in this order
MIRROR_68 = np.arange(68)
MIRROR_68[[36, 39, 42, 45]] = [45, 42, 39, 36]


def test_of_a_mirrored_image_all_is_mirrored(portrait, face):
    network = EyeNetwork()
    width = portrait.shape[1]
    mirrored = np.ascontiguousarray(portrait[:, ::-1])
    pixels = face.landmarks_px[:, :2]
    mirrored_pixels = (pixels * [-1, 1] + [width - 1, 0])[MIRROR_68]

    one, other = network(portrait, pixels), network(mirrored, mirrored_pixels)
    back = other.iris_px[::-1] * [-1, 1] + [width - 1, 0]
    np.testing.assert_allclose(back, one.iris_px, atol=0.02)
    lids = other.lids_px[::-1] * [-1, 1] + [width - 1, 0]
    np.testing.assert_allclose(lids, one.lids_px, atol=0.02)


# --- which constants ---------------------------------------------------------------


def test_photos_and_streams_are_looked_at_alike(portrait, face):
    """Where pose and landmarks are the same, so are eyes and gaze."""
    reader = reader_module.EyeReader(threads=1, smooth=True, learn_offset=False)
    camera = Camera.uncalibrated(portrait.shape[1], portrait.shape[0])
    given = (portrait, 'f1', face.pose, face.pose_covariance, face.landmarks_px,
             face.landmarks_m, camera, face.head_scale)
    photo, stream = reader(*given, None), reader(*given, 0.0)
    np.testing.assert_array_equal(photo.landmarks.iris_px, stream.landmarks.iris_px)
    np.testing.assert_allclose(photo.gaze, stream.gaze, atol=1e-9)
    assert photo.sigma_rad == pytest.approx(stream.sigma_rad, abs=1e-9)


def test_a_turn_of_both_eyes_is_so_much_of_a_gaze():
    pose, landmarks_m, looks = scene(direction(0, 0))
    turned = replace(looks, turns=looks.turns + np.array([0.1, 0]))
    x = [gaze_of(seen, pose, TIGHT, landmarks_m, CAMERA, constants=DRAWN).direction[0]
         for seen in (looks, turned)]
    assert x[1] - x[0] == pytest.approx(0.1, abs=0.001)


@pytest.mark.parametrize(('width_px', 'aside', 'up'), [
    (10, 17, 25.5), (20, 2, 3), (40, 1.0625, 1.59375), (200, 1.0001, 1.50015),
])
def test_small_eyes_are_seen_to_turn_less(width_px, aside, up):
    known = GazeConstants(half_width_px=20, vertical_gain=1.5)
    assert gains(known, width_px) == pytest.approx([aside, up])


def test_the_same_turn_is_a_larger_gaze_of_a_smaller_eye():
    """Of the width at which it is seen to turn by half."""
    pose, landmarks_m, looks = scene(direction(12, 0))
    width_px = float(looks.width_px.mean())
    assert width_px == pytest.approx(21.07, abs=0.01)
    known = replace(DRAWN, half_width_px=width_px)
    sines = [gaze_of(looks, pose, TIGHT, landmarks_m, CAMERA, constants=k).direction[0]
             for k in (replace(known, half_width_px=0), known)]
    assert sines[1] == pytest.approx(2 * sines[0], rel=1e-3)


@pytest.mark.parametrize('roll_deg', [0, 35, -60])
def test_vertical_is_across_the_eyes_of_a_head_of_any_roll(roll_deg):
    roll = rotation_about('z', math.radians(roll_deg))
    found = []
    for gain in (1.0, 2.0):
        pose, landmarks_m, looks = scene(roll @ direction(10, -10), rotation=roll @ FRONTAL)
        known = replace(DRAWN, vertical_gain=gain)
        seen = gaze_of(looks, pose, TIGHT, landmarks_m, CAMERA, constants=known).direction
        found.append(roll.T @ seen)
    # aside as before, up twice; what is left is that each eye has its own viewing ray
    assert found[1][0] == pytest.approx(found[0][0], abs=0.01)
    assert found[1][1] == pytest.approx(found[0][1] * 2, abs=0.01)
    assert found[0][1] == pytest.approx(-math.sin(math.radians(10)), abs=0.02)


def test_eyes_at_rest_look_below_the_head_s_axis():
    """Where eyes say nothing the gaze is the head's, lower by the angle of eyes at rest."""
    blind = replace(DRAWN, eye_sigma=1e4, spread_rad=0.1, tilt_rad=math.radians(5))
    for roll_deg in (0, 50, -50):
        roll = rotation_about('z', math.radians(roll_deg))
        pose, landmarks_m, looks = scene(direction(25, 0), rotation=roll @ FRONTAL)
        found = gaze_of(looks, pose, TIGHT, landmarks_m, CAMERA, constants=blind)
        assert found.measured.all()
        assert angle_deg(found.direction, roll @ direction(0, 5)) < 0.1


def test_the_larger_the_eyes_the_less_the_head_decides():
    """Eyes of a head that turned aside look into the lens."""
    rotation = rotation_about('y', math.radians(15)) @ FRONTAL
    off = []
    for z in (0.4, 0.7, 1.1):
        pose, landmarks_m, looks = scene(direction(0, 0), (0.0, 0.0, z), rotation)
        known = replace(DRAWN, noise_width_px=8.0, spread_rad=math.radians(7))
        found = gaze_of(looks, pose, LOOSE, landmarks_m, CAMERA, constants=known)
        off.append(angle_deg(found.direction, AT_CAMERA))
    assert off == sorted(off)
    assert off[0] < 2
    assert 3 < off[2] < 15


def test_the_noise_of_an_eye_falls_with_the_square_of_its_width():
    pose, landmarks_m, looks = scene(direction(0, 0))
    known = replace(DRAWN, eye_sigma=1e-4, noise_width_px=8.0, spread_rad=100.0)
    sigmas = [
        gaze_of(replace(looks, width_px=np.full(2, width_px)), pose, TIGHT, landmarks_m, CAMERA,
                constants=known).sigma_rad
        for width_px in (20.0, 40.0)
    ]  # fmt: skip
    assert sigmas[0] / sigmas[1] == pytest.approx(4, rel=0.02)
    # of two eyes of one variance, by two axes
    assert sigmas[1] == pytest.approx(OF_TWO_AXES * (8 / 40) ** 2 / math.sqrt(2), rel=0.1)


def test_an_eye_is_worth_no_more_for_being_wide():
    """From 23.5 mm on; of a narrower one it is less sure by its part of that."""
    sigmas = []
    for width_m in (0.024, 0.03, 0.012):
        pose, landmarks_m, looks = scene(direction(0, 0), (0.0, 0.0, 0.5), width_m=width_m)
        looks = replace(looks, openness=np.ones(2))
        sigmas.append(gaze_of(looks, pose, TIGHT * 1e-6, landmarks_m, CAMERA,
                              constants=DRAWN).sigma_rad)
    assert sigmas[1] == pytest.approx(sigmas[0], rel=1e-3)
    assert sigmas[2] == pytest.approx(23.5 / 12 * sigmas[0], rel=1e-2)


# --- over time ---------------------------------------------------------------------


@pytest.mark.parametrize(('closed_s', 'blink'), [(0.25, True), (0.5, True), (0.53125, False)])
def test_a_blink_takes_half_a_second_at_most(closed_s, blink):
    counter = BlinkCounter()
    counter.update(1.0, np.zeros(2))
    assert counter.update(1.0 + closed_s, np.ones(2)) is blink


@pytest.mark.parametrize(('watched_s', 'rate'), [(4.75, math.nan), (5.0, 12.0), (10.0, 6.0)])
def test_a_rate_is_told_from_five_seconds_on(watched_s, rate):
    counter = BlinkCounter()
    for stamp_s, openness in ((1.0, 1.0), (2.0, 0.0), (2.25, 1.0), (1.0 + watched_s, 1.0)):
        counter.update(stamp_s, np.full(2, openness))
    assert counter.per_minute() == pytest.approx(rate, nan_ok=True)


def test_what_was_learnt_stays_while_it_is_wanted():
    smooth = GazeSmoothers(smooth=False, learn_offset=True)
    for image in range(300):
        smooth('f1', direction(3, 0), image / 30, True, HEAD, AT_CAMERA)
    learnt = smooth.offset('f1').copy()
    assert np.linalg.norm(learnt) > 0.01
    smooth.configure(smooth=True, learn_offset=True)
    np.testing.assert_array_equal(smooth.offset('f1'), learnt)
    smooth.configure(smooth=True, learn_offset=False)
    np.testing.assert_array_equal(smooth.offset('f1'), np.zeros(3))


# --- who reads ---------------------------------------------------------------------


def test_expressions_are_loaded_when_they_are_wanted_and_once(monkeypatch):
    loaded = []
    monkeypatch.setattr(face_reader, 'ExpressionReader', lambda *_: loaded.append(1) or object())
    pipeline = Pipeline()
    assert loaded == []
    for _ in range(2):
        pipeline.configure(PipelineConfig(expressions=True))
        assert loaded == [1]


@pytest.mark.parametrize(('score', 'seen'), [(0.0, False), (0.001, True), (1.0, True)])
def test_a_face_that_is_only_remembered_is_not_read(portrait, face, score, seen):
    told = []

    class Expressions:
        def __call__(self, image, face_id, found, stamp_s, smooth):
            told.append(face_id)
            return self

        def of_face(self):
            return {}

    reader = FaceReader(Pipeline().model, 1)
    reader._expressions = Expressions()
    remembered = replace(face, score=score, eyes=None)
    reader(portrait, remembered, face.parameters, CAMERA, 0.0, Wanted(False, True, True, False))
    assert told == [face.id] * seen
