# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How far a face's pose can be trusted: a score, and a calibrated covariance.

The uncertainty of a rotation is the sigma that the network predicts, else the normalised landmark
residual (fit error). scripts/calibrate_covariance.py prints the constants and their coverage.
"""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    azimuth_seen_rad,
    rotation_to,
)

# On posed heads (docs/accuracy.md) half of the faces with this fit error are off by more than 12
# degrees of yaw; with the spread, the score is the share that is not.
UNCERTAIN_FIT_ERROR = 0.026
FIT_ERROR_SPREAD = 0.005
SCORED_YAW_ERROR_RAD = math.radians(12)

# The network's own sigma is larger where there is no face. In a score it counts as a yaw sigma of
# DOUBT_RAD at DOUBT_UNIT_RAD that grows with this power
DOUBT_RAD, DOUBT_UNIT_RAD, DOUBT_EXPONENT = math.radians(3.4), 0.09, 1.5

# Heads differ in size: adult interpupillary distance, SD / mean (Dodgson 2004)
DISTANCE_SIGMA_RATIO = 0.057
# Landmark error across the ray, relative to the distance
ACROSS_SIGMA_RATIO = 0.004
# Without calibration: RMS of (true focal length / assumed one) - 1, the assumed one being the
# longer side of the image, over the fields of view that data sheets give for 22 cameras, from a
# phone's ultra-wide (108 degrees) to a portrait lens (24 degrees). test_confidence.py has the
# list. A log-normal distribution of sigma 0.45 has the same.
ASSUMED_FOCAL_SIGMA_RATIO = 0.53

# Standard deviations of roll, pitch and yaw, degrees, that a face has more of which the image cuts
# off all across it, or all along it; of a part, so much less. Of heads that leave the image
# by up to a third: python -m model_building.evaluation cut
OUT_OF_SIGHT_SIGMA_DEG = ((2.0, 14.0, 19.5), (5.0, 9.5, 7.0))
# The same of its place: across the ray, metres, and of its distance, relative
OUT_OF_SIGHT_ACROSS_M, OUT_OF_SIGHT_RANGE = 0.007, 0.12

# Azimuths between which the bands of the calibration lie, degrees
YAW_BANDS_DEG = (0, 15, 30, 45, 60, 75, 90)
YAW_BAND_MIDDLES_DEG = tuple((a + b) / 2 for a, b in itertools.pairwise(YAW_BANDS_DEG))


@dataclass(slots=True, frozen=True)
class RotationCalibration:
    """
    What 68 % of the errors of a rotation stay within, about the face's own axes.

    sigma_deg: in the middle of each of YAW_BANDS_DEG (of the azimuth seen), about x (roll),
    y (pitch), z (yaw) of the face, at uncertainty_unit; between, straight lines.
    exponents: sigma grows with uncertainty to the power of these, of roll, pitch, yaw.
    """

    uncertainty_unit: float
    exponents: tuple[float, float, float]
    sigma_deg: tuple[tuple[float, float, float], ...]

    # Up to such multiples of uncertainty_unit errors grow where noise, the image's edge or things
    # hide a face; most stay within about such angles: python -m model_building.evaluation hidden
    UNCERTAINTY_RANGE = (0.3, 8.0)
    LARGEST_DEG = (25.0, 30.0, 60.0)

    def sigma_rad(self, azimuth_rad: float, uncertainty: float) -> np.ndarray:
        """Return (3,) about the face's x, y, z."""
        low, high, way, ratio = self._between(azimuth_rad, uncertainty)
        return np.array([self._of_axis(axis, low, high, way, ratio) for axis in range(3)])

    def yaw_sigma_rad(self, azimuth_rad: float, uncertainty: float) -> float:
        """Return that about the face's z alone."""
        return self._of_axis(2, *self._between(azimuth_rad, uncertainty))

    def _of_axis(self, axis: int, low: int, high: int, way: float, ratio: float) -> float:
        a, b = self.sigma_deg[low][axis], self.sigma_deg[high][axis]
        degrees = (a + way * (b - a)) * ratio ** self.exponents[axis]
        return math.radians(min(degrees, self.LARGEST_DEG[axis]))

    def _between(self, azimuth_rad: float, uncertainty: float) -> tuple[int, int, float, float]:
        """Return two bands, how far it is from the first to the second, and the uncertainty."""
        azimuth_deg = abs(math.degrees(azimuth_rad))
        middles = YAW_BAND_MIDDLES_DEG
        high = min(bisect.bisect(middles, azimuth_deg), len(middles) - 1)
        low = max(high - 1, 0)
        way = (azimuth_deg - middles[low]) / (middles[high] - middles[low]) if high else 0.0
        way = min(max(way, 0.0), 1.0)
        least, most = self.UNCERTAINTY_RANGE
        ratio = min(max(uncertainty / self.uncertainty_unit, least), most)
        return low, high, way, ratio


