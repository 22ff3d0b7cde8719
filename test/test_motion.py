# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where a face is expected, by time and not by images; and the time of a stream."""

import math

import numpy as np
import pytest
from scipy.linalg import expm

from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.motion import Motion, measured_deviation
from face_recon_ros.tracking.stream_clock import StreamClock

SIGMA_RAD = 0.1  # of the rotation: 1.6 px of a side of 100 px, 2.4 % of the size, 0.032 rad


def region(x=200.0, y=100.0, side_px=100.0, roll_rad=0.0):
    return Region(np.array([x, y]), side_px, roll_rad)


def ahead(mean, covariance, step_s, speed, kept_s=0.7):
    """Mean (2,) and covariance (2, 2) of place and velocity later: Van Loan's integral (1978)."""
    drift = np.array([[0, 1], [0, -1 / kept_s]])
    noise = np.diag([0, 2 * speed**2 / kept_s])
    both = expm(np.block([[-drift, noise], [np.zeros((2, 2)), drift.T]]) * step_s)
    transition = both[2:, 2:].T
    return transition @ mean, transition @ covariance @ transition.T + transition @ both[:2, 2:]


def corrected(mean, covariance, measured, deviation):
    """The textbook's update by a measured place."""
    gain = covariance[:, 0] / (covariance[0, 0] + deviation**2)
    return mean + gain * (measured - mean[0]), covariance - np.outer(gain, covariance[0])


@pytest.mark.parametrize(('after_s', 'deviation_px'), [(0.2, 28.70), (1.0, 121.39)])
def test_how_far_an_unseen_face_may_be(after_s, deviation_px):
    """1.5 sides per second at first, a random walk later."""
    expected = Motion(region(), SIGMA_RAD, 5.0).predict(5.0 + after_s)
    np.testing.assert_allclose(expected.place, [200, 100, math.log(100), 0])
    np.testing.assert_allclose(expected.deviation[:2], deviation_px, rtol=2e-3)


@pytest.mark.parametrize('rate_hz', [5, 15, 30, 60])
def test_each_axis_is_the_textbooks_kalman_filter(rate_hz):
    measured = {
        'x': [200.0, 204.0, 213.0, 215.0], 'y': [100.0, 99.0, 97.0, 96.5],
        'side_px': [100.0, 100.0, 100.0, 100.0], 'roll_rad': [0.0, 0.01, 0.03, 0.02],
    }  # fmt: skip
    motion = Motion(region(), SIGMA_RAD, 0.0)
    for index in range(1, 4):
        found = region(**{name: values[index] for name, values in measured.items()})
        motion.correct(found, SIGMA_RAD, index / rate_hz)
    expected = motion.predict(4 / rate_hz)
    for axis, name, speed, deviation in (
        (0, 'x', 150.0, 1.6), (1, 'y', 150.0, 1.6), (3, 'roll_rad', 1.5, 0.032),
    ):  # fmt: skip
        values = measured[name]
        mean, covariance = np.array([values[0], 0.0]), np.diag([deviation**2, speed**2])
        for value in values[1:]:
            mean, covariance = ahead(mean, covariance, 1 / rate_hz, speed)
            mean, covariance = corrected(mean, covariance, value, deviation)
        mean, covariance = ahead(mean, covariance, 1 / rate_hz, speed)
        assert expected.place[axis] == pytest.approx(mean[0], rel=1e-6)
        assert expected.deviation[axis] == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-6)


def test_the_size_is_filtered_by_its_logarithm():
    motion = Motion(region(side_px=100.0), SIGMA_RAD, 0.0)
    motion.correct(region(side_px=103.0), SIGMA_RAD, 0.1)
    mean, covariance = ahead(np.zeros(2), np.diag([0.024**2, 0.5**2]), 0.1, 0.5)
    mean, covariance = corrected(mean, covariance, math.log(1.03), 0.024)
    mean, covariance = ahead(mean, covariance, 0.1, 0.5)
    assert math.exp(motion.predict(0.2).place[2]) == pytest.approx(100 * math.exp(mean[0]))


@pytest.mark.parametrize('rate_hz', [5, 15, 30, 60])
def test_an_even_motion_is_foreseen(rate_hz):
    motion = Motion(region(), SIGMA_RAD, 0.0)
    for index in range(1, 2 * rate_hz):
        motion.correct(region(x=200.0 + 120 * index / rate_hz), SIGMA_RAD, index / rate_hz)
    assert motion.velocity_px_s == pytest.approx([120, 0], abs=20)
    assert motion.predict(2.0).place[0] == pytest.approx(440, abs=0.25 * 120 / rate_hz)


