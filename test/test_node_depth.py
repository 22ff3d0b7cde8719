# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node with a depth camera, over DDS."""
from copy import deepcopy

import cv2
import numpy as np
import pytest
from depth_scene import depth_of
from diagnostic_msgs.msg import DiagnosticArray
from face_recon_ros.msg import Face, FaceArray
from node_process import (
    CAMERA,
    RELIABLE,
    Peer,
    image_profile,  # noqa: F401
    running,
    start_refused,
    statuses,
    values,
)
from sensor_msgs.msg import Image

from face_recon_ros.io.image_files import read_image
from face_recon_ros.nodes.images import to_image
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.tools.sources import PortraitSource

CHILD = 0.85


@pytest.fixture(scope='module')
def image():
    return PortraitSource(640, 480).read(0.0)


@pytest.fixture(scope='module')
def seen(image):
    """The face of the colour image, and the depth that a head of 0.85 of its size has."""
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    (face,) = pipeline.detect(image, CAMERA)
    millimetres = 1000 * depth_of(pipeline.model, face, CAMERA, CHILD)
    return face, np.round(millimetres).astype(np.uint16)


def depth_message(depth, header):
    height, width = depth.shape
    message = Image(header=header, height=height, width=width, encoding='16UC1', step=2 * width)
    message.data.frombytes(depth.tobytes())
    return message


def show(peer, image, depth, arrived, is_heard=True, change=None):
    """
    Show images, each after its depth and answered before the next, until something is so.

    :param is_heard: the node listens to depth; change: what is done to each of its messages.
    """
    depths = peer.node.create_publisher(Image, 'depth_image', RELIABLE)
    faces = peer.collect(FaceArray, 'face_recon/faces')

    def make(header):
        if depth is not None:
            message = depth_message(depth, header)
            if change is not None:
                change(message)
            depths.publish(message)
            if is_heard:
                peer.taken(depths)
        return to_image(image, 'bgr8', header)

    peer.answer(make, faces.collected, first=True)
    while not arrived():
        peer.answer(make, faces.collected)
    peer.drop(faces)
    peer.node.destroy_publisher(depths)


@pytest.fixture
def peer():
    peer = Peer('/depth')
    yield peer
    peer.close()


def test_depth_makes_distances_true_and_sizes_stay_without_it(peer, image, seen):
    face, depth = seen
    with running('-r', '__ns:=/depth') as node:
        node.wait_line('looking for faces')
        faces = peer.collect(FaceArray, 'face_recon/faces')
        diagnostics = peer.collect(DiagnosticArray, '/diagnostics')

        def of(source):
            return [f for a in faces.collected for f in a.faces if f.distance_source == source]

        show(peer, image, None, lambda: of(Face.ASSUMED))
        far = of(Face.ASSUMED)[-1]
        assert far.pose.pose.position.z == pytest.approx(face.pose.translation_m[2], rel=0.03)

        def said(text):
            return diagnostics.collected and statuses(diagnostics)['depth'].message == text

        show(peer, image, None, lambda: said('no depth on /depth/depth_image'))

        def with_depth():
            return (
                len(of(Face.DEPTH)) > 10
                and said('depth arrives on /depth/depth_image')
                and 'faces with depth' in values(statuses(diagnostics)['depth'])
            )

        show(peer, image, depth, with_depth)
        near = of(Face.DEPTH)[-1]
        assert near.pose.pose.position.z == pytest.approx(
            CHILD * face.pose.translation_m[2], rel=0.02)
        assert near.head_scale == pytest.approx(CHILD * face.head_scale, rel=0.03)
        assert near.pose.covariance[14] < 0.1 * far.pose.covariance[14]

        del faces.collected[:]
        show(peer, image, None, lambda: len(of(Face.DEPTH)) > 20)
        kept = of(Face.DEPTH)[-1]
        assert kept.pose.pose.position.z == pytest.approx(near.pose.pose.position.z, rel=0.03)
        assert node.end() == 0
        # that depth has stopped is said after a while
        assert [c for c in node.complaints() if 'depth stopped: nothing on' not in c] == []


def test_depth_that_is_not_registered_is_one_line_with_the_remedy(peer, image, seen):
    _, depth = seen
    with running('-r', '__ns:=/depth') as node:
        node.wait_line('looking for faces')
        faces = peer.collect(FaceArray, 'face_recon/faces')
        small = np.ascontiguousarray(depth[::2, ::2])
        show(peer, image, small,
             lambda: node.count('not registered') and len(faces.collected) > 10)
        line = node.wait_line('not registered to it')
        assert 'depth is 320x240, the image 640x480' in line
        assert 'align_depth.enable:=true' in line
        assert all(f.distance_source == Face.ASSUMED for a in faces.collected for f in a.faces)
        assert node.end() == 0
        assert len(node.complaints()) == 1


def coloured(message):
    message.encoding = 'bgr8'


def truncated(message):
    del message.data[1000:]


def short_rows(message):
    message.step = 640


def empty(message):
    message.width = message.height = 0


def in_metres(message):
    """Whole metres, where millimetres are wanted."""
    values = np.frombuffer(bytes(message.data), np.uint16)
    del message.data[:]
    message.data.frombytes(np.ceil(values / 1000).astype(np.uint16).tobytes())


