# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who looks at whom, and blinks: thresholds and times, by values written out."""

import math
from dataclasses import replace

import numpy as np
import pytest

from face_recon_ros.errors import ArgumentError
from face_recon_ros.eyes.attention import Attention, Gazer
from face_recon_ros.eyes.blinks import BlinkCounter
from face_recon_ros.eyes.openness import FULL_OPENNESS

CAMERA = {'': np.zeros(3)}
AHEAD = np.array([0.0, 0.0, 1.0])


def gazer(angle_deg, face_id='f1', place=(0.0, 0.0, 1.0), sigma_deg=4.0):
    """Return one who looks this far to the right of the camera."""
    a = math.radians(angle_deg)
    gaze = np.array([math.sin(a), 0.0, -math.cos(a)])
    return Gazer(face_id, np.array(place), gaze, math.radians(sigma_deg))


def looks(attention, angle_deg, start_s, duration_s, **more):
    """Return what is told at the end of a stretch of images at 20 Hz."""
    told = None
    for i in range(round(duration_s * 20) + 1):
        told = attention.update(start_s + i / 20, [gazer(angle_deg, **more)], CAMERA)
    return told


def test_a_look_counts_after_a_time_and_ends_after_one():
    attention = Attention(least_s=0.3)
    assert looks(attention, 2, 0.0, 0.2) == []
    assert looks(attention, 2, 0.25, 0.3) == [('f1', '')]
    assert looks(attention, 30, 0.6, 0.2) == [('f1', '')]
    assert looks(attention, 30, 0.85, 0.3) == []


def test_a_glance_away_does_not_end_a_look():
    attention = Attention(least_s=0.3)
    assert looks(attention, 0, 0.0, 1.0) == [('f1', '')]
    for start_s in (1.05, 1.45, 1.85):
        assert looks(attention, 40, start_s, 0.15) == [('f1', '')]
        assert looks(attention, 0, start_s + 0.2, 0.15) == [('f1', '')]


def test_between_the_thresholds_all_stays_as_it_was():
    """6 degrees begin a look, 9 keep it."""
    attention = Attention(least_s=0.0)
    assert looks(attention, 8, 0.0, 1.0) == []
    assert looks(attention, 5, 1.05, 0.0) == [('f1', '')]
    assert looks(attention, 8, 1.1, 1.0) == [('f1', '')]
    assert looks(attention, 10, 2.15, 0.0) == []


def test_a_wide_sigma_lets_more_count_but_not_anything():
    assert looks(Attention(0.0), 10, 0.0, 0.5) == []
    assert looks(Attention(0.0), 10, 0.0, 0.5, sigma_deg=12.0) == [('f1', '')]
    assert looks(Attention(0.0), 17, 0.0, 0.5, sigma_deg=60.0) == []


def test_people_look_at_each_other_and_at_frames():
    attention = Attention(least_s=0.0)
    right = gazer(0, 'f1', (-0.5, 0.0, 1.0))
    left = gazer(0, 'f2', (0.5, 0.0, 1.0))
    facing = Gazer('f1', right.place_m, np.array([1.0, 0, 0]), 0.05)
    targets = {**CAMERA, 'tablet': np.array([0.5, 0.0, 0.0])}
    told = attention.update(1.0, [facing, left], targets)
    assert told == [('f1', 'f2'), ('f2', 'tablet')]
    # whoever is not in the image looks at nothing, and nobody looks at one
    assert attention.update(1.05, [facing], targets) == []
    assert attention.update(1.1, [], targets) == []


def test_nobody_looks_at_what_is_in_their_own_head():
    """A frame of the person's own face, 2 cm before its origin; at 20 cm it is a thing."""
    attention = Attention(least_s=0.0)
    for ahead_m, told in ((0.02, []), (0.0, []), (0.2, [('f1', 'face_f1')])):
        targets = {'face_f1': np.array([0.0, 0.0, 1.0 - ahead_m])}
        assert attention.update(0.0, [gazer(0)], targets) == told
        attention.reset()