# of the regressor `facemesh`: uncertainty is the fit error
BY_FIT_ERROR = RotationCalibration(
    uncertainty_unit=0.0116,
    exponents=(1.0, 0.45, 0.8),
    sigma_deg=(
        (2.01, 7.33, 4.41),
        (2.8, 7.22, 5.37),
        (1.86, 10.19, 6.51),
        (2.41, 8.03, 10.41),
        (2.44, 6.29, 10.7),
        (2.44, 6.29, 10.7),
    ),
)
# of the regressor `network`: uncertainty is its own sigma, radians
BY_OWN_SIGMA = RotationCalibration(
    uncertainty_unit=0.101,
    exponents=(1.2, 1.3, 1.1),
    sigma_deg=(
        (1.06, 5.24, 1.77),
        (1.6, 5.3, 2.75),
        (2.28, 3.08, 3.06),
        (2.93, 2.84, 3.8),
        (3.92, 2.83, 3.18),
        (3.52, 1.9, 3.97),
    ),
)

# of the regressor `hybrid`: uncertainty is both their sigmas, by their weights
BY_BOTH = RotationCalibration(
    uncertainty_unit=0.0582,
    exponents=(0.85, 0.45, 0.6),
    sigma_deg=(
        (1.93, 7.32, 4.17),
        (2.9, 7.11, 5.93),
        (2.87, 10.54, 5.9),
        (3.91, 11.14, 8.83),
        (3.37, 9.41, 15.0),
        (1.51, 8.38, 5.22),
    ),
)


def rotation_sigma_rad(
    rotation: np.ndarray,
    fit_error: float,
    own_sigma_rad: float | None = None,
    calibration: RotationCalibration | None = None,
) -> np.ndarray:
    """
    Return (3,) standard deviations about the face's x, y, z.

    :param rotation: (3, 3) face frame -> optical frame, without the viewing ray
    :param own_sigma_rad: what the network says of its error; None where it says nothing
    """
    azimuth_rad = azimuth_seen_rad(OPTICAL_FROM_VIEWER @ rotation @ MODEL_FROM_FACE.T)
    if own_sigma_rad is None:
        return (calibration or BY_FIT_ERROR).sigma_rad(azimuth_rad, fit_error)
    return (calibration or BY_OWN_SIGMA).sigma_rad(azimuth_rad, own_sigma_rad)


def out_of_sight_sigma_rad(out_of_sight: tuple[float, float]) -> np.ndarray:
    """
    Return (3,) standard deviations about the face's x, y, z that a face cut by the image has more.

    :param out_of_sight: parts 0..1 across and along the face that are beyond the image
    """
    aside, above_below = np.radians(OUT_OF_SIGHT_SIGMA_DEG) * np.array(out_of_sight)[:, None]
    return np.hypot(aside, above_below)


def confidence(presence: float, fit_error: float, yaw_sigma_rad: float | None = None) -> float:
    """
    Return 0..1: the network's presence, scaled down by how likely the yaw is far off.

    :param yaw_sigma_rad: of the rotation about the face's z; None: judge by the fit, which is poor
        on profiles
    """
    if yaw_sigma_rad is None:
        # the logistic function, of numbers of any size
        near = (1 - math.tanh((fit_error - UNCERTAIN_FIT_ERROR) / (2 * FIT_ERROR_SPREAD))) / 2
    else:
        near = math.erf(SCORED_YAW_ERROR_RAD / (yaw_sigma_rad * math.sqrt(2)))
    return float(presence * near)


def scored_sigma_rad(yaw_sigma_rad: float, own_sigma_rad: float) -> float:
    """Return the yaw sigma that a score counts with: the calibrated one, more where in doubt."""
    doubt_rad = DOUBT_RAD * (own_sigma_rad / DOUBT_UNIT_RAD) ** DOUBT_EXPONENT
    return max(yaw_sigma_rad, doubt_rad)


