# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The face mesh as one sparse matrix over the vertices of MakeHuman's base mesh.

Every vertex of the face is a fixed affine mix of base vertices, so each MakeHuman target carries
over exactly. Only the half x >= 0 is cut out; the other half is its mirror image, which makes
vertices and triangles exactly symmetric. Lengths in this module are decimetres, as in the base.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from scipy import sparse
from scipy.interpolate import PchipInterpolator
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from model_building.face_model.assets import BaseMesh
from model_building.face_model.depth_buffer import rotation_yaw_pitch, visible_vertices
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.subdivision import subdivide

TARGET_VERTEX_COUNT = 38400
EYE_GROUPS = ('helper-l-eye', 'helper-r-eye')
MOUTH_GROUPS = ('helper-upper-teeth', 'helper-lower-teeth', 'helper-tongue')
HEAD_Y, HEAD_Z = 5.95, -0.1
"""Quads of the body above and in front of this are subdivided; the mask lies well inside."""
SUBDIVISION_LEVELS = 2

# The mask's outline in the neutral base mesh: in front of the ears, hair line to under the chin.
# Chosen in space, not by which targets move a vertex: those feather far into the cheek.
BACK_LIMIT_BY_Y = ((6.0, .85), (6.4, .72), (6.7, .66), (6.9, .68), (7.2, .72), (7.35, .71),
                   (7.6, .69), (8.2, .69))
BOTTOM_LIMIT_BY_Z = ((.3, 6.88), (.5, 6.79), (.62, 6.65), (.8, 6.48), (1.0, 6.30), (1.10, 6.215),
                     (1.17, 6.16), (1.3, 6.07), (1.6, 5.9))
BOTTOM_RISE, BOTTOM_RISE_FROM_X = 0.15, 0.15
"""The lower limit climbs sideways at this slope, which rounds the rim under the jaw."""
TOP_LIMIT_BY_Z = ((.4, 7.50), (.6, 7.60), (.9, 7.73), (1.2, 7.83), (1.4, 7.87), (1.6, 7.89))
CORNER_ROUNDING = 0.08
"""Radius with which the three outlines meet."""

SIGHT_YAWS_DEG = (-60, -30, 0, 30, 60)
SIGHT_PITCHES_DEG = (-30, 0, 30)
SIGHT_RESOLUTION = 0.003
SIGHT_TOLERANCE = 0.004
INWARD_MARGIN = 0.03
"""How far the skin goes on, along the surface, behind lips, lids and nostrils."""
SNAP_FRACTION = 0.3
"""An outline crossing nearer than this part of an edge to a vertex moves the vertex."""
EYE_CAP_ANGLE_DEG = 78.0
"""The eyeball is kept within this angle of straight ahead."""
SOCKET_RADIUS = 0.175
SOCKET_ANGLE_DEG = 66.0
"""The pocket around the eyeball (within this radius of its centre) is cut at this angle from
straight ahead; lids end at about 45 degrees, and the outer skin there is farther out."""
MOUTH_BACK_VERTICES = (639, 642)
"""Base vertices at the roof and floor of the mouth cavity, on the symmetry plane."""
MOUTH_BOX = ((-.36, 6.3, 1.0), (.36, 6.95, 1.56))
CAP_DISTANCE = 0.04
"""A face vertex farther than this from every subdivided vertex belongs to a cap."""
ON_PLANE = 1e-9


def _outline(table: tuple[tuple[float, float], ...], at: np.ndarray) -> np.ndarray:
    knots = np.array(table)
    curve = PchipInterpolator(knots[:, 0], knots[:, 1])
    return np.asarray(curve(np.clip(at, knots[0, 0], knots[-1, 0])))


