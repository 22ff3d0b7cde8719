# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces to messages: fields, frames, stamps, and what disappears."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, PointField
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from face_recon_ros import calibration as camera_module
from face_recon_ros.calibration import Calibration, camera_from_info, image_size
from face_recon_ros.camera import Camera
from face_recon_ros.errors import CalibrationError
from face_recon_ros.eyes.landmarks import EyeLandmarks, Eyes
from face_recon_ros.face import Face
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.nodes import messages
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import rotation_from_quaternion

HEADER = Header(stamp=Time(sec=12, nanosec=34), frame_id='camera')

# A face that looks straight into the camera, in the optical frame (x right, y down, z forward):
# its x comes out towards the camera, its left is image-right, its up is image-up.
FRONTAL = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])


def make_face(face_id='7', rotation=FRONTAL, place=(0.1, -0.2, 0.8)):
    return Face(
        id=face_id,
        score=0.75,
        fit_error=0.01,
        box=np.array([10.4, -5.0, 50.6, 700.0]),
        parameters=FaceParameters(
            np.arange(12.0).reshape(3, 4), np.linspace(-1, 1, 40), np.linspace(0, 1, 10)
        ),
        rotation=rotation,
        pose=MetricPose(rotation, np.array(place)),
        pose_covariance=np.diag(np.arange(1.0, 7.0)),
        landmarks_px=np.arange(68 * 3.0).reshape(68, 3),
        landmarks_m=np.arange(68 * 3.0).reshape(68, 3) / 1000,
        head_scale=1.0,
    )


def matrix(quaternion):
    return rotation_from_quaternion(quaternion.x, quaternion.y, quaternion.z, quaternion.w)


def test_face_array():
    array = messages.face_array([make_face()], HEADER, 640, 480)
    assert array.header == HEADER
    (face,) = array.faces
    assert face.id == '7'
    assert face.score == pytest.approx(0.75)
    assert face.fit_error == pytest.approx(0.01)
    assert face.camera_matrix.tolist() == list(range(12))
    np.testing.assert_allclose(face.shape, np.linspace(-1, 1, 40), rtol=1e-6)
    np.testing.assert_allclose(face.expression, np.linspace(0, 1, 10), rtol=1e-6)
    assert face.pose.covariance.reshape(6, 6).diagonal().tolist() == [1, 2, 3, 4, 5, 6]
    position = face.pose.pose.position
    assert (position.x, position.y, position.z) == (0.1, -0.2, 0.8)
    np.testing.assert_allclose(matrix(face.pose.pose.orientation), FRONTAL, atol=1e-9)
    landmarks = face.landmarks
    assert landmarks.scheme == landmarks.IBUG68
    assert [(p.x, p.y, p.z) for p in landmarks.image[:2]] == [(0, 1, 2), (3, 4, 5)]
    assert len(landmarks.image) == len(landmarks.camera) == 68
    assert landmarks.camera[67].z == pytest.approx(0.203)


def test_a_predicted_face_says_so():
    array = messages.face_array(
        [make_face(), replace(make_face(), predicted=True)], HEADER, 640, 480)
    assert [face.predicted for face in array.faces] == [False, True]


def test_no_face_gives_an_empty_array():
    array = messages.face_array([], HEADER, 640, 480)
    assert array.header == HEADER
    assert not array.faces
    assert not messages.transforms([], HEADER).transforms
    assert not messages.pose_array([], HEADER).poses


def test_roi_stays_in_the_image():
    roi = messages.face_array([make_face()], HEADER, 640, 480).faces[0].roi
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (10, 0, 41, 480)
    outside = messages.region_of_interest([-90, 10, -10, 20], 640, 480)
    assert (outside.x_offset, outside.width, outside.height) == (0, 0, 10)


def test_transforms():
    sent = messages.transforms([make_face('7'), make_face('b')], HEADER).transforms
    assert [t.child_frame_id for t in sent] == ['face_7', 'gaze_7', 'face_b', 'gaze_b']
    assert all(t.header == HEADER for t in sent)
    face, gaze = sent[:2]
    np.testing.assert_allclose(matrix(face.transform.rotation), FRONTAL, atol=1e-9)
    # Gaze of a face that looks into the camera: z towards the camera, x the subject's right,
    # which is image-left, y down
    np.testing.assert_allclose(
        matrix(gaze.transform.rotation), np.diag([-1.0, 1.0, -1.0]), atol=1e-9
    )
    assert gaze.transform.translation == face.transform.translation


def test_poses_are_those_of_the_faces():
    poses = messages.pose_array([make_face(), make_face(place=(0, 0, 2))], HEADER)
    assert poses.header == HEADER
    assert [p.position.z for p in poses.poses] == [0.8, 2.0]


