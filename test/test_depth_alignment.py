# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A face against a depth image: distance, size and rotation with known truth."""
import cv2
import numpy as np
import pytest
import reference_depth_alignment as reference
from scipy.spatial import cKDTree

from face_recon_ros import _renderer, depth_alignment
from face_recon_ros.camera import Camera
from face_recon_ros.confidence import pose_covariance
from face_recon_ros.depth_alignment import Aligned, DepthAligner, Refused, skin_points
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.errors import ImageError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.pose import metric_pose
from face_recon_ros.rendering.renderer import Renderer
from face_recon_ros.rotations import MODEL_FROM_FACE, rotation_matrix, rotation_vector

CAMERA = Camera(640, 480, 600.0, 600.0, 319.5, 239.5)
WALL_M = 3.0


@pytest.fixture(scope='module')
def model():
    return FaceModel()


@pytest.fixture(scope='module')
def aligner(model):
    return DepthAligner(model)


@pytest.fixture(scope='module')
def of_modes(model):
    """Return an aligner for people who differ as the model's modes say, of the variance 4."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(depth_alignment, 'shipped_modes', lambda *_: None)
        return DepthAligner(model)


class Scene:
    """
    A head of the model's own shape in true perspective, where the colour image has its error.

    turn: what the image's rotation is off by, (3,) rad, optical axes; size: of the head relative
    to the one that is assumed.
    """

    def __init__(self, model, distance_m=0.8, size=1.0, turn=(0.0, 0.0, 0.0), yaw=0.0):
        shape, expression = np.random.default_rng(3).normal(0, 0.7, 40), np.zeros(10)
        own = FaceParameters(np.eye(3, 4), shape, expression)
        self.rotation = rotation_matrix(np.array([0.0, yaw, 0.0])) @ np.diag([1.0, -1.0, -1.0])
        self.position_m = np.array([0.02, -0.03, distance_m])
        self.size = size
        marks = model.landmarks_68.points(own)
        placed = self._placed(marks)
        pixels = self._pixels(placed)
        near = (placed[:, 2].mean() - placed[:, 2]) * CAMERA.fx / placed[:, 2].mean()
        scale, rotation, origin = similarity(
            marks * [1.0, -1.0, 1.0], np.column_stack([pixels, near]))
        seen = rotation_matrix(np.array(turn) * [1.0, 1.0, -1.0]) @ rotation
        matrix = np.column_stack([scale * seen @ np.diag([1.0, -1.0, 1.0]), origin])
        self.parameters = FaceParameters(matrix, shape, expression)
        self.pose = metric_pose(self.parameters, marks, CAMERA, 1.0)
        self.covariance = pose_covariance(self.pose, 0.03, None, CAMERA)
        self.distance_m = float(np.linalg.norm(self.position_m))
        self.depth_m = self._depth(model, own)

    def _placed(self, points):
        return self.size * points @ self.rotation.T + self.position_m

    @staticmethod
    def _pixels(placed):
        return CAMERA.fx * placed[:, :2] / placed[:, 2:] + [CAMERA.cx, CAMERA.cy]

    def _depth(self, model, own):
        """What is linear on the screen is the inverse of depth."""
        placed = self._placed(model.dense_px(own).astype(np.float64))
        nearness = 1000 / placed[:, 2:]
        vertices = np.column_stack([self._pixels(placed), nearness]).astype(np.float32)
        found = Renderer(model.triangles).depth(
            vertices, (480, 640), np.array([0.0, 0.0, -1.0, 1e4]))
        return np.where(np.isfinite(found), 1000 / (1e4 - found), WALL_M).astype(np.float32)

    def align(self, aligner, depth=None):
        depth = self.depth_m if depth is None else depth
        return aligner(
            self.parameters, self.pose, self.covariance, 1.0, CAMERA, DepthImage(depth))

    def error_deg(self, found):
        truth = self.rotation @ MODEL_FROM_FACE
        return float(np.degrees(np.linalg.norm(rotation_vector(found.pose.rotation @ truth.T))))


@pytest.mark.parametrize('size', [0.8, 1.0, 1.1])
@pytest.mark.parametrize('distance_m', [0.45, 0.8, 1.6])
def test_distance_and_size_are_those_of_the_head(model, aligner, distance_m, size):
    scene = Scene(model, distance_m, size)
    found = scene.align(aligner)
    assert isinstance(found, Aligned)
    assert found.pose.distance_m == pytest.approx(scene.distance_m, rel=0.004)
    # weak perspective sees a near head a little too large
    assert found.head_scale == pytest.approx(size, rel=0.02)
    # without depth a child is taken for an adult further away
    assert scene.pose.distance_m == pytest.approx(scene.distance_m / size, rel=0.015)


@pytest.mark.parametrize('yaw', [0.0, 0.5, -0.5])
@pytest.mark.parametrize('turn', [(0.12, 0.0, 0.0), (-0.12, 0.0, 0.0), (0.0, 0.1, 0.0)])
def test_a_rotation_that_the_image_sees_wrong_is_set_right(model, aligner, turn, yaw):
    scene = Scene(model, 0.7, 1.0, turn, yaw)
    found = scene.align(aligner)
    assert scene.error_deg(scene) > 3.5
    assert scene.error_deg(found) < 2.2


def damaged(depth_m, rng):
    """What sensors do: noise, holes, a hand or a wall before a part, other numbers and layouts."""
    depth = depth_m + rng.normal(0, rng.choice([0.0, 0.003, 0.05]), depth_m.shape)
    depth[rng.random(depth.shape) < rng.choice([0.0, 0.3, 0.7])] = rng.choice([0, np.nan, -1])
    x, y = rng.integers(200, 400), rng.integers(150, 300)
    depth[y:y + 100, x:x + 100] = rng.choice([0.4, 3.0])
    kind = rng.integers(4)
    if kind == 0:
        return np.round(1000 * np.clip(np.nan_to_num(depth), 0, 60)).astype(np.uint16)
    return [depth.astype(np.float32), depth, np.asfortranarray(depth)][kind - 1]


def test_the_skin_is_placed_as_by_numpy(model):
    chosen, normals = skin_points(model)
    points = model.vertices(chosen)
    skin = _renderer.Skin(
        points.mean, normals, np.ascontiguousarray(points.basis.transpose(2, 0, 1), np.float32),
        40)
    rng = np.random.default_rng(8)
    fitted, shape, expression = (rng.standard_normal(count) for count in (40, 40, 10))
    found = skin.place(fitted, shape, expression)
    for given, placed in zip((fitted, shape), found, strict=False):
        expected = points.points_of(np.concatenate([given, expression]))
        np.testing.assert_allclose(placed, expected, atol=1e-8)
    # what the similarity does not explain, to first order
    moved = points.basis[:, :, :40] @ shape
    moved -= moved.mean(axis=0)
    centred = points.mean - points.mean.mean(axis=0)
    moved -= np.vdot(centred, moved) / np.vdot(centred, centred) * centred
    np.testing.assert_allclose(
        found[2], np.einsum('nx,nx->n', normals, moved), atol=1e-8)


def test_skins_of_another_kind_are_refused_by_name(model):
    mean, basis = np.zeros((5, 3)), np.zeros((50, 5, 3), np.float32)
    for given, complaint in (
        ((mean[:, :2], mean, basis, 40), 'mean'), ((mean, mean[1:], basis, 40), 'normals'),
        ((mean, mean, basis.astype(float), 40), 'basis'), ((mean, mean, basis, 51), 'shapes'),
    ):
        with pytest.raises((TypeError, ValueError), match=f'^{complaint}: want '):
            _renderer.Skin(*given)
    skin = _renderer.Skin(mean, mean, basis, 40)
    with pytest.raises(ValueError, match=r'^expression: want '):
        skin.place(np.zeros(40), np.zeros(40), np.zeros(11))


def test_the_least_squares_are_those_of_the_reference(model, monkeypatch):
    calls = []
    monkeypatch.setattr(
        _renderer, 'align', lambda *given, align=_renderer.align:
        calls.append((given, align(*given))) or calls[-1][1])
    aligner = DepthAligner(model)
    rng = np.random.default_rng(5)
    for _ in range(40):
        size, yaw = rng.uniform(0.75, 1.15), rng.uniform(-1.0, 1.0)
        scene = Scene(model, rng.uniform(0.4, 3.0), size, rng.normal(0, 0.1, 3), yaw)
        scene.align(aligner, damaged(scene.depth_m, rng))
    outcomes = set()
    for given, found in calls:
        outcome, values = reference.align(*given)
        assert found.outcome.name == outcome
        outcomes.add(outcome)
        for name, expected in values.items():
            np.testing.assert_allclose(
                getattr(found, name), expected, rtol=1e-6, atol=1e-9, err_msg=name)
    assert {'ALIGNED', 'FEW_VALID'} < outcomes


def test_flat_surfaces_are_those_of_the_reference(model, monkeypatch):
    """What is told of a surface follows from thresholds: where they are met, one for one."""
    calls = {'is_flat': [], 'stands_out': []}
    for name, seen in calls.items():
        call = getattr(_renderer, name)
        monkeypatch.setattr(
            _renderer, name, lambda *given, call=call, seen=seen:
            seen.append((given, call(*given))) or seen[-1][1])
    aligner = DepthAligner(model)
    rng = np.random.default_rng(6)
    for index in range(60):
        scene = Scene(model, rng.uniform(0.4, 3.0), 1.0, rng.normal(0, 0.05, 3))
        # some reliefs are half pressed into a wall
        pressed = [1.0, 0.6, 0.4, 0.2][index % 4]
        wall = scene.distance_m + rng.uniform(-0.02, 0.2)
        depth_m = np.minimum(scene.depth_m, wall)
        depth_m = scene.distance_m + pressed * (depth_m - scene.distance_m)
        scene.align(aligner, damaged(depth_m, rng))
    for name, seen in calls.items():
        answers = set()
        for given, found in seen:
            assert found is getattr(reference, name)(*given)
            answers.add(found)
        assert {True, False} <= answers


def test_arguments_of_another_kind_are_refused_by_name(model):
    points, flat = np.zeros((5, 3)), np.zeros((5, 2))
    depth = np.zeros((4, 4), np.float32)
    good = [points, points, flat, points, np.eye(3), np.zeros(3), 1.0, np.eye(3), 500.0, depth,
            np.zeros((5, 7), np.float32), np.zeros(5), 1.0]
    assert _renderer.align(*good).outcome.name == 'LOOKS_AWAY'
    for index, name, bad in (
        (0, 'points', flat), (1, 'normals', points[1:]), (2, 'pixels', points),
        (3, 'rays', points.astype(np.float32)), (4, 'rotation', np.eye(4)),
        (7, 'rotation_covariance', np.eye(2)), (9, 'depth', depth.astype('>f4')),
        (9, 'depth', depth[0]), (10, 'moves', points[1:]), (11, 'offsets', np.zeros(4)),
    ):
        with pytest.raises((TypeError, ValueError), match=f'^{name}: want '):
            _renderer.align(*good[:index], bad, *good[index + 1:])


def test_points_of_another_kind_are_refused_by_name():
    points, ones = np.ones((5, 3)), np.ones(5)
    surface = [points, points, np.eye(3), 1.0, 1.0, points, ones]
    assert _renderer.is_flat(*surface) in (True, False)
    around = [points, ones, np.ones((4, 4), np.float32), np.ones((6, 2)), np.ones((6, 3))]
    # a point alone is no plane
    assert _renderer.stands_out(*around) is False
    for call, good, index, name, bad in (
        (_renderer.is_flat, surface, 0, 'points', ones),
        (_renderer.is_flat, surface, 1, 'normals', points[1:]),
        (_renderer.is_flat, surface, 2, 'rotation', np.eye(4)),
        (_renderer.is_flat, surface, 5, 'rays', points[1:]),
        (_renderer.is_flat, surface, 6, 'depth_m', ones[1:]),
        (_renderer.stands_out, around, 0, 'rays', ones),
        (_renderer.stands_out, around, 1, 'depth_m', ones[1:]),
        (_renderer.stands_out, around, 2, 'depth', np.ones((4, 4), np.int32)),
        (_renderer.stands_out, around, 3, 'around_px', points),
        (_renderer.stands_out, around, 4, 'around_rays', points),
    ):
        with pytest.raises((TypeError, ValueError), match=f'^{name}: want '):
            call(*good[:index], bad, *good[index + 1:])


def test_without_measured_points_nothing_is_told():
    points, none = np.ones((5, 3)), np.full(5, np.nan)
    assert _renderer.is_flat(points, points, np.eye(3), 1.0, 1.0, points, none) is False
    depth, pixels = np.ones((4, 4), np.float32), np.ones((6, 2))
    rays = np.ones((6, 3))
    assert _renderer.stands_out(points, none, depth, pixels, rays) is None
    ones, nowhere = np.ones(5), np.full((5, 3), np.nan)
    assert _renderer.stands_out(nowhere, ones, depth, pixels, rays) is None
    assert _renderer.stands_out(points, ones, depth, pixels, np.full((6, 3), np.nan)) is None


def test_the_shape_of_many_images_stands_in_for_that_of_one(model, aligner):
    """A face whose fit is off is aligned as well once its shape is known from other images."""
    scene = Scene(model, 0.7)
    own = scene.parameters
    wrong = FaceParameters(own.camera_matrix, own.shape + 1.5, own.expression)
    given = scene.pose, scene.covariance, 1.0, CAMERA, DepthImage(scene.depth_m)
    alone, known = aligner(wrong, *given), aligner(wrong, *given, own.shape)
    assert scene.error_deg(known) < scene.error_deg(alone)
    assert known.residual_m < alone.residual_m


def test_a_larger_head_has_its_origin_elsewhere(model, aligner):
    """Its skin stays where it was measured."""
    found = Scene(model, 0.7).align(aligner)
    skin_m = found.centre_m - found.pose.translation_m
    larger = found.origin_m(1.1 * found.head_scale)
    np.testing.assert_allclose(found.centre_m - larger, 1.1 * skin_m)
    np.testing.assert_allclose(found.origin_m(found.head_scale), found.pose.translation_m)


def test_millimetres_are_metres(model, aligner):
    scene = Scene(model)
    found = scene.align(aligner, np.round(scene.depth_m * 1000).astype(np.uint16))
    assert found.pose.distance_m == pytest.approx(scene.distance_m, rel=0.004)


def test_the_largest_number_of_16_bits_is_a_hole(model, aligner):
    """Some cameras give it where they measure nothing; a hole on 30 % of the face is no fault."""
    scene = Scene(model)
    millimetres = np.round(scene.depth_m * 1000).astype(np.uint16)
    rng = np.random.default_rng(0)
    holes = np.kron(rng.random((60, 80)) < 0.3, np.ones((8, 8), bool))
    zeros, ones = np.where(holes, 0, millimetres), np.where(holes, 65535, millimetres)
    found = scene.align(aligner, ones.astype(np.uint16))
    as_zeros = scene.align(aligner, zeros.astype(np.uint16))
    assert found.pose.distance_m == pytest.approx(scene.distance_m, rel=0.004)
    np.testing.assert_array_equal(found.pose.translation_m, as_zeros.pose.translation_m)
    assert found.valid == as_zeros.valid < 0.8


def test_holes_hands_and_noise_are_left_out(model, aligner):
    scene = Scene(model, 0.8, 0.9, (0.1, 0.0, 0.0))
    rng = np.random.default_rng(0)
    depth = scene.depth_m + rng.normal(0, 0.004, scene.depth_m.shape).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0.0
    depth[240:330, 300:340] = 0.5  # a hand before mouth and nose
    depth[180:200, 280:360] = np.nan
    found = scene.align(aligner, depth)
    assert found.pose.distance_m == pytest.approx(scene.distance_m, abs=0.008)
    assert scene.error_deg(found) < 3.0
    assert 0 < found.valid < 1
    assert found.inliers < 0.98


def test_the_depth_beside_the_image_moves_the_face_little(model, aligner):
    scene = Scene(model, 0.8, 1.0, (0.1, 0.0, 0.0))
    found = scene.align(aligner, np.roll(scene.depth_m, 3, axis=1))
    assert found.pose.distance_m == pytest.approx(scene.distance_m, abs=0.008)
    assert scene.error_deg(found) < 3.0
    # the measured surface is 3 px to the right of the face that the image shows
    assert found.shift_m[0] > 0.001


@pytest.mark.parametrize(('change', 'said'), [
    (lambda d: 1000 * d, 'a thousand times too large: are its float32 numbers millimetres?'),
    (lambda d: np.ceil(d).astype(np.uint16), 'times too small: are its uint16 numbers metres?'),
    (lambda d: 10 * d, 'ten times too large: are its numbers millimetres (uint16) or metres'),
    (lambda d: np.round(10_000 * d).astype(np.uint16), 'ten times too large: are its numbers'),
    (lambda d: 0.1 * d, 'ten times too small: are its numbers millimetres (uint16) or metres'),
    (lambda d: np.full_like(d, 0.1 * d.min()), 'not that of a face there'),
    (lambda d: 20 * d, 'not that of a face there'),
    (lambda d: d / 20, 'not that of a face there'),
])
@pytest.mark.parametrize('distance_m', [0.5, 0.9, 2.0])
def test_depth_in_another_unit_says_so(model, aligner, distance_m, change, said):
    scene = Scene(model, distance_m)
    found = scene.align(aligner, change(scene.depth_m))
    assert isinstance(found, Refused)
    assert said in found.reason


@pytest.mark.parametrize('depth', [
    np.zeros((480, 640), np.uint16),
    np.full((480, 640), np.nan, np.float32),
    np.full((480, 640), np.inf, np.float32),
    np.full((480, 640), -1.0, np.float32),
    np.full((480, 640), 9.0, np.float32),
    np.full((480, 640), 65535, np.uint16),
])
def test_a_depth_image_without_the_face_is_refused(model, aligner, depth):
    found = Scene(model).align(aligner, depth)
    assert isinstance(found, Refused)
    assert found.reason
    assert '\n' not in found.reason


def test_a_wall_where_the_face_is_leaves_the_pose_alone(model, aligner):
    """A picture of a face: flat."""
    scene = Scene(model, 0.8)
    found = scene.align(aligner, np.full((480, 640), 0.8, np.float32))
    assert isinstance(found, Refused) or scene.error_deg(found) < 6.0


@pytest.mark.parametrize('distance_m', [0.5, 0.8, 1.6, 2.5])
def test_a_wall_at_the_distance_of_a_head_is_none(model, aligner, distance_m):
    scene, rng = Scene(model, distance_m), np.random.default_rng(1)
    noise = 0.003 * distance_m**2 * rng.standard_normal(scene.depth_m.shape)
    found = scene.align(aligner, (distance_m + noise).astype(np.float32))
    assert isinstance(found, Refused)
    assert isinstance(scene.align(aligner, (scene.depth_m + noise).astype(np.float32)), Aligned)


@pytest.mark.parametrize('slope', [0.0, 0.5, -0.5])
@pytest.mark.parametrize('distance_m', [2.0, 2.5, 3.0])
def test_noise_that_hides_a_face_hides_no_wall(model, aligner, distance_m, slope):
    """From 2 m on a sensor's noise is larger than a face's relief; a wall goes on around it."""
    scene, across = Scene(model, distance_m), (np.arange(640) - CAMERA.cx) / CAMERA.fx
    refused = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        noise = 0.004 * distance_m**2 * rng.standard_normal(scene.depth_m.shape)
        noise = 7 * cv2.GaussianBlur(noise, (0, 0), 2.0)
        wall = distance_m / (1 - slope * across) + noise
        found = scene.align(aligner, wall.astype(np.float32))
        assert isinstance(found, Refused)
        assert '\n' not in found.reason
        refused.append(found.reason)
        before_wall = np.where(scene.depth_m == WALL_M, distance_m + 0.3, scene.depth_m)
        head = (before_wall + noise).astype(np.float32)
        assert isinstance(scene.align(aligner, head), Aligned)
    if distance_m == 3.0:
        assert 'the measured surface goes on flat around the face' in refused


def test_a_hand_or_nothing_around_a_face_says_nothing(model, aligner):
    """Only what lies behind the face tells that it stands out, and only where enough is seen."""
    scene = Scene(model, 0.6)
    beyond = scene.depth_m > 1.0
    for around in (0.4, np.nan):
        assert isinstance(
            scene.align(aligner, np.where(beyond, np.float32(around), scene.depth_m)), Aligned)


@pytest.mark.parametrize('yaw', [-0.8, -0.4, 0.4, 0.8])
@pytest.mark.parametrize('distance_m', [0.5, 1.5])
def test_a_turned_head_is_not_flat(model, aligner, yaw, distance_m):
    scene = Scene(model, distance_m, 1.0, (0.1, 0.0, 0.0), yaw)
    noise = 0.003 * distance_m**2 * np.random.default_rng(2).standard_normal(scene.depth_m.shape)
    assert isinstance(scene.align(aligner, (scene.depth_m + noise).astype(np.float32)), Aligned)


def test_a_surface_turned_otherwise_gives_the_distance_alone(model, aligner):
    """The head has turned since the depth was taken, by more than the image's sigma allows."""
    scene = Scene(model, 0.7, 1.0, (0.0, 0.0, 0.0))
    before = Scene(model, 0.7, 1.0, (0.0, 0.0, 0.0), yaw=0.3)
    scene.covariance[3:, 3:] = np.eye(3) * np.radians(1.5) ** 2
    found = scene.align(aligner, before.depth_m)
    assert isinstance(found, Aligned)
    assert found.turned
    assert found.pose.distance_m == pytest.approx(scene.distance_m, abs=0.01)
    np.testing.assert_allclose(found.pose.rotation, scene.pose.rotation, atol=1e-3)
    np.testing.assert_allclose(found.covariance[3:, 3:], scene.covariance[3:, 3:])
    assert found.relief is None
    assert not scene.align(aligner).turned


