# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth images registered to a colour image, and what is read from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import ImageError

# Metres of a unit of uint16 depth (REP-118)
MILLIMETRE_M = 0.001
# Noise of a sensor's depth: constant part in metres, and per squared metre of distance (stereo)
NOISE_M, NOISE_PER_M = 0.002, 0.003
# A measurement whose neighbours differ by more is an edge: metres, and times the noise
EDGE_M, EDGE_NOISES = 0.012, 4.0


@dataclass(slots=True, frozen=True, eq=False)
class DepthImage(ComparedByValue):
    """
    Depth along the optical axis of the colour image's camera, pixel by pixel (REP-118).

    values (H, W): float metres, or uint16 millimetres; 0, negative, NaN or infinite where nothing
    was measured.
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

    @property
    def unit_m(self) -> float:
        """Metres of one unit of the values."""
        return MILLIMETRE_M if self.values.dtype == np.uint16 else 1.0

    def check_size(self, image: np.ndarray) -> None:
        """:raises ImageError: not registered to an image (H, W, 3): another size."""
        if self.values.shape != image.shape[:2]:
            height, width = self.values.shape
            raise ImageError(
                f'depth is {width}x{height}, the image {image.shape[1]}x{image.shape[0]}: not '
                'registered to it; let the driver align depth to colour (RealSense: '
                'align_depth.enable:=true)'
            )

    def at(self, pixels: np.ndarray) -> np.ndarray:
        """
        Return the depths (N,) m at pixels (N, 2); NaN where none is, at edges, and outside.

        The mean of the four pixels around, of which one may be missing.
        """
        return _looked_up(self.values, self.unit_m, pixels)


Length = TypeVar('Length', float, np.ndarray)


def noise_m(depth_m: Length) -> Length:
    """Return the standard deviation assumed of a sensor's depth, metres."""
    return NOISE_M + NOISE_PER_M * depth_m**2


def _looked_up(values: np.ndarray, unit_m: float, pixels: np.ndarray) -> np.ndarray:
    height, width = values.shape
    # beyond any image, and NaN: outside
    corner = np.floor(np.nan_to_num(np.clip(pixels, -2.0, 1e6), nan=-2.0)).astype(np.int64)
    x, y = corner.T
    inside = (x >= 0) & (y >= 0) & (x < width - 1) & (y < height - 1)
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    four = np.stack(
        [values[y, x], values[y, x + 1], values[y + 1, x], values[y + 1, x + 1]]
    ) * np.float64(unit_m)
    four[~((four > 0) & np.isfinite(four))] = np.nan
    known = np.isfinite(four).sum(axis=0)
    inside &= known >= 3
    four = four[:, inside]
    low, high = np.nanmin(four, axis=0), np.nanmax(four, axis=0)
    result = np.full(len(pixels), np.nan)
    result[inside] = np.where(
        high - low <= np.maximum(EDGE_M, EDGE_NOISES * noise_m(low)),
        np.nanmean(four, axis=0),
        np.nan,
    )
    return result
