# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Expressions by name: the units, what they are read from, rest, speech, action units."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from face_recon_ros import Pipeline, PipelineConfig
from face_recon_ros.errors import ArgumentError, ModelFileError
from face_recon_ros.expression import action_units as facs
from face_recon_ros.expression import units
from face_recon_ros.expression.crop import expression_crop, expression_region, normalised
from face_recon_ros.expression.looks import with_gaze, with_openness
from face_recon_ros.expression.network import ExpressionNetwork, Reading
from face_recon_ros.expression.neutral import Neutral
from face_recon_ros.expression.reader import ExpressionReader
from face_recon_ros.expression.rules import named_expression
from face_recon_ros.expression.sight import parts_in_sight
from face_recon_ros.expression.smile import SmileMeasure, with_smile
from face_recon_ros.expression.speaking import SpeakingDetector
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.paths import model_file
from face_recon_ros.regression.mirror_looks import MirrorLooks
from face_recon_ros.regression.region import Region
from face_recon_ros.rendering.bars import draw_bars, panels_of, place_of, rows_of
from face_recon_ros.rotations import EulerAngles, rotation_about

LEVEL = EulerAngles(0.0, 0.0, 0.0)


@pytest.fixture(scope='module')
def expressive():
    return Pipeline(PipelineConfig(expressions=True))


@pytest.fixture(scope='module')
def face(expressive, portrait):
    (found,) = expressive.detect(portrait)
    return found


def weights(**named):
    values = np.zeros(52)
    for name, value in named.items():
        values[units.NAMES.index(name)] = value
    return values


# --- the units -------------------------------------------------------------------


def test_places_of_some_units():
    assert len(units.NAMES) == len(set(units.NAMES)) == 52
    places = {'eyeBlinkLeft': 0, 'eyeBlinkRight': 7, 'jawForward': 14, 'jawOpen': 17,
              'mouthSmileLeft': 23, 'mouthUpperUpRight': 40, 'browInnerUp': 43, 'cheekPuff': 46,
              'tongueOut': 51}  # fmt: skip
    assert {name: units.NAMES.index(name) for name in places} == places


def test_the_mirror_of_a_unit_is_on_the_other_side():
    values = weights(eyeBlinkLeft=0.3, jawRight=0.2, browInnerUp=0.9)
    expected = weights(eyeBlinkRight=0.3, jawLeft=0.2, browInnerUp=0.9)
    np.testing.assert_array_equal(values[units.MIRROR], expected)


# --- the crop --------------------------------------------------------------------


def placed(yaw_deg=0.0, roll_deg=0.0, scale=900.0, expression=()):
    """Return the parameters of the average face, turned, at (200, 150) px."""
    rotation = rotation_about('z', math.radians(roll_deg)) @ rotation_about(
        'y', math.radians(yaw_deg))
    shown = np.zeros(10)
    shown[: len(expression)] = expression
    return FaceParameters(
        camera_matrix(scale, rotation, np.array([200.0, 150.0, 0.0])), np.zeros(40), shown)


def test_the_crop_follows_pose_and_size_and_not_the_expression():
    level = expression_region(placed())
    assert level.side_px == pytest.approx(900 * 0.16)
    # 55 mm below the eyes
    np.testing.assert_allclose(level.centre, [200, 150 + 900 * 0.055])
    assert level.roll_rad == pytest.approx(0.0)
    shown = expression_region(placed(expression=(3.0, -2.0)))
    np.testing.assert_array_equal(shown.centre, level.centre)
    assert shown.side_px == level.side_px
    assert expression_region(placed(scale=450.0)).side_px == pytest.approx(level.side_px / 2)
    # counter-clockwise with y up is anticlockwise in the image, too: clockwise is positive
    assert expression_region(placed(roll_deg=20)).roll_rad == pytest.approx(math.radians(-20))


def test_brightness_and_contrast_are_taken_out(portrait, face):
    grey = expression_crop(portrait, face.parameters)
    assert (grey.shape, grey.dtype) == ((128, 128), np.uint8)
    crop = normalised(grey)
    assert crop.dtype == np.float32
    assert crop.mean() == pytest.approx(0.45, abs=1e-3)
    assert crop.std() == pytest.approx(0.22, abs=0.02)
    darker = cv2.convertScaleAbs(portrait, alpha=0.5, beta=20)
    np.testing.assert_allclose(
        normalised(expression_crop(darker, face.parameters)), crop, atol=0.05)
    flat = normalised(np.full((128, 128), 128, np.uint8))
    np.testing.assert_allclose(flat, 0.45)
    both = normalised(np.stack([grey, 255 - grey]))
    np.testing.assert_allclose(both[0], crop, atol=1e-6)


