# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The command line with what people feed it: inputs as outputs, odd names, locked folders."""

import csv
import json
import os
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from patience import HANG_S

from face_recon_ros import FaceModel, Pipeline, cli
from face_recon_ros.errors import ImageError
from face_recon_ros.io import image_files
from face_recon_ros.io.image_files import write_image
from face_recon_ros.io.video_files import Video
from face_recon_ros.io.video_writing import VideoWriter
from face_recon_ros.rendering.gltf import clip_writer


@pytest.fixture
def folder(portrait, tmp_path):
    """Return a folder with two photos; one is named like a picture of this program."""
    folder = tmp_path / 'album'
    folder.mkdir()
    write_image(folder / 'anna.png', portrait)
    write_image(folder / 'anna_pose.jpg', portrait)
    return folder


@pytest.fixture
def clip(portrait, tmp_path):
    path = tmp_path / 'clip.mp4'
    with VideoWriter(path, 10.0) as writer:
        for _ in range(4):
            writer.write(portrait)
    return path


def run(*arguments):
    return cli.main([str(a) for a in arguments])


def in_a_process(*arguments, **more):
    return subprocess.run(
        [sys.executable, '-m', 'face_recon_ros.cli', *map(os.fspath, arguments)],
        capture_output=True, check=False, text=True, errors='surrogateescape', **more,
    )


def rows_of(path):
    with path.open(newline='', encoding='utf-8', errors='surrogateescape') as file:
        return list(csv.DictReader(file))


# --- nothing is lost -------------------------------------------------------------


def test_no_output_is_an_input(folder, clip, tmp_path, capsys):
    photo = folder / 'anna.png'
    for arguments in (
        ('image', photo, '--csv', photo),
        ('image', folder, '--csv', photo),
        ('video', clip, '--out', clip),
        ('video', clip, '--csv', clip),
        ('bench', '--no-ros', '--video', clip, '--json', clip),
    ):
        before = photo.read_bytes(), clip.read_bytes()
        assert run(*arguments) == 1
        said = capsys.readouterr()
        assert said.err.count('\n') == 1
        assert 'is an input; choose another --' in said.err
        assert (photo.read_bytes(), clip.read_bytes()) == before
    # a slip of the shell: face-recon image --csv *.png
    write_image(tmp_path / 'other.png', np.zeros((20, 20, 3), np.uint8))
    assert run('image', photo, '--csv', tmp_path / 'other.png') == 1
    assert 'not of this program' in capsys.readouterr().err
    assert run('video', clip, '--out', tmp_path / 'x.mp4', '--csv', tmp_path / 'x.mp4') == 1
    assert 'is --out too' in capsys.readouterr().err


def test_a_table_replaces_a_table_and_no_video_of_this_program(folder, clip, tmp_path, capsys):
    before = clip.read_bytes()
    (tmp_path / 'link.csv').symlink_to(clip)
    for table, why in ((clip, 'of another kind'), (tmp_path / 'link.csv', 'not of this program')):
        assert run('image', folder / 'anna.png', '--csv', table) == 1
        assert capsys.readouterr().err == (
            f'face-recon: --csv {table} is there and {why}; delete it, or choose another --csv\n'
        )
        assert clip.read_bytes() == before
    table = tmp_path / 'faces.csv'
    for _ in range(2):
        assert run('image', folder / 'anna.png', '--csv', table) == 0
    assert run('bench', '--no-ros', '--json', table) == 1
    assert 'is there and of another kind' in capsys.readouterr().err
    assert len(rows_of(table)) == 1


@pytest.mark.parametrize('command', ['image', 'video'])
def test_a_variable_of_the_shell_that_is_not_set_is_no_folder(command, capsys):
    with pytest.raises(SystemExit) as end:
        run(command, '')
    assert end.value.code == 2
    assert capsys.readouterr().err.count("'' names nothing; a folder is named '.'") == 1


