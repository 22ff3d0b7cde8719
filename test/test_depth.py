# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth images through the pipeline, the CSV and bags."""
import csv
import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from depth_scene import depth_of

from face_recon_ros import _renderer
from face_recon_ros.camera import Camera
from face_recon_ros.cli import main
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.depth_lag import DepthLag
from face_recon_ros.errors import ImageError
from face_recon_ros.face import DistanceSource
from face_recon_ros.io.bag_depth import BagDepth
from face_recon_ros.io.depth_encodings import compressed_to_depth, to_depth
from face_recon_ros.io.image_files import read_image
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline, PipelineConfig

# A child's head, of which a colour image says that it is an adult's further away
CHILD = 0.85
WALL_M = 4.0


@pytest.fixture(scope='module')
def pipeline():
    return Pipeline(PipelineConfig(smoothing=None))


@pytest.fixture(scope='module')
def image():
    photo = read_image(share_directory() / 'samples' / 'astronaut.png')
    return np.ascontiguousarray(photo[:320, 60:400])


@pytest.fixture(scope='module')
def camera(image):
    height, width = image.shape[:2]
    return Camera(width, height, 400.0, 400.0, (width - 1) / 2, (height - 1) / 2)


@pytest.fixture(scope='module')
def without(pipeline, image, camera):
    (face,) = pipeline.detect(image, camera)
    return face


@pytest.fixture(scope='module')
def depth(pipeline, without, camera):
    return depth_of(pipeline.model, without, camera, CHILD, WALL_M)


def test_a_photo_with_depth_has_its_distance_and_size(pipeline, image, camera, without, depth):
    (face,) = pipeline.detect(image, camera, depth)
    assert without.distance_source == DistanceSource.ASSUMED
    assert face.distance_source == DistanceSource.DEPTH
    assert face.distance_m == pytest.approx(CHILD * without.distance_m, rel=0.005)
    # its skin is as wide as its fit, where fits are 1.8 % wider on the mean
    assert 0.976 * CHILD < face.head_scale / without.head_scale < 1.005 * CHILD
    assert np.linalg.norm(face.landmarks_m[30]) < CHILD * without.distance_m
    sigma_m = np.sqrt(np.trace(face.pose_covariance[:3, :3]))
    assert sigma_m < 0.02 < np.sqrt(np.trace(without.pose_covariance[:3, :3]))


def test_the_images_parameters_and_landmarks_stay(pipeline, image, camera, without, depth):
    (face,) = pipeline.detect(image, camera, depth)
    np.testing.assert_allclose(face.landmarks_px, without.landmarks_px)
    assert face.parameters == without.parameters
    np.testing.assert_allclose(face.rotation, without.rotation)


def test_millimetres_do_as_well(pipeline, image, camera, without, depth):
    (face,) = pipeline.detect(image, camera, np.round(1000 * depth).astype(np.uint16))
    assert face.distance_m == pytest.approx(CHILD * without.distance_m, rel=0.005)


@pytest.mark.parametrize('useless', [0.0, np.nan, np.inf, WALL_M])
def test_depth_without_the_face_changes_nothing(pipeline, image, camera, without, useless):
    pipeline.depth_report()
    (face,) = pipeline.detect(image, camera, np.full(image.shape[:2], useless, np.float32))
    assert face == without
    report = pipeline.depth_report()
    assert report.used == 0
    assert report.refusals[-1]
    assert pipeline.depth_report().refusals == ()


def test_depth_of_another_size_is_refused_and_the_stream_goes_on(image, camera):
    pipeline = Pipeline()
    with pytest.raises(ImageError, match=r'not registered to it; let the driver align'):
        pipeline.track(image, 1.0, camera, depth=np.zeros((10, 10), np.uint16))
    for index in range(6):
        faces = pipeline.track(image, 1.1 + index / 30, camera)
    assert len(faces) == 1


