# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What it costs to take a face for a track's: expected values are written out, in nats."""

import numpy as np
import pytest

from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.association import (
    ambiguous,
    among,
    appearance_cost,
    assign,
    best_of_each,
    costs,
    follow,
    is_itself,
    reach,
    sightings,
)
from face_recon_ros.tracking.track import Observation, Track


def face(
    x, y=200.0, side_px=100.0, score=0.99, box_px=66.0, descriptor=None, sigma_rad=0.1
):
    """A face of a known rotation's sigma: 1.6 px of a side of 100."""
    middle = np.array([x, y], float)
    parameters = FaceParameters(
        camera_matrix(600.0, np.eye(3), np.append(middle, 0)), np.zeros(40), np.zeros(10))
    box = np.concatenate([middle - box_px / 2, middle + box_px / 2])
    found = Regression(
        parameters, score, 0.01, box, Region(middle, side_px, 0.0),
        rotation_sigma_rad=sigma_rad)
    return Observation(found, descriptor)


def gray(value):
    """A descriptor of a colour: two of them differ by colour alone."""
    return np.tile([128.0, 128 + value, 128 - value], (64, 1))


def track(x, y=200.0, apart=True, now_s=0.0, **more):
    return Track.begin('f1', face(x, y, **more), now_s, 1, apart)


def lost(x, **more):
    known = track(x, **more)
    known.miss()
    return known


def test_the_distance_is_mahalanobis():
    """After 0.1 s: 14.6 px of motion, 20 px of a jump, the noise of 1.6 px, twice."""
    seen = sightings([face(200.0), face(225.0), face(275.0)])
    (place,) = costs([lost(200.0)], seen, 0.1).place
    variance = 14.65**2 + 20**2 + 2 * 2.56
    np.testing.assert_allclose(place, [0, 25**2 / variance / 2, 75**2 / variance / 2], rtol=5e-3)


def test_a_size_costs_by_its_logarithm():
    (place,) = costs([lost(200.0)], sightings([face(200.0, side_px=150.0)]), 0.1).place
    # a jump of 0.2, the motion's 0.05, the noise of 0.024 of the size, twice
    assert place[0] == pytest.approx(np.log(1.5) ** 2 / (0.04 + 0.0488**2 + 0.00115) / 2, rel=5e-3)


@pytest.mark.parametrize(
    ('difference', 'nats'), [(0.0, -6.0), (4.0, 1.11), (5.0, 4.9), (9.0, 6.0)])
def test_appearance_speaks_for_or_against(difference, nats):
    """20 nats per unit of the distance above 0.525, and no more than 6."""
    seen = sightings([face(200.0, descriptor=gray(difference))])
    known = track(200.0, descriptor=gray(0.0))
    # the distance of these: the root of two thirds of (difference / 5)^2, at most 1
    distance = min(np.sqrt(2 / 3) * difference / 5, 1)
    expected = np.clip(20 * (distance - 0.525), -6, 6)
    assert appearance_cost(known, seen[0]) == pytest.approx(expected)
    assert expected == pytest.approx(nats, abs=1.5)


def test_what_cannot_be_compared_costs_nothing():
    (plain,) = sightings([face(200.0)])
    (seen,) = sightings([face(200.0, descriptor=gray(9))])
    assert appearance_cost(track(200.0, descriptor=gray(0)), plain) == 0
    assert appearance_cost(track(200.0), seen) == 0


def test_beside_others_a_face_is_likelier_theirs():
    """By 5 nats, where they touch now or did when the face was seen last."""
    alone, beside = lost(200.0), lost(200.0, apart=False)
    seen = sightings([face(200.0)])
    difference = costs([beside], seen, 0.1).total - costs([alone], seen, 0.1).total
    assert difference[0, 0] == pytest.approx(5)
    touching = sightings([face(200.0), face(262.0)])
    difference = costs([alone], touching, 0.1).total - costs([alone], seen, 0.1).total
    assert difference[0, 0] == pytest.approx(5)