def _rounded_minimum(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Return a smooth minimum that differs from min(a, b) only where |a - b| < radius."""
    blend = np.clip(radius - np.abs(a - b), 0, None)
    return np.minimum(a, b) - blend ** 2 / (4 * radius)


def mask_distance(points: np.ndarray) -> np.ndarray:
    """Return a function of the points (n,3) that is positive inside the mask's outline."""
    x, y, z = points.T
    behind = z - _outline(BACK_LIMIT_BY_Y, y)
    rise = BOTTOM_RISE * np.clip(np.abs(x) - BOTTOM_RISE_FROM_X, 0, None)
    below = y - _outline(BOTTOM_LIMIT_BY_Z, z) - rise
    above = _outline(TOP_LIMIT_BY_Z, z) - y
    return _rounded_minimum(_rounded_minimum(behind, below, CORNER_ROUNDING), above,
                            CORNER_ROUNDING)


def split_quads(quads: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return triangles (2m,3) of quads (m,4), cut along their shorter diagonal."""
    first = np.linalg.norm(points[quads[:, 0]] - points[quads[:, 2]], axis=1)
    second = np.linalg.norm(points[quads[:, 1]] - points[quads[:, 3]], axis=1)
    # The margin keeps ties, which rounding would decide, the same everywhere.
    turned = np.where((second < first - 1e-9)[:, None], np.roll(quads, -1, axis=1), quads)
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])


def boundary_loops(triangles: np.ndarray) -> list[np.ndarray]:
    """
    Return the boundary loops, longest first, each a closed walk of vertices.

    Walked in the direction in which the triangles use the edges. Raises ModelBuildingError when
    the boundary branches.
    """
    edges = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2)
    count = int(triangles.max()) + 1
    key, opposite = edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]
    rim = edges[~np.isin(key, opposite)]
    following = dict(rim.tolist())
    if len(following) != len(rim):
        raise ModelBuildingError('the cut mesh has a pinched boundary: revise the outline')
    loops = []
    while following:
        start = min(following)
        loop = [start]
        while (vertex := following.pop(loop[-1])) != start:
            loop.append(vertex)
        loops.append(np.array(loop))
    return sorted(loops, key=lambda loop: (-len(loop), int(loop[0])))


@dataclass(slots=True)
class Surface:
    """A triangle mesh whose vertices are rows of a matrix over the base vertices."""

    rows: sparse.csr_array
    triangles: np.ndarray

    def compacted(self) -> Surface:
        """Return the surface without unused vertices."""
        used, inverse = np.unique(self.triangles, return_inverse=True)
        return Surface(sparse.csr_array(self.rows[used]), inverse.reshape(-1, 3))

    def appended(self, rows: sparse.csr_array, triangles: np.ndarray) -> Surface:
        """Return the surface with more rows and more triangles (already numbered)."""
        return Surface(sparse.csr_array(sparse.vstack([self.rows, rows])),
                       np.concatenate([self.triangles, triangles]))


def _edges(triangles: np.ndarray) -> np.ndarray:
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def largest_patch(triangles: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the largest connected set (n,) bool among the chosen vertices (n,) bool."""
    edges = _edges(triangles)
    edges = edges[chosen[edges].all(axis=1)]
    graph = sparse.csr_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])),
                             shape=(chosen.size, chosen.size))
    _, label = csgraph.connected_components(graph, directed=False)
    return label == np.bincount(label[chosen]).argmax()


def distance_along_surface(points: np.ndarray, triangles: np.ndarray, sources: np.ndarray,
                           limit: float) -> np.ndarray:
    """Return the length of the shortest walk along edges from any source, at most `limit`."""
    # scipy 1.11's dijkstra takes no other indices
    edges = _edges(triangles).astype(np.int32)
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    graph = sparse.csr_array((lengths, (edges[:, 0], edges[:, 1])),
                             shape=(len(points), len(points)))
    found = csgraph.dijkstra(graph, directed=False, indices=np.flatnonzero(sources),
                             min_only=True, limit=limit)
    return np.where(np.isfinite(found), found, limit)


