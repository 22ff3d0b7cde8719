# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The shipped model file: format, and the geometry that everything else relies on."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / 'models' / 'face_model.npz'
MIRRORING = np.array([-1, 1, 1])

FORMAT = {
    'mean': ('float32', ('V', 3)), 'triangles': ('int32', ('T', 3)),
    'shape_basis': ('int16', (40, 'V', 3)), 'shape_step': ('float32', (40,)),
    'expression_basis': ('int16', (10, 'V', 3)), 'expression_step': ('float32', (10,)),
    'landmarks_68_vertices': ('int32', (68, 3)), 'landmarks_68_weights': ('float32', (68, 3)),
    'landmarks_468_vertices': ('int32', (468, 3)), 'landmarks_468_weights': ('float32', (468, 3)),
    'landmarks_468_offset': ('float32', (468, 3)), 'landmarks_468_mirror': ('int32', (468,)),
    'mirror': ('int32', ('V',)), 'eye_mask': ('bool', ('V',)), 'uv': ('float32', ('V', 2)),
    'colors': ('uint8', ('V', 3)), 'lip_upper': ('int32', ('L',)), 'lip_lower': ('int32', ('L',)),
    'shape_names': ('<U', (40,)), 'expression_names': ('<U', (10,)),
    'format_version': ('int32', ()), 'provenance': ('<U', ()),
}


@pytest.fixture(scope='module')
def arrays():
    with np.load(FILE, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope='module')
def mean(arrays):
    return arrays['mean'].astype(np.float64)


@pytest.fixture(scope='module')
def bases(arrays):
    """Return all 50 components (50, V, 3) in metres."""
    return np.concatenate([
        arrays[f'{kind}_basis'] * arrays[f'{kind}_step'].astype(np.float64)[:, None, None]
        for kind in ('shape', 'expression')])


def directed_edges(triangles):
    return np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)]).astype(np.int64)


def boundary_edges(triangles):
    edges = directed_edges(triangles)
    count = triangles.max() + 1
    return edges[~np.isin(edges[:, 0] * count + edges[:, 1],
                          edges[:, 1] * count + edges[:, 0])]


def landmarks_of(arrays, field, scheme='landmarks_468'):
    """Carry a field (..., V, 3) over to landmarks, without the offset."""
    weights = arrays[f'{scheme}_weights'].astype(np.float64)
    return np.einsum('lc,...lcx->...lx', weights, field[..., arrays[f'{scheme}_vertices'], :])


def test_format(arrays):
    sizes = {'V': len(arrays['mean']), 'T': len(arrays['triangles']),
             'L': len(arrays['lip_upper'])}
    assert list(arrays) == list(FORMAT)
    for name, (dtype, shape) in FORMAT.items():
        assert arrays[name].dtype.str.startswith(dtype) or arrays[name].dtype == dtype, name
        assert arrays[name].shape == tuple(sizes.get(n, n) for n in shape), name
        if arrays[name].dtype.kind == 'f':
            assert np.isfinite(arrays[name]).all(), name
    assert arrays['format_version'] == 1
    assert 'CC0' in str(arrays['provenance'])
    assert 'GENKI-4K' in str(arrays['provenance'])
    assert FILE.stat().st_size < 15e6


def test_size_class(arrays):
    assert 38000 <= len(arrays['mean']) <= 38800
    assert 75000 <= len(arrays['triangles']) <= 77500


def test_indices_are_in_range(arrays):
    count = len(arrays['mean'])
    for name in ('triangles', 'mirror', 'landmarks_68_vertices', 'landmarks_468_vertices',
                 'lip_upper', 'lip_lower'):
        assert arrays[name].min() >= 0, name
        assert arrays[name].max() < count, name
    assert np.unique(arrays['triangles']).size == count, 'every vertex is used'


def test_landmark_weights_are_barycentric(arrays):
    for scheme in ('landmarks_68', 'landmarks_468'):
        weights = arrays[f'{scheme}_weights']
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
        assert weights.min() >= 0


