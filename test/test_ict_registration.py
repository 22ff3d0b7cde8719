# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The steps of laying the face model onto the ICT head, on meshes with known answers."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from face_recon_ros.face_model.normals import vertex_normals
from model_building.face_model import ict_correspondence, ict_registration, surface, thin_plate


def grid(side):
    """Flat triangles over -1..1 in x and y, symmetric about x = 0, and each vertex's mirror."""
    steps = np.linspace(-1, 1, side)
    x, y = np.meshgrid(steps, steps)
    points = np.stack([x.ravel(), y.ravel(), np.zeros(side * side)], axis=1)
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1])
    left = (np.arange(side - 1) < (side - 1) // 2)[None, :, None]
    one = np.where(left, np.stack([a, b, c], -1), np.stack([a, b, d], -1))
    two = np.where(left, np.stack([a, c, d], -1), np.stack([b, c, d], -1))
    triangles = np.concatenate([one.reshape(-1, 3), two.reshape(-1, 3)])
    return points, triangles, index[:, ::-1].ravel()


def lattice(side):
    """Flat equilateral triangles with edges of one."""
    row, column = np.meshgrid(np.arange(side), np.arange(side), indexing='ij')
    points = np.stack([column + row / 2, row * np.sqrt(0.75), 0 * row], axis=-1).reshape(-1, 3)
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return points, np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3),
                                   np.stack([b, d, c], -1).reshape(-1, 3)])


def test_plates_resist_bending_not_moving_or_tilting():
    points, triangles = lattice(9)
    energy, area = thin_plate.thin_plate(points, triangles)
    assert area.sum() == pytest.approx(64 * np.sqrt(0.75))
    np.testing.assert_allclose(energy @ np.ones(len(points)), 0, atol=1e-9)
    row, column = np.divmod(np.arange(len(points)), 9)
    deep = (np.abs(row - 4) <= 2) & (np.abs(column - 4) <= 2)
    tilted, bent = points[:, 0] + 2 * points[:, 1], points[:, 0] ** 2
    np.testing.assert_allclose((energy @ tilted)[deep], 0, atol=1e-9)
    # Of x^2 the Laplacian is 2 everywhere: no bending force inside, but energy.
    np.testing.assert_allclose((energy @ bent)[deep], 0, atol=1e-9)
    assert bent @ energy @ bent > 2 ** 2 * area[deep].sum()


def test_half_the_unknowns_give_the_whole_symmetric_answer():
    points, triangles, mirror = grid(7)
    energy, area = thin_plate.thin_plate(points, triangles)
    system = sparse.csc_array(0.1 * energy + sparse.diags(area))
    rng = np.random.default_rng(5)
    pull = rng.standard_normal((len(points), 3))
    pull = (pull + pull[mirror] * [-1, 1, 1]) / 2
    halves = thin_plate.SymmetricSolver(mirror, points)
    found = halves.solve(system, pull)
    np.testing.assert_allclose(found, spsolve(system, pull), atol=1e-9)
    np.testing.assert_allclose(found[mirror] * [-1, 1, 1], found, atol=1e-12)


def test_surfaces_that_face_away_do_not_attract():
    """Two sheets, as lips that touch: the nearer one faces away."""
    points, triangles, _ = grid(5)
    sheets = np.concatenate([points, points + np.array([0, 0, 0.1])])
    both = np.concatenate([triangles, triangles[:, ::-1] + len(points)])
    normals = vertex_normals(sheets, both)
    finder = surface.Surface(both, len(sheets))
    target, wanted = np.array([[0.1, 0.2, 0.08]]), np.array([[0.0, 0, 1]])
    np.testing.assert_allclose(finder.closest(target, sheets).of(sheets), [[0.1, 0.2, 0.1]],
                               atol=1e-9)
    found = finder.closest(target, sheets, (wanted, normals)).of(sheets)
    np.testing.assert_allclose(found, [[0.1, 0.2, 0.0]], atol=1e-9)


def test_profile_marks_of_a_drawn_profile():
    y = np.linspace(0.05, -0.1, 1501)
    profile = ((0.0, 0.050), (-0.004, 0.035), (0.0, 0.042),   # a forehead, a nasal root
               (0.020, 0.004), (0.012, -0.010), (0.016, -0.026), (0.011, -0.033),
               (0.014, -0.040), (0.006, -0.052), (0.010, -0.065), (-0.010, -0.085))
    knots = sorted(((height, depth) for depth, height in profile))
    z = np.interp(y, [k[0] for k in knots], [k[1] for k in knots])
    points = np.stack([np.zeros_like(y), y, z], axis=1)
    found = y[ict_registration._profile_marks(points, -0.033)]
    wanted = [0.035, 0.004, -0.010, -0.026, -0.040, -0.052, -0.065]
    np.testing.assert_allclose(found[:7], wanted, atol=2e-4)
    assert found[7] < -0.065, 'the menton lies below the chin'


def test_what_is_inside_moves_as_its_surroundings_do():
    """A strip of four triangles: its two inner vertices come between the outer four."""
    triangles = np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [3, 5, 4]])
    kind = np.array([0, 0, 1, 1, 0, 0])
    spread = ict_correspondence._membrane(triangles, kind)
    np.testing.assert_allclose(spread.sum(axis=1), 1)
    moved = spread @ np.array([1.0, 1, 99, 99, 4, 4])
    # 2 has neighbours 0, 1, 3, 4; 3 has 1, 2, 4, 5: x = (6 + y) / 4, y = (9 + x) / 4
    np.testing.assert_allclose(moved, [1, 1, 11 / 5, 14 / 5, 4, 4])
