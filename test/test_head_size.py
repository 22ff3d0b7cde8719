# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The size of one person's head: what images of it are worth together."""

import pytest

from face_recon_ros.head_size import HeadSize


def test_an_average_adult_until_something_is_measured():
    head = HeadSize(1.05)
    head.predict(100.0)
    assert (head.scale, head.sigma, head.measured) == (1.05, 0.057, False)
    # a child: the average adult does not count
    head.measure(0.9, 0.02)
    assert head.scale == pytest.approx(0.9)
    # the root of 0.03^2 of one image and of 0.015^2 of this person's relief
    assert head.sigma == pytest.approx(0.033541, abs=1e-6)
    assert head.measured


def test_a_size_that_is_badly_measured_counts_less():
    head = HeadSize(1.05)
    head.measure(0.9, 0.06)
    assert head.scale == pytest.approx(0.9)
    assert head.sigma == pytest.approx(0.061847, abs=1e-6)
    head.predict(1.0)
    head.measure(1.0, 0.03)
    # a quarter of an image, and a whole one
    assert head.scale == pytest.approx(0.9 * (1 / 0.9) ** 0.8)
    assert head.sigma == pytest.approx(0.030741, abs=1e-6)


def test_images_at_the_same_time_are_one():
    head = HeadSize(1.05)
    head.measure(0.9, 0.03)
    head.measure(1.0, 0.03)
    head.predict(-9.0)  # a stamp that goes back takes nothing away
    assert head.scale == pytest.approx(0.9)
    head.predict(0.25)
    head.measure(1.0, 0.03)
    # half as new as an image after half a second
    assert head.scale == pytest.approx(0.9 * (1 / 0.9) ** (1 / 3))
    assert head.sigma == pytest.approx(0.028723, abs=1e-6)


def test_many_images_err_alike():
    head = HeadSize(1.0)
    for _ in range(100):
        head.measure(1.1, 0.03)
        head.predict(1.0)
    assert head.scale == pytest.approx(1.1)
    assert head.sigma == pytest.approx(0.015492, abs=1e-6)


def test_what_was_measured_stays_when_another_size_is_assumed():
    head = HeadSize(1.0)
    head.measure(0.9, 0.03)
    head.assume(1.2)
    assert head.scale == pytest.approx(0.9)
    other = HeadSize(1.0)
    other.assume(1.2)
    assert other.scale == 1.2