# --- the file --------------------------------------------------------------------


def with_file(monkeypatch, path):
    monkeypatch.setattr('face_recon_ros.expression.network.model_file', lambda _: path)


def test_a_network_of_another_kind(monkeypatch, model):
    with_file(monkeypatch, model_file('eyes.tflite'))
    with pytest.raises(ModelFileError) as raised:
        ExpressionNetwork(model)
    assert 'of another kind' in str(raised.value)
    assert '\n' not in str(raised.value)


def test_a_file_that_is_missing_or_damaged(tmp_path, monkeypatch, model):
    (tmp_path / 'damaged.tflite').write_bytes(b'\0\0\0\0no network')
    for name in ('missing.tflite', 'damaged.tflite'):
        with_file(monkeypatch, tmp_path / name)
        with pytest.raises(ModelFileError, match=name):
            ExpressionNetwork(model)


def test_the_tongue_is_zero_with_no_confidence(face):
    tongue = units.NAMES.index('tongueOut')
    assert (face.blendshapes[tongue], face.blendshape_confidence[tongue]) == (0, 0)
    assert np.count_nonzero(face.blendshape_confidence) > 30


# --- smiles ----------------------------------------------------------------------


def test_a_smile_is_measured_by_the_mouth(model):
    measure = SmileMeasure(model.landmarks_468)
    points = model.landmarks_468.mean * [1.0, -1.0, 1.0] * 900 + 400
    assert measure(points) == pytest.approx(0, abs=1e-6)
    turned = points.copy()
    turned[:, :2] = points[:, :2] @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    assert measure(turned) == pytest.approx(0, abs=1e-6)
    smiling = points.copy()
    smiling[[61, 291], 0] += [-7.0, 7.0]
    smiling[[61, 291], 1] -= 4.0
    assert 0.3 < measure(smiling) < 1.2
    frowning = points.copy()
    frowning[[61, 291], 1] += 4.0
    assert measure(frowning) < -0.1


def test_a_smile_in_full_is_that_of_the_units_on_the_mean_face(model):
    rest = model.vertices(blendshapes={})
    smiling = model.vertices(blendshapes={'mouthSmileLeft': 1.0, 'mouthSmileRight': 1.0})
    points = model.landmarks_468.mean.copy()
    for index in (33, 263, 61, 291, 0, 13, 14, 17):
        nearest = ((rest - points[index]) ** 2).sum(axis=1).argmin()
        points[index] += smiling[nearest] - rest[nearest]
    measure = SmileMeasure(model.landmarks_468)
    assert measure(points * [1.0, -1.0, 1.0]) == pytest.approx(1, abs=1e-4)


def test_a_found_shape_smiles_as_its_landmarks_from_the_front_do(model):
    measure = SmileMeasure(model.landmarks_468)
    shown = np.zeros(10)
    shown[:4] = 1.5, -1.0, 0.8, 1.2
    level, turned = placed(expression=shown), placed(yaw_deg=35, roll_deg=20, expression=shown)
    expected = measure(model.landmarks_468.points_px(level))
    assert abs(expected) > 0.05
    assert measure.of_shape(level) == pytest.approx(expected)
    assert measure.of_shape(turned) == pytest.approx(expected)


def test_two_readings_of_a_smile_have_equal_weight_and_sides_stay_apart():
    left, right = units.INDEX['mouthSmileLeft'], units.INDEX['mouthSmileRight']
    before = np.full(52, 0.25)
    before[[left, right]] = 0.9, 0.5
    after = with_smile(before, 0.1)
    assert after[[left, right]].tolist() == pytest.approx([0.6, 0.2])
    assert before[left] == 0.9
    others = np.delete(np.arange(52), [left, right])
    np.testing.assert_array_equal(after[others], 0.25)


def test_the_shape_counts_for_the_smile_alone(portrait, face, model):
    network, found = ExpressionNetwork(model), face.parameters
    still = replace(found, shape=np.zeros(40), expression=np.zeros(10))
    as_found, as_mean = network(portrait, found).values, network(portrait, still).values
    smiles = [units.INDEX['mouthSmileLeft'], units.INDEX['mouthSmileRight']]
    moved = (as_found - as_mean)[smiles]
    assert moved == pytest.approx(
        np.full(2, SmileMeasure(model.landmarks_468).of_shape(found) / 2), abs=1e-6)
    np.testing.assert_array_equal(np.delete(as_found, smiles), np.delete(as_mean, smiles))


# --- in the pipeline -------------------------------------------------------------


