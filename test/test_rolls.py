# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of four rolls a detected face has, told by made-up scores; expected values written out."""

import math

import numpy as np
import pytest

from face_recon_ros.detection.base import Detection
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.rolls import (
    UprightDetector,
    detect_upside_down,
    find_roll,
    is_sure,
    is_upside_down,
    score_of,
)

HALF, QUARTER = math.pi, math.pi / 2


class Face:
    """A face of some roll: scores of a regressor and of an upright detector at each roll."""

    def __init__(self, presences, upright, refined_roll_rad=0.0):
        self.presences = presences  # turn in quarters: presence
        self.upright = upright  # the same: score upright
        self.refined_roll_rad = refined_roll_rad
        self.calls = []

    def _quarters(self, region):
        return round(math.remainder(region.roll_rad, math.tau) / QUARTER) % 4

    def regress(self, region):
        self.calls.append(('regress', self._quarters(region)))
        return regression_at(region, self.presences.get(self._quarters(region), 0.0))

    def refine(self, region):
        self.calls.append(('refine', self._quarters(region)))
        moved = Region(region.centre, region.side_px, region.roll_rad + self.refined_roll_rad)
        return regression_at(moved, self.presences.get(self._quarters(region), 0.0))

    def upright_score(self, region):
        self.calls.append(('upright_score', self._quarters(region)))
        return self.upright.get(self._quarters(region), 0.0)

    def find(self):
        region = Region(np.array([50.0, 50.0]), 100.0, 0.0)
        return find_roll(region, self.regress, self.refine, self.upright_score)


def regression_at(region, presence, fit_error=0.0, sigma_rad=None):
    parameters = FaceParameters(
        camera_matrix(600.0, np.eye(3), np.zeros(3)), np.zeros(40), np.zeros(10))
    return Regression(
        parameters, presence, fit_error, np.array([0, 0, 100, 100.0]), region, sigma_rad)


def roll_deg(candidate):
    return round(math.degrees(math.remainder(candidate.regression.region.roll_rad, math.tau)))


def test_a_face_that_is_sure_upright_needs_no_other_turns():
    face = Face({0: 0.9, 2: 0.05}, {0: 0.95})
    found = face.find()
    assert roll_deg(found) == 0
    assert found.upright_score == 0.95
    assert found.worth == pytest.approx(0.9 * 0.95**4, rel=0.01)
    # what scores a fifth of the best is not looked at again
    assert face.calls == [('regress', 0), ('regress', 2), ('refine', 0), ('upright_score', 0)]


def test_the_upright_score_turns_over_what_the_score_does_not():
    face = Face({0: 0.9, 2: 0.85}, {0: 0.3, 2: 0.96})
    assert abs(roll_deg(face.find())) == 180
    assert ('regress', 1) not in face.calls


@pytest.mark.parametrize(('second', 'looked_at'), [(0.19, True), (0.17, False)])
def test_a_rival_of_a_fifth_of_the_best_is_looked_at_again(second, looked_at):
    face = Face({0: 0.9, 2: second}, {0: 0.99, 2: 0.1})
    face.find()
    assert (('upright_score', 2) in face.calls) == looked_at


@pytest.mark.parametrize(('upright', 'quarters_tried'), [(0.925, True), (0.95, False)])
def test_quarter_turns_are_tried_below_a_worth_of_07(upright, quarters_tried):
    """0.9 * 0.925^4 is 0.66, 0.9 * 0.95^4 is 0.73."""
    face = Face({0: 0.9}, {0: upright})
    assert roll_deg(face.find()) == 0
    assert (('regress', 1) in face.calls) == quarters_tried


@pytest.mark.parametrize(('quarters', 'expected_deg'), [(1, 90), (3, -90)])
def test_a_face_that_lies_on_its_side_is_found(quarters, expected_deg):
    face = Face({0: 0.3, quarters: 0.9}, {0: 0.2, quarters: 0.9})
    assert roll_deg(face.find()) == expected_deg


