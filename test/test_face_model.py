# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.landmark_fit import LandmarkFitter
from face_recon_ros.face_model.landmarks import INNER_LIP_PAIRS_468
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.normals import vertex_normals
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.paths import model_file
from face_recon_ros.rotations import rotation_matrix, rotation_vector

SHIPPED = model_file('face_model.npz')


def random_face(rng, spread=1.0):
    turn = rotation_matrix(rng.uniform(-0.6, 0.6, 3))
    matrix = camera_matrix(rng.uniform(300, 2500), turn, rng.uniform(0, 500, 3))
    shape = np.clip(rng.normal(size=40) * 0.7, -2, 2) * spread
    return FaceParameters(matrix, shape, rng.normal(size=10) * 0.5 * spread)


def test_parameters_are_62_numbers(model):
    face = random_face(np.random.default_rng(0))
    vector = face.vector()
    assert vector.shape == (62,)
    np.testing.assert_array_equal(vector[:12].reshape(3, 4), face.camera_matrix)
    np.testing.assert_array_equal(vector[12:52], face.shape)


def test_normals_of_vertices_go_by_area():
    """A floor of area 3 and a wall of area 2 meet in an edge; one vertex is in neither."""
    points = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 2], [9, 9, 9]])
    triangles = np.array([[0, 1, 2], [0, 3, 1]])
    for kind in (np.float32, np.float64):
        normals = vertex_normals(points.astype(kind), triangles)
        slope = np.array([0, 2, 3]) / np.sqrt(13)
        expected = [slope, slope, [0, 0, 1], [0, 1, 0], [0, 0, 0]]
        np.testing.assert_allclose(normals, expected, atol=1e-7)
        assert normals.dtype == np.float64


def test_camera_matrix_holds_scale_and_rotation():
    turn = rotation_matrix([0.3, -0.4, 0.2])
    face = FaceParameters(camera_matrix(1234.0, turn, np.zeros(3)), np.zeros(40), np.zeros(10))
    assert face.scale_px_per_m == pytest.approx(1234)
    np.testing.assert_allclose(face.model_rotation, turn, atol=1e-12)


def test_sparse_decode_equals_dense_decode(model):
    """The landmarks are points of the dense mesh, decoded apart from it."""
    face = random_face(np.random.default_rng(1))
    dense = model.dense_px(face)
    with np.load(SHIPPED) as arrays:
        vertices, weights = arrays['landmarks_68_vertices'], arrays['landmarks_68_weights']
    on_mesh = np.einsum('lc,lcx->lx', weights, dense[vertices])
    error_px = np.abs(on_mesh - model.landmarks_68_px(face)).max()
    assert error_px < 2e-3 * face.scale_px_per_m / 1000


def test_dense_decode_equals_its_definition(model):
    face = random_face(np.random.default_rng(2))
    with np.load(SHIPPED) as a:
        points = a['mean'].astype(np.float64)
        points += np.tensordot(face.shape * a['shape_step'], a['shape_basis'], 1)
        points += np.tensordot(face.expression * a['expression_step'], a['expression_basis'], 1)
    want = face.project(points)
    # a hundredth of a millimetre
    assert np.abs(model.dense_px(face) - want).max() < 1e-5 * face.scale_px_per_m + 1e-3


def test_fit_recovers_pose_and_shape_from_exact_landmarks(model):
    fitter, rng = LandmarkFitter(model), np.random.default_rng(3)
    for _ in range(20):
        face = random_face(rng)
        fit = fitter.fit(model.landmarks_468.points_px(face))
        turn = rotation_vector(fit.parameters.model_rotation @ face.model_rotation.T)
        assert np.degrees(np.linalg.norm(turn)) < 0.8
        assert fit.parameters.scale_px_per_m == pytest.approx(face.scale_px_per_m, rel=0.01)
        assert fit.error < 0.006


def test_fit_error_grows_with_noise(model):
    fitter, rng = LandmarkFitter(model), np.random.default_rng(4)
    landmarks = model.landmarks_468.points_px(random_face(rng))
    noise = rng.normal(size=landmarks.shape)
    errors = [fitter.fit(landmarks + k * noise).error for k in (0, 1, 2, 4)]
    assert errors == sorted(errors)
    assert errors[-1] > 3 * errors[0]


def test_one_round_of_the_fit_is_enough(model):
    """The bases hold no rotation of the landmarks, so that a second round changes nothing."""
    fitter, rng = LandmarkFitter(model), np.random.default_rng(5)
    for _ in range(5):
        noisy = model.landmarks_468.points_px(random_face(rng))
        noisy = noisy + rng.normal(size=noisy.shape)
        once = fitter.fit(noisy).parameters
        again = fitter.fit(noisy, start=once).parameters
        turn = rotation_vector(again.model_rotation @ once.model_rotation.T)
        assert np.degrees(np.linalg.norm(turn)) < 0.05


def test_closed_lips_close(model):
    """Landmarks whose inner lips touch give a mesh whose inner lips touch."""
    fitter, rng = LandmarkFitter(model), np.random.default_rng(6)
    upper, lower = INNER_LIP_PAIRS_468.T
    with np.load(SHIPPED) as arrays:
        lip_upper, lip_lower = arrays['lip_upper'], arrays['lip_lower']
    for _ in range(5):
        face = FaceParameters(
            camera_matrix(1000.0, np.eye(3), np.zeros(3)), rng.normal(size=40) * 0.5, np.zeros(10)
        )
        landmarks = model.landmarks_468.points_px(face)
        landmarks[upper] = landmarks[lower] = (landmarks[upper] + landmarks[lower]) / 2
        dense = model.dense_px(fitter.fit(landmarks).parameters)
        gap_mm = dense[lip_lower, 1] - dense[lip_upper, 1]  # 1000 px/m, y down
        assert np.median(gap_mm) < 0.6


