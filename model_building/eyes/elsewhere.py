# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Photos of people whose eyes, both, were made to look elsewhere, or shut: how far is known."""
from __future__ import annotations

import cv2
import numpy as np

from face_recon_ros.eyes.landmarks import RIGHT
from model_building.eyes.moved import RADIUS_PX, Movement, moved
from model_building.eyes.photo_eyes import SIDE, WIDTH, IrisMarker, photo_eye

MOST_ASIDE, MOST_UP = 0.4, 0.25
"""Sines of the changes of the gaze."""
LID_PER_SINE = 0.9
"""Upper lids follow what looks down or up: as in samples.random_movement."""
_ELLIPSE = (round(0.75 * WIDTH), round(0.575 * WIDTH))
"""Half axes of what is put back: the eye and the skin that its lid stretches."""


def random_gaze(random: np.random.Generator) -> np.ndarray:
    """Return a change of the gaze (2,), sines, to the image's right and down."""
    return random.uniform(-1, 1, 2) * [MOST_ASIDE, MOST_UP]


def looking_elsewhere(
    image: np.ndarray,
    landmarks_px: np.ndarray,
    gaze: np.ndarray,
    marker: IrisMarker,
    random: np.random.Generator,
    close: float | None = None,
) -> np.ndarray | None:
    """
    Return a photo in which both irises of a face have moved; None: an eye is not open.

    :param image: (H, W, 3) uint8 BGR
    :param landmarks_px: (68, 2+) of the face
    :param gaze: (2,) change of its gaze, sines, along and across the eyes: image-right and down
    :param close: how far the upper lids come down, 0 stay, 1 shut; None: as they follow the gaze
    """
    if close is None:
        close = float(np.clip(LID_PER_SINE * gaze[1], -0.3, 0.5))
    shown = image
    for side in range(2):
        eye, image_from_cut, _ = photo_eye(image, landmarks_px, side, marker, random)
        outwards = gaze * [-1, 1] if side == RIGHT else gaze
        result = moved(eye, Movement(RADIUS_PX * outwards, close), random)
        if result is None:
            return None
        rgb = result[0][:, ::-1] if side == RIGHT else result[0]
        shown = _put_back(shown, rgb, image_from_cut)
    return shown


def _put_back(image: np.ndarray, rgb: np.ndarray, image_from_cut: np.ndarray) -> np.ndarray:
    """Return the image with the middle of what was cut out of it, softly."""
    size = image.shape[1::-1]
    mask: np.ndarray = np.zeros((SIDE, SIDE), np.float32)
    cv2.ellipse(mask, (SIDE // 2, SIDE // 2), _ELLIPSE, 0, 0, 360, 1, -1)
    weight = cv2.warpAffine(cv2.GaussianBlur(mask, (0, 0), 2), image_from_cut, size)[..., None]
    seen = cv2.warpAffine(np.ascontiguousarray(rgb[..., ::-1]), image_from_cut, size)
    return np.asarray(np.clip(image * (1 - weight) + seen * weight, 0, 255).astype(np.uint8))