def test_a_detector_that_sees_nothing_counts_little_but_not_for_nothing():
    face = Face({0: 0.5, 1: 0.9}, {})
    found = face.find()
    assert roll_deg(found) == 90
    assert found.worth == pytest.approx(0.9 * 0.05**4, rel=0.01)


@pytest.mark.parametrize(('off_rad', 'refinements'), [(0.24, 1), (0.26, 2), (-0.26, 2)])
def test_a_region_whose_roll_was_far_off_is_refined_once_more(off_rad, refinements):
    face = Face({0: 0.9}, {0: 0.99}, refined_roll_rad=off_rad)
    face.find()
    assert face.calls.count(('refine', 0)) == refinements


@pytest.mark.parametrize(('second', 'expected'), [(0.81, 0.81), (0.79, 0.9)])
def test_a_refined_region_is_left_where_presence_falls_by_more_than_a_tenth(second, expected):
    region = Region(np.array([50.0, 50.0]), 100.0, 0.0)
    found = find_roll(
        region, lambda r: regression_at(r, 0.9 if r.roll_rad == 0 else 0.0),
        lambda r: regression_at(r, second), lambda r: 0.99)
    assert found.regression.presence == expected


@pytest.mark.parametrize(
    ('presence', 'fit_error', 'sure'),
    [(0.71, 0.0, True), (0.69, 0.0, False), (1.0, 0.0217, True), (1.0, 0.0219, False)],
)
def test_from_a_score_of_07_on_a_face_is_sure(presence, fit_error, sure):
    region = Region(np.zeros(2), 100.0, 0.0)
    # 1 / (1 + exp((0.0217 - 0.026) / 0.005)) is 0.7027
    assert is_sure(regression_at(region, presence, fit_error)) == sure


def test_a_score_is_presence_times_the_chance_that_the_yaw_is_right():
    region = Region(np.zeros(2), 100.0, 0.0)
    assert score_of(regression_at(region, 0.8, 0.026)) == pytest.approx(0.4)
    # frontal, of the first band: half the network's own sigma of 0.107 rad, yaw within
    # 1.68 / 2**1.25 deg; such a sigma counts as 3.4 deg * (0.0535 / 0.09)**1.5 at least
    assert score_of(regression_at(region, 0.8, 0.5, 0.0535)) == pytest.approx(
        0.8 * math.erf(12 / (3.4 * (0.0535 / 0.09) ** 1.5) / math.sqrt(2)), rel=1e-6)
    # what is no face is in doubt
    assert score_of(regression_at(region, 1.0, 0.5, 0.3)) == pytest.approx(
        math.erf(12 / (3.4 * (0.3 / 0.09) ** 1.5) / math.sqrt(2)), rel=1e-6)
    assert score_of(regression_at(region, 1.0, 0.5, 0.3)) < 0.5


@pytest.mark.parametrize(('roll', 'expected'), [(119, False), (121, True), (-121, True),
                                                (239, True), (241, False), (360, False)])
def test_beyond_120_degrees_of_roll_a_face_is_upside_down(roll, expected):
    assert is_upside_down(math.radians(roll)) == expected


@pytest.mark.parametrize(
    ('place', 'expected'), [((95.5, 95.5), 0.8), ((142, 95.5), 0.8), ((145, 95.5), 0.0)])
def test_the_upright_detector_takes_what_is_in_the_middle_of_the_crop(place, expected):
    """Crops are of 192 px; a detection nearer than a quarter to their middle counts."""
    shown = []

    def detector(image):
        shown.append(image)
        x, y = place
        box = np.array([x - 30, y - 30, x + 30, y + 30])
        return [Detection(box, 0.8, None), Detection(box, 0.4, None)]

    upright = UprightDetector()
    upright._detector = detector
    picture = np.zeros((300, 300, 3), np.uint8)
    picture[..., 0] = 200  # blue
    found = upright(picture, Region(np.array([150.0, 150.0]), 100.0, 0.0))
    assert found == expected
    assert shown[0].shape == (192, 192, 3)
    assert shown[0][96, 96].tolist() == [200, 0, 0]


