# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/expressions.tflite is made: expressions, landmarks that teach, crops, the file."""

import dataclasses
import math

import numpy as np
import pytest

from face_recon_ros.errors import ModelFileError
from face_recon_ros.expression import units
from face_recon_ros.paths import model_file
from face_recon_ros.rotations import rotation_about
from model_building.expression import sampling
from model_building.expression.features import aligned, feature_vector, mirrored
from model_building.expression.landmark_regression import ExpressionRegression
from model_building.expression.photo_split import is_for_judging

SIZES = {'centre': (1407,), 'components': (1407, 12), 'hidden_1': (12, 8), 'bias_1': (8,),
         'hidden_2': (8, 6), 'bias_2': (6,), 'output': (6, 52), 'output_bias': (52,),
         'confidence': (52,)}  # fmt: skip


def screen(points, rotation, scale=900.0, move=(200.0, 150.0, 30.0)):
    """Return points of the model as pixels: y down."""
    return scale * (points @ rotation.T) * [1, -1, 1] + move


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    made = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in SIZES.items()}
    made['components'] *= 30
    made['confidence'] = np.abs(made['confidence'])
    return {**made, 'names': np.array(units.NAMES), 'format_version': np.array(1)}


# --- expressions -----------------------------------------------------------------


def test_every_unit_is_drawn_alone_in_full_and_at_rest():
    rng = np.random.default_rng(3)
    drawn = np.array([sampling.draw(rng) for _ in range(6000)])
    assert drawn.min() == 0
    assert drawn.max() <= 1
    shown = np.delete(drawn, units.NAMES.index('tongueOut'), axis=1)
    assert ((shown > 0.85).sum(axis=0) >= 10).all()
    assert ((shown == 0).mean(axis=0) > 0.3).all()
    assert not drawn[:, units.NAMES.index('tongueOut')].any()
    jaw, close = drawn[:, units.NAMES.index('jawOpen')], drawn[:, units.NAMES.index('mouthClose')]
    assert (jaw >= close).all()


def test_both_sides_are_alike_in_numbers():
    rng = np.random.default_rng(4)
    mean = np.mean([sampling.draw(rng) for _ in range(6000)], axis=0)
    np.testing.assert_allclose(mean, mean[units.MIRROR], atol=0.02)


def test_photos_that_judge_are_one_in_six(tmp_path):
    judging = [n for n in range(1, 61) if is_for_judging(tmp_path / f'file{n:04d}.jpg')]
    assert judging == list(range(6, 61, 6))


# --- landmarks without the pose --------------------------------------------------


@pytest.mark.parametrize(('axis', 'degrees'), [('x', 20), ('y', -40), ('z', 30)])
def test_turning_takes_nothing_from_a_face(model, axis, degrees):
    reference = model.landmarks_468.mean
    open_mouth = reference + model.landmarks_468.basis[..., 40] * 1.5
    seen = aligned(screen(open_mouth, rotation_about(axis, math.radians(degrees))), reference)
    level = aligned(screen(open_mouth, np.eye(3)), reference)
    np.testing.assert_allclose(seen.points, level.points, atol=1e-9)
    turn = seen.turn - level.turn
    assert math.degrees(turn['xyz'.index(axis)]) == pytest.approx(degrees, abs=0.3)


def test_the_mirrored_face_is_that_of_the_mirrored_pixels(model):
    reference, other = model.landmarks_468.mean, model.landmarks_468_mirror
    rng = np.random.default_rng(0)
    pixels = screen(reference + rng.normal(0, 2e-3, (468, 3)), rotation_about('y', 0.5))
    turned = pixels[other] * [-1, 1, 1]
    by_pixels = aligned(turned, reference)
    by_face = mirrored(aligned(pixels, reference), other)
    np.testing.assert_allclose(
        feature_vector(by_face, reference), feature_vector(by_pixels, reference), atol=1e-9)


def test_the_pose_comes_from_what_no_expression_moves(model):
    """Forehead, temples, the bridge of the nose, the corners of the eyes (Face Mesh's numbers)."""
    reference = model.landmarks_468.mean
    pixels = 900 * reference * [1, -1, 1]
    moving = []
    before = aligned(pixels, reference).points
    for index in range(468):
        moved = pixels.copy()
        moved[index] += 5.0
        others = np.arange(468) != index
        if np.abs((aligned(moved, reference).points - before)[others]).max() > 1e-9:
            moving.append(index)
    assert moving == [6, 10, 21, 33, 67, 103, 109, 127, 133, 162, 168, 195, 197, 234, 251, 263,
                      297, 332, 338, 356, 362, 389, 454]


# --- the file --------------------------------------------------------------------


