# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import importlib
import json

import numpy as np
import pytest

from face_recon_ros import cli
from face_recon_ros.io.image_files import VideoWriter
from face_recon_ros.tools import bench


@pytest.fixture
def small_plan(monkeypatch):
    monkeypatch.setattr(bench, 'SIZES', ((640, 480), (1280, 720)))
    monkeypatch.setattr(bench, 'FACE_COUNTS', (1, 2))
    monkeypatch.setattr(bench, 'THREADS', (1,))


def test_figures_on_standard_output_have_it_for_themselves(small_plan, capfd):
    assert cli.main(['bench', '--runs', '1', '--no-ros', '--json', '-']) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)['measurements']
    assert 'tracked image' in err


def test_bench_measures_every_stage_and_writes_json(small_plan, tmp_path, capfd):
    path = tmp_path / 'bench.json'
    assert cli.main(['bench', '--runs', '3', '--no-ros', '--json', str(path)]) == 0
    measurements = json.loads(path.read_text())['measurements']
    scenes = {(m['width'], m['faces']) for m in measurements}
    assert scenes == {(640, 1), (640, 2), (1280, 1)}
    stages = [m['stage'] for m in measurements if (m['width'], m['faces']) == (640, 1)]
    for stage in ('preprocess', 'inference', 'postprocess', 'tracked image', 'decode', 'render'):
        assert stage in stages
    assert all(0 < m['min_ms'] <= m['median_ms'] <= m['p95_ms'] for m in measurements)


@pytest.mark.parametrize('faces', [1, 2, 4, 8])
@pytest.mark.parametrize('size', [(640, 480), (1920, 1080)])
def test_every_face_of_a_scene_is_found(portrait, size, faces):
    scene = bench.portrait_scene(portrait, *size, faces)
    assert scene.image.shape == (size[1], size[0], 3)
    bench.Stages(scene, threads=1)  # raises where one is missed


def test_bench_of_a_video(portrait, tmp_path, capfd):
    writer = VideoWriter(tmp_path / 'v.mp4', 10.0)
    for _ in range(4):
        writer.write(np.ascontiguousarray(portrait))
    writer.close()
    assert cli.main(['bench', '--video', str(tmp_path / 'v.mp4')]) == 0
    assert 'v.mp4' in capfd.readouterr().out


@pytest.mark.ros
def test_publishing_is_a_stage_where_ros_is(portrait):
    publishing = importlib.import_module('face_recon_ros.tools.publishing')
    publisher = publishing.Publishing()
    try:
        stages = bench.Stages(bench.portrait_scene(portrait, 640, 480, 1), 1, publisher)
        for name in ('publish (faces, TF)', 'publish (image)'):
            assert bench.time_call(stages.calls()[name], runs=3).min() > 0
    finally:
        publisher.close()
