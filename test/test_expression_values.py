# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Expressions: codes, thresholds and times, by values written out."""

import math

import numpy as np
import pytest

from face_recon_ros.expression.action_units import ActionUnits, action_units
from face_recon_ros.expression.network import Reading
from face_recon_ros.expression.neutral import Neutral
from face_recon_ros.expression.reader import ExpressionReader
from face_recon_ros.expression.rules import named_expression
from face_recon_ros.expression.speaking import SpeakingDetector
from face_recon_ros.expression.units import NAMES, ON_THE_LEFT, ON_THE_RIGHT
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.rotations import EulerAngles, rotation_about

LEVEL = EulerAngles(0.0, 0.0, 0.0)
# Of a coefficient of 1 alone: action units and their intensities (FACS; docs/expressions.md)
CODES = {
    'eyeBlink': {46: 1.0}, 'eyeSquint': {7: 0.5}, 'eyeWide': {5: 0.5},
    'eyeLookUp': {63: 0.5}, 'eyeLookDown': {64: 0.5},
    'eyeLookInLeft': {62: 0.5}, 'eyeLookOutRight': {62: 0.5},
    'eyeLookOutLeft': {61: 0.5}, 'eyeLookInRight': {61: 0.5},
    'jawForward': {29: 1.0}, 'jawLeft': {30: 1.0}, 'jawRight': {30: 1.0},
    'jawOpen': {26: 1.0, 25: 1.0}, 'mouthClose': {}, 'mouthFunnel': {22: 1.0},
    'mouthPucker': {18: 1.0}, 'mouthLeft': {}, 'mouthRight': {}, 'mouthSmile': {12: 0.5},
    'mouthFrown': {15: 0.5}, 'mouthDimple': {14: 0.5}, 'mouthStretch': {20: 0.5},
    'mouthRollLower': {28: 0.5}, 'mouthRollUpper': {28: 0.5}, 'mouthShrugLower': {17: 1.0},
    'mouthShrugUpper': {}, 'mouthPress': {24: 0.5}, 'mouthLowerDown': {16: 0.5, 25: 0.5},
    'mouthUpperUp': {10: 0.5, 25: 0.5}, 'browDown': {4: 0.5}, 'browInnerUp': {1: 1.0},
    'browOuterUp': {2: 0.5}, 'cheekPuff': {34: 1.0}, 'cheekSquint': {6: 0.5},
    'noseSneer': {9: 0.5}, 'tongueOut': {19: 1.0},
}  # fmt: skip


@pytest.mark.parametrize('name', NAMES)
def test_every_unit_has_its_codes(name):
    values = np.array([float(name == other) for other in NAMES])
    found = action_units(values, np.ones(52), math.nan, LEVEL, 1.0).intensity
    side = name.removesuffix('Left').removesuffix('Right')
    expected = CODES.get(name, CODES.get(side))
    assert {int(code): found[code] for code in np.flatnonzero(found)} == expected


def turned(degrees):
    """Return the parameters of the average face at (200, 150) px, turned to image right."""
    rotation = rotation_about('y', math.radians(degrees))
    return FaceParameters(camera_matrix(900.0, rotation, np.array([200.0, 150.0, 0.0])),
                          np.zeros(40), np.zeros(10))


# --- over time ---------------------------------------------------------------------


def test_rest_is_learnt_in_ninety_seconds_and_forgotten_in_two():
    neutral, values = Neutral(), np.full(52, 0.2)
    neutral(values, 0.0)
    neutral(values, 0.25)
    assert neutral.resting[0] == pytest.approx(0.2 * (1 - math.exp(-0.25 / 90)))
    # a pause counts as half a second
    neutral(values, 10.25)
    learnt = 0.2 * (1 - math.exp(-0.75 / 90))
    assert neutral.resting[0] == pytest.approx(learnt)
    neutral(np.zeros(52), 10.5)
    assert neutral.resting[0] == pytest.approx(learnt * math.exp(-0.25 / 2))


def test_who_is_away_for_a_minute_is_forgotten(portrait, model):
    reader = ExpressionReader(model)
    reader.follow(portrait, 'f1', turned(0), 100.0)
    reader.forget(159.9)
    assert set(reader._people) == {'f1'}
    reader.forget(160.0)
    assert not reader._people


@pytest.mark.parametrize(('degrees', 'part'), [
    (0, 1.0), (30, 1.0), (37.5, 0.75), (45, 0.5), (60, 0.0), (64, 0.0),
])
def test_the_far_side_is_known_by_its_part(portrait, monkeypatch, degrees, part, model):
    reader = ExpressionReader(model)
    seen = Reading(np.full(52, 0.5), np.full(52, 0.4))
    monkeypatch.setattr(reader, '_network', lambda image, found, in_mirror: seen)
    known = reader.still(portrait, turned(degrees)).confidence
    near, far = known[NAMES.index('mouthSmileRight')], known[NAMES.index('mouthSmileLeft')]
    assert near == pytest.approx(0.4)
    assert far == pytest.approx(0.4 * part, abs=1e-6)


