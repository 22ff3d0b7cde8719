# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from face_recon_ros.errors import ArgumentError, ImageError
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.pose import MetricPose, depth_plane, face_rotation
from face_recon_ros.rendering import overlay
from face_recon_ros.rendering.renderer import PlacedMesh, Renderer
from face_recon_ros.rendering.views import MODES, FaceViews
from face_recon_ros.rotations import OPTICAL_FROM_VIEWER, rotation_matrix


@pytest.fixture(scope='module')
def scene(portrait):
    pipeline = Pipeline()
    return FaceViews(pipeline.model), pipeline.detect(portrait)


# expressions are drawn beside it: test_expressions.py
@pytest.mark.parametrize('mode', [mode for mode in MODES if mode != 'expression'])
def test_every_mode_draws_on_the_face_and_nowhere_else(scene, portrait, mode):
    views, faces = scene
    picture = views.draw(mode, portrait.copy(), faces)
    assert picture.shape == portrait.shape
    assert picture.dtype == np.uint8
    background = np.zeros_like(portrait) if mode in ('depth', 'pncc') else portrait
    changed = (picture != background).any(axis=2)
    x0, y0, x1, y1 = faces[0].box.round().astype(int)
    assert changed[y0:y1, x0:x1].mean() > 0.01
    # axes reach furthest, labels may be wide
    margin = y1 - y0
    assert not changed[y1 + margin :].any()
    assert not changed[: max(0, y0 - margin)].any()


@pytest.mark.parametrize('mode', MODES)
def test_every_mode_draws_nothing_without_a_face(scene, portrait, mode):
    picture = scene[0].draw(mode, portrait.copy(), [])
    want = np.zeros_like(portrait) if mode in ('depth', 'pncc') else portrait
    np.testing.assert_array_equal(picture, want)


def test_mesh_covers_the_landmarks(scene, portrait):
    views, faces = scene
    drawn = (views.mesh(portrait.copy(), faces) != portrait).any(axis=2)
    inner = faces[0].landmarks_px[17:60, :2].round().astype(int)
    assert drawn[inner[:, 1], inner[:, 0]].mean() > 0.97


@pytest.mark.parametrize('height_px', [40, 90, 160, 249])
@pytest.mark.parametrize('turn', [(0.0, 0.0), (0.5, 0.3), (-0.9, -0.2), (1.3, 0.0)])
def test_nobody_sees_that_small_faces_are_drawn_on_a_coarser_mesh(scene, height_px, turn, rng):
    views, faces = scene
    (cos_yaw, cos_pitch), (sin_yaw, sin_pitch) = np.cos(turn), np.sin(turn)
    yaw = np.array([[cos_yaw, 0, sin_yaw], [0, 1, 0], [-sin_yaw, 0, cos_yaw]])
    pitch = np.array([[1, 0, 0], [0, cos_pitch, -sin_pitch], [0, sin_pitch, cos_pitch]])
    rotation = np.diag([1, -1, 1]) @ yaw @ pitch * height_px / 0.18
    parameters = FaceParameters(
        np.hstack([rotation, [[160.3], [150.7], [0.0]]]), rng.normal(size=40), rng.normal(size=10)
    )
    face = replace(faces[0], parameters=parameters)
    drawn = views.mesh(np.zeros((300, 320, 3), np.uint8), [face])
    fine = Renderer(views.model.triangles).render(
        views.model.dense_px(parameters), np.zeros((300, 320, 3), np.uint8)
    )
    mine, theirs = drawn.any(axis=2), fine.any(axis=2)
    assert (mine & theirs).sum() / (mine | theirs).sum() > 0.995
    difference = np.abs(drawn.astype(int) - fine)[mine | theirs]
    assert 0 < difference.mean() < 1.0
    assert np.percentile(difference, 99) < 10


