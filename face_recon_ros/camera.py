# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Intrinsics of a camera, its lens, and the directions in which its pixels look."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from face_recon_ros import lens
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import CalibrationError

# The names in sensor_msgs/distortion_models.hpp
FISHEYE = 'equidistant'
PLUMB_BOB = 'plumb_bob'
RATIONAL = 'rational_polynomial'
PLUMB_BOB_COUNT = 5
# How drivers and calibrators call the two models, less capitals and punctuation
_POLYNOMIAL_NAMES = (
    'plumbbob', 'rationalpolynomial', 'radtan', 'radialtangential', 'brownconrady', 'opencv',
    'standard', 'pinhole', '',
)  # fmt: skip
_FISHEYE_NAMES = ('equidistant', 'fisheye', 'kannalabrandt', 'kannalabrandt4', 'equi')
# Coefficients of each model as ROS names it
DISTORTION_COUNTS = {
    PLUMB_BOB: tuple(n for n in lens.POLYNOMIAL_COUNTS if n <= PLUMB_BOB_COUNT),
    RATIONAL: tuple(n for n in lens.POLYNOMIAL_COUNTS if n > PLUMB_BOB_COUNT),
    FISHEYE: (lens.FISHEYE_COUNT,),
    '': (0,),
}
# A direction is found in the image in so many steps, to so much
_MOST_STEPS, _NEAR_PX, _FOUND_RAD = 8, 0.01, 1e-3
# A lens makes a way in the image so many times longer than without distortion at most
_MOST_STRETCHED = 3.0
# Square radians of a pixel: beyond the rim of a fisheye all look one way
_LEAST_AREA = 1e-12
# What a message says to use instead
_STANDARD_NAMES = ', '.join((PLUMB_BOB, RATIONAL, FISHEYE))


