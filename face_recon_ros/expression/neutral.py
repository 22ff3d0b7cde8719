# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a person's face shows at rest, learnt slowly, and taken off what it shows."""

from __future__ import annotations

import numpy as np

from face_recon_ros.expression.units import COUNT

# A face that shows something for long is not at rest for it: what is taken for rest rises slowly
# and falls fast, and is never more than this
RISE_S, FALL_S, MOST = 90.0, 2.0, 0.3
# Longer steps count as this: somebody who was away has not shown what came last all the time
LONGEST_STEP_S = 0.5


class Neutral:
    """
    The resting coefficients of one person.

    Narrow eyes read as half-closed, a drooping mouth as a frown: offsets of the person, which the
    lowest value of the last minutes shows. Nothing is taken off a face that is new.
    """

    def __init__(self) -> None:
        self._resting = np.zeros(COUNT)
        self._stamp_s: float | None = None

    @property
    def resting(self) -> np.ndarray:
        """The coefficients (52,) taken for rest, 0 to MOST."""
        return self._resting

    def __call__(
        self, values: np.ndarray, stamp_s: float, learn: bool = True
    ) -> np.ndarray:
        """
        Learn from coefficients (52,) and return them relative to rest: 0 at rest, 1 stays 1.

        :param stamp_s: of the image; a step back in time teaches nothing
        :param learn: False: these show too little of the face to learn from
        """
        if learn and self._stamp_s is not None and stamp_s > self._stamp_s:
            step_s = min(stamp_s - self._stamp_s, LONGEST_STEP_S)
            time_s = np.where(values > self._resting, RISE_S, FALL_S)
            part = 1 - np.exp(-step_s / time_s)
            moved = self._resting + part * (values - self._resting)
            self._resting = np.clip(moved, 0.0, MOST)
        self._stamp_s = stamp_s if self._stamp_s is None else max(self._stamp_s, stamp_s)
        return relative_to(values, self._resting)


def relative_to(values: np.ndarray, resting: np.ndarray) -> np.ndarray:
    """Return coefficients (52,) as parts of what is left above rest."""
    return np.clip((values - resting) / (1 - resting), 0.0, 1.0)
