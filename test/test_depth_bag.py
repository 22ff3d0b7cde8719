# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording of a depth camera through the node and the command line; outputs and the sensor."""

import csv
import struct
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from face_recon_ros.msg import Face, FaceArray
from node_process import DEADLINE_S, Peer, image_profile, running  # noqa: F401
from rclpy.serialization import deserialize_message
from rosbags.rosbag2 import Reader, StoragePlugin
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from test_bags import DEEP, FIRST_S, compressed, header, info, raw, write
from test_bags import CompressedImage as BagCompressed
from test_bags import Image as BagImage

from face_recon_ros.cli import main
from face_recon_ros.tools.depth_sensors import SENSORS
from face_recon_ros.tools.sample_motion import portrait_camera
from face_recon_ros.tools.sources import HeadSource

pytestmark = pytest.mark.ros

WIDTH, HEIGHT, COUNT, STEP_S = 640, 480, 14, 0.1
COLOR, INFO, DEPTH = '/camera/color/image_raw', '/camera/color/camera_info', '/camera/depth'
CAMERA = portrait_camera(WIDTH, HEIGHT)
# noise of the sensor at 1 m, metres, as depth_sensors.py has it
NOISE_M = 0.004


def raw_depth(values, index):
    data = np.ascontiguousarray(values).view(np.uint8).ravel()
    return BagImage(header(index), HEIGHT, WIDTH, '16UC1', 0, 2 * WIDTH, data)


def compressed_depth(values, index):
    """As image_transport's plugin compressedDepth makes it."""
    png = cv2.imencode('.png', values)[1].tobytes()
    data = np.frombuffer(struct.pack('<iff', 0, 0.0, 0.0) + png, np.uint8)
    return BagCompressed(header(index), '16UC1; compressedDepth png', data)


@dataclass(frozen=True)
class Recorded:
    """How a bag holds images: its storage, endings of topics, messages, the node's parameters."""

    storage: StoragePlugin
    color_ending: str
    depth_ending: str
    color: object
    depth: object
    kind: type
    parameters: tuple = ()


RAW = Recorded(StoragePlugin.MCAP, '', '', raw, raw_depth, Image)
COMPRESSED = Recorded(
    StoragePlugin.SQLITE3, '/compressed', '/compressedDepth', compressed, compressed_depth,
    CompressedImage, ('-p', 'image_transport:=compressed',
                      '-p', 'depth_transport:=compressedDepth'))


@pytest.fixture(scope='module', params=[RAW, COMPRESSED], ids=['raw', 'compressed'])
def recorded(request):
    return request.param


@pytest.fixture(scope='module')
def sensed():
    source = HeadSource(WIDTH, HEIGHT)
    return [source.depth(FIRST_S + STEP_S * index, SENSORS['stereo']) for index in range(COUNT)]


@pytest.fixture(scope='module')
def recording(tmp_path_factory, sensed, recorded):
    """A bag written by rosbags: calibration, then depth and colour of each stamp."""
    source = HeadSource(WIDTH, HEIGHT)
    messages = [(INFO, info(CAMERA.fx, WIDTH, HEIGHT))]
    for index, depth in enumerate(sensed):
        messages.append((DEPTH + recorded.depth_ending, recorded.depth(depth, index)))
        picture = source.read(FIRST_S + STEP_S * index)
        messages.append((COLOR + recorded.color_ending, recorded.color(picture, index)))
    return write(tmp_path_factory.mktemp('rgbd') / 'bag', messages, recorded.storage)


@pytest.fixture(scope='module')
def played(recording, recorded):
    """Play it to the node, each image answered before the next; return what comes."""
    peer = Peer('/rgbd')

    def publisher(topic):
        return peer.node.create_publisher(recorded.kind, topic, DEEP)

    color = COLOR + recorded.color_ending
    publishers = {
        INFO: peer.infos, color: publisher('image' + recorded.color_ending),
        DEPTH + recorded.depth_ending: publisher('depth_image' + recorded.depth_ending),
    }
    faces = peer.collect(FaceArray, 'face_recon/faces', DEEP)
    others = [
        peer.collect(kind, f'face_recon/{name}', DEEP)
        for kind, name in ((Image, 'depth_image'), (PointCloud2, 'points'))
    ]
    try:
        with running('-r', '__ns:=/rgbd', *recorded.parameters) as node:
            node.wait_line('looking for faces')
            for each in publishers.values():
                peer.wait(each.get_subscription_count, 'the node')
            peer.ping()
            with Reader(recording.parent) as bag:
                for connection, _, data in bag.messages():
                    topic = connection.topic
                    kind = CameraInfo if topic == INFO else recorded.kind
                    publishers[topic].publish(deserialize_message(bytes(data), kind))
                    if topic != color:
                        peer.taken(publishers[topic])
                        continue
                    # pictures are of the newest image only: all are waited for
                    count = len(faces.collected) + 1
                    peer.wait(lambda n=count: len(faces.collected) >= n, 'faces', DEADLINE_S)
                    peer.wait(
                        lambda: all(
                            o.collected and stamp(o.collected[-1]) == stamp(faces.collected[-1])
                            for o in others
                        ),
                        'pictures', DEADLINE_S)
            assert node.end() == 0
            # on a busy machine the bag is played slower than the patience with depth
            assert [c for c in node.complaints() if 'depth stopped' not in c] == []
    finally:
        peer.close()
    return faces.collected, *(other.collected for other in others)