@pytest.mark.parametrize(('away_m', 'told'), [(0.1, []), (0.11, [('f1', 'hat')])])
def test_a_head_is_so_large(away_m, told):
    shown = gazer(0, place=(0.0, 0.0, away_m))
    assert Attention(least_s=0.0).update(0.0, [shown], {'hat': np.zeros(3)}) == told


@pytest.mark.parametrize(('angle_deg', 'told'), [(14.7, [('f1', '')]), (15.3, [])])
def test_who_is_unsure_has_to_look_within_15_degrees(angle_deg, told):
    shown = gazer(angle_deg, sigma_deg=40.0)
    assert Attention(least_s=0.0).update(0.0, [shown], CAMERA) == told


@pytest.mark.parametrize(('gap_s', 'told'), [(1.0, [('f1', '')]), (1.125, [])])
def test_a_look_goes_on_after_a_second_without_images_and_no_later(gap_s, told):
    attention = Attention(least_s=0.25)
    for stamp_s in (0.0, 0.25):
        attention.update(stamp_s, [gazer(0)], CAMERA)
    assert attention.update(0.25 + gap_s, [gazer(0)], CAMERA) == told


@pytest.mark.parametrize('least_s', [-0.1, math.inf, math.nan])
def test_a_time_that_is_none_is_refused(least_s):
    with pytest.raises(ArgumentError, match='give seconds from 0 on'):
        Attention(least_s)


def test_a_gazer_without_an_id_is_refused():
    """'' is the camera: faces of photos have no other id."""
    with pytest.raises(ArgumentError, match='which is the camera; give ids'):
        Attention().update(0.0, [gazer(0, face_id='')], CAMERA)


def test_a_target_that_is_missing_ends_its_look_and_no_other():
    attention = Attention(least_s=0.2)
    both = {**CAMERA, 'tablet': np.array([0.0, 0.02, 0.0])}
    for i in range(6):
        told = attention.update(i / 20, [gazer(0)], both)
    assert told == [('f1', ''), ('f1', 'tablet')]
    assert attention.update(0.3, [gazer(0)], CAMERA) == [('f1', '')]
    # back within a second it goes on, later it has to be looked at anew
    assert attention.update(0.9, [gazer(0)], both) == [('f1', ''), ('f1', 'tablet')]
    for i in range(30):
        attention.update(0.95 + i / 20, [gazer(0)], CAMERA)
    assert attention.update(2.5, [gazer(0)], both) == [('f1', '')]


def test_an_id_that_comes_again_after_a_second_begins_anew():
    attention = Attention(least_s=0.3)
    assert looks(attention, 0, 0.0, 0.5) == [('f1', '')]
    assert attention.update(0.55, [], CAMERA) == []
    assert attention.update(1.6, [gazer(0)], CAMERA) == []
    assert looks(attention, 0, 1.65, 0.3) == [('f1', '')]


def test_a_time_changed_meanwhile_holds_from_then_on():
    attention = Attention(least_s=5.0)
    assert looks(attention, 0, 0.0, 1.0) == []
    attention.least_s = 0.5
    assert attention.update(1.1, [gazer(0)], CAMERA) == [('f1', '')]


@pytest.mark.parametrize('broken', ['gaze', 'place_m', 'sigma_rad'])
def test_what_is_not_a_number_looks_at_nothing_and_ends_nothing_at_once(broken):
    attention = Attention(least_s=0.2)
    assert looks(attention, 0, 0.0, 0.5) == [('f1', '')]
    nan = math.nan if broken == 'sigma_rad' else np.full(3, np.nan)
    shown = replace(gazer(0), **{broken: nan})
    assert attention.update(0.55, [shown], CAMERA) == [('f1', '')]
    told = [attention.update(0.6 + i / 20, [shown], CAMERA) for i in range(10)]
    # of an unknown sigma the fixed angle counts
    assert told[-1] == ([('f1', '')] if broken == 'sigma_rad' else [])