@pytest.mark.parametrize(('command', 'option'), [
    *(('image', f'--{o}') for o in ('out', 'csv', 'camera', 'detector', 'regressor-path')),
    ('video', '--out'), ('video', '--gltf'), ('bench', '--json'), ('bench', '--compare'),
])
def test_an_option_that_names_nothing_is_refused(command, option, folder, capsys, tmp_path,
                                                 monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob('*'))
    with pytest.raises(SystemExit) as end:
        run(command, *([] if command == 'bench' else [folder / 'anna.png']), option, '')
    assert end.value.code == 2
    assert f"argument {option}: '' names nothing" in capsys.readouterr().err
    assert sorted(tmp_path.rglob('*')) == before


def test_an_option_of_another_command_is_told_with_the_help_of_this_one(folder, capsys):
    with pytest.raises(SystemExit) as end:
        run('image', folder / 'anna.png', '--gltf', 'x.glb')
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        'face-recon image: unrecognized arguments: --gltf x.glb; see face-recon image --help\n')


def test_pictures_replace_those_of_the_last_run_and_no_photo(folder, capsys):
    photo = (folder / 'anna_pose.jpg').read_bytes()
    for _ in range(2):
        assert run('image', folder, '--mode', 'pose', '--out', folder) == 0
        assert (folder / 'anna_pose.jpg').read_bytes() == photo
        assert sorted(p.name for p in folder.iterdir()) == [
            'anna.png', 'anna_pose.jpg', 'anna_pose_2.jpg', 'anna_pose_pose.jpg'
        ]
        said = capsys.readouterr()
        assert said.out.count('\n') == 2
        assert 'anna_pose.jpg is not of this program and stays; see anna_pose_2.jpg' in said.err
    assert '2 pictures left out that this program wrote' in said.err
    # named, it is a photo like any other, and is not replaced either
    own = (folder / 'anna_pose_2.jpg').read_bytes()
    assert run('image', folder / 'anna_pose_2.jpg', folder / 'anna.png', '--mode', 'pose',
               '--out', folder) == 0
    assert (folder / 'anna_pose_2.jpg').read_bytes() == own


def test_other_peoples_files_in_the_output_folder_stay(folder, tmp_path, capsys):
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'anna_face1.ply').write_text('ply of somebody')
    for _ in range(2):
        assert run('image', folder / 'anna.png', '--out', out, '--export', 'ply') == 0
        assert sorted(p.name for p in out.iterdir()) == ['anna_face1.ply', 'anna_face1_2.ply']
    assert (out / 'anna_face1.ply').read_text() == 'ply of somebody'


def test_a_video_is_written_again_and_a_foreign_one_stays(clip, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    foreign = tmp_path / 'clip_mesh.mp4'
    shutil.copy(clip, foreign)
    foreign.write_bytes(foreign.read_bytes()[:-22])  # without the mark
    content = foreign.read_bytes()
    for _ in range(2):
        assert run('video', 'clip.mp4', '--mode', 'mesh') == 0
        assert foreign.read_bytes() == content
        assert len(list(Video.open(tmp_path / 'clip_mesh_2.mp4'))) == 4
    assert not (tmp_path / 'clip_mesh_3.mp4').exists()
    assert run('video', clip, '--mode', 'mesh', '--out', foreign) == 1
    assert foreign.read_bytes() == content


def test_an_input_that_cannot_be_read_leaves_the_old_table(tmp_path):
    table = tmp_path / 'faces.csv'
    table.write_text('file,id,score,x0,\nold\n')
    (tmp_path / 'broken.mp4').write_bytes(b'no video')
    assert run('video', tmp_path / 'broken.mp4', '--csv', table) == 1
    assert table.read_text() == 'file,id,score,x0,\nold\n'


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='needs /dev/full')
def test_a_full_disk_is_one_line(folder, clip):
    for arguments in (
        ('image', folder / 'anna.png', '--csv', '/dev/full'),
        ('video', clip, '--csv', '/dev/full'),
    ):
        done = in_a_process(*arguments)
        assert done.returncode == 1
        assert done.stderr == (
            'face-recon: /dev/full: No space left on device; choose another --csv\n'
        )
    with open('/dev/full', 'w') as full:
        done = subprocess.run(
            [sys.executable, '-m', 'face_recon_ros.cli', 'image', str(folder / 'anna.png')],
            stdout=full, stderr=subprocess.PIPE, check=False, text=True,
        )
    assert (done.returncode, done.stderr) == (
        1, 'face-recon: standard output: No space left on device\n'
    )


