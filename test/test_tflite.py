# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import shlex
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from face_recon_ros import tflite
from face_recon_ros.detection.loader import load_detector
from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import model_file
from face_recon_ros.regression.face_mesh import FaceMeshRegressor
from face_recon_ros.tflite_batch import batched

FACE_MESH = model_file('face_landmark.tflite')


def test_network_reports_its_shapes():
    network = tflite.Network(FACE_MESH)
    assert network.input_shape == (1, 192, 192, 3)
    assert sorted(np.prod(s) for s in network.output_shapes()) == [1, 1404]


@pytest.mark.parametrize(
    ('name', 'images', 'tensors'),
    [('face_recon', 4, 7), ('face_recon', 2, 7), ('face_landmark', 4, 2), ('expressions', 3, 1)],
)
def test_a_network_of_several_images_finds_what_that_of_one_does(name, images, tensors, rng):
    path = model_file(f'{name}.tflite')
    one, several = tflite.Network(path), tflite.Network(path, images=images)
    assert several.input_shape == (images, *one.input_shape[1:])
    assert several.output_names == one.output_names
    given = rng.random(several.input_shape, np.float32)
    found = several(given)
    assert len(found) == tensors
    for index in range(images):
        for expected, values in zip(one(given[index : index + 1]), found, strict=True):
            np.testing.assert_allclose(
                values[index : index + 1].reshape(expected.shape), expected, rtol=1e-5, atol=1e-5
            )


def test_a_network_of_two_images_stays_one(rng):
    path = model_file('eyes.tflite')
    one, several = tflite.Network(path), tflite.Network(path, images=4)
    assert several.input_shape == one.input_shape == (2, 40, 64, 3)
    given = rng.random(one.input_shape, np.float32)
    for expected, found in zip(one(given), several(given), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_what_is_no_file_of_a_network_cannot_be_made_one_of_several(rng):
    content = model_file('far_faces.tflite').read_bytes()
    for length in (0, 3, 8, 100, 5000):
        with pytest.raises(ValueError, match='not a TensorFlow Lite file'):
            batched(content[:length], 4)
    for _ in range(300):  # damaged anywhere: told, or a file of the same beginning
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 40):
            damaged[place] = rng.integers(0, 256)
        with contextlib.suppress(ValueError):
            assert batched(bytes(damaged), 4)[4:8] == bytes(damaged)[4:8]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'is empty'),
        (b'<html>', 'not a TensorFlow Lite file'),
        (FACE_MESH.read_bytes()[:1000], 'corrupt'),
        (FACE_MESH.read_bytes()[:300000], 'corrupt'),
        (b'\x1c\x00\x00\x00TFL3' + bytes(range(256)) * 40, 'corrupt'),
    ],
)
def test_broken_file_gets_one_line_that_names_it(tmp_path, content, message):
    path = tmp_path / 'broken.tflite'
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message) as error:
        tflite.Network(path)
    assert 'broken.tflite' in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        # an offset of the flatbuffer that points nowhere: the runtime follows it
        ({215573: 255}, 'corrupt'),
        ({218646: 128}, 'corrupt'),
        # the name of a tensor
        ({218949: 255, 218950: 255, 218951: 255, 218952: 255}, 'names of its tensors are no text'),
    ],
)
def test_a_damaged_file_does_not_end_the_process(tmp_path, changed, message):
    data = bytearray(model_file('face_detection_short_range.tflite').read_bytes())
    for place, value in changed.items():
        data[place] = value
    path = tmp_path / 'damaged.tflite'
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message) as error:
        tflite.Network(path)
    assert str(error.value).endswith('get it again')


def test_files_that_ship_are_not_tried_apart(monkeypatch, tmp_path):
    """It takes a moment that a start should not take."""
    started = []
    monkeypatch.setattr(
        subprocess, 'run',
        lambda command, **_: started.append(command) or subprocess.CompletedProcess(command, 0))
    tflite.Network(FACE_MESH)
    assert started == []
    copy = tmp_path / 'own.tflite'
    copy.write_bytes(FACE_MESH.read_bytes())
    tflite.Network(copy)
    assert len(started) == 1