def test_interpupillary_distance_is_plausible(model):
    assert 0.055 < model.interpupillary_distance_m < 0.068


def test_missing_model_file_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r'nothing\.npz: No such file') as error:
        FaceModel(tmp_path / 'nothing.npz')
    assert '\n' not in str(error.value)


def test_one_array_is_no_model(tmp_path):
    path = tmp_path / 'one.npy'
    np.save(path, np.zeros((5, 3), np.float32))
    with pytest.raises(ModelFileError, match=r'one\.npy: one array \(\.npy\), not a .*\.npz'):
        FaceModel(path)


def test_damaged_model_files_get_one_line_or_load(tmp_path):
    """Whatever byte is damaged; only in the names and the directory can it go unnoticed."""
    small = tmp_path / 'small.npz'
    with np.load(SHIPPED) as file:
        np.savez_compressed(small, **{n: file[n] for n in file.files if file[n].size < 2000})
    whole = small.read_bytes()
    path = tmp_path / 'damaged.npz'
    for place in np.random.default_rng(0).integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=r'damaged\.npz: .+; \w+') as error:
            FaceModel(path)
        assert '\n' not in str(error.value)


@pytest.mark.parametrize('content', [b'', b'PNG', b'\x89PNG\r\n\x1a\nabc', b'solid model'])
def test_a_file_of_another_kind_is_named_so(tmp_path, content):
    path = tmp_path / 'other.npz'
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as error:
        FaceModel(path)
    assert str(error.value) == (
        f'model file {path}: not a NumPy .npz file; check the path or reinstall the package'
    )


@pytest.mark.parametrize('length', [0, 10, 5000])
def test_cut_model_file_is_refused(tmp_path, length):
    path = tmp_path / 'cut.npz'
    path.write_bytes(SHIPPED.read_bytes()[:length])
    with pytest.raises(ModelFileError, match=r'cut\.npz') as error:
        FaceModel(path)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda a: a.pop('triangles'), 'no array'),
        (lambda a: a.update(mean=a['mean'][:, :2]), 'array mean'),
        (lambda a: a.update(mean=a['mean'][:-1]), 'vertices'),
        (lambda a: a.update(shape_basis=a['shape_basis'][:39]), 'array shape_basis'),
        (lambda a: a.update(shape_basis=a['shape_basis'].astype(np.float32)), 'shape_basis'),
        (lambda a: a.update(mean=np.where(a['mean'] > 0.05, np.nan, a['mean'])), 'NaN'),
        (lambda a: a.update(triangles=a['triangles'] + 1), 'triangles points outside'),
        (lambda a: a.update(format_version=np.int32(2)), 'format 2'),
        (lambda a: a.update(mean=a['mean'].astype(np.float64)), 'mean is float64'),
        (lambda a: a.update(shape_basis=a['shape_basis'].astype(np.int32)), 'basis is int32'),
        (lambda a: a.update(triangles=a['triangles'].astype(np.int64)), 'triangles is int64'),
        (lambda a: a.update(colors=a['colors'].astype(np.uint16)), 'colors is uint16'),
        (lambda a: a.update(uv=a['uv'].astype(np.float64)), 'uv is float64'),
        (lambda a: a.update(triangles=a['triangles'][:0]), 'triangles is empty'),
        (lambda a: a.update(triangles=-1 - a['triangles']), 'triangles points outside'),
        (lambda a: a.update(mirror=a['mirror'] + 1), 'mirror points outside'),
        (lambda a: a.update(eye_mask=np.zeros_like(a['eye_mask'])), 'no eyes to measure'),
        (lambda a: a.update(eye_mask=a['mean'][:, 0] > 0.02), 'no eyes to measure'),
        (lambda a: a['landmarks_468_mirror'].put(0, 9999), 'mirror is no permutation'),
        (lambda a: a['landmarks_468_mirror'].put(0, -1), 'mirror is no permutation'),
        (lambda a: a['landmarks_68_vertices'].put(0, 10**6), '68_vertices points outside'),
        (lambda a: a.update(landmarks_68_weights=a['landmarks_68_weights'] * 2), 'add up to 1'),
        (lambda a: a['shape_step'].put(3, 0.0), 'not positive'),
        (lambda a: a['expression_step'].put(3, np.inf), 'expression_step holds NaN or inf'),
    ],
)
def test_model_file_of_another_make_is_refused(tmp_path, change, message):
    with np.load(SHIPPED) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(tmp_path / 'other.npz', **arrays)
    with pytest.raises(ModelFileError, match=message) as error:
        FaceModel(tmp_path / 'other.npz')
    assert '\n' not in str(error.value)


def test_the_mesh_of_a_shape_is_that_of_its_vertices():
    model, indices = FaceModel(), np.arange(0, 38400, 400)
    shape = np.linspace(-2, 2, 40)
    some = model.vertices(indices)
    expected = some.mean + some.basis[..., :40] @ shape
    np.testing.assert_allclose(
        model.vertices(blendshapes={}, shape=shape)[indices], expected, atol=1e-6)
