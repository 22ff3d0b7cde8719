# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The part of the image that expressions are read from: the face, upright, whatever it shows."""

from __future__ import annotations

import math

import cv2
import numpy as np

from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.region import Region

# Point of the head that a crop is centred on, and the side of the crop: from the raised brows to
# the chin of an open mouth. Model axes, metres
CENTRE_M = np.array([0.0, -0.055, -0.03])
SIDE_M = 0.16
# Side of the crop, pixels
SIZE = 128
# Grey levels: what is one grey alone is not blown up
LEAST_SPREAD = 4.0
# Brightness and its standard deviation that crops are brought to
MIDDLE, CONTRAST = 0.45, 0.22


def expression_region(parameters: FaceParameters) -> Region:
    """Return the square of a face; it follows the head's pose and size alone."""
    up = parameters.model_rotation[:2, 1]
    centre = parameters.project(CENTRE_M[None])[0, :2]
    return Region(centre, SIDE_M * parameters.scale_px_per_m, math.atan2(up[0], up[1]))


def expression_crop(image: np.ndarray, parameters: FaceParameters) -> np.ndarray:
    """Return the face in a BGR image as the network reads it, (SIZE, SIZE) uint8 grey."""
    rgb, _ = cut(image, expression_region(parameters), SIZE, continued=True)
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def normalised(grey: np.ndarray) -> np.ndarray:
    """Return crops (..., H, W) uint8 of one brightness and contrast, about 0..1, float32."""
    values = grey.astype(np.float32)
    mean = values.mean(axis=(-2, -1), keepdims=True)
    spread = values.std(axis=(-2, -1), keepdims=True)
    return np.asarray(MIDDLE + CONTRAST * (values - mean) / (spread + LEAST_SPREAD), np.float32)
