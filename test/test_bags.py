# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bags: images out of MCAP and SQLite files, on the command line and through the node."""

import csv
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from face_recon_ros.msg import FaceArray
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from mcap_ros2.writer import Writer as McapWriter
from node_process import (
    DEADLINE_S,
    Peer,
    image_profile,  # noqa: F401
    process,
    running,
)
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from face_recon_ros.cli import main
from face_recon_ros.errors import ImageError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.io.bags import BagVideo, is_bag
from face_recon_ros.nodes.images import to_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import rotation_from_quaternion
from face_recon_ros.tools.sample_camera_node import camera_info
from face_recon_ros.tools.sample_motion import portrait_camera
from face_recon_ros.tools.sources import PortraitSource

REPOSITORY = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 320, 240
TYPES = get_typestore(Stores.ROS2_KILTED)
Time, Header, Image, CompressedImage, CameraInfo, Region = (
    TYPES.types[name]
    for name in (
        'builtin_interfaces/msg/Time',
        'std_msgs/msg/Header',
        'sensor_msgs/msg/Image',
        'sensor_msgs/msg/CompressedImage',
        'sensor_msgs/msg/CameraInfo',
        'sensor_msgs/msg/RegionOfInterest',
    )
)
FIRST_S = 1_700_000_000
STEP_NS = 100_000_000


def header(index):
    nanoseconds = index * STEP_NS
    stamp = Time(sec=FIRST_S + nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
    return Header(stamp=stamp, frame_id='camera')


def raw(picture, index, encoding='bgr8'):
    height, width, channels = picture.shape
    data = np.ascontiguousarray(picture).ravel()
    return Image(header(index), height, width, encoding, 0, width * channels, data)


def compressed(picture, index, cut=None):
    data = cv2.imencode('.png', picture)[1].ravel()[:cut]
    return CompressedImage(header(index), 'bgr8; png compressed bgr8', data)


def info(focal_px, width=WIDTH, height=HEIGHT):
    k = np.array([focal_px, 0, (width - 1) / 2, 0, focal_px, (height - 1) / 2, 0, 0, 1])
    whole = Region(0, 0, 0, 0, do_rectify=False)
    p = np.column_stack([k.reshape(3, 3), np.zeros(3)]).ravel()
    return CameraInfo(
        header(0), height, width, 'plumb_bob', np.zeros(5), k, np.eye(3).ravel(), p, 0, 0, whole
    )


def write(path, messages, storage=StoragePlugin.MCAP):
    """Write a bag of (topic, message) in order; return the file with the messages."""
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connections = {}
        for index, (topic, message) in enumerate(messages):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=TYPES)
            data = TYPES.serialize_cdr(message, kind)
            writer.write(connections[topic], (FIRST_S + 5) * 10**9 + index, data)
    (file,) = (f for f in path.iterdir() if f.suffix in ('.mcap', '.db3'))
    return file


@pytest.fixture(scope='module')
def views():
    """Return pictures of a head that moves a little."""
    source = PortraitSource(WIDTH, HEIGHT)
    return [source.read(0.1 * index) for index in range(6)]


# --- reading ---------------------------------------------------------------------


