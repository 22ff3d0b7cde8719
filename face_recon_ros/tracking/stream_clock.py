# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Time of a stream that never goes back, from stamps that may: late, doubled, jittered ones."""

from __future__ import annotations

# A stamp earlier than the latest by so much: the clock was set back, or a bag starts again
SET_BACK_S = 1.0
# Two stamps in a row earlier than the latest by more than this: the clock was set back a little,
# as by NTP, and time goes on from there. Less is made up for soon, and one alone is a late image
STEP_BACK_S = 0.1


class StreamClock:
    """Turns stamps into seconds that only differences mean something of."""

    def __init__(self) -> None:
        self._now_s: float | None = None
        self._ahead_s = 0.0
        self._late = False

    @property
    def now_s(self) -> float | None:
        """The time of the newest image; None before the first."""
        return self._now_s

    def is_set_back(self, stamp_s: float) -> bool:
        """Tell whether a stamp lies so far back that nothing before it counts."""
        return (
            self._now_s is not None and self._now_s - (stamp_s + self._ahead_s) >= SET_BACK_S
        )

    def take(self, stamp_s: float) -> float:
        """Return the time of an image with this stamp: that of the last one or later."""
        time_s = stamp_s + self._ahead_s
        back_s = 0.0 if self._now_s is None else self._now_s - time_s
        if self._now_s is None or back_s <= 0:
            self._now_s = time_s
        late = back_s > STEP_BACK_S
        if late and self._late:
            self._ahead_s += back_s
        self._late = late and not self._late
        return self._now_s
