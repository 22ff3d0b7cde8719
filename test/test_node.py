# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node in its own process, over DDS: what it publishes, what it says, how it ends."""

import shutil
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from face_recon_ros.msg import FaceArray, FaceLandmarks
from geometry_msgs.msg import PoseArray
from node_process import (
    CAMERA,
    DEADLINE_S,
    FRAME,
    HEIGHT,
    NODE,
    RELIABLE,
    WIDTH,
    Peer,
    image_profile,  # noqa: F401
    process,
    refused,
    running,
    stamp_of,
    start_refused,
    statuses,
)
from rclpy.qos import qos_profile_sensor_data
from scipy.spatial import cKDTree
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

import face_recon_ros.nodes.node
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.process import start_ros
from face_recon_ros.paths import model_file
from face_recon_ros.rendering.renderer import Renderer
from face_recon_ros.rotations import rotation_angles_rad, rotation_from_quaternion
from face_recon_ros.tools.sample_camera_node import camera_info
from face_recon_ros.tools.sample_motion import STILL, Motion
from face_recon_ros.tools.sources import PortraitSource


@pytest.fixture(scope='module')
def portrait():
    return PortraitSource(WIDTH, HEIGHT)._portrait


@pytest.fixture(scope='module')
def image(portrait):
    return portrait.view(CAMERA, STILL)


@pytest.fixture(scope='module')
def node():
    with running(
        '-p', 'smoothing:=false', '-p', 'diagnostics_period:=0.2'
    ) as process:
        process.wait_line('looking for faces in /image')
        yield process
        assert process.process.poll() is None, process.lines
        assert process.end() == 0
        assert not process.count('Traceback'), process.lines


@pytest.fixture
def peer(node):
    peer = Peer()
    yield peer
    peer.close()


def rotation_of(pose):
    q = pose.orientation
    return rotation_from_quaternion(q.x, q.y, q.z, q.w)


def place_of(pose):
    return np.array([pose.position.x, pose.position.y, pose.position.z])


def pose_of(array):
    return rotation_of(array.faces[0].pose.pose), place_of(array.faces[0].pose.pose)


# --- what is published -----------------------------------------------------------


def test_face_array(peer, image):
    array = peer.faces_in(image)
    assert array.header.frame_id == FRAME
    (face,) = array.faces
    assert face.id
    assert 0.5 < face.score <= 1
    assert 0 < face.fit_error < 0.03
    roi = face.roi
    assert roi.x_offset < WIDTH / 2 < roi.x_offset + roi.width
    assert roi.y_offset < HEIGHT / 2 < roi.y_offset + roi.height
    assert face.landmarks.scheme == FaceLandmarks.IBUG68
    in_image = np.array([(p.x, p.y, p.z) for p in face.landmarks.image])
    in_camera = np.array([(p.x, p.y, p.z) for p in face.landmarks.camera])
    assert in_image.shape == in_camera.shape == (68, 3)
    # the landmarks are the model's, by the parameters in the same message
    parameters = FaceParameters(
        np.asarray(face.camera_matrix, float).reshape(3, 4),
        np.asarray(face.shape, float),
        np.asarray(face.expression, float),
    )
    np.testing.assert_allclose(FaceModel().landmarks_68_px(parameters), in_image, atol=0.05)
    # and those in metres lie near the rays of those in pixels (weak perspective: not on them)
    projected = in_camera[:, :2] / in_camera[:, 2:] * CAMERA.fx + [CAMERA.cx, CAMERA.cy]
    assert np.abs(projected - in_image[:, :2]).max() < 9
    assert np.abs(projected - in_image[:, :2]).mean() < 3
    assert 0.3 < in_camera[:, 2].mean() < 1.2
    covariance = np.array(face.pose.covariance).reshape(6, 6)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_tf_follows_the_face_array(peer, image):
    tf = peer.collect(TFMessage, '/tf')
    array = peer.faces_in(image)
    stamp = array.header.stamp

    def mine():
        return [t for m in tf.collected for t in m.transforms if t.header.stamp == stamp]

    peer.wait(mine, 'the transforms of that image')
    face, gaze = mine()
    face_id = array.faces[0].id
    assert face.header.frame_id == gaze.header.frame_id == FRAME
    assert (face.child_frame_id, gaze.child_frame_id) == (f'face_{face_id}', f'gaze_{face_id}')
    rotation, place = pose_of(array)
    t = face.transform.translation
    np.testing.assert_allclose([t.x, t.y, t.z], place)
    q = face.transform.rotation
    np.testing.assert_allclose(rotation_from_quaternion(q.x, q.y, q.z, q.w), rotation, atol=1e-9)
    # the person looks about into the camera: x comes out of the face, y to its left, z up
    assert rotation[2, 0] < -0.85
    assert rotation[0, 1] > 0.85
    assert rotation[1, 2] < -0.85
    g = gaze.transform.rotation
    along = rotation_from_quaternion(g.x, g.y, g.z, g.w)[:, 2]
    looks = array.faces[0].gaze
    np.testing.assert_allclose(along, [looks.x, looks.y, looks.z], atol=1e-9)
    assert along @ rotation[:, 0] > np.cos(np.radians(25))