@pytest.mark.parametrize(('change', 'reason'), [
    ('UPDATE topics SET name = CAST(name AS BLOB)', 'names of its topics are no text'),
    ('UPDATE topics SET name = NULL', 'names of its topics are no text'),
    ("UPDATE topics SET name = '/a' || char(10) || 'b'", 'names of its topics are no text'),
    ("UPDATE messages SET timestamp = CAST('x' AS BLOB)", ''),
    ("UPDATE messages SET timestamp = 'soon'", ''),
])
def test_columns_of_another_type_are_refused_in_one_line(tmp_path, views, change, reason):
    """SQLite stores any type in any column."""
    file = write(tmp_path / 'bag', [('/cam', raw(views[0], 0))], StoragePlugin.SQLITE3)
    with sqlite3.connect(file) as database:
        database.execute('CREATE TABLE old_topics AS SELECT * FROM topics')
        database.execute('CREATE TABLE old_messages AS SELECT * FROM messages')
        for name in ('topics', 'messages'):  # without the constraints of the first
            database.execute(f'DROP TABLE {name}')
            database.execute(f'ALTER TABLE old_{name} RENAME TO {name}')
        assert database.execute(change).rowcount == 1
    database.close()
    alone = file.rename(tmp_path / file.name)  # without metadata.yaml, which repeats it

    def read():
        with BagVideo.open(alone) as bag:
            return list(bag)

    with pytest.raises(ImageError, match=f'no bag, or broken.*{reason}') as refused:
        read()
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize('storage', list(StoragePlugin))
def test_images_come_with_stamp_and_calibration_of_the_bag(tmp_path, views, storage):
    messages = [('/cam/image_raw', raw(v, i)) for i, v in enumerate(views)]
    messages.insert(1, ('/cam/camera_info', info(300.0)))
    messages.insert(4, ('/cam/camera_info', info(400.0)))
    file = write(tmp_path / 'bag', messages, storage)
    for path in (file, file.parent):
        assert is_bag(path)
        with BagVideo.open(path) as bag:
            assert (bag.topic, bag.frame_count) == ('/cam/image_raw', len(views))
            found = list(bag)
        for index, (image, view) in enumerate(zip(found, views, strict=True)):
            np.testing.assert_array_equal(image.pixels, view)
            assert image.stamp_s == pytest.approx(FIRST_S + 0.1 * index, abs=1e-6)
            assert image.frame_id == 'camera'
        # the first calibration counts from the beginning, a new one from when it comes
        assert [i.camera.fx for i in found] == [300, 300, 300, 400, 400, 400]
        assert bag.broken == []
        assert bag.calibration_fault == ''


def test_compressed_images_and_other_encodings(tmp_path, views):
    file = write(tmp_path / 'png', [('/image/compressed', compressed(views[0], 0))])
    with BagVideo.open(file) as bag:
        (image,) = bag
    np.testing.assert_array_equal(image.pixels, views[0])
    assert image.camera is None

    file = write(tmp_path / 'rgb', [('/image', raw(views[0][..., ::-1], 0, 'rgb8'))])
    with BagVideo.open(file) as bag:
        (image,) = bag
    np.testing.assert_array_equal(image.pixels, views[0])
    assert image.pixels.flags.writeable


@pytest.mark.parametrize(
    'mode', [CompressionMode.FILE, CompressionMode.MESSAGE, CompressionMode.STORAGE]
)
def test_compressed_bags(tmp_path, views, mode):
    path = tmp_path / 'bag'
    writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        to = writer.add_connection('/image', Image.__msgtype__, typestore=TYPES)
        writer.write(to, FIRST_S * 10**9, TYPES.serialize_cdr(raw(views[0], 0), to.msgtype))
    assert is_bag(path)
    with BagVideo.open(path) as bag:
        (image,) = bag
    np.testing.assert_array_equal(image.pixels, views[0])


def test_bags_of_other_writers(tmp_path, views):
    file = tmp_path / 'other.mcap'
    message = {
        'header': {'stamp': {'sec': FIRST_S, 'nanosec': 500_000_000}, 'frame_id': 'camera'},
        'height': HEIGHT,
        'width': WIDTH,
        'encoding': 'bgr8',
        'is_bigendian': 0,
        'step': 3 * WIDTH,
        'data': views[0].tobytes(),
    }
    definition, _ = TYPES.generate_msgdef(Image.__msgtype__, ros_version=2)
    with file.open('wb') as stream, McapWriter(stream) as writer:
        schema = writer.register_msgdef(Image.__msgtype__, definition)
        writer.write_message('/camera/image_raw', schema, message, log_time=FIRST_S * 10**9)
    with BagVideo.open(file) as bag:
        (image,) = bag
    np.testing.assert_array_equal(image.pixels, views[0])
    assert image.stamp_s == FIRST_S + 0.5


def test_a_folder_without_a_bag_is_none(tmp_path):
    assert not is_bag(tmp_path)


def test_images_without_a_stamp_take_that_of_the_recording(tmp_path, views):
    message = raw(views[0], 0)
    message.header.stamp = Time(sec=0, nanosec=0)
    with BagVideo.open(write(tmp_path / 'bag', [('/image', message)])) as bag:
        (image,) = bag
    assert image.stamp_s == pytest.approx(FIRST_S + 5)