def test_who_does_not_ask_does_not_pay(portrait, monkeypatch):
    pipeline = Pipeline()
    monkeypatch.setattr(ExpressionReader, 'still', lambda *_: 1 / 0)
    monkeypatch.setattr(ExpressionReader, 'follow', lambda *_: 1 / 0)
    (found,) = pipeline.detect(portrait)
    assert np.isnan(found.blendshapes).all()
    assert found.blendshapes.shape == (52,)
    assert not found.blendshape_confidence.any()
    assert math.isnan(found.speaking)


def test_the_portrait_smiles_with_open_eyes(face):
    values = dict(zip(units.NAMES, face.blendshapes, strict=True))
    assert min(values['mouthSmileLeft'], values['mouthSmileRight']) > 0.4
    assert max(values['eyeBlinkLeft'], values['eyeBlinkRight']) < 0.3
    assert values['jawOpen'] < 0.3
    assert max(values['mouthFrownLeft'], values['mouthPucker'], values['mouthFunnel']) < 0.2


def test_what_is_read_in_the_mirror_is_that_of_the_other_side(portrait, face, model):
    network, width = ExpressionNetwork(model), portrait.shape[1]
    level = placed(scale=face.parameters.scale_px_per_m)
    centre = face.parameters.project(np.zeros((1, 3)))[0]

    def at(x, y):
        return FaceParameters(camera_matrix(
            level.scale_px_per_m, np.eye(3), np.array([x, y, 0.0])), np.zeros(40), np.zeros(10))

    one = network(portrait, at(*centre[:2]), in_mirror=True)
    other = network(np.ascontiguousarray(portrait[:, ::-1]),
                    at(width - 1 - centre[0], centre[1]), in_mirror=True)
    np.testing.assert_allclose(other.values[units.MIRROR], one.values, atol=0.02)
    np.testing.assert_allclose(other.known[units.MIRROR], one.known, atol=0.02)


@pytest.mark.parametrize('count', [1, 2, 25])
def test_streams_are_read_in_the_mirror_by_turns(portrait, face, model, count):
    network, found, looks = ExpressionNetwork(model), face.parameters, MirrorLooks(30)
    both, one = network(portrait, found, in_mirror=True), network(portrait, found)
    assert np.abs(both.values - one.values).max() > 0.05
    runs, run = [], network._look
    network._look = lambda *a, **b: runs.append(1) or run(*a, **b)
    for index in range(count):
        seen = network.follow(portrait, found, looks, index / 30)
        np.testing.assert_allclose(seen.values, both.values, atol=0.01)
        np.testing.assert_allclose(seen.known, both.known, atol=0.01)
    # the first image is read both ways, each other one once
    assert len(runs) == count + 1


def test_what_changes_on_both_sides_is_no_error_to_one_side(portrait, face, model):
    """Somebody who blinks with every fifth image, or speaks."""
    network, found, looks = ExpressionNetwork(model), face.parameters, MirrorLooks(30)
    rng, look = np.random.default_rng(1), network._look
    blinks = [units.INDEX['eyeBlinkLeft'], units.INDEX['eyeBlinkRight']]
    jaw = units.INDEX['jawOpen']
    shown = np.zeros(104)

    def changed(crop, in_mirror=False):
        seen = look(crop, in_mirror)
        return replace(seen, values=seen.values + shown)

    network._look = changed
    for index in range(120):
        shown[blinks] = 0.7 * (index % 30 in (5, 6, 7))
        shown[jaw] = 0.3 * rng.random()
        seen = network.follow(portrait, found, looks, index / 30)
        both = network(portrait, found, in_mirror=True)
        np.testing.assert_allclose(seen.values, both.values, atol=0.1 if index < 30 else 0.06)


def test_the_portrait_in_the_mirror(expressive, face, portrait):
    (other,) = expressive.detect(np.ascontiguousarray(portrait[:, ::-1]))
    np.testing.assert_allclose(
        other.blendshapes[units.MIRROR], face.blendshapes, atol=0.15)


def test_tables_have_a_row_for_every_face(expressive, portrait):
    faces = expressive.detect(portrait)
    assert faces.blendshapes.shape == (1, 52)
    assert faces.speaking.shape == (1,)
    nobody = expressive.detect(np.zeros((200, 200, 3), np.uint8))
    assert nobody.blendshapes.shape == (0, 52)


def test_a_stream_gives_what_a_photo_gives_and_can_be_switched(portrait):
    settings = {'smoothing': None, 'use_eyes': 'never'}
    pipeline = Pipeline(PipelineConfig(expressions=True, **settings))
    (still,) = pipeline.detect(portrait)
    for k in range(40):
        faces = pipeline.track(portrait, k / 30)
    read_well = still.blendshape_confidence > 0.2
    assert read_well.sum() > 12
    np.testing.assert_allclose(
        faces[0].blendshapes[read_well], still.blendshapes[read_well], atol=0.25)  # another crop
    assert faces[0].speaking == 0  # a picture is silent
    pipeline.configure(PipelineConfig(**settings))
    assert np.isnan(pipeline.track(portrait, 2.0)[0].blendshapes).all()
    pipeline.configure(PipelineConfig(expressions=True, **settings))
    assert np.isfinite(pipeline.track(portrait, 2.03)[0].blendshapes).all()


