# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The size of one person's head: what images of it are worth together."""

import math

import numpy as np
import pytest

from face_recon_ros import _renderer
from face_recon_ros.head_size import HeadSize, Relief


def relief(scale, sigma, tie=0.0):
    """Relief that says a size, and its relative sigma; tie: how the coefficient goes with it."""
    row = np.array([1.0, tie])
    information = np.outer(row, row) / sigma**2
    return Relief(information, information @ [math.log(scale), 0.0])


def test_an_average_adult_until_something_is_measured():
    head = HeadSize(1.05)
    head.predict(100.0)
    assert (head.scale, head.sigma, head.measured, head.news) == (1.05, 0.057, False, 1.0)
    # a child: the average adult does not count. Faces are fitted 1.6 % too wide
    head.measure(0.9, 1.0, None)
    assert head.scale == pytest.approx(0.9 * math.exp(-0.016))
    assert head.sigma == pytest.approx(0.018)
    assert head.apparent_scale == pytest.approx(0.9)
    assert head.measured


def test_what_depth_says_by_size_and_by_relief_is_weighed():
    head = HeadSize(1.05)
    head.measure(1.0, 1.0, relief(0.9, 0.018))
    # both are worth as much
    assert head.scale == pytest.approx((0.9 * math.exp(-0.016)) ** 0.5)
    assert head.apparent_scale == pytest.approx(1.0)
    assert head.sigma == pytest.approx(0.018 / 2**0.5)


def test_a_relief_that_another_shape_explains_says_little_of_the_size():
    """A long nose, or a large head: modes of people's reliefs have a sigma of 1."""
    head = HeadSize(1.0)
    head.measure(1.0, 1.0, relief(0.9, 0.001, tie=0.1))
    # the relief's sigma becomes 0.001 and 0.1 together
    share = 0.018**2 / (0.018**2 + 0.001**2 + 0.1**2)
    assert math.log(head.scale) == pytest.approx(share * math.log(0.9) - (1 - share) * 0.016)
    assert head.sigma == pytest.approx(0.018 * (1 - share) ** 0.5)


def test_two_reliefs_tell_shape_and_size_apart():
    """What one image leaves open another one decides."""
    head = HeadSize(1.0)
    head.measure(1.0, 1.0, relief(0.9, 0.0001, tie=0.05))
    head.predict(0.5)
    head.measure(1.0, 1.0, relief(0.9, 0.0001, tie=-0.05))
    assert head.scale == pytest.approx(0.9, rel=1e-4)
    assert head.sigma < 0.0002


def test_the_size_is_that_of_the_skin_whatever_the_fitted_shape():
    """A face that was fitted with a shape 5 % larger has a scale 5 % smaller."""
    plain, larger = HeadSize(1.0), HeadSize(1.0)
    plain.measure(0.9, 1.0, relief(0.9, 0.02))
    larger.measure(0.9 / 1.05, 1.05, relief(0.9, 0.02))
    assert larger.scale == pytest.approx(plain.scale / 1.05)
    assert larger.apparent_scale == pytest.approx(0.9 / 1.05)


def test_looks_and_relief_may_contradict_each_other():
    head = HeadSize(1.0)
    assert head.contradiction == 0.0
    head.measure(1.2, 1.0, None)
    assert head.contradiction == 0.0
    head.measure(1.2, 1.0, relief(0.9, 0.02))
    apart = math.log(1.2 / 0.9) - 0.016
    assert head.contradiction == pytest.approx(apart / (0.018**2 + 0.02**2) ** 0.5)
    vague = HeadSize(1.0)
    vague.measure(1.2, 1.0, relief(0.9, 0.2))
    assert vague.contradiction == pytest.approx(apart / (0.018**2 + 0.2**2) ** 0.5)


def test_images_at_the_same_time_are_one():
    head = HeadSize(1.05)
    head.measure(1.0, 1.0, relief(0.9, 0.05))
    head.measure(1.0, 1.0, relief(1.0, 0.05))
    head.predict(-9.0)  # a stamp that goes back takes nothing away
    assert head.news == 0.0
    looks = 0.018**-2
    relief_and_looks = (400 * math.log(0.9) - looks * 0.016) / (400 + looks)
    assert math.log(head.scale) == pytest.approx(relief_and_looks)
    head.predict(0.25)
    assert head.news == pytest.approx(0.5)
    head.measure(1.0, 1.0, relief(1.0, 0.05))
    # half as new as an image after half a second
    assert math.log(head.scale) == pytest.approx(
        (400 * math.log(0.9) - looks * 0.016) / (600 + looks))
    assert head.sigma == pytest.approx((600 + looks) ** -0.5)


def test_a_face_that_was_fitted_too_wide_counts_once_in_many_images():
    head = HeadSize(1.0)
    for _ in range(100):
        head.measure(1.1, 1.0, relief(0.9, 0.1))
        head.predict(1.0)
    # reliefs of 60 images and one width
    looks = 0.018**-2
    expected = (6000 * math.log(0.9) + looks * (math.log(1.1) - 0.016)) / (6000 + looks)
    assert math.log(head.scale) == pytest.approx(expected)
    assert head.apparent_scale == pytest.approx(1.1)
    assert head.sigma == pytest.approx((6000 + looks) ** -0.5)


def test_irises_and_the_average_adult_are_weighed_by_variance():
    head = HeadSize(1.0)
    head.measure_iris(0.9, 0.08, 0.03)
    # 0.057^2 / (0.057^2 + 0.03^2 + 0.08^2)
    assert head.scale == pytest.approx(0.9**0.307991, abs=1e-6)
    assert head.sigma == pytest.approx(0.047417, abs=1e-6)
    assert head.by_iris
    head.measure(0.8, 1.0, None)
    assert head.scale == pytest.approx(0.8 * math.exp(-0.016))
    assert not head.by_iris


def test_what_was_measured_stays_when_another_size_is_assumed():
    head = HeadSize(1.0)
    head.measure(0.9, 1.0, relief(0.9, 0.03))
    before = head.scale, head.apparent_scale, head.sigma
    head.assume(1.2)
    assert (head.scale, head.apparent_scale, head.sigma) == pytest.approx(before)
    other = HeadSize(1.0)
    other.assume(1.2)
    assert other.scale == 1.2


def test_relief_and_looks_together_are_numpy_s_least_squares():
    random = np.random.default_rng(2)
    for modes in (0, 1, 30):
        root = random.standard_normal((80, 1 + modes))
        information, vector = root.T @ root, random.standard_normal(1 + modes)
        size, variance = _renderer.skin_size(information, vector, 0.05, 0.025)
        prior = np.append(0.025**-2, np.ones(modes))
        covariance = np.linalg.inv(information + np.diag(prior))
        expected = covariance[0] @ (vector + np.append(0.05 * 0.025**-2, np.zeros(modes)))
        assert size == pytest.approx(expected, rel=1e-9)
        assert variance == pytest.approx(covariance[0, 0], rel=1e-9)
