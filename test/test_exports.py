# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import cv2
import numpy as np
import pytest

from face_recon_ros import cli
from face_recon_ros.errors import FaceReconError
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.rendering import exports
from face_recon_ros.rendering.texture import completed_colors, sample_colors
from face_recon_ros.rendering.views import FaceViews


@pytest.fixture(scope='module')
def scene(portrait):
    pipeline = Pipeline()
    (face,) = pipeline.detect(portrait)
    return FaceViews(pipeline.model), face


def read_ply(path):
    header, body = path.read_bytes().split(b'end_header\n', 1)
    counts = [int(line.split()[2]) for line in header.split(b'\n') if line.startswith(b'element')]
    vertex = np.dtype([('xyz', '<f4', 3), ('rgb', 'u1', 3)])
    triangle = np.dtype([('count', 'u1'), ('indices', '<i4', 3)])
    vertices = np.frombuffer(body, vertex, counts[0])
    return vertices, np.frombuffer(body, triangle, counts[1], offset=vertices.nbytes)


def test_ply_holds_the_mesh_in_metres(scene, portrait, model, tmp_path):
    views, face = scene
    exports.write_ply(tmp_path / 'face.ply', exports.face_mesh(views, portrait, face))
    vertices, triangles = read_ply(tmp_path / 'face.ply')
    np.testing.assert_array_equal(triangles['indices'], model.triangles)
    assert (triangles['count'] == 3).all()
    in_camera = vertices['xyz'] * [1, -1, -1]  # y up and z to the viewer there
    np.testing.assert_allclose(in_camera, views.vertices_m(face), atol=1e-5)
    # a head is about as large as a head, and where the pose says
    assert 0.15 < np.ptp(in_camera[:, 1]) < 0.3
    assert np.linalg.norm(in_camera - face.pose.translation_m, axis=1).min() < 0.005


def test_obj_holds_the_same(scene, portrait, model, tmp_path):
    views, face = scene
    mesh = exports.face_mesh(views, portrait, face)
    exports.write_obj(tmp_path / 'face.obj', mesh)
    lines = (tmp_path / 'face.obj').read_text().splitlines()
    vertices = np.array([line.split()[1:] for line in lines if line.startswith('v ')], float)
    faces = np.array([line.split()[1:] for line in lines if line.startswith('f ')], int)
    np.testing.assert_allclose(vertices[:, :3], mesh.vertices_m, atol=1e-6)
    np.testing.assert_allclose(vertices[:, 3:] * 255, mesh.colors[:, ::-1], atol=0.1)
    np.testing.assert_array_equal(faces - 1, model.triangles)


def test_vertices_lie_where_the_landmarks_do(scene, model):
    views, face = scene
    vertices_m = views.vertices_m(face)
    for index in (30, 8, 36, 45):
        nearest = np.linalg.norm(vertices_m - face.landmarks_m[index], axis=1).min()
        assert nearest < 0.002


def test_colors_are_the_photos(scene, portrait):
    views, face = scene
    colors = views.colors(portrait, face)
    seen = views.visible(portrait.shape[:2], face)
    # in front of a line between the ears, which the outline is far from
    seen &= np.abs(views.model.mean[:, 0]) < 0.04
    assert seen.mean() > 0.4
    pixels = views.dense_px(face)[seen, :2].round().astype(int)
    assert np.abs(colors[seen].astype(int) - portrait[pixels[:, 1], pixels[:, 0]]).mean() < 6


def test_what_lies_behind_the_outline_colors_no_face(scene, portrait):
    views, face = scene
    shown = portrait.copy()
    inside = np.isfinite(views.depth_m(portrait.shape[:2], [face])).astype(np.uint8)
    # the outline is found a little too wide, as it is where hair is in front of it
    inside = cv2.erode(inside, np.ones((7, 7), np.uint8))
    shown[inside == 0] = (0, 255, 0)
    colors = views.colors(shown, face).astype(int)
    green = (colors[:, 1] > 1.5 * colors[:, 0]) & (colors[:, 1] > 1.5 * colors[:, 2])
    assert green.mean() < 0.06