def test_markers_and_their_end():
    shown = messages.markers([make_face()], HEADER, previous_count=3).markers
    added = [m for m in shown if m.action == Marker.ADD]
    deleted = [m for m in shown if m.action == Marker.DELETE]
    assert {m.ns for m in added} == {'landmarks', 'axes', 'names', 'gazes'}
    assert {(m.ns, m.id) for m in deleted} == {
        (ns, i) for ns in ('landmarks', 'axes', 'names', 'gazes') for i in (1, 2)
    }
    assert all(m.header == HEADER for m in shown)
    landmarks = next(m for m in added if m.ns == 'landmarks')
    assert len(landmarks.points) == 68
    axes = next(m for m in added if m.ns == 'axes')
    red = [i for i, c in enumerate(axes.colors) if c.r == 1.0]
    start, end = (axes.points[i] for i in red)
    assert end.z < start.z  # x comes out of the face, towards the camera


def with_eyes(face, gaze):
    """Return a face whose eyes look in a direction (3,)."""
    lids = np.full((2, 16, 2), 5.0)
    openness, width_px = np.array([0.9, 0.3]), np.full(2, 20.0)
    looks = EyeLandmarks(np.full((2, 2), 5.0), np.ones(2), lids, openness, width_px)
    return replace(face, eyes=Eyes(looks, np.array(gaze), 0.07, np.array([True, True])))


def test_gaze_and_openness_are_those_of_the_eyes_else_of_the_head():
    seen = with_eyes(make_face(), (0.6, 0.0, -0.8))
    one, two = messages.face_array([seen, make_face()], HEADER, 640, 480).faces
    assert (one.gaze.x, one.gaze.y, one.gaze.z) == (0.6, 0.0, -0.8)
    assert one.gaze_sigma_rad == pytest.approx(0.07)
    assert one.eye_openness.tolist() == pytest.approx([0.9, 0.3])
    assert (two.gaze.x, two.gaze.y, two.gaze.z) == (0.0, 0.0, -1.0)
    # rotations of 5 and 6 rad^2 about its z and y, and the direction's errors are of two axes
    assert two.gaze_sigma_rad == pytest.approx(1.5096 * ((4 + 5) / 2) ** 0.5, rel=1e-3)
    assert np.isnan(two.eye_openness).all()


@pytest.mark.parametrize('gaze', [(0.6, 0.0, -0.8), (0.0, -0.6, -0.8), (-0.48, 0.36, -0.8)])
def test_the_gaze_frame_points_where_the_eyes_look(gaze):
    face = with_eyes(make_face(), gaze)
    (_, sent) = messages.transforms([face], HEADER).transforms
    x, y, z = matrix(sent.transform.rotation).T
    np.testing.assert_allclose(z, gaze, atol=1e-9)
    # x still to the person's right, which is image-left, y down
    assert x @ [-1, 0, 0] > 0.79
    assert y @ [0, 1, 0] > 0.79
    assert (sent.transform.translation.x, sent.transform.translation.z) == (0.1, 0.8)


def test_the_gaze_marker_is_an_arrow_along_it():
    face = with_eyes(make_face(), (0.6, 0.0, -0.8))
    marker = next(m for m in messages.markers([face], HEADER, 0).markers if m.ns == 'gazes')
    assert marker.type == Marker.ARROW
    start, end = marker.points
    assert (end.x - start.x, end.z - start.z) == pytest.approx((0.15, -0.2))
    head = next(m for m in messages.markers([make_face()], HEADER, 0).markers if m.ns == 'gazes')
    assert head.color.r == head.color.g == head.color.b
    assert head.color != marker.color


def test_point_cloud():
    points = np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]])
    colors = np.array([[255, 128, 1], [0, 0, 9]], np.uint8)
    cloud = messages.point_cloud(points, colors, HEADER)
    assert cloud.header == HEADER
    assert [(f.name, f.offset, f.datatype) for f in cloud.fields] == [
        (n, 4 * i, PointField.FLOAT32) for i, n in enumerate(('x', 'y', 'z', 'rgb'))
    ]
    assert (cloud.width, cloud.height, cloud.row_step) == (2, 1, len(cloud.data))
    values = np.frombuffer(cloud.data, np.float32).reshape(2, 4)
    np.testing.assert_allclose(values[:, :3], points, rtol=1e-6)
    packed = values[:, 3].copy().view(np.uint32)
    assert [hex(p) for p in packed] == ['0x180ff', '0x90000']  # 0x00RRGGBB
    assert messages.point_cloud(points[:0], colors[:0], HEADER).width == 0


# --- camera_info ---------------------------------------------------------------


def info(**changes):
    made = CameraInfo(width=640, height=480, distortion_model='plumb_bob', d=[0.1, 0, 0, 0, 0.0])
    made.k = np.array([500.0, 0, 320, 0, 510, 240, 0, 0, 1])
    made.p = np.array([400.0, 0, 300, 0, 0, 410, 200, 0, 0, 0, 1, 0])
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_calibrated_camera():
    camera = camera_from_info(info(), '/camera_info')
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (500, 510, 320, 240)
    assert camera.distortion.tolist() == [0.1, 0, 0, 0, 0]
    assert camera.calibrated


def test_rectified_images_take_p_and_no_distortion():
    camera = camera_from_info(info(), '/camera_info', rectified=True)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (400, 410, 300, 200)
    assert not camera.distortion.size


