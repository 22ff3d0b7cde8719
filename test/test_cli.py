# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_recon_ros import cli
from face_recon_ros.io.image_files import Video, VideoWriter, read_image, write_image
from face_recon_ros.io.records import COLUMNS
from face_recon_ros.rotations import EulerAngles, quaternion

ARKIT = (
    'eyeBlinkLeft', 'eyeLookDownLeft', 'eyeLookInLeft', 'eyeLookOutLeft', 'eyeLookUpLeft',
    'eyeSquintLeft', 'eyeWideLeft', 'eyeBlinkRight', 'eyeLookDownRight', 'eyeLookInRight',
    'eyeLookOutRight', 'eyeLookUpRight', 'eyeSquintRight', 'eyeWideRight', 'jawForward',
    'jawLeft', 'jawRight', 'jawOpen', 'mouthClose', 'mouthFunnel', 'mouthPucker', 'mouthLeft',
    'mouthRight', 'mouthSmileLeft', 'mouthSmileRight', 'mouthFrownLeft', 'mouthFrownRight',
    'mouthDimpleLeft', 'mouthDimpleRight', 'mouthStretchLeft', 'mouthStretchRight',
    'mouthRollLower', 'mouthRollUpper', 'mouthShrugLower', 'mouthShrugUpper',
    'mouthPressLeft', 'mouthPressRight', 'mouthLowerDownLeft', 'mouthLowerDownRight',
    'mouthUpperUpLeft', 'mouthUpperUpRight', 'browDownLeft', 'browDownRight', 'browInnerUp',
    'browOuterUpLeft', 'browOuterUpRight', 'cheekPuff', 'cheekSquintLeft', 'cheekSquintRight',
    'noseSneerLeft', 'noseSneerRight', 'tongueOut',
)
CONTRACT = (
    ['file', 'id', 'score', 'x0', 'y0', 'x1', 'y1']
    + [f'r{i}{j}' for i in range(3) for j in range(3)]
    + ['q_x', 'q_y', 'q_z', 'q_w', 't_x', 't_y', 't_z']
    + [f'lm{i}{axis}' for i in range(68) for axis in 'xy']
    + ['yaw_deg', 'pitch_deg', 'roll_deg', 'fit_error', 'time_s', 'head_scale', 'distance_source']
    + ['gaze_x', 'gaze_y', 'gaze_z', 'gaze_sigma_deg', 'eye_open_right', 'eye_open_left']
    + [f'bs_{name}' for name in ARKIT]
    + ['predicted']
)


@pytest.fixture
def photo(portrait, tmp_path):
    path = tmp_path / 'photo.png'
    write_image(path, portrait)
    return path


@pytest.fixture
def clip(portrait, tmp_path):
    path = tmp_path / 'clip.mp4'
    writer = VideoWriter(path, 15.0)
    for shift in range(0, 40, 4):
        writer.write(np.roll(portrait, shift, axis=1))
    writer.close()
    return path


def run(*arguments):
    return cli.main([str(a) for a in arguments])


def rows_of(path):
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def test_csv_columns_are_the_contract(photo, tmp_path):
    assert list(COLUMNS) == CONTRACT
    assert run('image', photo, '--csv', tmp_path / 'out.csv') == 0
    assert (tmp_path / 'out.csv').read_text().splitlines()[0].split(',') == CONTRACT


def test_csv_row_is_consistent(photo, tmp_path):
    run('image', photo, '--csv', tmp_path / 'out.csv')
    (row,) = rows_of(tmp_path / 'out.csv')
    assert row['file'] == str(photo)
    assert row['id'] == ''
    assert 0.9 < float(row['score']) <= 1
    rotation = np.array([float(row[f'r{i}{j}']) for i in range(3) for j in range(3)]).reshape(3, 3)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    angles = EulerAngles.from_rotation(rotation)
    assert float(row['yaw_deg']) == pytest.approx(angles.yaw_deg, abs=0.01)
    q = np.array([float(row[f'q_{a}']) for a in 'xyzw'])
    assert np.linalg.norm(q) == pytest.approx(1, abs=1e-5)
    # the portrait is off the axis: the metric pose differs from the image-aligned rotation
    assert np.abs(q - quaternion(rotation)).max() > 0.02
    landmarks = np.array([[float(row[f'lm{i}{a}']) for a in 'xy'] for i in range(68)])
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    assert float(row['x0']) < low[0] + 5
    assert float(row['y1']) > high[1] - 8


@pytest.mark.parametrize('mode', cli.PICTURE_MODES)
def test_every_mode_writes_a_picture(photo, tmp_path, mode):
    assert run('image', photo, '--mode', mode, '--out', tmp_path / 'pictures') == 0
    (picture,) = (tmp_path / 'pictures').iterdir()
    assert picture.stem == f'photo_{mode}'
    assert read_image(picture).shape == (512, 512, 3)


def test_photos_of_one_name_from_two_folders_are_both_written(photo, tmp_path):
    (tmp_path / 'other').mkdir()
    shutil.copy(photo, tmp_path / 'other')
    run('image', photo, tmp_path / 'other', '--out', tmp_path / 'pictures')
    assert len(list((tmp_path / 'pictures').iterdir())) == 2


