# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The face model made of the ICT model's people: its parts, and a build where the folder is."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from patience import LONG_HANG_S

from model_building.evaluation import fit
from model_building.face_model import assets, expression, ict_build, ict_correspondence
from model_building.face_model.errors import ModelBuildingError

ROOT = Path(__file__).resolve().parents[1]
ICT = ROOT.parent / 'shared' / 'data' / 'ict_face_model_light'


def test_people_are_normal_but_never_extreme():
    weights = ict_build.sample_weights(4000, 100, 17)
    assert weights.shape == (4000, 100)
    assert np.abs(weights).max() <= 3
    np.testing.assert_allclose(weights.mean(), 0, atol=0.005)
    # of a normal distribution cut at three: sqrt(1 - 2 * 3 * phi(3) / (1 - 2 * Phi(-3)))
    np.testing.assert_allclose(weights.std(), 0.9866, atol=0.003)
    np.testing.assert_array_equal(weights, ict_build.sample_weights(4000, 100, 17))
    assert not np.array_equal(weights, ict_build.sample_weights(4000, 100, 18))


def test_units_get_the_names_of_arkit():
    names = ('PupilDilate_L', 'browInnerUp_L', 'browInnerUp_R', 'eyeBlink_L', 'jawLeft',
             'mouthClose')
    shapes = np.arange(1.0, 7.0)[:, None, None] * np.ones((6, 2, 3))
    found, units = ict_build.named_units(names, shapes)
    assert found == ['browInnerUp', 'eyeBlinkLeft', 'jawLeft', 'mouthClose']
    np.testing.assert_array_equal(units[:, 0, 0], [2 + 3, 4, 5, 6])


def test_raised_cheeks_go_with_smiles_where_there_is_such_a_unit():
    names = ['mouthSmileLeft', 'mouthSmileRight', 'jawOpen']
    names += [unit for habit in expression.HABITS for unit in (
        [habit.unit] if habit.same_sides is None else [habit.unit + 'Left', habit.unit + 'Right'])
        if unit not in names]
    names += [f'eyeLook{way}{side}' for way in ('In', 'Out', 'Up', 'Down')
              for side in ('Left', 'Right')] + ['mouthClose']
    plain = expression.sample_expressions(names)
    with_cheeks = expression.sample_expressions([*names, 'cheekRaiserLeft', 'cheekRaiserRight'])
    np.testing.assert_array_equal(with_cheeks[:, :len(names)], plain)
    smile, cheek = plain[:, names.index('mouthSmileLeft')], with_cheeks[:, len(names)]
    assert (cheek[smile > 0] > 0).all()
    assert (cheek <= 0.5 * smile).all()


def model_of(basis, mean):
    step = np.abs(basis).reshape(40, -1).max(axis=1) / 32767
    return {'mean': mean.astype(np.float32), 'shape_step': step.astype(np.float32),
            'shape_basis': np.rint(basis / step[:, None, None]).astype(np.int16)}


@pytest.fixture(scope='module')
def cloud():
    """A mean face of points, 40 components, and modes: the components and what they lack."""
    rng = np.random.default_rng(4)
    mean = 0.05 * rng.standard_normal((1800, 3))
    return mean, 0.0005 * rng.standard_normal((60, 1800, 3))


def test_components_that_know_all_modes_leave_nothing(cloud):
    mean, modes = cloud
    found = ict_build.unseen_error(model_of(modes[:40], mean), modes[:40], np.arange(1800) >= 0)
    assert found.heads == 500
    assert found.kept_mean_mm < 0.1
    assert found.without_mm > 3


def test_what_components_lack_is_left(cloud):
    mean, modes = cloud
    modes = modes.copy()
    modes[41:] = 0
    found = ict_build.unseen_error(model_of(modes[:40], mean), modes[:41], np.arange(1800) >= 0)
    # One mode of 0.5 mm an axis: mean length sqrt(8 / pi) * 0.5 mm, mean |weight| sqrt(2 / pi).
    np.testing.assert_allclose(found.kept_mean_mm, 0.5 * 1.596 * 0.798, rtol=0.15)
    assert found.kept_worst_mm > 2 * found.kept_mean_mm


def run(*arguments):
    return subprocess.run(
        [sys.executable, '-m', *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=LONG_HANG_S, env={**os.environ, 'OMP_NUM_THREADS': '1',
                                       'OPENBLAS_NUM_THREADS': '1'})


@pytest.mark.parametrize('package', [
    'model_building', 'model_building.face_model.ict_correspondence'])
def test_folder_without_the_model_is_one_line(tmp_path, package):
    result = run(package, '--ict', str(tmp_path), '--output', str(tmp_path / 'out.npz'),
                 '--assets', str(tmp_path))
    assert result.returncode == 1
    assert 'Traceback' not in result.stderr
    assert str(tmp_path) in result.stderr.strip().splitlines()[-1]
    assert not (tmp_path / 'out.npz').exists()


@pytest.fixture(scope='module')
def material():
    if not ICT.is_dir():
        pytest.skip('needs the ICT face model in ../shared, which is not here')
    try:
        return assets.download_wheel(assets.default_cache())
    except ModelBuildingError as error:
        pytest.skip(f'the model cannot be built without its material: {error}')


@pytest.mark.timeout(2 * LONG_HANG_S)
def test_built_twice_it_is_the_same_and_it_keeps_unseen_people(material, tmp_path):
    files = [tmp_path / f'{k}.npz' for k in range(2)]
    for file in files:
        result = run('model_building', '--ict', str(ICT), '--assets', str(material),
                     '--output', str(file))
        assert result.returncode == 0, result.stderr
    assert files[0].read_bytes() == files[1].read_bytes()
    line = next(line for line in result.stdout.splitlines() if 'unseen heads' in line)
    assert float(line.split(' leave ')[1].split(' mm')[0]) <= 0.8


def test_correspondence_is_what_the_command_finds(material, tmp_path):
    file = tmp_path / 'found.npz'
    result = run('model_building.face_model.ict_correspondence', '--ict', str(ICT), '--assets',
                 str(material), '--output', str(file))
    assert result.returncode == 0, result.stderr
    found = ict_correspondence.IctCorrespondence.load(file)
    committed = ict_correspondence.IctCorrespondence.load()
    # Libraries' sums differ in the last places.
    np.testing.assert_allclose(found.neutral, committed.neutral, atol=2e-5)
    assert (found.kind == committed.kind).all()


@pytest.mark.parametrize('number', ['0', '-1', 'two', '1.5'])
def test_every_nth_photo_wants_a_number(number):
    with pytest.raises(argparse.ArgumentTypeError, match=f'{number}: give a whole number'):
        fit.positive(number)
    assert fit.positive('4') == 4
