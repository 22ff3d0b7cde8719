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
    head.measure(0.9, 0.04)
    assert head.scale == pytest.approx(0.9)
    assert (head.sigma, head.measured) == (0.04, True)


def test_sizes_are_weighted_by_how_well_they_were_measured():
    head = HeadSize(1.05)
    head.measure(0.9, 0.01)  # no better than the model's relief is this person's
    assert head.sigma == 0.03
    head.predict(4.0)
    assert head.sigma == pytest.approx((0.03**2 + 0.002**2 * 4) ** 0.5)
    head.predict(-9.0)  # a stamp that goes back takes nothing away
    assert head.sigma == pytest.approx(0.030265, abs=1e-6)
    head.measure(1.0, 0.04)
    # 0.9 exp(0.36406 ln(1 / 0.9)), 0.36406 = 0.030265^2 / (0.030265^2 + 0.04^2)
    assert head.scale == pytest.approx(0.935190, abs=1e-5)
    assert head.sigma == pytest.approx(0.024135, abs=1e-5)


def test_many_images_err_alike():
    head = HeadSize(1.0)
    for _ in range(50):
        head.measure(1.1, 0.03)
    assert head.scale == pytest.approx(1.1)
    assert head.sigma == 0.015