def test_every_output_carries_the_image_s_header(peer, image):
    outputs = [
        peer.collect(kind, f'face_recon/{topic}')
        for kind, topic in (
            (PoseArray, 'poses'),
            (MarkerArray, 'markers'),
            (Image, 'mesh_image'),
            (Image, 'overlay_image'),
            (Image, 'depth_image'),
            (PointCloud2, 'points'),
        )
    ]
    peer.faces_in(image)
    sent = []

    def make(header):
        sent.append(header)
        return to_image(image, 'bgr8', header)

    def of_those():
        """The newest of each output that has the header of an image sent here."""
        found = [
            [m for m in o.collected if getattr(m, 'header', None) in sent
             or (isinstance(m, MarkerArray) and m.markers and m.markers[0].header in sent)]
            for o in outputs
        ]
        return [messages[-1] for messages in found if messages]

    peer.show(make, lambda: len(of_those()) == len(outputs))
    poses, markers, mesh, overlay, depth, points = of_those()
    assert len(poses.poses) == 1
    assert {m.ns for m in markers.markers} == {'landmarks', 'axes', 'names', 'gazes'}

    face = slice(180, 300), slice(260, 380)
    for picture in (mesh, overlay):
        assert (picture.encoding, picture.step) == ('bgr8', 3 * WIDTH)
        pixels = np.frombuffer(picture.data, np.uint8).reshape(HEIGHT, WIDTH, 3)
        assert (pixels[face] != image[face]).any()
        np.testing.assert_array_equal(pixels[:20], image[:20])
    changed = (
        np.frombuffer(mesh.data, np.uint8).reshape(HEIGHT, WIDTH, 3)[face] != image[face]
    ).any(axis=2)
    assert changed.mean() > 0.8  # the mesh covers the face

    assert (depth.encoding, depth.step) == ('32FC1', 4 * WIDTH)
    depth_m = np.frombuffer(depth.data, np.float32).reshape(HEIGHT, WIDTH)
    assert np.isnan(depth_m[:20]).all()
    distance_m = poses.poses[0].position.z
    assert np.nanmin(depth_m) == pytest.approx(distance_m, abs=0.06)
    assert np.isfinite(depth_m[face]).mean() > 0.8

    values = np.frombuffer(points.data, np.float32).reshape(-1, 4)
    assert len(values) == points.width > 30_000
    # the cloud seen by the camera is the face in the image, at the depth of the depth image
    columns, rows = (
        np.rint(values[:, :2] / values[:, 2:3] * CAMERA.fx + [CAMERA.cx, CAMERA.cy]).astype(int).T
    )
    there = depth_m[rows.clip(0, HEIGHT - 1), columns.clip(0, WIDTH - 1)]
    nearest = np.isfinite(there) & (np.abs(values[:, 2] - there) < 0.01)
    assert nearest.mean() > 0.6
    peer.drop(*outputs)


