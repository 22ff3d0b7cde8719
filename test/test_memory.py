# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tools say of a process's memory."""

import mmap
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face_recon_ros import tflite
from face_recon_ros.detection import loader
from face_recon_ros.nodes.process_memory import give_back
from face_recon_ros.paths import model_file
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.regression import network
from face_recon_ros.tools.latency import resident_mib, shared_mib
from face_recon_ros.tools.memory import memory_mib

MIB = 1 << 20


def test_own_memory_is_told_from_what_processes_share():
    resident, own = memory_mib()
    assert resident == pytest.approx(resident_mib(os.getpid()), abs=8)
    held = np.ones(64 * MIB, np.uint8)
    with tempfile.TemporaryFile() as file:
        # in pieces: the allocator may keep a large one after its use
        for _ in range(32):
            file.write(b'x' * MIB)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert mapped.find(b'y') == -1
            after_resident, after_own = memory_mib()
    assert held.size == 64 * MIB
    assert after_own - own == pytest.approx(64, abs=4)
    assert after_resident - resident == pytest.approx(96, abs=8)


def test_a_pipeline_loads_every_network_once(monkeypatch):
    loaded = []

    class Counted(tflite.Network):
        def __init__(self, path, threads=1):
            loaded.append(os.path.basename(path))
            super().__init__(path, threads)

    for module in (loader, network):
        monkeypatch.setattr(module, 'Network', Counted)
    pipeline = Pipeline()
    assert sorted(loaded) == [
        'face_detection_full_range.tflite', 'face_detection_short_range.tflite',
        'face_recon.tflite', 'far_faces.tflite']
    # another threshold is another detector with the same networks
    pipeline.configure(replace(pipeline.config, detector_threshold=0.9))
    assert len(loaded) == 4


def resident_kib(path):
    """Return how much of a mapped file is in memory, by proc(5)."""
    found, inside = 0, False
    for line in Path('/proc/self/smaps').read_text().splitlines():
        fields = line.split()
        if not fields[0].endswith(':'):
            inside = fields[-1] == str(path.resolve())
        elif inside and fields[0] == 'Rss:':
            found += int(fields[1])
    return found


def test_files_of_networks_do_not_stay_in_memory_once_they_are_loaded():
    path = model_file('face_recon.tflite')
    face = tflite.Network(path)
    image = np.random.default_rng(5).random(face.input_shape, np.float32)
    before = face(image)
    loaded = resident_kib(path)
    assert loaded > 3000
    give_back()
    assert resident_kib(path) == 0
    for found, expected in zip(face(image), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_shared_memory_is_told_apart():
    # a process of its own: this one may have other segments that end meanwhile
    program = (
        'import mmap, sys\n'
        'shared = mmap.mmap(-1, 16 << 20)\n'
        "shared[:] = b'x' * (16 << 20)\n"
        "print('ready', flush=True)\n"
        'sys.stdin.read()'
    )
    process = subprocess.Popen([sys.executable, '-c', program], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == 'ready\n'
        assert shared_mib(process.pid) == pytest.approx(16, abs=1)
        process.stdin.close()


def test_every_step_of_what_a_node_loads_has_a_row():
    command = [sys.executable, '-m', 'face_recon_ros.tools.memory']
    out = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    rows = [line.rsplit(maxsplit=4) for line in out.splitlines()[1:]]
    assert [name for name, *_ in rows] == [
        'Python', 'NumPy', 'OpenCV', 'LiteRT', 'the node: rclpy, messages', 'a pipeline: models',
        '60 images', '60 images with eyes']
    resident, more, own, _ = np.array([[float(v) for v in values] for _, *values in rows]).T
    assert (own < resident).all()
    np.testing.assert_allclose(np.diff(resident), more[1:], atol=0.11)
    # loading models takes memory, but not more than a third above what was measured in 2026; and
    # eyes have a network of theirs
    assert more[5] > 5
    assert np.diff(own)[4] < 43
    assert more[7] > 0.5
