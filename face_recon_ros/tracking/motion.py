"""How fast a face moves through the image, measured by time and not by images."""

from __future__ import annotations

import math

import numpy as np

# The velocity follows what is measured with this time constant, seconds
FOLLOWED_S = 0.048
# Over less time nothing is measured: stamps of arrival may lie any little apart, seconds
LEAST_MEASURED_S = 0.005


class Motion:
    """The velocity of a point of the image."""

    def __init__(self, place_px: np.ndarray, stamp_s: float) -> None:
        """:param place_px: (2,) where the point is first seen"""
        self.velocity_px_s = np.zeros(2)
        self.jump(place_px, stamp_s)

    def move(self, place_px: np.ndarray, stamp_s: float) -> None:
        """Measure from where the point was to where it is now."""
        elapsed_s = stamp_s - self._since_s
        if elapsed_s < LEAST_MEASURED_S:
            return
        part = 1 - math.exp(-elapsed_s / FOLLOWED_S)
        measured = (place_px - self._from_px) / elapsed_s
        self.velocity_px_s = (1 - part) * self.velocity_px_s + part * measured
        self.jump(place_px, stamp_s)

    def jump(self, place_px: np.ndarray, stamp_s: float) -> None:
        """Go on from another place at the same velocity."""
        self._from_px, self._since_s = place_px, stamp_s

    def stop(self) -> None:
        """Be at rest."""
        self.velocity_px_s = np.zeros(2)
