# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How people's reliefs differ: the shipped file, what is refused, and how it is made."""
import numpy as np
import pytest

from face_recon_ros.depth_alignment import skin_points
from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import model_file
from face_recon_ros.relief_statistics import shipped_modes
from face_recon_ros.rotations import rotation_matrix


@pytest.fixture(scope='module')
def points():
    model = FaceModel()
    vertices, normals = skin_points(model)
    return vertices, model.mean[vertices].astype(np.float64), normals


@pytest.fixture
def arrays():
    with np.load(model_file('reliefs.npz')) as file:
        return dict(file)


def test_the_shipped_file_is_for_the_shipped_face_model(points):
    vertices, points_m, _ = points
    modes_m = shipped_modes(vertices, points_m)
    assert modes_m.shape == (len(vertices), 30)
    assert modes_m.flags.c_contiguous
    # people's faces differ from the mean by 2.3 mm, root mean square, and most of it is in few
    spread = (modes_m**2).sum(axis=0)
    assert np.sqrt(spread.sum() / len(vertices)) == pytest.approx(0.0023, abs=2e-4)
    assert (np.diff(spread) <= 0).all()
    assert spread[:10].sum() > 0.85 * spread.sum()


def test_a_face_differs_neither_by_place_nor_by_size(points):
    """The modes are of people who were laid onto the mean face."""
    vertices, points_m, normals = points
    modes_m = shipped_modes(vertices, points_m)
    arms = points_m - points_m.mean(axis=0)
    for move in (*normals.T, np.einsum('nx,nx->n', normals, arms)):
        share = move @ modes_m / (np.linalg.norm(move) * np.linalg.norm(modes_m, axis=0))
        assert np.abs(share[:10]).max() < 0.5


def test_of_another_mesh_there_are_none(points):
    vertices, points_m, _ = points
    assert shipped_modes(vertices[1:], points_m[1:]) is None
    assert shipped_modes(vertices + 1, points_m) is None
    assert shipped_modes(vertices, 1.01 * points_m) is None


@pytest.mark.parametrize(('change', 'said'), [
    ({'modes': None}, 'modes'),
    ({'modes': np.zeros((5, 40), np.float32)}, 'do not fit together'),
    ({'points': np.zeros((319, 2), np.float32)}, 'do not fit together'),
    ({'modes': np.full((319, 40), np.nan, np.float32)}, 'not finite'),
    ({'modes': np.array(['a'])}, 'model file'),
])
def test_a_damaged_file_is_one_line(points, arrays, tmp_path, change, said):
    path = tmp_path / 'reliefs.npz'
    changed = {name: value for name, value in {**arrays, **change}.items() if value is not None}
    np.savez(path, **changed)
    with pytest.raises(ModelFileError, match=said) as told:
        shipped_modes(points[0], points[1], path)
    assert str(path) in str(told.value)
    assert 'reinstall the package' in str(told.value)
    assert '\n' not in str(told.value)


@pytest.mark.parametrize('content', [b'', b'PK', b'reliefs', None])
def test_no_file_is_one_line(points, tmp_path, content):
    path = tmp_path / 'reliefs.npz'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError, match='reinstall the package'):
        shipped_modes(points[0], points[1], path)


@pytest.fixture(scope='module')
def making():
    return pytest.importorskip('model_building.face_model.reliefs')


def test_a_relief_is_what_place_and_size_do_not_explain(points, making):
    _, mean, normals = points
    # a bump on the nose, of a head that is elsewhere, turned and larger
    bump = 0.002 * np.exp(-np.sum((mean - mean[mean[:, 2].argmax()]) ** 2, axis=1) / 0.02**2)
    turn = rotation_matrix(np.array([0.2, -0.1, 0.4]))
    own = mean + bump[:, None] * normals
    person = 1.1 * own @ turn.T + [0.3, 0.1, 0.7]
    plain, found = making.reliefs_of(np.array([1.1 * mean @ turn.T + 5, person]), mean, normals)
    np.testing.assert_allclose(plain, 0, atol=1e-12)
    assert np.corrcoef(found, bump)[0, 1] > 0.9
    assert np.abs(found - bump).max() < 0.0008


def test_components_have_the_second_moments_of_the_reliefs(making):
    rng = np.random.default_rng(1)
    axes = rng.normal(size=(3, 20))
    common = rng.normal(size=20)
    reliefs = rng.normal(size=(5000, 3)) @ axes + common
    modes = making.components(reliefs, 4)
    expected = axes.T @ axes + np.outer(common, common)
    np.testing.assert_allclose(modes @ modes.T, expected, atol=0.1 * np.abs(expected).max())
    np.testing.assert_array_equal(modes, making.components(reliefs, 4))