def test_missing_file_gets_one_line_that_names_it(tmp_path):
    with pytest.raises(ModelFileError, match=r'gone\.tflite: No such file'):
        tflite.Network(tmp_path / 'gone.tflite')


def test_another_network_is_no_detector():
    with pytest.raises(ModelFileError, match='neither BlazeFace nor UltraLight'):
        load_detector(str(FACE_MESH))


def test_a_detector_is_no_face_mesh(model: FaceModel):
    with pytest.raises(ModelFileError, match=r'give face_landmark\.tflite'):
        FaceMeshRegressor(model, model_file('face_detection_short_range.tflite'))


def test_no_runtime_is_said(monkeypatch):
    monkeypatch.setattr(tflite, 'RUNTIMES', ('no_such_runtime',))
    with pytest.raises(ModelFileError, match='pip install ai-edge-litert'):
        tflite.runtime()


def test_older_runtime_is_taken_where_the_new_one_is_missing(monkeypatch):
    monkeypatch.setattr(tflite, 'RUNTIMES', ('no_such_runtime', 'ai_edge_litert.interpreter'))
    assert tflite.runtime().__name__ == 'ai_edge_litert.interpreter'


def test_loading_is_silent_on_standard_error():
    """The runtime's own INFO lines do not reach the terminal, what others write does."""
    code = (
        'import os\n'
        'from face_recon_ros.tflite import Network\n'
        f'Network({str(FACE_MESH)!r})\n'
        "os.write(2, b'still open')\n"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, check=True)
    assert done.stderr == b'still open'


@pytest.mark.parametrize('in_memory', [True, False])
def test_a_network_is_loaded_where_nothing_can_be_written(monkeypatch, in_memory):
    """As in a container that is read-only, or on a full disk."""
    def refuse():
        raise FileNotFoundError(2, 'No usable temporary directory found')

    monkeypatch.setattr(tempfile, 'TemporaryFile', refuse)
    if not in_memory:
        monkeypatch.delattr(os, 'memfd_create', raising=False)
    descriptors = os.listdir('/proc/self/fd')
    assert tflite.Network(FACE_MESH).input_shape == (1, 192, 192, 3)
    assert os.listdir('/proc/self/fd') == descriptors


@pytest.mark.parametrize('closed', ['2>&-', '>&- 2>&-', '<&- >&- 2>&-'])
def test_a_network_is_loaded_by_a_process_without_standard_error(closed, tmp_path):
    code = (
        'import pathlib, sys; from face_recon_ros.tflite import Network; '
        'network = Network(sys.argv[1]); '
        'pathlib.Path(sys.argv[2]).write_text(str(network.input_shape))'
    )
    done = tmp_path / 'done'
    command = [sys.executable, '-c', code, FACE_MESH, done]
    line = ' '.join(shlex.quote(str(word)) for word in command)
    assert subprocess.run(['sh', '-c', f'{line} {closed}'], check=False).returncode == 0
    assert done.read_text() == '(1, 192, 192, 3)'


def test_networks_loaded_in_threads_leave_standard_error_where_it_was():
    code = (
        'import os, threading\n'
        'from face_recon_ros.tflite import Network\n'
        'before = os.fstat(2)\n'
        'start = threading.Barrier(4)\n'
        'def load():\n'
        '    start.wait()\n'
        '    for _ in range(10):\n'
        f'        Network({str(FACE_MESH)!r})\n'
        'threads = [threading.Thread(target=load) for _ in range(4)]\n'
        '[t.start() for t in threads]\n'
        '[t.join() for t in threads]\n'
        'assert os.path.samestat(before, os.fstat(2))\n'
        "os.write(2, b'still open')\n"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, check=True)
    assert done.stderr == b'still open'
