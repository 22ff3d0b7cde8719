# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth images registered to a colour image, and what is read from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import ImageError


@dataclass(slots=True, frozen=True, eq=False)
class DepthImage(ComparedByValue):
    """
    Depth along the optical axis of the colour image's camera, pixel by pixel (REP-118).

    values (H, W): float metres, or uint16 millimetres; 0, negative, NaN, infinite, or 65535 of
    uint16, where nothing was measured.
    """

    values: np.ndarray

    def __post_init__(self) -> None:
        """:raises ImageError: not such an array."""
        values = self.values
        kinds = (np.float32, np.float64, np.uint16)
        if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype not in kinds:
            found = (
                f'{values.dtype} {values.shape}' if isinstance(values, np.ndarray)
                else type(values).__name__
            )
            raise ImageError(
                f'depth is {found}; wants (height, width), float32 in metres or uint16 in '
                'millimetres'
            )

    def check_size(self, image: np.ndarray) -> None:
        """:raises ImageError: not registered to an image (H, W, 3): another size."""
        if self.values.shape != image.shape[:2]:
            height, width = self.values.shape
            raise ImageError(
                f'depth is {width}x{height}, the image {image.shape[1]}x{image.shape[0]}: not '
                'registered to it; let the driver align depth to colour (RealSense: '
                'align_depth.enable:=true)'
            )

    def divided(self, factor: float) -> DepthImage:
        """Return the image of so much smaller depths."""
        metres = self.values.astype(np.float32)
        if self.values.dtype == np.uint16:
            metres[self.values == _renderer.MISSING_MM] = 0.0
            metres *= _renderer.MILLIMETRE_M
        return DepthImage(metres / np.float32(factor))

    def at(self, pixels: np.ndarray) -> np.ndarray:
        """
        Return the depths (N,) m at pixels (N, 2); NaN where none is, at edges, and outside.

        The mean of the four pixels around, of which one may be missing.
        """
        return _renderer.depth_at(self.values, np.ascontiguousarray(pixels, dtype=np.float64))
