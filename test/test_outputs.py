# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Files are written whole or not at all, and never over what is not this program's."""

import os
import signal
import stat

import cv2
import numpy as np
import pytest

from face_recon_ros.errors import OutputError
from face_recon_ros.io import outputs
from face_recon_ros.io.image_files import read_image, write_image
from face_recon_ros.io.outputs import check_output, fitting_name, is_own, write_bytes
from face_recon_ros.rendering import exports


@pytest.fixture
def photo(portrait):
    return np.ascontiguousarray(portrait[:60, :80])


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path):
    path = tmp_path / 'a.bin'
    path.write_bytes(b'old')
    path.chmod(0o640)
    write_bytes(path, b'new')
    assert path.read_bytes() == b'new'
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ['a.bin']


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / 'other').touch()
    write_bytes(tmp_path / 'a.bin', b'new')
    assert (tmp_path / 'a.bin').stat().st_mode == (tmp_path / 'other').stat().st_mode


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / 'file').write_bytes(b'old')
    (tmp_path / 'link').symlink_to('file')
    write_bytes(tmp_path / 'link', b'new')
    assert (tmp_path / 'link').is_symlink()
    assert (tmp_path / 'file').read_bytes() == b'new'


def test_what_was_there_stays_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / 'a.bin'
    path.write_bytes(b'old')

    def full(self, data):
        with open(self, 'wb') as file:
            file.write(data[:2])
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(type(path), 'write_bytes', full)
    with pytest.raises(OutputError, match=r'a\.bin: No space left on device; choose .*--out'):
        write_bytes(path, b'new data')
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['a.bin']


def test_devices_are_written_to(tmp_path):
    write_bytes(outputs.Path('/dev/null'), b'new')
    if os.path.exists('/dev/full'):
        with pytest.raises(OutputError, match='/dev/full: No space left'):
            write_bytes(outputs.Path('/dev/full'), b'new')


@pytest.mark.skipif(not os.path.exists('/dev/fd'), reason='needs /dev/fd')
def test_a_pipe_of_the_shell_is_written_to():
    read, write = os.pipe()
    with open(read, 'rb') as reader:
        write_bytes(outputs.Path(f'/dev/fd/{write}'), b'new')
        os.close(write)
        assert reader.read() == b'new'


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_a_picture_of_this_program_is_known_and_unchanged(tmp_path, photo, suffix):
    write_image(tmp_path / f'own{suffix}', photo, mark=True)
    write_image(tmp_path / f'photo{suffix}', photo)
    assert is_own(tmp_path / f'own{suffix}')
    assert not is_own(tmp_path / f'photo{suffix}')
    np.testing.assert_array_equal(
        read_image(tmp_path / f'own{suffix}'), read_image(tmp_path / f'photo{suffix}')
    )
    # a copy of the file is known, a copy of the picture is a photo
    again = cv2.imread(str(tmp_path / f'own{suffix}'))
    cv2.imwrite(str(tmp_path / f'edited{suffix}'), again)
    assert not is_own(tmp_path / f'edited{suffix}')


def test_depth_of_this_program_is_known_and_reads(tmp_path):
    depth_m = np.array([[0.5, np.nan], [1.25, 2.0]], np.float32)
    exports.write_depth_npy(tmp_path / 'own.npy', depth_m)
    np.testing.assert_array_equal(np.load(tmp_path / 'own.npy'), depth_m)
    np.save(tmp_path / 'other.npy', depth_m)
    assert is_own(tmp_path / 'own.npy')
    assert not is_own(tmp_path / 'other.npy')


def test_an_input_is_refused_by_whatever_name(tmp_path):
    (tmp_path / 'clip.mp4').write_bytes(b'a clip')
    os.link(tmp_path / 'clip.mp4', tmp_path / 'hard.mp4')
    (tmp_path / 'soft.mp4').symlink_to('clip.mp4')
    (tmp_path / 'folder').mkdir()
    inputs = outputs.identities([tmp_path / 'clip.mp4'])
    for name in ('clip.mp4', 'hard.mp4', 'soft.mp4', 'folder/../clip.mp4'):
        with pytest.raises(OutputError, match=r'--out .*mp4 is an input; choose another --out'):
            check_output(tmp_path / name, '--out', inputs)
    check_output(tmp_path / 'new.mp4', '--out', inputs)


def test_other_peoples_files_are_refused_and_own_ones_are_not(tmp_path):
    path = tmp_path / 'faces.csv'
    path.write_text('name,age\nanna,31\n')
    with pytest.raises(OutputError, match=r'--csv .* not of this program; delete it'):
        check_output(path, '--csv', set())
    path.write_text('file,id,score,x0,y0\n')
    check_output(path, '--csv', set())
    path.write_text('')
    check_output(path, '--csv', set())
    with pytest.raises(OutputError, match='is a folder'):
        check_output(tmp_path, '--csv', set())


def test_long_names_are_cut_to_what_a_folder_holds():
    assert fitting_name('a', '_pose.jpg') == 'a_pose.jpg'
    for stem in ('x' * 251, 'ä' * 125 + 'x'):
        name = fitting_name(stem, '_pose.jpg')
        assert 253 <= len(name.encode()) <= 255
        assert name.endswith('_pose.jpg')


def test_a_signal_waits_until_the_file_is_finished():
    order = []
    before = signal.signal(signal.SIGTERM, lambda *_: order.append('signal'))
    try:
        with outputs.signals_held():
            signal.raise_signal(signal.SIGTERM)
            order.append('finished')
    finally:
        signal.signal(signal.SIGTERM, before)
    assert order == ['finished', 'signal']


def test_what_cannot_be_encoded_leaves_no_file(tmp_path):
    wide = np.zeros((2, 70_000, 3), np.uint8)
    for name, message in (
        ('wide.jpg', r'wide\.jpg: .*write \.png'), ('a.xyz', r'"\.xyz" is no format'),
        ('none', r'"" is no format'),
    ):
        with pytest.raises(OutputError, match=message) as error:
            write_image(tmp_path / name, wide)
        assert '\n' not in str(error.value)
    assert os.listdir(tmp_path) == []
    write_image(tmp_path / 'wide.png', wide)
    assert read_image(tmp_path / 'wide.png').shape == (2, 70_000, 3)