@pytest.mark.parametrize(('degrees', 'is_read'), [(64.5, True), (-64.5, True), (65.5, False),
                                                  (-65.5, False), (180, False)])  # fmt: skip
def test_who_is_turned_away_is_not_read(portrait, degrees, is_read, model):
    reader = ExpressionReader(model)
    for found in (reader.still(portrait, turned(degrees)),
                  reader.follow(portrait, 'f1', turned(degrees), 1.0)):
        assert np.isfinite(found.blendshapes).all() == is_read
        assert np.isfinite(found.blendshapes).any() == is_read


def test_a_sudden_smile_is_shown_by_two_thirds_in_the_first_image(portrait, monkeypatch, model):
    """One Euro filter (Casiez et al., 2012): 3 Hz, and 3 Hz more for each unit per second."""
    reader, smile = ExpressionReader(model), NAMES.index('mouthSmileLeft')
    shown = np.zeros(52)
    monkeypatch.setattr(
        reader._network, 'follow', lambda *_: Reading(shown.copy(), np.ones(52)))
    reader.follow(portrait, 'f1', turned(0), 1.0)
    shown[smile] = 0.5
    found = reader.follow(portrait, 'f1', turned(0), 1.0 + 1 / 30).blendshapes[smile]
    speed_weight = (2 * math.pi / 30) / (2 * math.pi / 30 + 1)
    r = 2 * math.pi * (3 + 3 * speed_weight * 0.5 * 30) / 30
    assert found == pytest.approx(0.5 * r / (r + 1), rel=2e-3)


def test_units_that_no_photo_proved_are_half_believed(portrait, monkeypatch, model):
    reader = ExpressionReader(model)
    seen = Reading(np.full(52, 0.5), np.full(52, 0.4))
    monkeypatch.setattr(reader, '_network', lambda image, found, in_mirror: seen)
    known = reader.still(portrait, turned(0)).confidence
    believed = {name for name, value in zip(NAMES, known, strict=True) if value > 0.3}
    assert believed == {'eyeBlinkLeft', 'eyeBlinkRight', 'jawOpen', 'mouthSmileLeft',
                        'mouthSmileRight', 'browOuterUpLeft', 'browOuterUpRight'}
    assert known[NAMES.index('cheekPuff')] == pytest.approx(0.2)


def spoken(rate_hz, seconds=3.0):
    detector = SpeakingDetector()
    return [detector(0.006 * math.sin(2 * math.pi * 2 * k / rate_hz), k / rate_hz)
            for k in range(int(seconds * rate_hz) + 1)]


def test_speech_is_told_after_a_second_of_eight_images():
    said = spoken(30.0)
    assert np.flatnonzero(np.isfinite(said))[0] == 30
    assert np.isnan(spoken(6.5)).all()
    assert np.isfinite(spoken(8.0)[9:]).all()


# --- names -------------------------------------------------------------------------


@pytest.mark.parametrize(('intensities', 'name', 'confidence'), [
    ({12: 0.5}, 'happy', 0.4),
    ({12: 0.36}, 'happy', 0.288),
    ({12: 0.34}, 'neutral', 0.528),
    ({1: 0.6, 2: 0.5, 5: 0.7}, 'surprised', 0.48),
    ({1: 0.6, 5: 0.7}, 'surprised', 0.48),
    ({4: 0.6, 7: 0.5}, 'angry', 0.4),
    ({4: 0.9, 7: 0.9, 12: 0.2}, 'angry', 0.56),
    ({4: 0.5, 15: 0.9}, 'sad', 0.4),
    ({1: 0.9, 15: 0.9, 12: 0.4}, 'sad', 0.4),
    ({10: 0.5}, 'disgusted', 0.4),
    ({10: 0.9, 12: 0.4}, 'disgusted', 0.4),
    ({10: 0.5, 12: 0.2}, 'neutral', 0.56),
])
def test_names_have_the_strength_of_their_weakest_part(intensities, name, confidence):
    intensity = np.zeros(99)
    for code, value in intensities.items():
        intensity[code] = value
    named = named_expression(ActionUnits(intensity, np.full(99, 0.8)))
    assert (named.name, named.confidence) == (name, pytest.approx(confidence))


def test_without_the_corners_of_the_mouth_nothing_is_named():
    confidence = np.full(99, 0.8)
    confidence[12] = 0.0
    named = named_expression(ActionUnits(np.full(99, 0.9), confidence))
    assert (named.name, named.confidence) == ('neutral', 0.0)


def test_what_moves_to_a_side_is_on_neither():
    for on_side, side in ((ON_THE_LEFT, 'Left'), (ON_THE_RIGHT, 'Right')):
        found = {name for name, there in zip(NAMES, on_side, strict=True) if there}
        ends = {name for name in NAMES if name.endswith(side)}
        assert ends - found == {f'jaw{side}', f'mouth{side}'}
        assert found <= ends