def in_millimetres(message):
    """Millimetres, where metres are wanted."""
    values = np.frombuffer(bytes(message.data), np.uint16)
    message.encoding, message.step = '32FC1', 4 * message.width
    del message.data[:]
    message.data.frombytes(values.astype(np.float32).tobytes())


def by_another_clock(message):
    message.header = deepcopy(message.header)
    message.header.stamp.sec += 5


@pytest.mark.parametrize(('change', 'line'), [
    (in_metres, 'depth is a thousand times too small: are its uint16 numbers metres?'),
    (in_millimetres, 'depth is a thousand times too large: are its float32 numbers millimetres?'),
    (by_another_clock, 's apart: synchronise them, or raise depth_tolerance'),
    (coloured, "has encoding 'bgr8': publish 16UC1 (millimetres) or 32FC1 (metres)"),
    (truncated, 'has 1000 bytes in rows of 1280 for 640x480 16UC1: fix step or data'),
    (short_rows, 'has 614400 bytes in rows of 640 for 640x480 16UC1: fix step or data'),
    (empty, 'is empty: check the camera driver'),
])
def test_broken_depth_is_one_line_and_the_node_lives_on(peer, image, seen, change, line):
    _, depth = seen
    with running('-r', '__ns:=/depth') as node:
        node.wait_line('looking for faces')
        faces = peer.collect(FaceArray, 'face_recon/faces')

        def sources():
            return {f.distance_source for a in faces.collected for f in a.faces}

        show(peer, image, depth, lambda: node.count(line) and len(faces.collected) > 10,
             change=change)
        assert sources() == {Face.ASSUMED}
        # what comes well again is used
        show(peer, image, depth, lambda: Face.DEPTH in sources())
        assert node.end() == 0
        assert len(node.complaints()) == 1


def test_depth_of_another_frame_is_used_and_told(peer, image, seen):
    """Whether it is registered the frame does not decide: each face's depth is looked at."""
    def named(message):
        message.header = deepcopy(message.header)
        message.header.frame_id = 'depth_optical_frame'

    with running('-r', '__ns:=/depth') as node:
        node.wait_line('looking for faces')
        faces = peer.collect(FaceArray, 'face_recon/faces')
        show(peer, image, seen[1], change=named, arrived=lambda: node.count(
            "depth is of the frame 'depth_optical_frame', the image of "
            "'head_camera_optical_frame': is it registered") and any(
            f.distance_source == Face.DEPTH for a in faces.collected for f in a.faces))
        assert node.end() == 0
        assert len(node.complaints()) == 1


def test_depth_in_the_other_byte_order_is_read(peer, image, seen):
    _, depth = seen

    def big_endian(message):
        del message.data[:]
        message.data.frombytes(depth.byteswap().tobytes())
        message.is_bigendian = 1

    with running('-r', '__ns:=/depth') as node:
        node.wait_line('looking for faces')
        faces = peer.collect(FaceArray, 'face_recon/faces')
        show(peer, image, depth, change=big_endian, arrived=lambda: any(
            f.distance_source == Face.DEPTH for a in faces.collected for f in a.faces))
        assert node.end() == 0
        assert node.complaints() == []


def test_depth_can_be_refused_and_wanted(peer, image, seen):
    _, depth = seen
    with running('-r', '__ns:=/depth', '-p', 'use_depth:=never') as node:
        node.wait_line('looking for faces')
        faces = peer.collect(FaceArray, 'face_recon/faces')
        show(peer, image, depth, lambda: len([a for a in faces.collected if a.faces]) > 5,
             is_heard=False)
        assert all(f.distance_source == Face.ASSUMED for a in faces.collected for f in a.faces)
        assert node.end() == 0
        assert node.complaints() == []
    with running('-r', '__ns:=/depth', '-p', 'use_depth:=always') as node:
        node.wait_line('looking for faces')
        line = node.wait_line('no depth on /depth/depth_image')
        assert 'start the camera with registered depth' in line
        assert node.end() == 0


@pytest.mark.parametrize(('use_eyes', 'source', 'other'), [
    ('always', Face.IRIS, Face.DEPTH), ('never', Face.ASSUMED, Face.IRIS)])  # fmt: skip
def test_without_depth_large_irises_tell_the_distance(peer, use_eyes, source, other):
    portrait = read_image(share_directory() / 'samples' / 'astronaut.png')
    near = cv2.resize(portrait[62:174, 149:299], (640, 480), interpolation=cv2.INTER_CUBIC)
    pipeline = Pipeline(PipelineConfig(use_eyes=use_eyes))
    expected = [pipeline.track(near, index / 30, CAMERA) for index in range(12)][-1][0]
    assert expected.distance_source == source
    with running('-r', '__ns:=/depth', '-p', f'use_eyes:={use_eyes}') as node:
        node.wait_line('looking for faces')
        faces = peer.collect(FaceArray, 'face_recon/faces')

        def found(source):
            return [f for a in faces.collected for f in a.faces if f.distance_source == source]

        show(peer, near, None, lambda: len(found(source)) > 10)
        face = found(source)[-1]
        assert face.pose.pose.position.z == pytest.approx(
            expected.pose.translation_m[2], rel=0.02)
        assert face.head_scale == pytest.approx(expected.head_scale, rel=0.02)
        assert not found(other)
        assert node.end() == 0
        assert node.complaints() == []


def test_a_use_of_depth_that_is_none_is_refused():
    assert 'auto, always, never' in start_refused('use_depth:=sometimes')
