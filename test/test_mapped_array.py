# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Arrays that stay in the model's file: what is mapped, what is read, and damage."""

import io
import mmap
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.file import read_model
from face_recon_ros.face_model.mapped_array import mapped_array, release_pages
from face_recon_ros.face_model.model import FaceModel

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
    arrays = read_model(FILE)
    with np.load(FILE) as file:
        for name, rows in (('shape_basis', 40), ('expression_basis', 10)):
            assert arrays[name].shape[0] == rows
            np.testing.assert_array_equal(arrays[name], file[name])
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


@pytest.mark.skipif(not Path('/proc/self/smaps').exists(), reason='Linux tells memory')
def test_bases_that_nobody_reads_take_no_memory(tmp_path):
    path = tmp_path / 'own.npz'
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