def test_rate_is_that_of_the_recording(tmp_path, views):
    path = tmp_path / 'bag'
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        to = writer.add_connection('/image', Image.__msgtype__, typestore=TYPES)
        for index, view in enumerate(views):
            data = TYPES.serialize_cdr(raw(view, index), Image.__msgtype__)
            writer.write(to, FIRST_S * 10**9 + index * STEP_NS, data)
    with BagVideo.open(path) as bag:
        assert bag.frames_per_second == pytest.approx(10.0, rel=1e-3)


def test_calibration_is_looked_for_beside_the_images(tmp_path, views):
    messages = [
        ('/left/camera_info', info(300.0)),
        ('/right/camera_info', info(400.0)),
        ('/left/image_raw', raw(views[0], 0)),
        ('/right/image_raw/compressed', compressed(views[0], 0)),
    ]
    file = write(tmp_path / 'two', messages)
    for topic, focal_px in (('/left/image_raw', 300), ('/right/image_raw/compressed', 400)):
        with BagVideo.open(file, topic) as bag:
            assert [i.camera.fx for i in bag] == [focal_px]
    elsewhere = [('/driver/info', info(350.0)), ('/image', raw(views[0], 0))]
    with BagVideo.open(write(tmp_path / 'one', elsewhere)) as bag:
        assert [i.camera.fx for i in bag] == [350]
    # depth images are no second camera
    with_depth = [*elsewhere, ('/depth', raw(views[0], 0))]
    with BagVideo.open(write(tmp_path / 'depth', with_depth), '/image', '/depth') as bag:
        assert [i.camera.fx for i in bag] == [350]


def test_a_calibration_that_does_not_fit_is_told(tmp_path, views):
    messages = [('/camera_info', info(300, width=640)), ('/image', raw(views[0], 0))]
    file = write(tmp_path / 'bag', messages)
    with BagVideo.open(file) as bag:
        (image,) = bag
    assert not image.camera.calibrated
    assert '640x240 but images are 320x240' in bag.calibration_fault


# --- what goes wrong -------------------------------------------------------------


def refused(path, topic=None):
    with pytest.raises(ImageError) as error, BagVideo.open(path, topic) as bag:
        list(bag)
    text = str(error.value)
    assert '\n' not in text
    assert text.startswith(str(path))
    return text.removeprefix(f'{path}: ')


def test_topics_are_named_where_they_must_be_chosen(tmp_path, views):
    picture = raw(views[0], 0)
    both = write(tmp_path / 'two', [('/left', picture), ('/right', picture)])
    assert refused(both) == 'has images on /left, /right; choose one with --topic'
    assert refused(both, '/up') == 'has no images on /up; choose --topic among /left, /right'
    none = write(tmp_path / 'none', [('/camera_info', info(300.0))])
    assert refused(none).startswith('has no topic of sensor_msgs/msg/Image or')


def test_files_that_are_no_bags(tmp_path, views):
    missing = tmp_path / 'gone.mcap'
    assert refused(missing) == 'no such file'
    text = tmp_path / 'text.mcap'
    text.write_text('no bag at all')
    assert refused(text).startswith('no bag, or broken (')
    empty = tmp_path / 'empty.mcap'
    empty.touch()
    assert refused(empty).startswith('no bag, or broken (')
    whole = write(tmp_path / 'bag', [('/image', raw(v, i)) for i, v in enumerate(views)])
    (whole.parent / 'metadata.yaml').unlink()
    assert refused(whole.parent) == 'has no metadata.yaml; name a file in it: bag.mcap'
    cut = tmp_path / 'cut.mcap'
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert refused(cut).startswith('no bag, or broken (')


def test_broken_images_are_left_out_and_named(tmp_path, views):
    messages = [('/image/compressed', compressed(v, i)) for i, v in enumerate(views[:3])]
    messages[1] = ('/image/compressed', compressed(views[1], 1, cut=40))
    with BagVideo.open(write(tmp_path / 'bag', messages)) as bag:
        assert [round(i.stamp_s - FIRST_S, 1) for i in bag] == [0.0, 0.2]
    assert len(bag.broken) == 1
    assert '/image/compressed' in bag.broken[0]

    odd = raw(views[0], 0, 'my_own')
    assert "'my_own', which is not supported" in refused(write(tmp_path / 'odd', [('/i', odd)]))


