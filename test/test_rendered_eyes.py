# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Rendered eyes: lids over the eyeballs, and openness through the whole pipeline."""

import numpy as np
import pytest

pytest.importorskip('yaml')
eye_sweeps = pytest.importorskip('model_building.evaluation.eye_sweeps')

from face_recon_ros.eyes.gaze import head_sigma_rad  # noqa: E402
from model_building.face_model import ict_model  # noqa: E402
from model_building.face_model.ict_model import IctModel  # noqa: E402
from model_building.network.ict_lids import THICKNESS_M, Lashes, LidColors, Lids  # noqa: E402
from model_building.network.ict_surface import SKIN, Surface  # noqa: E402


@pytest.fixture(scope='module')
def ict(shared_data):
    return shared_data / 'data' / 'ict_face_model_light'


@pytest.fixture(scope='module')
def surface(ict):
    return Surface(IctModel.load(ict))


@pytest.fixture(scope='module')
def seen(ict):
    return list(eye_sweeps.eyes_of(ict, None, people=2, seed=21, looks=[(0.0, 0.0)]))


def deepest_m(surface, points):
    """Return how far skin reaches below the nearest side of the eyeballs' vertices at most."""
    skin = points[surface.parts[:, SKIN] > 0.99]
    deepest = 0.0
    for side in range(2):
        ball = points[surface.eyes[:, side] > 0.99]
        centre = (ball.min(axis=0) + ball.max(axis=0)) / 2
        out, of_ball = skin - centre, ball - centre
        near = out[np.linalg.norm(out, axis=1) < np.linalg.norm(of_ball, axis=1).max()]
        away = np.linalg.norm(near, axis=1, keepdims=True)
        # how far the ball reaches along each: it is convex
        along = of_ball @ (near / away).T
        beside = np.sqrt(np.maximum((of_ball**2).sum(axis=1)[:, None] - along**2, 0))
        reach = np.where(beside < 0.0007, along, 0).max(axis=0)
        deepest = max(deepest, float((reach - away[:, 0]).max(initial=0.0)))
    return deepest


@pytest.mark.parametrize('blink', [0.0, 0.5, 1.0])
def test_lids_lie_over_the_eyeballs(surface, blink):
    identity = np.clip(np.random.default_rng([7, 2]).standard_normal(100), -2.5, 2.5)
    shape = {'eyeBlink_L': blink, 'eyeBlink_R': blink}
    before = surface.subdivide(surface.model.points(identity, shape))
    after = Lids(surface).over_eyes(before)
    assert deepest_m(surface, before) > 0.0005
    assert deepest_m(surface, after) < THICKNESS_M / 2
    moved = np.linalg.norm(after - before, axis=1)
    assert moved.max() < 0.004
    assert not moved[surface.eyes.max(axis=1) > 0].any()
    np.testing.assert_allclose(Lids(surface).over_eyes(after), after, atol=1e-6)


def test_nothing_but_lids_is_moved(surface):
    identity = np.clip(np.random.default_rng([7, 2]).standard_normal(100), -2.5, 2.5)
    before = surface.subdivide(surface.model.points(identity, {'eyeBlink_L': 1.0}))
    # more than by rounding
    moved = np.abs(Lids(surface).over_eyes(before) - before).max(axis=1) > 1e-6
    assert moved.any()
    assert (surface.parts[moved, SKIN] > 0.99).all()
    marks = surface.model.landmarks_68
    assert not moved[np.delete(marks, np.arange(36, 48))].any()
    to_eyes = np.linalg.norm(before[moved][:, None] - before[marks[36:48]], axis=-1).min(axis=1)
    assert to_eyes.max() < 0.015


@pytest.mark.parametrize('eye', [ict_model.LEFT_EYE, ict_model.RIGHT_EYE])
def test_eyes_of_everybody_look_ahead(surface, eye):
    model = surface.model
    mean = model.neutral[eye]

    def turn(points):
        size = np.linalg.lstsq(mean - mean.mean(axis=0), points - points.mean(axis=0), rcond=None)
        return size[0] / np.cbrt(np.linalg.det(size[0]))

    most = 0.0
    for number in range(5):
        identity = np.clip(np.random.default_rng([5, number]).standard_normal(100), -2.5, 2.5)
        ball = model.points(identity)[eye]
        added = (model.neutral + np.tensordot(identity, model.identity, 1))[eye]
        np.testing.assert_allclose(turn(ball), np.eye(3), atol=1e-4)
        most = max(most, np.abs(turn(added) - np.eye(3)).max())
        # where and as large as they were
        np.testing.assert_allclose(ball.mean(axis=0), added.mean(axis=0), atol=0.0015)
        np.testing.assert_allclose(np.ptp(ball, axis=0), np.ptp(added, axis=0), rtol=0.05)
    assert most > np.sin(np.radians(5))