def test_a_stream_keeps_the_measured_size_where_depth_stops(image, camera, depth, without):
    pipeline = Pipeline()
    for index in range(30):
        faces = pipeline.track(image, index / 30, camera, depth=depth)
    (face,) = faces
    assert face.distance_m == pytest.approx(CHILD * without.distance_m, rel=0.01)
    for index in range(30, 90):
        faces = pipeline.track(image, index / 30, camera)
    (later,) = faces
    assert later.distance_source == DistanceSource.DEPTH
    assert later.distance_m == pytest.approx(face.distance_m, rel=0.02)
    along = later.pose.translation_m / later.distance_m
    sigma = np.sqrt(along @ later.pose_covariance[:3, :3] @ along) / later.distance_m
    assert 0.01 < sigma < 0.03
    pipeline.reset()
    for index in range(90, 96):
        faces = pipeline.track(image, index / 30, camera)
    (forgotten,) = faces
    assert forgotten.distance_source == DistanceSource.ASSUMED


def test_depth_at_half_the_rate_keeps_the_distance(image, camera, depth, without):
    """Between images with depth a face is as far as it looks, whatever its relief says."""
    stream, distances = Pipeline(), []
    for index in range(40):
        given = depth if index % 2 == 0 else None
        distances += [f.distance_m for f in stream.track(image, index / 30, camera, depth=given)]
    settled = np.array(distances[-20:])
    assert settled == pytest.approx(CHILD * without.distance_m, rel=0.01)
    assert np.abs(np.diff(settled)).max() < 0.004 * without.distance_m


def test_an_id_that_goes_over_to_another_head_has_its_size_after_a_second(
    pipeline, image, camera, depth, without
):
    """However long the first one was measured: people pass each other, and trackers err."""
    other, stream, ratios = depth_of(pipeline.model, without, camera, 1.1, WALL_M), Pipeline(), []
    for index in range(120):
        given = depth if index < 75 else other
        (*_, face) = [*stream.track(image, index / 30, camera, depth=given), None][:1]
        ratios.append(face.distance_m / without.distance_m if face else np.nan)
    # what was measured is believed for some time
    assert ratios[70:100] == pytest.approx([CHILD] * 30, rel=0.01)
    assert ratios[107:] == pytest.approx([1.1] * 13, rel=0.01)


def test_a_size_at_the_limit_does_not_stay_where_others_are_beyond_it(
    pipeline, image, camera, without
):
    """Depth of a wrong unit: in one image the head is just not too small."""
    stream, distances = Pipeline(), []
    for index in range(8):
        factor = 0.53 if index == 0 else 0.48
        given = depth_of(pipeline.model, without, camera, factor, WALL_M)
        faces = stream.track(image, index / 30, camera, depth=given)
        distances += [(face.distance_source, face.distance_m) for face in faces]
    (sources, metres) = zip(*distances, strict=True)
    assert sources == (DistanceSource.DEPTH,) * 2 + (DistanceSource.ASSUMED,) * 6
    assert metres[2:] == pytest.approx([without.distance_m] * 6, rel=0.05)


def test_between_images_with_depth_a_head_seems_as_large_as_in_the_last(
    pipeline, image, camera, without
):
    """What images err in a head's size goes on for some tenths of a second."""
    stream, ratios = Pipeline(), []
    for index in range(40):
        factor = CHILD if index < 30 else 1.08 * CHILD
        given = depth_of(pipeline.model, without, camera, factor, WALL_M)
        faces = stream.track(image, index / 15, camera, depth=given if index % 3 == 0 else None)
        ratios += [face.distance_m / (factor * without.distance_m) for face in faces]
    # the mean of all images would be some 7 % too near
    assert ratios[-9:] == pytest.approx([1.0] * 9, abs=0.03)