def back_projected_m(depth, info):
    """Return the points (N, 3) of a depth image, by the calibration beside it."""
    depth_m = np.frombuffer(depth.data, np.float32).reshape(depth.height, depth.width)
    rows, columns = np.isfinite(depth_m).nonzero()
    z = depth_m[rows, columns].astype(float)
    fx, cx, fy, cy = info.k[0], info.k[2], info.k[4], info.k[5]
    return np.column_stack([(columns - cx) / fx * z, (rows - cy) / fy * z, z])


def test_the_calibration_is_beside_the_depth_image(peer, image):
    """Where viewers of depth images look: in the folder of its topic, with its stamp."""
    infos = peer.collect(CameraInfo, 'face_recon/camera_info')
    peer.show(lambda h: to_image(image, 'bgr8', h), lambda: infos.collected)  # alone, too
    depths = peer.collect(Image, 'face_recon/depth_image')
    clouds = peer.collect(PointCloud2, 'face_recon/points')

    def pairs():
        return [
            (depth, info, cloud)
            for depth in depths.collected
            for info in infos.collected
            for cloud in clouds.collected
            if depth.header == info.header == cloud.header and cloud.width
        ]

    peer.show(lambda h: to_image(image, 'bgr8', h), pairs)
    depth, info, cloud = pairs()[-1]
    assert (info.width, info.height) == (depth.width, depth.height) == (640, 480)
    assert info.k.tolist() == pytest.approx([601.6, 0, 319.5, 0, 601.6, 239.5, 0, 0, 1])
    assert info.p.tolist() == pytest.approx([601.6, 0, 319.5, 0, 0, 601.6, 239.5, 0, 0, 0, 1, 0])
    assert (info.distortion_model, list(info.d)) == ('plumb_bob', [0.0] * 5)
    points = back_projected_m(depth, info)
    vertices = np.frombuffer(cloud.data, np.float32).reshape(-1, 4)[:, :3]
    nearest_m, _ = cKDTree(vertices).query(points[::7])
    assert np.median(nearest_m) < 0.002
    peer.drop(infos, depths, clouds)


def test_markers_of_a_face_that_goes_are_deleted(peer, image):
    markers = peer.collect(MarkerArray, 'face_recon/markers')
    peer.show(
        lambda h: to_image(image, 'bgr8', h),
        lambda: any(m.action == Marker.ADD for a in markers.collected for m in a.markers),
    )
    empty = np.full_like(image, 90)

    def deleted():
        return [
            m.ns for array in markers.collected for m in array.markers if m.action == Marker.DELETE
        ]

    peer.show(lambda h: to_image(empty, 'bgr8', h), deleted)
    added = {m.ns for a in markers.collected for m in a.markers if m.action == Marker.ADD}
    assert {'axes', 'landmarks', 'names'} <= added
    assert sorted(deleted()) == sorted(added)
    assert not peer.faces_in(empty, count=0).faces
    peer.drop(markers)


# --- geometry --------------------------------------------------------------------


def about(axis, degrees):
    return cv2.Rodrigues(np.radians(degrees) * np.eye(3)[axis])[0]


@pytest.mark.parametrize(
    ('axis', 'degrees'), [(2, 25), (2, -25), (1, 14), (1, -14), (0, 9), (0, -9)]
)
def test_a_turned_camera_sees_a_turned_head(peer, portrait, image, axis, degrees):
    """Pan and tilt bring the head to the edge, where the viewing ray counts."""
    rotation, place = pose_of(peer.faces_in(image))
    motion = Motion(about(axis, degrees), 1.0)
    seen_rotation, seen_place = pose_of(peer.faces_in(portrait.view(CAMERA, motion)))
    true_rotation, true_place = motion.move(rotation, place)
    assert np.degrees(rotation_angles_rad(seen_rotation, true_rotation)) < 3.0
    np.testing.assert_allclose(seen_place, true_place, atol=0.03 * true_place[2])


