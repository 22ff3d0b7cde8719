# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces of the core to ROS messages: pure functions, one per kind of output."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from geometry_msgs.msg import (
    Point,
    Point32,
    Pose,
    PoseArray,
    Quaternion,
    Transform,
    TransformStamped,
    Vector3,
)
from sensor_msgs.msg import CameraInfo, PointCloud2, PointField, RegionOfInterest
from std_msgs.msg import ColorRGBA, Header
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from face_recon_ros.camera import Camera
from face_recon_ros.face import Face
from face_recon_ros.msg import Face as FaceMessage
from face_recon_ros.msg import FaceArray, FaceLandmarks
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import gaze_rotation, rotation_to

Xyz = TypeVar('Xyz', Point, Vector3)

AXIS_LENGTH_M = 0.1
GAZE_LENGTH_M = 0.25
LANDMARK_SIZE_M = 0.003
TEXT_SIZE_M = 0.03
MARKER_LIFETIME_S = 1  # RViz forgets the markers of a node that died


def face_frame(face_id: str) -> str:
    """Return the TF frame of a face, as REP-155 names it."""
    return f'face_{face_id}'


def gaze_frame(face_id: str) -> str:
    """Return the TF frame of a face's gaze, as REP-155 names it."""
    return f'gaze_{face_id}'


def gaze_pose(face: Face) -> MetricPose:
    """
    Return the gaze frame of a face (REP-155): origin of the face frame, z along the gaze.

    x to the person's right, y down: the head's axes, turned the shortest way from where the head
    points to where the eyes look.
    """
    of_head = gaze_rotation(face.pose.rotation)
    return MetricPose(of_head @ rotation_to(of_head.T @ face.gaze), face.pose.translation_m)


def pose_message(pose: MetricPose) -> Pose:
    """Return geometry_msgs/Pose of a metric pose."""
    return Pose(position=_xyz(Point, pose.translation_m), orientation=_quaternion_message(pose))


def face_message(face: Face, image_width: int, image_height: int) -> FaceMessage:
    """Return face_recon_ros/Face; the box is cut to the image, which roi cannot leave."""
    message = FaceMessage()
    message.id = face.id
    message.score = float(face.score)
    message.fit_error = float(face.fit_error)
    message.roi = region_of_interest(face.box, image_width, image_height)
    message.pose.pose = pose_message(face.pose)
    message.pose.covariance = np.ascontiguousarray(face.pose_covariance, np.float64).ravel()
    parameters = face.parameters
    message.camera_matrix = np.ascontiguousarray(parameters.camera_matrix, np.float32).ravel()
    message.shape = np.ascontiguousarray(parameters.shape, np.float32)
    message.expression = np.ascontiguousarray(parameters.expression, np.float32)
    message.landmarks = FaceLandmarks(
        scheme=FaceLandmarks.IBUG68,
        image=_points32(face.landmarks_px),
        camera=_points32(face.landmarks_m),
    )
    message.head_scale = float(face.head_scale)
    message.distance_source = int(face.distance_source)
    message.gaze = _xyz(Vector3, face.gaze)
    message.gaze_sigma_rad = float(face.gaze_sigma_rad)
    message.eye_openness = np.asarray(face.eye_openness, np.float32)
    message.blendshapes = np.ascontiguousarray(face.blendshapes, np.float32)
    message.predicted = face.predicted
    return message


def face_array(
    faces: Iterable[Face],
    header: Header,
    image_width: int,
    image_height: int,
) -> FaceArray:
    """Return face_recon_ros/FaceArray; an image without a face gives an empty one."""
    return FaceArray(
        header=header, faces=[face_message(f, image_width, image_height) for f in faces]
    )


def region_of_interest(
    box: Sequence[float] | np.ndarray, width: int, height: int
) -> RegionOfInterest:
    """Return the part of a box (x0, y0, x1, y1 in pixels) that lies in the image."""
    x0, x1 = np.clip(np.rint([box[0], box[2]]), 0, width).astype(int).tolist()
    y0, y1 = np.clip(np.rint([box[1], box[3]]), 0, height).astype(int).tolist()
    return RegionOfInterest(x_offset=x0, y_offset=y0, width=x1 - x0, height=y1 - y0)


def transforms(faces: Iterable[Face], header: Header) -> TFMessage:
    """Return face_<id> and gaze_<id> in the frame of the image."""
    stamped = []
    for face in faces:
        stamped.append(_transform(face.pose, face_frame(face.id), header))
        stamped.append(_transform(gaze_pose(face), gaze_frame(face.id), header))
    return TFMessage(transforms=stamped)


def pose_array(faces: Iterable[Face], header: Header) -> PoseArray:
    """Return the face frames as poses, in the order of FaceArray."""
    return PoseArray(header=header, poses=[pose_message(f.pose) for f in faces])


def markers(faces: Sequence[Face], header: Header, previous_count: int) -> MarkerArray:
    """
    Return landmarks, axes and name of each face, and the deletion of markers no longer used.

    :param previous_count: how many faces the last MarkerArray showed; marker ids are indices.
    """
    shown = []
    for index, face in enumerate(faces):
        shown += [
            _landmark_marker(face, header, index),
            _axes_marker(face, header, index),
            _text_marker(face, header, index),
            _gaze_marker(face, header, index),
        ]
    gone = range(len(faces), previous_count)
    deleted = [
        Marker(header=header, ns=namespace, id=index, action=Marker.DELETE)
        for index in gone
        for namespace in ('landmarks', 'axes', 'names', 'gazes')
    ]
    return MarkerArray(markers=shown + deleted)