def test_region_of_interest_and_binning():
    made = info(width=1280, height=960, binning_x=2, binning_y=2)
    made.roi.x_offset, made.roi.y_offset, made.roi.width, made.roi.height = 200, 100, 800, 600
    assert image_size(made) == (400, 300)
    camera = camera_from_info(made, '/camera_info')
    assert (camera.width, camera.height, camera.fx) == (400, 300, 250)
    # the principal point's pixel centre: half a pixel matters under binning
    assert camera.cx == pytest.approx((320 - 200 + 0.5) / 2 - 0.5)


def test_uncalibrated_and_impossible_calibrations():
    assert camera_from_info(info(k=np.zeros(9)), '/camera_info') is None
    broken = info()
    broken.k[4] = np.nan
    with pytest.raises(CalibrationError, match=r'/robot/camera_info.*NaN'):
        camera_from_info(broken, '/robot/camera_info')


def test_fallback_and_its_reasons():
    calibration = Calibration('/c', rectified=False)
    camera, fault = calibration.camera(640, 480)
    assert 'no camera_info on /c' in fault
    assert (camera.fx, camera.fy, camera.calibrated) == (640, 640, False)

    calibration.update(info(k=np.zeros(9)))
    assert 'uncalibrated' in calibration.camera(640, 480)[1]

    calibration.update(info())
    camera, fault = calibration.camera(640, 480)
    assert not fault
    assert camera.fx == 500

    camera, fault = calibration.camera(320, 240)
    assert '640x480' in fault
    assert '320x240' in fault
    assert not camera.calibrated

    broken = info()
    broken.d[0] = np.inf
    calibration.update(broken)
    assert 'NaN' in calibration.camera(640, 480)[1]


def test_newest_calibration_wins():
    calibration = Calibration('/c', rectified=False)
    calibration.update(info())
    zoomed = info()
    zoomed.k[0] = zoomed.k[4] = 900.0
    calibration.update(zoomed)
    assert calibration.camera(640, 480)[0].fx == 900


@pytest.mark.parametrize(
    ('camera', 'k', 'model', 'd'),
    [
        (
            Camera(640, 480, 500.0, 510.0, 300.0, 250.0),
            [500, 0, 300, 0, 510, 250, 0, 0, 1],
            'plumb_bob',
            [0.0] * 5,
        ),
        (
            Camera(
                640, 480, 500.0, 510.0, 300.0, 250.0,
                np.array([0.1, 0.2, 0.3, 0.4]), 'equidistant',
            ),
            [500, 0, 300, 0, 510, 250, 0, 0, 1],
            'equidistant',
            [0.1, 0.2, 0.3, 0.4],
        ),
        # the guess is said as it was used
        (
            Camera.uncalibrated(640, 480),
            [640, 0, 319.5, 0, 640, 239.5, 0, 0, 1],
            'plumb_bob',
            [0.0] * 5,
        ),
    ],
)  # fmt: skip
def test_camera_info_of_the_camera_that_was_used(camera, k, model, d):
    info = messages.camera_info(camera, HEADER)
    assert info.header == HEADER
    assert (info.width, info.height) == (640, 480)
    assert info.k.tolist() == k
    assert info.r.reshape(3, 3).tolist() == np.eye(3).tolist()
    p = info.p.reshape(3, 4)
    assert p[:, :3].ravel().tolist() == k
    assert p[:, 3].tolist() == [0, 0, 0]
    assert (info.distortion_model, list(info.d)) == (model, d)
    assert (info.binning_x, info.binning_y, info.roi.width) == (0, 0, 0)
    # who reads it sees the same camera
    again = camera_from_info(info, '/camera_info')
    assert (again.fx, again.fy, again.cx, again.cy) == (
        camera.fx, camera.fy, camera.cx, camera.cy,
    )  # fmt: skip
    assert again.distortion.tolist() == camera.distortion.tolist()


def test_calibration_that_changes_is_never_missing_for_a_reader(monkeypatch):
    """The images' thread must see the old camera until the new one is made, whole."""
    calibration = Calibration('/c', rectified=False)
    calibration.update(info())
    during = []
    size = camera_module.image_size

    def watched(message):
        during.append(calibration.camera(640, 480))
        return size(message)

    monkeypatch.setattr(camera_module, 'image_size', watched)
    for before_px, after_px in ((500, 600.0), (600, 700.0)):
        during.clear()
        zoomed = info()
        zoomed.k[0] = zoomed.k[4] = after_px
        calibration.update(zoomed)
        assert {(camera.fx, fault) for camera, fault in during} == {(before_px, '')}


def test_calibration_read_from_another_thread_is_always_a_whole_one():
    calibration = Calibration('/c', rectified=False)
    infos = [info(k=np.array([f, 0, 320.0, 0, f, 240, 0, 0, 1])) for f in (500.0, 900.0)]
    calibration.update(infos[0])
    read = []
    done = threading.Event()

    def reader():
        while not done.is_set():
            read.append(calibration.camera(640, 480))

    thread = threading.Thread(target=reader)
    thread.start()
    while len(read) < 2000:
        for changed in infos:
            calibration.update(changed)
    done.set()
    thread.join()
    assert {(camera.fx, camera.fy, fault) for camera, fault in read} <= {
        (500, 500, ''), (900, 900, '')
    }
