# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The demo as a user runs it: succeeds with poses that agree with the truth, fails loudly."""

import json
import re
import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pytest
from node_process import ELSEWHERE, TOO_SLOW
from patience import HANG_S

from face_recon_ros.tools.agreement import Observation
from face_recon_ros.tools.demo_viewer import Viewer, report
from face_recon_ros.tools.sample_motion import motion_at

pytestmark = pytest.mark.ros

DEMO = [sys.executable, '-m', 'face_recon_ros.tools.demo']


def was_too_slow(done):
    """Tell whether the demo says of itself, and nothing else, that the machine is too slow."""
    lines = [line for line in done.stderr.splitlines() if TOO_SLOW not in line]
    if not lines or 'too busy or too slow' not in lines[0]:
        return False
    rate_hz = float(re.search(r'([\d.]+) images per second, 5 are needed$', lines[0])[1])
    assert (done.returncode, rate_hz < 5.05, lines[1:]) == (1, True, [])
    return True


def run_demo(tmp_path, *arguments):
    return subprocess.run(
        [*DEMO, '--out', str(tmp_path / 'out'), *arguments],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        cwd=ELSEWHERE,
    )


def test_the_portrait_s_poses_agree_with_the_truth(tmp_path):
    # smoothing lags where a busy machine looks at few images
    done = run_demo(tmp_path, '--seconds', '12', '--node-parameters', 'smoothing:=false')
    lines = [line for line in done.stderr.splitlines() if TOO_SLOW not in line]
    if not was_too_slow(done):
        assert (done.returncode, lines) == (0, []), done.stdout
    rows = re.findall(
        r'^ +f\d+ +[+-]\d+\.\d +[+-]\d+\.\d +[+-]\d+\.\d +\d\.\d+ m +\d+\.\d +\d+\.\d$',
        done.stdout,
        re.MULTILINE,
    )
    assert len(rows) >= 6, done.stdout
    assert 'against the truth' in done.stdout
    pictures = {p.stem: cv2.imread(str(p)) for p in (tmp_path / 'out').iterdir()}
    assert set(pictures) == {'mesh', 'overlay', 'depth'}
    assert all(p.shape == (480, 640, 3) for p in pictures.values())
    assert 0.01 < pictures['depth'].any(axis=2).mean() < 0.4


@pytest.mark.parametrize('camera', [
    [],
    ['depth_sensor:=time_of_flight', 'depth_shift:=3.0', 'depth_lag:=0.05'],
])
def test_the_head_s_distance_and_size_are_the_truth(tmp_path, camera):
    arguments = '--source', 'head', '--seconds', '10', '--camera-parameters', *camera
    done = run_demo(tmp_path, *arguments)
    if was_too_slow(done):
        return
    assert done.returncode == 0, done.stdout + done.stderr
    words = r'rotation (\S+) deg, distance (\S+) %, size of the head (\S+) %'
    rotation_deg, distance, size = map(float, re.search(words, done.stdout).groups())
    assert 0 < rotation_deg < 10
    assert 0 < distance < 2
    assert 0 < size < 4


def test_without_its_depth_the_head_is_taken_for_an_adult(tmp_path):
    done = run_demo(tmp_path, '--source', 'head', '--seconds', '6', '--camera-parameters',
                    'depth_sensor:=none')
    if was_too_slow(done):
        return
    assert done.returncode == 1
    assert 'demo failed: distance is 1' in done.stderr
    assert 'demo failed: size of the head is 11.1 % off the truth, 4 % allowed' in done.stderr


def test_a_source_without_a_face_fails(tmp_path):
    cv2.imwrite(str(tmp_path / 'wall.png'), np.full((240, 320, 3), 120, np.uint8))
    done = run_demo(tmp_path, '--source', str(tmp_path / 'wall.png'), '--seconds', '1')
    assert done.returncode == 1
    assert 'demo failed: no face arrived' in done.stderr


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--source', 'missing.mp4'], ['missing.mp4: no such file', 'sample_camera ended']),
        (
            ['--node-parameters', 'model_path:=missing.npz'],
            ['missing.npz', 'face_recon_node ended'],
        ),
    ],
)
def test_a_process_that_cannot_start_fails_the_demo(tmp_path, arguments, words):
    done = run_demo(tmp_path, *arguments)
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    for text in words:
        assert text in done.stderr


def test_latency_is_measured_between_processes(tmp_path):
    """The figures themselves are the machine's; here it matters that they are measured."""
    figures = tmp_path / 'figures.json'
    command = [sys.executable, '-m', 'face_recon_ros.tools.latency', '--json', str(figures)]
    done = subprocess.run(
        [*command, '--rate', '5', '--seconds', '8', '--size', '320x240'],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        cwd=ELSEWHERE,
    )
    assert done.returncode == 0, done.stderr
    (measured,) = json.loads(figures.read_text())
    assert (measured['width'], measured['height'], measured['rate_hz']) == (320, 240, 5)
    assert 1 <= measured['received'] <= 40
    assert 1 < measured['median_ms'] <= measured['p95_ms'] <= measured['max_ms'] < 1000 * HANG_S
    assert 50 < measured['memory_mib'] < 350
    assert 0 < measured['cpu_percent'] < 300


class Seen:
    """What a viewer has seen: the head turning by so much from one image to the next."""

    def __init__(self, rate_hz, off_deg=0.0, ids=('f1',)):
        frontal = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])
        self.observations = []
        for k in range(30):
            time_s = 1000 + k / rate_hz
            rotation, place_m = motion_at(time_s).move(frontal, np.array([0.0, 0, 0.6]))
            turn = cv2.Rodrigues(np.radians([0, 0, off_deg * (-1) ** k]))[0]
            self.observations.append(Observation(time_s, turn @ rotation, place_m))
        self.ids = Counter(ids)
        self.message_count = 30
        self.latencies_s = [0.01] * 30
        self.pictures = dict.fromkeys(('mesh', 'overlay', 'depth'), np.zeros((4, 4, 3), np.uint8))

    rate_hz = Viewer.rate_hz


@pytest.mark.parametrize(
    ('seen', 'fault'),
    [
        (Seen(30.0), ''),
        (Seen(5.1), ''),
        (Seen(30.0, off_deg=9.0), 'rotation is'),
        (Seen(30.0, ids=('f1', 'f2')), 'one person got 2 ids'),
        # what it is off by says nothing then
        (Seen(4.9, 9.0, ('f1', 'f2')), 'too busy or too slow to follow the head: 4.9 images'),
    ],
)
def test_poses_are_held_against_the_truth_where_there_are_enough(tmp_path, capsys, seen, fault):
    assert report(seen, 'portrait', '', tmp_path) == (1 if fault else 0)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == (1 if fault else 0)
    assert all(fault in line for line in lines)
