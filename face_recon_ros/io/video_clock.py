# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The time and number of each frame of a video, from what its container says."""

from __future__ import annotations

import math

# A longer step is a fault of the container, not a pause of the camera
_LONGEST_STEP_S = 3600.0
# Tolerance of a step at constant rate, in frames
_REGULAR_FRAMES = 0.1
# A rate is constant if at least this share of the steps is one frame
_REGULAR_PART = 0.9
# Counts and durations in containers are estimates: a smaller difference is no loss
_SPARE_FRAMES, _SPARE_PART, _SPARE_S = 2.5, 0.05, 2.0


class VideoClock:
    """
    Assigns time and number to each frame; times always increase.

    count: frames so far. lost: frames between them that could not be read. first_lost: number of
    the first of these. last_s: time of the last frame.
    """

    def __init__(self, frames_per_second: float) -> None:
        self._period_s = 1 / frames_per_second
        self._step_s = self._period_s
        self._single_steps = 0
        self._longer_steps = 0
        self._number = -1
        self.count = 0
        self.lost = 0
        self.first_lost = 0
        self.last_s = 0.0

    def tick(self, position_s: float, failed: int) -> tuple[int, float]:
        """
        Return number and time of the next frame.

        :param position_s: as the container says
        :param failed: reads that failed since the last frame, one for each that is lost
        """
        if self.count == 0:
            sane = math.isfinite(position_s) and 0 <= position_s < _LONGEST_STEP_S
            self.last_s = position_s if sane else failed * self._period_s
        else:
            step_s = position_s - self.last_s
            if not 0 < step_s < _LONGEST_STEP_S:  # NaN too
                step_s = self._step_s * (1 + failed)
            self._watch(step_s / self._period_s)
            self._step_s = step_s / (1 + failed)
            self.last_s += step_s
        if failed and not self.lost:
            self.first_lost = self._number + 1
        self.lost += failed
        self.count += 1
        self._number += 1 + failed
        return self._number, self.last_s

    def _watch(self, step_frames: float) -> None:
        if abs(step_frames - 1) < _REGULAR_FRAMES:
            self._single_steps += 1
        elif step_frames > 1.5 and abs(step_frames - round(step_frames)) < _REGULAR_FRAMES:
            self._longer_steps += 1

    def has_holes(self, expected_count: int) -> bool:
        """Tell whether frames are missing at a constant rate, given the expected number."""
        regular = self._single_steps >= _REGULAR_PART * (self.count - 1)
        missing = expected_count - self.count
        spare = max(_SPARE_FRAMES, min(_SPARE_PART * expected_count, _SPARE_S / self._period_s))
        return regular and self._longer_steps > 0 and missing > spare

    def ends_early(self, duration_s: float) -> bool:
        """Tell whether the last frame is well before the end that the container states."""
        missing_s = duration_s - self.last_s - self._step_s
        spare_s = max(_SPARE_FRAMES * self._step_s, min(_SPARE_PART * duration_s, _SPARE_S))
        return missing_s > spare_s