def test_a_clock_set_back_and_a_reset_begin_anew():
    attention = Attention(least_s=0.3)
    assert looks(attention, 0, 100.0, 0.5) == [('f1', '')]
    assert looks(attention, 0, 5.0, 0.2) == []
    assert looks(attention, 0, 5.25, 0.3) == [('f1', '')]
    attention.reset()
    assert looks(attention, 0, 6.0, 0.2) == []


# --- blinks ------------------------------------------------------------------------


def watched(openness_of_time, duration_s=10.0, rate_hz=30):
    counter = BlinkCounter()
    ends = [
        i / rate_hz
        for i in range(int(duration_s * rate_hz))
        if counter.update(i / rate_hz, FULL_OPENNESS * np.array(openness_of_time(i / rate_hz)))
    ]
    return counter, ends


def closed_between(*spans):
    def openness(time_s):
        return (0.05, 0.1) if any(a <= time_s < b for a, b in spans) else (0.9, 0.95)

    return openness


def test_short_closures_are_blinks_and_long_ones_are_not():
    counter, ends = watched(closed_between((2.0, 2.15), (4.0, 4.2), (6.0, 8.0)))
    assert counter.count == 2
    assert ends == [pytest.approx(2.15, abs=0.04), pytest.approx(4.2, abs=0.04)]
    assert counter.per_minute() == pytest.approx(12, rel=0.02)


def test_a_wink_and_flicker_are_no_blinks():
    assert watched(lambda t: (0.05 if 2 < t < 2.2 else 0.9, 0.9))[0].count == 0
    # between the thresholds
    assert watched(lambda t: (0.3 + 0.1 * (-1) ** round(30 * t),) * 2)[0].count == 0
    # a closure with flicker below the upper threshold is one blink
    flicker = watched(lambda t: (0.05 + 0.4 * (round(30 * t) % 2),) * 2 if 2 < t < 2.3 else (1, 1))
    assert flicker[0].count == 1


@pytest.mark.parametrize(('shown', 'count'), [
    # as a webcam shows one: lids meet between its images
    (((1, 1), (0.61, 0.14), (0.51, 0.23), (0.78, 0.86), (1, 1)), 1),
    (((1, 1), (0.49, 0.49), (1, 1)), 1),
    (((1, 1), (0.51, 0.51), (1, 1)), 0),
    (((1, 1), (0.0, 0.71), (1, 1)), 0),  # a wink with a narrow eye
    (((1, 1), (0.4, 0.4), (0.69, 0.69), (0.4, 0.4), (1, 1)), 1),
    (((1, 1), (0.4, 0.4), (0.7, 0.7), (0.4, 0.4), (1, 1)), 2),
])  # fmt: skip
def test_lids_that_come_near_blink(shown, count):
    counter = BlinkCounter()
    for image, openness in enumerate(shown):
        counter.update(image / 30, FULL_OPENNESS * np.array(openness, float))
    assert counter.count == count


def test_eyes_not_seen_are_not_closed():
    nan = math.nan
    assert watched(lambda t: (nan, nan) if 2 < t < 2.2 else (0.9, 0.9))[0].count == 0
    one = watched(lambda t: (nan, 0.05) if 2 < t < 2.2 else (nan, 0.9))
    assert one[0].count == 1


def test_a_clock_that_begins_anew_begins_the_rate_anew():
    """As with a clip in a loop; a late image is none."""
    counter, closed = BlinkCounter(), closed_between((2.0, 2.1), (3.0, 3.1))
    for begin_s in (1e6, 0.0):
        for image in range(200):
            time_s = image / 20
            counter.update(begin_s + time_s, (FULL_OPENNESS * np.array(closed(time_s))).tolist())
        counter.update(begin_s + 9.5, FULL_OPENNESS * np.ones(2))
        assert counter.per_minute() == pytest.approx(12, rel=0.1)
    assert counter.count == 4


def test_the_rate_is_that_of_the_last_minute():
    counter, _ = watched(closed_between((2.0, 2.1), (3.0, 3.1)), duration_s=90.0, rate_hz=20)
    assert counter.per_minute() == 0
    assert counter.count == 2
    assert math.isnan(BlinkCounter().per_minute())
    assert math.isnan(watched(closed_between(), 3.0)[0].per_minute())