@dataclass(slots=True, frozen=True, eq=False)
class Camera(ComparedByValue):
    """
    Intrinsics in pixels of the image at hand, and its lens distortion (OpenCV's).

    distortion: k1, k2, p1, p2... in OpenCV's order, (0,), (4,), (5,), (8,), (12,) or (14,).
    distortion_model: 'equidistant' is OpenCV's fisheye model with k1..k4; 'plumb_bob' and
    'rational_polynomial' are its other one, '' where there is no distortion.
    calibrated: False: the focal length is a guess. skew: K[0][1], px. position_m (3,): of the
    camera's centre in the frame of its images, which for the second camera of a rectified stereo
    pair is the first's.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: np.ndarray = field(default_factory=lambda: np.zeros(0))
    distortion_model: str = ''
    calibrated: bool = True
    skew: float = 0.0
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """:raises CalibrationError: a number that no camera has."""
        size = (self.width, self.height)
        if not all(_is_whole(side) and side > 0 for side in size):
            raise CalibrationError(f'image of {size[0]}x{size[1]} px; give its real size')
        for name, side in zip(('width', 'height'), size, strict=True):
            object.__setattr__(self, name, int(side))
        numbers = _numbers((self.fx, self.fy, self.cx, self.cy, self.skew), 'fx, fy, cx, cy, skew')
        position_m = _numbers(self.position_m, 'position_m', 3)
        distortion = _numbers(self.distortion, 'distortion')
        if not (np.isfinite(numbers).all() and np.isfinite(position_m).all()
                and np.isfinite(distortion).all()):
            raise CalibrationError(
                'holds NaN, infinity or a K that is not 3x3; calibrate again'
            )
        if self.fx <= 0 or self.fy <= 0:
            raise CalibrationError(
                f'focal length {self.fx:g}, {self.fy:g} px is not positive; calibrate again'
            )
        # brings numbers, names and spare zeros into the one form that `directions` reads
        distortion, model = known_distortion(distortion, self.distortion_model)
        object.__setattr__(self, 'distortion', distortion)
        object.__setattr__(self, 'distortion_model', model)

    @classmethod
    def uncalibrated(cls, width: int, height: int) -> Camera:
        """
        Return the stand-in where no calibration is known: fx = fy = the longer side, centred.

        The longer side is the same one when the camera is turned upright.

        :raises CalibrationError: not the size of an image.
        """
        if not (_is_whole(width) and _is_whole(height)):
            raise CalibrationError(f'image of {width}x{height} px; give its real size')
        f = max(width, height)
        return cls(width, height, f, f, (width - 1) / 2, (height - 1) / 2, calibrated=False)

    @classmethod
    def from_calibration(
        cls,
        width: int,
        height: int,
        k: np.ndarray,
        d: np.ndarray,
        distortion_model: str = 'plumb_bob',
        binning: tuple[int, int] = (1, 1),
        roi: tuple[int, int] = (0, 0),
        position_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> Camera:
        """
        Return the camera of an image from the calibration of the full sensor.

        :param width: of the image at hand (after region of interest and binning), px
        :param k: (9,) or (3, 3) intrinsic matrix of the full-resolution image
        :param d: (D,) distortion coefficients in OpenCV's order for `distortion_model`
        :param binning: x, y; 0 means 1 (sensor_msgs/CameraInfo)
        :param roi: x, y offset of the region of interest in the full-resolution image, px
        :param position_m: see Camera
        :raises CalibrationError: not finite, no positive focal length, unknown distortion.
        """
        k = _numbers(k, 'K').reshape(-1)
        if k.size != 9:
            raise CalibrationError('holds NaN, infinity or a K that is not 3x3; calibrate again')
        if k[0] == 0:
            return cls.uncalibrated(width, height)
        for name, pair in (('binning', binning), ('roi', roi)):
            if not _is_pair(pair):
                raise CalibrationError(f'{name} is {pair!r}; give two whole numbers from 0 on')
        bin_x, bin_y = max(1, binning[0]), max(1, binning[1])
        return cls(
            width,
            height,
            float(k[0] / bin_x),
            float(k[4] / bin_y),
            # a binned pixel's centre lies in the middle of the pixels it gathers
            float((k[2] - roi[0] + 0.5) / bin_x - 0.5),
            float((k[5] - roi[1] + 0.5) / bin_y - 0.5),
            _numbers(d, 'distortion').reshape(-1),
            distortion_model,
            skew=float(k[1] / bin_x),
            position_m=position_m,
        )

    def directions(self, points_px: np.ndarray) -> np.ndarray:
        """
        Return the unit vectors (N, 3), optical frame, in which pixels (N, 2) look.

        A fisheye's pixels may look back past 90 degrees (z < 0). A pixel beyond the rim of the
        lens gets the direction at the rim.
        """
        x, y = self._plane(points_px)
        if self.distortion_model == FISHEYE:
            return lens.fisheye_directions(np.column_stack([x, y]), self.distortion)
        if self.distortion.size:
            return lens.polynomial_directions(np.column_stack([x, y]), self.distortion)
        directions = np.column_stack([x, y, np.ones_like(x)])
        return directions / np.linalg.norm(directions, axis=1)[:, None]

    def _plane(self, points_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x, y (N,) at z = 1 of pixels (N, 2), distortion left in."""
        points_px = np.asarray(points_px, np.float64)
        y = (points_px[:, 1] - self.cy) / self.fy
        return (points_px[:, 0] - self.cx - self.skew * y) / self.fx, y

    def rays(self, points_px: np.ndarray) -> np.ndarray:
        """Return directions (N, 3) scaled to z = 1, of pixels (N, 2); NaN where z <= 0."""
        if self.distortion_model != FISHEYE and not self.distortion.size:
            rays = np.ones((len(points_px), 3))
            rays[:, 0], rays[:, 1] = self._plane(points_px)
            return rays
        directions = self.directions(points_px)
        depth = np.where(directions[:, 2:] > 0, directions[:, 2:], np.nan)
        return directions / depth

    def pixel_towards(self, direction: np.ndarray, near_px: np.ndarray) -> np.ndarray | None:
        """
        Return the pixel (2,) that sees in a direction (3,), optical frame, z > 0.

        None: none does, or none is found. Near the rim of a lens pixels tell directions badly:
        none counts that is much farther away than without distortion.

        :param near_px: (2,) a pixel from which it is looked for, by Newton steps
        """
        if self.distortion_model != FISHEYE and not self.distortion.size:
            x, y = direction[:2] / direction[2]
            return np.array([self.fx * x + self.skew * y + self.cx, self.fy * y + self.cy])
        wanted, pixel = direction / np.linalg.norm(direction), np.asarray(near_px, np.float64)
        here, moves = self._around(pixel)
        most_px = self._farthest_px(here, wanted)
        for _ in range(_MOST_STEPS):
            step = np.linalg.lstsq(moves.T, wanted - here, rcond=None)[0]
            step *= min(1.0, max(self.width, self.height) / max(_length(step), 1.0))
            nearer = self._nearer(wanted, pixel, step, _length(wanted - here))
            if nearer is None:
                break
            pixel, here, moves = nearer
        is_found = _length(wanted - here) < _FOUND_RAD and _length(pixel - near_px) <= most_px
        return pixel if is_found else None

    def _farthest_px(self, here: np.ndarray, wanted: np.ndarray) -> float:
        """Return how far apart pixels may be that look in two directions (3,)."""
        if not min(here[2], wanted[2]) > 0:
            return math.inf
        apart = _length(here[:2] / here[2] - wanted[:2] / wanted[2])
        return _MOST_STRETCHED * max(self.fx, self.fy) * apart + 1.0

    def _nearer(
        self, wanted: np.ndarray, pixel: np.ndarray, step: np.ndarray, off: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return a pixel a step on, or a part of it, that looks nearer; None: there is none."""
        while np.abs(step).max() > _NEAR_PX:
            here, moves = self._around(pixel + step)
            if _length(wanted - here) < off:
                return pixel + step, here, moves
            step = step / 2
        return None

    def length_px(self, pixel: np.ndarray) -> float:
        """
        Return how large a metre is at depth 1 m (z) where a pixel (2,) looks, px.

        Of a fisheye, which shows it as large in no two directions, their geometric mean; 0 and
        less where it looks back.
        """
        if self.distortion_model != FISHEYE:
            return self.fx
        here, moves = self._around(pixel)
        area = float(np.linalg.norm(np.cross(moves[0], moves[1])))
        return float(here[2]) / math.sqrt(max(area, _LEAST_AREA))

    def _around(self, pixel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where a pixel looks (3,), and by what that moves (2, 3) with one in x and y."""
        here, *others = self.directions(np.add(pixel, [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        return here, np.array(others) - here


def _length(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector))


def _is_whole(value: Any) -> bool:
    """Tell whether a value is a whole number, of whatever type."""
    return isinstance(value, Real) and not isinstance(value, bool) and value % 1 == 0


def _is_pair(values: Any) -> bool:
    """Tell whether values are two whole numbers from 0 on."""
    try:
        numbers = list(values)
    except TypeError:
        return False
    return len(numbers) == 2 and all(_is_whole(n) and n >= 0 for n in numbers)


def _numbers(values: Any, name: str, count: int | None = None) -> np.ndarray:
    """Return an array of numbers. :raises CalibrationError: others, or not so many."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of several lengths
        array = np.asarray(None)
    if array.size == 0:
        array = array.astype(np.float64)
    fits = array.dtype.kind in 'iuf'
    if not fits or (count is not None and array.shape != (count,)):
        what = 'numbers' if count is None else f'{count} numbers'
        raise CalibrationError(f'{name} is {" ".join(repr(values).split())[:80]}; give {what}')
    return array.astype(np.float64)


def known_distortion(d: np.ndarray, model: str) -> tuple[np.ndarray, str]:
    """
    Return coefficients and model in the form of Camera, of what a calibration calls them.

    A model goes by its name, where it has several lengths by the number of coefficients. No
    coefficients are no distortion whatever the name, and so are zeros but for a fisheye; zeros
    too many at the end are cut.

    :raises CalibrationError: an unknown name, or a number of coefficients that it does not have.
    """
    d = np.asarray(d, np.float64).reshape(-1)
    if not isinstance(model, str):
        raise CalibrationError(f'distortion_model is {model!r}; use one of {_STANDARD_NAMES}')
    plain = re.sub(r'[^a-z0-9]', '', model.lower())
    if plain in _FISHEYE_NAMES and d.size:
        # zeros bend, too: the angle from the axis, not its tangent, is proportional to the radius
        return _cut(d, (lens.FISHEYE_COUNT,), model), FISHEYE
    if not d.any():
        return np.zeros(0), ''
    if plain not in _POLYNOMIAL_NAMES:
        raise CalibrationError(
            f'unknown distortion_model "{model}"; use one of {_STANDARD_NAMES}'
        )
    d = _cut(d, lens.POLYNOMIAL_COUNTS, model)
    return d, PLUMB_BOB if d.size <= PLUMB_BOB_COUNT else RATIONAL


def _cut(d: np.ndarray, counts: tuple[int, ...], model: str) -> np.ndarray:
    """Return the coefficients, without zeros at the end where there are too many."""
    if d.size in counts:
        return d
    used = int(np.flatnonzero(d)[-1]) + 1 if d.any() else 0
    for count in counts:
        if used <= count <= d.size:
            return d[:count]
    raise CalibrationError(
        f'{d.size} distortion coefficients for {model or "no model"}, '
        f'wants {" or ".join(map(str, counts))}'
    )