def test_the_mirrored_face_has_the_units_of_the_other_side(model, arrays, tmp_path):
    reference, other = model.landmarks_468.mean, model.landmarks_468_mirror
    np.savez(tmp_path / 'landmarks.npz', **arrays)
    read = ExpressionRegression(reference, other, tmp_path / 'landmarks.npz')
    rng = np.random.default_rng(1)
    pixels = screen(reference + rng.normal(0, 2e-3, (468, 3)), rotation_about('y', 0.3))
    seen = aligned(pixels, reference)
    values = read(seen)
    assert values.shape == (52,)
    assert 0 <= values.min() < values.max() <= 1
    np.testing.assert_allclose(
        read(mirrored(seen, other)), values[units.MIRROR], atol=1e-5)


@pytest.mark.parametrize(('change', 'said'), [
    (lambda arrays: arrays.pop('output'), 'output'),
    (lambda arrays: arrays.update(centre=np.zeros(5, np.float32)), 'centre is float32 (5,)'),
    (lambda arrays: arrays.update(names=arrays['names'][::-1]), 'other units'),
    (lambda arrays: arrays.update(format_version=np.array(9)), 'format 9'),
    (lambda arrays: arrays.update(output_bias=np.full(52, np.nan, np.float32)), 'output_bias'),
])
def test_a_file_that_is_not_it(tmp_path, model, arrays, change, said):
    change(arrays)
    np.savez(tmp_path / 'other.npz', **arrays)
    with pytest.raises(ModelFileError) as raised:
        ExpressionRegression(
            model.landmarks_468.mean, model.landmarks_468_mirror, tmp_path / 'other.npz')
    assert said in str(raised.value)
    assert 'other.npz' in str(raised.value)
    assert '\n' not in str(raised.value)


def test_a_file_that_is_missing_or_damaged(tmp_path, model):
    (tmp_path / 'damaged.npz').write_bytes(b'PK\3\4no zip')
    for name in ('missing.npz', 'damaged.npz'):
        with pytest.raises(ModelFileError, match=name):
            ExpressionRegression(
                model.landmarks_468.mean, model.landmarks_468_mirror, tmp_path / name)


# --- the network -----------------------------------------------------------------


def small_set(learn, count=12):
    rng = np.random.default_rng(5)
    weights = np.zeros((count, 52), np.float32)
    weights[:, units.NAMES.index('mouthSmileLeft')] = rng.uniform(0.86, 1, count)
    images = rng.integers(0, 256, (count, 128, 128), np.uint8)
    return learn.Crops.alone(images, weights, np.ones_like(weights))


def test_the_file_gives_what_the_trained_network_gives(tmp_path):
    torch = pytest.importorskip('torch')
    from model_building.expression import export, learn
    from model_building.expression.network import ExpressionNet

    torch.manual_seed(1)
    network = ExpressionNet(model_file('face_recon.tflite'), torch.full((52,), 0.1),
                            torch.full((52,), 0.2))
    crops = small_set(learn)
    network(torch.rand(8, 1, 128, 128))  # batch normalisation gets values
    calibration = export.Calibration.measured(network.eval(), crops, crops.image[:3])
    export.write(network, calibration, tmp_path / 'expressions.tflite')
    assert export.largest_difference(network, calibration, tmp_path / 'expressions.tflite') < 1e-4


def test_a_mirrored_crop_has_the_units_of_the_other_side():
    pytest.importorskip('torch')
    from model_building.expression import learn

    left, right = units.NAMES.index('mouthSmileLeft'), units.NAMES.index('mouthSmileRight')
    crops = small_set(learn)
    crops.image[:, :, :64], crops.image[:, :, 64:] = 40, 200
    plan = learn.Plan(steps=1, rate=1e-3, seed=0, singles=64)
    images, weights, trust = learn.Batches(crops, None, plan)(0)
    again = learn.Batches(crops, None, plan)(0)[0]
    np.testing.assert_array_equal(images, again)
    assert (images.shape, weights.shape, trust.shape) == ((64, 1, 128, 128), (64, 52), (64, 52))
    bright_left = images[:, 0, :, :40].mean((1, 2)) > images[:, 0, :, 88:].mean((1, 2))
    assert 10 < bright_left.sum() < 54
    assert not weights[bright_left][:, left].any()
    assert weights[bright_left][:, right].min() > 0
    assert not weights[~bright_left][:, right].any()