def test_without_rosbags_there_is_a_line_that_says_what_to_install(tmp_path, capsys, monkeypatch):
    file = tmp_path / 'some.mcap'
    file.touch()
    monkeypatch.setitem(sys.modules, 'rosbags.rosbag2', None)
    assert main(['video', str(file)]) == 1
    said = capsys.readouterr()
    assert said.err == (
        f'face-recon: {file}: reading bags needs rosbags: pip install "rosbags>=0.11"\n'
    )
    assert said.out == ''


# --- the command line ------------------------------------------------------------


def faces_of(path, *options):
    table = path.parent / 'faces.csv'
    assert main(['video', str(path), '--csv', str(table), *options]) == 0
    with table.open() as file:
        return list(csv.DictReader(file))


def test_video_of_a_bag_is_what_the_pipeline_finds(tmp_path, views, capsys):
    camera = portrait_camera(WIDTH, HEIGHT)
    messages = [('/camera_info', info(camera.fx))]
    messages += [('/image_raw', raw(v, i)) for i, v in enumerate(views)]
    file = write(tmp_path / 'bag', messages)
    rows = faces_of(file)
    assert f'{len(views)} frames; face f1 in {len(views)}' in capsys.readouterr().out

    pipeline = Pipeline()
    assert len(rows) == len(views)
    for index, (row, view) in enumerate(zip(rows, views, strict=True)):
        (face,) = pipeline.track(view, FIRST_S + 0.1 * index, camera)
        assert (row['file'], row['id']) == (str(index), face.id)
        found = [float(row[name]) for name in ('t_x', 't_y', 't_z')]
        np.testing.assert_allclose(found, face.pose.translation_m, atol=2e-5)

    # what is said on the command line goes before what the bag says
    (z, *_), (nearer, *_) = (
        [float(r['t_z']) for r in faces_of(file, *more)]
        for more in ((), ('--focal-length-px', str(camera.fx / 2)))
    )
    assert nearer == pytest.approx(z / 2, rel=0.1)


def test_video_of_a_bag_as_pictures(tmp_path, views):
    file = write(tmp_path / 'bag', [('/image', raw(v, i)) for i, v in enumerate(views)])
    out = tmp_path / 'out.mp4'
    assert main(['video', str(file), '--mode', 'mesh', '--out', str(out)]) == 0
    capture = cv2.VideoCapture(str(out))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(views)
    capture.release()


def test_command_line_tells_of_bags_in_one_line(tmp_path, views, capsys):
    picture = raw(views[0], 0)
    both = write(tmp_path / 'two', [('/left', picture), ('/right', picture)])
    assert main(['video', str(both)]) == 1
    assert capsys.readouterr().err == (
        f'face-recon: {both}: has images on /left, /right; choose one with --topic\n'
    )
    assert main(['video', str(both), '--topic', '/right']) == 0
    clip = tmp_path / 'clip.mp4'
    clip.touch()
    assert main(['video', str(clip), '--topic', '/right']) == 1
    assert 'leave out --topic' in capsys.readouterr().err

    messages = [('/image/compressed', compressed(v, i)) for i, v in enumerate(views[:2])]
    messages.append(('/image/compressed', compressed(views[2], 2, cut=30)))
    broken = write(tmp_path / 'broken', messages)
    assert main(['video', str(broken)]) == 1
    said = capsys.readouterr()
    assert '2 frames; face f1 in 2' in said.out
    assert said.err.count('\n') == 1
    assert said.err.endswith(': left out\n')


def test_rows_keep_the_number_and_stamp_of_their_message(tmp_path, views, capsys):
    messages = [('/image/compressed', compressed(v, i)) for i, v in enumerate(views)]
    for broken in (1, 3):
        messages[broken] = ('/image/compressed', compressed(views[broken], broken, cut=40))
    file = write(tmp_path / 'bag', messages)
    table = tmp_path / 'faces.csv'
    assert main(['video', str(file), '--csv', str(table)]) == 1
    with table.open() as opened:
        rows = list(csv.DictReader(opened))
    assert [(r['file'], float(r['time_s']) - FIRST_S) for r in rows] == [
        (str(i), pytest.approx(0.1 * i, abs=1e-5)) for i in (0, 2, 4, 5)
    ]
    assert 'image 1: ' in capsys.readouterr().err


