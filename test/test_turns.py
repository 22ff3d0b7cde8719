# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces that take turns where there are more than one image may cost."""

import itertools
import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from scenes.crossing import evaluate, sample_people, scenes
from tracking_scene import STEP_S, Stream

from face_recon_ros import placing
from face_recon_ros.camera import Camera
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.rotations import rotation_matrix
from face_recon_ros.tracking.moving import Move, moved
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.turns import whose_turn


@dataclass
class Somebody:
    """A face that takes turns."""

    side_px: float = 100.0
    hits: int = 10
    waited: int = 0
    apart: bool = True
    looks: list = field(default_factory=list)

    @property
    def region(self):
        return Region(np.zeros(2), self.side_px, 0.0)


def take_turns(people, budget, images):
    """Note of everybody in which images it was looked at."""
    for image in range(images):
        turn = whose_turn(people, budget)
        for index, person in enumerate(people):
            if index in turn:
                person.looks.append(image)
                person.hits, person.waited = person.hits + 1, 0
            else:
                person.waited += 1


@pytest.mark.parametrize(('count', 'budget'), [(5, 0), (5, 5), (5, 8), (0, 3), (1, 1)])
def test_everybody_is_looked_at_where_the_budget_allows(count, budget):
    assert whose_turn([Somebody() for _ in range(count)], budget) == list(range(count))


def test_equals_go_round():
    people = [Somebody() for _ in range(6)]
    take_turns(people, 2, 30)
    for person in people:
        assert len(person.looks) == 10
        assert set(np.diff(person.looks)) == {3}


def test_the_nearest_is_looked_at_twice_as_often_as_the_farthest():
    near, *far = people = [Somebody(200.0), *(Somebody(10.0) for _ in range(4))]
    take_turns(people, 1, 600)
    for other in far:
        assert 1.5 < len(near.looks) / len(other.looks) < 2.1


def test_those_who_touch_are_looked_at_as_often_as_the_nearest():
    near, touching, far = people = [
        Somebody(200.0), Somebody(20.0, apart=False), Somebody(20.0)]
    take_turns(people, 1, 300)
    assert abs(len(near.looks) - len(touching.looks)) <= 2
    assert len(far.looks) < 0.7 * len(touching.looks)


def test_a_new_face_comes_first_in_its_first_three_images():
    new, *_ = people = [Somebody(10.0, hits=0), *(Somebody(100.0) for _ in range(5))]
    take_turns(people, 1, 12)
    assert new.looks[:3] == [0, 1, 2]
    assert 3 not in new.looks


@pytest.mark.parametrize('budget', [1, 2, 3, 7])
@pytest.mark.parametrize('count', [2, 5, 8, 20])
def test_nobody_waits_for_more_than_two_rounds(count, budget):
    sizes = np.geomspace(10, 1000, count)
    people = [Somebody(size, apart=index % 3 > 0) for index, size in enumerate(sizes)]
    take_turns(people, budget, 500)
    longest = 2 * math.ceil(count / budget)
    for person in people:
        assert np.diff([-1, *person.looks, 500]).max() <= longest
    # and nobody's turn is wasted
    assert sum(len(p.looks) for p in people) == 500 * min(budget, count)