PICTURE = np.zeros((300, 300, 3), np.uint8)


def detector_that_sees(*detections):
    detector = UprightDetector()
    detector._detector = lambda image: list(detections)
    return detector


def region_at(roll_rad=0.0):
    return Region(np.array([150.0, 140.0]), 96.0, roll_rad)


@pytest.mark.parametrize(
    ('slope_deg', 'expected'),
    [(0, 0.8), (14, 0.8), (-14, 0.8), (75, 0.4), (-75, 0.4), (135, 0.0), (180, 0.0)],
)
def test_eyes_that_slope_by_more_than_15_degrees_count_less(slope_deg, expected):
    a = math.radians(slope_deg)
    eyes = 95.5 + 20 * np.array([[-math.cos(a), -math.sin(a)], [math.cos(a), math.sin(a)]])
    detector = detector_that_sees(Detection(np.array([60.0, 60, 131, 131]), 0.8, eyes))
    assert detector(PICTURE, region_at()) == pytest.approx(expected, abs=1e-9)


def test_the_upright_detector_says_where_it_sees_the_face():
    """In the crop of 192 px at half size: 9 px right of the middle, boxes of 60 px are 45 here."""
    box = np.array([95.5 + 18 - 30, 95.5 - 30, 95.5 + 18 + 30, 95.5 + 30])
    eyes = np.array([[90.0, 80.0], [110.0, 80.0 + 20 * math.tan(0.2)]])
    detector = detector_that_sees(Detection(box, 0.8, eyes))
    seen = detector.locate(PICTURE, region_at())
    np.testing.assert_allclose(seen.centre, [159, 140], atol=0.3)
    assert seen.side_px == pytest.approx(45)
    assert seen.roll_rad == pytest.approx(0.2)
    turned = detector.locate(PICTURE, region_at(math.pi / 2))
    np.testing.assert_allclose(turned.centre, [150, 149], atol=0.3)
    assert turned.roll_rad == pytest.approx(0.2 + math.pi / 2)


def test_without_a_detection_the_upright_detector_sees_nothing():
    detector = detector_that_sees()
    assert detector(PICTURE, region_at()) == 0.0
    assert detector.locate(PICTURE, region_at()) is None


@pytest.mark.parametrize(('score', 'roll'), [(0.95, 30), (0.4, 0)])
def test_what_nobody_is_sure_of_is_looked_at_where_the_detector_sees_it(score, roll):
    """30 degrees off the detector's roll; it is taken if it is worth more."""
    there = Region(np.array([50.0, 50.0]), 100.0, math.radians(30))

    def regress(region):
        return regression_at(region, 0.8 if abs(region.roll_rad) < 1 else 0.0)

    def upright_score(region):
        return score if region.roll_rad == there.roll_rad else 0.5

    region = Region(np.array([50.0, 50.0]), 100.0, 0.0)
    found = find_roll(region, regress, regress, upright_score, lambda region: there)
    assert roll_deg(found) == roll
    assert roll_deg(find_roll(region, regress, regress, upright_score)) == 0


def test_what_is_found_in_the_image_turned_by_a_half_is_where_it_is_in_the_image():
    """The pixel (2, 1) of 7 x 4 is (4, 2) of the turned one."""
    seen = []

    def detect(image):
        seen.append(np.argwhere(image[..., 0]).tolist())
        eyes = np.array([[4.0, 2.0], [6.0, 0.0]])
        return [Detection(np.array([4.0, 2.0, 5.0, 3.0]), 0.7, eyes),
                Detection(np.array([0.0, 0.0, 6.0, 3.0]), 0.6, None)]

    image = np.zeros((4, 7, 3), np.uint8)
    image[1, 2] = 255
    first, second = detect_upside_down(detect, image)
    assert seen == [[[2, 4]]]
    assert (first.box.tolist(), first.score) == ([1, 0, 2, 1], 0.7)
    assert first.eyes.tolist() == [[2, 1], [0, 3]]
    assert (second.box.tolist(), second.eyes) == ([0, 0, 6, 3], None)
