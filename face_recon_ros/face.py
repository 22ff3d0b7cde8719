# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One face in one image, as it is found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from face_recon_ros.deprecation import warn_once
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.expression.units import nothing_known
from face_recon_ros.expression.units import unknown as unknown_blendshapes
from face_recon_ros.eyes.gaze import head_sigma_rad
from face_recon_ros.eyes.landmarks import Eyes
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.pose import MetricPose, depth_plane
from face_recon_ros.rotations import EulerAngles


class DistanceSource(IntEnum):
    """What a face's distance follows from; the numbers are those of Face.msg."""

    ASSUMED = 0
    """The size of an average head (PipelineConfig.interpupillary_distance_m)."""
    IRIS = 1
    """The size of the irises."""
    DEPTH = 2
    """A depth image: this one, or those before, which told the size of this head."""


@dataclass(slots=True, frozen=True, eq=False)
class Face(ComparedByValue):
    """
    One face in one image. Faces compare by value; arrays are float64.

    Pixels: x right, y down, the centre of the first pixel is (0, 0). Camera frame: the optical
    frame of REP-103, x right, y down, z forward, metres. Face frame: REP-155, x out of the face,
    y to the person's left, z up, origin at the sellion.

    id: the same for the same face of a stream; '' in a photo.
    score: 0..1, how far the pose can be trusted; 0 where the face is only remembered
        (TrackingSettings.coast_frames).
    fit_error: mean distance between the landmarks found and the model's, as a fraction of the
        distance between the outer eye corners.
    box (4,): x0, y0, x1, y1 px; may leave the image.
    parameters: the 62 numbers of the face model.
    rotation (3, 3): face frame -> image-aligned frame: what the image shows, identical for a face
        in the middle and in a corner. Not the rotation of `pose`.
    pose: of the face frame in the camera frame, metric.
    pose_covariance (6, 6): of `pose`: x, y, z in m^2, rotations about x, y, z in rad^2.
    landmarks_px (68, 3): iBUG-68; x, y, and z towards the viewer.
    landmarks_m (68, 3): the same in the camera frame.
    head_scale: size of this head relative to the face model's.
    rotation_sigma_rad: standard deviation of the rotation as the network gives it; None where
        the regressor gives none.
    distance_source: what the distance, and with it the size of the head, follows from.
    eyes: what is seen of them; None where they were not looked at (PipelineConfig.use_eyes).
    blendshapes (52,): 0..1, in the order of expression.units.NAMES (ARKit's); NaN where they are
        not known, or not asked for (PipelineConfig.expressions).
    blendshape_confidence (52,): 0..1, how well each is known; 0: not at all, whatever it is.
    speaking: 0..1, how surely the person speaks; NaN as above, and in the first second.
    predicted: not looked at in this image, as others had their turn
        (TrackingSettings.max_regressions_per_image): the face is where its motion takes it, turned
        in the image's plane with it, and less sure the longer ago it was looked at; the rest is as
        it was found last.
    """

    id: str
    score: float
    fit_error: float
    box: np.ndarray
    parameters: FaceParameters
    rotation: np.ndarray
    pose: MetricPose
    pose_covariance: np.ndarray
    landmarks_px: np.ndarray
    landmarks_m: np.ndarray
    head_scale: float = 1.0
    rotation_sigma_rad: float | None = None
    distance_source: DistanceSource = DistanceSource.ASSUMED
    eyes: Eyes | None = None
    blendshapes: np.ndarray = field(default_factory=unknown_blendshapes)
    blendshape_confidence: np.ndarray = field(default_factory=nothing_known)
    speaking: float = math.nan
    predicted: bool = False

    @property
    def gaze(self) -> np.ndarray:
        """Where the eyes look, else the head: unit vector (3,), camera frame."""
        return self.pose.rotation[:, 0] if self.eyes is None else self.eyes.gaze

    @property
    def gaze_sigma_rad(self) -> float:
        """Angle within which 68 % of the gazes are true; the head's where the eyes say nothing."""
        if self.eyes is None:
            return head_sigma_rad(self.pose, self.pose_covariance)
        return self.eyes.sigma_rad

    @property
    def eye_openness(self) -> np.ndarray:
        """Right and left eye of the person (2,): 0 closed .. 1 open; NaN where not seen."""
        return np.full(2, np.nan) if self.eyes is None else self.eyes.landmarks.openness

    @property
    def angles(self) -> EulerAngles:
        """Yaw, pitch and roll of `rotation`, for display: image-aligned, as in the CSV."""
        return EulerAngles.from_rotation(self.rotation)

    @property
    def distance_m(self) -> float:
        """From the camera's origin to the face's: the range, not z."""
        return self.pose.distance_m

    @property
    def depth_plane(self) -> np.ndarray:
        """Deprecated: pose.depth_plane of the face's parameters, pose and head scale."""
        warn_once('Face.depth_plane', 'face_recon_ros.pose.depth_plane()')
        return depth_plane(self.parameters, self.pose, self.head_scale)