def clip(surface: Surface, level: np.ndarray, on_plane: np.ndarray) -> Surface:
    """
    Keep the part of a surface where `level` (n,) is positive, with a smooth new boundary.

    Vertices close to the boundary are first moved onto it, along an edge, so that no sliver
    arises; those of the symmetry plane (`on_plane`) only along edges in the plane. Every new
    or moved vertex stays a mix of base vertices.
    """
    triangles, level = surface.triangles, level.copy()
    edges = _edges(triangles)
    crossing = edges[level[edges[:, 0]] * level[edges[:, 1]] < 0]
    ends = np.concatenate([crossing, crossing[:, ::-1]])
    part = level[ends[:, 0]] / (level[ends[:, 0]] - level[ends[:, 1]])
    allowed = (part < SNAP_FRACTION) & (~on_plane[ends[:, 0]] | on_plane[ends[:, 1]])
    ends, part = ends[allowed], part[allowed]
    order = np.lexsort((ends[:, 1], part, ends[:, 0]))
    ends, part = ends[order], part[order]
    moved, first = np.unique(ends[:, 0], return_index=True)
    towards, part = ends[first, 1], part[first]
    count = surface.rows.shape[0]
    keep = np.ones(count)
    keep[moved] = 1 - part
    mix = sparse.diags(keep) + sparse.csr_array((part, (moved, towards)),
                                                      shape=(count, count))
    rows = sparse.csr_array(mix @ surface.rows)
    level[moved] = 0

    crossing = edges[level[edges[:, 0]] * level[edges[:, 1]] < 0]
    part = level[crossing[:, 0]] / (level[crossing[:, 0]] - level[crossing[:, 1]])
    index = np.repeat(np.arange(len(crossing)), 2)
    cuts = sparse.csr_array((np.stack([1 - part, part], axis=1).ravel(),
                             (index, crossing.ravel())), shape=(len(crossing), count)) @ rows
    cut_of = {(int(a), int(b)): count + k for k, (a, b) in enumerate(crossing)}
    sign = np.sign(level)[triangles]
    whole = (sign >= 0).all(axis=1) & (sign > 0).any(axis=1)
    split = (sign > 0).any(axis=1) & (sign < 0).any(axis=1)
    pieces = [piece for triangle in triangles[split].tolist()
              for piece in _clip_triangle(triangle, level, cut_of)]
    kept = np.concatenate([triangles[whole], np.array(pieces, np.int64).reshape(-1, 3)])
    return Surface(sparse.csr_array(sparse.vstack([rows, cuts])), kept)


def _clip_triangle(triangle: list[int], level: np.ndarray,
                   cut_of: dict[tuple[int, int], int]) -> Iterator[list[int]]:
    polygon = []
    for a, b in zip(triangle, triangle[1:] + triangle[:1], strict=True):
        if level[a] >= 0:
            polygon.append(a)
        if level[a] * level[b] < 0:
            polygon.append(cut_of[min(a, b), max(a, b)])
    for k in range(1, len(polygon) - 1):
        yield [polygon[0], polygon[k], polygon[k + 1]]


def cap_loop(surface: Surface, chain: np.ndarray, apex: sparse.csr_array, closed: bool,
             fractions: tuple[float, ...]) -> Surface:
    """
    Fill a boundary loop with rings that shrink towards an apex.

    chain: the loop's vertices in the direction of the triangles' edges; when not `closed` it
    runs from the symmetry plane to the symmetry plane and only this half is filled. apex is one
    row over the base vertices; `fractions` are the rings' places between loop (0) and apex (1).
    """
    loop = sparse.csr_array(surface.rows[chain])
    count, first = len(chain), surface.rows.shape[0]
    blocks = [loop * (1 - fraction)
              + sparse.csr_array(np.ones((count, 1))) @ apex * fraction for fraction in fractions]
    rings = [chain, *(first + k * count + np.arange(count) for k in range(len(fractions)))]
    tip = first + len(fractions) * count
    size = count if closed else count - 1
    here, there = np.arange(size), (np.arange(size) + 1) % count
    pieces = []
    for outer, inner in pairwise(rings):
        pieces.append(np.stack([outer[there], outer[here], inner[here]], axis=1))
        pieces.append(np.stack([outer[there], inner[here], inner[there]], axis=1))
    last = rings[-1]
    pieces.append(np.stack([last[there], last[here], np.full(size, tip)], axis=1))
    return surface.appended(sparse.csr_array(sparse.vstack([*blocks, apex])),
                            np.concatenate(pieces))


