"""How fast a face moves, by time; and the time of a stream."""

import math

import numpy as np
import pytest

from face_recon_ros.tracking.motion import Motion
from face_recon_ros.tracking.stream_clock import StreamClock


@pytest.mark.parametrize('step_s', [0.01, 0.1, 0.2])
def test_a_velocity_is_followed_with_a_time_constant_of_48_ms(step_s):
    motion = Motion(np.array([100.0, 50.0]), 5.0)
    motion.move(np.array([100.0 + 300 * step_s, 50.0 - 60 * step_s]), 5.0 + step_s)
    part = 1 - math.exp(-step_s / 0.048)
    np.testing.assert_allclose(motion.velocity_px_s, [300 * part, -60 * part])


def test_a_second_measurement_is_blended_with_the_first():
    motion = Motion(np.zeros(2), 0.0)
    motion.move(np.array([10.0, 0.0]), 0.1)  # 100 px/s
    motion.move(np.array([10.0, 5.0]), 0.2)  # 0, 50 px/s
    part = 0.875485  # 1 - exp(-0.1 / 0.048)
    np.testing.assert_allclose(
        motion.velocity_px_s, [100 * part * (1 - part), 50 * part], rtol=1e-5)


@pytest.mark.parametrize(('step_s', 'measured'), [(0.004, False), (0.006, True)])
def test_over_less_than_5_ms_nothing_is_measured(step_s, measured):
    motion = Motion(np.zeros(2), 0.0)
    motion.move(np.array([1.0, 0.0]), step_s)
    assert bool(motion.velocity_px_s.any()) == measured


def test_what_was_too_short_to_measure_is_measured_with_the_next():
    motion = Motion(np.zeros(2), 0.0)
    motion.move(np.array([50.0, 0.0]), 0.001)
    motion.move(np.array([100.0, 0.0]), 0.5)
    np.testing.assert_allclose(motion.velocity_px_s, [200, 0], rtol=1e-4)


def test_a_jump_keeps_the_velocity_and_a_stop_ends_it():
    motion = Motion(np.zeros(2), 0.0)
    motion.move(np.array([100.0, 0.0]), 1.0)
    motion.jump(np.array([500.0, 0.0]), 1.5)
    np.testing.assert_allclose(motion.velocity_px_s, [100, 0])
    motion.move(np.array([550.0, 0.0]), 2.0)
    np.testing.assert_allclose(motion.velocity_px_s, [100, 0], rtol=1e-3)
    motion.stop()
    assert motion.velocity_px_s.tolist() == [0, 0]


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