def test_nearer_and_farther(peer, portrait, image):
    def distance_of_an_adult(picture):
        # nearby, irises correct the size of the head, and the distance with it
        faces = peer.faces_in(picture)
        return pose_of(faces)[1][2] / faces.faces[0].head_scale

    distance = distance_of_an_adult(image)
    for ratio in (0.7, 1.4):
        view = portrait.view(CAMERA, Motion(np.eye(3), ratio))
        assert distance_of_an_adult(view) / distance == pytest.approx(ratio, rel=0.04)


def rendered_head(yaw_deg):
    """Return an image of the mean head turned by an angle to its left, which is image-right."""
    model = FaceModel()
    matrix = camera_matrix(1500.0, about(1, yaw_deg), np.array([320.0, 220.0, 0.0]))
    vertices = model.dense_px(FaceParameters(matrix, np.zeros(40), np.zeros(10)))
    background = np.full((HEIGHT, WIDTH, 3), (150, 140, 130), np.uint8)
    return Renderer(model.triangles).render(vertices, background, colors=model.colors)


@pytest.mark.parametrize('yaw_deg', [25, -25])
def test_a_face_turned_left_gives_a_frame_turned_left(peer, yaw_deg):
    rotation, _ = pose_of(peer.faces_in(rendered_head(yaw_deg)))
    out, left = rotation[:, 0], rotation[:, 1]
    assert np.degrees(np.arctan2(out[0], -out[2])) == pytest.approx(yaw_deg, abs=7)
    # the subject's left comes nearer when it turns right, and goes away when it turns left
    assert np.sign(left[2]) == np.sign(yaw_deg)


def test_a_mirrored_face_turns_the_other_way(peer, image):
    rotation, place = pose_of(peer.faces_in(image))
    mirrored, mirrored_place = pose_of(peer.faces_in(np.ascontiguousarray(image[:, ::-1])))
    flip = np.diag([-1.0, 1.0, 1.0])  # of the image; of the face, its left becomes its right
    expected = flip @ rotation @ np.diag([1.0, -1.0, 1.0])
    assert np.degrees(rotation_angles_rad(mirrored, expected)) < 5.0
    np.testing.assert_allclose(mirrored_place, flip @ place, atol=0.02)


def test_two_faces_have_two_ids(peer, image):
    both = np.concatenate([image[:, 160:480], image[:, 160:480]], axis=1)
    array = peer.faces_in(np.ascontiguousarray(both), count=2)
    assert len({f.id for f in array.faces}) == 2
    left, right = sorted(f.pose.pose.position.x for f in array.faces)
    assert left < 0 < right


# --- subscribers -----------------------------------------------------------------


@pytest.mark.parametrize('qos', [10, RELIABLE, qos_profile_sensor_data])
def test_subscribers_of_any_reliability_receive(peer, image, qos):
    faces = peer.collect(FaceArray, 'face_recon/faces', qos)
    mesh = peer.collect(Image, 'face_recon/mesh_image', qos)
    tf = peer.collect(TFMessage, '/tf', qos)
    peer.show(
        lambda h: to_image(image, 'bgr8', h),
        lambda: faces.collected and mesh.collected and tf.collected,
    )
    peer.drop(faces, mesh, tf)


def test_nobody_listens_nothing_is_computed(peer, image):
    diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
    peer.show(
        lambda h: to_image(image, 'bgr8', h),
        lambda: diagnostics.collected and 'idle' in statuses(diagnostics)['faces'].message,
    )
    peer.drop(diagnostics)


def test_the_first_message_after_idle_has_the_face_that_is_there(peer, image):
    """`ros2 topic echo --once` asks for one message."""
    peer.faces_in(image)
    diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
    empty = np.full_like(image, 90)
    for _ in range(3):
        diagnostics.collected.clear()
        peer.show(
            lambda h: to_image(empty, 'bgr8', h),
            lambda: diagnostics.collected and 'idle' in statuses(diagnostics)['faces'].message,
        )
        peer.clock.forward(2.5)  # longer than a lost face is remembered
        faces = peer.collect(FaceArray, 'face_recon/faces')
        answer = peer.answer(lambda h: to_image(image, 'bgr8', h), faces.collected, first=True)
        assert len(answer.faces) == 1
        peer.drop(faces)
    peer.drop(diagnostics)


def test_newest_image_wins(peer, image):
    """Images faster than can be looked at: what comes next is looked at, not all of them."""
    wide = cv2.resize(image, None, fx=3, fy=3)
    messages = [to_image(wide, 'bgr8', Header(frame_id=FRAME)) for _ in range(2)]
    faces = peer.collect(FaceArray, 'face_recon/faces')
    mesh = peer.collect(Image, 'face_recon/mesh_image')
    peer.show(lambda h: to_image(image, 'bgr8', h), lambda: faces.collected and mesh.collected)

    def stamps():
        return [stamp_of(f) for f in faces.collected]

    def answered(count):
        """Return how many of so many images at once are answered."""
        faces.collected.clear()
        sent = []
        for index in range(count):
            message = messages[index % 2]
            message.header = peer.header()
            sent.append(stamp_of(message))
            peer.images.publish(message)
        # best effort may lose the last images of so many on their way, so the camera goes on
        peer.show(
            lambda h: to_image(image, 'bgr8', h), lambda: any(s > sent[-1] for s in stamps())
        )
        assert stamps() == sorted(stamps())
        return len(set(stamps()) & set(sent))

    # where this process is held up, the node may keep up with it
    deadline_s = time.monotonic() + DEADLINE_S
    while answered(40) == 40:
        assert time.monotonic() < deadline_s
    peer.drop(faces, mesh)


# --- faults ----------------------------------------------------------------------


def broken(name):
    def make(header):
        message = to_image(np.zeros((48, 64, 3), np.uint8), 'bgr8', header)
        if name == 'empty':
            return Image(header=header)
        if name == 'truncated':
            message.data = message.data[:100]
        if name == 'encoding':
            message.encoding = 'rgb101010'
        if name == 'step':
            message.step = 7
        return message

    return make


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('empty', 'image on /image is empty'),
        ('truncated', 'image on /image is truncated'),
        ('encoding', "image on /image has encoding 'rgb101010'"),
        ('step', 'image on /image has step 7'),
    ],
)
def test_bad_images_get_one_line_and_the_node_lives_on(node, peer, image, name, words):
    diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
    listener = peer.collect(FaceArray, 'face_recon/faces')

    def said():
        status = statuses(diagnostics)['images'] if diagnostics.collected else None
        return status and words in status.message and status.level == b'\x02'

    peer.show(broken(name), said)
    begin = len(diagnostics.collected)
    peer.show(broken(name), lambda: len(diagnostics.collected) > begin + 2)
    node.wait_line(words)
    assert node.count(words) == 1
    assert peer.faces_in(image).faces
    peer.drop(diagnostics, listener)


def test_nan_calibration_gets_one_line_and_a_guess(node, peer, image):
    peer.faces_in(image)

    def info(header):
        message = camera_info(CAMERA, header)
        message.k[0] = np.nan
        return message

    faces = peer.collect(FaceArray, 'face_recon/faces')

    def nan_and_image(header):
        peer.infos.publish(info(header))
        return to_image(image, 'bgr8', header)

    words = 'camera_info on /camera_info: holds NaN'
    peer.show(nan_and_image, lambda: node.count(words), info=False)
    faces.collected.clear()
    peer.show(nan_and_image, lambda: len(faces.collected) > 3, info=False)
    assert node.count(words) == 1
    guessed, _ = faces.collected[-1], peer.drop(faces)
    # focal length = image width instead of 0.94 of it
    good = peer.faces_in(image)
    ratio = pose_of(guessed)[1][2] / pose_of(good)[1][2]
    assert ratio == pytest.approx(1 / 0.94, rel=0.02)


def test_images_without_frame_id_have_no_tf(node, peer, image):
    tf = peer.collect(TFMessage, '/tf')
    faces = peer.collect(FaceArray, 'face_recon/faces')

    def make(header):
        header.frame_id = ''
        return to_image(image, 'bgr8', header)

    peer.show(make, lambda: any(f.faces for f in faces.collected))
    assert all(t.header.frame_id for m in tf.collected for t in m.transforms)
    node.wait_line('have no frame_id')
    peer.drop(tf, faces)


