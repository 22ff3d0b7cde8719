"""
Rotations, frames, and the step from weak perspective to a metric pose in the camera frame.

Frames: camera optical (REP-103: x right, y down, z forward); face (REP-155: x out of the face, y
to the subject's left, z up); gaze (REP-155: z out of the face, x to the subject's right, y down);
model (x image-right when frontal, y up, z out of the face). All right-handed, SI units, radians.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from face_recon_ros.errors import CalibrationError
from face_recon_ros.face_model import FaceParameters, similarity

# Columns: the axes of one frame written in another
MODEL_FROM_FACE = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
FACE_FROM_GAZE = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
# x right, y up, z to the viewer -> x right, y down, z forward
OPTICAL_FROM_VIEWER = np.diag([1.0, -1.0, -1.0])

DISTORTION_COUNTS = {
    'plumb_bob': (0, 4, 5),
    'rational_polynomial': (8, 12, 14),
    'equidistant': (4,),
    '': (0,),
}


@dataclass(slots=True, frozen=True)
class Camera:
    """Pinhole intrinsics in pixels of the image at hand, and its lens distortion (OpenCV's)."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: np.ndarray = field(default_factory=lambda: np.zeros(0))
    distortion_model: str = ''
    calibrated: bool = True

    @classmethod
    def uncalibrated(cls, width: int, height: int) -> Camera:
        """Return the stand-in where no calibration is known: fx = fy = width, centred."""
        return cls(
            width, height, width, width, (width - 1) / 2, (height - 1) / 2, calibrated=False
        )

    @classmethod
    def from_calibration(
        cls,
        width: int,
        height: int,
        k: np.ndarray,
        d: np.ndarray,
        distortion_model: str = 'plumb_bob',
        binning: tuple[int, int] = (1, 1),
        roi: tuple[int, int] = (0, 0),
    ) -> Camera:
        """
        Return the camera of an image from the calibration of the full sensor.

        :param width: of the image at hand (after region of interest and binning), px
        :param k: (9,) or (3, 3) intrinsic matrix of the full-resolution image
        :param d: (D,) distortion coefficients in OpenCV's order for `distortion_model`
        :param binning: x, y; 0 means 1 (sensor_msgs/CameraInfo)
        :param roi: x, y offset of the region of interest in the full-resolution image, px
        :raises CalibrationError: not finite, no positive focal length, unknown distortion.
        """
        k = np.asarray(k, np.float64).reshape(-1)
        d = np.asarray(d, np.float64).reshape(-1)
        if k.size != 9 or not np.isfinite(k).all() or not np.isfinite(d).all():
            raise CalibrationError('holds NaN, infinity or a K that is not 3x3; calibrate again')
        if k[0] == 0:
            return cls.uncalibrated(width, height)
        if k[0] < 0 or k[4] <= 0:
            raise CalibrationError(
                f'focal length {k[0]:g}, {k[4]:g} px is not positive; calibrate again'
            )
        counts = DISTORTION_COUNTS.get(distortion_model)
        if counts is None:
            raise CalibrationError(
                f'unknown distortion_model "{distortion_model}"; use one of '
                + ', '.join(name for name in DISTORTION_COUNTS if name)
            )
        if d.size not in counts and d.any():
            raise CalibrationError(
                f'{d.size} distortion coefficients for {distortion_model or "no model"}, '
                f'wants {" or ".join(map(str, counts))}'
            )
        bin_x, bin_y = max(1, binning[0]), max(1, binning[1])
        return cls(
            width,
            height,
            k[0] / bin_x,
            k[4] / bin_y,
            # a binned pixel's centre lies in the middle of the pixels it gathers
            (k[2] - roi[0] + 0.5) / bin_x - 0.5,
            (k[5] - roi[1] + 0.5) / bin_y - 0.5,
            d if d.any() else np.zeros(0),
            distortion_model if d.any() else '',
        )

    def rays(self, points_px: np.ndarray) -> np.ndarray:
        """Return the directions (N, 3), z = 1, in the optical frame, of pixels (N, 2)."""
        points_px = np.asarray(points_px, np.float64)
        if self.distortion.size:
            xy = self._undistort(points_px)
        else:
            xy = (points_px - np.array([self.cx, self.cy])) / np.array([self.fx, self.fy])
        rays = np.ones((len(xy), 3))
        rays[:, :2] = xy
        return rays

    def _undistort(self, points_px: np.ndarray) -> np.ndarray:
        matrix = np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])
        points = np.ascontiguousarray(points_px[:, None])
        if self.distortion_model == 'equidistant':
            return cv2.fisheye.undistortPoints(points, matrix, self.distortion)[:, 0]
        return cv2.undistortPoints(points, matrix, self.distortion)[:, 0]


@dataclass(slots=True, frozen=True)
class MetricPose:
    """Pose of the face frame in the camera optical frame: rotation (3, 3), translation (3,) m."""

    rotation: np.ndarray
    translation_m: np.ndarray

    def quaternion(self) -> np.ndarray:
        """Return the rotation as x, y, z, w with w >= 0."""
        return quaternion(self.rotation)


def face_rotation(parameters: FaceParameters) -> np.ndarray:
    """Return (3, 3): face frame -> image-aligned optical frame, without the viewing ray."""
    return OPTICAL_FROM_VIEWER @ parameters.model_rotation @ MODEL_FROM_FACE