def test_late_depth_of_somebody_who_comes_and_goes_is_held_against_the_image_of_then(
    image, camera, depth, without
):
    rate_hz, late = 20, 2
    middle = np.array([camera.cx, camera.cy])

    def nearer(values, times, flags):
        matrix = np.column_stack([times * np.eye(2), (1 - times) * middle])
        return cv2.warpAffine(values, matrix, values.shape[1::-1], flags=flags,
                              borderMode=cv2.BORDER_REPLICATE)

    times = 0.8 + 0.35 * np.sin(2.2 * np.arange(80) / rate_hz)
    stream, errors, sigmas = Pipeline(), [], []
    for index, now in enumerate(times):
        then = times[max(index - late, 0)]
        faces = stream.track(
            nearer(image, now, cv2.INTER_LINEAR), index / rate_hz, camera,
            depth=nearer(depth, then, cv2.INTER_NEAREST) / np.float32(then))
        errors += [face.distance_m * now / (CHILD * without.distance_m) - 1 for face in faces]
        sigmas += [range_sigma_m(face) / face.distance_m for face in faces]
    assert len(errors) > 70
    assert np.abs(errors[-30:]).max() < 0.03
    assert np.mean(np.abs(errors[-30:]) < sigmas[-30:]) > 0.5
    assert stream.depth_report().late_s == pytest.approx(late / rate_hz, abs=0.02)


def range_sigma_m(face):
    ray = face.pose.translation_m / np.linalg.norm(face.pose.translation_m)
    return np.sqrt(ray @ face.pose_covariance[:3, :3] @ ray)


@pytest.mark.parametrize('trusted', [False, True])
def test_a_rotation_is_as_sure_as_what_it_follows_from(
    image, camera, depth, monkeypatch, trusted
):
    """Of a head that turns too fast for late depth it is the image's alone."""
    streams = [Pipeline(), Pipeline()]
    monkeypatch.setattr(DepthLag, 'trusted', lambda *_: trusted)
    for index in range(20):
        (of_image,) = streams[0].track(image, index / 30, camera)[:1] or [None]
        (face,) = streams[1].track(image, index / 30, camera, depth=depth)[:1] or [None]
    own, without = face.pose_covariance[3:, 3:], of_image.pose_covariance[3:, 3:]
    assert face.distance_source == DistanceSource.DEPTH
    if trusted:
        assert np.trace(own) < 0.6 * np.trace(without)
    else:
        np.testing.assert_allclose(face.pose.rotation, of_image.pose.rotation, atol=1e-9)
        np.testing.assert_allclose(own, without, rtol=1e-6, atol=1e-12)


def test_a_clip_in_a_loop_remembers_nobody_of_before(image, camera, depth):
    stream = Pipeline(PipelineConfig(expressions=True))
    for _ in range(4):
        for index in range(12):
            faces = stream.track(image, index / 10, camera, depth=depth)
    assert len(faces) == 1
    assert len(stream._placer._people) == 1
    assert len(stream._reader._expressions._people) == 1


def test_the_shift_of_a_stream_is_followed(pipeline, image, camera, depth):
    beside = np.roll(depth, 4, axis=1)
    stream = Pipeline()
    for index in range(60):
        stream.track(image, index / 30, camera, depth=beside)
        report = stream.depth_report()
    assert report.shift_x_px == pytest.approx(4.0, abs=1.5)
    assert abs(report.shift_y_px) < 1.5


def test_depth_at_half_the_rate_makes_nobody_nod(image, camera, pipeline, without):
    """What depth adds to the rotation is kept between images with depth."""
    tilted = depth_of(pipeline.model, without, camera, 1.0, WALL_M)
    rows = np.arange(len(tilted))[:, None] - without.landmarks_px[30, 1]
    tilted = tilted + (0.0003 * rows * (tilted < WALL_M - 1)).astype(np.float32)
    stream = Pipeline()
    forward = []
    for index in range(60):
        given = tilted if index % 2 == 0 else None
        (*_, face) = [*stream.track(image, index / 30, camera, depth=given), None][:1]
        forward.append(face.pose.rotation[1, 0] if face else np.nan)
    settled = np.array(forward[-20:])
    nods = np.abs(settled[::2] - settled[1::2])
    assert abs(np.median(settled) - without.pose.rotation[1, 0]) > np.radians(2)
    assert nods.max() < 0.5 * abs(np.median(settled) - without.pose.rotation[1, 0])


