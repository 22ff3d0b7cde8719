# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The eyes of the faces of images: looked at, placed, filtered."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.eyes.crops import CORNERS_68, sines_seen
from face_recon_ros.eyes.gaze import gaze_of
from face_recon_ros.eyes.iris import EyeNetwork
from face_recon_ros.eyes.landmarks import Eyes
from face_recon_ros.eyes.smoothing import GazeSmoothers, unit
from face_recon_ros.pose import MetricPose

# When to look at eyes: where somebody wants to know, in any case, not at all
AUTO, ALWAYS, NEVER = 'auto', 'always', 'never'


class EyeReader:
    """Looks at eyes; the network is loaded with the first face whose eyes are asked for."""

    def __init__(self, threads: int, smooth: bool, learn_offset: bool) -> None:
        self._threads = threads
        self._network: EyeNetwork | None = None
        self._smoothers = GazeSmoothers(smooth, learn_offset)

    def configure(self, smooth: bool, learn_offset: bool) -> None:
        """Smooth or not; learn each person's offset or not."""
        self._smoothers.configure(smooth, learn_offset)

    def reset(self) -> None:
        """Forget everybody."""
        self._smoothers.reset()

    def keep(self, ids: Collection[str]) -> None:
        """Forget who is not among the ids that may come again."""
        self._smoothers.keep(ids)

    def __call__(
        self,
        image: np.ndarray,
        face_id: str,
        pose: MetricPose,
        covariance: np.ndarray,
        landmarks_px: np.ndarray,
        landmarks_m: np.ndarray,
        camera: Camera,
        head_scale: float,
        stamp_s: float | None,
    ) -> Eyes:
        """
        Return the eyes of a face.

        :param stamp_s: of a stream's image; None: of a photo, of which nothing is remembered
        :raises ModelFileError: the network's file cannot be used.
        """
        if self._network is None:
            self._network = EyeNetwork(threads=self._threads)
        corners_m = landmarks_m[CORNERS_68] - camera.position_m
        middles_m = (corners_m[:, 0] + corners_m[:, 1]) / 2
        heads = sines_seen(pose.rotation[:, 0], middles_m)
        eyes = self._network(image, landmarks_px, heads)
        found = gaze_of(eyes, pose, covariance, landmarks_m, camera, head_scale)
        gaze = found.direction
        if stamp_s is not None:
            to_camera = unit(-middles_m[0] - middles_m[1])
            gaze = self._smoothers(
                face_id, gaze, stamp_s, bool(found.measured.any()), pose.rotation, to_camera
            )
        return Eyes(eyes, gaze, found.sigma_rad, found.measured)