def test_parameters_change_between_images(peer, image):
    (refused,) = peer.set_parameters(overlay_mode='wings')
    assert not refused.successful
    assert "overlay_mode is 'wings': use sparse" in refused.reason
    (out_of_range,) = peer.set_parameters(detector_threshold=7.0)
    assert not out_of_range.successful
    (at_configure,) = peer.set_parameters(threads=2)
    assert not at_configure.successful
    assert 'threads can be set only while the node is unconfigured' in at_configure.reason
    (read_only,) = peer.set_parameters(autostart=False)
    assert not read_only.successful
    _, near = pose_of(peer.faces_in(image))
    (accepted,) = peer.set_parameters(interpupillary_distance=0.084)
    assert accepted.successful
    _, far = pose_of(peer.faces_in(image))
    peer.set_parameters(interpupillary_distance=0.063)
    assert far[2] / near[2] == pytest.approx(0.084 / 0.063, rel=0.01)


# --- another node: namespace, remapping, compressed images, no calibration ---------


def test_compressed_images_in_a_namespace_without_calibration(image):
    with running(
        '-r', '__ns:=/robot', '-r', 'image:=camera/image_raw', '-p', 'image_transport:=compressed',
        '-p', 'calibration_wait:=0.3', '-p', 'use_sim_time:=true',
    ) as process:  # fmt: skip
        process.wait_line('looking for faces in /robot/camera/image_raw/compressed')
        peer = Peer('/robot')
        publisher = peer.node.create_publisher(
            CompressedImage, 'camera/image_raw/compressed', RELIABLE
        )
        faces = peer.collect(FaceArray, '/robot/face_recon/faces')
        data = cv2.imencode('.jpg', image)[1].tobytes()

        def make(header):
            message = CompressedImage(header=header, format='jpeg')
            message.data.frombytes(data)
            return message

        peer.show(
            make, lambda: any(f.faces for f in faces.collected), info=False, publisher=publisher
        )
        position = faces.collected[-1].faces[0].pose.pose.position
        assert 0.3 < position.z < 1.5
        words = 'no camera_info on /robot/camera_info'
        process.wait_line(words)
        begin = len(faces.collected)
        peer.show(make, lambda: len(faces.collected) > begin + 3, info=False, publisher=publisher)
        assert process.count(words) == 1
        peer.close()
        assert process.end(signal.SIGTERM) == 0, process.lines
        assert not process.count('Traceback'), process.lines


def test_a_prefix_keeps_the_faces_of_cameras_apart(image):
    arguments = ('-r', '__ns:=/front', '-p', 'face_id_prefix:=front_')
    with running(*arguments) as process:
        process.wait_line('looking for faces in /front/image')
        peer = Peer('/front')
        tf = peer.collect(TFMessage, '/tf')
        (face,) = peer.faces_in(image).faces
        assert face.id == 'front_f1'
        frames = {t.child_frame_id for m in tf.collected for t in m.transforms}
        assert frames == {'face_front_f1', 'gaze_front_f1'}
        peer.close()
        assert process.end() == 0
        assert process.complaints() == []


def test_without_tf_a_listener_to_tf_keeps_nothing_busy(image):
    arguments = ('-r', '__ns:=/quiet', '-p', 'publish_tf:=false', '-p', 'diagnostics_period:=0.1')
    with running(*arguments):
        peer = Peer('/quiet')
        messages = peer.collect(DiagnosticArray, '/diagnostics')
        tf = peer.collect(TFMessage, '/tf')

        def of_faces():
            return [
                status.message
                for message in messages.collected
                for status in message.status
                if status.name == 'quiet/face_recon: faces'
            ]

        def show(arrived):
            peer.show(lambda h: to_image(image, 'bgr8', h), arrived)

        show(lambda: of_faces() and 'idle' in of_faces()[-1])
        peer.wait(lambda: peer.node.count_subscribers('/tf') == 1, 'the listener to be known')
        messages.collected.clear()
        show(lambda: len(of_faces()) > 5)
        assert all('idle' in message for message in of_faces())
        assert len(peer.faces_in(image).faces) == 1  # it does work
        assert tf.collected == []
        peer.close()