def test_a_face_that_looks_away_is_not_known(portrait, model):
    reader = ExpressionReader(model)
    known = reader.still(portrait, placed(yaw_deg=-55))
    assert np.isfinite(known.blendshapes).all()
    for yaw_deg in (-80, 80, 179):
        found = reader.still(portrait, placed(yaw_deg=yaw_deg))
        assert np.isnan(found.blendshapes).all()
        assert not found.confidence.any()
        followed = reader.follow(portrait, 'f1', placed(yaw_deg=yaw_deg), 1.0)
        assert np.isnan(followed.blendshapes).all()


@pytest.mark.parametrize(('shown', 'unit', 'part'), [
    # of a crop of 100 px in the middle of an image of 200, and less
    ((200, 200), 'mouthSmileLeft', 1.0), ((200, 200), 'browInnerUp', 1.0),
    # the image ends below at 0.6 of the crop
    ((110, 200), 'mouthSmileLeft', 0.31), ((110, 200), 'browInnerUp', 1.0),
    ((110, 200), 'noseSneerRight', 1.0), ((110, 200), 'jawOpen', 0.31),
    # and at its right, where the person's left is, at 0.3
    ((200, 80), 'mouthSmileLeft', 0.0), ((200, 80), 'mouthSmileRight', 0.5),
    ((200, 80), 'jawOpen', 0.25), ((200, 80), 'eyeBlinkRight', 0.5),
])  # fmt: skip
def test_units_are_in_sight_where_their_part_of_the_face_is(shown, unit, part):
    image = np.zeros((*shown, 3), np.uint8)
    region = Region(np.array([99.5, 99.5]), 100.0, 0.0)
    found = parts_in_sight(region, image)[units.NAMES.index(unit)]
    assert found == pytest.approx(part, abs=0.06)
    # so it is of a face that lies on its side, whose chin is at image left
    height, width = shown
    lying = Region(np.array([height - 1 - 99.5, 99.5]), 100.0, np.pi / 2)
    found = parts_in_sight(lying, np.zeros((width, height, 3), np.uint8))
    assert found[units.NAMES.index(unit)] == pytest.approx(part, abs=0.06)


def test_what_the_image_cuts_off_is_not_known(expressive, portrait, face):
    x0, y0, x1, y1 = face.box
    smile, brow = units.NAMES.index('mouthSmileLeft'), units.NAMES.index('browInnerUp')
    known = face.blendshape_confidence
    assert known[smile] > 0.5
    for part, low, high in ((0.1, 0.2, 0.9), (0.25, 0.0, 0.2)):
        cut = np.ascontiguousarray(portrait[: round(y1 - part * (y1 - y0))])
        (found,) = expressive.detect(cut)
        left = found.blendshape_confidence
        assert low <= left[smile] / known[smile] <= high
        assert left[brow] == pytest.approx(known[brow], abs=0.05)
        assert np.isfinite(found.blendshapes).all()
    (half,) = expressive.detect(np.ascontiguousarray(portrait[:, round(x0 + 0.5 * (x1 - x0)) :]))
    assert np.isnan(half.blendshapes).all() or not half.blendshape_confidence[smile + 1]


def test_a_mouth_at_the_edge_of_the_image_does_not_speak_and_is_no_rest(portrait, model):
    reader = ExpressionReader(model)
    found = placed()
    bottom = expression_region(found).centre[1]
    side_px = expression_region(found).side_px
    for index in range(90):
        # the edge goes up and down three times a second
        end = bottom + side_px * (0.3 + 0.1 * np.sin(2 * np.pi * 3 * index / 30))
        shown = reader.follow(portrait[: round(end)], 'f1', found, index / 30)
        assert math.isnan(shown.speaking)
        assert np.isfinite(shown.blendshapes).all()
    assert not reader._people['f1'].neutral.resting.any()
    for index in range(90, 150):
        shown = reader.follow(portrait, 'f1', found, index / 30)
    assert shown.speaking == 0
    assert reader._people['f1'].neutral.resting.any()