@pytest.mark.parametrize(
    ('sigma_rad', 'deviation_px'), [(0.0, 0.6), (0.03, 0.9), (0.06, 1.2), (0.3, 3.6)])
def test_what_is_unsure_is_measured_worse(sigma_rad, deviation_px):
    deviation = measured_deviation(region(), sigma_rad)
    np.testing.assert_allclose(deviation[:2], deviation_px)
    np.testing.assert_allclose(deviation[2:], [0.015 * deviation_px, 0.02 * deviation_px])


def test_rolls_go_the_shorter_way_around():
    motion = Motion(region(roll_rad=3.1), SIGMA_RAD, 0.0)
    for index in range(1, 6):
        motion.correct(region(roll_rad=-3.1), SIGMA_RAD, index / 10)
    roll_rad = motion.predict(0.5).place[3]
    assert math.remainder(roll_rad + 3.1, math.tau) == pytest.approx(0, abs=0.05)


def test_a_jump_says_nothing_of_the_velocity():
    """What there was of it fades with a time constant of 0.7 s."""
    motion = Motion(region(), SIGMA_RAD, 0.0)
    for index in range(1, 31):
        motion.correct(region(x=200.0 + 10 * index), SIGMA_RAD, index / 10)
    before = motion.velocity_px_s.copy()
    motion.jump(region(x=0.0), SIGMA_RAD, 3.7)
    np.testing.assert_allclose(motion.velocity_px_s, before * math.exp(-1), rtol=1e-6)
    assert motion.predict(3.7).place[0] == pytest.approx(0, abs=0.5)
    assert motion.predict(3.7).deviation[0] == pytest.approx(1.6, rel=0.3)


def test_a_lost_face_may_have_jumped():
    """By 0.2 sides, a fifth of its size; how it is rolled tells nobody."""
    motion = Motion(region(), SIGMA_RAD, 0.0)
    before = motion.predict(0.1)
    motion.disturb()
    after = motion.predict(0.1)
    np.testing.assert_array_equal(after.place, before.place)
    np.testing.assert_allclose(
        after.deviation**2 - before.deviation**2, [400, 400, 0.04, 0], atol=1e-12)


def test_an_image_of_the_same_time_moves_nothing():
    motion = Motion(region(), SIGMA_RAD, 1.0)
    for stamp_s in (1.0, 0.9):
        expected = motion.predict(stamp_s)
        np.testing.assert_allclose(expected.place, [200, 100, math.log(100), 0])
        np.testing.assert_allclose(expected.deviation[:2], 1.6)


def test_pairs_of_images_of_one_stamp_make_no_wild_velocity():
    motion = Motion(region(), SIGMA_RAD, 0.0)
    for index in range(1, 60):
        motion.correct(region(x=200.0 + 4 * index), SIGMA_RAD, index // 2 / 15)
        assert abs(motion.velocity_px_s[0]) < 400  # 120 px/s


def test_before_the_first_image_there_is_no_time():
    assert StreamClock().now_s is None
    assert not StreamClock().is_set_back(-1e9)


def times_of(*stamps_s):
    clock = StreamClock()
    return [round(clock.take(stamp_s), 6) for stamp_s in stamps_s]


def test_time_goes_on_with_the_stamps():
    assert times_of(10.0, 10.1, 10.1, 10.5) == [10.0, 10.1, 10.1, 10.5]


def test_a_late_image_has_the_time_of_the_newest():
    assert times_of(10.0, 9.5, 10.1, 9.6, 10.2) == [10.0, 10.0, 10.1, 10.1, 10.2]


def test_jitter_below_a_tenth_of_a_second_sets_nothing_back():
    assert times_of(10.0, 9.91, 9.92, 10.05) == [10.0, 10.0, 10.0, 10.05]


def test_after_two_late_images_time_goes_on_from_there():
    assert times_of(10.0, 9.5, 9.6, 9.7, 9.8) == [10.0, 10.0, 10.0, 10.1, 10.2]


def test_twice_a_step_back():
    assert times_of(10.0, 9.5, 9.6, 9.7, 9.2, 9.3, 9.4) == [
        10.0, 10.0, 10.0, 10.1, 10.1, 10.1, 10.2]


@pytest.mark.parametrize(('stamp_s', 'set_back'), [(9.1, False), (9.0, True), (5.0, True),
                                                   (10.0, False), (99.0, False)])
def test_a_second_back_is_another_recording(stamp_s, set_back):
    clock = StreamClock()
    clock.take(10.0)
    assert clock.is_set_back(stamp_s) == set_back


def test_a_second_back_counts_from_where_time_went_on():
    clock = StreamClock()
    for stamp_s in (10.0, 9.5, 9.5):
        clock.take(stamp_s)
    assert not clock.is_set_back(8.6)
    assert clock.is_set_back(8.4)