def test_mirror_is_an_involution(arrays):
    for name in ('mirror', 'landmarks_468_mirror'):
        mirror = arrays[name]
        np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))


def test_mean_and_colours_are_exactly_symmetric(arrays):
    mirror = arrays['mirror']
    np.testing.assert_array_equal(arrays['mean'][mirror] * MIRRORING, arrays['mean'])
    np.testing.assert_array_equal(arrays['colors'][mirror], arrays['colors'])
    np.testing.assert_array_equal(arrays['eye_mask'][mirror], arrays['eye_mask'])


def test_triangles_are_exactly_symmetric(arrays):
    def canonical(triangles):
        first = triangles.argmin(axis=1)
        turned = np.stack([np.roll(t, -k) for t, k in zip(triangles, first, strict=True)])
        return turned[np.lexsort(turned.T[::-1])]

    triangles = arrays['triangles']
    np.testing.assert_array_equal(canonical(arrays['mirror'][triangles][:, ::-1]),
                                  canonical(triangles))


def test_components_are_symmetric_or_antisymmetric(arrays, bases):
    step = np.concatenate([arrays['shape_step'], arrays['expression_step']]).astype(float)
    reflected = bases[:, arrays['mirror']] * MIRRORING
    even = np.abs(reflected - bases).max(axis=(1, 2)) / step
    odd = np.abs(reflected + bases).max(axis=(1, 2)) / step
    # One unit of storage is lost to rounding at most.
    assert (np.minimum(even, odd) <= 1.01).all()
    assert (odd[40:] <= 1.01).any(), 'a wink needs a component that tells left from right'


def test_landmarks_are_symmetric(arrays, mean):
    points = landmarks_of(arrays, mean) + arrays['landmarks_468_offset']
    np.testing.assert_allclose(points[arrays['landmarks_468_mirror']] * MIRRORING, points,
                               atol=1e-7)


def test_skin_is_one_surface_with_one_rim(arrays):
    """Closed but for the rim: no hole at nostrils, lips or lids."""
    triangles, eye = arrays['triangles'], arrays['eye_mask']
    is_eye = eye[triangles].any(axis=1)
    assert eye[triangles[is_eye]].all(), 'eyeballs and skin share no triangle'
    edges = directed_edges(triangles)
    assert len(np.unique(edges, axis=0)) == len(edges), 'consistent orientation, manifold edges'
    for part, loops in ((triangles[~is_eye], 1), (triangles[is_eye], 2)):
        rim = boundary_edges(part)
        following = dict(rim.tolist())
        assert len(following) == len(rim), 'the rim does not touch itself'
        found = 0
        while following:
            vertex = next(iter(following))
            while vertex in following:
                vertex = following.pop(vertex)
            found += 1
        assert found == loops
    vertices = int((~eye).sum())
    skin = triangles[~is_eye]
    undirected = len(np.unique(np.sort(directed_edges(skin), axis=1), axis=0))
    assert vertices - undirected + len(skin) == 1, 'Euler: a disc, so nothing is open inside'


def test_triangles_have_area_and_face_outwards(arrays, mean):
    corners = mean[arrays['triangles']]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1) / 2
    assert area.min() > 1e-10, 'square metres'
    middle = corners.mean(axis=1)
    outwards = (normal * (middle - [0, mean[:, 1].mean(), -0.08])).sum(axis=1) > 0
    eye = arrays['eye_mask'][arrays['triangles']].all(axis=1)
    for side in (-1, 1):
        one = eye & (side * middle[:, 0] > 0)
        low, high = middle[one].min(axis=0), middle[one].max(axis=0)
        inside_eyeball = np.append((low + high)[:2] / 2, low[2])
        assert ((normal[one] * (middle[one] - inside_eyeball)).sum(axis=1) > 0).all()
    # Folds behind lips, lids and nostrils face inwards, by their nature.
    assert area[outwards].sum() > 0.9 * area.sum()


