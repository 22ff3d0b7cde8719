# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the face model's vertices lie on the ICT head: the file, and what it does to faces."""

from pathlib import Path

import numpy as np
import pytest

from model_building.face_model import ict_correspondence as ict
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.ict_model import IctModel

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def arrays():
    with np.load(ROOT / 'models' / 'face_model.npz') as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope='module')
def found():
    return ict.IctCorrespondence.load()


@pytest.fixture(scope='module')
def faces(arrays, found):
    folder = ROOT.parent / 'shared' / 'data' / 'ict_face_model_light'
    if not folder.is_dir():
        pytest.skip('needs the ICT face model in ../shared, which is not here')
    return ict.IctFaces(IctModel.load(folder), arrays['triangles'], found)


def landmarks(arrays, points, count):
    return np.einsum('lc,lcx->lx', arrays[f'landmarks_{count}_weights'],
                     points[arrays[f'landmarks_{count}_vertices']])


def turn_deg(source, target):
    """Angle of the rotation that lays one set of points onto the other (Kabsch)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, _, vt = np.linalg.svd(b.T @ a)
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))


def test_file_has_a_place_for_every_vertex(arrays, found):
    assert found.corners.shape == found.weights.shape == found.neutral.shape == (38400, 3)
    placed = (found.kind == 0) | (found.kind == 3)
    np.testing.assert_allclose(found.weights[placed].sum(axis=1), 1, atol=1e-6)
    assert found.weights.min() >= 0
    np.testing.assert_array_equal(found.kind == 3, arrays['eye_mask'])
    assert 30000 < (found.kind == 0).sum() < 36000


def test_file_is_symmetric(arrays, found):
    mirror = arrays['mirror']
    np.testing.assert_allclose(found.neutral[mirror] * [-1, 1, 1], found.neutral, atol=1e-4)
    np.testing.assert_array_equal(found.kind[mirror], found.kind)


def test_file_axes(found):
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(found.rotation[0], [1, 0, 0])


def test_no_triangle_of_the_registered_face_is_turned_over(arrays, found):
    """On the whole the registered face is bent, not folded, against the mean face."""
    skin = found.kind == 0
    triangles = arrays['triangles'][skin[arrays['triangles']].all(axis=1)]

    def normals(points):
        a, b, c = points[triangles[:, 0]], points[triangles[:, 1]], points[triangles[:, 2]]
        cross = np.cross(b - a, c - a)
        return cross / np.linalg.norm(cross, axis=1, keepdims=True)

    cosine = (normals(arrays['mean'].astype(float)) * normals(found.neutral.astype(float))).sum(1)
    assert (cosine < 0).sum() <= 0.005 * len(triangles)


def test_missing_file_is_one_line(tmp_path):
    with pytest.raises(ModelBuildingError, match='make it anew: python -m model_building'):
        ict.IctCorrespondence.load(tmp_path / 'none.npz')


def test_same_bytes_again(found, tmp_path):
    found.save(tmp_path / 'again.npz')
    assert (tmp_path / 'again.npz').read_bytes() == ict.FILE.read_bytes()


def test_neutral_face_looks_the_same_way_as_the_model(arrays, faces):
    assert turn_deg(landmarks(arrays, faces.neutral, 468),
                    landmarks(arrays, arrays['mean'].astype(float), 468)) < 0.5


def test_skin_lies_on_the_ict_head(faces, found):
    """Weights and neutral are found together: the skin is where its triangle is."""
    distance_mm = 1e3 * ict.distances_m(faces._model, found)
    assert len(distance_mm) == (found.kind == 0).sum()
    assert distance_mm.mean() < 0.2
    assert np.percentile(distance_mm, 95) < 1.0


def test_corners_of_eyes_and_mouth_are_those_of_the_ict_head(arrays, faces):
    model = faces._model
    theirs = (model.neutral[model.landmarks_68] - faces._found.origin) @ faces._found.rotation.T
    own = landmarks(arrays, faces.neutral, 68)
    distance_mm = 1e3 * np.linalg.norm(own - theirs, axis=1)
    # canthi, tip of the nose, corners and middle of the lips
    assert distance_mm[[36, 39, 42, 45]].max() < 2
    assert distance_mm[[30, 48, 54, 51, 57]].max() < 1


def test_identity_of_zero_is_the_neutral_face(faces):
    np.testing.assert_allclose(faces.points(np.zeros(100)), faces.neutral, atol=1e-9)


def test_people_differ_symmetrically_and_by_millimetres(arrays, faces):
    one = faces.points(np.array([1.0]))
    assert 2e-3 < np.linalg.norm(one - faces.neutral, axis=1).max() < 3e-2
    np.testing.assert_allclose(one[arrays['mirror']] * [-1, 1, 1], one, atol=1e-3)


def lid_gap(arrays, points):
    """Height between upper and lower lid of the right eye, the person's, metres."""
    place = landmarks(arrays, points, 468)
    return place[159, 1] - place[145, 1]


def test_blink_closes_the_eye_of_its_side(arrays, faces):
    neutral = lid_gap(arrays, faces.neutral)
    blink = faces.points(np.zeros(1), {'eyeBlink_R': 1.0})
    other = faces.points(np.zeros(1), {'eyeBlink_L': 1.0})
    assert lid_gap(arrays, blink) < 0.2 * neutral
    assert abs(lid_gap(arrays, other) - neutral) < 0.02 * neutral
    np.testing.assert_allclose(blink[arrays['eye_mask']], faces.neutral[arrays['eye_mask']],
                               atol=2e-4)


def test_open_jaw_parts_the_lips(arrays, faces):
    moved = (landmarks(arrays, faces.points(np.zeros(1), {'jawOpen': 1.0}), 468)
             - landmarks(arrays, faces.neutral, 468))
    assert np.linalg.norm(moved[13]) < 0.003
    assert moved[14, 1] < -0.015
    assert moved[152, 1] < -0.015
