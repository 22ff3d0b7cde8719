# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""scripts/calibrate_covariance.py finds what errors were made with."""

from types import SimpleNamespace

import calibrate_covariance
import numpy as np
import pytest

from face_recon_ros.rotations import rotation_matrix

COUNT = 6000


def drawn(rng, sigma_deg):
    """Rotations (COUNT, 3, 3) by normal angles."""
    return [rotation_matrix(v) for v in np.radians(rng.normal(0, sigma_deg, (COUNT, 3)))]


def photos(rng, own_deg, label_deg, third_deg):
    """Opinions on frontal faces, each off by itself."""
    own, label, third = (drawn(rng, sigma) for sigma in (own_deg, label_deg, third_deg))
    frontal = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    faces = [SimpleNamespace(rotation=frontal @ turn, rotation_sigma_rad=0.05) for turn in own]
    return [
        calibrate_covariance.Opinion(frontal @ a, face, frontal @ b)
        for a, face, b in zip(label, faces, third, strict=True)
    ]


def test_errors_on_photos_are_told_apart_from_those_of_their_labels():
    seen = photos(np.random.default_rng(0), (1.0, 3.0, 2.0), (2.0, 6.0, 4.0), (1.5, 4.0, 2.0))
    found = calibrate_covariance.own_errors_deg(seen)
    # of a normal distribution 68 % lie within 0.994 sigma
    np.testing.assert_allclose(found, [0.994, 2.98, 1.99], rtol=0.12)


def test_constants_grow_only_by_what_photos_show():
    seen = photos(np.random.default_rng(1), (1.0, 3.0, 2.0), (2.0, 6.0, 4.0), (1.5, 4.0, 2.0))
    rows = np.tile([2.0, 1.5, 2.0], (6, 1))
    before = calibrate_covariance.calibration(0.05, (1.0, 1.0, 1.0), rows)
    after = np.array(calibrate_covariance.grown(before, seen).sigma_deg)
    np.testing.assert_allclose(after[:, 0], 2.0)
    np.testing.assert_allclose(after[:, 1], 3.0, rtol=0.12)
    np.testing.assert_allclose(after[:, 2], 2.0, rtol=0.1)


def test_constants_are_those_that_errors_were_drawn_from():
    rng = np.random.default_rng(2)
    azimuth = rng.uniform(0, 90, COUNT)
    uncertainty = rng.uniform(0.03, 0.12, COUNT)
    true_deg = np.array([2.0, 3.0, 4.0]) * (1 + azimuth[:, None] / 45)
    size = true_deg * (uncertainty[:, None] / 0.06) ** np.array([0.5, 1.0, 0.0])
    data = calibrate_covariance.Errors(
        rng.normal(0, size), azimuth, uncertainty, np.arange(COUNT) % 2, size > 0
    )
    found = calibrate_covariance.calibrate(data)
    assert found.exponents == pytest.approx((0.5, 1.0, 0.0), abs=0.15)
    said = calibrate_covariance.sigmas_deg(found, data)
    np.testing.assert_allclose((np.abs(data.error_deg) < said).mean(axis=0), 0.68, atol=0.02)
    # between the middles of the outermost bands straight lines follow
    inner = (azimuth > 10) & (azimuth < 80)
    assert np.median(np.abs(said / size - 1)[inner]) < 0.1