@pytest.mark.parametrize(('apart_px', 'touching'), [(60, True), (62, True), (65, False)])
def test_boxes_that_overlap_by_more_than_a_fiftieth_touch(apart_px, touching):
    seen = sightings([face(200.0), face(200.0 + apart_px)])
    assert [s.touching for s in seen] == [touching] * 2


@pytest.mark.parametrize(('sigma_rad', 'is_behind'), [(0.1, False), (0.16, False), (0.18, True)])
def test_a_face_that_is_much_less_sure_is_behind_and_covers_nothing(sigma_rad, is_behind):
    """All of the one in front tells who it is, also where half a face is found behind it."""
    front, behind = sightings([face(200.0), face(230.0, sigma_rad=sigma_rad)])
    assert (front.cells is None) == is_behind
    assert behind.cells is not None
    assert behind.cells.sum() < 64
    assert front.touching
    assert behind.touching


def test_who_is_behind_two_is_covered_by_the_surer_one_alone():
    first, middle, last = sightings([
        face(200.0), face(255.0, sigma_rad=0.2), face(310.0, sigma_rad=0.4)])
    assert first.cells is None
    right = middle.cells.reshape(8, 8)[:, 4:]
    assert right.all()
    assert not middle.cells.all()
    assert not last.cells.all()


@pytest.mark.parametrize(('shift_px', 'kept'), [(0, 1), (40, 1), (46, 2), (200, 2)])
def test_boxes_that_overlap_by_more_than_two_fifths_show_one_face(shift_px, kept):
    worse = face(200.0, score=0.8, box_px=100.0).regression
    better = face(200.0 + shift_px, score=0.9, box_px=100.0).regression
    best = best_of_each([worse, better])
    assert len(best) == kept
    assert best[0] is better


def test_of_two_tracks_the_one_that_is_known_better_goes_first():
    """A face lost for long might be anywhere, also here."""
    long_lost, just_lost = lost(230.0, now_s=0.0), lost(240.0, now_s=1.45)
    seen = sightings([face(230.0)])
    cost = costs([long_lost, just_lost], seen, 1.5)
    assert cost.total[0, 0] < cost.total[1, 0]
    assert assign(cost.compared, cost.total < 8) == [(1, 0)]


def test_an_assignment_is_of_the_least_sum():
    """The nearest pair alone would leave the others with the dearest one."""
    cost = np.array([[1.0, 2.0], [1.5, 9.0]])
    every = np.ones((2, 2), bool)
    assert assign(cost, every) == [(0, 1), (1, 0)]
    assert assign(cost, np.array([[True, False], [True, False]])) in ([(0, 0)], [(1, 0)])
    assert assign(cost, ~every) == []
    assert assign(np.empty((0, 3)), np.empty((0, 3), bool)) == []


@pytest.mark.parametrize(('x', 'is_ambiguous'), [(219, False), (222, True), (258, True),
                                            (261, False)])
def test_who_may_be_either_of_two_lost_faces(x, is_ambiguous):
    """By less than 2.5 nats: with a deviation of 25 px and 80 px between them, 19 px off
    the middle."""
    both = [lost(200.0, apart=False), lost(280.0, apart=False)]
    cost = costs(both, sightings([face(x)]), 0.1)
    beside = np.ones((2, 1), bool)
    assert ambiguous(cost, beside).tolist() == [is_ambiguous]
    assert ambiguous(cost, ~beside).tolist() == [False]


def test_of_one_lost_face_there_is_no_doubt():
    cost = costs([lost(200.0, apart=False)], sightings([face(230.0)]), 0.1)
    assert ambiguous(cost, np.ones((1, 1), bool)).tolist() == [False]


