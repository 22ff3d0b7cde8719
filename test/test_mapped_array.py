# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Arrays that stay in the model's file: what is mapped, what is read, and damage."""

import io
import mmap
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.file import read_model
from face_recon_ros.face_model.mapped_array import mapped_array, release_pages
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import is_shipped, model_file

FILE = Path(__file__).resolve().parents[1] / 'models' / 'face_model.npz'


def owner(array):
    """Return what holds an array's memory."""
    while isinstance(array, np.ndarray | memoryview):
        array = array.obj if isinstance(array, memoryview) else array.base
    return array


def archive_of(tmp_path, array, compression=zipfile.ZIP_STORED, name='it'):
    path = tmp_path / 'some.npz'
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0))
    with zipfile.ZipFile(path, 'w', compression) as archive:
        archive.writestr(f'{name}.npy', buffer.getvalue())
    return path


def mapped(path, name='it'):
    with path.open('rb') as file, zipfile.ZipFile(path) as archive:
        return mapped_array(file, archive, name)


def test_the_bases_of_the_shipped_model_stay_in_the_file():
    file = model_file('face_model.npz')
    arrays = read_model(file)
    with np.load(file) as loaded:
        for name, rows in (('shape_basis', 40), ('expression_basis', 10)):
            assert arrays[name].shape[0] == rows
            np.testing.assert_array_equal(arrays[name], loaded[name])
            assert isinstance(owner(arrays[name]), mmap.mmap)
            assert not arrays[name].flags.writeable
            assert arrays[name].flags.c_contiguous


def resident_bytes(path):
    """Return how much of a file's mappings is in memory (proc(5), smaps)."""
    total, is_its = 0, False
    for line in Path('/proc/self/smaps').read_text().splitlines():
        if re.match(r'[0-9a-f]+-[0-9a-f]+ ', line):
            is_its = line.endswith(str(path))
        elif is_its and line.startswith('Rss:'):
            total += 1024 * int(line.split()[1])
    return total


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a folder that is the models/ of an installation."""
    models = tmp_path / 'share' / 'face_recon_ros' / 'models'
    models.mkdir(parents=True)
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    return models


@pytest.mark.skipif(not Path('/proc/self/smaps').exists(), reason='Linux tells memory')
def test_bases_that_nobody_reads_take_no_memory(installed):
    path = installed / 'own.npz'
    path.write_bytes(FILE.read_bytes())
    model = FaceModel(path)
    assert resident_bytes(path) == 0
    indices = np.arange(0, 38_000, 10)
    before = model.vertices(indices)
    assert resident_bytes(path) > 1_000_000
    release_pages(read_model(path)['mean'])  # in memory of its own: left alone
    assert model.decoder.is_symmetric
    assert resident_bytes(path) == 0
    np.testing.assert_array_equal(model.vertices(indices).basis, before.basis)


def test_a_link_in_an_installation_is_of_it(installed, tmp_path):
    """As colcon build --symlink-install makes them."""
    (installed / 'face_model.npz').symlink_to(FILE)
    assert is_shipped(installed / 'face_model.npz')
    assert is_shipped(FILE.parent / '..' / 'models' / 'face_model.npz') is False
    link = tmp_path / 'link.npz'
    link.symlink_to(installed / 'face_model.npz')
    assert not is_shipped(link)  # it leads to FILE, which is not of this installation


WRITTEN_INTO = """
import os, sys
import numpy as np
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.tflite import Network

model, network = FaceModel(sys.argv[1]), Network(sys.argv[2])
mean = FaceParameters(np.eye(3, 4), np.ones(40), np.ones(10))
before = network(np.zeros(network.input_shape, np.float32))
for path in sys.argv[1:]:
    with open(path, 'r+b') as file:
        file.truncate(0)
assert np.isfinite(model.dense_px(mean)).all()
for old, new in zip(before, network(np.zeros(network.input_shape, np.float32)), strict=True):
    np.testing.assert_array_equal(old, new)
print('went on')
"""


def test_a_model_that_is_written_into_while_it_is_used_ends_nobody(tmp_path):
    files = [tmp_path / name for name in ('face_model.npz', 'face_recon.tflite')]
    for file in files:
        file.write_bytes((FILE.parent / file.name).read_bytes())
    done = subprocess.run(
        [sys.executable, '-c', WRITTEN_INTO, *map(str, files)], capture_output=True, text=True,
        cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (0, 'went on\n'), done.stderr


def cmake():
    """Return every CMake there is: old ones write into the files they install over."""
    folders = {Path(sys.executable).parent, Path('/usr/bin')}
    return sorted(str(f / 'cmake') for f in folders if (f / 'cmake').is_file())


@pytest.mark.parametrize('program', cmake())
def test_an_installation_replaces_models_that_may_be_mapped(tmp_path, program):
    source, prefix = tmp_path / 'source', tmp_path / 'prefix'
    models = prefix / 'share' / 'face_recon_ros' / 'models'
    for folder in (source / 'models', models):
        folder.mkdir(parents=True)
    (source / 'models' / 'face_model.npz').write_bytes(b'the new one')
    old = models / 'face_model.npz'
    old.write_bytes(b'old')
    os.utime(old, (1, 1))
    (models / 'linked.tflite').symlink_to(FILE)
    script = tmp_path / 'install.cmake'
    script.write_text(
        f'set(CMAKE_INSTALL_PREFIX "{prefix}")\n'
        'set(REPLACED share/face_recon_ros/models/*)\n'
        f'include("{FILE.parents[1]}/cmake/replace_installed.cmake")\n'
        f'file(INSTALL "{source}/models" DESTINATION "{models.parent}")\n')
    with old.open('rb') as held:
        subprocess.run([program, '-P', str(script)], check=True, capture_output=True)
        assert held.read() == b'old'
    assert old.read_bytes() == b'the new one'
    assert (models / 'linked.tflite').is_symlink()  # of --symlink-install


@pytest.mark.parametrize('length', range(1, 5))
def test_what_is_not_aligned_is_not_mapped(tmp_path, length):
    """A name of odd length shifts the array by as much: the header is 30 bytes and the name."""
    array = np.arange(12, dtype=np.int16).reshape(3, 4)
    name = 'x' * length
    found = mapped(archive_of(tmp_path, array, name=name), name)
    if length % 2:
        assert found is None
    else:
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize('array', [
    np.asfortranarray(np.arange(12, dtype=np.int16).reshape(3, 4)),
    np.zeros((0, 3), np.int16),
])
def test_other_orders_and_nothing_are_not_mapped(tmp_path, array):
    assert mapped(archive_of(tmp_path, array)) is None


def test_what_is_compressed_is_not_mapped(tmp_path):
    path = archive_of(tmp_path, np.zeros((3, 4), np.int16), zipfile.ZIP_DEFLATED)
    assert mapped(path) is None


def test_a_compressed_model_is_read_as_before(tmp_path):
    with np.load(FILE) as file:
        arrays = {name: file[name] for name in file.files}
    path = tmp_path / 'compressed.npz'
    np.savez_compressed(path, **arrays)
    np.testing.assert_array_equal(read_model(path)['shape_basis'], arrays['shape_basis'])


@pytest.mark.parametrize('part', [0.3, 0.8])
def test_a_damaged_basis_is_told(tmp_path, part):
    data = bytearray(FILE.read_bytes())
    data[int(part * len(data))] ^= 1
    path = tmp_path / 'damaged.npz'
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match='corrupt'):
        read_model(path)