@dataclass(frozen=True, slots=True)
class Topology:
    """The face mesh over the base vertices."""

    rows: sparse.csr_array
    """(V,19158): face vertex = row @ base vertices."""
    triangles: np.ndarray
    """(T,3) int64, counter-clockwise seen from outside."""
    mirror: np.ndarray
    """(V,) int64."""
    eye_mask: np.ndarray
    """(V,) bool: the eyeballs."""
    inside_mask: np.ndarray
    """(V,) bool: out of sight from everywhere: behind lips and lids, in the nostrils."""
    front_mask: np.ndarray
    """(V,) bool: in sight from straight ahead."""
    mouth_mask: np.ndarray
    """(V,) bool: out of sight, behind the lips."""

    def displacement(self, target: np.ndarray) -> np.ndarray:
        """Return what a target (19158,3) moves at each face vertex (V,3)."""
        return np.asarray(self.rows @ target)


def _cavity_loops(surface: Surface, points: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """
    Return the boundary of the mouth cavity (an open chain, plane to plane) and the closed loops.

    The half mesh has one long boundary: the mask's rim, the symmetry plane and the mouth.
    """
    long_loop, *closed = boundary_loops(surface.triangles)
    on_plane = np.abs(points[long_loop, 0]) < ON_PLANE
    start = int(np.flatnonzero(on_plane & ~np.roll(on_plane, -1))[0])
    loop, on_plane = np.roll(long_loop, -start), np.roll(on_plane, -start)
    leaves = np.flatnonzero(on_plane & ~np.roll(on_plane, -1))
    returns = np.flatnonzero(on_plane & ~np.roll(on_plane, 1))
    chains = []
    for leave in leaves:
        back = returns[returns > leave]
        chains.append(np.append(loop[leave:back[0]], loop[back[0]]) if back.size
                      else np.append(loop[leave:], loop[0]))
    inner = [chain for chain in chains if mask_distance(points[chain]).min() > 0.02]
    if len(chains) != 2 or len(inner) != 1:
        raise ModelBuildingError('the cut mesh has no single rim and mouth: revise the outline')
    return inner[0], closed


def _close_cavities(surface: Surface, vertices: np.ndarray, eye_centre: sparse.csr_array,
                    mouth_back: sparse.csr_array) -> Surface:
    points = surface.rows @ vertices
    mouth, closed = _cavity_loops(surface, points)
    surface = cap_loop(surface, mouth, mouth_back, False, (0.3, 0.65))
    from_eye = [float(np.linalg.norm(points[loop].mean(axis=0) - eye_centre @ vertices))
                for loop in closed]
    for k, loop in enumerate(closed):
        middle = sparse.csr_array(np.full((1, len(loop)), 1 / len(loop))) @ surface.rows[loop]
        if k == int(np.argmin(from_eye)):
            surface = cap_loop(surface, loop, eye_centre, True, (0.5,))
        else:
            surface = cap_loop(surface, loop, sparse.csr_array(middle), True, (0.5,))
    return surface


def _mirrored(surface: Surface, points: np.ndarray,
              base_mirror: np.ndarray) -> tuple[Surface, np.ndarray]:
    """Return the whole of a half surface and, for each vertex, its mirror vertex."""
    count = surface.rows.shape[0]
    on_plane = np.abs(points[:, 0]) < ON_PLANE
    partner = np.arange(count)
    partner[~on_plane] = count + np.arange(int((~on_plane).sum()))
    swap = sparse.csr_array((np.ones(base_mirror.size),
                             (np.arange(base_mirror.size), base_mirror)))
    other = sparse.csr_array(surface.rows[~on_plane] @ swap)
    mirror = np.concatenate([partner, np.flatnonzero(~on_plane)])
    return surface.appended(other, partner[surface.triangles][:, ::-1]), mirror


def _row(indices: tuple[int, ...], count: int) -> sparse.csr_array:
    weight = np.full(len(indices), 1 / len(indices))
    return sparse.csr_array((weight, (np.zeros(len(indices), int), indices)), shape=(1, count))


def _eye_cap(base: BaseMesh) -> tuple[Surface, sparse.csr_array]:
    """Return the front of the left eyeball and the row of its centre."""
    quads = base.groups['helper-l-eye']
    rows, fine = subdivide(quads, len(base.vertices), SUBDIVISION_LEVELS)
    points = rows @ base.vertices
    centre = _row(tuple(np.unique(quads)), len(base.vertices))
    ray = points - centre @ base.vertices
    ahead = ray[:, 2] > np.cos(np.radians(EYE_CAP_ANGLE_DEG)) * np.linalg.norm(ray, axis=1)
    return Surface(rows, split_quads(fine[ahead[fine].all(axis=1)], points)).compacted(), centre


def _seen(base: BaseMesh, points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return which skin vertices (n,) bool are in sight from somewhere in front."""
    eyes = np.concatenate([base.groups[name] for name in EYE_GROUPS])
    eye_rows, eye_quads = subdivide(eyes, len(base.vertices), SUBDIVISION_LEVELS)
    teeth = np.concatenate([base.groups[name] for name in MOUTH_GROUPS])
    eye_points = eye_rows @ base.vertices
    everything = np.concatenate([points, eye_points, base.vertices])
    surfaces = np.concatenate([
        triangles, split_quads(eye_quads, eye_points) + len(points),
        split_quads(teeth, base.vertices) + len(points) + len(eye_points)])
    seen = np.zeros(len(points), bool)
    for yaw, pitch in product(SIGHT_YAWS_DEG, SIGHT_PITCHES_DEG):
        seen |= visible_vertices(everything, surfaces, rotation_yaw_pitch(yaw, pitch),
                                 SIGHT_RESOLUTION, SIGHT_TOLERANCE)[:len(points)]
    # A glimpse through the slit of the lips is not part of the face's surface.
    return largest_patch(triangles, seen)


def _keep_level(base: BaseMesh, points: np.ndarray, triangles: np.ndarray,
                seen: np.ndarray) -> np.ndarray:
    """Return a function of the subdivided head's vertices (n,) that is positive on the skin."""
    inward = distance_along_surface(points, triangles, seen, 4 * INWARD_MARGIN)
    level = np.minimum(mask_distance(points), INWARD_MARGIN - inward)
    for name in EYE_GROUPS:
        ray = points - base.vertices[np.unique(base.groups[name])].mean(axis=0)
        radius = np.linalg.norm(ray, axis=1)
        pocket = radius < SOCKET_RADIUS
        level[pocket] = ray[pocket, 2] - np.cos(np.radians(SOCKET_ANGLE_DEG)) * radius[pocket]
    return level


@dataclass(frozen=True, slots=True)
class _HalfSkin:
    """The half x >= 0 of the subdivided head, ready to be cut out."""

    vertices: np.ndarray
    """Base vertices."""
    rows: sparse.csr_array
    quads: np.ndarray
    level: np.ndarray
    """Of each row: positive where the skin is kept."""
    eye_centre: sparse.csr_array
    mouth_back: sparse.csr_array

    def cut(self, split: np.ndarray) -> Surface:
        """Return the closed skin with a vertex in the middle of the quads chosen by `split`."""
        count, corners = self.rows.shape[0], self.quads[split]
        middle = count + np.arange(len(corners))
        centres = sparse.csr_array(
            (np.full(corners.size, 0.25),
             (np.repeat(np.arange(len(corners)), 4), corners.ravel())),
            shape=(len(corners), count)) @ self.rows
        fans = [np.stack([corners[:, k], corners[:, (k + 1) % 4], middle], axis=1)
                for k in range(4)]
        whole = split_quads(self.quads[~split], self.rows @ self.vertices)
        surface = Surface(sparse.csr_array(sparse.vstack([self.rows, centres])),
                          np.concatenate([whole, *fans]))
        level = np.concatenate([self.level, self.level[corners].mean(axis=1)])
        kept = clip(surface, level, self._on_plane(surface)).compacted()
        return _close_cavities(kept, self.vertices, self.eye_centre, self.mouth_back)

    def mirrored_size(self, surface: Surface) -> int:
        """Return how many vertices a half surface and its mirror image have together."""
        return 2 * surface.rows.shape[0] - int(self._on_plane(surface).sum())

    def largest_quads(self, count: int) -> np.ndarray:
        """Return a choice (m,) bool of the largest quads well inside the skin."""
        corner = (self.rows @ self.vertices)[self.quads]
        area = np.linalg.norm(np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1]),
                              axis=1)
        area[self.level[self.quads].min(axis=1) < 0.75 * INWARD_MARGIN] = 0
        chosen = np.zeros(len(area), bool)
        chosen[np.argsort(-area, kind='stable')[:count]] = True
        return chosen

    def _on_plane(self, surface: Surface) -> np.ndarray:
        return np.abs((surface.rows @ self.vertices)[:, 0]) < ON_PLANE


