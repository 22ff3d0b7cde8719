# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How late depth is, by how it turns heads that move; and whom it may still turn."""

import math

import numpy as np
import pytest

from face_recon_ros.depth_lag import LAGS_S, DepthLag, Nearing, Turning
from face_recon_ros.late_depth import without_prior
from face_recon_ros.rotations import rotation_about, rotation_vector

RATE_HZ = 20.0
SIGMA = np.radians(3.0)
# what the network errs for this head
BIAS = rotation_about('x', 0.08) @ rotation_about('y', -0.05)


def turned(time_s, period_s):
    """Some head's rotation: 15 degrees to each side and 8 up and down; no period: at rest."""
    phase = 2 * math.pi * time_s / period_s if period_s else 0.0
    return rotation_about('y', 0.26 * math.sin(phase)) @ rotation_about(
        'x', 0.14 * math.cos(1.3 * phase))


def followed(lag_s, period_s, seconds=3.0, lag=None, turning=None, start_s=100.0):
    lag, turning = lag or DepthLag(), turning or Turning()
    rng = np.random.default_rng(4)
    for index in range(round(seconds * RATE_HZ)):
        now_s = start_s + index / RATE_HZ
        image = turned(now_s, period_s)
        turning.add(now_s, image)
        shown = turned(now_s - lag_s, period_s) @ BIAS
        alone = rotation_vector(shown @ image.T) + rng.normal(0, SIGMA / 3, 3)
        lag.take(turning, alone, SIGMA**2 * np.eye(3), now_s)
    return lag, turning


@pytest.mark.parametrize('lag_s', [0.1, 0.15, 0.22, 0.3])
@pytest.mark.parametrize('period_s', [0.9, 1.8])
def test_a_lag_is_found_by_heads_that_turn(lag_s, period_s):
    lag, _ = followed(lag_s, period_s)
    assert lag.late_s == pytest.approx(lag_s, abs=0.03)
    # and depth is held against the images of then
    assert lag.delay_s == pytest.approx(lag_s, abs=0.03)


@pytest.mark.parametrize(('lag_s', 'period_s'), [
    (0.0, 0.9), (0.0, 1.8), (0.03, 0.9), (0.0, None), (0.3, None), (0.0, 30.0),
])
def test_depth_in_time_and_heads_at_rest_say_no_lag(lag_s, period_s):
    lag, turning = followed(lag_s, period_s)
    assert lag.late_s == 0.0
    assert lag.delay_s == 0.0
    # 30 ms are half of the way to the first lag
    assert lag.trusted(turning, 0.0) or lag_s == 0.03


def test_the_faster_a_head_turns_the_surer_depth_must_be_in_time():
    lag, turning = DepthLag(), followed(0.0, 0.45, seconds=0.3)[1]
    assert turning.known
    assert lag.chances[0] == pytest.approx(0.98)
    assert not lag.trusted(turning, 0.0)
    # of one that turns slowly a lag would not matter
    assert lag.trusted(followed(0.0, 8.0, seconds=0.3)[1], 0.0)
    assert followed(0.0, 0.45, seconds=1.5)[0].trusted(turning, 0.0)


def test_depth_is_trusted_before_it_is_known_how_fast_a_head_turns():
    lag, turning = followed(0.0, 0.45, seconds=0.15)
    assert not turning.known
    assert lag.trusted(turning, 0.0)


def test_of_late_depth_slow_heads_are_turned_by_what_they_were():
    lag, fast = followed(0.2, 0.9)
    assert not lag.trusted(fast, lag.delay_s)
    _, slow = followed(0.2, 8.0, lag=lag)
    assert slow.pace_rad_s < 0.3
    assert lag.trusted(slow, lag.delay_s)


def test_how_fast_a_head_turns_is_its_root_mean_square():
    # amplitudes of 0.26 and 0.14 at these frequencies
    expected = math.hypot(0.26 * 2 * math.pi / 1.8, 0.14 * 1.3 * 2 * math.pi / 1.8) / math.sqrt(2)
    assert followed(0.0, 1.8, seconds=8)[1].pace_rad_s == pytest.approx(expected, rel=0.15)


def test_all_heads_tell_of_the_one_lag():
    lag, _ = followed(0.15, 0.9, seconds=0.7)
    alone = lag.chances[0]
    followed(0.15, 1.1, seconds=0.7, lag=lag, start_s=100.7)
    assert lag.chances[0] < alone


def test_a_lag_that_ends_is_forgotten():
    lag, _ = followed(0.2, 0.9)
    assert lag.late_s
    followed(0.0, 0.9, seconds=20.0, lag=lag, turning=Turning(), start_s=103.0)
    assert lag.late_s == 0.0


