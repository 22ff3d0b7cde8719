# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When images were taken: what their stamps are worth, and what goes out where they are not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from face_recon_ros.nodes.diagnostics import STAMPS
from face_recon_ros.nodes.report import ChangeLogger
from face_recon_ros.tracking.stream_clock import StreamClock

# Images with one stamp are taken for copies of one image until the clock went on by so much
SAME_STAMP_S = 0.5
# Until then a stamp of 0 may be right
SIMULATION_BEGINS_S = 1.0
# A simulation that begins lets its clock go on before so many real seconds
NO_CLOCK_S = 5.0


class StampWatch:
    """
    Sees the stamps of all images, one after the other, and says once what is wrong with them.

    tf2 keeps one transform a stamp: where images have no stamps of their own, the time of their
    arrival stands in.
    """

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
        self._taken_s = float('-inf')
        self._same_since_s: tuple[float, float] | None = None  # the stamp, and the clock then
        self._no_time_since_s = math.inf  # by the monotonic clock
        self._clock = StreamClock()  # as the tracker's
        self._went_back = False

    @property
    def clock_was_set_back(self) -> bool:
        """Whether the newest stamp is so long before the latest that faces are forgotten."""
        return self._went_back

    def usable(self, header: Header, arrived: Time) -> Header:
        """
        Return the header that the results of an image carry: its own wherever it has a stamp.

        :param arrived: when it came, by the node's clock (simulated, if the node uses that).
        """
        fault = self._fault(seconds(header.stamp), seconds(arrived))
        no_clock = self._has_no_clock(seconds(header.stamp), seconds(arrived))
        if no_clock:
            self._report.fault(
                STAMPS,
                f'images on {self._topic} have no stamp, and the clock stands at 0: use_sim_time '
                'is set but nothing comes on /clock; start the simulation or ros2 bag play '
                '--clock, or set use_sim_time to false',
            )
        if fault:
            self._report.fault(
                STAMPS,
                f'{fault}, so the time of arrival is used: set header.stamp in the camera driver '
                'to when the image was taken',
            )
            header = Header(stamp=arrived, frame_id=header.frame_id)
        self._compare(seconds(header.stamp), well=not fault and not no_clock)
        return header

    def _fault(self, stamp_s: float, arrived_s: float) -> str:
        # a simulation begins at 0
        if stamp_s == 0 and arrived_s > SIMULATION_BEGINS_S:
            return f'images on {self._topic} have no stamp (header.stamp is 0)'
        if self._same_since_s is None or self._same_since_s[0] != stamp_s:
            self._same_since_s = stamp_s, arrived_s
        # in a simulation that is paused the clock does not go on either
        if arrived_s - self._same_since_s[1] > SAME_STAMP_S:
            return f'images on {self._topic} all have the same stamp'
        return ''

    def _has_no_clock(self, stamp_s: float, arrived_s: float) -> bool:
        """Tell whether neither images nor the clock have had any time for some real seconds."""
        if stamp_s or arrived_s:
            self._no_time_since_s = math.inf
            return False
        now_s = self._now()
        self._no_time_since_s = min(self._no_time_since_s, now_s)
        return now_s - self._no_time_since_s >= NO_CLOCK_S

    def _compare(self, taken_s: float, well: bool) -> None:
        back_s = self._taken_s - taken_s
        self._taken_s = taken_s
        self._went_back = self._clock.is_set_back(taken_s)
        if self._went_back:
            self._clock = StreamClock()
            self._report.fault(
                STAMPS,
                f'stamps of images on {self._topic} went back, so the faces were forgotten:'
                ' a bag that began again, a clock that was reset, or two cameras on one topic',
            )
        elif back_s > 0:
            self._report.fault(
                STAMPS,
                f'stamps of images on {self._topic} step back by less than 1 s, which costs '
                'smoothness: look at the clock of the camera driver, or at its threads',
            )
        elif well:
            self._report.over(STAMPS, f'stamps of images on {self._topic} rise again')
        self._clock.take(taken_s)


def seconds(stamp: Time) -> float:
    """Return a stamp in seconds."""
    return float(stamp.sec + 1e-9 * stamp.nanosec)
