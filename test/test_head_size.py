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
    head.measure(0.9, 0.9, 0.02)
    assert head.scale == pytest.approx(0.9)
    # 0.015^2 of this person's relief, and 0.4^2 / (1 / 0.1^2 + 1 / 0.02^2) of one image
    assert head.sigma == pytest.approx(0.016928, abs=1e-6)
    assert head.measured


def test_what_depth_says_by_size_and_by_relief_is_weighed():
    head = HeadSize(1.05)
    head.measure(1.0, 0.9, 0.1)
    # both are worth as much
    assert head.scale == pytest.approx(0.9**0.5)
    assert head.apparent_scale == pytest.approx(1.0)
    assert head.sigma == pytest.approx(0.032016, abs=1e-6)


def test_a_relief_that_is_badly_measured_counts_less():
    head = HeadSize(1.05)
    head.measure(1.0, 0.9, 0.1)
    head.predict(1.0)
    head.measure(1.0, 1.0, 0.05)
    # of 600 parts 100 are the first image's relief
    assert head.scale == pytest.approx(0.9 ** (1 / 6))
    assert head.sigma == pytest.approx(0.022174, abs=1e-6)


def test_images_at_the_same_time_are_one():
    head = HeadSize(1.05)
    head.measure(1.0, 0.9, 0.1)
    head.measure(1.0, 1.0, 0.1)
    head.predict(-9.0)  # a stamp that goes back takes nothing away
    assert head.scale == pytest.approx(0.9**0.5)
    head.predict(0.25)
    head.measure(1.0, 1.0, 0.1)
    # half as new as an image after half a second: 100 of 250 parts are the first one's
    assert head.scale == pytest.approx(0.9**0.4)
    assert head.sigma == pytest.approx(0.029411, abs=1e-6)


def test_a_face_that_was_fitted_too_wide_counts_once_in_many_images():
    head = HeadSize(1.0)
    for _ in range(100):
        head.measure(1.1, 0.9, 0.1)
        head.predict(1.0)
    # reliefs of 60 images and one width: 6,000 and 100 parts
    assert head.scale == pytest.approx(0.9 ** (60 / 61) * 1.1 ** (1 / 61))
    assert head.apparent_scale == pytest.approx(1.1)
    assert head.sigma == pytest.approx(0.015850, abs=1e-6)


def test_irises_and_the_average_adult_are_weighed_by_variance():
    head = HeadSize(1.0)
    head.measure_iris(0.9, 0.08, 0.03)
    # 0.057^2 / (0.057^2 + 0.03^2 + 0.08^2)
    assert head.scale == pytest.approx(0.9**0.307991, abs=1e-6)
    assert head.sigma == pytest.approx(0.047417, abs=1e-6)
    assert head.by_iris
    head.measure(0.8, 0.8, 0.02)
    assert head.scale == pytest.approx(0.8)
    assert not head.by_iris


def test_what_was_measured_stays_when_another_size_is_assumed():
    head = HeadSize(1.0)
    head.measure(0.9, 0.9, 0.03)
    head.assume(1.2)
    assert head.scale == pytest.approx(0.9)
    other = HeadSize(1.0)
    other.assume(1.2)
    assert other.scale == 1.2