def _assemble(skin: Surface, eye: Surface, base: BaseMesh, points: np.ndarray,
              seen: np.ndarray) -> Topology:
    """Mirror the halves of skin and eye and say what is in sight, as in the head at `points`."""
    skin, skin_mirror = _mirrored(skin, skin.rows @ base.vertices, base.mirror)
    eyes, eye_mirror = _mirrored(eye, eye.rows @ base.vertices, base.mirror)
    count = skin.rows.shape[0]
    whole = skin.appended(eyes.rows, eyes.triangles + count)
    whole.rows.sort_indices()
    face = whole.rows @ base.vertices
    is_eye = np.arange(len(face)) >= count
    distance, nearest = cKDTree(points).query(face)
    inside = (~seen[nearest] | (distance > CAP_DISTANCE)) & ~is_eye
    inside &= mask_distance(face) >= CAP_DISTANCE
    low, high = np.array(MOUTH_BOX)
    return Topology(
        rows=whole.rows, triangles=whole.triangles,
        mirror=np.concatenate([skin_mirror, eye_mirror + count]), eye_mask=is_eye,
        inside_mask=inside,
        front_mask=visible_vertices(face, whole.triangles, np.eye(3), SIGHT_RESOLUTION,
                                    SIGHT_TOLERANCE),
        mouth_mask=inside & (face > low).all(axis=1) & (face < high).all(axis=1))


