# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The last step of the way of the data: metric pose, covariance and landmarks in one call.

Typed Python interface of the C++ pose solver (src_cpp/pose_solver.hpp). A weak-perspective fit is
lifted to the camera frame as pose.metric_pose does it. With a calibrated camera Gauss-Newton steps
in full perspective follow: a head at 0.4 m looks otherwise than from afar, and weak perspective
takes some of that for a turn. Where the focal length is a guess they are left out: a portrait cut
out of a photo looks as if taken from nearby. The covariance is confidence.pose_covariance's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.camera import Camera
from face_recon_ros.confidence import (
    ACROSS_SIGMA_RATIO,
    ASSUMED_FOCAL_SIGMA_RATIO,
    BY_FIT_ERROR,
    BY_OWN_SIGMA,
    DISTANCE_SIGMA_RATIO,
    YAW_BAND_MIDDLES_DEG,
    RotationCalibration,
)
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import GeometryError
from face_recon_ros.face_model.landmarks import SparseModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.pose import MetricPose


@dataclass(slots=True, frozen=True, eq=False)
class SolvedPose(ComparedByValue):
    """
    A face in space.

    pose: of the face frame in the camera frame. covariance (6, 6): of it, see Face. landmarks_px
    (N, 3): x, y, z towards the viewer. landmarks_m (N, 3): camera frame.
    """

    pose: MetricPose
    covariance: np.ndarray
    landmarks_px: np.ndarray
    landmarks_m: np.ndarray


class PoseSolver:
    """Holds the model at N landmarks, and finds poses by them."""

    def __init__(self, landmarks: SparseModel) -> None:
        self._solver = _renderer.PoseSolver(
            np.ascontiguousarray(landmarks.mean, np.float64),
            np.ascontiguousarray(landmarks.basis, np.float64),
            ACROSS_SIGMA_RATIO,
            ASSUMED_FOCAL_SIGMA_RATIO,
        )

    def __call__(
        self,
        parameters: FaceParameters,
        camera: Camera,
        fit_error: float,
        own_sigma_rad: float | None = None,
        calibration: RotationCalibration | None = None,
        head_scale: float = 1.0,
        head_sigma: float = DISTANCE_SIGMA_RATIO,
    ) -> SolvedPose:
        """
        Find the pose of a face.

        :param own_sigma_rad: what the network says of its rotation's error; None: nothing
        :param calibration: of that, or of fit_error; None: confidence.py's
        :param head_scale: size of the head relative to the model's
        :param head_sigma: relative standard deviation of that
        :raises GeometryError: no pose follows, see pose.metric_pose.
        """
        matrix, shape, expression = (
            np.ascontiguousarray(values, np.float64)
            for values in (parameters.camera_matrix, parameters.shape, parameters.expression)
        )
        by_default = BY_FIT_ERROR if own_sigma_rad is None else BY_OWN_SIGMA
        fault, rotation, translation_m, covariance, landmarks_px, landmarks_m = (
            self._solver.solve(
                matrix,
                shape,
                expression,
                (camera.fx, camera.fy, camera.cx, camera.cy, camera.skew),
                self._directions(camera, matrix, shape, expression),
                camera.position_m,
                camera.calibrated,
                head_scale,
                head_sigma,
                fit_error if own_sigma_rad is None else own_sigma_rad,
                compiled(calibration or by_default),
            )
        )
        if fault:
            raise GeometryError(f'{fault}; no pose follows')
        return SolvedPose(
            MetricPose(rotation, translation_m), covariance, landmarks_px, landmarks_m
        )

    def _directions(
        self, camera: Camera, matrix: np.ndarray, shape: np.ndarray, expression: np.ndarray
    ) -> np.ndarray | None:
        """Return where origin and landmarks are seen (1 + N, 3); None: by the intrinsics alone."""
        if not camera.distortion.size:
            return None
        pixels = self._solver.project(matrix, shape, expression)[:, :2]
        with np.errstate(invalid='ignore', over='ignore'):
            return camera.directions(np.vstack([matrix[:2, 3], pixels]))


@lru_cache(maxsize=32)
def compiled(calibration: RotationCalibration) -> _renderer.RotationCalibration:
    """Return a calibration as C++ has it."""
    return _renderer.RotationCalibration(
        calibration.uncertainty_unit,
        calibration.UNCERTAINTY_RANGE,
        calibration.exponents,
        calibration.LARGEST_DEG,
        YAW_BAND_MIDDLES_DEG,
        calibration.sigma_deg,
    )
