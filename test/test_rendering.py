# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The renderer and the decoder against a plain reference, and what they promise of bad input."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from face_recon_ros.face_model.dense_decoder import Decoder
from face_recon_ros.rendering import renderer as rendering

# Helpers beside the tests are not importable by themselves: pytest runs in importlib mode.
sys.path.insert(0, str(Path(__file__).parent))

from reference_renderer import rasterise, shade, vertex_light

RNG_SEED = 20240607
PLANE = np.array([0.0, 0.0, -0.001, 1.0], np.float32)


def grid_triangles(rows: int, columns: int, *, closed: bool = False) -> np.ndarray:
    """Two triangles a cell, counter-clockwise seen with y down along rows; wraps if closed."""
    triangles = []
    for i in range(rows - 1):
        for j in range(columns if closed else columns - 1):
            k = (j + 1) % columns
            a, b, c, d = i * columns + j, i * columns + k, (i + 1) * columns + j, 0
            d = (i + 1) * columns + k
            triangles += [(a, c, b), (b, c, d)]
    return np.array(triangles, np.int32)


def head(rows: int = 40, columns: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Triangles and unit vertices (y down) of an egg with a nose, closed around."""
    polar = np.linspace(0.02, np.pi - 0.02, rows)[:, np.newaxis]
    # Columns run with x when seen from the front (z towards the viewer).
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)[np.newaxis] - np.pi
    radius = 1 + 0.25 * np.exp(-((polar - 1.7) ** 2) * 30 - around**2 * 30)
    x = 0.75 * radius * np.sin(polar) * np.sin(around)
    z = 0.9 * radius * np.sin(polar) * np.cos(around)
    y = -np.cos(polar) + 0 * around
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    return grid_triangles(rows, columns, closed=True), vertices.astype(np.float32)


def placed(vertices: np.ndarray, radius: float, x: float, y: float, z: float = 0) -> np.ndarray:
    return (vertices * radius + (x, y, z)).astype(np.float32)


@pytest.fixture(scope='module')
def rng() -> np.random.Generator:
    return np.random.default_rng(RNG_SEED)


def exact_depth(picture, plane=PLANE) -> np.ndarray:
    depth = -picture.nearness
    depth[~picture.mask] = np.nan
    return depth


def test_depth_and_coverage_equal_the_reference():
    triangles, unit = head()
    vertices = placed(unit, 30.3, 39.7, 31.2)
    expected = rasterise(triangles, vertices, (70, 80), -(vertices[:, 2] * PLANE[2] + 1.0))
    depth = rendering.Renderer(triangles).depth(vertices, (70, 80), PLANE)
    assert expected.mask.sum() > 2000
    np.testing.assert_array_equal(np.isfinite(depth), expected.mask)
    np.testing.assert_allclose(depth, exact_depth(expected), atol=2e-5)


def test_random_triangle_soup_equals_the_reference(rng):
    vertices = (rng.random((300, 3)) * (60, 50, 40) - (10, 10, 0)).astype(np.float32)
    vertices[::7] = np.round(vertices[::7])  # centres of pixels lie on edges and corners
    triangles = rng.integers(0, 300, (120, 3)).astype(np.int32)
    expected = rasterise(triangles, vertices, (33, 41), vertices[:, 2])
    depth = rendering.Renderer(triangles).depth(
        vertices, (33, 41), np.array([0, 0, -1, 0], np.float32)
    )
    np.testing.assert_array_equal(np.isfinite(depth), expected.mask)
    np.testing.assert_allclose(
        -depth, np.where(expected.mask, expected.nearness, np.nan), atol=0.02
    )


@pytest.mark.parametrize('shift', [0.0, 0.25, 0.5, 7 / 16])
def test_a_mesh_without_overlap_covers_every_pixel_once(shift, rng):
    # A plane of jittered triangles: no hole, no pixel painted twice, whatever the edges hit.
    rows, columns = 12, 15
    triangles = grid_triangles(rows, columns)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    jitter = rng.integers(-3, 4, (2, rows, columns)) / 16 * (0 if shift == 0.0 else 1)
    vertices = np.stack([2 * x + jitter[0], 2 * y + jitter[1], 0 * x + 5], axis=-1)
    vertices = (vertices + np.array([shift, shift, 0])).reshape(-1, 3).astype(np.float32)
    picture = rasterise(triangles, vertices, (32, 36), vertices[:, 2])
    assert max(len(owners) for owners in picture.covered_by) == 1
    renderer = rendering.Renderer(triangles)
    mask = np.isfinite(renderer.depth(vertices, (32, 36), PLANE))
    np.testing.assert_array_equal(mask, picture.mask)
    inside = np.s_[2 : 2 * rows - 4, 2 : 2 * columns - 4]
    assert mask[inside].all()


def test_top_left_rule():
    # A square with corners on pixel centres owns its top and left edges only.
    vertices = np.array([[2, 3, 0], [6, 3, 0], [2, 8, 0], [6, 8, 0]], np.float32)
    depth = rendering.Renderer(grid_triangles(2, 2)).depth(vertices, (12, 12), PLANE)
    expected = np.zeros((12, 12), bool)
    expected[3:8, 2:6] = True
    np.testing.assert_array_equal(np.isfinite(depth), expected)


def test_front_faces_are_counter_clockwise_on_the_screen():
    # Top left, bottom left, bottom right: counter-clockwise for a viewer.
    vertices = np.array([[1, 1, 0], [1, 9, 0], [9, 9, 0]], np.float32)
    seen = rendering.Renderer(np.array([[0, 1, 2]], np.int32))
    unseen = rendering.Renderer(np.array([[0, 2, 1]], np.int32))
    assert np.isfinite(seen.depth(vertices, (10, 10), PLANE)).any()
    assert not np.isfinite(unseen.depth(vertices, (10, 10), PLANE)).any()


def test_shading_follows_the_reference():
    triangles, unit = head(80, 96)
    vertices = placed(unit, 30, 40, 35)
    shading = rendering.DEFAULT_SHADING
    picture = rasterise(triangles, vertices, (70, 80), vertices[:, 2])
    light = vertex_light(
        triangles, vertices, shading.light, shading.ambient, shading.diffuse, shading.specular
    )
    color = np.array([90, 120, 200])
    expected = shade(color, picture.interpolate(light))
    image = np.zeros((70, 80, 3), np.uint8)
    rendering.Renderer(triangles).render(vertices, image, colors=(90, 120, 200))
    difference = np.abs(image - expected)[picture.mask]
    assert difference.mean() < 1.0
    assert np.percentile(difference, 99) < 6
    assert not image[~picture.mask].any()


def test_opacity_blends_and_zero_leaves_the_image():
    triangles, unit = head()
    vertices = placed(unit, 20, 30, 25)
    renderer = rendering.Renderer(triangles)
    under = np.random.default_rng(1).integers(0, 255, (50, 60, 3)).astype(np.uint8)
    opaque = renderer.render(vertices, under.copy())
    half = renderer.render(vertices, under.copy(), opacity=0.5)
    assert np.abs(half.astype(int) - (under.astype(int) + opaque) / 2).max() <= 1
    np.testing.assert_array_equal(renderer.render(vertices, under.copy(), opacity=0.0), under)
    assert (opaque != under).any()


def test_render_draws_in_place_and_returns_the_image():
    triangles, unit = head(10, 12)
    image = np.zeros((20, 20, 3), np.uint8)
    result = rendering.Renderer(triangles).render(placed(unit, 8, 10, 10), image)
    assert result is image
    assert image.any()


def test_vertex_colors_and_pncc_interpolate():
    triangles, unit = head()
    vertices = placed(unit, 30, 40, 35)
    codes = rendering.normalised_coordinate_code(unit)
    picture = rasterise(triangles, vertices, (70, 80), vertices[:, 2])
    expected = picture.interpolate(codes)
    renderer = rendering.Renderer(triangles)
    pncc = renderer.pncc(vertices, (70, 80), codes)
    assert np.abs(pncc - expected)[picture.mask].max() <= 1.0
    assert not pncc[~picture.mask].any()
    # Full ambient light and nothing else shows the colours themselves.
    image = np.zeros((70, 80, 3), np.uint8)
    flat = rendering.Shading(ambient=1.0, diffuse=0.0, specular=0.0)
    renderer.render(vertices, image, colors=codes, shading=flat)
    assert np.abs(image.astype(int) - pncc.astype(int)).max() <= 1


def test_colors_of_several_faces_and_one_color_under_light():
    # One face in colours of its own, one in the common colour, one behind both.
    triangles, unit = head()
    places = [(30, 40, 45, 0), (25, 92, 50, 10), (40, 66, 48, -300)]
    vertices = [placed(unit, r, x, y, z=z) for r, x, y, z in places]
    codes = rendering.normalised_coordinate_code(unit)
    common = np.array([200, 40, 90], np.uint8)
    colors = [codes, np.tile(common, (len(unit), 1)), codes[::-1]]
    stacked = np.concatenate(vertices)
    shifts = len(unit) * np.arange(3)
    together = np.concatenate([triangles + shift for shift in shifts])
    picture = rasterise(together, stacked, (96, 140), stacked[:, 2])
    shading = rendering.DEFAULT_SHADING
    light = np.concatenate(
        [
            vertex_light(
                triangles, v, shading.light, shading.ambient, shading.diffuse, shading.specular
            )
            for v in vertices
        ]
    )
    expected = shade(picture.interpolate(np.concatenate(colors)), picture.interpolate(light))
    image = np.zeros((96, 140, 3), np.uint8)
    given = [codes, (200, 40, 90), codes[::-1]]
    faces = [rendering.PlacedMesh(v, None, c) for v, c in zip(vertices, given, strict=True)]
    rendering.Renderer(triangles).draw(faces, (96, 140), image=image)
    difference = np.abs(image - expected)[picture.mask]
    assert difference.mean() < 1.0
    assert np.percentile(difference, 99) < 8
    assert not image[~picture.mask].any()


@pytest.mark.parametrize('radius', [9.7, 60.2, 400.0])
def test_colors_and_pncc_are_those_of_the_exact_way(radius):
    # A triangle with a vertex that cannot be drawn takes the exact way and changes nothing else.
    triangles, unit = head(160, 170)
    vertices = placed(unit, radius, 160.3, 120.7)
    codes = rendering.normalised_coordinate_code(unit)
    last = len(unit)
    with_bad = np.vstack([triangles, [[last, last, 0]]]).astype(np.int32)
    pictures = []
    for mesh, points, values in [
        (triangles, vertices, codes),
        (
            with_bad,
            np.vstack([vertices, [[np.nan, 0, 0]]]).astype(np.float32),
            np.vstack([codes, codes[:1]]),
        ),
    ]:
        image = np.full((240, 320, 3), 99, np.uint8)
        pncc = np.empty((240, 320, 3), np.uint8)
        rendering.Renderer(mesh).draw(
            [rendering.PlacedMesh(points, PLANE, values)],
            (240, 320),
            image=image,
            pncc=pncc,
            pncc_codes=values,
            opacity=0.8,
        )
        pictures.append((image.astype(int), pncc.astype(int)))
    for fast, exact in zip(*pictures, strict=True):
        difference = np.abs(fast - exact)
        assert difference.mean() < 0.3
        assert difference.max() <= 2
    np.testing.assert_array_equal(pictures[0][1] == 0, pictures[1][1] == 0)


def test_nearer_face_hides_the_farther_whatever_the_order():
    triangles, unit = head(20, 24)
    near = placed(unit, 15, 22, 25, z=0)
    far = placed(unit, 15, 36, 25, z=500)  # larger z, yet farther by its plane
    faces = [
        (near, np.array([0, 0, -0.001, 0.5], np.float32)),
        (far, np.array([0, 0, -0.001, 2.5], np.float32)),
    ]
    renderer = rendering.Renderer(triangles)
    alone = [renderer.depth(vertices, (50, 60), plane) for vertices, plane in faces]
    both = np.fmin(*alone)
    overlap = np.isfinite(alone[0]) & np.isfinite(alone[1])
    assert overlap.any()
    for order in (faces, faces[::-1]):
        depth = np.empty((50, 60), np.float32)
        image = np.zeros((50, 60, 3), np.uint8)
        renderer.draw(order, (50, 60), depth=depth, image=image)
        np.testing.assert_allclose(depth, both, atol=2e-4)
        near_alone = renderer.render(near, np.zeros((50, 60, 3), np.uint8))
        np.testing.assert_array_equal(image[overlap], near_alone[overlap])


def test_depth_plane_is_affine_in_the_screen_vertex():
    triangles, unit = head()
    vertices = placed(unit, 30, 40, 35)
    plane = np.array([0.002, -0.003, -0.001, 2.0], np.float32)
    metres = vertices.astype(np.float64) @ plane[:3] + plane[3]
    picture = rasterise(triangles, vertices, (70, 80), -metres)
    depth = rendering.Renderer(triangles).depth(vertices, (70, 80), plane)
    np.testing.assert_allclose(depth, exact_depth(picture), atol=5e-5)


def test_visibility():
    triangles, unit = head()
    vertices = placed(unit, 60, 80, 70)
    renderer = rendering.Renderer(triangles)
    seen = renderer.visibility(vertices, (140, 160))
    towards_viewer = unit[:, 2] > 0.3
    away = unit[:, 2] < -0.15
    assert seen[towards_viewer].mean() > 0.99
    assert not seen[away].any()
    # Shifted half out of the image: only what is inside can be seen.
    shifted = vertices + np.array([80, 0, 0], np.float32)
    inside = shifted[:, 0] < 159.5
    assert not renderer.visibility(shifted, (140, 160))[~inside].any()
    assert renderer.visibility(shifted, (140, 160))[inside & towards_viewer].mean() > 0.98


def test_a_face_hides_the_vertices_behind_it():
    triangles, unit = head()
    vertices = placed(unit, 40, 50, 50)
    behind = placed(unit, 36, 50, 50, z=-400)
    seen = np.zeros((2, len(unit)), bool)
    rendering.Renderer(triangles).draw(
        [(behind, None), (vertices, None)], (100, 100), visibility=seen
    )
    assert seen[1].any()
    assert not seen[0].any()


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf, 1e30, -1e30, 3e9, 2**21])
@pytest.mark.parametrize('axis', [0, 1, 2])
def test_triangles_of_unusable_vertices_are_left_out(bad, axis):
    triangles, unit = head()
    vertices = placed(unit, 20, 30, 25)
    broken = vertices.copy()
    broken[100:300:3, axis] = bad
    touched = np.isin(triangles, np.arange(100, 300, 3)).any(axis=1)
    depth = rendering.Renderer(triangles).depth(broken, (50, 60), PLANE)
    kept = rasterise(triangles[~touched], vertices, (50, 60), vertices[:, 2])
    np.testing.assert_array_equal(np.isfinite(depth), kept.mask)


def test_all_nan_writes_nothing():
    triangles, unit = head(10, 12)
    image = np.full((20, 20, 3), 7, np.uint8)
    rendering.Renderer(triangles).render(np.full_like(unit, np.nan), image)
    assert (image == 7).all()


def test_far_off_screen_and_larger_than_the_screen():
    triangles, unit = head(16, 20)
    renderer = rendering.Renderer(triangles)
    assert not np.isfinite(renderer.depth(placed(unit, 50, 5000, -9000), (20, 20), PLANE)).any()
    # 200,000 px across: every pixel is inside.
    assert np.isfinite(renderer.depth(placed(unit, 1e5, 10, 10), (20, 20), PLANE)).all()


@pytest.mark.parametrize('size', [(0, 0), (0, 5), (5, 0), (1, 1), (1, 7), (7, 1)])
def test_tiny_images(size):
    triangles, unit = head(10, 12)
    renderer = rendering.Renderer(triangles)
    depth = renderer.depth(placed(unit, 9, 3, 3), size, PLANE)
    assert depth.shape == size
    assert np.isfinite(depth).all()
    image = np.zeros((*size, 3), np.uint8)
    renderer.render(placed(unit, 9, 3, 3), image)
    assert image.all()


def test_no_triangles_and_no_faces():
    renderer = rendering.Renderer(np.zeros((0, 3), np.int32))
    image = np.full((4, 4, 3), 9, np.uint8)
    renderer.render(np.zeros((0, 3), np.float32), image)
    renderer.draw([], (4, 4), image=image)
    assert (image == 9).all()


def test_pictures_are_independent_of_earlier_ones():
    triangles, unit = head()
    renderer = rendering.Renderer(triangles)
    vertices = placed(unit, 20, 30, 25)
    first = renderer.render(vertices, np.zeros((50, 60, 3), np.uint8))
    renderer.render(placed(unit, 55, 31, 20), np.zeros((90, 80, 3), np.uint8))
    again = renderer.render(vertices, np.zeros((50, 60, 3), np.uint8))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize('radius', [9.7, 35.2, 150.3, 700.0])
def test_instruction_sets_and_threads_give_the_same_picture(radius):
    triangles, unit = head(160, 170)
    vertices = placed(unit, radius, 160.3, 120.7)
    codes = rendering.normalised_coordinate_code(unit)
    outcomes = []
    ways = [(simd, threads) for simd in rendering.instruction_sets() for threads in (1, 3)]
    for simd, threads in ways:
        renderer = rendering.Renderer(triangles, simd=simd, threads=threads)
        image = np.full((240, 320, 3), 99, np.uint8)
        depth = np.empty((240, 320), np.float32)
        seen = np.empty((1, len(unit)), bool)
        renderer.draw(
            [(vertices, PLANE)], (240, 320), image=image, depth=depth, visibility=seen, opacity=0.7
        )
        pncc = renderer.pncc(vertices, (240, 320), codes)
        colored = renderer.render(vertices, image.copy(), colors=codes, opacity=0.4)
        outcomes.append((image, depth, seen, pncc, colored))
    assert 'portable' in rendering.instruction_sets()
    assert (outcomes[-1][0] != 99).any()
    for outcome in outcomes[:-1]:
        for got, expected in zip(outcome, outcomes[-1], strict=True):
            np.testing.assert_array_equal(got, expected)


def directed_edges(triangles):
    return [(t[k], t[(k + 1) % 3]) for t in triangles.tolist() for k in range(3)]


def test_a_coarser_mesh_is_the_same_surface_on_some_of_its_vertices():
    triangles, unit = head(60, 64)
    edges = set(directed_edges(triangles))
    rim = {v for a, b in edges if (b, a) not in edges for v in (a, b)}
    coarse = rendering.coarser_triangles(triangles, unit, len(unit) // 4)
    used = np.unique(coarse)
    assert len(unit) // 4 <= len(used) <= 0.3 * len(unit)
    assert rim <= set(used.tolist())
    found = directed_edges(coarse)
    assert len(set(found)) == len(found), 'two triangles on one side of an edge'
    assert {e for e in found if e[::-1] not in set(found)} == {
        e for e in edges if e[::-1] not in edges
    }
    # of a head of radius 1 the surface does not go inside, and turns nowhere
    a, b, c = (unit[coarse[:, k]] for k in range(3))
    outwards = np.einsum('ij,ij->i', np.cross(b - a, c - a), a + b + c)
    finer = np.einsum(
        'ij,ij->i',
        np.cross(
            unit[triangles[:, 1]] - unit[triangles[:, 0]],
            unit[triangles[:, 2]] - unit[triangles[:, 0]],
        ),
        unit[triangles].sum(axis=1),
    )
    assert (np.sign(outwards) == np.sign(np.median(finer))).mean() > 0.999
    assert np.linalg.norm((a + b + c) / 3, axis=1).min() > 0.9 * np.linalg.norm(
        unit[triangles].mean(axis=1), axis=1).min()  # fmt: skip


def test_a_coarser_mesh_of_everything_is_the_mesh():
    triangles, unit = head()
    np.testing.assert_array_equal(
        rendering.coarser_triangles(triangles, unit, len(unit)), triangles
    )


@pytest.mark.parametrize('wanted', [0, 1, 50])
def test_what_cannot_get_coarser_stays(wanted, rng):
    # a soup, in which vertices have no ring, and triangles that are none
    triangles = rng.integers(0, 40, (60, 3)).astype(np.int32)
    coarse = rendering.coarser_triangles(triangles, rng.random((40, 3), np.float32), wanted)
    assert 0 < len(coarse) <= 60
    assert coarse.min() >= 0
    assert coarse.max() < 40


@pytest.mark.parametrize(
    ('triangles', 'vertices', 'message'),
    [
        ([[0, 1, 4]], np.zeros((4, 3)), 'triangles: want indices of 4 vertices, got 4'),
        ([[0, -1, 2]], np.zeros((4, 3)), 'triangles: want indices'),
        ([[0, 1, 2]], np.full((4, 3), np.nan), 'vertices: want finite'),
        ([[0, 1]], np.zeros((4, 3)), 'triangles: want int32'),
        ([[0, 1, 2]], np.zeros((4, 2)), 'vertices: want float32'),
    ],
)
def test_a_coarser_mesh_of_nothing_useful_gets_one_clear_line(triangles, vertices, message):
    with pytest.raises(ValueError, match=message) as error:
        rendering.coarser_triangles(np.array(triangles, np.int32), vertices, 2)
    assert '\n' not in str(error.value)


def test_a_coarser_mesh_has_the_light_of_the_finer_one():
    triangles, unit = head(100, 110)
    vertices = placed(unit, 40, 60, 50)
    coarse = rendering.coarser_triangles(triangles, unit, len(unit) // 4)
    fine = rendering.Renderer(triangles).render(vertices, np.zeros((100, 120, 3), np.uint8))
    pictures = [
        rendering.Renderer(coarse, surface=surface).render(
            vertices, np.zeros((100, 120, 3), np.uint8)
        )
        for surface in (triangles, None)
    ]
    differences = [np.abs(p.astype(int) - fine).mean() for p in pictures]
    assert differences[0] < 0.7 * differences[1]
    with pytest.raises(ValueError, match='surface: want indices'):
        rendering.Renderer(coarse, surface=-triangles)


def test_inputs_are_left_alone():
    triangles, unit = head()
    vertices = placed(unit, 20, 30, 25)
    before = vertices.copy(), triangles.copy()
    rendering.Renderer(triangles).render(vertices, np.zeros((50, 60, 3), np.uint8))
    np.testing.assert_array_equal(vertices, before[0])
    np.testing.assert_array_equal(triangles, before[1])


TRIANGLE = np.array([[0, 1, 2]], np.int32)
POINTS = np.zeros((3, 3), np.float32)
IMAGE = np.zeros((4, 4, 3), np.uint8)


def read_only_image() -> np.ndarray:
    image = np.zeros((4, 4, 3), np.uint8)
    image.flags.writeable = False
    return image


@pytest.mark.parametrize(
    ('action', 'error', 'message'),
    [
        (
            lambda r: rendering.Renderer(np.array([[0, 1, -1]], np.int32)),
            ValueError,
            'triangles: want indices 0 to 715827881, got -1',
        ),
        (
            lambda r: rendering.Renderer(np.array([[0, 1, 2**40]])),
            ValueError,
            'triangles: want indices 0 to 2^31 - 1',
        ),
        (
            lambda r: rendering.Renderer(np.zeros((3, 2), np.int32)),
            ValueError,
            'triangles: want int32 (any, 3), got (3, 2)',
        ),
        (
            lambda r: rendering.Renderer(np.zeros((3, 3))),
            TypeError,
            'triangles: want int32 (any, 3), got dtype float64',
        ),
        (
            lambda r: rendering.Renderer('mesh'),
            TypeError,
            'triangles: want int32 (any, 3) array, got str',
        ),
        (
            lambda r: rendering.Renderer(TRIANGLE, threads=0),
            ValueError,
            'threads: want 1 to 64, got 0',
        ),
        (lambda r: rendering.Renderer(TRIANGLE, simd='sse9'), ValueError, 'simd: want '),
        (lambda r: r.render(POINTS[:2], IMAGE), ValueError, 'vertices: want at least 3 rows'),
        (
            lambda r: r.render(POINTS.astype(float), IMAGE),
            TypeError,
            'vertices: want float32 (any, 3), got dtype float64',
        ),
        (
            lambda r: r.render(POINTS[:, :2], IMAGE),
            ValueError,
            'vertices: want float32 (any, 3), got (3, 2)',
        ),
        (
            lambda r: r.render(None, IMAGE),
            TypeError,
            'vertices: want float32 (any, 3) array, got NoneType',
        ),
        (
            lambda r: r.render(POINTS, IMAGE[:, :, 0]),
            ValueError,
            'image: want uint8 (H, W, 3), got (4, 4)',
        ),
        (
            lambda r: r.render(POINTS, IMAGE.astype(np.int16)),
            TypeError,
            'image: want uint8 (4, 4, 3), got dtype int16',
        ),
        (
            lambda r: r.render(POINTS, np.zeros((4, 4, 4), np.uint8)),
            ValueError,
            'image: want uint8 (4, 4, 3), got (4, 4, 4)',
        ),
        (
            lambda r: r.render(POINTS, IMAGE[:, ::2]),
            ValueError,
            'image: want uint8 (4, 2, 3) C-contiguous',
        ),
        (
            lambda r: r.render(POINTS, read_only_image()),
            ValueError,
            'image: want a writeable array',
        ),
        (
            lambda r: r.render(POINTS, [[1]]),
            TypeError,
            'image: want uint8 (H, W, 3) array, got list',
        ),
        (
            lambda r: r.render(POINTS, IMAGE, opacity=1.5),
            ValueError,
            'opacity: want 0 to 1, got 1.5',
        ),
        (
            lambda r: r.render(POINTS, IMAGE, opacity=float('nan')),
            ValueError,
            'opacity: want 0 to 1, got nan',
        ),
        (
            lambda r: r.render(POINTS, IMAGE, colors=(1, 2)),
            ValueError,
            'colors: want (V, 3) uint8 or three',
        ),
        (
            lambda r: r.render(POINTS, IMAGE, colors=(1, 2, 300)),
            ValueError,
            'colors: want values of 0 to 255',
        ),
        (
            lambda r: r.render(POINTS, IMAGE, colors=np.zeros((2, 3), np.uint8)),
            ValueError,
            'colors: want uint8 (3, 3), got (2, 3)',
        ),
        (
            lambda r: r.render(POINTS, IMAGE, shading=rendering.Shading(light=(0, 0, 0))),
            ValueError,
            'light: want a direction',
        ),
        (
            lambda r: r.render(POINTS, IMAGE, shading=rendering.Shading(ambient=-1)),
            ValueError,
            'ambient: want 0 to 100',
        ),
        (
            lambda r: r.depth(POINTS, (4, 4), None),
            ValueError,
            'depth_plane: want float32 (4,) for a depth image',
        ),
        (
            lambda r: r.depth(POINTS, (4, 4), np.full(4, np.nan)),
            ValueError,
            'depth_plane: want finite values',
        ),
        (
            lambda r: r.depth(POINTS, (4, 4), PLANE, out=np.zeros((4, 5), np.float32)),
            ValueError,
            'depth: want float32 (4, 4), got (4, 5)',
        ),
        (
            lambda r: r.draw([(POINTS, None), (POINTS, PLANE)], (4, 4)),
            ValueError,
            'depth_plane: want one for all faces or for none',
        ),
        (
            lambda r: r.pncc(POINTS, (4, 4), np.zeros((2, 3), np.uint8)),
            ValueError,
            'pncc_codes: want at least 3 rows',
        ),
        (
            lambda r: r.draw([(POINTS, None)], (4, 4), visibility=np.zeros((1, 2), bool)),
            ValueError,
            'visibility: want at least 3 columns',
        ),
        (lambda r: r.draw([(POINTS, None)], (2**21, 0)), ValueError, 'size: want 0 to 1048576'),
    ],
)
def test_wrong_arguments_get_one_clear_line(action, error, message):
    renderer = rendering.Renderer(TRIANGLE)
    with pytest.raises(error, match=re.escape(message)) as caught:
        action(renderer)
    assert '\n' not in str(caught.value)


def small_model(rng: np.random.Generator, vertices: int) -> dict[str, np.ndarray]:
    return {
        'mean': rng.normal(0, 0.07, (vertices, 3)).astype(np.float32),
        'shape_basis': rng.integers(-32767, 32768, (40, vertices, 3)).astype(np.int16),
        'shape_step': (rng.random(40) * 2e-7).astype(np.float32),
        'expression_basis': rng.integers(-32767, 32768, (10, vertices, 3)).astype(np.int16),
        'expression_step': (rng.random(10) * 2e-7).astype(np.float32),
    }


def decoded(model: dict[str, np.ndarray], camera, shape, expression) -> np.ndarray:
    """The model in float64."""
    points = model['mean'].astype(np.float64)
    points = points + np.einsum('k,k,kva->va', shape, model['shape_step'], model['shape_basis'])
    points += np.einsum(
        'k,k,kva->va', expression, model['expression_step'], model['expression_basis']
    )
    return points @ camera[:, :3].T + camera[:, 3]


@pytest.mark.parametrize('vertices', [1, 7, 32, 1000, 1003])
def test_decoder_equals_the_formula(rng, vertices):
    model = small_model(rng, vertices)
    decoder = Decoder(**model)
    camera = rng.normal(0, 2000, (3, 4)).astype(np.float32)
    shape, expression = rng.normal(size=40), rng.normal(size=10)
    expected = decoded(model, camera, shape, expression)
    result = decoder.decode(camera, shape, expression)
    assert result.shape == (vertices, 3)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=2e-3)
    portable = Decoder(**model, simd='portable')
    np.testing.assert_array_equal(portable.decode(camera, shape, expression), result)
    out = np.empty((vertices, 3), np.float32)
    assert decoder.decode(camera, shape, expression, out=out) is out
    np.testing.assert_array_equal(out, result)


def test_decoder_of_a_mirror_symmetric_model_equals_the_formula(rng):
    # Vertex v and the last but v are mirror images; components are even or odd.
    model = small_model(rng, 101)
    flip = np.array([-1, 1, 1])
    for name in ('mean', 'shape_basis', 'expression_basis'):
        values = np.maximum(model[name], -32767)
        sign = np.where(np.arange(len(values)) % 3 == 0, -1, 1)[:, np.newaxis, np.newaxis]
        sign = 1 if name == 'mean' else sign
        mirrored = (values[..., ::-1, :] * flip * sign).astype(values.dtype)
        values[..., 51:, :] = mirrored[..., 51:, :]
        own = values[..., 50:51, :] == mirrored[..., 50:51, :]
        values[..., 50:51, :] *= own
        model[name] = np.ascontiguousarray(values)
    camera = rng.normal(0, 2000, (3, 4)).astype(np.float32)
    shape, expression = rng.normal(size=40), rng.normal(size=10)
    decoder = Decoder(**model)
    assert decoder.is_symmetric
    np.testing.assert_allclose(
        decoder.decode(camera, shape, expression),
        decoded(model, camera, shape, expression),
        atol=2e-3,
    )
    model['shape_basis'][7, 3, 1] += 1
    assert not Decoder(**model).is_symmetric


@pytest.mark.parametrize(
    ('change', 'error', 'message'),
    [
        ({'shape': np.zeros(39)}, ValueError, 'shape: want float32 (40,), got (39,)'),
        ({'shape': np.full(40, np.nan)}, ValueError, 'shape: want finite values, got nan'),
        ({'camera_matrix': np.zeros((4, 4))}, ValueError, 'camera_matrix: want float32 (3, 4)'),
        ({'out': np.zeros((7, 3))}, TypeError, 'out: want float32 (7, 3), got dtype float64'),
        (
            {'out': np.zeros((6, 3), np.float32)},
            ValueError,
            'out: want float32 (7, 3), got (6, 3)',
        ),
    ],
)
def test_decoder_refuses_wrong_arguments(rng, change, error, message):
    decoder = Decoder(**small_model(rng, 7))
    arguments = {
        'camera_matrix': np.zeros((3, 4)),
        'shape': np.zeros(40),
        'expression': np.zeros(10),
        **change,
    }
    with pytest.raises(error, match=re.escape(message)):
        decoder.decode(**arguments)


def test_decoder_refuses_a_basis_of_another_size(rng):
    model = small_model(rng, 7)
    model['expression_basis'] = model['expression_basis'][:, :6]
    with pytest.raises(ValueError, match=re.escape('expression_basis: want int16 (any, 7, 3)')):
        Decoder(**model)