def build_topology(base: BaseMesh) -> Topology:
    """
    Cut the face mask out of the base mesh, in about 38,400 vertices.

    Skin: one surface without holes, whose only boundary is the mask's rim; behind lips, lids and
    nostrils it is closed by caps. Eyeballs: two caps of their own behind the lids.
    """
    vertices, body = base.vertices, base.groups['body']
    head = body[(vertices[body][:, :, 1].min(axis=1) > HEAD_Y)
                & (vertices[body][:, :, 2].max(axis=1) > HEAD_Z)]
    rows, quads = subdivide(head, len(vertices), SUBDIVISION_LEVELS)
    points = rows @ vertices
    triangles = split_quads(quads, points)
    seen = _seen(base, points, triangles)
    eye, eye_centre = _eye_cap(base)
    half = _HalfSkin(vertices, rows, quads[(points[quads][:, :, 0] > -ON_PLANE).all(axis=1)],
                     _keep_level(base, points, triangles, seen), eye_centre,
                     _row(MOUTH_BACK_VERTICES, len(vertices)))
    plain = half.cut(np.zeros(len(half.quads), bool))
    missing = TARGET_VERTEX_COUNT - half.mirrored_size(plain) - 2 * eye.rows.shape[0]
    if missing < 0:
        raise ModelBuildingError(f'the mask has {-missing} vertices too many: revise the outline')
    return _assemble(half.cut(half.largest_quads(missing // 2)), eye, base, points, seen)