def test_two_nodes_started_by_hand_share_no_frame(image):
    with running('-r', '__ns:=/left') as _, running('-r', '__ns:=/right') as _:
        peers = [Peer('/left'), Peer('/right')]
        tf = peers[0].collect(TFMessage, '/tf')
        ids = [peer.faces_in(image).faces[0].id for peer in peers]
        assert ids == ['left_f1', 'right_f1']
        frames = {t.child_frame_id for m in tf.collected for t in m.transforms}
        assert frames >= {'face_left_f1', 'gaze_left_f1'}
        assert not {f for f in frames if f.endswith('_f1')} - {
            'face_left_f1', 'gaze_left_f1', 'face_right_f1', 'gaze_right_f1',
        }  # fmt: skip
        for peer in peers:
            peer.close()


# --- start and end ---------------------------------------------------------------


def test_the_processes_of_the_tests_are_the_installed_package():
    """`python -m` looks where it is run first: there must be no face_recon_ros."""
    installed = Path(face_recon_ros.nodes.node.__file__).resolve()
    assert Path(__file__).resolve().parents[1] not in installed.parents[:3]
    python, *module = NODE
    with process([python, '-v', *module, '--ros-args', '-p', 'overlay_mode:=wings']) as node:
        assert node.process.wait(DEADLINE_S) == 1
    origins = {
        Path(line.split()[-1])
        for line in node.lines
        if line.startswith('#') and line.endswith('/face_recon_ros/nodes/node.py')
    }
    assert {path.resolve() for path in origins} == {installed}, node.lines


def test_bad_models_keep_the_node_from_starting(tmp_path):
    assert 'missing.npz' in start_refused(f'model_path:={tmp_path}/missing.npz')
    cut = tmp_path / 'cut.npz'
    shutil.copy(model_file('face_model.npz'), cut)
    with open(cut, 'r+b') as file:
        file.truncate(1000)
    assert 'cut.npz' in start_refused(f'model_path:={cut}')
    empty = tmp_path / 'empty.tflite'
    empty.touch()
    assert 'empty.tflite' in start_refused(f'detector:={empty}')


def test_bad_parameters_keep_the_node_from_starting():
    assert 'overlay_mode' in start_refused('overlay_mode:=wings')
    assert 'max_faces' in start_refused('max_faces:=many')
    assert 'max_faces' in start_refused('max_faces:=-3')


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['-r', 'image:=/camera/image/'], "'-r image:=/camera/image/'"),
        (['-r', 'image:='], "'-r image:='"),
        (['-r', '__ns:=front'], "'-r __ns:=front'"),
        (['--params-file', '/no/my.yaml'], "'--params-file /no/my.yaml'"),
        (['--log-level', 'loud'], "'--log-level loud'"),
        (['--quiet'], "unknown ROS arguments: ['--quiet']"),
    ],
)
def test_bad_ros_arguments_keep_the_node_from_starting(arguments, words):
    line = refused(*arguments)
    assert words in line
    assert '/src/' not in line  # nobody reads the sources of rcl


def test_a_bad_environment_keeps_the_node_from_starting():
    assert 'ROS_DOMAIN_ID' in refused(environment={'ROS_DOMAIN_ID': 'front'})


def test_errors_of_the_program_keep_their_traceback(monkeypatch):
    """Only what rcl says is a user's matter."""

    def broken(**_):
        raise RuntimeError('broken program')

    monkeypatch.setattr(rclpy, 'init', broken)
    with pytest.raises(RuntimeError, match='broken program'):
        start_ros([])


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ends_clean_while_it_starts(number):
    with running('-r', '__ns:=/short') as process:
        # Python is up when libraries are mapped, the models are not yet there
        maps = Path(f'/proc/{process.process.pid}/maps')
        deadline_s = time.monotonic() + DEADLINE_S
        while 'rclpy' not in maps.read_text():
            assert time.monotonic() < deadline_s
        assert process.end(number) == 0, process.lines
        assert not process.count('Traceback'), process.lines