def pose_covariance(
    pose: MetricPose,
    fit_error: float,
    own_sigma_rad: float | None = None,
    camera: Camera | None = None,
    calibration: RotationCalibration | None = None,
    head_sigma: float = DISTANCE_SIGMA_RATIO,
) -> np.ndarray:
    """
    Return (6, 6): x, y, z in m^2, then rotations about x, y, z in rad^2, camera frame.

    :param own_sigma_rad: what the network says of its rotation's error; None: nothing
    :param camera: with which the pose was found; of an uncalibrated one the focal length is a
        guess, whose uncertainty is added. None: a calibrated one in the origin of its frame
    :param head_sigma: relative standard deviation of the size of the head, and so of its distance;
        that of adults by default
    """
    seen_m = pose.translation_m - np.array(camera.position_m if camera else (0.0, 0.0, 0.0))
    distance_m = np.linalg.norm(seen_m)
    ratios = [ACROSS_SIGMA_RATIO, ACROSS_SIGMA_RATIO, head_sigma]
    along_ray = np.diag((np.array(ratios) * distance_m) ** 2)
    turn = rotation_to(seen_m)
    sigma_rad = rotation_sigma_rad(
        turn.T @ pose.rotation, fit_error, own_sigma_rad, calibration
    )
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = turn @ along_ray @ turn.T
    covariance[3:, 3:] = pose.rotation @ np.diag(sigma_rad**2) @ pose.rotation.T
    if camera is not None and not camera.calibrated:
        moved = ASSUMED_FOCAL_SIGMA_RATIO * _per_focal_ratio(seen_m)
        covariance += np.outer(moved, moved)
    return covariance


def out_of_sight_covariance(
    pose: MetricPose, camera: Camera, out_of_sight: tuple[float, float]
) -> np.ndarray:
    """
    Return (6, 6), what a pose's covariance has more of a face that the image cuts.

    :param out_of_sight: as of out_of_sight_sigma_rad
    """
    covariance = np.zeros((6, 6))
    if not any(out_of_sight):
        return covariance
    part, seen_m = math.hypot(*out_of_sight), pose.translation_m - np.array(camera.position_m)
    along_m = OUT_OF_SIGHT_RANGE * float(np.linalg.norm(seen_m))
    turn = rotation_to(seen_m)
    place_m = part * np.array([OUT_OF_SIGHT_ACROSS_M, OUT_OF_SIGHT_ACROSS_M, along_m])
    covariance[:3, :3] = turn @ np.diag(place_m**2) @ turn.T
    sigma_rad = out_of_sight_sigma_rad(out_of_sight)
    covariance[3:, 3:] = pose.rotation @ np.diag(sigma_rad**2) @ pose.rotation.T
    return covariance


def moving_covariance(pose: MetricPose, camera: Camera, growth: np.ndarray) -> np.ndarray:
    """
    Return (6, 6), what a pose's covariance grows by while the face is not looked at.

    A head that turns in the image's plane turns out of it as well: it is taken for as fast there.

    :param growth: (4,) of the variances of its place in the image, x and y px, of the logarithm of
        its size, and of its roll in rad (tracking.motion)
    """
    seen_m = pose.translation_m - np.array(camera.position_m)
    across = growth[:2] / np.square([camera.fx, camera.fy])
    turn = rotation_to(seen_m)
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = turn @ np.diag([*across, growth[2]]) @ turn.T * float(seen_m @ seen_m)
    covariance[3:, 3:] = growth[3] * np.eye(3)
    return covariance


def _per_focal_ratio(translation_m: np.ndarray) -> np.ndarray:
    """
    Return (6,) the derivative of position and rotation by (true / assumed focal length).

    A face of known size at pixel offset u from the centre has z = f size / size_px and
    x = z u / f: z is proportional to f, x and y do not depend on it. The viewing ray, with which
    the rotation is turned, leans by theta = atan(|u| / f), so d theta / d ln f = -sin cos theta,
    about the axis z x ray.
    """
    x, y, z = translation_m
    turn = np.array([y, -x, 0.0]) * z / (x * x + y * y + z * z)
    return np.concatenate([[0.0, 0.0, z], turn])
