# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/expressions.tflite is made: expressions, landmarks that teach, crops, the file."""

import math

import numpy as np
import pytest

from face_recon_ros.errors import ModelFileError
from face_recon_ros.expression import units
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
