# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""People of the ICT model for training: what is said of them is true of the picture."""
import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.face_model.landmark_fit import LandmarkFitter
from face_recon_ros.pose import metric_pose
from face_recon_ros.rotations import MODEL_FROM_FACE
from model_building.face_model.errors import ModelBuildingError
from model_building.network.augmentation import random_rotation, random_view, rotation_about
from model_building.network.perspective import Lens, Photographer
from model_building.network.portraits import (
    development_portraits,
    judging_portraits,
    training_portraits,
)
from model_building.network.subject import View


def angle_deg(rotation):
    return np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))


LENSES = [Lens.draw, Lens.straight]


@pytest.mark.parametrize('draw_lens', LENSES)
@pytest.mark.parametrize('seed', range(12))
def test_the_pipeline_makes_the_true_rotation_of_what_is_taught(model, seed, draw_lens):
    rng = np.random.default_rng(seed)
    view = random_view(random_rotation(rng), rng)
    lens = draw_lens(view, rng)
    points = model.landmarks_468.points_of(rng.normal(0, 0.7, 50))
    landmarks = lens.pixels(lens.place(points, view.rotation))
    taught = Photographer(model).truth(landmarks, view.rotation, lens)
    pose = metric_pose(taught, model.landmarks_68.points(taught), lens.camera)
    true = lens.optical_from_model(view.rotation) @ MODEL_FROM_FACE
    assert angle_deg(pose.rotation.T @ true) < 0.3


@pytest.mark.parametrize('yaw_deg', [-60, 0, 35])
def test_far_away_what_is_taught_is_the_rotation_of_the_landmarks(model, yaw_deg):
    view = View(rotation_about('y', yaw_deg), 800.0, np.full(2, 95.5), 192)
    lens = Lens(np.array([0.0, 0, 1]), 50.0, Camera(192, 192, 40000.0, 40000.0, 95.5, 95.5))
    placed = lens.place(model.landmarks_468.mean, view.rotation)
    landmarks = lens.pixels(placed)
    taught = Photographer(model).truth(landmarks, view.rotation, lens)
    landmarks[:, 2] = (lens.distance_m - placed[:, 2]) * taught.scale_px_per_m
    found = LandmarkFitter(model).fit(landmarks).parameters
    assert angle_deg(found.model_rotation.T @ taught.model_rotation) < 0.5
    assert angle_deg(view.rotation.T @ taught.model_rotation) < 0.5
    assert taught.scale_px_per_m == pytest.approx(800, rel=0.01)


@pytest.mark.parametrize('draw_lens', LENSES)
def test_a_lens_shows_the_head_where_the_view_says(draw_lens):
    rng = np.random.default_rng(3)
    for _ in range(20):
        view = random_view(random_rotation(rng), rng)
        lens = draw_lens(view, rng)
        assert np.linalg.norm(lens.ray) == pytest.approx(1)
        middle = lens.pixels(lens.distance_m * lens.ray[None])[0, :2]
        assert middle == pytest.approx(view.centre_px, abs=1e-6)
        # a small step across the ray, square to the way to the image's middle
        across = np.cross(lens.ray, [0, 0, 1.0])
        if np.linalg.norm(across) < 1e-3:
            continue
        across *= 1e-4 / np.linalg.norm(across)
        moved = lens.pixels((lens.distance_m * lens.ray + across)[None])[0, :2]
        distance = np.linalg.norm(moved - middle)
        assert distance == pytest.approx(1e-4 * view.scale_px_per_m, rel=0.01)


def test_a_straight_lens_looks_at_the_middle_of_the_crop():
    rng = np.random.default_rng(4)
    view = View(random_rotation(rng), 800.0, np.array([120.0, 70.0]), 192)
    for _ in range(20):
        camera = Lens.straight(view, rng).camera
        assert (camera.cx, camera.cy) == (95.5, 95.5)


def test_what_is_behind_the_lens_is_not_drawn(model):
    lens = Lens(np.array([0.0, 0, 1]), 0.3, Camera(192, 192, 200.0, 200.0, 95.5, 95.5))
    assert np.isnan(lens.pixels(np.array([[0.0, 0, -0.1]]))).all()


def test_nobody_s_portrait_is_in_two_sets(tmp_path):
    for i in range(41):
        (tmp_path / f'{i:03}.jpg').touch()
    sets = [share(tmp_path) for share in
            (training_portraits, development_portraits, judging_portraits)]
    assert [len(one) for one in sets] == [11, 10, 20]
    assert len({path for one in sets for path in one}) == 41


def test_too_few_portraits_are_said_in_one_line(tmp_path):
    with pytest.raises(ModelBuildingError, match='portraits; give their folder'):
        training_portraits(tmp_path)


@pytest.fixture(scope='module')
def people(shared_data, model):
    pytest.importorskip('scipy')
    from model_building.network import ict_people
    return ict_people.load(shared_data / 'data' / 'ict_face_model_light', model)


def test_people_stand_in_our_axes(people, model):
    person = people(np.random.default_rng(0))
    reference = model.landmarks_468.mean
    assert np.abs(person.landmarks_m.mean(axis=0) - reference.mean(axis=0)).max() < 0.008
    assert np.median(np.linalg.norm(person.landmarks_m - reference, axis=1)) < 0.015


def test_landmarks_fall_on_the_person_that_is_drawn(people, model):
    rng = np.random.default_rng(1)
    person = people(rng)
    view = View(rotation_about('y', 25), 700.0, np.full(2, 95.5), 192)
    green = np.full((192, 192, 3), (0, 255, 0), np.uint8)
    sight = Photographer(model)(person, view, green, rng)
    inside = (sight.landmarks[:, :2].round() >= 0).all(axis=1)
    inside &= (sight.landmarks[:, :2].round() < 192).all(axis=1)
    x, y = sight.landmarks[inside, :2].round().astype(int).T
    on_green = (sight.image[y, x] == (0, 255, 0)).all(axis=1)
    assert inside.mean() > 0.95
    assert on_green.mean() < 0.02


def test_people_are_the_same_for_the_same_seed(people):
    first, second = (people(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.whole.points, second.whole.points)
    assert np.array_equal(first.whole.albedo, second.whole.albedo)


def test_the_landmarks_of_the_two_models_are_the_same_places(people, model):
    """The outer corners of the eyes, the tip of the nose and the chin of both lists agree."""
    head = people.ict.neutral
    marks = people.landmarks.points(head)
    for of_468, of_68 in ((33, 36), (263, 45), (4, 30), (152, 8)):
        ibug = head[people.ict.landmarks_68[of_68]]
        assert np.linalg.norm(marks[of_468] - ibug) < 0.008