def test_nothing_shows_through_from_any_side(arrays, mean):
    """From in front, every pixel inside the outline shows an outer face of a triangle."""
    import cv2

    from face_recon_ros.rendering.renderer import Renderer
    triangles = arrays['triangles']
    both_sides = np.concatenate([triangles, triangles[:, ::-1]]).astype(np.int32)
    for yaw, pitch in ((0, 0), (35, 0), (-35, 0), (0, 20), (0, -15)):
        y, p = np.radians([yaw, pitch])
        turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
        points = (mean - mean.mean(axis=0)) @ (nod @ turn).T * [1500, -1500, 1500] + [200, 200, 0]
        points = np.ascontiguousarray(points, np.float32)
        drawn = [Renderer(t).render(points, np.zeros((400, 400, 3), np.uint8),
                                    colors=(255, 255, 255)).any(axis=2)
                 for t in (triangles, both_sides)]
        missing = (drawn[1] & ~drawn[0]).astype(np.uint8)
        # Only the far side of the rim may show its back; nothing in the middle may.
        middle = cv2.erode(drawn[1].astype(np.uint8), np.ones((21, 21)))
        assert not (missing & middle).any(), (yaw, pitch)


def test_axes_origin_and_scale(arrays, mean):
    """x to image right, y up, z out of the face; origin at the sellion; metres."""
    points = landmarks_of(arrays, mean, 'landmarks_68')
    assert points[36:42, 0].max() < 0 < points[42:48, 0].min(), 'right eye at the image left'
    assert points[8, 1] < points[57, 1] < points[33, 1] < points[27, 1], 'chin, lip, nose, brow'
    assert mean[:, 2].argmax() == np.linalg.norm(mean - points[30], axis=1).argmin() or \
        np.linalg.norm(mean[mean[:, 2].argmax()] - points[30]) < 0.006, 'the nose sticks out'
    eyes = mean[arrays['eye_mask']]
    left, right = (eyes[sign * eyes[:, 0] > 0].mean(axis=0) for sign in (1, -1))
    assert np.linalg.norm(left - right) == pytest.approx(0.063, abs=1e-4)
    sellion = np.linalg.norm(mean, axis=1).argmin()
    np.testing.assert_allclose(mean[sellion], 0, atol=1e-7)
    profile = np.flatnonzero((np.abs(mean[:, 0]) < 1e-9) & (np.abs(mean[:, 1]) < 0.012))
    profile = profile[mean[profile, 2] > -0.02]
    assert mean[profile, 2].min() >= -1e-7, 'deepest point of the profile there'


def test_gauge(arrays, mean, bases):
    """No component moves the 468 landmarks as a similarity would (docs/face_model.md)."""
    points = landmarks_of(arrays, mean) + arrays['landmarks_468_offset']
    x, y, z = points.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    motions = np.array([
        [one, zero, zero], [zero, one, zero], [zero, zero, one],
        [zero, -z, y], [z, zero, -x], [-y, x, zero], [x, y, z]]).transpose(0, 2, 1)
    similarities = np.linalg.qr(motions.reshape(7, -1).T)[0]
    moved = landmarks_of(arrays, bases).reshape(50, -1)
    part = np.linalg.norm(moved @ similarities, axis=1) / np.linalg.norm(moved, axis=1)
    assert part.max() < 1e-4, 'only rounding is left'


def test_one_fit_finds_rotation_of_any_face(arrays, mean, bases):
    """What the gauge is for: aligning the mean finds the pose whatever the coefficients."""
    from face_recon_ros.face_model.procrustes import similarity
    rng = np.random.default_rng(5)
    points = landmarks_of(arrays, mean) + arrays['landmarks_468_offset']
    moving = landmarks_of(arrays, bases)
    for _ in range(10):
        face = points + np.tensordot(0.5 * rng.standard_normal(50), moving, axes=1)
        _, rotation, _ = similarity(points, face)
        angle = np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))
        assert angle < 0.6