def test_images_of_another_size_are_in_the_video_too(tmp_path, views):
    messages = [('/image', raw(v, i)) for i, v in enumerate(views)]
    small = cv2.resize(views[4], (200, 200))
    messages[4] = ('/image', raw(small, 4))
    out = tmp_path / 'out.mp4'
    file = write(tmp_path / 'bag', messages)
    assert main(['video', str(file), '--mode', 'sparse', '--out', str(out)]) == 0
    capture = cv2.VideoCapture(str(out))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(views)
    capture.release()


def test_padded_images_of_a_bag_are_whole(tmp_path, views):
    jpeg = cv2.imencode('.jpg', views[0])[1].ravel()
    padded = np.concatenate([jpeg, np.zeros(4096, np.uint8)])
    message = CompressedImage(header(0), 'jpeg', padded)
    with BagVideo.open(write(tmp_path / 'bag', [('/image/compressed', message)])) as bag:
        assert len(list(bag)) == 1
        assert bag.broken == []


# --- through the node ------------------------------------------------------------

IMAGES_HZ = 10.0
BAG_TOOL = [sys.executable, str(REPOSITORY / 'scripts' / 'bag.py')]
CAMERA_TOPICS = ('/image', '/camera_info')
FACES = '/face_recon/faces'
DEEP = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)
NODE_PARAMETERS = (
    '-p', 'smoothing:=false', '-p', 'diagnostics_period:=0.2', '-p', 'calibration_wait:=60.0',
)  # fmt: skip
PLAYED = (*NODE_PARAMETERS, '-p', 'use_sim_time:=true')


