# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which frame images are of: whether they say so, and whether it is always the same."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from face_recon_ros.nodes.diagnostics import FRAME_ID
from face_recon_ros.nodes.report import ChangeLogger

# A camera that is started again, or exchanged for another, changes its frame once; where that
# happens again so soon, there are two cameras
BY_TURNS_S = 5.0


class FrameWatch:
    """Sees the frame_id of all images, one after the other, and says once what is wrong."""

    def __init__(
        self,
        report: ChangeLogger,
        image_topic: str,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """:param now: a monotonic clock in seconds."""
        self._report = report
        self._topic = image_topic
        self._now = now
        self.forget()

    def forget(self) -> None:
        """Begin anew with the next image."""
        self._frame_id: str | None = None
        self._changed_s = -math.inf
        self._by_turns = ''  # the two frames, the same ones until it is over

    def changed(self, frame_id: str) -> bool:
        """Take the frame_id of an image; return whether the image before it had another one."""
        before, self._frame_id = self._frame_id, frame_id
        changed = before is not None and before != frame_id
        now_s = self._now()
        if now_s - self._changed_s >= BY_TURNS_S:
            self._by_turns = ''
        elif changed and not self._by_turns:
            self._by_turns = ' and '.join(sorted((repr(before), repr(frame_id))))
        if changed:
            self._changed_s = now_s
        self._judge(frame_id, changed)
        return changed

    def _judge(self, frame_id: str, changed: bool) -> None:
        images = f'images on {self._topic}'
        if self._by_turns:
            if changed:
                self._report.fault(
                    FRAME_ID,
                    f'{images} are of the frames {self._by_turns} by turns, so faces are '
                    'forgotten each time: two cameras on one topic? remap one',
                )
        elif frame_id:
            self._report.over(FRAME_ID, f'{images} have one frame_id')
        else:
            self._report.fault(
                FRAME_ID,
                f'{images} have no frame_id, so nothing is published on /tf: set it in the camera '
                'driver',
            )