def point_cloud(points_m: np.ndarray, colors_bgr: np.ndarray, header: Header) -> PointCloud2:
    """
    Return an unordered cloud with fields x, y, z, rgb.

    :param points_m: (N, 3) metres in the header's frame.
    :param colors_bgr: (N, 3) uint8.
    """
    count = len(points_m)
    records = np.zeros(count, np.dtype([('xyz', '<f4', 3), ('bgra', 'u1', 4)]))
    records['xyz'] = points_m
    records['bgra'][:, :3] = colors_bgr
    cloud = PointCloud2(
        header=header,
        height=1,
        width=count,
        is_bigendian=False,
        is_dense=True,
        point_step=records.itemsize,
        row_step=records.itemsize * count,
        fields=[
            PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
            for i, name in enumerate(('x', 'y', 'z', 'rgb'))
        ],
    )
    cloud.data.frombytes(records.tobytes())
    return cloud


def camera_info(camera: Camera, header: Header) -> CameraInfo:
    """
    Return sensor_msgs/CameraInfo of the image at hand: binning and region are in K already.

    P belongs to pixels as they are, so it is K beside the distortion D, which pixels keep.
    """
    intrinsics = np.array(
        [[camera.fx, camera.skew, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]], np.float64
    )
    info = CameraInfo(header=header, width=camera.width, height=camera.height)
    info.distortion_model = camera.distortion_model or 'plumb_bob'
    info.d = [float(v) for v in camera.distortion] or [0.0] * 5
    info.k = intrinsics.ravel()
    info.r = np.eye(3).ravel()
    # the camera may be the second one of a pair, in whose first one's frame its images are
    info.p = np.column_stack([intrinsics, -intrinsics @ camera.position_m]).ravel()
    return info


def _xyz(kind: type[Xyz], values: np.ndarray) -> Xyz:
    x, y, z = np.asarray(values, np.float64).tolist()
    return kind(x=x, y=y, z=z)


def _quaternion_message(pose: MetricPose) -> Quaternion:
    x, y, z, w = (float(v) for v in pose.quaternion())
    return Quaternion(x=x, y=y, z=z, w=w)


def _points32(points: np.ndarray) -> list[Point32]:
    return [Point32(x=x, y=y, z=z) for x, y, z in np.asarray(points, np.float32).tolist()]


def _transform(pose: MetricPose, child: str, header: Header) -> TransformStamped:
    return TransformStamped(
        header=header,
        child_frame_id=child,
        transform=Transform(
            translation=_xyz(Vector3, pose.translation_m), rotation=_quaternion_message(pose)
        ),
    )


def _marker(header: Header, namespace: str, index: int, kind: int) -> Marker:
    marker = Marker(header=header, ns=namespace, id=index, type=kind, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    marker.lifetime.sec = MARKER_LIFETIME_S
    marker.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    return marker


def _landmark_marker(face: Face, header: Header, index: int) -> Marker:
    marker = _marker(header, 'landmarks', index, Marker.SPHERE_LIST)
    marker.scale = Vector3(x=LANDMARK_SIZE_M, y=LANDMARK_SIZE_M, z=LANDMARK_SIZE_M)
    marker.color = ColorRGBA(r=0.2, g=1.0, b=0.3, a=1.0)
    marker.points = [_xyz(Point, p) for p in face.landmarks_m]
    return marker


def _axes_marker(face: Face, header: Header, index: int) -> Marker:
    """Red x, green y, blue z, as RViz draws every frame."""
    marker = _marker(header, 'axes', index, Marker.LINE_LIST)
    marker.scale.x = LANDMARK_SIZE_M
    origin = _xyz(Point, face.pose.translation_m)
    for axis in range(3):
        tip = face.pose.translation_m + AXIS_LENGTH_M * face.pose.rotation[:, axis]
        color = ColorRGBA(r=float(axis == 0), g=float(axis == 1), b=float(axis == 2), a=1.0)
        marker.points += [origin, _xyz(Point, tip)]
        marker.colors += [color, color]
    return marker


def _text_marker(face: Face, header: Header, index: int) -> Marker:
    """Name the face above its forehead."""
    marker = _marker(header, 'names', index, Marker.TEXT_VIEW_FACING)
    marker.scale.z = TEXT_SIZE_M
    marker.text = face.id
    above = face.pose.translation_m + AXIS_LENGTH_M * face.pose.rotation[:, 2]
    marker.pose.position = _xyz(Point, above)
    return marker


def _gaze_marker(face: Face, header: Header, index: int) -> Marker:
    """Show an arrow from between the eyes along the gaze; thin and grey where it is the head's."""
    marker = _marker(header, 'gazes', index, Marker.ARROW)
    seen = face.eyes is not None and bool(face.eyes.measured.any())
    marker.scale = Vector3(x=0.004, y=0.012, z=0.02) if seen else Vector3(x=0.002, y=0.006, z=0.02)
    marker.color = (
        ColorRGBA(r=1.0, g=0.8, b=0.1, a=1.0) if seen else ColorRGBA(r=0.6, g=0.6, b=0.6, a=1.0)
    )
    origin = face.pose.translation_m
    marker.points = [_xyz(Point, origin), _xyz(Point, origin + GAZE_LENGTH_M * face.gaze)]
    return marker