def test_a_head_is_measured_better_with_time_and_never_perfectly(image, camera, depth):
    """Fits are 1.8 % wider than the skin on the mean, with a sigma of 2.5 %; this one is not."""
    stream, scales, sigmas = Pipeline(), [], []
    for index in range(60):
        found = stream.track(image, index / 30, camera, depth=depth)
        scales += [face.head_scale for face in found]
        faces = stream.track(image, index / 30 + 1 / 60, camera)
        along = [f.pose.translation_m / f.distance_m for f in faces]
        sigmas += [
            float(np.sqrt(a @ f.pose_covariance[:3, :3] @ a)) / f.distance_m
            for a, f in zip(along, faces, strict=True)
        ]
    assert np.abs(np.diff(scales)).max() < 0.02
    assert 0.005 < sigmas[-1] < sigmas[0] < 0.03


# --- messages --------------------------------------------------------------------


def message(values, kind, **other):
    fields = {
        'encoding': kind, 'width': values.shape[1], 'height': values.shape[0],
        'step': values.strides[0], 'data': values.tobytes(), 'is_bigendian': False, **other,
    }
    return SimpleNamespace(**fields)


def test_raw_depth_is_metres_or_millimetres_in_either_byte_order():
    metres = np.array([[1.5, np.nan], [0.0, 2.0]], np.float32)
    np.testing.assert_array_equal(to_depth(message(metres, '32FC1'), '/d').values, metres)
    millimetres = np.array([[1500, 0], [7, 65535]], np.uint16)
    big = message(millimetres.byteswap(), '16UC1', is_bigendian=True)
    np.testing.assert_array_equal(to_depth(big, '/d').values, millimetres)
    padded = np.zeros((2, 5), np.uint16)
    padded[:, :2] = millimetres
    cut = message(padded, 'mono16', width=2)
    np.testing.assert_array_equal(to_depth(cut, '/d').values, millimetres)


def test_sixteen_bits_are_millimetres_in_both_languages():
    """C++ has the unit, and what is no measurement; Python takes them from there."""
    assert (_renderer.MILLIMETRE_M, _renderer.MISSING_MM) == (0.001, 65535)
    stored = DepthImage(np.array([[1500, 0], [8, 65535]], np.uint16))
    np.testing.assert_allclose(stored.divided(2.0).values, [[0.75, 0], [0.004, 0]], rtol=1e-6)
    flat = np.full((2, 2), 1500, np.uint16)
    middle = np.array([[0.5, 0.5]])
    assert DepthImage(flat).at(middle) == pytest.approx(1.5)
    flat[0, 0] = 65535
    assert DepthImage(flat).at(middle) == pytest.approx(1.5)  # one of four may be missing
    flat[1, 1] = 65535
    assert np.isnan(DepthImage(flat).at(middle)).all()


@pytest.mark.parametrize(('broken', 'line'), [
    ({'encoding': 'bgr8'}, r"depth image on /d has encoding 'bgr8': publish 16UC1"),
    ({'data': b'12'}, r'depth image on /d has 2 bytes in rows of 4 for 2x2 16UC1'),
    ({'width': 0}, r'depth image on /d is empty'),
])
def test_broken_depth_is_one_line(broken, line):
    with pytest.raises(ImageError, match=line):
        to_depth(message(np.zeros((2, 2), np.uint16), '16UC1', **broken), '/d')


def compressed(stored, kind, a=0.0, b=0.0, name='compressedDepth png'):
    png = cv2.imencode('.png', stored)[1].tobytes()
    return SimpleNamespace(format=f'{kind}; {name}', data=struct.pack('<iff', 0, a, b) + png)


def test_compressed_depth_of_the_oldest_plugins_is_read():
    """They name the encoding alone."""
    stored = np.arange(12, dtype=np.uint16).reshape(3, 4)
    message = compressed(stored, '16UC1')
    message.format = '16UC1'
    np.testing.assert_array_equal(compressed_to_depth(message, '/d').values, stored)