def test_the_far_side_is_known_less(portrait, monkeypatch, model):
    monkeypatch.setattr(
        ExpressionNetwork, '__call__', lambda *_, **__: Reading(np.zeros(52), np.full(52, 0.8)))
    reader = ExpressionReader(model)

    def known(degrees, roll_deg=0.0):
        return reader.still(portrait, placed(yaw_deg=degrees, roll_deg=roll_deg)).confidence

    left = units.NAMES.index('mouthSmileLeft')
    right = units.NAMES.index('mouthSmileRight')
    # towards image right: the person's left cheek is behind the nose
    assert known(50)[left] < 0.5 * known(0)[left]
    assert known(50)[right] == pytest.approx(known(0)[right])
    assert known(-50)[right] < 0.5 * known(0)[right]
    # however the camera is mounted
    for roll_deg in (90.0, 180.0, -90.0):
        np.testing.assert_allclose(known(50, roll_deg), known(50))
    jaw = units.NAMES.index('jawOpen')
    assert known(50)[jaw] == pytest.approx(known(0)[jaw])
    # what photos with labels have not shown is believed less
    assert known(0)[units.NAMES.index('noseSneerLeft')] == pytest.approx(0.4)
    assert known(0)[jaw] == pytest.approx(0.8)


@pytest.mark.parametrize(('gaze', 'shown'), [
    ((1, 0, 0), {}),
    ((math.cos(0.26180), math.sin(0.26180), 0),  # 15 degrees to the person's left
     {'eyeLookOutLeft': 0.5, 'eyeLookInRight': 0.5}),
    ((math.cos(0.5236), -math.sin(0.5236), 0), {'eyeLookInLeft': 1.0, 'eyeLookOutRight': 1.0}),
    ((math.cos(0.21817), 0, math.sin(0.21817)), {'eyeLookUpLeft': 0.5, 'eyeLookUpRight': 0.5}),
    ((0.6, 0, -0.8), {'eyeLookDownLeft': 1.0, 'eyeLookDownRight': 1.0}),
])
def test_looks_follow_the_gaze(gaze, shown):
    values, known = with_gaze(weights(jawOpen=0.3), np.zeros(52), np.array(gaze), 0.2618)
    np.testing.assert_allclose(values, weights(jawOpen=0.3, **shown), atol=1e-4)
    assert known[units.NAMES.index('eyeLookInLeft')] == pytest.approx(0.5, abs=1e-3)
    assert np.count_nonzero(known) == 8


@pytest.mark.parametrize(('openness', 'shown'), [
    ((1.0, 1.0), {}), ((0.6, 0.7), {}), ((0.0, 1.0), {'eyeBlinkRight': 1.0}),
    ((0.9, 0.3), {'eyeBlinkLeft': 0.5}), ((math.nan, 0.0), {'eyeBlinkRight': 0.2,
                                                           'eyeBlinkLeft': 1.0}),
])  # fmt: skip
def test_blinks_follow_the_openness_of_the_eyes(openness, shown):
    before = weights(eyeBlinkRight=0.2, eyeBlinkLeft=0.2)
    found = with_openness(before, np.array(openness))
    np.testing.assert_allclose(found, weights(**shown), atol=1e-9)


# --- rest ------------------------------------------------------------------------


def test_what_a_face_shows_for_minutes_is_rest_and_a_smile_is_not():
    neutral = Neutral()
    narrow_eyes = weights(eyeBlinkLeft=0.25)
    first = neutral(narrow_eyes, 0.0)
    np.testing.assert_allclose(first, narrow_eyes)
    for k in range(1, 1200):
        shown = neutral(narrow_eyes, 0.5 * k)
    assert shown[0] < 0.01
    assert neutral(weights(eyeBlinkLeft=1.0), 601.0)[0] == pytest.approx(1.0)
    smiling = Neutral()
    for k in range(40):
        shown = smiling(weights(mouthSmileLeft=0.8), 0.5 * k)
    assert shown[23] > 0.7


def test_rest_is_bounded_and_falls_at_once():
    neutral = Neutral()
    for k in range(4000):
        shown = neutral(weights(jawOpen=1.0, mouthSmileLeft=0.9), 0.5 * k)
    assert neutral.resting.max() == pytest.approx(0.3)
    assert shown[23] == pytest.approx((0.9 - 0.3) / 0.7)
    for k in range(20):
        neutral(np.zeros(52), 2000 + 0.5 * k)
    assert neutral.resting.max() < 0.01


def test_time_that_goes_back_teaches_nothing():
    neutral = Neutral()
    for stamp_s in (10.0, 5.0, 5.0, 9.0):
        neutral(weights(jawOpen=1.0), stamp_s)
    assert not neutral.resting.any()


# --- speech ----------------------------------------------------------------------


def spoken(opening_of, seconds=3.0, rate_hz=30.0):
    detector = SpeakingDetector()
    return [detector(opening_of(k / rate_hz), k / rate_hz)
            for k in range(int(seconds * rate_hz))]


