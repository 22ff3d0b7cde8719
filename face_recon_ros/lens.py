# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
OpenCV's two lens models and their inverses, on normalised image coordinates.

A direction (x, y, z) has normalised coordinates x / z, y / z. The polynomial model (Brown-Conrady
with a rational radial part, thin prism and tilt) bends these; the fisheye model (Kannala-Brandt,
equidistant) bends the angle from the axis, and so knows directions beyond 90 degrees. The inverses
do not depend on the version of OpenCV. A point that no direction is bent to (beyond the rim of the
lens, as far as the coefficients describe it) gets the direction at the rim.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.polynomial import Polynomial

from face_recon_ros.rotations import rotation_about

# Coefficients that the polynomial model may have: k1 k2 p1 p2 [k3 [k4 k5 k6 [s1..s4 [tx ty]]]]
POLYNOMIAL_COUNTS = (4, 5, 8, 12, 14)
FISHEYE_COUNT = 4

# Radii and angles are found to this; a pixel is about 1e-3
_TOLERANCE = 1e-10
_MOST_STEPS = 60
# Where the coefficients know no rim, radii are searched up to here: 89.9 degrees
_FAR_RADIUS = 500.0

Function = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def fisheye_directions(points: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return unit directions (N, 3) of bent points (N, 2); coefficients (4,) k1..k4."""
    bent = np.hypot(points[:, 0], points[:, 1])
    angle, slope = _fisheye_angle(tuple(coefficients.tolist()))
    rim = _fisheye_rim(tuple(coefficients.tolist()))
    theta = _inverse(lambda t: (angle(t), slope(t)), bent, rim)
    around = points / np.maximum(bent, 1e-300)[:, None]
    return np.column_stack([around * np.sin(theta)[:, None], np.cos(theta)])


@lru_cache(maxsize=16)
def _fisheye_angle(coefficients: tuple[float, ...]) -> tuple[Polynomial, Polynomial]:
    """Return theta_d(theta) = theta (1 + k1 theta^2 + ... + k4 theta^8), and its slope."""
    powers = np.zeros(2 * len(coefficients) + 2)
    powers[1] = 1.0
    powers[3::2] = coefficients
    angle = Polynomial(powers)
    return angle, angle.deriv()


@lru_cache(maxsize=16)
def _fisheye_rim(coefficients: tuple[float, ...]) -> float:
    """Return the angle from the axis up to which theta_d grows, at most 180 degrees."""
    return _least_positive_root(_fisheye_angle(coefficients)[1], math.pi)


def polynomial_directions(points: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return unit directions (N, 3) of bent points (N, 2); coefficients (4,) to (14,)."""
    k = np.zeros(POLYNOMIAL_COUNTS[-1])
    k[: coefficients.size] = coefficients
    radial = tuple(k[[0, 1, 4, 5, 6, 7]].tolist())
    bent = points if not k[12:].any() else _without_tilt(points, k[12], k[13])
    radius = np.hypot(bent[:, 0], bent[:, 1])
    rim = _radial_rim(radial)
    straight = _inverse(lambda r: _bent_radius(r, radial), radius, rim)
    xy = bent * (straight / np.maximum(radius, 1e-300))[:, None]
    if k[2:4].any() or k[8:12].any():
        xy = _newton(xy, bent, k, rim)
    directions = np.column_stack([xy, np.ones(len(xy))])
    return directions / np.linalg.norm(directions, axis=1)[:, None]


def _radial_factor(
    r2: np.ndarray, radial: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (1 + k1 r2 + k2 r4 + k3 r6) / (1 + k4 r2 + k5 r4 + k6 r6), and its slope by r2."""
    k1, k2, k3, k4, k5, k6 = radial
    above = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    below = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    above_slope = k1 + r2 * (2 * k2 + r2 * 3 * k3)
    below_slope = k4 + r2 * (2 * k5 + r2 * 3 * k6)
    return above / below, (above_slope * below - above * below_slope) / below**2


def _bent_radius(
    radius: np.ndarray, radial: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    factor, slope = _radial_factor(radius**2, radial)
    return radius * factor, factor + 2 * radius**2 * slope


@lru_cache(maxsize=16)
def _radial_rim(radial: tuple[float, ...]) -> float:
    """Return the radius up to which the bent radius grows with it, at most _FAR_RADIUS."""
    k1, k2, k3, k4, k5, k6 = radial
    above, below = Polynomial([1, k1, k2, k3]), Polynomial([1, k4, k5, k6])
    square = Polynomial([0, 1])
    # of d/dr (r above / below), with r^2 as the variable
    slope = above * below + 2 * square * (above.deriv() * below - above * below.deriv())
    most = _FAR_RADIUS**2
    # a little before: where `below` is zero a bent radius has no value, or one of the wrong sign
    return math.sqrt(min(_least_positive_root(p, most) for p in (slope, below))) * (1 - 1e-9)


def _least_positive_root(polynomial: Polynomial, most: float) -> float:
    """Return where a polynomial first becomes zero, `most` where that is nowhere before."""
    roots = polynomial.trim(1e-12).roots()  # of smaller coefficients roots would overflow
    real = roots[np.abs(roots.imag) < 1e-9 * np.maximum(1.0, np.abs(roots))].real
    return float(min([*real[real > 0], most]))


def _inverse(function: Function, wanted: np.ndarray, most: float) -> np.ndarray:
    """
    Return x (N,) in [0, most] with function(x) = wanted, by Newton's method within bounds.

    :param function: values and slopes of what grows from 0 on [0, most]
    """
    low, high = np.zeros_like(wanted), np.full_like(wanted, most)
    x = np.clip(wanted, 0.0, most)
    for _ in range(_MOST_STEPS):
        value, slope = function(x)
        too_far = value > wanted
        high = np.where(too_far, x, high)
        low = np.where(too_far, low, x)
        with np.errstate(divide='ignore', invalid='ignore'):
            step = x - (value - wanted) / slope
        inside = (step >= low) & (step <= high)  # not where it is NaN
        after = np.where(inside, step, (low + high) / 2)
        done = np.abs(after - x) <= _TOLERANCE * (1 + np.abs(x))
        x = after
        if done.all():
            break
    return x


def _newton(start: np.ndarray, bent: np.ndarray, k: np.ndarray, rim: float) -> np.ndarray:
    """Return the points (N, 2) that are bent to `bent`, tangential and prism parts included."""
    xy = start.copy()
    values, jacobian = bend(xy, k)
    residual = values - bent
    for _ in range(_MOST_STEPS):
        (a, b), (c, d) = jacobian
        determinant = a * d - b * c
        with np.errstate(divide='ignore', invalid='ignore'):
            step = np.column_stack(
                [
                    (d * residual[:, 0] - b * residual[:, 1]) / determinant,
                    (a * residual[:, 1] - c * residual[:, 0]) / determinant,
                ]
            )
        step[~np.isfinite(step).all(axis=1)] = 0.0
        tried = xy - step
        radius = np.hypot(tried[:, 0], tried[:, 1])
        tried *= np.minimum(1.0, rim / np.maximum(radius, 1e-300))[:, None]
        values, tried_jacobian = bend(tried, k)
        tried_residual = values - bent
        # a step that makes it worse is not taken: there the lens ends
        better = (tried_residual**2).sum(axis=1) < (residual**2).sum(axis=1)
        if not better.any():
            break
        xy[better], residual[better] = tried[better], tried_residual[better]
        for row, tried_row in zip(jacobian, tried_jacobian, strict=True):
            for entry, tried_entry in zip(row, tried_row, strict=True):
                entry[better] = tried_entry[better]
        if np.abs(step[better]).max() < _TOLERANCE:
            break
    return xy


def bend(
    points: np.ndarray, k: np.ndarray
) -> tuple[np.ndarray, tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]]:
    """
    Return where the polynomial model takes points (N, 2), and the Jacobian's rows, each (N,).

    :param k: (12,) or more coefficients in OpenCV's order; tilt is left out
    """
    x, y = points.T
    r2 = x * x + y * y
    radial, slope = _radial_factor(r2, tuple(k[[0, 1, 4, 5, 6, 7]]))
    p1, p2 = k[2:4]
    s1, s2, s3, s4 = k[8:12]
    xy = x * y
    bent = np.column_stack(
        [
            x * radial + 2 * p1 * xy + p2 * (r2 + 2 * x * x) + r2 * (s1 + s2 * r2),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * xy + r2 * (s3 + s4 * r2),
        ]
    )
    across = 2 * xy * slope + 2 * (p1 * x + p2 * y)
    prism_x, prism_y = 2 * (s1 + 2 * s2 * r2), 2 * (s3 + 2 * s4 * r2)
    return bent, (
        (radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x + prism_x * x, across + prism_x * y),
        (across + prism_y * x, radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x + prism_y * y),
    )


def _without_tilt(points: np.ndarray, tau_x: float, tau_y: float) -> np.ndarray:
    """Take points (N, 2) of a tilted sensor to the plane across the axis (OpenCV's tauX, tauY)."""
    turn = rotation_about('y', -tau_y) @ rotation_about('x', -tau_x)
    plane = np.array([[turn[2, 2], 0, -turn[0, 2]], [0, turn[2, 2], -turn[1, 2]], [0, 0, 1.0]])
    straight = np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(plane @ turn).T
    return straight[:, :2] / straight[:, 2:]
