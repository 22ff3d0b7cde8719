# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from face_recon_ros import cli
from face_recon_ros.io.image_files import VideoWriter
from face_recon_ros.paths import model_file
from face_recon_ros.tools import bench, bench_comparison


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


def test_json_that_cannot_be_written_is_told_before_the_work(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(bench, 'run', lambda *_: 1 / 0)
    missing = tmp_path / 'no' / 'bench.json'
    assert cli.main(['bench', '--no-ros', '--json', str(missing)]) == 1
    error = capfd.readouterr().err
    assert error == f'face-recon: {missing}: No such file or directory; choose another --json\n'
    assert not list(tmp_path.iterdir())


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


def measured(stage, median_ms, faces=1, threads=1):
    return bench.Measurement(stage, 640, 480, faces, threads, 9, 0.5, median_ms, 90.0)


def test_runs_are_compared_in_units_of_the_network_timed_in_each():
    before = [measured('render', 2.0), measured('decode', 1.0), measured('net', 4.0)]
    # a machine half as fast, and a renderer that is faster
    now = [
        measured('decode', 2.0), measured('render', 1.0), measured('net', 8.0),
        measured('net', 5.0, threads=2), measured('render', 7.0, faces=2), measured('eyes', 3.0)]
    found = bench_comparison.compare(before, now, 'net')
    assert [(c.measurement.stage, c.before, c.now, c.ratio) for c in found] == [
        ('decode', 0.25, 0.25, 1.0), ('render', 0.5, 0.125, 0.25)]
    assert {c.unit for c in found} == {'x net'}
    # without a network in both runs: milliseconds
    for network in (None, 'other'):
        found = bench_comparison.compare(before, now, network)
        assert [(c.measurement.stage, c.before, c.now) for c in found] == [
            ('decode', 1.0, 2.0), ('render', 2.0, 1.0), ('net', 4.0, 8.0)]
        assert {c.unit for c in found} == {'ms'}


def test_the_unit_is_the_network_in_the_same_scene():
    before = [measured('net', 4.0), measured('eyes', 2.0, faces=8, threads=2),
              measured('net', 5.0, faces=8)]  # fmt: skip
    now = [measured('net', 4.0), measured('eyes', 2.0, faces=8, threads=2),
           measured('net', 10.0, faces=8)]  # fmt: skip
    (found,) = bench_comparison.compare(before, now, 'net')
    assert (found.before, found.now) == (0.4, 0.2)


def test_medians_are_printed_as_multiples_of_the_network():
    run = [measured('net', 4.0), measured('render', 2.0), measured('render', 6.0, faces=8),
           measured('net', 5.0, faces=8)]  # fmt: skip
    head, *rows = bench.table(run, 'net').splitlines()
    assert head.endswith('ms  x net')
    assert [float(row.split()[-1]) for row in rows] == [1.0, 0.5, 1.2, 1.0]
    without = bench.table(run).splitlines()
    assert without[0].endswith('ms')
    assert [float(row.split()[-1]) for row in without[1:]] == [90.0] * 4


def test_a_run_is_printed_beside_a_saved_one(small_plan, tmp_path, capfd):
    path, network = tmp_path / 'before.json', model_file('far_faces.tflite')
    options = ['bench', '--runs', '1', '--no-ros', '--network', str(network)]
    assert cli.main([*options, '--json', str(path)]) == 0
    capfd.readouterr()
    saved = path.read_bytes()
    assert cli.main([*options, '--compare', str(path)]) == 0
    table = capfd.readouterr().out.split('before      now  ratio')[1]
    assert '(x far_faces)' in table
    rows = [line for line in table.splitlines() if 'tracked image' in line]
    assert len(rows) == 3
    before, now, ratio = (float(v) for v in rows[0].split()[-3:])
    # all three are rounded to a hundredth
    assert ratio == pytest.approx(now / before, abs=0.01 + 0.006 * ratio * (1 / before + 1 / now))
    assert path.read_bytes() == saved
    # the file that is compared with is not written over
    assert cli.main([*options, '--compare', str(path), '--json', str(path)]) != 0
    assert path.read_bytes() == saved


@pytest.mark.parametrize(
    ('content', 'fault'),
    [
        (None, 'No such file'),
        (b'\xff', 'no JSON'),
        (b'[]', 'has no figures'),
        (b'{"measurements": []}', 'has no figures'),
        (b'{"measurements": [{"stage": "render"}]}', 'has no figures'),
    ],
)
def test_what_is_no_saved_run_is_told_at_once(tmp_path, capfd, monkeypatch, content, fault):
    monkeypatch.setattr(bench, 'run', lambda *_: pytest.fail('measured'))
    path = tmp_path / 'before.json'
    if content is not None:
        path.write_bytes(content)
    assert cli.main(['bench', '--no-ros', '--compare', str(path)]) != 0
    error = capfd.readouterr().err
    assert f'--compare {path}: ' in error
    assert fault in error
    assert 'give a file that face-recon bench --json has written' in error


@pytest.mark.parametrize('faces', [1, 2, 4, 8])
@pytest.mark.parametrize('size', [(640, 480), (1920, 1080)])
def test_every_face_of_a_scene_is_found(portrait, size, faces):
    scene = bench.portrait_scene(portrait, *size, faces)
    assert scene.image.shape == (size[1], size[0], 3)
    stages = bench.Stages(scene, threads=1)  # raises where one is missed
    for name in ('eyes', 'expressions'):
        stages.calls()[name]()
    # what is timed is an alignment, not a refusal
    assert stages.calls()['align depth']() == faces


def test_bench_of_a_video(portrait, tmp_path, capfd):
    writer = VideoWriter(tmp_path / 'v.mp4', 10.0)
    for _ in range(4):
        writer.write(np.ascontiguousarray(portrait))
    writer.close()
    assert cli.main(['bench', '--video', str(tmp_path / 'v.mp4')]) == 0
    assert 'v.mp4' in capfd.readouterr().out


def test_turns_of_many_faces_are_a_stage(portrait):
    four = bench.Stages(bench.portrait_scene(portrait, 640, 480, 4), 1)
    assert 'track, 4 in turn' not in four.calls()
    stages = bench.Stages(bench.portrait_scene(portrait, 640, 480, 8), 1)
    track = stages.calls()['track, 4 in turn']
    for _ in range(8):
        faces = track()
    assert len(faces) == 8
    assert faces.predicted.sum() == 4


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


MEDIAPIPE = """
from types import SimpleNamespace as N
class FaceMesh:
    def __init__(self, max_num_faces, refine_landmarks):
        assert (max_num_faces, refine_landmarks) == (1, True)
    def process(self, image):
        assert image.shape == (480, 640, 3)
        return N(multi_face_landmarks={found})
solutions = N(face_mesh=N(FaceMesh=FaceMesh))
"""
TDDFA = """
class TDDFA_ONNX:
    def __init__(self, checkpoint_fp, bfm_fp):
        assert open(checkpoint_fp).read() == 'weights'
    def __call__(self, image, boxes):
        assert image.shape == (480, 640, 3)
        return ['parameters'], boxes
    def recon_vers(self, parameters, boxes, dense_flag):
        assert parameters == ['parameters']
"""


def compared(folder, found, *options):
    """Run the comparison with programs of these names that are stand-ins."""
    (folder / 'mediapipe.py').write_text(MEDIAPIPE.format(found=found))
    (folder / 'TDDFA_ONNX.py').write_text(TDDFA)
    (folder / 'configs').mkdir(exist_ok=True)
    (folder / 'configs' / 'mb1_120x120.yml').write_text('checkpoint_fp: w.pth\nbfm_fp: b.pkl\n')
    (folder / 'w.pth').write_text('weights')
    python = folder / 'python'
    python.write_text(f'#!/bin/sh\nPYTHONPATH={folder}:$PYTHONPATH exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    script = Path(__file__).parents[1] / 'scripts' / 'compare_speed.py'
    command = [sys.executable, script, '--rounds', '1', '--mediapipe', python, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)


def test_others_are_timed_in_turn_with_ours_on_the_same_images(tmp_path):
    done = compared(tmp_path, "['face']", '--tddfa', tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith(('ours', 'Medi', '3DD'))]
    assert [row[:42].strip() for row in rows] == [
        'ours: pose, 68 landmarks',
        'ours, with eyes',
        'ours, with eyes and expressions',
        'ours, dense vertices too',
        'MediaPipe Face Mesh, 478 points',
        '3DDFA_V2, 68 landmarks',
        '3DDFA_V2, dense vertices',
    ]
    assert rows[2].split()[-1] == '1.00'
    assert all(float(row.split()[-3]) > 0 for row in rows[:4])


def test_a_program_that_finds_no_face_is_not_compared(tmp_path):
    done = compared(tmp_path, None)
    assert done.returncode == 1
    assert 'compare_speed: no face found' in done.stderr
    assert 'MediaPipe Face Mesh, 478 points: it ended' in done.stderr
