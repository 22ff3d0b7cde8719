# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The examples that need no ROS, run as a user runs them."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from example_modules import EXAMPLES, load

from face_recon_ros.io.image_files import Video, VideoWriter, read_image, write_image

HEADLESS = {k: v for k, v in os.environ.items() if k not in ('DISPLAY', 'WAYLAND_DISPLAY')}


def run(name, *arguments, folder):
    return subprocess.run(
        [sys.executable, EXAMPLES / f'{name}.py', *map(str, arguments)],
        cwd=folder, env=HEADLESS, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope='module')
def photo(portrait, tmp_path_factory):
    path = tmp_path_factory.mktemp('photo') / 'portrait.png'
    write_image(path, portrait)
    return path


@pytest.fixture(scope='module')
def clip(portrait, tmp_path_factory):
    """Return a video of the portrait that moves to the right: 12 frames of half the size."""
    path = tmp_path_factory.mktemp('clip') / 'clip.mp4'
    small = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    with VideoWriter(path, 25.0) as writer:
        for index in range(12):
            writer.write(np.roll(small, 2 * index, axis=1))
    return path


def test_every_example_is_run():
    names = {path.stem for path in EXAMPLES.glob('*.py')}
    assert names == {'photo', 'webcam', 'turn_head', 'faces_listener', 'greet'}


def test_photo(photo, portrait, tmp_path):
    done = run('photo', photo, '--mode', 'box', folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, '')
    head, row, wrote = done.stdout.splitlines()
    assert wrote == 'wrote portrait_faces.png'
    values = dict(zip(head.split(), row.replace(' m ', ' ').split(), strict=True))
    # read off the picture: the face lies between (180, 60) and (280, 190), looks ahead
    assert 150 < float(values['x0']) < 205
    assert 160 < float(values['y1']) < 210
    assert abs(float(values['yaw'])) < 8
    assert float(values['score']) > 0.9
    assert 0.3 < float(values['distance']) < 1.5
    picture = read_image(tmp_path / 'portrait_faces.png')
    changed = (picture != portrait).any(axis=2)
    assert picture.shape == portrait.shape
    assert 500 < changed.sum() < 0.2 * changed.size


def test_photo_says_what_is_wrong(photo, tmp_path):
    for arguments, line in (
        (['no_such.jpg'], 'error: no_such.jpg: No such file or directory'),
        ([photo, '--out', photo], f'error: --out {photo} is an input; choose another --out'),
    ):
        done = run('photo', *arguments, folder=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (1, '', line + '\n')


def test_photo_without_a_face(tmp_path):
    write_image(tmp_path / 'grey.png', np.full((200, 300, 3), 128, np.uint8))
    done = run('photo', 'grey.png', '--out', 'seen.png', folder=tmp_path)
    assert done.stdout.splitlines() == ['no face', 'wrote seen.png']


def test_webcam_writes_a_video_where_there_is_no_display(clip, tmp_path):
    done = run('webcam', clip, '--mode', 'mesh', folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, 'wrote webcam_faces.mp4\n')
    before = [image for _, image in Video.open(clip)]
    after = [image for _, image in Video.open(tmp_path / 'webcam_faces.mp4')]
    assert len(after) == len(before) == 12
    # the mesh lies over the face, the background is as it was but for the encoder
    face = np.s_[45:85, 95:135]
    for old, new in zip(before[4:], after[4:], strict=True):
        change = np.abs(old.astype(int) - new)
        assert change[face].mean() > 4 * change[150:].mean()


def test_webcam_ends_after_so_many_images(clip, tmp_path):
    run('webcam', clip, '--images', 5, '--out', 'five.mp4', folder=tmp_path)
    assert sum(1 for _ in Video.open(tmp_path / 'five.mp4')) == 5


def test_webcam_says_what_is_wrong(clip, tmp_path):
    for arguments, line in (
        (['no_such.mp4'], 'error: no_such.mp4: no such file'),
        ([clip, '--out', clip], f'error: --out {clip} is an input; choose another --out'),
        (['/dev/no_such_camera'], 'error: /dev/no_such_camera: no camera gives images there; '
         'is it used by another?'),
    ):  # fmt: skip
        done = run('webcam', *arguments, folder=tmp_path)
        assert (done.returncode, done.stdout) == (1, '')
        assert done.stderr.splitlines()[-1] == line
    assert list(tmp_path.iterdir()) == []


class Window:
    """Stands in for OpenCV's windows, and its cameras: a key is pressed at some picture."""

    def __init__(self, monkeypatch, image, keys, visible=()):
        self.shown, self.keys, self.visible = [], iter(keys), iter(visible)
        self.is_open, self.asked = False, None
        self.image = image
        monkeypatch.setenv('DISPLAY', ':7')
        monkeypatch.setattr(cv2, 'VideoCapture', self.open_camera)
        for name in ('namedWindow', 'imshow', 'waitKey', 'getWindowProperty', 'destroyAllWindows'):
            monkeypatch.setattr(cv2, name, getattr(self, name), raising=False)

    def open_camera(self, name):
        self.asked = name
        return self

    def read(self):
        return True, self.image.copy()

    def release(self):
        self.asked = 'released'

    def namedWindow(self, *_):
        self.is_open = True

    def imshow(self, _, picture):
        self.shown.append(picture)

    def waitKey(self, _):
        return next(self.keys)

    def getWindowProperty(self, *_):
        return next(self.visible, 1.0)

    def destroyAllWindows(self):
        self.is_open = False


@pytest.mark.parametrize(
    ('keys', 'visible'), [([-1, ord('x'), 27], []), ([-1] * 9, [1.0, 1.0, 0.0])]
)
def test_webcam_shows_a_camera_until_escape_or_the_window_is_closed(
    monkeypatch, portrait, tmp_path, keys, visible
):
    monkeypatch.chdir(tmp_path)
    webcam = load('webcam')
    window = Window(monkeypatch, portrait, keys, visible)
    assert webcam.main(['--mode', 'box']) == 0
    assert len(window.shown) == 3
    assert (window.shown[-1] != portrait).any()
    assert not window.is_open
    assert list(tmp_path.iterdir()) == []


def test_webcam_opens_the_camera_of_that_number(monkeypatch, portrait):
    window = Window(monkeypatch, portrait, [27])
    images = load('webcam').camera_images('2')
    next(images)
    assert window.asked == 2
    images.close()
    assert window.asked == 'released'


def test_an_interrupted_webcam_leaves_a_video_that_plays(monkeypatch, portrait, tmp_path):
    webcam = load('webcam')
    out = tmp_path / 'cut.mp4'

    def camera(_):
        for index in range(4):
            yield index / 30, portrait.copy()
        raise KeyboardInterrupt

    monkeypatch.setattr(webcam, 'camera_images', camera)
    assert webcam.main(['0', '--out', str(out)]) == 130
    assert sum(1 for _ in Video.open(out)) == 4
