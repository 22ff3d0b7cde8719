# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Videos as cameras and mishaps make them: times, pixels, rotation, what is missing."""

import os
import struct

import cv2
import mp4_boxes
import numpy as np
import pytest

from face_recon_ros.errors import ImageError, OutputError
from face_recon_ros.io import iso_media
from face_recon_ros.io.video_clock import VideoClock
from face_recon_ros.io.video_files import Video
from face_recon_ros.io.video_writing import VideoWriter

SHADES = tuple(range(10, 250, 4))


def write_clip(path, codec='mp4v', size=(96, 64), rate=30.0):
    """Write frames of rising brightness, the upper left corner white."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, size)
    assert writer.isOpened()
    for shade in SHADES:
        frame = np.full((size[1], size[0], 3), shade, np.uint8)
        frame[: size[1] // 2, : size[0] // 2] = 255
        writer.write(frame)
    writer.release()
    return path


def frames_of(path):
    video = Video.open(path)
    return list(video.frames()), video.faults


def test_a_pipe_is_refused_unopened(tmp_path):
    os.mkfifo(tmp_path / 'c.mp4')
    with pytest.raises(ImageError, match=r'c\.mp4: is a pipe; save the video to a file first'):
        Video.open(tmp_path / 'c.mp4')


def test_a_clip_whose_index_is_lost_is_cut_off(tmp_path):
    """OpenCV writes the index of an MP4 behind the frames."""
    data = write_clip(tmp_path / 'c.mp4').read_bytes()
    assert data.index(b'mdat') < data.index(b'moov')
    (tmp_path / 'half.mp4').write_bytes(data[: data.index(b'moov') - 100])
    with pytest.raises(ImageError, match=r'half\.mp4: is cut off; copy it again$'):
        Video.open(tmp_path / 'half.mp4')


def test_a_file_without_a_byte_is_empty(tmp_path):
    (tmp_path / 'c.mp4').touch()
    with pytest.raises(ImageError, match=r'c\.mp4: is empty; copy it again$'):
        Video.open(tmp_path / 'c.mp4')


def test_no_video_is_written_to_a_pipe(tmp_path):
    os.mkfifo(tmp_path / 'c.mp4')
    writer = VideoWriter(tmp_path / 'c.mp4', 30.0)
    with pytest.raises(OutputError, match=r'c\.mp4: is no file; give --out FILE\.mp4'):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    assert os.listdir(tmp_path) == ['c.mp4']


def test_times_are_those_of_the_container(tmp_path):
    data = write_clip(tmp_path / 'c.mp4').read_bytes()
    second = mp4_boxes.clock_of(data)
    # 30 frames of 1/30 s, then 30 of 1/10 s
    changed = mp4_boxes.with_frame_times(data, [(30, second // 30), (30, second // 10)])
    (tmp_path / 'vfr.mp4').write_bytes(changed)
    frames, faults = frames_of(tmp_path / 'vfr.mp4')
    assert faults == []
    assert [f.number for f in frames] == list(range(60))
    assert frames[29].stamp_s == pytest.approx(29 / 30, abs=0.002)
    assert frames[40].stamp_s == pytest.approx(1 + 10 / 10, abs=0.01)
    assert frames[55].stamp_s == pytest.approx(1 + 25 / 10, abs=0.01)


def test_a_video_of_variable_rate_keeps_its_time_as_pictures(tmp_path):
    with VideoWriter(tmp_path / 'o.mp4', 10.0) as writer:
        for shade, stamp_s in ((40, 5.0), (120, 5.1), (200, 6.0), (240, 6.01)):
            writer.write(np.full((64, 96, 3), shade, np.uint8), stamp_s)
    frames, _ = frames_of(tmp_path / 'o.mp4')
    found = [round(float(f.pixels.mean())) for f in frames]
    # 1 second after the first is frame 10; what comes 1/100 s later has no frame of its own
    assert len(found) == 11
    np.testing.assert_allclose(found, [40] + [120] * 9 + [200], atol=6)


def test_a_clock_that_is_set_does_not_fill_the_disk(tmp_path):
    with VideoWriter(tmp_path / 'o.mp4', 10.0) as writer:
        for stamp_s in (0.0, 0.1, 1_700_000_000.0, 1_700_000_000.1, 5.0, 5.1):
            writer.write(np.zeros((64, 96, 3), np.uint8), stamp_s)
    assert len(frames_of(tmp_path / 'o.mp4')[0]) == 6


@pytest.mark.parametrize(('shape', 'size'), [((4, 3), (128, 64)), ((1, 2), (96, 128))])
def test_pixels_become_square(tmp_path, shape, size):
    data = write_clip(tmp_path / 'c.mp4').read_bytes()
    (tmp_path / 'sar.mp4').write_bytes(mp4_boxes.with_pixel_shape(data, *shape))
    frames, _ = frames_of(tmp_path / 'sar.mp4')
    height, width = frames[0].pixels.shape[:2]
    assert (width, height) == size
    white = frames[0].pixels[..., 0] > 200
    assert white[: height // 2 - 2, : width // 2 - 2].all()


def test_portrait_video_is_upright_with_square_pixels_too(tmp_path):
    data = write_clip(tmp_path / 'c.mp4').read_bytes()
    turned = mp4_boxes.turned_clockwise(data, 64)
    (tmp_path / 'turned.mp4').write_bytes(turned)
    frames, _ = frames_of(tmp_path / 'turned.mp4')
    assert frames[0].pixels.shape == (96, 64, 3)
    # what was the upper left is the upper right
    assert frames[0].pixels[5:40, 40:60].min() > 200
    assert frames[0].pixels[5:40, 5:25].max() < 100

    both = mp4_boxes.with_pixel_shape(turned, 2, 1)
    (tmp_path / 'both.mp4').write_bytes(both)
    frames, _ = frames_of(tmp_path / 'both.mp4')
    assert frames[0].pixels.shape == (192, 64, 3)


@pytest.mark.parametrize('colon', ['2026-11-26T12:30:05.mp4', 'file:x.mp4', 'a%03d.mp4'])
def test_odd_names_are_opened(tmp_path, colon, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / 'c.mp4').rename(tmp_path / colon)
    from pathlib import Path

    assert len(list(Video.open(Path(colon)))) == len(SHADES)


def test_names_that_are_no_utf_8(tmp_path):
    import os
    from pathlib import Path

    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9'))
    folder.mkdir()
    path = write_clip(tmp_path / 'c.mp4').rename(folder / os.fsdecode(b'\xe9.mp4'))
    assert len(list(Video.open(path))) == len(SHADES)
    with VideoWriter(folder / os.fsdecode(b'out\xe9.mp4'), 30.0) as writer:
        writer.write(np.zeros((64, 96, 3), np.uint8))
    assert sorted(os.listdir(os.fsencode(folder))) == [b'out\xe9.mp4', b'\xe9.mp4']


def test_a_cut_off_video_gives_what_it_has_and_says_so(tmp_path):
    data = write_clip(tmp_path / 'c.avi', 'MJPG').read_bytes()
    (tmp_path / 'cut.avi').write_bytes(data[: len(data) // 2])
    frames, faults = frames_of(tmp_path / 'cut.avi')
    assert 0 < len(frames) < 60
    (fault,) = faults
    assert fault.startswith(f'{tmp_path}/cut.avi: ends after {len(frames)} of 60 frames; copy it')
    assert frames_of(tmp_path / 'c.avi')[1] == []


@pytest.mark.parametrize(('version', 'waits'), [(0, (60,)), (1, (60,)), (0, (20, 40)), (0, ())])
def test_a_part_of_a_longer_recording_is_whole(tmp_path, version, waits):
    """An edit list lets its first frame wait: nothing is missing."""
    data = write_clip(tmp_path / 'c.mp4').read_bytes()
    changed = mp4_boxes.with_waits(data, version, waits)
    (tmp_path / 'c.mp4').write_bytes(changed)
    frames, faults = frames_of(tmp_path / 'c.mp4')
    assert (len(frames), faults) == (60, [])
    assert frames[-1].stamp_s == pytest.approx(59 / 30, abs=1e-3)
    with (tmp_path / 'c.mp4').open('rb') as file:
        assert iso_media.video_duration_s(file) == pytest.approx(2.0, abs=0.01)


def test_what_comes_after_a_damaged_frame_is_read_and_keeps_its_number(tmp_path):
    data = bytearray(write_clip(tmp_path / 'c.avi', 'MJPG').read_bytes())
    first = data.index(b'movi')
    places = [i for i in range(first, len(data) - 8) if data[i : i + 4] == b'00dc'][:60]
    length = int.from_bytes(data[places[20] + 4 : places[20] + 8], 'little')
    data[places[20] + 8 : places[20] + 8 + length] = bytes(length)
    (tmp_path / 'damaged.avi').write_bytes(data)
    frames, faults = frames_of(tmp_path / 'damaged.avi')
    assert [f.number for f in frames] == [i for i in range(60) if i != 20]
    for frame in frames[::7]:
        assert frame.pixels[50, 80].mean() == pytest.approx(SHADES[frame.number], abs=4)
    assert faults == [
        f'{tmp_path}/damaged.avi: is damaged: 59 of 60 frames can be read, the first that cannot '
        'is number 20; copy it again'
    ]


def with_empty_frames(data, empty):
    """Return an AVI of one stream with nothing in some of its frames."""
    movie = data.index(b'movi')
    end = movie + int.from_bytes(data[movie - 4 : movie], 'little')
    place, content, index = movie + 4, bytearray(b'movi'), bytearray()
    for number in range(60):
        length = int.from_bytes(data[place + 4 : place + 8], 'little')
        kept = b'' if number in empty else data[place + 8 : place + 8 + length]
        index += struct.pack('<4sIII', b'00dc', 16, len(content), len(kept))
        content += struct.pack('<4sI', b'00dc', len(kept)) + kept + bytes(len(kept) % 2)
        place += 8 + length + length % 2
    assert place == end
    body = data[8 : movie - 8]
    for kind, part in ((b'LIST', content), (b'idx1', index)):
        body += kind + struct.pack('<I', len(part)) + part
    return b'RIFF' + struct.pack('<I', len(body)) + body


@pytest.mark.parametrize('empty', [range(0), range(5, 40), range(1, 60, 2), range(40, 60)])
def test_empty_frames_of_an_avi_are_none_that_are_lost(tmp_path, empty):
    """They repeat the frame before: nothing is damaged, and times stay."""
    path = tmp_path / 'c.avi'
    path.write_bytes(with_empty_frames(write_clip(path, 'MJPG').read_bytes(), empty))
    frames, faults = frames_of(path)
    assert faults == []
    kept = sorted({*range(60)} - {*empty})
    assert [frame.stamp_s * 30 for frame in frames] == pytest.approx(kept)


def test_an_avi_with_empty_frames_that_is_cut_off(tmp_path):
    path = tmp_path / 'c.avi'
    data = with_empty_frames(write_clip(path, 'MJPG').read_bytes(), range(10, 20))
    path.write_bytes(data[: len(data) // 2])
    frames, faults = frames_of(path)
    assert faults == [f'{path}: ends after {len(frames)} of 50 frames; copy it again']


def test_folders_and_bags_of_ros_1_are_named(tmp_path):
    with pytest.raises(ImageError, match='is a folder; name a video in it'):
        Video.open(tmp_path)
    (tmp_path / 'a.bag').write_bytes(b'#ROSBAG V2.0\n')
    with pytest.raises(ImageError, match=r'rosbags-convert --src .*a\.bag --dst'):
        Video.open(tmp_path / 'a.bag')


def test_images_of_another_size_are_fitted_with_borders(tmp_path):
    with VideoWriter(tmp_path / 'o.mp4', 10.0) as writer:
        writer.write(np.full((64, 96, 3), 200, np.uint8))
        writer.write(np.full((32, 32, 3), 200, np.uint8))
    frames, _ = frames_of(tmp_path / 'o.mp4')
    assert len(frames) == 2
    second = frames[1].pixels
    assert second.shape == (64, 96, 3)
    assert second[:, 20:76].min() > 150
    assert second[:, :12].max() < 60
    assert second[:, 84:].max() < 60


def test_a_missing_folder_is_made(tmp_path):
    with VideoWriter(tmp_path / 'new' / 'o.mp4', 10.0) as writer:
        writer.write(np.zeros((64, 96, 3), np.uint8))
    assert (tmp_path / 'new' / 'o.mp4').is_file()


def test_an_unknown_kind_of_video_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match=r'give --out FILE\.mp4'):
        VideoWriter(tmp_path / 'o.xyz', 10.0).write(np.zeros((64, 96, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_times_rise_whatever_the_container_says():
    clock = VideoClock(10.0)
    said = [0.0, 0.1, 0.1, float('nan'), -5.0, 0.5, 1e9, 0.7]
    found = [clock.tick(position, 0) for position in said]
    assert [number for number, _ in found] == list(range(8))
    np.testing.assert_allclose(
        [time for _, time in found], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], atol=1e-9
    )
    # without any, it is the rate
    clock = VideoClock(10.0)
    np.testing.assert_allclose([clock.tick(0.0, 0)[1] for _ in range(3)], [0, 0.1, 0.2])