def test_doubled_images_tell_nothing_new():
    _, turning = followed(0.0, 0.9, seconds=1.0)
    before = turning.then.copy(), turning.spread.copy(), list(turning.times_s)
    turning.add(turning.times_s[-1], turned(0.0, 0.9))
    np.testing.assert_array_equal(turning.then, before[0])
    np.testing.assert_array_equal(turning.spread, before[1])
    assert list(turning.times_s) == before[2]
    assert turning.full


def test_a_value_is_in_doubt_by_what_lags_make_of_it():
    lag = DepthLag()
    values = 2.0 * LAGS_S
    in_time = lag.spread(values, 0.0)
    assert in_time == pytest.approx(np.sqrt(lag.chances @ values**2))
    lag.evidence = np.full(len(LAGS_S), 25.0)
    lag.evidence[2] = 0.0
    # a lag that was found is known to 30 ms
    assert lag.spread(values, 0.1) == pytest.approx(2.0 * 0.03, abs=0.002)
    assert lag.spread(values, 0.0) == pytest.approx(2.0 * LAGS_S[2], abs=0.01)
    assert lag.spread(np.ones(len(LAGS_S)), 0.07) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize('jump_s', [5.0, -5.0])
def test_stamps_that_jump_begin_anew(jump_s):
    _, turning = followed(0.0, 0.9, seconds=1.0)
    assert turning.full
    turning.add(turning.times_s[-1] + jump_s, turned(0.0, 0.9))
    assert len(turning.times_s) == 1
    assert not turning.known
    assert not turning.full


def test_no_more_is_remembered_than_the_longest_lag():
    _, turning = followed(0.0, 0.9, seconds=5.0)
    assert turning.full
    assert turning.times_s[-1] - turning.times_s[0] < LAGS_S[-1] + 2 / RATE_HZ
    assert len(turning.turns) == len(turning.times_s)


def test_a_turn_without_its_prior_is_numpy_s():
    random = np.random.default_rng(6)
    for _ in range(20):
        root = random.standard_normal((2, 3, 3))
        prior, alone = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(3)
        turn = random.standard_normal(3)
        both = np.linalg.inv(np.linalg.inv(alone) + np.linalg.inv(prior))
        found, covariance = without_prior(both @ np.linalg.inv(alone) @ turn, both, prior)
        np.testing.assert_allclose(covariance, alone, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(found, turn, rtol=1e-8, atol=1e-8)


def distance_m(time_s):
    """Somebody comes near, and goes away again."""
    return 1.4 + 0.8 * math.cos(1.3 * time_s)


def walked(lag_s, speed=1.0, seconds=4.0, size=0.0, lag=None, nearing=None, start_s=100.0):
    """Follow sizes by depth that is late; size: logarithm of what the head seems to have."""
    lag, nearing = lag or DepthLag(), nearing or Nearing()
    rng = np.random.default_rng(7)
    for index in range(round(seconds * RATE_HZ)):
        now_s = start_s + index / RATE_HZ
        measured = distance_m(speed * (now_s - 100.0 - lag_s))
        looks = [distance_m(speed * (now_s - 100.0 - then_s)) for then_s in LAGS_S]
        noise = rng.normal(0, 0.01) + 0.01 * math.sin(2 * now_s)
        lag.take_sizes(nearing, math.log(measured) - np.log(looks) + size + noise, now_s)
    return lag, nearing


@pytest.mark.parametrize('lag_s', [0.1, 0.15, 0.3])
def test_a_lag_is_found_by_heads_that_come_and_go(lag_s):
    lag, _ = walked(lag_s, size=-0.2)
    assert lag.late_s == pytest.approx(lag_s, abs=0.02)
    assert lag.delay_s == pytest.approx(lag_s, abs=0.02)


@pytest.mark.parametrize(('lag_s', 'speed'), [(0.0, 1.0), (0.02, 1.0), (0.0, 0.0), (0.3, 0.0)])
def test_depth_in_time_and_heads_that_stay_say_no_lag_by_their_sizes(lag_s, speed):
    lag, _ = walked(lag_s, speed)
    assert lag.late_s == 0.0
    assert lag.delay_s == 0.0


def test_sizes_of_another_head_say_nothing_of_the_lag():
    lag, nearing = walked(0.0)
    evidence = lag.evidence
    walked(0.0, seconds=0.5, size=0.4, lag=lag, nearing=nearing, start_s=104.0)
    assert lag.evidence == pytest.approx(evidence, rel=0.05)


def test_a_lag_that_ends_is_forgotten_however_sure_it_was():
    lag, nearing = walked(0.2, seconds=30.0)
    assert lag.late_s
    walked(0.0, seconds=12.0, lag=lag, nearing=nearing, start_s=130.0)
    assert lag.late_s == 0.0