def metric_pose(
    parameters: FaceParameters,
    landmarks_model_m: np.ndarray,
    camera: Camera,
    head_scale: float = 1.0,
) -> MetricPose:
    """
    Lift a weak-perspective fit to a pose in metres in the camera frame.

    The landmarks' pixels become rays (lens distortion undone), the rays are turned so that the
    face's own viewing ray is the axis, and there weak perspective is fitted again: on that axis it
    holds, whatever the place in the image; an off-axis face would come out stretched and turned
    by the angle of its ray otherwise. 1 / scale is the distance of the landmarks' centroid.

    :param landmarks_model_m: (N, 3) the face's own landmarks in model axes, metres
    :param head_scale: size of the real head relative to the model's
    """
    landmarks_px = parameters.project(landmarks_model_m)
    origin_px = parameters.camera_matrix[:, 3]
    rays = camera.rays(np.vstack([origin_px[:2], landmarks_px[:, :2]]))
    optical_from_ray = rotation_to(rays[0])
    turned = rays @ optical_from_ray
    seen = turned[1:, :2] / turned[1:, 2:]
    # depth from the fit, in the unit of `seen`; towards the viewer is nearer
    unit = _spread(seen) / _spread(landmarks_px[:, :2])
    depth = -(landmarks_px[:, 2] - origin_px[2]) * unit
    scale, rotation, _ = similarity(
        landmarks_model_m @ OPTICAL_FROM_VIEWER, np.column_stack([seen, depth])
    )
    optical_from_model = optical_from_ray @ rotation @ OPTICAL_FROM_VIEWER
    centroid_m = optical_from_ray @ np.append(seen.mean(axis=0), 1.0) * head_scale / scale
    origin_m = centroid_m - head_scale * optical_from_model @ landmarks_model_m.mean(axis=0)
    return MetricPose(optical_from_model @ MODEL_FROM_FACE, origin_m)


def _spread(points: np.ndarray) -> float:
    centred = points - points.mean(axis=0)
    return float(np.sqrt(np.vdot(centred, centred)))


def rotation_to(ray: np.ndarray) -> np.ndarray:
    """Return the shortest rotation (3, 3) that takes the z axis to the direction `ray` (3,)."""
    x, y, z = ray / np.linalg.norm(ray)
    # Rodrigues' formula with axis z x ray; no face is behind the camera, so z > -1
    return np.array(
        [
            [1 - x * x / (1 + z), -x * y / (1 + z), x],
            [-x * y / (1 + z), 1 - y * y / (1 + z), y],
            [-x, -y, z],
        ]
    )


def points_in_camera(
    points_model_m: np.ndarray, pose: MetricPose, head_scale: float = 1.0
) -> np.ndarray:
    """Take model points (N, 3) in metres to the camera optical frame."""
    optical_from_model = pose.rotation @ MODEL_FROM_FACE.T
    return head_scale * points_model_m @ optical_from_model.T + pose.translation_m


def depth_plane(parameters: FaceParameters, pose: MetricPose, head_scale: float) -> np.ndarray:
    """
    Return (4,) a, b, c, d with depth_m = a x_px + b y_px + c z_px + d for the face's vertices.

    Depth is along the camera's optical axis, as in a depth image (REP-118).
    """
    optical_from_model = pose.rotation @ MODEL_FROM_FACE.T
    model_from_px = np.linalg.inv(parameters.camera_matrix[:, :3])
    gradient = head_scale * optical_from_model[2] @ model_from_px
    return np.append(gradient, pose.translation_m[2] - gradient @ parameters.camera_matrix[:, 3])


def gaze_rotation(face: np.ndarray) -> np.ndarray:
    """Return the rotation (3, 3) of the gaze frame from that of the face frame."""
    return face @ FACE_FROM_GAZE


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """Return x, y, z, w with w >= 0 of a rotation (3, 3)."""
    # Eigenvector of the largest eigenvalue of K (Bar-Itzhack 2000): exact for every angle
    m = rotation
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], m[1, 0] + m[0, 1], m[2, 0] + m[0, 2], m[2, 1] - m[1, 2]],
            [m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]],
            [m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
        ]
    )
    q = np.linalg.eigh(k)[1][:, -1]
    return -q if q[3] < 0 else q


@dataclass(slots=True, frozen=True)
class EulerAngles:
    """
    Yaw, pitch, roll in degrees, for display only: where the face points in the image.

    AFLW2000's convention, R = Rx(-pitch) Ry(-yaw) Rz(-roll) with x image-right, y up, z to the
    viewer: yaw is positive towards image left, pitch is positive up, roll is positive clockwise in
    the image.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float

    @classmethod
    def from_rotation(cls, rotation: np.ndarray) -> EulerAngles:
        """Take them from a rotation (3, 3) face frame -> optical frame."""
        r = OPTICAL_FROM_VIEWER @ rotation @ MODEL_FROM_FACE.T
        pitch = np.arctan2(r[1, 2], r[2, 2])
        yaw = -np.arcsin(np.clip(r[0, 2], -1, 1))
        roll = np.arctan2(r[0, 1], r[0, 0])
        return cls(*(float(v) for v in np.degrees([yaw, pitch, roll])))
