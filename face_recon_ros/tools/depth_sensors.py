# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth images as kinds of depth cameras give them, made from true ones."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# Neighbouring pixels share a good part of their error: white part, and part of a blur of so many
# pixels, whose sum has the variance 1
NOISE_BLUR_PX, WHITE_PART, BLURRED_PART = 2.0, 0.6, 0.8
# A blur by a Gaussian of sigma s divides the standard deviation of white noise by 2 s sqrt(pi)
BLURRED_GAIN = 2 * NOISE_BLUR_PX * float(np.sqrt(np.pi))
# Holes are blobs of about this size
HOLE_PX = 6.0
# Depths on both sides of an edge differ by so much
EDGE_M = 0.03


@dataclass(slots=True, frozen=True)
class DepthSensor:
    """
    What a kind of depth camera does to depth.

    noise_m: standard deviation at 1 m; it grows with the square of the distance. holes: part 0..1
    of the pixels without a measurement. flying: part 0..1 of the pixels at edges that get a depth
    between its sides. step_m: of the numbers. shift_px: how far the depth image lies to the right
    of the colour image, and half as far above it.
    """

    noise_m: float = 0.0
    holes: float = 0.0
    flying: float = 0.0
    step_m: float = 0.0
    shift_px: float = 0.0


SENSORS = {
    'ideal': DepthSensor(),
    'stereo': DepthSensor(0.004, 0.1, 0.5, 0.001),
    'structured_light': DepthSensor(0.002, 0.15, 0.5, 0.001),
    'time_of_flight': DepthSensor(0.003, 0.03, 0.8, 0.001),
}


def sensed(depth_m: np.ndarray, sensor: DepthSensor, rng: np.random.Generator) -> np.ndarray:
    """Return the depth image (H, W) float32 m that a sensor makes of depth (H, W) m; 0: a hole."""
    true_m = depth_m.astype(np.float32)
    seen = true_m.copy()
    shape = seen.shape
    if sensor.noise_m:
        white = rng.standard_normal(shape, np.float32)
        blurred = BLURRED_GAIN * cv2.GaussianBlur(white, (0, 0), NOISE_BLUR_PX)
        other = rng.standard_normal(shape, np.float32)
        seen += sensor.noise_m * true_m**2 * (WHITE_PART * other + BLURRED_PART * blurred)
    if sensor.flying:
        near, far = (change(true_m, np.ones((3, 3))) for change in (cv2.erode, cv2.dilate))
        flying = (far - near > EDGE_M) & (rng.random(shape, np.float32) < sensor.flying)
        between = near + (far - near) * rng.random(shape, np.float32)
        seen[flying] = between[flying]
    if sensor.holes:
        blobs = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), HOLE_PX)
        seen[blobs < np.quantile(blobs, sensor.holes)] = 0.0
    if sensor.shift_px:
        move = np.array([[1, 0, sensor.shift_px], [0, 1, -sensor.shift_px / 2]], np.float64)
        seen = cv2.warpAffine(seen, move, shape[::-1], flags=cv2.INTER_NEAREST)
    if sensor.step_m:
        seen = np.round(seen / sensor.step_m) * np.float32(sensor.step_m)
    return np.maximum(seen, 0.0)