def test_compressed_depth_is_read():
    stored = np.array([[1500, 0], [7, 65535]], np.uint16)
    np.testing.assert_array_equal(
        compressed_to_depth(compressed(stored, '16UC1'), '/d').values, stored)
    # as the plugin quantises: stored = a / depth + b
    a, b = 100 * 101.0, 1 - 100 * 101.0 / 10
    metres = np.array([[0.8, 2.5], [1.0, 4.0]])
    quantised = np.round(a / metres + b).astype(np.uint16)
    quantised[1, 1] = 0
    found = compressed_to_depth(compressed(quantised, '32FC1', a, b), '/d').values
    np.testing.assert_allclose(found[0], metres[0], rtol=1e-3)
    assert np.isnan(found[1, 1])


@pytest.mark.parametrize(('wrong', 'line'), [
    (SimpleNamespace(format='bgr8; jpeg compressed bgr8', data=b'x'), 'has format'),
    (compressed(np.zeros((2, 2), np.uint16), '16UC1', name='compressedDepth rvl'), 'is RVL'),
    (SimpleNamespace(format='16UC1; compressedDepth png', data=b'123456789012abc'), 'decoded'),
    (SimpleNamespace(format='16UC1; compressedDepth png', data=b''), 'decoded'),
    (compressed(np.zeros((2, 2), np.uint8), '16UC1'), 'decoded'),
])
def test_broken_compressed_depth_is_one_line(wrong, line):
    with pytest.raises(ImageError, match=line) as error:
        compressed_to_depth(wrong, '/d')
    assert '\n' not in str(error.value)


# --- bags ------------------------------------------------------------------------


def bag(path, image, camera, depths, late=0, clock_s=0):
    """
    Write colour, calibration and depth; depth i comes `late` images after image i.

    :param clock_s: by how much the clock of the depth images is ahead
    """
    from test_bags import Header, Image, Time, info, raw, write

    def depth_message(index, values):
        nanoseconds = index * 100_000_000
        sec = 1_700_000_000 + clock_s + nanoseconds // 10**9
        stamp = Time(sec=sec, nanosec=nanoseconds % 10**9)
        flat = np.ascontiguousarray(values).view(np.uint8).ravel()
        kind = '32FC1' if values.dtype == np.float32 else '16UC1'
        return Image(Header(stamp=stamp, frame_id='camera'), values.shape[0], values.shape[1],
                     kind, 0, values.strides[0], flat)

    height, width = image.shape[:2]
    messages = [('/camera/color/camera_info', info(camera.fx, width, height))]
    for index in range(len(depths) + late):
        if index < len(depths):
            messages.append(('/camera/color/image_raw', raw(image, index)))
        if 0 <= index - late < len(depths) and depths[index - late] is not None:
            messages.append(
                ('/camera/depth/image_raw', depth_message(index - late, depths[index - late])))
    return write(path, messages)


def rows_of(path):
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


@pytest.mark.ros
@pytest.mark.parametrize('late', [0, 1, 3])
def test_a_bag_with_depth_has_true_distances(
    tmp_path, image, camera, depth, without, late, capsys
):
    file = bag(tmp_path / 'bag', image, camera, [depth] * 8, late)
    table = tmp_path / 'faces.csv'
    assert main(['video', str(file), '--topic', '/camera/color/image_raw', '--depth-topic',
                 '/camera/depth/image_raw', '--csv', str(table)]) == 0
    rows = rows_of(table)
    said = capsys.readouterr()
    assert f'{len(rows)} of {len(rows)} by depth' in said.out
    assert said.err == ''
    assert len(rows) >= 5
    for row in rows:
        assert row['distance_source'] == 'depth'
        assert float(row['t_z']) == pytest.approx(CHILD * without.pose.translation_m[2], rel=0.01)
        assert float(row['head_scale']) == pytest.approx(CHILD * without.head_scale, rel=0.02)


