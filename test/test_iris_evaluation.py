# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Rendered irises of known width, and what the table says of them."""
import numpy as np
import pytest

from model_building.evaluation import irises
from model_building.evaluation.known_heads import Photographer, rotation_of
from model_building.network.ict_heads import Shot


def test_a_cap_lies_on_its_ball_and_faces_out():
    middle, look = np.array([0.03, -0.02, 0.6]), np.array([0.1, 0.2, -1.0])
    look = look / np.linalg.norm(look)
    points, triangles, away = irises._cap(middle, look, 0.012, 0.006)
    out = points - middle
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 0.012, atol=1e-12)
    across = out - np.outer(out @ look, look)
    np.testing.assert_allclose(np.linalg.norm(across, axis=1), away, atol=1e-12)
    assert away.max() == pytest.approx(0.006)
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    # those at the pole are no triangles
    areas = np.linalg.norm(normals, axis=1)
    large = areas > 1e-12
    assert large.mean() > 0.9
    assert (np.einsum('nx,nx->n', normals, (a + b + c) / 3 - middle)[large] > 0).all()


def row(iris_px, assumed, fused, iris):
    return irises.Row(iris_px, assumed, fused, iris)


def test_the_table_has_root_mean_squares_of_photos_that_are_measured(capsys):
    irises.report('heads', [
        row(17.0, 0.03, 0.01, 0.04), row(18.0, 0.04, 0.05, -0.03), row(30.0, 0.1, 0.1, np.nan)])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        '| heads | 12 to 16 px | 0 of 0 | | | | |',
        '| heads | 16 to 22 px | 2 of 2 | 3.5 % (mean +0.5) | 3.5 % | 3.6 % | 1 of 2 |',
        '| heads | 22 to 40 px | 0 of 1 | | | | |',
        '| heads | all | 2 of 3 | 3.5 % (mean +0.5) | 3.5 % | 3.6 % | 1 of 2 |',
    ]


def test_irises_are_as_wide_as_they_should_be(shared_data):
    """Also on a small head, and both eyes look about to the camera."""
    data = shared_data / 'data'
    photographer = Photographer(
        data / 'ict_face_model_light', data / 'portraits_congress', development=True)
    heads, rng = photographer.heads, np.random.default_rng(0)
    skin = heads.skins.plain_skin(rng)
    camera = irises.Camera(1280, 960, 1200.0, 1200.0, 639.5, 479.5)
    shot = Shot(rotation_of(0.0, 0.0, 0.0), np.array([0.0, 0.0, 0.5]), camera)
    for size, width_m in ((1.0, 0.0117), (0.8, 0.0122)):
        plain = heads.scene(size * heads.surface.neutral, skin, shot, np.random.default_rng(1))
        scene, eyes_m = irises.with_irises(heads, plain, width_m, np.random.default_rng(2))
        added = scene.points[len(plain.points):]
        colors = scene.colors[len(plain.points):]
        assert np.linalg.norm(eyes_m - shot.position_m) < 0.03
        for places, painted in zip(np.split(added, 2), np.split(colors, 2), strict=True):
            white = painted[-1]
            dark = np.abs(painted - white).max(axis=1) > 0.5 * np.abs(painted[700] - white).max()
            # from one edge to the other of what is more iris than white
            widths = np.linalg.norm(places[dark][:, None] - places[dark][None], axis=2)
            assert widths.max() == pytest.approx(width_m, abs=0.0006)
            look = (places[0] - places[-1]) @ (-places[0]) / np.linalg.norm(places[0])
            assert look > 0