def size_of(relief, shape=None):
    """Size of the skin, with its sigma, that a relief says of a face of known shape, or none."""
    information, vector = relief.information[0, 0], relief.vector[0]
    if shape is not None:
        vector -= relief.information[0, 1:] @ (shape / 2)
    return np.exp(vector / information), information**-0.5


@pytest.mark.parametrize('size', [0.8, 1.0, 1.1])
def test_the_relief_of_a_face_of_known_shape_says_its_size(model, of_modes, size):
    scene = Scene(model, 0.6, size)
    found = scene.align(of_modes)
    skin = model.vertices(skin_points(model)[0])
    mean = FaceParameters(np.eye(3, 4), np.zeros(40), np.zeros(10))
    own = FaceParameters(np.eye(3, 4), scene.parameters.shape, np.zeros(10))
    skin_ratio = similarity(skin.points(mean), skin.points(own))[0]
    assert found.skin_ratio == pytest.approx(skin_ratio, rel=0.005)
    assert found.apparent_scale == pytest.approx(size, rel=0.02)
    by_relief, sigma = size_of(found.relief, scene.parameters.shape)
    assert by_relief == pytest.approx(size * skin_ratio, rel=0.02)
    assert 0.01 < sigma < 0.03


def test_relief_tells_the_shape_from_the_size(model, of_modes):
    """The fit knows nothing of the shape: the equations find it."""
    scene = Scene(model, 0.6)
    own = scene.parameters
    plain = FaceParameters(own.camera_matrix, np.zeros(40), own.expression)
    found = of_modes(plain, scene.pose, scene.covariance, 1.0, CAMERA, DepthImage(scene.depth_m))
    relief = found.relief
    prior = np.diag(np.append(1.0, np.ones(40)))
    shape = 2 * np.linalg.solve(relief.information + prior, relief.vector)[1:]
    assert np.corrcoef(shape, own.shape)[0, 1] > 0.5
    skin = model.vertices(skin_points(model)[0]).basis[:, :, :40]
    before, after = (np.einsum('nxk,k->nx', skin, s - own.shape) for s in (np.zeros(40), shape))
    # what of it depth shows: along the normals, the whole aside
    normals = skin_points(model)[1]
    off = [np.einsum('nx,nx->n', normals, moved - moved.mean(axis=0)).std()
           for moved in (before, after)]
    assert off[1] < 0.5 * off[0]