def test_lips_that_move_like_syllables_speak():
    said = spoken(lambda t: 0.004 + 0.004 * math.sin(2 * math.pi * 4 * t))
    assert np.isnan(said[:29]).all()
    assert min(said[45:]) > 0.8


@pytest.mark.parametrize('opening_of', [
    lambda _: 0.01,
    lambda t: 0.01 if t > 1.5 else 0.0,  # opens once
    lambda t: 0.0002 * math.sin(2 * math.pi * 4 * t),  # noise of landmarks
    lambda t: 0.006 * math.sin(2 * math.pi * 0.2 * t),  # a yawn
], ids=['held open', 'opened once', 'trembling', 'slow'])
def test_lips_that_do_not(opening_of):
    assert max(spoken(opening_of)[31:]) < 0.3


def test_too_slow_a_stream_says_nothing():
    assert np.isnan(spoken(lambda t: math.sin(25 * t), rate_hz=5.0)).all()


def test_doubled_images_tell_nothing_new():
    detector = SpeakingDetector()
    for k in range(60):
        opening_m = 0.004 * math.sin(25 * k / 30)
        said = detector(opening_m, k / 30)
        assert detector(opening_m + 0.001, k / 30) == pytest.approx(said, nan_ok=True)
    assert said > 0.5


@pytest.mark.parametrize('late_s', [0.0, 0.05])
def test_doubled_and_late_images_of_a_stream_do_not_stop_what_is_heard(portrait, late_s):
    pipeline = Pipeline(PipelineConfig(expressions=True, use_eyes='never'))
    for k in range(50):
        (face,) = pipeline.track(portrait, k / 30)[:1] or [None]
        if k % 10 == 9:
            (face,) = pipeline.track(portrait, k / 30 - late_s)
    assert face.speaking == 0
    # a bag that begins again
    (face,) = pipeline.track(portrait, 0.0)[:1] or [None]
    assert face is None or math.isnan(face.speaking)


def test_a_gap_begins_anew():
    detector = SpeakingDetector()
    for k in range(60):
        said = detector(0.004 * math.sin(25 * k / 30), k / 30)
    assert said > 0.5
    assert math.isnan(detector(0.0, 3.0))


# --- action units ----------------------------------------------------------------


@pytest.mark.parametrize(('shown', 'code', 'intensity'), [
    ({'browInnerUp': 0.7}, 1, 0.7),
    ({'browOuterUpLeft': 0.4, 'browOuterUpRight': 0.8}, 2, 0.6),
    ({'browDownLeft': 0.5, 'browDownRight': 0.5}, 4, 0.5),
    ({'eyeWideLeft': 1.0, 'eyeWideRight': 1.0}, 5, 1.0),
    ({'cheekSquintLeft': 0.6, 'cheekSquintRight': 0.6}, 6, 0.6),
    ({'noseSneerLeft': 0.6, 'noseSneerRight': 0.6}, 9, 0.6),
    ({'mouthSmileLeft': 0.9, 'mouthSmileRight': 0.7}, 12, 0.8),
    ({'mouthFrownLeft': 0.5, 'mouthFrownRight': 0.5}, 15, 0.5),
    ({'mouthPucker': 0.5}, 18, 0.5),
    ({'jawOpen': 0.6}, 26, 0.6),
    ({'jawOpen': 0.6, 'mouthClose': 0.2}, 25, 0.4),
    ({'jawLeft': 0.6}, 30, 0.6),
    ({'jawRight': 0.3}, 30, 0.3),
    ({'cheekPuff': 0.6}, 34, 0.6),
    ({'eyeBlinkLeft': 0.9, 'eyeBlinkRight': 0.8}, 43, 0.8),
    ({'eyeBlinkLeft': 0.9, 'eyeBlinkRight': 0.1}, 46, 0.8),
])
def test_action_units_by_their_numbers(shown, code, intensity):
    found = facs.action_units(weights(**shown), np.full(52, 0.5), math.nan, LEVEL, 0.8)
    assert found.intensity.shape == found.confidence.shape == (99,)
    assert found.intensity[code] == pytest.approx(intensity)
    assert found.confidence[code] == pytest.approx(0.4)
    assert found.confidence[50] == 0
    assert found.confidence[[0, 3, 8, 45, 73, 98]].max() == 0


