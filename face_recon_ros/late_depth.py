# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth held against a face as an older image showed it, and what that says of the face now."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.depth_alignment import Aligned
from face_recon_ros.depth_lag import LAGS_S
from face_recon_ros.face import Face
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import rotation_to


@dataclass(slots=True)
class FacesBefore:
    """An id's faces as the images alone showed them, as far back as depth may be late."""

    faces: deque[tuple[float, Face]] = field(default_factory=deque)

    def add(self, stamp_s: float, face: Face) -> None:
        """Take in the newest."""
        if self.faces and self.faces[-1][0] == stamp_s:
            self.faces.pop()
        if self.faces and not self.faces[-1][0] < stamp_s:
            self.faces.clear()
        self.faces.append((stamp_s, face))
        while self.faces[0][0] < stamp_s - 1.5 * LAGS_S[-1]:
            self.faces.popleft()

    def at(self, stamp_s: float) -> Face:
        """Return the face of the image nearest to a stamp."""
        return min(self.faces, key=lambda before: abs(before[0] - stamp_s))[1]

    def log_distances(self) -> np.ndarray | None:
        """
        Return the logarithms of distance over size as each of LAGS_S before the newest (lags,).

        None: so far back nothing is known.
        """
        times_s = np.array([before[0] for before in self.faces])
        then_s = times_s[-1] - LAGS_S
        if then_s[-1] < times_s[0]:
            return None
        return np.interp(
            then_s,
            times_s,
            [math.log(face.pose.distance_m / face.head_scale) for _, face in self.faces],
        )


def without_prior(
    turn: np.ndarray, covariance: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a turn (3,) without its prior of zero, and the covariance (3, 3) of that."""
    return _renderer.without_prior(
        turn, np.ascontiguousarray(covariance), np.ascontiguousarray(prior)
    )


def moved(found: Aligned, then: Face, face: Face) -> Aligned:
    """Return an alignment of a face as it was `then`, where the image shows it now."""
    if then is face:
        return found
    ratio = face.pose.distance_m / then.pose.distance_m * then.head_scale / face.head_scale
    turn = rotation_to(face.pose.translation_m) @ rotation_to(then.pose.translation_m).T
    move = np.eye(6)
    move[:3, :3] = ratio * turn
    return replace(
        found,
        pose=MetricPose(found.pose.rotation, move[:3, :3] @ found.pose.translation_m),
        centre_m=move[:3, :3] @ found.centre_m,
        covariance=move @ found.covariance @ move.T,
    )