def noisy(scene, noise_m):
    """Depth whose noise a few neighbours share."""
    white = np.random.default_rng(4).standard_normal(scene.depth_m.shape)
    blurred = cv2.GaussianBlur(white, (0, 0), 2.0)
    return (scene.depth_m + noise_m * blurred / blurred.std()).astype(np.float32)


def test_noise_that_neighbours_share_makes_relief_say_less(model, aligner):
    near, far = (
        scene.align(aligner, noisy(scene, 0.004 * distance_m**2)).relief
        for distance_m in (0.5, 2.5) for scene in [Scene(model, distance_m)])
    assert size_of(far)[1] > 5 * size_of(near)[1]
    scene = Scene(model, 2.5)
    given = scene.parameters, scene.pose, scene.covariance, 1.0, CAMERA
    averaged = aligner(*given, DepthImage(noisy(scene, 0.025)), news=0.1).relief
    assert size_of(averaged)[1] < 0.5 * size_of(far)[1]


def test_the_relief_of_a_good_sensor_says_more(model, aligner):
    """Its points scatter less than a sensor's do at that distance."""
    scene = Scene(model, 2.0)
    sigmas = [size_of(scene.align(aligner, noisy(scene, noise_m)).relief)[1]
              for noise_m in (0.001, 0.012)]
    assert sigmas[1] > 1.5 * sigmas[0]