@pytest.mark.parametrize('number', range(5))
def test_lids_of_everybody_meet_in_shut_eyes(surface, number):
    identity = np.clip(np.random.default_rng([5, number]).standard_normal(100), -2.5, 2.5)

    def opening_m(blink):
        shapes = {'eyeBlink_L': blink, 'eyeBlink_R': blink}
        marks = surface.model.points(identity, shapes)[surface.model.landmarks_68]
        return (marks[[37, 38, 43, 44]] - marks[[41, 40, 47, 46]])[:, 1]

    assert opening_m(0.0).min() > 0.005
    assert opening_m(1.0).max() < 0.0002
    np.testing.assert_allclose(
        opening_m(0.5), (opening_m(0.0) + opening_m(1.0)) / 2, atol=1e-6)


def test_what_photos_show_at_the_margins_of_lids_is_painted_over(surface):
    colors = np.full((len(surface), 3), 150.0)
    marks = surface.model.neutral[surface.model.landmarks_68]
    away = np.linalg.norm(surface.neutral[:, None] - marks[36:48], axis=2).min(axis=1)
    skin = surface.parts[:, SKIN] > 0.99
    smeared = skin & (away < 0.002)
    colors[smeared] = (0, 255, 0)
    clean = LidColors(surface)(colors, np.full(3, 100.0), np.random.default_rng(1))
    green = clean[:, 1] - clean[:, 0]
    assert np.median(colors[smeared, 1] - colors[smeared, 0]) > 250
    assert np.median(green[smeared]) < 10
    # far from eyes nothing is changed; lashes are darker than the skin
    np.testing.assert_array_equal(clean[skin & (away > 0.03)], colors[skin & (away > 0.03)])
    at_lashes = smeared & (np.linalg.norm(surface.neutral - marks[37], axis=1) < 0.001)
    assert clean[at_lashes, 0].mean() < 140


def test_lashes_are_dark_at_the_margins_of_upper_lids_alone(surface):
    colors = np.full((len(surface), 3), 150.0)
    painted = Lashes(surface)(colors, np.full(3, 20.0), width_m=0.002, cover=0.9)
    marks = surface.model.landmarks_68
    np.testing.assert_allclose(painted[marks[[37, 38, 43, 44]]], 33, atol=1)
    np.testing.assert_allclose(painted[marks[[41, 40, 47, 46, 27, 19]]], 150, atol=1)
    assert (painted <= colors).all()
    assert (colors == 150).all()


@pytest.mark.parametrize('number', range(3))
def test_half_shut_lids_lie_between_open_and_shut_ones(surface, number):
    identity = np.clip(np.random.default_rng([7, number]).standard_normal(100), -2.5, 2.5)
    lids, marks = Lids(surface), surface.model.landmarks_68

    def heights_m(blink):
        shape = {'eyeBlink_L': blink, 'eyeBlink_R': blink}
        points = lids.over_eyes(surface.subdivide(surface.model.points(identity, shape)))
        return (points[marks[[37, 38, 43, 44]]] - points[marks[[41, 40, 47, 46]]])[:, 1]

    opened, half, shut = heights_m(0.0), heights_m(0.5), heights_m(1.0)
    assert (opened > half + 0.002).all()
    assert (half > shut + 0.002).all()
    assert (shut < opened / 4).all()


def test_openness_falls_from_open_to_half_to_shut(seen):
    means = [
        np.mean([s.face.eye_openness for s in seen if s.blink == blink])
        for blink in (0.0, 0.5, 1.0)
    ]
    assert means[0] > means[1] + 0.05
    assert means[1] > means[2] + 0.2


def test_the_mirrored_image_has_the_mirrored_openness(seen):
    both = [(s.face.eye_openness, s.mirrored.eye_openness[::-1]) for s in seen if s.mirrored]
    assert len(both) >= 12
    assert np.median([np.abs(a - b).max() for a, b in both]) < 0.15


def test_eyes_that_are_not_measured_give_the_head_with_its_sigma(seen):
    unseen = [s.face for s in seen if s.face.eyes and not s.face.eyes.measured.any()]
    assert unseen
    for face in unseen:
        np.testing.assert_allclose(face.gaze, face.pose.rotation[:, 0])
        assert face.gaze_sigma_rad == head_sigma_rad(face.pose, face.pose_covariance)
    assert all(s.face.eyes.measured.all() for s in seen if s.blink == 0)
