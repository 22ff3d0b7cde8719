# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images of single faces, all of one size, as REP-155 defines them."""

from __future__ import annotations

import cv2
import numpy as np

from face_recon_ros.rotations import rotation_in_plane

RIGHT_EYE_68 = slice(36, 42)
LEFT_EYE_68 = slice(42, 48)


def cropped(image: np.ndarray, box: np.ndarray, width: int, height: int) -> np.ndarray:
    """
    Return the inside of a box, scaled to fit and centred; black around it and outside the image.

    :param image: (H, W, 3) uint8
    :param box: (4,) x0, y0, x1, y1 px; may leave the image
    :returns: (height, width, 3) uint8
    """
    crop = np.zeros((height, width, 3), np.uint8)
    scale = _fitting_scale(box, width, height)
    x0, y0, x1, y1 = _inside(box, image)
    if x0 >= x1 or y0 >= y1:
        return crop
    middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2
    place = np.array([[x0, y0], [x1, y1]]) - middle
    corners = np.rint(place * scale + np.array([width, height]) / 2).astype(int)
    (left, top), (right, bottom) = np.clip(corners, 0, (width, height))
    if left >= right or top >= bottom:
        return crop
    shown = cv2.resize(
        image[y0:y1, x0:x1], (int(right - left), int(bottom - top)), interpolation=_method(scale)
    )
    crop[top:bottom, left:right] = shown
    return crop


def aligned(
    image: np.ndarray, box: np.ndarray, landmarks_px: np.ndarray, width: int, height: int
) -> np.ndarray:
    """
    Return the face at the place and scale of `cropped`, rotated so that the eyes are level.

    :param image: (H, W, 3) uint8
    :param box: (4,) x0, y0, x1, y1 px
    :param landmarks_px: (68, 2+) iBUG landmarks
    :returns: (height, width, 3) uint8, black outside the image
    """
    scale = _fitting_scale(box, width, height)
    middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2
    # The part that can be in the crop, shrunk without aliasing before the rotation
    reach = np.hypot(width, height) / 2 / scale
    around = np.concatenate([middle - reach, middle + reach])
    x0, y0, x1, y1 = _inside(around, image)
    if x0 >= x1 or y0 >= y1:
        return np.zeros((height, width, 3), np.uint8)
    size = np.maximum(np.rint(np.array([x1 - x0, y1 - y0]) * min(scale, 1.0)), 1).astype(int)
    part = cv2.resize(image[y0:y1, x0:x1], size.tolist(), interpolation=_method(scale))
    part_from_image = size / np.array([x1 - x0, y1 - y0])
    turn = rotation_in_plane(eye_line_angle(landmarks_px))
    # pixel of the crop -> pixel of the part
    linear = np.diag(part_from_image / scale) @ turn
    crop_middle = np.array([width - 1, height - 1]) / 2
    # pixel centres at integers, in all three
    part_middle = (middle - np.array([x0, y0]) + 0.5) * part_from_image - 0.5
    part_from_crop = np.column_stack([linear, part_middle - linear @ crop_middle])
    return cv2.warpAffine(
        part,
        part_from_crop,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )


def eye_centres(landmarks_px: np.ndarray) -> np.ndarray:
    """Return the middles (2, 2) of the right and left eye's outline, px."""
    points = landmarks_px[:, :2]
    return np.array([points[RIGHT_EYE_68].mean(axis=0), points[LEFT_EYE_68].mean(axis=0)])


def eye_line_angle(landmarks_px: np.ndarray) -> float:
    """Return the angle of the line from right to left eye, radians, clockwise in the image."""
    right, left = eye_centres(landmarks_px)
    return float(np.arctan2(left[1] - right[1], left[0] - right[0]))


def _fitting_scale(box: np.ndarray, width: int, height: int) -> float:
    """Return output pixels per image pixel at which the box just fits."""
    box_width, box_height = max(box[2] - box[0], 1.0), max(box[3] - box[1], 1.0)
    return float(min(width / box_width, height / box_height))


def _inside(box: np.ndarray, image: np.ndarray) -> list[int]:
    """Return the part of a box that lies in the image, whole pixels."""
    height, width = image.shape[:2]
    limits = np.array([width, height, width, height])
    return np.clip(np.rint(box), 0, limits).astype(int).tolist()


def _method(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR

