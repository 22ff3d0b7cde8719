# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which way the model faces: its axes and origin, from the profile of the mean."""
from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model_building.face_model.topology import Topology

FACIAL_ANGLE_DEG = 87.8
"""Between the Frankfurt horizontal and the line from nasion to pogonion, the average adult's
(W. B. Downs, American Journal of Orthodontics 34, 1948)."""
SELLION_ABOVE_TIP_M = (0.020, 0.055)
POGONION_BELOW_TIP_M = (0.052, 0.085)
ROUNDS = 5


def _profile(points: np.ndarray, topology: Topology) -> np.ndarray:
    return np.flatnonzero((np.abs(points[:, 0]) < 1e-9) & topology.front_mask)


def find_sellion(points: np.ndarray, topology: Topology) -> int:
    """Return the vertex at the deepest point of the nasal root of a face (V,3), metres."""
    profile = _profile(points, topology)
    above = points[profile, 1] - points[profile[np.argmax(points[profile, 2])], 1]
    root = profile[(above > SELLION_ABOVE_TIP_M[0]) & (above < SELLION_ABOVE_TIP_M[1])]
    return int(root[np.argmin(points[root, 2])])


def find_pogonion(points: np.ndarray, topology: Topology) -> int:
    """Return the vertex at the foremost point of the chin of a face (V,3), metres."""
    profile = _profile(points, topology)
    below = points[profile[np.argmax(points[profile, 2])], 1] - points[profile, 1]
    chin = profile[(below > POGONION_BELOW_TIP_M[0]) & (below < POGONION_BELOW_TIP_M[1])]
    return int(chin[np.argmax(points[chin, 2])])


def upright_rotation(points: np.ndarray, topology: Topology) -> np.ndarray:
    """
    Return the rotation (3,3) about x that makes z level as anatomists define it.

    z lies in the Frankfurt horizontal of a person with the average facial angle: the way heads
    point that look straight ahead, far away, standing at ease.
    """
    rotation = np.eye(3)
    for _ in range(ROUNDS):
        turned = points @ rotation.T
        line = turned[find_sellion(turned, topology)] - turned[find_pogonion(turned, topology)]
        missing = np.arctan2(line[2], line[1]) - np.radians(90 - FACIAL_ANGLE_DEG)
        rotation = Rotation.from_euler('x', -missing).as_matrix() @ rotation
    return rotation
