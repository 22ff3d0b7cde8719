# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The faces of an image as a sequence and as arrays; equality and selection."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from face_recon_ros import EulerAngles, Face, FaceParameters, Faces, MetricPose
from face_recon_ros.face import DistanceSource

# looks into the camera: x towards it, y to the right of the image, z up
AHEAD = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
TABLES = {
    'ids': (),
    'scores': (),
    'fit_errors': (),
    'boxes': (4,),
    'parameters': (62,),
    'landmarks_px': (68, 3),
    'landmarks_m': (68, 3),
    'rotations': (3, 3),
    'euler_deg': (3,),
    'poses': (4, 4),
    'translations_m': (3,),
    'distances_m': (),
    'pose_covariances': (6, 6),
    'gazes': (3,),
    'gaze_sigmas_rad': (),
    'eye_openness': (2,),
    'blendshapes': (52,),
    'blendshape_confidences': (52,),
    'head_scales': (),
    'rotation_sigmas_rad': (),
    'distance_sources': (),
    'speaking': (),
    'predicted': (),
}


def face(face_id, score, place=(0.0, 3.0, 4.0)):
    number = float(face_id[1:])
    return Face(
        id=face_id,
        score=score,
        fit_error=0.01 * number,
        box=np.array([number, 2.0, 30.0, 40.0]),
        parameters=FaceParameters(
            np.full((3, 4), number), np.full(40, 2 * number), np.full(10, 3 * number)
        ),
        rotation=AHEAD,
        pose=MetricPose(AHEAD, np.array(place)),
        pose_covariance=np.diag([1.0, 2, 3, 4, 5, number]),
        landmarks_px=np.full((68, 3), number),
        landmarks_m=np.full((68, 3), number / 1000),
    )


@pytest.fixture
def faces():
    other = replace(
        face('f2', 0.6, (0.0, 0.0, 2.0)), head_scale=1.1, rotation_sigma_rad=0.05,
        distance_source=DistanceSource.DEPTH, blendshape_confidence=np.full(52, 0.7),
    )  # fmt: skip
    return Faces([face('f1', 0.9), other, face('f3', 0.3)])


def test_it_is_a_sequence(faces):
    assert len(faces) == 3
    assert [f.id for f in faces] == ['f1', 'f2', 'f3']
    assert faces[0].id == 'f1'
    assert faces[-1].id == 'f3'
    assert faces[np.int64(1)].id == 'f2'
    assert faces[faces.distances_m.argmin()].id == 'f2'
    assert faces[1] in faces
    assert faces.index(faces[1]) == 1
    assert [f.id for f in reversed(faces)] == ['f3', 'f2', 'f1']
    with pytest.raises(IndexError):
        faces[3]


def test_the_table(faces):
    assert faces.ids.tolist() == ['f1', 'f2', 'f3']
    assert faces.scores.tolist() == [0.9, 0.6, 0.3]
    assert faces.boxes.tolist()[1] == [2, 2, 30, 40]
    assert faces.parameters[2].tolist() == [3] * 12 + [6] * 40 + [9] * 10
    assert faces.distances_m.tolist() == [5, 2, 5]
    assert faces.translations_m[1].tolist() == [0, 0, 2]
    assert faces.poses[1].tolist() == [
        [0, 1, 0, 0], [0, 0, -1, 0], [-1, 0, 0, 2], [0, 0, 0, 1]
    ]  # fmt: skip
    np.testing.assert_allclose(faces.euler_deg, np.zeros((3, 3)), atol=1e-9)
    assert faces.landmarks_m[1, 67, 2] == 0.002
    assert faces.head_scales.tolist() == [1, 1.1, 1]
    assert faces.distance_sources.tolist() == [0, 2, 0]
    np.testing.assert_array_equal(faces.rotation_sigmas_rad, [np.nan, 0.05, np.nan])
    assert faces.blendshape_confidences[:, 51].tolist() == [0, 0.7, 0]
    for name, shape in TABLES.items():
        assert getattr(faces, name).shape == (3, *shape), name


@pytest.mark.parametrize('name', TABLES)
def test_nobody_has_arrays_of_the_right_shape(name):
    table = getattr(Faces(), name)
    assert table.shape == (0, *TABLES[name])
    kinds = {'ids': 'U', 'predicted': 'b', 'distance_sources': 'i'}
    assert table.dtype.kind == kinds.get(name, 'f')


def test_every_table_is_tried_here():
    properties = {n for n, v in vars(Faces).items() if isinstance(v, property)}
    assert properties == set(TABLES)


@pytest.mark.parametrize(
    ('select', 'ids'),
    [
        (lambda f: f[:2], ['f1', 'f2']),
        (lambda f: f[::-1], ['f3', 'f2', 'f1']),
        (lambda f: f[f.scores > 0.5], ['f1', 'f2']),
        (lambda f: f[f.ids == 'f2'], ['f2']),
        (lambda f: f[[True, False, True]], ['f1', 'f3']),
        (lambda f: f[[2, 0]], ['f3', 'f1']),
        (lambda f: f[np.array([-1])], ['f3']),
        (lambda f: f[f.distances_m.argsort(kind='stable')], ['f2', 'f1', 'f3']),
        (lambda f: f[[]], []),
        (lambda f: f[f.scores > 2], []),
    ],
)
def test_selection_gives_faces(faces, select, ids):
    chosen = select(faces)
    assert isinstance(chosen, Faces)
    assert chosen.ids.tolist() == ids


def test_nobody_can_be_selected_from():
    nobody = Faces()
    assert nobody[nobody.scores > 0.5] == nobody
    assert nobody[:3] == nobody


@pytest.mark.parametrize('mask', [[True], [True] * 4, np.ones((3, 1), bool), True])
def test_a_mask_of_another_shape_is_refused(faces, mask):
    with pytest.raises(IndexError, match='for 3 faces; give one boolean each'):
        faces[mask]


@pytest.mark.parametrize('index', [0.0, [0.5], 'f1', ['f1'], None, [[0, 1]]])
def test_what_selects_nothing_is_refused(faces, index):
    with pytest.raises(TypeError, match='faces are selected by'):
        faces[index]


def test_an_index_beyond_the_end_is_refused(faces):
    with pytest.raises(IndexError):
        faces[[0, 3]]


def test_equal_by_value(faces):
    again = pickle.loads(pickle.dumps(faces))
    assert again == faces
    assert copy.deepcopy(faces) == faces
    assert hash(again) == hash(faces)
    assert faces == list(faces)
    assert list(faces) == faces
    assert faces == tuple(faces)
    assert faces != faces[:2]
    assert faces != faces[::-1]
    assert faces != 'f1'
    assert Faces() == []
    assert not Faces()


def test_a_table_is_a_copy(faces):
    faces.boxes[:] = 0
    assert faces.boxes[0].tolist() == [1, 2, 30, 40]


def test_what_is_printed_says_who_is_there(faces):
    assert repr(faces[:1]) == 'Faces([f1 at 5.00 m, score 0.90])'
    assert repr(Faces()) == 'Faces([])'


def test_what_follows_from_a_face(faces):
    assert faces[1].distance_m == 2
    assert faces[1].angles == EulerAngles.from_rotation(AHEAD)
