"""How far a face's pose can be trusted, from how well the model explains its landmarks."""

from __future__ import annotations

import numpy as np

from face_recon_ros.pose import MetricPose, rotation_to

# Fit error at which the score is one half, and the slope there; docs/accuracy.md has the table.
DOUBTFUL_FIT_ERROR = 0.025
FIT_ERROR_SPREAD = 0.004

# Rotation error about image x (pitch), y (yaw), z (roll): standard deviation at a perfect fit, and
# its growth per unit of fit error.
ROTATION_SIGMA_RAD = np.radians([4.5, 3.0, 1.8])
ROTATION_SIGMA_PER_FIT_ERROR_RAD = np.radians([150.0, 250.0, 60.0])
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
    sigma_rad = ROTATION_SIGMA_RAD + ROTATION_SIGMA_PER_FIT_ERROR_RAD * fit_error
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = turn @ along_ray @ turn.T
    covariance[3:, 3:] = turn @ np.diag(sigma_rad**2) @ turn.T
    return covariance