@pytest.mark.parametrize(('angles', 'code'), [
    # positive yaw: towards image left, which is the person's right
    ((30.0, 0.0, 0.0), 52), ((-30.0, 0.0, 0.0), 51), ((0.0, 30.0, 0.0), 53),
    ((0.0, -30.0, 0.0), 54), ((0.0, 0.0, 30.0), 55), ((0.0, 0.0, -30.0), 56),
])
def test_turns_of_the_head(angles, code):
    found = facs.action_units(np.full(52, np.nan), np.zeros(52), 0.9, EulerAngles(*angles), 1.0)
    turned = {c for c in range(51, 57) if found.intensity[c] > 0}
    assert turned == {code}
    assert found.intensity[code] == pytest.approx(2 / 3)
    # of a face whose expression is not known nothing else is told
    assert found.confidence[:50].max() == 0
    assert (found.intensity[50], found.confidence[50]) == (1.0, pytest.approx(0.8))


@pytest.mark.parametrize(('intensities', 'name'), [
    ({}, 'neutral'),
    ({12: 0.8, 6: 0.6}, 'happy'),
    ({1: 0.7, 2: 0.6, 26: 0.6}, 'surprised'),
    ({4: 0.8, 24: 0.6}, 'angry'),
    ({1: 0.6, 15: 0.6}, 'sad'),
    ({9: 0.7}, 'disgusted'),
    ({9: 0.5, 12: 0.9}, 'happy'),
    ({26: 0.9}, 'neutral'),
])
def test_names_of_expressions(intensities, name):
    intensity = np.zeros(99)
    for code, value in intensities.items():
        intensity[code] = value
    named = named_expression(facs.ActionUnits(intensity, np.full(99, 0.9)))
    assert named.name == name
    assert 0 < named.confidence <= 0.9
    nothing = named_expression(facs.ActionUnits(intensity, np.zeros(99)))
    assert (nothing.name, nothing.confidence) == ('neutral', 0.0)


# --- the mesh --------------------------------------------------------------------


def test_the_mesh_opens_its_jaw(model):
    rest = model.vertices(blendshapes={})
    posed = model.vertices(blendshapes={'jawOpen': 1.0})
    assert rest.shape == (38400, 3)
    np.testing.assert_array_equal(rest, model.mean)
    chin = model.embed_68(posed - rest)[8]
    assert chin[1] < -0.01
    half = model.vertices(blendshapes={'jawOpen': 0.5})
    np.testing.assert_allclose(half - rest, (posed - rest) / 2, atol=1e-7)
    brows = model.embed_68(posed - rest)[17:27]
    assert np.abs(brows).max() < 1e-3


@pytest.mark.parametrize(('given', 'told'), [
    ({'blendshapes': {'jawOpen': 'wide'}}, 'blendshape jawOpen is wide; give a number'),
    ({'blendshapes': {'jawOpen': None}}, 'blendshape jawOpen is None; give a number'),
    ({'blendshapes': {'jawOpen': [0.5, 0.5]}}, 'give a number from 0 to 1'),
    ({'blendshapes': {'jawOpen': 10**400}}, 'give a number from 0 to 1'),
    ({'blendshapes': {'jawOpen': 1e39}}, 'jawOpen is 1e.39; give a number from 0 to 1'),
    ({'indices': [0], 'blendshapes': {'jawOpen': 1.0}}, 'given indices and a pose; leave out'),
    ({'indices': [0], 'shape': np.zeros(40)}, 'given indices and a pose; leave out'),
    ({'blendshapes': [('jawOpen', 1.0)]}, 'blendshapes is a list; give weights by name'),
    ({'blendshapes': np.zeros(52)}, 'blendshapes is a ndarray; give weights by name'),
    ({'blendshapes': {}, 'shape': 'round'}, r'shape is a str; give \(40,\) finite numbers'),
    ({'blendshapes': {}, 'shape': {}}, r'shape is a dict; give \(40,\) finite numbers'),
])
def test_what_poses_no_mesh_is_told(model, given, told):
    with pytest.raises(ArgumentError, match=told):
        model.vertices(**given)
    # any number will do
    for number in (1, True, np.float32(1), np.array(1.0)):
        np.testing.assert_array_equal(
            model.vertices(blendshapes={'jawOpen': number}),
            model.vertices(blendshapes={'jawOpen': 1.0}))


def test_the_mesh_closes_the_eye_of_the_side_that_is_named(model):
    def gaps(points):
        marks = model.embed_68(points)
        return [np.linalg.norm(marks[a] - marks[b]) for a, b in ((37, 41), (43, 47))]

    right, left = gaps(model.vertices(blendshapes={'eyeBlinkRight': 1.0}))
    right_open, left_open = gaps(model.mean)
    assert right < 0.6 * right_open
    assert left == pytest.approx(left_open, rel=0.02)


def test_the_mesh_of_somebody(model):
    shape = np.zeros(40)
    shape[0] = 2.0
    somebody = model.vertices(blendshapes={}, shape=shape)
    assert np.abs(somebody - model.mean).max() > 1e-3