def test_lips_of_the_mean_are_closed(arrays, mean):
    upper, lower = mean[arrays['lip_upper']], mean[arrays['lip_lower']]
    assert (np.diff(upper[:, 0]) > 0).all(), 'from the right corner to the left'
    np.testing.assert_allclose(upper[:, 0], lower[:, 0], atol=1.5e-3)
    gap = upper[:, 1] - lower[:, 1]
    assert gap.max() < 2e-4
    assert gap.min() > -1.5e-3
    np.testing.assert_array_equal(arrays['mirror'][arrays['lip_upper'][::-1]],
                                  arrays['lip_upper'])


def test_eyes_can_close_and_mouth_can_open(arrays, mean, bases):
    """Some mix of few standard deviations moves the upper lid to the lower one, both eyes."""
    vertices = arrays['landmarks_468_vertices'][:, 0]
    moving = bases[40:]
    for upper, lower in ((159, 145), (386, 374)):
        gap = (mean[vertices[upper]] - mean[vertices[lower]])[1]
        change = moving[:, vertices[upper], 1] - moving[:, vertices[lower], 1]
        # The least-norm mix that closes the gap.
        assert gap / np.linalg.norm(change) < 2.5
    opening = moving[:, arrays['lip_upper'], 1] - moving[:, arrays['lip_lower'], 1]
    assert np.abs(opening[:, len(opening[0]) // 2]).max() > 0.008, 'metres at one SD'


def test_eyeballs_sit_in_their_lids(arrays, mean):
    """The lids' margins lie on or just in front of the eyeball, which shows nowhere else."""
    for side, lid in ((1, (386, 374, 385, 380)), (-1, (159, 145, 158, 153))):
        eye = mean[arrays['eye_mask'] & (side * mean[:, 0] > 0)]
        rows = np.column_stack([2 * eye, np.ones(len(eye))])
        solution = np.linalg.lstsq(rows, (eye ** 2).sum(axis=1), rcond=None)[0]
        centre = solution[:3]
        radius = np.sqrt(solution[3] + centre @ centre)
        assert 0.010 < radius < 0.018
        margin = mean[arrays['landmarks_468_vertices'][list(lid), 0]]
        height = np.linalg.norm(margin - centre, axis=1) - radius
        assert (np.abs(height) < 0.003).all()


def test_texture_map_has_no_overlap(arrays):
    """Counter-clockwise everywhere and a simple outline: then no two triangles overlap."""
    uv, triangles = arrays['uv'].astype(np.float64), arrays['triangles']
    assert uv.min() >= 0
    assert uv.max() <= 1
    a, b, c = (uv[triangles[:, k]] for k in range(3))
    area = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert area.min() > 0
    eye = arrays['eye_mask']
    rim = boundary_edges(triangles[~eye[triangles].any(axis=1)])
    start, end = uv[rim[:, 0]], uv[rim[:, 1]]
    covered = area[~eye[triangles].any(axis=1)].sum()
    # Green's theorem: an outline that crosses itself encloses another area than it covers.
    enclosed = (start[:, 0] * end[:, 1] - end[:, 0] * start[:, 1]).sum() / 2
    assert covered == pytest.approx(enclosed, rel=1e-6)
    assert not _any_crossing(start, end)
    assert uv[eye, 1].max() < uv[~eye, 1].min(), 'the eyes lie below the skin'
    assert uv[eye & (arrays['mean'][:, 0] > 0), 0].min() > 0.5
    assert uv[eye & (arrays['mean'][:, 0] < 0), 0].max() < 0.5


def _any_crossing(start, end):
    def side(p, q, r):
        return np.sign((q - p)[..., 0] * (r - p)[..., 1] - (q - p)[..., 1] * (r - p)[..., 0])

    p, q = start[:, None], end[:, None]
    r, s = start[None], end[None]
    proper = (side(p, q, r) * side(p, q, s) < 0) & (side(r, s, p) * side(r, s, q) < 0)
    return bool(proper.any())


def test_colours_tell_the_parts_apart(arrays, mean):
    colors = arrays['colors'].astype(float)
    points = landmarks_of(arrays, mean)
    tree = {name: np.linalg.norm(mean - points[index], axis=1).argsort()[:20]
            for name, index in (('forehead', 151), ('cheek', 280), ('lip', 16), ('brow', 105))}
    color = {name: colors[vertices].mean(axis=0) for name, vertices in tree.items()}
    blue, green, red = color['cheek']
    assert red > green > blue, 'skin, in BGR'
    assert color['lip'][2] / color['lip'][1] > 1.15 * color['forehead'][2] / color['forehead'][1]
    assert color['brow'].mean() < 0.85 * color['forehead'].mean()
    sclera = colors[arrays['eye_mask']]
    assert sclera.mean(axis=1).max() > 200
    assert sclera.mean(axis=1).min() < 40, 'pupils'


def test_names_describe_components(arrays):
    for name in ('shape_names', 'expression_names'):
        assert all(re.fullmatch(r'[\w-]+ [+-], [\w-]+ [+-]( \(left against right\))?'
                                r'|[\w-]+ [+-], [\w-]+ [+-] \(one side\)', str(text))
                   for text in arrays[name]), arrays[name]
    assert 'jawOpen' in ' '.join(arrays['expression_names'])
    assert 'eyeBlink' in ' '.join(arrays['expression_names'])


def test_readme_names_every_file_with_its_hash():
    text = (ROOT / 'models' / 'README.md').read_text()
    for path in sorted((ROOT / 'models').glob('*')):
        if path.suffix in ('.npz', '.tflite'):
            line = next((line for line in text.splitlines() if f'`{path.name}`' in line), '')
            assert hashlib.sha256(path.read_bytes()).hexdigest() in line, path.name


# iBUG's 68, as 300-W draws them (docs/face_model.md)


@pytest.fixture(scope='module')
def ibug(arrays, mean):
    """Return iBUG's landmarks on the mean (68, 3) in metres."""
    return landmarks_of(arrays, mean, 'landmarks_68')


def in_view(points):
    """Return where a camera half a metre ahead, at the height of the sellion, sees points."""
    return 0.5 * points[:, :2] / (0.5 - points[:, 2:])


def steps(points):
    return np.linalg.norm(np.diff(in_view(points), axis=0), axis=1)


def test_ibug_landmarks_are_exactly_symmetric(arrays):
    """Mirrored landmarks have mirrored vertices and the same weights; ten lie in the middle."""
    opposite = np.concatenate([
        np.arange(16, -1, -1), np.arange(26, 16, -1), np.arange(27, 31), np.arange(35, 30, -1),
        [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40], np.arange(54, 47, -1),
        np.arange(59, 54, -1), np.arange(64, 59, -1), [67, 66, 65]])
    vertices, weights = arrays['landmarks_68_vertices'], arrays['landmarks_68_weights']
    middle = opposite == np.arange(68)
    assert middle.sum() == 10
    np.testing.assert_array_equal(vertices[opposite[~middle]], arrays['mirror'][vertices[~middle]])
    np.testing.assert_array_equal(weights[opposite], weights)
    np.testing.assert_array_equal(arrays['mean'][vertices[middle], 0], 0)


@pytest.mark.parametrize('indices', [
    range(17), range(17, 22), range(22, 27), range(27, 31), range(31, 36),
    range(36, 40), (39, 40, 41, 36), range(42, 46), (45, 46, 47, 42),
    (48, 49, 50), (52, 53, 54), (54, 55, 56), (58, 59, 48),
], ids=['jaw', 'right brow', 'left brow', 'bridge', 'nose base', 'right upper lid',
        'right lower lid', 'left upper lid', 'left lower lid', 'upper lip, right',
        'upper lip, left', 'lower lip, left', 'lower lip, right'])
def test_ibug_landmarks_are_evenly_spaced(ibug, indices):
    """In view, up to how much lines bend between the points."""
    between = steps(ibug[list(indices)])
    assert np.ptp(between) < 0.12 * between.mean()


def test_ibug_lips_lie_in_columns(ibug):
    """Three points each of four lines, below the cupid's bow's peaks and its middle."""
    x = in_view(ibug)[:, 0]
    columns = np.array([[50, 61, 67, 58], [51, 62, 66, 57], [52, 63, 65, 56]])
    assert np.ptp(x[columns], axis=1).max() < 3e-4
    height = in_view(ibug)[columns, 1]
    assert (np.diff(height[:, [0, 1]], axis=1) < -0.003).all()
    assert (np.diff(height[:, [2, 3]], axis=1) < -0.003).all()
    assert (ibug[[50, 52], 1] > ibug[51, 1]).all(), 'peaks of the bow'


def test_ibug_lips_part_when_the_mouth_opens(arrays, ibug, mean, bases):
    moving = landmarks_of(arrays, bases[40:], 'landmarks_68')[..., 1]
    opening = moving[:, [61, 62, 63]] - moving[:, [67, 66, 65]]
    assert (np.abs(opening[np.abs(opening[:, 1]).argmax()]) > 0.004).all(), 'metres at one SD'
    assert np.abs(ibug[[61, 62, 63], 1] - ibug[[67, 66, 65], 1]).max() < 1e-3, 'closed'


def test_ibug_order_is_that_of_the_markup(ibug):
    """Jaw, brows, base of the nose from image left to right; the bridge and lines downwards."""
    for line in (range(17), range(17, 27), range(31, 36), range(48, 55), range(60, 65),
                 (36, 37, 38, 39), (42, 43, 44, 45), (36, 41, 40, 39), (42, 47, 46, 45),
                 (48, 59, 58, 57, 56, 55, 54), (60, 67, 66, 65, 64)):
        assert (np.diff(ibug[list(line), 0]) > 0).all(), line
    for line in (range(27, 31), range(9), (33, 51, 62), (66, 57, 8)):
        assert (np.diff(ibug[list(line), 1]) < 0).all(), line
    assert (ibug[[37, 38], 1] > ibug[[41, 40], 1] + 0.005).all(), 'upper lids above lower ones'


def test_ibug_jaw_is_the_visible_outline(arrays, ibug, mean):
    """Below the mouth no skin shows outside it; the chin is the lowest of the profile."""
    import cv2
    outline = cv2.convexHull(in_view(mean[~arrays['eye_mask']]).astype(np.float32))
    for point in in_view(ibug)[4:13]:
        within = cv2.pointPolygonTest(outline, point.tolist(), measureDist=True)
        assert abs(within) < 5e-4, 'metres'
    profile = in_view(mean[np.abs(mean[:, 0]) < 1e-9])
    assert in_view(ibug)[8, 1] == pytest.approx(profile[:, 1].min(), abs=1e-4)


def test_ibug_corners_are_face_meshs(arrays, ibug, mean):
    """Corners of eyes and mouth, root and tip of the nose: the same places in both markups."""
    points = landmarks_of(arrays, mean)
    for index, same in {36: 33, 39: 133, 42: 362, 45: 263, 48: 61, 54: 291, 60: 78, 64: 308,
                        27: 168, 30: 4, 33: 2, 51: 0, 57: 17, 62: 13, 66: 14}.items():
        assert np.linalg.norm(ibug[index] - points[same]) < 1e-4, index
    brow = points[[70, 63, 105, 66, 107, 55, 65, 52, 53, 46]]
    assert (np.abs(ibug[17:22, None] - brow).sum(axis=2).min(axis=1) < 0.012).all()
    assert brow[:, 0].min() - 1e-4 < ibug[17, 0] < brow[:, 0].min() + 0.004, 'tail of the brow'