@pytest.mark.parametrize(('x', 'there'), [(200, True), (297, True), (303, False)])
def test_the_gate_follows_from_the_covariance(x, there):
    """Four deviations of 24.8 px."""
    expected = lost(200.0).motion.predict(0.1)
    near = reach(expected, Region(np.array([float(x), 200.0]), 100.0, 0.0))
    assert np.isfinite(near) == there


def test_what_is_in_the_region_of_a_face_that_is_alone_is_that_face():
    """However far it went: the camera was pushed."""
    (found,) = follow([track(200.0)], [face(249.0)], [], 1 / 30)
    assert found.observation.region.centre[0] == 249
    assert follow([track(200.0)], [None], [], 1 / 30) == [None]


@pytest.mark.parametrize(('seen', 'is_taken'), [(0, True), (9, False)])
def test_where_a_lost_face_may_be_a_face_has_to_look_like_the_one_that_is_followed(seen, is_taken):
    """One of another appearance is not taken, though nobody touches it."""
    known = track(200.0, descriptor=gray(0))
    elsewhere = lost(280.0).motion.predict(0.2)
    (found,) = follow([known], [face(215.0, descriptor=gray(seen))], [], 0.2, [elsewhere])
    assert (found is not None) == is_taken
    # too far for the lost one to be there
    far = lost(600.0).motion.predict(0.2)
    (found,) = follow([known], [face(215.0, descriptor=gray(seen))], [], 0.2, [far])
    assert found is not None


@pytest.mark.parametrize(
    ('difference', 'is_near', 'follows'),
    [(0, True, True), (9, True, False), (9, False, True)],
)
def test_a_descriptor_follows_who_may_be_a_lost_face_only_if_it_looks_the_same(
    difference, is_near, follows
):
    known = track(200.0, descriptor=gray(0))
    expected = lost(280.0 if is_near else 600.0).motion.predict(0.2)
    (plain,) = sightings([face(215.0, descriptor=gray(difference))])
    sighting = among(plain, [expected])
    assert sighting.maybe_lost == is_near
    assert is_itself(known, sighting) == follows


def test_beside_others_a_leap_is_not_believed():
    others = track(263.0, apart=False)
    found = follow([track(200.0, apart=False), others], [face(240.0), face(310.0)], [], 1 / 30)
    assert found == [None, None]


def test_one_face_that_two_claim_is_the_likelier_ones():
    a, b = track(200.0, descriptor=gray(0)), track(205.0, descriptor=gray(9))
    seen = [face(203.0, descriptor=gray(9)), face(203.0, descriptor=gray(9))]
    found = follow([a, b], seen, [], 1 / 30)
    assert found[0] is None
    assert found[1].touching


def test_two_that_each_see_the_others_face_are_set_right():
    a = track(200.0, apart=False, descriptor=None)
    b = track(206.0, apart=False, descriptor=None)
    a.descriptor, b.descriptor = gray(0), gray(9)
    right = face(235.0, descriptor=gray(9)), face(171.0, descriptor=gray(0))
    found = follow([a, b], list(right), [], 0.2)
    assert [s.observation.region.centre[0] for s in found] == [171, 235]


@pytest.mark.parametrize(('off_px', 'is_the_others'), [(8, False), (12, True), (-12, False)])
def test_a_face_far_from_where_it_was_looked_for_may_be_another_one(off_px, is_the_others):
    """More than a tenth of the side: it is whose it looks like, if that one may be there."""
    first, second = track(200.0, descriptor=gray(0)), track(240.0, descriptor=gray(9))
    for known in (first, second):
        known.search_region(0.2)
    looks = gray(9 if off_px > 0 else 0)
    found = follow([first, second], [face(200.0 + off_px, descriptor=looks), None], [], 0.2)
    assert [s is not None for s in found] == [not is_the_others, is_the_others]


def test_somebody_may_be_hidden_behind_a_face():
    for x, touching in ((250.0, True), (280.0, False)):
        hidden = face(x).regression.box
        (found,) = follow([track(200.0)], [face(200.0)], [hidden], 1 / 30)
        assert found.touching == touching
