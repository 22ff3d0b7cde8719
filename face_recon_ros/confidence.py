"""How far a face's pose can be trusted, from how well the model explains its landmarks."""

from __future__ import annotations

import numpy as np

from face_recon_ros.pose import MetricPose, rotation_to

# On posed heads (docs/accuracy.md) half of the faces with this fit error are off by more than 12
# degrees of yaw; with the spread, the score is the share that is not.
DOUBTFUL_FIT_ERROR = 0.026
FIT_ERROR_SPREAD = 0.005

# Standard deviation of the rotation about image x (pitch), y (yaw), z (roll): base + growth *
# (fit_error / 0.02)^2, from 68 % quantiles by fit error on photos (docs/accuracy.md).
ROTATION_SIGMA_RAD = np.radians([4.5, 2.5, 1.0])
ROTATION_SIGMA_GROWTH_RAD = np.radians([3.2, 6.0, 3.2])
FIT_ERROR_UNIT = 0.02
# Heads differ in size: adult interpupillary distance, SD / mean (Dodgson 2004)
DISTANCE_SIGMA_RATIO = 0.057
# Landmark error across the ray, relative to the distance
ACROSS_SIGMA_RATIO = 0.004


def confidence(presence: float, fit_error: float) -> float:
    """Return 0..1: the network's presence, scaled down where the fit is poor, as on profiles."""
    fit = 1 / (1 + np.exp((fit_error - DOUBTFUL_FIT_ERROR) / FIT_ERROR_SPREAD))
    return float(presence * fit)


def pose_covariance(pose: MetricPose, fit_error: float) -> np.ndarray:
    """Return (6, 6): x, y, z in m^2, then rotations about x, y, z in rad^2, camera frame."""
    distance_m = np.linalg.norm(pose.translation_m)
    ratios = [ACROSS_SIGMA_RATIO, ACROSS_SIGMA_RATIO, DISTANCE_SIGMA_RATIO]
    along_ray = np.diag((np.array(ratios) * distance_m) ** 2)
    turn = rotation_to(pose.translation_m)
    growth = (fit_error / FIT_ERROR_UNIT) ** 2
    sigma_rad = ROTATION_SIGMA_RAD + ROTATION_SIGMA_GROWTH_RAD * growth
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = turn @ along_ray @ turn.T
    covariance[3:, 3:] = turn @ np.diag(sigma_rad**2) @ turn.T
    return covariance