def bag_tool(*arguments):
    command = [*BAG_TOOL, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def recorded(tmp_path_factory, image_profile):  # noqa: F811
    """Return a bag of the demo: images, calibrations, faces and transforms."""
    path = tmp_path_factory.mktemp('recorded') / 'demo'
    command = [*BAG_TOOL, 'record', str(path), *CAMERA_TOPICS, FACES, '/tf']
    source = PortraitSource(WIDTH, HEIGHT)
    camera = source.camera(WIDTH, HEIGHT)
    peer = Peer()
    faces = peer.collect(FaceArray, FACES).collected

    def picture(header):
        peer.clock.forward(1 / IMAGES_HZ - 1 / 30)
        peer.infos.publish(camera_info(camera, header))
        return to_image(source.read(stamp_s(header)), 'bgr8', header)

    try:
        with running(*NODE_PARAMETERS) as node:
            node.wait_line('looking for faces')
            with process(command) as recorder:
                for topic, count in ((FACES, 2), ('/tf', 1)):
                    peer.wait(
                        lambda t=topic, n=count: peer.node.count_subscribers(t) >= n, 'recorder')
                for publisher in (peer.images, peer.infos):
                    peer.wait(lambda p=publisher: p.get_subscription_count() > 1, 'recorder')
                peer.ping()
                for _ in range(20):
                    peer.answer(picture, faces, patience_s=DEADLINE_S, info=False)
                assert recorder.end() == 0, recorder.lines
            assert node.complaints() == []
    finally:
        peer.close()
    (said,) = recorder.lines
    assert ' 0 of' not in said
    return path


@pytest.fixture(scope='module')
def directly(recorded):
    """Return the faces of the images in the bag, by stamp, as the pipeline finds them."""
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    with BagVideo.open(recorded) as bag:
        found = {
            round(image.stamp_s, 5): pipeline.track(image.pixels, image.stamp_s, image.camera)
            for image in bag
        }
    assert len(found) > 10
    return found


def differences(arrays, directly):
    """Return the errors of rotation, degrees, and place, parts of the distance, in each image."""
    errors = []
    for array in arrays:
        expected = directly[stamp_s(array.header)]
        assert len(array.faces) == len(expected)
        for message, face in zip(array.faces, expected, strict=True):
            pose = message.pose.pose
            q, p = pose.orientation, pose.position
            rotation = rotation_from_quaternion(q.x, q.y, q.z, q.w)
            angle = np.linalg.norm(cv2.Rodrigues(rotation.T @ face.pose.rotation)[0])
            moved = np.array([p.x, p.y, p.z]) - face.pose.translation_m
            distance_m = face.pose.translation_m[2]
            errors.append((np.degrees(angle), np.linalg.norm(moved) / distance_m))
    return np.array(errors)


def stamp_s(header):
    return round(header.stamp.sec + 1e-9 * header.stamp.nanosec, 5)


def test_recorded_faces_are_those_of_the_recorded_images(recorded, directly):
    with AnyReader([recorded]) as reader:
        connections = [c for c in reader.connections if c.topic == FACES]
        arrays = [reader.deserialize(m[2], m[0].msgtype) for m in reader.messages(connections)]
    # the recorder may end between an image and its faces
    known = [a for a in arrays if stamp_s(a.header) in directly]
    errors = differences(known, directly)
    assert len(known) > 15
    assert len(errors) > 10
    assert errors[:, 0].max() < 1e-4
    assert errors[:, 1].max() < 1e-6


def test_other_readers_read_the_recording(recorded):
    file = recorded / f'{recorded.name}.mcap'
    with file.open('rb') as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        found = [message for *_, message in reader.iter_decoded_messages(topics=[FACES])]
    face = next(array.faces[0] for array in found if array.faces)
    assert face.id == 'f1'
    assert len(face.landmarks.image) == 68


def test_rosbags_reads_our_messages_by_their_definitions(recorded):
    types = get_typestore(Stores.ROS2_KILTED)
    definitions = {}
    for file in (REPOSITORY / 'msg').glob('*.msg'):
        definitions.update(get_types_from_msg(file.read_text(), f'face_recon_ros/msg/{file.stem}'))
    types.register(definitions)
    with Reader(recorded) as reader:
        (connection,) = (c for c in reader.connections if c.topic == FACES)
        assert types.hash_rihs01(connection.msgtype) == connection.digest
        arrays = [
            types.deserialize_cdr(data, connection.msgtype)
            for _, _, data in reader.messages([connection])
        ]
    face = next(a.faces[0] for a in arrays if a.faces)
    assert face.id == 'f1'
    assert face.landmarks.scheme == face.landmarks.IBUG68
    assert len(face.landmarks.image) == len(face.landmarks.camera) == 68
    assert face.shape.shape == (40,)
    assert face.camera_matrix.shape == (12,)
    # the landmarks are the model's, by the parameters in the same message
    parameters = FaceParameters(
        face.camera_matrix.astype(float).reshape(3, 4),
        face.shape.astype(float),
        face.expression.astype(float),
    )
    in_image = [(p.x, p.y, p.z) for p in face.landmarks.image]
    np.testing.assert_allclose(FaceModel().landmarks_68_px(parameters), in_image, atol=0.05)


def test_bag_played_with_its_clock_gives_the_same_faces(recorded, directly):
    peer = Peer()
    faces = peer.collect(FaceArray, FACES, DEEP)
    diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
    with Reader(recorded) as bag:
        begin_s, end_s = 1e-9 * bag.start_time, 1e-9 * bag.end_time
    try:
        with running(*PLAYED) as node:
            node.wait_line('looking for faces')
            # the node looks at no image before it has heard of this listener
            peer.wait(lambda: diagnostics.collected, 'the node')
            ids = []
            with ThreadPoolExecutor() as pool:
                for play in (1, 2):  # the second time, time goes back
                    before = len(faces.collected)
                    played = pool.submit(
                        bag_tool, 'play', recorded, '--topics', *CAMERA_TOPICS,
                        '--wait', DEADLINE_S, '--answers', FACES, '--patience', 200,
                    )
                    peer.wait(played.done, 'the end of the bag')
                    assert 'messages' in played.result()
                    count = before + len(directly)
                    peer.wait(lambda n=count: len(faces.collected) >= n, 'faces')
                    arrays = faces.collected[before:]
                    ids.append({f.id for array in arrays for f in array.faces})
                    assert [stamp_s(array.header) for array in arrays] == list(directly)
                    errors = differences(arrays, directly)
                    assert errors[:, 0].max() < 1e-4, f'play {play}'
                    assert errors[:, 1].max() < 1e-6
            first, second = ids
            assert 'f1' in first
            assert not first & second  # forgotten when time went back
            assert all('went back' in line for line in node.complaints())
            stamps = [m.header.stamp for m in diagnostics.collected]
    finally:
        peer.close()
    # before the first /clock the time is 0
    times = [s.sec + 1e-9 * s.nanosec for s in stamps if s.sec]
    assert times
    assert min(times) > begin_s - 1
    assert max(times) < end_s + 1
