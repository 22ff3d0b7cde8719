# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth images of a bag: kept as they come, found again by the stamps of images."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from face_recon_ros.depth_image import DepthImage
from face_recon_ros.depth_report import LEAST_USED
from face_recon_ros.errors import ImageError
from face_recon_ros.io.depth_encodings import compressed_to_depth, to_depth

# A depth image belongs to an image whose stamp is no further off
DEPTH_TOLERANCE_S = 0.05
# So many of the newest are kept: depth may be recorded before the image it belongs to
KEPT = 32


@dataclass(slots=True)
class BagDepth:
    """
    The depth images of one topic.

    images: number of images that asked for their depth; of those had_none: no depth is near in
    time, and broken: theirs cannot be used.
    """

    topic: str
    images: int = 0
    had_none: int = 0
    broken: int = 0
    _first_fault: str = ''
    _apart_s: float | None = None
    _kept: deque[tuple[float, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, stamp_s: float, message: Any) -> None:
        """Take over the next depth message."""
        self._kept.append((stamp_s, message))

    def reaches(self, stamp_s: float) -> bool:
        """Tell whether the newest depth is of that time, or later."""
        return bool(self._kept) and self._kept[-1][0] >= stamp_s

    def nearest(self, stamp_s: float) -> Any:
        """Return the message nearest to an image's stamp; None: none is near."""
        self.images += 1
        if self._kept:
            nearest_s, nearest = min(self._kept, key=lambda kept: abs(kept[0] - stamp_s))
            # images come in the order of their stamps, or nearly so
            while len(self._kept) > 1 and self._kept[0][0] < nearest_s - DEPTH_TOLERANCE_S:
                self._kept.popleft()
            if abs(nearest_s - stamp_s) <= DEPTH_TOLERANCE_S:
                return nearest
            self._apart_s = abs(nearest_s - stamp_s)
        self.had_none += 1
        return None

    def decoded(self, message: Any, pixels: np.ndarray) -> DepthImage | None:
        """Return the depth of an image (H, W, 3); None, and counted, where it cannot be used."""
        decode = to_depth if hasattr(message, 'encoding') else compressed_to_depth
        try:
            depth = decode(message, self.topic)
            depth.check_size(pixels)
            return depth
        except ImageError as error:
            self._first_fault = self._first_fault or f'{error}'
            self.broken += 1
            return None

    def faults(self) -> list[str]:
        """Return what was wrong with the depth images read so far, a line each."""
        lines = []
        if self.broken:
            of = '1 image' if self.broken == 1 else f'{self.broken} images'
            lines.append(f'depth of {of} is left out: {self._first_fault}')
        if self.images and self.images - self.had_none < LEAST_USED * self.images:
            apart = '' if self._apart_s is None else f' (the nearest is {self._apart_s:.3f} s off)'
            lines.append(
                f'{self.had_none} of {self.images} images have no depth on {self.topic} within '
                f'{DEPTH_TOLERANCE_S} s{apart}: record both with stamps of one clock'
            )
        return lines