def test_the_far_side_of_a_turned_face_is_that_of_its_mirror_image():
    sampled = np.array([[10, 20, 30], [110, 120, 130], [90, 90, 90], [200, 0, 0]], np.uint8)
    own = np.full((4, 3), 50, np.uint8)
    mirror = np.array([1, 0, 2, 3])
    trust = np.array([0, 1, 1, 0], np.float32)
    found = completed_colors(sampled, trust, mirror, own)
    np.testing.assert_array_equal(found[:3], [[110, 120, 130], [110, 120, 130], [90, 90, 90]])
    # nobody sees it: the model's 50 in the tone of what is seen, 100, 105, 110
    np.testing.assert_array_equal(found[3], [100, 105, 110])
    half = completed_colors(sampled, np.array([0, 1, 0.5, 0], np.float32), mirror, own)
    assert 90 < half[2, 0] < 110
    none = completed_colors(sampled, np.zeros(4, np.float32), mirror, own)
    np.testing.assert_array_equal(none, own)


def test_depth_png_has_the_stated_scale(scene, portrait, tmp_path):
    views, face = scene
    depth_m = views.depth_m(portrait.shape[:2], [face])
    exports.write_depth_png(tmp_path / 'd.png', depth_m)
    steps = cv2.imread(str(tmp_path / 'd.png'), cv2.IMREAD_UNCHANGED)
    assert steps.dtype == np.uint16
    seen = np.isfinite(depth_m)
    np.testing.assert_array_equal(steps > 0, seen)
    np.testing.assert_allclose(steps[seen] * 1e-4, depth_m[seen], atol=6e-5)


def test_depth_beyond_the_range_of_the_png_is_unknown(tmp_path):
    depth_m = np.array([[6.5535, 6.5536, 70.0, np.nan, np.inf, 0.5]], np.float32)
    exports.write_depth_png(tmp_path / 'd.png', depth_m)
    steps = cv2.imread(str(tmp_path / 'd.png'), cv2.IMREAD_UNCHANGED)
    assert steps.tolist() == [[65535, 0, 0, 0, 0, 5000]]


def test_colors_of_a_very_wide_image_are_those_of_its_part(portrait):
    points = np.random.default_rng(2).uniform(-20, 530, (500, 2)).astype(np.float32)
    wide = np.zeros((512, 40_000, 3), np.uint8)
    wide[:, 39_488:] = portrait
    expected = sample_colors(portrait, points).astype(int)
    inside = points[:, 0] >= 0
    found = sample_colors(wide, points + np.float32([39_488, 0])).astype(int)
    assert np.abs(found - expected)[inside].max() <= 4
    assert np.abs(found - expected)[inside].mean() < 0.5


def test_texture_is_a_face_laid_flat(scene, portrait, tmp_path):
    views, face = scene
    exports.write_texture(tmp_path / 't.png', views, portrait, face)
    texture = cv2.imread(str(tmp_path / 't.png'))
    painted = texture.any(axis=2)
    assert painted.mean() > 0.5
    # its middle is skin, as the photo's cheek is
    x, y = face.landmarks_px[[31, 41], :2].mean(axis=0).round().astype(int)
    middle = texture[480:540, 500:524].reshape(-1, 3).mean(axis=0)
    assert np.abs(middle - portrait[y, x]).max() < 70


def test_command_line_writes_every_export(portrait, tmp_path):
    photo = tmp_path / 'p.png'
    cv2.imwrite(str(photo), portrait)
    kinds = list(exports.EXPORTS)
    assert cli.main(
        ['image', str(photo), '--out', str(tmp_path / 'out'), '--export', *kinds]
    ) == 0
    names = sorted(p.name for p in (tmp_path / 'out').iterdir())
    assert names == sorted(f'p_face1{ending}' for ending, _ in exports.EXPORTS.values())
    np.testing.assert_array_equal(
        np.isfinite(np.load(tmp_path / 'out' / 'p_face1_depth.npy')),
        cv2.imread(str(tmp_path / 'out' / 'p_face1_depth.png'), cv2.IMREAD_UNCHANGED) > 0,
    )


def test_unwritable_file_is_named(scene, portrait, tmp_path):
    views, face = scene
    mesh = exports.face_mesh(views, portrait, face)
    for write in (exports.write_ply, exports.write_obj):
        with pytest.raises(FaceReconError, match=r'nowhere.*--out'):
            write(tmp_path / 'nowhere' / 'mesh', mesh)