def test_what_goes_beyond_the_truth_costs_less_than_what_falls_short():
    torch = pytest.importorskip('torch')
    from model_building.expression.learn import loss_of

    def cost(read, wanted):
        found = torch.full((1, 52), read)
        scale, trust = torch.full((52,), 0.5), torch.ones(1, 52)
        return float(loss_of(found, torch.full((1, 52), wanted), trust, scale))

    assert cost(1.3, 1.0) < 0.3 * cost(0.7, 1.0)
    assert cost(-0.3, 0.0) < 0.3 * cost(0.3, 0.0)
    assert cost(0.7, 1.0) > 2 * cost(0.3, 0.0)  # what is shown counts more
    unknown = loss_of(torch.rand(1, 52), torch.ones(1, 52), torch.zeros(1, 52), torch.ones(52))
    assert float(unknown) == 0


def test_crops_of_a_group_are_changed_alike():
    pytest.importorskip('torch')
    from model_building.expression import learn

    single = small_set(learn, 1)
    crops = single.chosen(np.zeros(24, int))
    crops = dataclasses.replace(crops, person=np.arange(24), group=np.arange(24) // 6)
    plan = learn.Plan(steps=1, rate=1e-3, seed=3, groups=5, singles=2)
    images, weights, _ = learn.Batches(crops, None, plan)(0)
    assert images.shape == (22, 1, 128, 128)
    for group in range(5):
        rows = slice(4 * group, 4 * group + 4)
        assert np.ptp(images[rows].numpy(), axis=0).max() == 0
        assert np.ptp(weights[rows].numpy(), axis=0).max() == 0
    assert np.ptp(images[::4].numpy(), axis=0).max() > 0.5
    with pytest.raises(ValueError, match='no group of 4'):
        learn.Batches(small_set(learn), None, plan)


def test_what_a_group_has_in_common_costs_nothing():
    torch = pytest.importorskip('torch')
    from model_building.expression.learn import difference_loss

    weights = torch.rand(2, 4, 52)
    own = torch.rand(2, 1, 52)
    assert float(difference_loss(weights + own, weights, torch.ones(52))) < 1e-10
    flat = difference_loss(weights.mean(1, keepdim=True).expand_as(weights), weights,
                           torch.ones(52))
    assert float(flat) > 0.05


def test_a_stage_begins_with_what_the_one_before_reads(tmp_path):
    torch = pytest.importorskip('torch')
    from model_building.expression import learn

    plan = learn.Plan(steps=1, rate=1e-3, seed=0, singles=8)
    trunk = model_file('face_recon.tflite')
    first = learn.Training(trunk, small_set(learn), None, plan, tmp_path / 'a.pt').network
    others = small_set(learn, 30)
    others.weights[:, 3] = np.linspace(0, 1, 30)
    second = learn.Training(trunk, others, None, plan, tmp_path / 'b.pt', first).network
    assert not torch.equal(first.unit_scale, second.unit_scale)
    np.testing.assert_allclose(learn.outputs(second, others.image),
                               learn.outputs(first, others.image), atol=1e-5)


def test_shards_keep_people_and_groups_apart(tmp_path):
    pytest.importorskip('torch')
    from model_building.expression import generate, learn

    def draw(rng):
        return [generate.Crop(rng.integers(0, 256, (128, 128), np.uint8), np.zeros(52), k // 3,
                              np.array([0.0, 0.0, 1.0]), np.zeros(50))
                for k in range(6)]

    paths = [tmp_path / 'one.npz', tmp_path / 'two.npz']
    for seed, path in enumerate(paths):
        generate.write_shard(path, draw, np.random.default_rng(seed), 11)
    crops = learn.Crops.rendered(paths)
    assert crops.person.tolist() == [0] * 6 + [1] * 5 + [2] * 6 + [3] * 5
    assert crops.group.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 2 + (
        [4] * 3 + [5] * 3 + [6] * 3 + [7] * 2)
    assert crops.held_out(True).person.tolist() == [0] * 6


def test_training_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    torch = pytest.importorskip('torch')
    from model_building.expression import learn

    monkeypatch.setattr(learn, 'SAVE_EVERY', 2)
    crops = dataclasses.replace(small_set(learn, 24), group=np.arange(24) // 4)

    def training(steps, name):
        plan = learn.Plan(steps=steps, rate=1e-3, seed=0, groups=1, singles=2, photos=2,
                          difference=1.0)
        return learn.Training(model_file('face_recon.tflite'), crops, small_set(learn, 4), plan,
                              tmp_path / name)

    said = []
    straight = training(4, 'a.pt').run(said.append)
    assert [line.split(':')[0] for line in said] == ['step 2', 'step 4']
    stopped = training(4, 'b.pt')
    for _ in range(2):
        stopped._advance()
    stopped._save()
    gone_on = training(4, 'b.pt').run(said.append)
    assert [line.split(':')[0] for line in said[2:]] == ['step 4']
    for one, other in zip(straight.parameters(), gone_on.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