def test_a_video_that_could_not_be_written_whole_is_told(clip, tmp_path):
    import resource

    out = tmp_path / 'out.mp4'
    out.write_bytes(b'')

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    done = in_a_process('video', clip, '--out', out, preexec_fn=limit)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    if cv2.__version__.startswith('4.5.'):  # its FFmpeg cannot be told to be quiet
        lines = [line for line in lines if not line.startswith('[mov,mp4')]
    (line,) = lines
    assert line.startswith(f'face-recon: {out}: could not be written whole')
    assert out.read_bytes() == b''
    assert sorted(p.name for p in tmp_path.iterdir()) == ['clip.mp4', 'out.mp4']


def clip_frames(path):
    """Return how many times the first animation of a .glb has (glTF 2.0, chapter 4.4)."""
    data = path.read_bytes()
    assert struct.unpack_from('<4sII', data) == (b'glTF', 2, len(data))
    scene = json.loads(data[20 : 20 + struct.unpack_from('<I', data, 12)[0]])
    times = scene['animations'][0]['samplers'][0]['input']
    return scene['accessors'][times]['count']


@pytest.mark.parametrize('found', [True, False])
def test_a_clip_has_the_faces_before_an_error(portrait, tmp_path, found):
    clip = tmp_path / 'faces.glb'
    clip.write_bytes(b'of before')
    model, face = FaceModel(), Pipeline().detect(portrait)[0]

    def collect():
        with clip_writer(clip, model) as faces:
            if found:
                for stamp_s in (0.0, 0.1, 0.2):
                    faces['f1'].add(stamp_s, face)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect()
    if found:
        assert clip_frames(clip) == 3
    else:
        assert clip.read_bytes() == b'of before'