def test_large_faces_are_drawn_on_the_whole_mesh(scene):
    views, faces = scene
    matrix = np.hstack([np.diag([1, -1, 1]) * 260 / 0.18, [[160.3], [150.7], [0.0]]])
    large = replace(faces[0], parameters=FaceParameters(matrix, np.zeros(40), np.zeros(10)))
    small = replace(large, parameters=replace(large.parameters, camera_matrix=matrix * 0.4))
    for several in ([large], [large, small]):
        drawn = views.mesh(np.zeros((300, 320, 3), np.uint8), several)
        fine = np.zeros((300, 320, 3), np.uint8)
        Renderer(views.model.triangles).draw(
            [
                PlacedMesh(
                    views.model.dense_px(f.parameters),
                    depth_plane(f.parameters, f.pose, f.head_scale),
                )
                for f in several
            ],
            (300, 320),
            image=fine,
        )
        np.testing.assert_array_equal(drawn, fine)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_depth_is_metric_and_the_nose_stands_out(scene, portrait):
    views, (face,) = scene
    depth_m = views.depth_m(portrait.shape[:2], [face])
    seen = np.isfinite(depth_m)
    distance_m = face.pose.translation_m[2]
    assert np.abs(depth_m[seen] - distance_m).max() < 0.2
    at = {}
    for index in (30, 27, 36, 45, 57):
        x, y = face.landmarks_px[index, :2].round().astype(int)
        at[index] = depth_m[y, x]
        assert at[index] == pytest.approx(face.landmarks_m[index, 2], abs=0.01)
    around = ((at[36] + at[45]) / 2 + at[57]) / 2
    assert at[30] < around - 0.01


def test_nearer_face_hides_the_farther(scene, portrait):
    """Whatever their order in the list."""
    views, (face,) = scene
    depths = [views.depth_m(portrait.shape[:2], order) for order in ([face, face], [face])]
    np.testing.assert_array_equal(*depths)


def test_axes_point_where_the_face_frame_does():
    image = np.zeros((200, 200, 3), np.uint8)
    turned = face_rotation(
        FaceParameters(
            camera_matrix(500.0, rotation_matrix([0, np.radians(-50), 0]), np.zeros(3)),
            np.zeros(40),
            np.zeros(10),
        )
    )
    overlay.draw_pose_axes(image, np.array([100.0, 100.0]), turned, 60.0)
    for axis, color in enumerate(overlay.AXIS_COLORS):
        distance = np.abs(image.astype(int) - color).sum(axis=2)
        rows, columns = np.nonzero(distance < 30)
        towards = turned[:2, axis]
        middle = np.array([columns.mean() - 100, rows.mean() - 100])
        assert middle @ towards > 0.9 * np.linalg.norm(middle) * np.linalg.norm(towards)


@pytest.mark.parametrize('bad', [np.nan, np.inf, -1e12])
def test_drawing_outside_or_of_no_number_does_no_harm(bad):
    image = np.zeros((50, 60, 3), np.uint8)
    landmarks = np.full((68, 3), 20.0)
    landmarks[5] = bad
    with np.errstate(invalid='ignore'):
        overlay.draw_landmarks(image, landmarks)
        overlay.draw_box(image, np.array([bad, 0.0, 10.0, 10.0]))
        overlay.draw_pose_axes(image, np.array([bad, 1.0]), OPTICAL_FROM_VIEWER, 10.0)


VIEWS_OF_IMAGES = {
    'mirrored': lambda image: image[:, ::-1],
    'upside down': lambda image: image[::-1],
    'RGB for BGR': lambda image: image[..., ::-1],
    'every other': lambda image: np.repeat(np.repeat(image, 2, 0), 2, 1)[::2, ::2],
    'Fortran': np.asfortranarray,
    'part': lambda image: np.pad(image, ((5, 5), (7, 7), (0, 0)))[5:-5, 7:-7],
}


@pytest.mark.parametrize('view', VIEWS_OF_IMAGES)
@pytest.mark.parametrize('mode', ['sparse', 'dense', 'pose', 'box', 'mesh'])
def test_any_view_of_an_image_is_drawn_on(scene, portrait, mode, view):
    views, faces = scene
    image = VIEWS_OF_IMAGES[view](portrait.copy())
    plain = np.ascontiguousarray(image)
    assert views.draw(mode, image, faces) is image
    np.testing.assert_array_equal(image, views.draw(mode, plain, faces))
    assert (plain != VIEWS_OF_IMAGES[view](portrait)).any()