def walkers(image):
    """Six people far from each other, each walking its own way at up to 60 px/s."""
    steps = np.array([(2, 0), (-2, 0), (0, 1), (0, 0), (1, 1), (-1, 1)])
    return {
        f'p{i}': (150.0 + 400 * (i % 3) + steps[i][0] * image,
                  150.0 + 500 * (i // 3) + steps[i][1] * image)
        for i in range(6)
    }


def test_those_who_wait_are_where_their_motion_takes_them_and_keep_their_ids():
    stream = Stream(max_regressions_per_image=2)
    given = {}
    for image in range(60):
        people = walkers(image)
        stream.scene.looked_at.clear()
        tracks = stream.update(**people)
        looked_at = [t for t in tracks if not t.waited]
        if image > 8:
            assert len(stream.scene.looked_at) == 2
            assert len(tracks) == 6
            assert len(looked_at) == 2
            for name, place in people.items():
                nearest = min(tracks, key=lambda t: np.linalg.norm(t.region.centre - place))
                assert np.linalg.norm(nearest.region.centre - place) < 4
                assert given.setdefault(name, nearest.id) == nearest.id
                box = nearest.regression.box.reshape(2, 2).mean(axis=0)
                assert np.linalg.norm(box - place) < 4
    assert len(set(given.values())) == 6


def test_who_goes_away_while_waiting_is_missed_at_the_next_look():
    stream = Stream(max_regressions_per_image=1)
    for _ in range(20):
        stream.update(**{f'p{i}': (150.0 + 400 * i, 200.0) for i in range(3)})
    for _ in range(6):
        tracks = stream.update(p0=(150.0, 200.0), p1=(550.0, 200.0))
    assert len(tracks) == 2


def test_a_slow_stream_of_those_who_take_turns_is_not_searched_for_doubts():
    """Their last look is longer ago than doubts take to be verified."""
    stream = Stream(max_regressions_per_image=1)
    for image in range(10):
        stream.update(stamp_s=image / 10, **walkers(0))
    before = stream.scene.detections
    for image in range(10, 40):
        stream.update(stamp_s=image / 10, **walkers(0))
    assert stream.scene.detections == before


def test_a_moved_face_is_what_would_be_found_where_it_moved_to():
    matrix = camera_matrix(500.0, rotation_matrix(np.array([0.1, 0.4, -0.2])), np.zeros(3))
    matrix[:, 3] = 320, 240, 15
    parameters = FaceParameters(matrix, np.arange(40.0), np.arange(10.0))
    before = Region.from_parameters(parameters)
    after = Region(
        before.centre + np.array([30, -12]), 1.25 * before.side_px, before.roll_rad + 0.3,
        before.turned_rad)
    box = np.array([*(before.centre - 40), *(before.centre + 40)])
    found = Regression(parameters, 0.9, 0.01, box, before, rotation_sigma_rad=0.05)
    there = moved(found, after)
    assert Region.from_parameters(there.parameters).centre == pytest.approx(after.centre)
    assert Region.from_parameters(there.parameters).side_px == pytest.approx(after.side_px)
    assert Region.from_parameters(there.parameters).roll_rad == pytest.approx(after.roll_rad)
    assert there.box == pytest.approx([*(after.centre - 50), *(after.centre + 50)])
    # out of the image's plane it is turned as before
    assert there.parameters.model_rotation[2] == pytest.approx(parameters.model_rotation[2])
    assert there.parameters.shape is parameters.shape
    points = np.random.default_rng(0).normal(size=(9, 3)) / 20
    move = Move.of_parameters(parameters, there.parameters)
    np.testing.assert_allclose(
        move.points(parameters.project(points)[:, :2]),
        there.parameters.project(points)[:, :2])
    assert move.scale == pytest.approx(1.25)


@pytest.fixture(scope='module')
def crowd(portrait):
    """Four times the sample portrait, one of them larger."""
    image = np.full((480, 900, 3), 120, np.uint8)
    head = portrait[0:230, 110:340]
    image[60:420, 20:380] = cv2.resize(head, (360, 360))
    for left, top in ((420, 20), (660, 20), (420, 250)):
        image[top : top + 210, left : left + 210] = cv2.resize(head, (210, 210))
    return image


CAMERA = Camera(900, 480, 800.0, 800.0, 449.5, 239.5)


def turns_of(crowd, **config):
    """Images of the crowd once every face is known: all faces of each by id."""
    tracking = TrackingSettings(max_faces=4, max_regressions_per_image=1)
    pipeline = Pipeline(PipelineConfig(tracking=tracking, **config))
    shown = [pipeline.track(crowd, image * STEP_S, CAMERA) for image in range(28)]
    return [{face.id: face for face in faces} for faces in shown[16:]]


def test_predicted_faces_say_so_and_are_less_sure_the_longer_they_wait(crowd):
    images = turns_of(crowd)
    sides = {i: f.box[2] - f.box[0] for i, f in images[0].items()}
    looks = dict.fromkeys(sides, 0)
    before = images[0]
    for faces in images[1:]:
        assert set(faces) == set(sides)
        assert [f.predicted for f in faces.values()].count(False) == 1
        for face_id, face in faces.items():
            last = before[face_id]
            if not face.predicted:
                looks[face_id] += 1
                continue
            # nobody moves: it is where it was, to a small part of its size
            assert np.abs(face.box - last.box).max() < 0.02 * sides[face_id]
            grown = np.linalg.eigvalsh(face.pose_covariance - last.pose_covariance)
            if last.predicted:
                assert grown[1:].min() > 0
                assert face.rotation_sigma_rad > last.rotation_sigma_rad
                assert face.score < last.score
            np.testing.assert_array_equal(face.parameters.shape, last.parameters.shape)
        before = faces
    assert looks[max(sides, key=sides.get)] == max(looks.values())
    assert min(looks.values()) >= 1


def test_eyes_and_expression_of_a_predicted_face_are_those_found_last(crowd):
    images = turns_of(crowd, expressions=True, use_eyes='always')
    compared = 0
    for last_faces, faces in itertools.pairwise(images):
        for face_id, face in faces.items():
            last = last_faces[face_id]
            if not face.predicted:
                continue
            compared += 1
            np.testing.assert_array_equal(face.blendshapes, last.blendshapes)
            np.testing.assert_array_equal(face.eye_openness, last.eye_openness)
            assert np.isfinite(face.blendshapes).all()
            assert face.eyes is not None
            assert face.gaze @ last.gaze > math.cos(math.radians(2))
            assert face.gaze_sigma_rad > 0.99 * last.gaze_sigma_rad
            px = np.abs(face.eyes.landmarks.iris_px - last.eyes.landmarks.iris_px).max()
            assert px < 0.02 * (face.box[2] - face.box[0])
    assert compared > 20


def test_irises_are_measured_of_those_looked_at_only(crowd, monkeypatch):
    tracking = TrackingSettings(max_faces=4, max_regressions_per_image=1)
    pipeline = Pipeline(PipelineConfig(tracking=tracking, use_eyes='always'))
    for image in range(16):
        pipeline.track(crowd, image * STEP_S, CAMERA)
    measured = []
    monkeypatch.setattr(placing, 'IRIS_AGAIN_S', 0.0)
    monkeypatch.setattr(placing, 'iris_distance', lambda _, eyes, camera: measured.append(eyes))
    for image in range(16, 24):
        faces = pipeline.track(crowd, image * STEP_S, CAMERA)
        (looked_at,) = [face for face in faces if not face.predicted]
        assert measured == [looked_at.eyes]
        measured.clear()


def test_without_a_budget_nobody_is_predicted(crowd):
    pipeline = Pipeline()
    for image in range(4):
        faces = pipeline.track(crowd, image * STEP_S)
    assert len(faces) == 4
    assert not faces.predicted.any()
    assert not pipeline.detect(crowd).predicted.any()


@pytest.mark.parametrize('name', ['pass', 'three pass', 'two behind one'])
def test_people_who_cross_keep_their_ids_while_they_take_turns(portrait, name):
    people, duration_s = scenes(sample_people(Pipeline(), portrait))[name]
    tracking = TrackingSettings(max_regressions_per_image=1)
    outcome = evaluate(people, duration_s, Pipeline(PipelineConfig(tracking=tracking)))
    assert outcome.swaps == 0, outcome.events
    assert outcome.new_ids == 0, outcome.ids
    assert outcome.unseen == 0