def test_a_clip_that_cannot_be_written_is_told_before_the_work(clip, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(Pipeline, 'track', lambda *_, **__: 1 / 0)
    missing = tmp_path / 'no' / 'faces.glb'
    assert cli.main(['video', str(clip), '--gltf', str(missing)]) == 1
    error = capfd.readouterr().err
    assert error == f'face-recon: {missing}: No such file or directory; choose another --gltf\n'
    assert [p.name for p in tmp_path.iterdir()] == ['clip.mp4']


@pytest.mark.parametrize(('number', 'status'), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_what_is_finished_plays_when_the_program_is_told_to_end(
        portrait, tmp_path, number, status):
    long = tmp_path / 'long.mp4'
    with VideoWriter(long, 30.0) as writer:
        for _ in range(3000):
            writer.write(portrait[:230, 110:340])
    out, table, clip = (tmp_path / name for name in ('out.mp4', 'faces.csv', 'faces.glb'))
    command = ['video', long, '--mode', 'sparse', '--out', out, '--csv', table, '--gltf', clip]
    process = subprocess.Popen(
        [sys.executable, '-m', 'face_recon_ros.cli', *map(str, command)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )

    def begun():
        # a row has about 2 kB: some frames are done, and not only begun with
        tables = list(tmp_path.glob('.face_recon_part_*.csv'))
        return tables and tables[0].stat().st_size > 20_000

    deadline = time.monotonic() + HANG_S
    while not begun():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, complaints = process.communicate(timeout=HANG_S)
    assert (process.returncode, complaints) == (status, '')
    frames = len(list(Video.open(out)))
    assert 0 < frames < 3000
    rows = rows_of(table)
    assert abs(len(rows) - frames) <= 1
    assert all(None not in row.values() and row['time_s'] for row in rows)
    assert abs(clip_frames(clip) - frames) <= 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'faces.csv', 'faces.glb', 'long.mp4', 'out.mp4']


# --- batches go on ---------------------------------------------------------------

@pytest.mark.skipif(not Path('/dev/zero').exists(), reason='needs /dev/zero')
@pytest.mark.parametrize('device', ['/dev/zero', '/dev/null'])
def test_a_device_is_no_photo_and_the_others_are_read(folder, capsys, device):
    """Some devices have no end, and reading them would take all memory."""
    assert run('image', device, folder / 'anna.png') == 1
    said = capsys.readouterr()
    assert said.err == f'face-recon: {device}: is a device; name an image file\n'
    assert 'anna.png: yaw' in said.out


def test_a_pipe_without_end_is_read_no_further_than_it_can_be(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, 'MOST_BYTES', 1000)
    pipe = tmp_path / 'pipe.png'
    os.mkfifo(pipe)
    endless = subprocess.Popen([sys.executable, '-c', ENDLESS, pipe], stderr=subprocess.DEVNULL)
    with pytest.raises(ImageError, match=r'pipe\.png: is larger than 2 GiB; make it smaller$'):
        image_files.read_image(pipe)
    assert endless.wait(HANG_S) == 1  # nobody reads


ENDLESS = "import sys; f = open(sys.argv[1], 'wb')\nwhile True: f.write(bytes(4096))"


NOT_UTF_8 = os.fsdecode(b'2caf\xe9.png')


def test_odd_names_are_read_reported_and_recorded(folder, tmp_path):
    photo = folder / 'anna.png'
    names = ['1.png', NOT_UTF_8, 'b\nc.png', 'd:e.png', 'ä.png', 'x' * 251 + '.png']
    for name in names:
        shutil.copy(photo, folder / name)
    table, out = tmp_path / 'faces.csv', tmp_path / 'out'
    done = in_a_process(
        'image', *(folder / n for n in names), '--csv', table, '--out', out,
        env=dict(os.environ, PYTHONIOENCODING='ascii'),
    )
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.count('\n') == len(names)
    assert 'b\\nc.png: yaw' in done.stdout
    assert [r['file'] for r in rows_of(table)] == [str(folder / n) for n in names]
    assert len(list(out.iterdir())) == len(names)


def test_what_cannot_be_looked_at_does_not_stop_the_others(folder, tmp_path, monkeypatch, capsys):
    locked = tmp_path / 'locked'
    locked.mkdir()
    listed = type(locked).iterdir

    def iterdir(self):  # root may read everything, so the lock is made here
        if self == locked:
            raise PermissionError(13, 'Permission denied')
        return listed(self)

    monkeypatch.setattr(type(locked), 'iterdir', iterdir)
    long = 'x' * 300 + '.png'
    assert run('image', locked, long, folder / 'anna.png') == 1
    said = capsys.readouterr()
    assert 'anna.png: yaw' in said.out
    assert said.err.splitlines() == [
        f'face-recon: {locked}: Permission denied', f'face-recon: {long}: File name too long'
    ]
    assert run('video', locked) == 1
    assert capsys.readouterr().err == f'face-recon: {locked}: Permission denied\n'


def test_what_a_folder_has_more_is_said(folder, capsys):
    for name in ('a.HEIC', 'b.heic', 'c.nef', 'labels.csv'):
        (folder / name).write_bytes(b'nothing that a decoder knows')
    (folder / 'more').mkdir()
    shutil.copy(folder / 'anna.png', folder / 'z.JFIF')
    assert run('image', folder) == 0
    said = capsys.readouterr()
    assert 'z.JFIF: yaw' in said.out
    assert said.err.splitlines() == [
        f'face-recon: {folder}: 3 files left out (.heic, .nef): convert to JPEG, or pip install '
        'pillow-heif',
        f'face-recon: {folder}: 1 folder inside not looked into: name them too',
    ]
    for path in [folder / 'anna.png', folder / 'anna_pose.jpg', folder / 'z.JFIF']:
        path.unlink()
    assert run('image', folder) == 1
    assert 'no images in this folder (3 files left out' in capsys.readouterr().err


def test_what_no_photo_can_be_is_passed_over_in_a_folder(folder):
    os.mkfifo(folder / 'camera.jpg')
    (folder / '._anna.png').write_bytes(b'\0\5\26\7\0\2\0\0Mac OS X')
    (folder / '.face_recon_part_k3.jpg').touch()
    # the deadline bounds a wait for who writes into the pipe
    done = in_a_process('image', folder, timeout=HANG_S)
    assert (done.returncode, done.stderr) == (0, '')
    assert [line.split(':')[0] for line in done.stdout.splitlines()] == [
        str(folder / 'anna.png'), str(folder / 'anna_pose.jpg')
    ]


# --- options ---------------------------------------------------------------------


@pytest.mark.parametrize('option', [
    ('--focal-length-px', '0'), ('--focal-length-px', 'nan'), ('--focal-length-px', '-500'),
    ('--focal-length-px', 'inf'), ('--interpupillary-distance-m', '63'),
    ('--interpupillary-distance-m', '0'), ('--interpupillary-distance-m', '-1'),
    ('--max-faces', '-1'), ('--max-faces', 'two'), ('--export', 'stl'),
    ('--focal-length-px', '600', '--camera', 'c.yaml'),
])
def test_what_cannot_be_is_refused_in_one_line(option, capsys):
    with pytest.raises(SystemExit) as end:
        run('image', 'a.png', *option)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count('\n') == 1
    assert option[0] in said


@pytest.mark.parametrize('runs', ['0', '-3', '1.5'])
def test_runs_are_a_number(runs, capsys):
    with pytest.raises(SystemExit):
        run('bench', '--runs', runs)
    assert f'{runs} is not a whole number' in capsys.readouterr().err


@pytest.mark.parametrize('words', [
    ('--export', 'ply', 'PHOTO'), ('--export', 'ply', 'obj', 'PHOTO'),
    ('--export', 'ply,obj', 'PHOTO'), ('PHOTO', '--export', 'ply', 'obj'),
    ('--export=ply', '--export', 'obj', 'PHOTO'), ('PHOTO', '--export', 'ply,obj', 'PHOTO'),
])
def test_exports_swallow_no_file(folder, tmp_path, words):
    photo = str(folder / 'anna.png')
    words = [photo if word == 'PHOTO' else word for word in words]
    assert run('image', *words, '--out', tmp_path / 'out') == 0
    kinds = {p.suffix for p in (tmp_path / 'out').iterdir()}
    assert kinds == ({'.ply', '.obj'} if 'obj' in ''.join(words) else {'.ply'})


def test_twelve_faces_are_twelve_unless_fewer_are_wanted(portrait, tmp_path, capsys):
    head = cv2.resize(portrait[:230, 110:340], (200, 200))
    many = np.vstack([np.hstack([head] * 4)] * 3)
    write_image(tmp_path / 'many.png', many)
    with VideoWriter(tmp_path / 'many.mp4', 10.0) as writer:
        for _ in range(3):
            writer.write(many)
    for command, name in (('image', 'many.png'), ('video', 'many.mp4')):
        for options, count in (((), 12), (('--max-faces', '5'), 5)):
            table = tmp_path / 'faces.csv'
            assert run(command, tmp_path / name, '--csv', table, *options) == 0
            rows = rows_of(table)
            assert sum(r['file'] == rows[-1]['file'] for r in rows) == count


CALIBRATION = """
image_width: 512
image_height: 512
camera_name: head_camera
camera_matrix: {rows: 3, cols: 3, data: [FOCAL, 0.0, 255.5, 0.0, FOCAL, 255.5, 0.0, 0.0, 1.0]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.0, 0.0, 0.0, 0.0, 0.0]}
"""


def test_a_calibration_file_is_the_camera(folder, tmp_path, capsys):
    file, table = tmp_path / 'cam.yaml', tmp_path / 'faces.csv'
    file.write_text(CALIBRATION.replace('FOCAL', '800.0'))
    found = []
    for options in (('--camera', file), ('--focal-length-px', '800')):
        assert run('image', folder / 'anna.png', '--csv', table, *options) == 0
        found.append([float(rows_of(table)[0][f't_{a}']) for a in 'xyz'])
    assert found[0] == found[1]
    write_image(tmp_path / 'small.png', np.zeros((48, 64, 3), np.uint8))
    assert run('image', tmp_path / 'small.png', folder / 'anna.png', '--camera', file) == 1
    said = capsys.readouterr()
    assert 'small.png: is 64x48, but' in said.err
    assert 'is for 512x512' in said.err
    assert 'anna.png: yaw' in said.out


@pytest.mark.parametrize(('content', 'message'), [
    (None, 'No such file'), ('', 'no calibration'), ('a: [', 'no YAML'), ('7', 'no calibration'),
    (CALIBRATION.replace('FOCAL', '0.0'), 'is not positive'),
    (CALIBRATION.replace('FOCAL', '.nan'), 'NaN'),
    (CALIBRATION.replace('FOCAL', 'wide'), 'no list of numbers'),
    (CALIBRATION.replace('512', 'many'), "image_width is 'many'"),
    ('image_width: 4\nimage_height: 4\ncamera_matrix: {data: [1, 2]}', 'not 9'),
    ('[' * 5000, 'no YAML'),
    (CALIBRATION.replace('FOCAL', '0.0028'), 'field of view of 180.0 x 180.0 degrees: give K in'),
    (CALIBRATION.replace('FOCAL', '1e9'), 'field of view of 0.0 x 0.0 degrees: give K in pixels'),
])
def test_a_broken_calibration_is_one_line(folder, tmp_path, capsys, content, message):
    file = tmp_path / 'cam.yaml'
    if content is not None:
        file.write_text(content)
    assert run('image', folder / 'anna.png', '--camera', file) == 1
    said = capsys.readouterr().err
    assert said.count('\n') == 1
    assert said.startswith(f'face-recon: {file}: ')
    assert message in said


@pytest.mark.parametrize('focal_px', ['1', '1e6'])
def test_a_focal_length_that_no_lens_has_is_one_line(folder, clip, capsys, focal_px):
    for command, file in (('image', folder / 'anna.png'), ('video', clip)):
        assert run(command, file, '--focal-length-px', focal_px) == 1
        said = capsys.readouterr().err
        assert said.startswith(f'face-recon: {file}: focal length {float(focal_px):g}, ')
        assert said.count('\n') == 1


def test_a_calibration_file_with_pixels_that_are_not_square_is_named(folder, tmp_path, capsys):
    file = tmp_path / 'cam.yaml'
    file.write_text(CALIBRATION.replace('FOCAL', '800.0', 1).replace('FOCAL', '400.0'))
    assert run('image', folder / 'anna.png', '--camera', file) == 0
    said = capsys.readouterr()
    assert said.err.startswith(
        f'face-recon: {file}: pixels are not square (focal length 800, 400 px)')
    assert said.err.count('\n') == 1
    assert 'anna.png: yaw' in said.out


def test_the_table_has_the_time_of_videos_and_none_of_photos(clip, folder, tmp_path):
    table = tmp_path / 'faces.csv'
    run('video', clip, '--csv', table)
    assert [float(r['time_s']) for r in rows_of(table)] == [0.0, 0.1, 0.2, 0.3]
    run('image', folder / 'anna.png', '--csv', table)
    assert [r['time_s'] for r in rows_of(table)] == ['']


# --- the table on standard output -------------------------------------------------


def table_in(text):
    return list(csv.DictReader(text.splitlines(keepends=True)))


@pytest.mark.parametrize('name', ['-', '/dev/stdout'])
def test_a_table_on_standard_output_has_it_for_itself(folder, tmp_path, name):
    done = in_a_process('image', folder / 'anna.png', '--csv', name, cwd=tmp_path)
    assert done.returncode == 0
    (row,) = table_in(done.stdout)
    assert row['file'] == str(folder / 'anna.png')
    assert len(row) == len(done.stdout.splitlines()[0].split(','))
    (report,) = done.stderr.splitlines()
    assert report.startswith(f'{folder}/anna.png: yaw ')
    assert not (tmp_path / '-').exists()


@pytest.mark.parametrize('closed', ['2>&-', '>&- 2>&-'])
def test_without_standard_error_the_work_is_done(folder, clip, tmp_path, closed):
    for index, arguments in enumerate((('image', folder / 'anna.png'), ('video', clip))):
        table = tmp_path / f'{index}.csv'
        command = [sys.executable, '-m', 'face_recon_ros.cli', *arguments, '--csv', table]
        line = ' '.join(shlex.quote(str(word)) for word in command)
        assert subprocess.run(['sh', '-c', f'{line} {closed}'], check=False).returncode == 0
        assert len(rows_of(table)) == (1, 4)[index]


def test_a_table_of_a_video_goes_into_a_pipe_or_behind_what_a_file_has(clip, tmp_path):
    with (tmp_path / 'log').open('w') as log:
        log.write('before\n')
        log.flush()
        done = subprocess.run(
            [sys.executable, '-m', 'face_recon_ros.cli', 'video', str(clip), '--csv', '-'],
            stdout=log, stderr=subprocess.PIPE, check=False, text=True,
        )
    assert done.returncode == 0
    before, _, table = (tmp_path / 'log').read_text().partition('\n')
    assert before == 'before'
    assert [row['file'] for row in table_in(table)] == ['0', '1', '2', '3']
    assert done.stderr == f'{clip}: 4 frames; face f1 in 4\n'


def test_names_that_are_no_utf_8_are_written_to_standard_output_as_they_are(folder):
    odd = Path(os.fsdecode(os.fsencode(folder) + b'/caf\xe9.png'))
    (folder / 'anna.png').rename(odd)
    for environment in ({'LC_ALL': 'C'}, {'PYTHONIOENCODING': 'ascii'}):
        done = in_a_process('image', odd, '--csv', '-', env={**os.environ, **environment})
        (row,) = table_in(done.stdout)
        assert row['file'] == str(odd)


def test_who_stops_reading_a_table_ends_it(clip, tmp_path):
    command = [sys.executable, '-m', 'face_recon_ros.cli', 'video', str(clip), '--csv', '-']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        _, complaints = process.communicate()
    assert process.returncode == 1
    assert complaints == b''
    with open('/dev/full', 'w') as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    assert done.returncode == 1
    assert done.stderr == 'face-recon: standard output: No space left on device\n'


def test_a_table_in_a_file_called_minus(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run('image', folder / 'anna.png', '--csv', './-') == 0
    (row,) = rows_of(tmp_path / '-')
    assert row['file'] == str(folder / 'anna.png')
    assert ': yaw ' in capsys.readouterr().out


# --- kinds of videos --------------------------------------------------------------


@pytest.mark.parametrize('name', ['o.webm', 'o.gif', 'o', 'o.jpg', 'o.mp4.part'])
def test_a_kind_of_video_that_is_not_written_is_refused_before_anything_is_read(
    clip, tmp_path, capsys, monkeypatch, name
):
    monkeypatch.setattr(
        'face_recon_ros.cli.options.make_pipeline', lambda *_, **__: pytest.fail('too late'))
    before = sorted(tmp_path.iterdir())
    assert run('video', clip, '--mode', 'pose', '--out', tmp_path / name) == 1
    kind = {'o': 'videos without a kind', 'o.mp4.part': 'videos of the kind .part'}.get(
        name, f'videos of the kind {name[1:]}')
    assert capsys.readouterr().err == (
        f'face-recon: {tmp_path / name}: {kind} are not written; '
        'give --out FILE.mp4, or one of .m4v .mov .mkv .avi\n'
    )
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize('suffix', ['.mp4', '.m4v', '.mov', '.mkv', '.avi', '.MP4'])
def test_the_kinds_of_videos_that_are_written_play_and_are_known_as_own(tmp_path, suffix):
    from face_recon_ros.io.outputs import is_own

    path = tmp_path / f'o{suffix}'
    with VideoWriter(path, 10.0) as writer:
        for shade in (40, 120, 200):
            writer.write(np.full((64, 96, 3), shade, np.uint8))
    video = Video.open(path)
    shades = [float(pixels.mean()) for _, pixels in video]
    np.testing.assert_allclose(shades, [40, 120, 200], atol=4)
    assert video.faults == []
    assert is_own(path)
