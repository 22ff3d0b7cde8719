# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the reader of a network's outputs says, held to NumPy."""

import numpy as np
import pytest

from face_recon_ros import _renderer
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.regression.adapter import fit_error_of, regression_of
from face_recon_ros.rotations import rotation_in_plane, rotation_matrix

CANTHI = (33, 263)


@pytest.fixture(scope='module')
def reader(model):
    sparse = model.landmarks_468
    return _renderer.NetworkReader(sparse.mean, sparse.basis, CANTHI, [0.0, -0.037, -0.045], 0.24)


def outputs_of(model, rng):
    """Return parameters in a crop, landmarks about theirs (468, 3) and a map to an image."""
    matrix = camera_matrix(
        rng.uniform(400, 900), rotation_matrix(rng.normal(0, 0.5, 3)),
        np.append(rng.uniform(60, 130, 2), rng.normal()))
    parameters = FaceParameters(matrix, rng.normal(size=40), rng.normal(size=10))
    points = model.landmarks_468.points_px(parameters) + rng.normal(0, 2, (468, 3))
    linear = rng.uniform(0.3, 4) * rotation_in_plane(rng.uniform(-3, 3))
    return parameters, points, np.column_stack([linear, rng.uniform(-100, 500, 2)])


def test_it_is_numpy_s(model, reader):
    rng = np.random.default_rng(8)
    for _ in range(20):
        parameters, points, image_from_crop = outputs_of(model, rng)
        error = fit_error_of(model.landmarks_468, CANTHI, parameters, points[:, :2])
        expected = regression_of(parameters, points[:, :2], image_from_crop, 0.5, error)
        matrix, fit_error, box, centre, side_px, roll_rad, turned_rad = reader.read(
            parameters.vector(), points, image_from_crop)
        np.testing.assert_allclose(matrix, expected.parameters.camera_matrix, rtol=1e-10,
                                   atol=1e-9)
        assert fit_error == pytest.approx(error, rel=1e-10)
        np.testing.assert_allclose(box, expected.box, rtol=1e-10)
        np.testing.assert_allclose(centre, expected.region.centre, rtol=1e-10)
        assert side_px == pytest.approx(expected.region.side_px, rel=1e-10)
        assert roll_rad == pytest.approx(expected.region.roll_rad, abs=1e-9)
        assert turned_rad == pytest.approx(expected.region.turned_rad, abs=1e-9)


def test_landmarks_that_are_none_make_no_box(model, reader):
    parameters, points, image_from_crop = outputs_of(model, np.random.default_rng(1))
    points[200, 1] = np.nan
    _, fit_error, box, *_ = reader.read(parameters.vector(), points, image_from_crop)
    assert np.isnan(fit_error)
    assert np.isnan(box).all()


def test_arguments_that_are_none_are_named(model, reader):
    sparse = model.landmarks_468
    with pytest.raises(ValueError, match='canthi: want indices of landmarks'):
        _renderer.NetworkReader(sparse.mean, sparse.basis, (33, 468), [0.0, 0.0, 0.0], 0.24)
    parameters, points, image_from_crop = outputs_of(model, np.random.default_rng(2))
    with pytest.raises(ValueError, match='parameters'):
        reader.read(parameters.vector()[:-1], points, image_from_crop)
    with pytest.raises(TypeError, match='points'):
        reader.read(parameters.vector(), points.astype(np.float32), image_from_crop)
    with pytest.raises(ValueError, match='image_from_crop'):
        reader.read(parameters.vector(), points, np.eye(3))
