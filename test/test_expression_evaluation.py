# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How expressions are judged: where eyes are made to look, the area under the curve, the table."""

import math

import numpy as np
import pytest

from face_recon_ros.expression import units
from model_building.evaluation.expression_sweeps import Sweep, print_sweeps
from model_building.evaluation.expressions import area_under_curve
from model_building.expression import sampling


@pytest.mark.parametrize(('unit', 'eye', 'left_up'), [
    ('eyeLookOutLeft', 0, (0.52, 0)), ('eyeLookInLeft', 0, (-0.52, 0)),
    ('eyeLookOutRight', 1, (-0.52, 0)), ('eyeLookInRight', 1, (0.52, 0)),
    ('eyeLookUpLeft', 0, (0, 0.44)), ('eyeLookDownRight', 1, (0, -0.44)),
])  # fmt: skip
def test_eyes_look_where_their_units_say(unit, eye, left_up):
    weights = np.zeros(52)
    weights[units.NAMES.index(unit)] = 1.0
    gazes = sampling.gazes_rad(weights)
    np.testing.assert_allclose(gazes[eye], left_up)
    np.testing.assert_allclose(gazes[1 - eye], 0)


def test_looks_and_gazes_are_each_others_inverse():
    gaze = np.array([-0.3, 0.2])
    np.testing.assert_allclose(sampling.gazes_rad(sampling.looks(gaze)), [gaze, gaze])


@pytest.mark.parametrize('unit', [n for n in units.NAMES if n.startswith('eyeLook')])
def test_eyes_are_shown_together(unit):
    weights = np.zeros(52)
    weights[units.NAMES.index(unit)] = 1.0
    weights[units.NAMES.index('jawOpen')] = 0.5
    shown = sampling.with_both_eyes(weights)
    right, left = sampling.gazes_rad(shown)
    np.testing.assert_allclose(right, left)
    assert shown[units.NAMES.index(unit)] == 1
    assert np.count_nonzero(shown) == 3


def test_area_under_the_curve():
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    labels = np.array([False, False, True, True])
    assert area_under_curve(scores, labels) == pytest.approx(0.75)
    assert area_under_curve(np.full(4, 0.5), labels) == pytest.approx(0.5)


def test_the_table_of_sweeps(capsys):
    def sweep(rest, full, turned):
        return Sweep(*(np.array([value]) for value in (rest, full, turned, 0.04, 0.02, 0.25)))

    print_sweeps({
        'jawOpen': sweep(0.05, 0.9, 0.05),
        'cheekPuff': sweep(0.2, 0.9, 0.3),  # not at rest
        'browDownLeft': sweep(0.0, 0.4, math.nan),  # too little
    })  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == '| jawOpen | 0.25 | 0.05 | 0.90 | 0.05 |'
    assert lines[4] == '| browDownLeft | 0.25 | 0.00 | 0.40 |  |'
    assert lines[5] == (
        '1 of 3 units below 0.15 at rest and from 0.5 on in full; 1 of 2 that were turned change '
        'by 0.1 or less; mean error 0.040; 0 images without a face that is read; in the mirror '
        'the largest change of a unit is 0.02 (median)')
