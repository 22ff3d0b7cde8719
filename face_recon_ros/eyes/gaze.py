# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where the eyes look: a direction from eyes and head, by their covariances.

The network sees how far each eyeball is turned from its own viewing ray, as sines along and across
the eye. All is written in the frame of that ray, whose x and y are those directions; the formulas
are in C++ (src_cpp/eyes.hpp).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.camera import Camera
from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.landmarks import LEAST_WIDTH_PX, EyeLandmarks
from face_recon_ros.eyes.openness import FULL_OPENNESS
from face_recon_ros.pose import MetricPose


@dataclass(slots=True, frozen=True)
class GazeConstants:
    """
    How the network sees eyes turn, and how well.

    Chosen on one half of the photos of scripts/fit_gaze.py; scripts/evaluate_gaze.py judges on the
    other.

    gain, vertical_gain: eyes turn so much further than they are seen to, to the side and up and
    down. half_width_px: they are seen to turn less in small eyes, by half in an eye of this
    width, corner to corner. eye_sigma: of the sine, of large eyes. noise_width_px: what is added
    to it falls with the square of an eye's width; at this width it is 1. spread_rad: how far eyes
    turn in the head, a standard deviation, about a direction that lies tilt_rad below the head's.
    sigma_scale: of what follows from these.
    """

    gain: float = 1.0
    vertical_gain: float = 1.0
    half_width_px: float = 0.0
    eye_sigma: float = 0.03
    noise_width_px: float = 8.0
    spread_rad: float = math.radians(10)
    tilt_rad: float = 0.0
    sigma_scale: float = 1.0


# What scripts/fit_gaze.py found
FITTED = GazeConstants(
    gain=1.08,
    vertical_gain=1.13,
    half_width_px=17.1,
    eye_sigma=0.0139,
    noise_width_px=5.81,
    spread_rad=math.radians(3.5),
    tilt_rad=math.radians(5.0),
    sigma_scale=1.88,
)

# Eyes that are less open, as part_open() says, say nothing
LEAST_OPEN = 0.5
# An eye further from the front than its nose lets it be seen: narrower than this part of a
# frontal one
LEAST_WIDTH_RATIO = 0.45
EYE_WIDTH_M = 0.0235
# 68 % of the errors of two independent axes of standard deviation 1 are smaller (Rayleigh)
OF_TWO_AXES = math.sqrt(-2 * math.log(1 - 0.68))
# An iris cannot be further from its centre's ray than this part of the radius: it would be hidden
MOST_SINE = 0.94
# Within this angle of the head's direction 68 % of the gazes lie, as far as the eyes turn in it
EYES_IN_HEAD_RAD = FITTED.sigma_scale * OF_TWO_AXES * FITTED.spread_rad


@dataclass(slots=True, frozen=True)
class GazeEstimate:
    """direction (3,): unit, camera frame. sigma_rad: 68 % of errors are smaller. measured (2,)."""

    direction: np.ndarray
    sigma_rad: float
    measured: np.ndarray


def head_sigma_rad(pose: MetricPose, covariance: np.ndarray) -> float:
    """Return below which angle 68 % of the errors of the head's direction lie."""
    across = direction_covariance(pose.rotation[:, 0], covariance)
    return OF_TWO_AXES * math.sqrt(max(float(np.trace(across)), 0.0) / 2)


def gaze_of(
    eyes: EyeLandmarks,
    pose: MetricPose,
    covariance: np.ndarray,
    landmarks_m: np.ndarray,
    camera: Camera,
    head_scale: float = 1.0,
    constants: GazeConstants | None = None,
) -> GazeEstimate:
    """
    Return where a face's eyes look.

    :param covariance: (6, 6) of the pose, see Face
    :param landmarks_m: (68, 3) camera frame
    :param head_scale: size of the head relative to the face model's
    """
    known = constants or FITTED
    corners_m = landmarks_m[CORNERS_68] - camera.position_m
    measured, direction, variance = _renderer.gaze_of(
        np.ascontiguousarray(eyes.turns),
        np.ascontiguousarray(eyes.width_px),
        np.ascontiguousarray(eyes.openness),
        np.ascontiguousarray(corners_m),
        np.ascontiguousarray(pose.rotation),
        np.ascontiguousarray(covariance),
        head_scale,
        _compiled(known),
    )
    if direction is None:
        return GazeEstimate(pose.rotation[:, 0], head_sigma_rad(pose, covariance), measured)
    sigma_rad = known.sigma_scale * OF_TWO_AXES * math.sqrt(variance / 2)
    return GazeEstimate(direction, sigma_rad, measured)


@lru_cache(maxsize=32)
def _compiled(known: GazeConstants) -> _renderer.GazeSettings:
    """Return constants as C++ has them."""
    settings = _renderer.GazeSettings()
    settings.gain, settings.vertical_gain = known.gain, known.vertical_gain
    settings.half_width_px = known.half_width_px
    settings.eye_sigma, settings.noise_width_px = known.eye_sigma, known.noise_width_px
    settings.spread_rad, settings.tilt_rad = known.spread_rad, known.tilt_rad
    settings.least_width_px, settings.least_width_ratio = LEAST_WIDTH_PX, LEAST_WIDTH_RATIO
    settings.least_openness = LEAST_OPEN * FULL_OPENNESS
    settings.full_openness = FULL_OPENNESS
    settings.eye_width_m, settings.most_sine = EYE_WIDTH_M, MOST_SINE
    return settings


def direction_covariance(direction: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return (3, 3) of a direction that turns with a pose of covariance (6, 6)."""
    x, y, z = direction
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return cross @ covariance[3:, 3:] @ cross.T