@pytest.mark.parametrize('mode', ['sparse', 'dense', 'pose', 'box', 'mesh'])
def test_what_cannot_be_drawn_on_gets_one_clear_line(scene, portrait, mode):
    views, faces = scene
    with pytest.raises(ImageError, match=r'read-only; give a copy'):
        views.draw(mode, portrait, faces)
    with pytest.raises(ImageError, match=r'float64 \(512, 512, 3\); wants uint8'):
        views.draw(mode, portrait.astype(float), faces)


@pytest.mark.parametrize('mode', MODES)
def test_one_face_is_no_list_of_faces(scene, portrait, mode):
    views, faces = scene
    for none in (faces[0], None):
        with pytest.raises(ArgumentError, match=rf'faces is {type(none).__name__}; give a list'):
            views.draw(mode, portrait.copy(), none)
    for none in (None, 'portrait.png', np.zeros(3)):
        with pytest.raises(ImageError, match=r'wants uint8 \(height, width, 3\)'):
            views.draw(mode, none, faces)


def test_vertices_are_kept_as_long_as_the_face(scene, portrait):
    views, (face,) = scene
    again = dataclasses.replace(face)
    vertices = views.dense_px(again)
    assert views.dense_px(again) is vertices
    other = dataclasses.replace(face, score=0.123)
    dropped = weakref.ref(views.dense_px(other))
    assert dropped() is not None
    del other
    gc.collect()
    assert dropped() is None


def test_faces_of_a_stream_leave_nothing_behind(portrait):
    pipeline = Pipeline()
    views = FaceViews(pipeline.model)
    for index in range(5):
        faces = pipeline.track(portrait, stamp_s=index / 30)
        views.mesh(portrait.copy(), faces)
    del faces
    gc.collect()
    assert len(views._dense) == 0


def test_who_keeps_every_face_does_not_keep_their_vertices(scene):
    views, (face,) = scene
    faces = [dataclasses.replace(face, score=number / 100) for number in range(100)]
    before = views.dense_px(faces[0]).copy()
    kept = [weakref.ref(views.dense_px(face)) for face in faces]
    gc.collect()
    assert sum(vertices() is not None for vertices in kept) <= 32
    np.testing.assert_array_equal(views.dense_px(faces[0]), before)


@pytest.mark.parametrize('mode', ['', 'Mesh', 'wireframe', None])
def test_an_unknown_mode_gets_one_clear_line(scene, portrait, mode):
    views, faces = scene
    with pytest.raises(ArgumentError, match='use one of sparse, dense, pose, mesh, depth, pncc,'):
        views.draw(mode, portrait.copy(), faces)


def test_the_label_gives_the_range(scene, portrait, monkeypatch):
    views, (face,) = scene
    pose = MetricPose(face.pose.rotation, np.array([0.3, 0.0, 0.4]))
    labels = []
    monkeypatch.setattr(overlay, 'draw_box', lambda image, box, label: labels.append(label))
    views.box(portrait.copy(), [dataclasses.replace(face, pose=pose)])
    assert labels[0].endswith(' 0.50 m')


def test_an_angle_that_is_nearly_zero_has_no_minus():
    # a face that looks at the camera: x to it, y to the right of the image, z up
    ahead = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
    for axis in range(3):
        for angle_rad in (-0.005, 0.005):
            turn = rotation_matrix(np.eye(3)[axis] * angle_rad)
            assert overlay.angles_label(turn @ ahead) == 'yaw +0 pitch +0 roll +0'
    turn = rotation_matrix(np.array([0.0, 0.0, np.deg2rad(-20)]))
    assert overlay.angles_label(turn @ ahead) == 'yaw +0 pitch +0 roll -20'