@pytest.mark.ros
def test_a_bag_whose_depth_is_not_registered_says_so_and_goes_on(
    tmp_path, image, camera, depth, capsys
):
    file = bag(tmp_path / 'bag', image, camera, [np.ascontiguousarray(depth[::2, ::2])] * 4)
    table = tmp_path / 'faces.csv'
    assert main(['video', str(file), '--topic', '/camera/color/image_raw', '--depth-topic',
                 '/camera/depth/image_raw', '--csv', str(table)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f'face-recon: {file}: depth of 4 images is left out: depth is 170x160, the image 340x320: '
        'not registered to it; let the driver align depth to colour (RealSense: '
        'align_depth.enable:=true)')
    assert {row['distance_source'] for row in rows_of(table)} == {'assumed'}


@pytest.mark.ros
@pytest.mark.parametrize(('change', 'clock_s', 'line'), [
    (lambda depth: depth, 7, '8 of 8 images have no depth on /camera/depth/image_raw within '
     '0.05 s (the nearest is 6.300 s off): record both with stamps of one clock'),
    (np.zeros_like, 0, 'depth is hardly used: 0 % of the face has a measured depth; faces are '
     'found without it'),
    (lambda depth: 1000 * depth, 0, 'depth is hardly used: depth is a thousand times too large: '
     'are its float32 numbers millimetres?; faces are found without it'),
])
def test_a_bag_whose_depth_is_of_no_use_says_why_in_one_line(
    tmp_path, image, camera, depth, change, clock_s, line, capsys
):
    file = bag(tmp_path / 'bag', image, camera, [change(depth)] * 8, clock_s=clock_s)
    table = tmp_path / 'faces.csv'
    assert main(['video', str(file), '--topic', '/camera/color/image_raw', '--depth-topic',
                 '/camera/depth/image_raw', '--csv', str(table)]) == 0
    assert capsys.readouterr().err == f'face-recon: {file}: {line}\n'
    assert {row['distance_source'] for row in rows_of(table)} == {'assumed'}


def test_depth_of_a_bag_is_the_nearest_in_time():
    depth = BagDepth('/d')
    assert depth.nearest(0.0) is None
    for index in range(40):
        depth.add(0.1 * index, index)
    assert not depth.reaches(3.95)
    assert depth.reaches(3.85)
    # of the newest 32
    assert [depth.nearest(t) for t in (0.7, 0.83, 0.87, 0.851, 3.9, 3.96)] == [
        None, 8, 9, 9, 39, None]
    assert (depth.images, depth.had_none, depth.broken) == (7, 3, 0)
    # more than a fifth of the images have theirs
    assert depth.faults() == []


def test_depth_that_is_of_no_use_is_a_line_of_its_own():
    depth = BagDepth('/d')
    pixels = np.zeros((2, 3, 3), np.uint8)
    assert depth.nearest(0.0) is None
    assert depth.faults() == [
        '1 of 1 images have no depth on /d within 0.05 s: record both with stamps of one clock']
    depth.add(0.0, None)
    for _ in range(5):
        depth.nearest(0.0)
    good = message(np.full((2, 3), 900, np.uint16), '16UC1')
    np.testing.assert_array_equal(depth.decoded(good, pixels).values, np.full((2, 3), 900))
    assert depth.faults() == []
    assert depth.decoded(message(np.zeros((2, 3), np.uint8), 'mono8'), pixels) is None
    assert depth.faults() == [
        "depth of 1 image is left out: depth image on /d has encoding 'mono8': publish 16UC1 "
        '(millimetres) or 32FC1 (metres)']
    assert depth.decoded(SimpleNamespace(format='jpeg', data=b''), pixels) is None
    (line,) = depth.faults()
    assert line.startswith("depth of 2 images is left out: depth image on /d has encoding 'mono8'")


@pytest.mark.ros
def test_a_depth_topic_that_is_not_there_names_those_that_are(
    tmp_path, image, camera, depth, capsys
):
    file = bag(tmp_path / 'bag', image, camera, [depth] * 2)
    assert main(['video', str(file), '--topic', '/camera/color/image_raw', '--depth-topic',
                 '/nothing']) == 1
    assert 'choose --depth-topic among /camera/color/image_raw, /camera/depth/image_raw' in (
        capsys.readouterr().err)


def test_a_video_has_no_depth_topic(tmp_path, capsys):
    path = tmp_path / 'clip.mp4'
    path.write_bytes(b'')
    assert main(['video', str(path), '--depth-topic', '/d']) == 1
    assert 'no bag, so it has no topics; leave out --depth-topic' in capsys.readouterr().err