def stamp(message):
    return round(message.header.stamp.sec - FIRST_S + 1e-9 * message.header.stamp.nanosec, 6)


def test_the_node_and_the_command_line_find_the_same(
    recording, recorded, played, tmp_path, capsys
):
    table = tmp_path / 'faces.csv'
    assert main(['video', str(recording), '--topic', COLOR + recorded.color_ending,
                 '--depth-topic', DEPTH + recorded.depth_ending, '--csv', str(table)]) == 0
    assert capsys.readouterr().err == ''
    with table.open(newline='') as file:
        rows = {round(float(r['time_s']) - FIRST_S, 3): r for r in csv.DictReader(file)}
    found = {round(stamp(a), 3): a.faces[0] for a in played[0] if a.faces}
    assert len(rows) >= COUNT - 4
    assert sorted(found) == sorted(rows)
    # the same numbers, as far as the table's digits go
    for time_s, face in found.items():
        row, pose = rows[time_s], face.pose.pose
        assert face.distance_source == Face.DEPTH
        assert row['distance_source'] == 'depth'
        place = np.array([float(row[f't_{axis}']) for axis in 'xyz'])
        p, q = pose.position, pose.orientation
        np.testing.assert_allclose([p.x, p.y, p.z], place, atol=6e-6)
        written = np.array([float(row[f'q_{axis}']) for axis in 'xyzw'])
        sent = np.array([q.x, q.y, q.z, q.w])
        np.testing.assert_allclose(sent * np.sign(sent @ written), written, atol=6e-8)
        assert face.head_scale == pytest.approx(float(row['head_scale']), abs=6e-5)


def test_the_depth_image_agrees_with_the_sensor(played, sensed):
    depths = {round(stamp(m), 3): m for m in played[1]}
    differences = []
    for index, values in enumerate(sensed):
        message = depths[round(STEP_S * index, 3)]
        ours = np.frombuffer(bytes(message.data), np.float32).reshape(HEIGHT, WIDTH)
        theirs = 0.001 * values
        both = np.isfinite(ours) & (theirs > 0) & (theirs < 1.5)
        if index >= 8:
            assert both.sum() > 3000
            differences.append((ours - theirs)[both])
    assert_agree(np.concatenate(differences))


def test_points_agree_with_the_sensor(played, sensed):
    differences = []
    for message in played[2][8:]:
        values = sensed[round(stamp(message) / STEP_S)]
        at = np.frombuffer(bytes(message.data), np.uint8).reshape(-1, message.point_step)
        x, y, z = at[:, :12].copy().view(np.float32).astype(np.float64).T
        assert len(z) > 1000
        u = np.round(CAMERA.fx * x / z + CAMERA.cx).astype(int)
        v = np.round(CAMERA.fy * y / z + CAMERA.cy).astype(int)
        inside = (u >= 0) & (v >= 0) & (u < WIDTH) & (v < HEIGHT)
        theirs = 0.001 * values[v[inside], u[inside]]
        valid = (theirs > 0) & (theirs < 1.5)
        # what is seen: the back of the mesh lies behind what the sensor sees
        near = z[inside] - theirs < 0.02
        differences.append((z[inside] - theirs)[valid & near])
    assert_agree(np.concatenate(differences))


def assert_agree(differences):
    """The surface lies in the middle of the measurements, and they scatter by their noise."""
    assert abs(np.median(differences)) < 0.003
    spread = 1.4826 * np.median(np.abs(differences - np.median(differences)))
    assert spread < 1.5 * NOISE_M