def test_one_broken_image_does_not_stop_the_others(photo, tmp_path, capfd):
    folder = tmp_path / 'folder'
    folder.mkdir()
    shutil.copy(photo, folder / 'a.png')
    (folder / 'b.jpg').write_bytes(b'no image')
    shutil.copy(photo, folder / 'c.png')
    assert run('image', folder, '--csv', tmp_path / 'out.csv') == 1
    assert [Path(r['file']).name for r in rows_of(tmp_path / 'out.csv')] == ['a.png', 'c.png']
    complaints = capfd.readouterr().err.splitlines()
    assert len(complaints) == 1
    assert 'b.jpg' in complaints[0]


def test_missing_input_does_not_stop_the_others(photo, tmp_path, capfd):
    assert run('image', tmp_path / 'gone', photo, '--csv', tmp_path / 'out.csv') == 1
    assert len(rows_of(tmp_path / 'out.csv')) == 1
    (complaint,) = capfd.readouterr().err.splitlines()
    assert 'gone' in complaint


def test_image_without_a_face_gives_no_row(tmp_path, capfd):
    write_image(tmp_path / 'wall.png', np.full((100, 100, 3), 90, np.uint8))
    assert run('image', tmp_path / 'wall.png', '--csv', tmp_path / 'out.csv') == 0
    assert rows_of(tmp_path / 'out.csv') == []
    assert 'no face' in capfd.readouterr().out


def test_video_keeps_one_id_and_numbers_frames(clip, tmp_path):
    out = tmp_path / 'out.mp4'
    assert run('video', clip, '--csv', tmp_path / 'v.csv', '--mode', 'mesh', '--out', out) == 0
    rows = rows_of(tmp_path / 'v.csv')
    assert [r['file'] for r in rows] == [str(i) for i in range(10)]
    assert {r['id'] for r in rows} == {'f1'}
    shifts = np.diff([float(r['lm30x']) for r in rows])
    assert shifts.mean() == pytest.approx(4, abs=1)
    assert len(list(Video.open(out))) == 10


@pytest.mark.parametrize('content', [b'', b'no video'])
def test_unreadable_video_is_named(tmp_path, content):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(content)
    # in a process of its own: FFmpeg is told to be quiet before it is first used
    done = subprocess.run(
        [sys.executable, '-m', 'face_recon_ros.cli', 'video', str(path)],
        capture_output=True, check=False, text=True, cwd=tmp_path,
    )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    if cv2.__version__.startswith('4.5.'):  # its FFmpeg cannot be told to be quiet
        lines = [line for line in lines if not line.startswith('[mov,mp4')]
    (complaint,) = lines
    assert 'broken.mp4' in complaint


def test_unwritable_csv_is_named(photo, tmp_path, capfd):
    assert run('image', photo, '--csv', tmp_path / 'nowhere' / 'x.csv') == 1
    (complaint,) = capfd.readouterr().err.splitlines()
    assert 'x.csv' in complaint


def test_unusable_detector_is_named(photo, capfd):
    assert run('image', photo, '--detector', 'none.tflite') == 1
    (complaint,) = capfd.readouterr().err.splitlines()
    assert 'none.tflite' in complaint


def test_focal_length_sets_the_distance(photo, tmp_path):
    distances = []
    for focal_px in (400, 800):
        run('image', photo, '--csv', tmp_path / 'out.csv', '--focal-length-px', focal_px)
        row = rows_of(tmp_path / 'out.csv')[0]
        distances.append(np.linalg.norm([float(row[f't_{a}']) for a in 'xyz']))
    assert distances[1] / distances[0] == pytest.approx(2, rel=0.06)


def test_info_names_models_and_runtime(capfd):
    assert run('info') == 0
    text = capfd.readouterr().out
    for part in ('ai_edge_litert', 'face_landmark.tflite', 'face_model.npz', 'vertices', 'sha256'):
        assert part in text


def test_no_command_is_a_usage_error():
    with pytest.raises(SystemExit) as error:
        run()
    assert error.value.code == 2


def test_standard_error_is_clean_when_all_is_well(photo, tmp_path):
    done = subprocess.run(
        [sys.executable, '-m', 'face_recon_ros.cli', 'image', str(photo), '--mode', 'mesh',
         '--out', str(tmp_path / 'pictures')],
        capture_output=True, check=True, text=True, cwd=tmp_path,
    )
    assert done.stderr == ''
    assert 'photo.png' in done.stdout


def test_scoring_of_the_development_set(shared_data, tmp_path):
    """The CSV is what eval/score.py reads."""
    folder = tmp_path / 'ibug68_helen_train'
    folder.mkdir()
    source = shared_data / 'data' / 'ibug68_helen_train'
    labels = (source / 'labels.csv').read_text().splitlines()[:41]
    (folder / 'labels.csv').write_text('\n'.join(labels) + '\n')
    for line in labels[1:]:
        shutil.copy(source / line.split(',')[0], folder)
    run('image', folder, '--csv', tmp_path / 'p.csv')
    done = subprocess.run(
        [sys.executable, str(shared_data / 'eval' / 'score.py'), 'landmarks', str(folder),
         str(tmp_path / 'p.csv')],
        capture_output=True, check=True, text=True,
    )
    assert 'missed 0 of 40' in done.stdout
    nme = float(done.stdout.split('NME68 mean ')[1].split()[0])
    assert nme < 4.3