def test_the_covariance_is_smaller_with_depth_and_true(model, aligner):
    scene = Scene(model, 0.8, 1.05)
    found = scene.align(aligner)
    ray = scene.pose.translation_m / scene.pose.distance_m
    before = np.sqrt(ray @ scene.covariance[:3, :3] @ ray)
    after = np.sqrt(ray @ found.covariance[:3, :3] @ ray)
    assert before > 0.04
    assert 0.0003 < after < 0.006
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-12
    error_m = abs(found.pose.distance_m - scene.distance_m)
    assert error_m < 3 * after


@pytest.mark.parametrize('values', [
    np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8), 'depth',
])
def test_what_is_no_depth_image_is_refused(values):
    with pytest.raises(ImageError, match=r'wants \(height, width\), float32 in metres or uint16'):
        DepthImage(values)


def test_another_size_than_the_image_says_what_to_do():
    with pytest.raises(ImageError, match=r'depth is 848x480, the image 640x480.*align_depth'):
        DepthImage(np.zeros((480, 848), np.uint16)).check_size(np.zeros((480, 640, 3), np.uint8))


def test_depth_is_read_between_pixels_and_not_at_edges():
    values = np.full((4, 5), 2.0, np.float32)
    values[:, 3:] = 1.0
    values[0, 0] = 0.0
    pixels = np.array([
        [1.2, 2.0], [0.5, 0.5], [2.5, 1.5], [3.2, 1.0], [4.0, 3.0], [-1.0, 2.0],
        [np.nan, 1.0], [1e300, 1.0],
    ])
    found = DepthImage(values).at(pixels)
    # inside; one of four missing; over an edge; inside; the last pixel; outside, three times
    np.testing.assert_allclose(found, [2, 2, np.nan, 1, np.nan, np.nan, np.nan, np.nan])


def test_depth_is_compared_where_a_camera_in_front_sees_the_skin(model):
    """Not in the mouth, the nostrils or behind the rim of the mask."""
    chosen, normals = skin_points(model)
    assert 100 < len(chosen) < 1000
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-9)
    beside = cKDTree(model.mean[:, :2]).query_ball_point(model.mean[chosen, :2], 0.0015)
    behind_m = [model.mean[near, 2].max() - model.mean[v, 2]
                for v, near in zip(chosen, beside, strict=True)]
    assert max(behind_m) < 0.006
