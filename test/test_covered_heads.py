# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How heads with something in front of the face are measured."""

import numpy as np
import pytest

from face_recon_ros.face_model.model import FaceModel
from model_building.evaluation import covered
from model_building.evaluation.covered import COVERS, Covered
from model_building.network.subject import View

SIZE = 400
# of iBUG's 68: between the brows' ends, the eyes, the lower lip, a cheek's outline
EYES, LIP = (slice(36, 42), slice(42, 48)), 57


@pytest.fixture(scope='module')
def points_px():
    view = View(np.eye(3), 1500.0, np.full(2, 200.0), SIZE)
    return FaceModel().landmarks_68.points_px(view.parameters(np.zeros(50)))[:, :2]


def changes(cover, points_px, seed=0):
    image = np.full((SIZE, SIZE, 3), 128, np.uint8)
    COVERS[cover](image, points_px, np.random.default_rng(seed))
    return np.abs(image.astype(int) - 128).max(axis=2) > 8


def has(mask, point):
    x, y = np.round(point).astype(int)
    return mask[y, x]


@pytest.mark.parametrize(('cover', 'eyes', 'lip'), [
    ('mask', False, True), ('dark glasses', True, False), ('cap', False, False),
])
def test_covers_are_where_their_names_say(points_px, cover, eyes, lip):
    mask = changes(cover, points_px)
    assert 0.02 < mask.mean() < 0.5
    assert [has(mask, points_px[eye].mean(axis=0)) for eye in EYES] == [eyes] * 2
    assert has(mask, points_px[LIP]) == lip


def test_a_cap_begins_above_the_eyes(points_px):
    rows, _ = np.nonzero(changes('cap', points_px))
    assert rows.max() < points_px[36:48, 1].min()
    assert rows.min() < points_px[:, 1].min()


def test_a_hand_is_over_one_cheek_or_the_other(points_px):
    middles = []
    for seed in range(12):
        _, columns = np.nonzero(changes('hand', points_px, seed))
        middles.append(columns.mean() - points_px[27:31, 0].mean())
    assert min(middles) < 0 < max(middles)


@pytest.mark.parametrize(('cover', 'part'), [('door, a quarter', 0.25), ('door, a half', 0.5)])
def test_a_door_hides_all_on_one_side_of_the_face(points_px, cover, part):
    left, right = points_px[:, 0].min(), points_px[:, 0].max()
    columns = np.arange(SIZE)
    sides = set()
    for seed in range(12):
        mask = changes(cover, points_px, seed)
        assert (mask == mask[:1]).all()
        is_left = bool(mask[0, 0])
        sides.add(is_left)
        edge = left + part * (right - left) if is_left else right - part * (right - left)
        hidden = columns < edge if is_left else columns > edge
        away = np.abs(columns - edge) > 4
        np.testing.assert_array_equal(mask[0, away], hidden[away])
    assert sides == {True, False}


def test_the_table_tells_missed_from_turned_over(capsys):
    right = np.full(3, True)
    covered.report([
        Covered('mask', np.array([3.0, 4.0, 5.0]), 0.9, right, 6.0),
        Covered('mask', np.array([1.0, 2.0, 175.0]), 0.1, ~right),
        Covered('mask'),
        Covered('cap'),
    ])
    lines = {line.split('|')[1].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert lines['mask'] == (
        '| mask | 1 of 3 | 1 | 3.0 | 4.0 | 5.0 | 0.90 | 0.10 | 100 % | 100 % | 100 % '
        '| 2 of 3 | 6.0 | 6.0 |')
    assert lines['cap'].startswith('| cap | 1 of 1 | 0 | - |')