@pytest.mark.parametrize(('arguments', 'said'), [
    ({'blendshapes': {'jawopen': 1.0}}, "'jawopen'"),
    ({'blendshapes': {'jawOpen': math.nan}}, 'jawOpen is nan'),
    ({'blendshapes': {}, 'shape': np.zeros(3)}, 'shape is (3,)'),
])
def test_a_pose_that_is_none(model, arguments, said):
    with pytest.raises(ArgumentError) as raised:
        model.vertices(**arguments)
    assert said in str(raised.value)


# --- pictures --------------------------------------------------------------------


def test_bars_are_beside_the_face_and_only_where_something_is_known(face, portrait, expressive):
    picture = draw_bars(portrait.copy(), [face])
    changed = (picture != portrait).any(axis=2)
    assert changed.any()
    x0, _, x1, _ = face.box.astype(int)
    assert changed[:, (x0 + x1) // 2].mean() < 0.05
    (unread,) = Pipeline().detect(portrait)
    np.testing.assert_array_equal(draw_bars(portrait.copy(), [unread]), portrait)
    names = [row.name for row in rows_of(face)]
    assert 'mouthSmile' in names
    assert 'tongueOut' not in names


@pytest.mark.parametrize(('box', 'size'), [
    ((20, 40, 220, 280), (640, 480)),  # room to the right
    ((400, 40, 620, 280), (640, 480)),  # to the left
    ((200, 100, 440, 380), (640, 480)),  # on both sides, for smaller rows
    ((60, 20, 260, 260), (320, 400)),  # below alone
    ((60, 180, 260, 390), (320, 400)),  # above alone
])  # fmt: skip
def test_bars_leave_the_face_free_where_there_is_room(box, size):
    panel = place_of(np.array(box, float), size, 30)
    right, bottom = panel.left + panel.width, panel.top + panel.rows * panel.row_px
    assert 0 <= panel.left < right <= size[0]
    assert 0 <= panel.top < bottom <= size[1]
    assert panel.rows >= 4
    x0, y0, x1, y1 = box
    assert right <= x0 or x1 <= panel.left or bottom <= y0 or y1 <= panel.top


def overlap(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    return np.prod(np.maximum(high - low, 0))


@pytest.mark.parametrize(('boxes', 'size'), [
    (((40, 70, 110, 150), (310, 60, 380, 140)), (480, 270)),  # one gap for two
    (((100, 100, 220, 260), (420, 100, 540, 260)), (640, 480)),
    (((60, 40, 130, 120), (300, 40, 370, 120), (540, 40, 610, 120)), (700, 300)),
])  # fmt: skip
def test_bars_of_several_faces_leave_each_other_free(boxes, size):
    boxes = [np.array(box, float) for box in boxes]
    panels = panels_of(boxes, size, [30] * len(boxes))
    taken = [*boxes, *(panel.box for panel in panels)]
    for index, one in enumerate(taken):
        assert all(overlap(one, other) == 0 for other in taken[:index])
    for panel in panels:
        assert panel.rows >= 4
        assert (panel.box[:2] >= 0).all()
        assert (panel.box[2:] <= size).all()
    # who is alone has the place of who is alone
    assert panels_of(boxes[:1], size, [30]) == [place_of(boxes[0], size, 30)]


def test_bars_cover_little_of_a_face_that_fills_the_image():
    panel = place_of(np.array([10.0, 10.0, 310.0, 230.0]), (320, 240), 30)
    assert panel.rows * panel.row_px <= 0.25 * 220


@pytest.mark.parametrize(('size', 'drawn'), [
    ((120, 124), False), ((120, 125), True), ((15, 300), False), ((16, 300), True),
])  # fmt: skip
def test_bars_that_would_be_cut_are_left_out(face, size, drawn):
    """What is left of them would show other values."""
    full = replace(face, box=np.array([5.0, 5, 15, 15]), blendshapes=np.ones(52))
    image = np.full((*size, 3), 200, np.uint8)
    picture = draw_bars(image.copy(), [full])
    assert (picture != image).any() == drawn
    columns = np.flatnonzero((picture == (40, 200, 255)).all(axis=2).any(axis=0))
    # both sides, 30 pixels each in full
    assert not drawn or columns[-1] - columns[0] + 1 == 60


@pytest.mark.parametrize('size', [(40, 60), (480, 30), (60, 2000)])
def test_bars_in_images_of_any_size(face, size):
    image = cv2.resize(np.full((64, 64, 3), 200, np.uint8), size[::-1])
    assert draw_bars(image, [face, face]).shape == (*size, 3)
