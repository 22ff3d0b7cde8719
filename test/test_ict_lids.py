# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Lids of rendered people lie over their eyeballs."""

import numpy as np
import pytest

from model_building.face_model.ict_model import FACE, LEFT_EYE, RIGHT_EYE, IctModel
from model_building.network.ict_lids import LEAST_MOVE_M, THICKNESS_M, Lids

RADIUS_M = 0.012
CENTRES = {'L': np.array([0.03, 0.0, 0.0]), 'R': np.array([-0.03, 0.0, 0.0])}
BALLS = {'L': LEFT_EYE, 'R': RIGHT_EYE}
COUNT = RIGHT_EYE.stop
LID_COUNT = 50


def directions(count, random):
    """Return unit vectors (count, 3) to the front."""
    found = random.standard_normal((count, 3))
    found[:, 2] = np.abs(found[:, 2]) + 0.5
    return found / np.linalg.norm(found, axis=1)[:, None]


@pytest.fixture(scope='module')
def model():
    """Return two balls; lids that are open 1 mm over them and that blinking takes into them."""
    random = np.random.default_rng(4)
    neutral = np.full((COUNT, 3), 0.2)
    blinks = {}
    for number, side in enumerate('LR'):
        points = random.standard_normal((1570, 3))
        points /= np.linalg.norm(points, axis=1)[:, None]
        points[:6] = np.vstack([np.eye(3), -np.eye(3)])
        neutral[BALLS[side]] = CENTRES[side] + RADIUS_M * points
        lid = slice(FACE.start + number * LID_COUNT, FACE.start + (number + 1) * LID_COUNT)
        out = directions(LID_COUNT, random)
        neutral[lid] = CENTRES[side] + (RADIUS_M + 0.001) * out
        blinks[side] = np.zeros((COUNT, 3))
        blinks[side][lid] = -0.004 * out
        # what hardly moves is no lid
        blinks[side][FACE.start + 500] = 0.5 * LEAST_MOVE_M
    return IctModel(
        neutral, np.zeros((1, COUNT, 3)), np.stack([blinks['L'], blinks['R']]),
        ('eyeBlink_L', 'eyeBlink_R'), np.zeros((0, 4), int), np.zeros(68, int),
    )


@pytest.mark.parametrize('blink', [0.0, 0.5, 1.0])
def test_no_lid_lies_in_an_eyeball(model, blink):
    points = model.points(np.zeros(1), {'eyeBlink_L': blink, 'eyeBlink_R': blink})
    over = Lids(model).over_eyes(points)
    for number, side in enumerate('LR'):
        lid = slice(FACE.start + number * LID_COUNT, FACE.start + (number + 1) * LID_COUNT)
        before, after = (p[lid] - CENTRES[side] for p in (points, over))
        lengths = np.linalg.norm(after, axis=1)
        assert lengths.min() >= RADIUS_M + THICKNESS_M - 1e-6
        # outwards, no further than needed
        expected = np.maximum(np.linalg.norm(before, axis=1), RADIUS_M + THICKNESS_M)
        np.testing.assert_allclose(lengths, expected, atol=1e-5)
        np.testing.assert_allclose(
            np.einsum('ij,ij->i', before, after), lengths * np.linalg.norm(before, axis=1),
            rtol=1e-5)


def test_nothing_else_moves(model):
    points = model.points(np.zeros(1), {'eyeBlink_L': 1.0})
    over = Lids(model).over_eyes(points)
    moved = np.flatnonzero((over != points).any(axis=1)) - FACE.start
    assert moved.tolist() == list(range(LID_COUNT))
    np.testing.assert_allclose(Lids(model).over_eyes(over), over, atol=1e-9)
