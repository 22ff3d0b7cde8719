# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Rendered eyes to train with: the looks that are drawn, and the truth of what is cut out."""

from types import SimpleNamespace

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.expression.units import INDEX
from face_recon_ros.eyes.crops import CORNERS_68, sines_seen
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.rotations import rotation_about, rotation_to
from model_building.eyes import rendered
from model_building.eyes.photo_eyes import SIDE, turned_in_cut
from model_building.eyes.rendered import LARGEST_GAZE_RAD, EyePeople, Look, draw_look
from model_building.face_model.ict_model import IctModel
from model_building.network.perspective import Lens

RADIUS_M = 0.0104


def test_lids_of_drawn_looks_are_open_shut_and_between():
    random = np.random.default_rng(0)
    looks = [draw_look(random) for _ in range(400)]
    close = np.array([look.close for look in looks])
    assert 0.05 < (close == 1).mean() < 0.16
    assert 0.08 < ((close > 0.3) & (close < 0.95)).mean() < 0.2
    assert (close < 0.25).mean() > 0.6
    assert all(np.abs(look.gaze_rad).max() <= LARGEST_GAZE_RAD.max() for look in looks)
    for look in looks:
        blinks = look.weights[[INDEX['eyeBlinkLeft'], INDEX['eyeBlinkRight']]]
        assert blinks.tolist() == [look.close] * 2
        wide = look.weights[[INDEX['eyeWideLeft'], INDEX['eyeWideRight']]]
        assert not (look.close > 0.3 and wide.any())


def test_a_drawn_look_is_the_one_that_is_asked_for():
    look = draw_look(np.random.default_rng(0), np.array([0.3, -0.2]))
    np.testing.assert_allclose(look.gaze_rad, [0.3, -0.2])
    assert look.weights[INDEX['eyeLookOutLeft']] == look.weights[INDEX['eyeLookInRight']] > 0
    assert look.weights[INDEX['eyeLookDownLeft']] > 0


def test_who_looks_at_the_camera_is_not_turned_from_the_ray():
    points = np.array([[0.1, 0.0, 1.0], [-0.3, 0.2, 0.7]])
    for point in points:
        to_camera = -point / np.linalg.norm(point)
        np.testing.assert_allclose(sines_seen(to_camera, point[None])[0], 0, atol=1e-12)
    turned = rotation_to(points[1]) @ [0.5, 0.0, -np.sqrt(0.75)]
    np.testing.assert_allclose(sines_seen(turned, points[1:])[0], [0.5, 0.0], atol=1e-12)


@pytest.mark.parametrize('number', range(3))
def test_irises_are_where_eyes_are_said_to_look(shared_data, number):
    ict = IctModel.load(shared_data / 'data' / 'ict_face_model_light')
    people = EyePeople(ict, FaceModel())
    random = np.random.default_rng([9, number])
    sitter = people.sitter(random, None)
    turned_rad = random.uniform(-0.4, 0.4, 2)
    looking = people.looking(sitter, draw_look(random, turned_rad), np.zeros(2))
    towards = sitter.rotation @ draw_look(random, turned_rad).direction()
    for ball, iris in zip(looking.balls_m, looking.irises_m, strict=True):
        seen = (iris - ball) / np.linalg.norm(iris - ball)
        np.testing.assert_allclose(seen, towards, atol=0.01)
        assert 0.008 < np.linalg.norm(iris - ball) < 0.018
    # the colours: of the vertices that are black, pupils
    whole = looking.person.whole
    dark = (whole.albedo.max(axis=1) < 0.06) & (np.linalg.norm(
        whole.points[:, None] - looking.irises_m, axis=2).min(axis=1) < 0.006)
    pupils = whole.points[dark]
    for ball, iris in zip(looking.balls_m, looking.irises_m, strict=True):
        own = pupils[np.linalg.norm(pupils - iris, axis=1) < 0.006]
        middle = (own.max(axis=0) + own.min(axis=0)) / 2 - ball
        np.testing.assert_allclose(middle / np.linalg.norm(middle), towards, atol=0.06)


@pytest.mark.parametrize('side', [0, 1])
def test_sines_turn_with_what_is_cut_out(side):
    roll = 0.4
    image_from_cut = np.column_stack([0.3 * rotation_about('z', roll)[:2, :2], [5, 7]])
    along = [np.cos(roll), np.sin(roll)]
    expected = [-1.0, 0.0] if side == 0 else [1.0, 0.0]
    np.testing.assert_allclose(turned_in_cut(np.array(along), image_from_cut, side), expected,
                               atol=1e-12)


@pytest.fixture
def looking():
    """Return somebody with the face model's landmarks, whose eyes look straight ahead."""
    model = FaceModel()
    ibug_m = model.landmarks_68.mean
    balls_m = ibug_m[CORNERS_68].mean(axis=1) - [0, 0, 0.005]
    person = SimpleNamespace(ibug_m=ibug_m, landmarks_m=model.landmarks_468.mean)
    irises_m = balls_m + np.array([0, 0, RADIUS_M])
    return SimpleNamespace(person=person, balls_m=balls_m, irises_m=irises_m,
                           radii_m=np.full(2, 0.0058))


@pytest.mark.parametrize(('gaze_rad', 'turned'), [((0, 0), (0, 0)), ((0.3, 0), (0.3, 0)),
                                                  ((0, 0.3), (0, -0.3))])
def test_truth_of_both_eyes_of_a_head_from_in_front(looking, gaze_rad, turned):
    lens = Lens(np.array([0.0, 0.0, 1.0]), 3.0, Camera(240, 240, 4500, 4500, 119.5, 119.5))
    rotation = np.eye(3)
    lens = rendered._with_eyes_in_the_middle(lens, looking, rotation)
    towards = Look(np.array(gaze_rad), np.zeros(52), 0.0).direction()
    image = np.zeros((240, 240, 3), np.uint8)
    eyes = list(rendered._eyes(image, looking, 0.0, towards, rotation, lens))
    assert len(eyes) == 2
    # a person's left is the image's right: outwards for the left eye, inwards for the right one
    for outwards, eye in zip((-1, 1), eyes, strict=True):
        np.testing.assert_allclose(eye.gaze, np.sin(turned) * [outwards, 1], atol=0.04)
        np.testing.assert_allclose(eye.head, 0, atol=0.02)
        assert eye.image.shape == (SIDE, SIDE, 3)
        inner, outer = eye.outline[0], eye.outline[8]
        assert inner[0] < SIDE / 2 < outer[0]
        np.testing.assert_allclose((inner + outer) / 2, SIDE / 2, atol=5)
        assert inner[0] < eye.iris[0] < outer[0]


def test_a_turned_head_that_looks_back_at_the_lens(looking):
    rotation = rotation_about('y', 0.5)
    lens = Lens(np.array([0.0, 0.0, 1.0]), 3.0, Camera(240, 240, 4500, 4500, 119.5, 119.5))
    lens = rendered._with_eyes_in_the_middle(lens, looking, rotation)
    towards = Look(np.array([-0.5, 0.0]), np.zeros(52), 0.0).direction()
    image = np.zeros((240, 240, 3), np.uint8)
    eyes = list(rendered._eyes(image, looking, 0.0, towards, rotation, lens))
    for outwards, eye in zip((-1, 1), eyes, strict=True):
        np.testing.assert_allclose(eye.gaze, 0, atol=0.02)
        np.testing.assert_allclose(eye.head, np.sin([0.5, 0]) * [outwards, 1], atol=0.06)
