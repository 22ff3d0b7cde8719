# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which frame images are of: whether they say so."""

from __future__ import annotations

from face_recon_ros.nodes.diagnostics import FRAME_ID
from face_recon_ros.nodes.report import ChangeLogger


class FrameWatch:
    """Sees the frame_id of all images, one after the other, and says once what is wrong."""

    def __init__(self, report: ChangeLogger, image_topic: str) -> None:
        self._report = report
        self._topic = image_topic

    def take(self, frame_id: str) -> None:
        """Note the frame_id of an image."""
        if frame_id:
            self._report.over(FRAME_ID, f'images on {self._topic} have a frame_id')
            return
        self._report.fault(
            FRAME_ID,
            f'images on {self._topic} have no frame_id, so nothing is published on /tf: set it in '
            'the camera driver',
        )
