# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Draws sparse, dense, pose and box on an image, in place; sizes follow the face's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

import cv2
import numpy as np

from face_recon_ros.errors import ImageError
from face_recon_ros.rotations import EulerAngles

Color = tuple[int, int, int]
Draw = TypeVar('Draw', bound=Callable[..., np.ndarray])

# BGR, as RViz and TF colour the axes: x red, y green, z blue
AXIS_COLORS: tuple[Color, ...] = ((40, 40, 230), (40, 190, 40), (230, 90, 30))
LANDMARK_COLOR: Color = (80, 240, 80)
CONTOUR_COLOR: Color = (255, 255, 255)
BOX_COLOR: Color = (40, 200, 255)
GAZE_COLOR: Color = (0, 200, 255)
HEAD_COLOR: Color = (170, 170, 170)
IRIS_COLOR: Color = (255, 220, 0)

# Sagonas et al. 2013: first and last index of each contour of the 68, and whether it is closed
IBUG68_CONTOURS = (
    (0, 16, False),  # jaw
    (17, 21, False),  # subject's right brow
    (22, 26, False),  # left brow
    (27, 30, False),  # bridge of the nose
    (31, 35, False),  # nostrils
    (36, 41, True),  # right eye
    (42, 47, True),  # left eye
    (48, 59, True),  # outer lips
    (60, 67, True),  # inner lips
)

# cv2's drawing takes fixed-point coordinates with this many fractional bits
_SHIFT = 4
# Dense dots are thinned to one in so many dot sizes
_DENSE_SPACING = 3.0


def _fixed(points: np.ndarray) -> np.ndarray:
    """Return points (N, 2+) as cv2's fixed-point integers, kept in a range it can draw."""
    limit = float(2**15)
    return np.clip(np.nan_to_num(points[:, :2]), -limit, limit).dot(2**_SHIFT).round().astype(int)


def _line_width(size_px: float) -> int:
    return round(_bounded(size_px / 150, 1.0, 20.0))


def _bounded(value: float, low: float, high: float) -> float:
    return low if np.isnan(value) else min(max(value, low), high)


@contextmanager
def canvas(image: np.ndarray) -> Iterator[np.ndarray]:
    """
    Yield an array that OpenCV can draw on; the result goes to `image`, which may be any view.

    :raises ImageError: not a writable (H, W, 3) uint8 array.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape[2:] != (3,):
        what = type(image).__name__
        if isinstance(image, np.ndarray):
            what = f'{image.dtype} {image.shape}'
        raise ImageError(f'image to draw on is {what}; wants uint8 (height, width, 3)')
    if not image.flags.writeable:
        raise ImageError('image to draw on is read-only; give a copy of it (image.copy())')
    if image.flags.c_contiguous:
        yield image
        return
    # mirrored, channels swapped, part of another, ...: not all of OpenCV accepts such views
    copy = np.ascontiguousarray(image)
    yield copy
    image[...] = copy


def _on_any_view(draw: Draw) -> Draw:
    """Let a function draw on its first argument, an image, whatever view that is; return it."""

    @wraps(draw)
    def wrapped(image: np.ndarray, *arguments: Any, **options: Any) -> np.ndarray:
        with canvas(image) as drawable:
            draw(drawable, *arguments, **options)
        return image

    return cast('Draw', wrapped)


@_on_any_view
def draw_landmarks(image: np.ndarray, landmarks_px: np.ndarray) -> np.ndarray:
    """Draw the iBUG-68 landmarks (68, 2+) px and their contours on (H, W, 3) uint8."""
    points = _fixed(landmarks_px)
    size = float(np.ptp(landmarks_px[:, :2], axis=0).max())
    for first, last, closed in IBUG68_CONTOURS:
        line = points[first : last + 1].reshape(-1, 1, 2)
        cv2.polylines(
            image, [line], closed, CONTOUR_COLOR, _line_width(size), cv2.LINE_AA, _SHIFT
        )
    radius = round(_bounded(size / 110, 1.2, 20.0) * 2**_SHIFT)
    for x, y in points.tolist():
        cv2.circle(image, (x, y), radius, LANDMARK_COLOR, -1, cv2.LINE_AA, _SHIFT)
    return image


@_on_any_view
def draw_dense(image: np.ndarray, vertices_px: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """
    Draw the visible ones of dense vertices (V, 3) px as dots coloured by depth, near is warm.

    :param visible: (V,) bool
    """
    height, width = image.shape[:2]
    points = vertices_px[visible]
    if not len(points):
        return image
    dot_px = _line_width(float(np.ptp(points[:, 1])))
    cells = (points[:, :2] / (_DENSE_SPACING * dot_px)).astype(int)
    points = points[np.unique(cells, axis=0, return_index=True)[1]]
    depth = points[:, 2]
    near = (depth - depth.min()) / max(float(np.ptp(depth)), 1e-6)
    grey = (near * 255).astype(np.uint8).reshape(-1, 1)
    colors = cv2.applyColorMap(grey, cv2.COLORMAP_TURBO).reshape(-1, 3)
    corners = (points[:, :2] - (dot_px - 1) / 2).round().astype(int)
    for offset in np.ndindex(dot_px, dot_px):
        pixels = corners + offset
        inside = ((pixels >= 0) & (pixels < [width, height])).all(axis=1)
        image[pixels[inside, 1], pixels[inside, 0]] = colors[inside]
    return image


@_on_any_view
def draw_pose_axes(
    image: np.ndarray, origin_px: np.ndarray, rotation: np.ndarray, length_px: float
) -> np.ndarray:
    """
    Draw the axes of the face frame from its origin (2+,) px: x red, y green, z blue.

    :param rotation: (3, 3) face frame -> image-aligned optical frame
    """
    tips = origin_px[:2] + length_px * (rotation.T)[:, :2]
    start = _fixed(origin_px[None, :2])[0]
    # the axis that points away is drawn first, the nearest last
    for axis in np.argsort(-rotation[2]):
        end = _fixed(tips[axis][None])[0]
        cv2.line(
            image,
            start.tolist(),
            end.tolist(),
            AXIS_COLORS[axis],
            2 * _line_width(length_px),
            cv2.LINE_AA,
            _SHIFT,
        )
    return image


@_on_any_view
def draw_pose_cage(
    image: np.ndarray, origin_px: np.ndarray, rotation: np.ndarray, size_px: float
) -> np.ndarray:
    """
    Draw a wire box around the head, larger in front of the face, to show its direction.

    :param rotation: (3, 3) face frame -> image-aligned optical frame
    :param size_px: about the height of the face
    """
    # face frame: x out, y left, z up; in face heights
    ends = []
    for out, half, lift in ((-0.75, 0.45, -0.3), (0.25, 0.62, -0.3)):
        corners = [(out, half, half), (out, -half, half), (out, -half, -half), (out, half, -half)]
        ends.append(np.add(corners, (0, 0, lift)))
    cage = np.concatenate(ends) * size_px
    points = _fixed(origin_px[:2] + (cage @ rotation.T)[:, :2])
    width = _line_width(size_px)
    for ring in (points[:4], points[4:]):
        cv2.polylines(
            image, [ring.reshape(-1, 1, 2)], True, CONTOUR_COLOR, width, cv2.LINE_AA, _SHIFT
        )
    for back, front in zip(points[:4].tolist(), points[4:].tolist(), strict=True):
        cv2.line(image, back, front, CONTOUR_COLOR, width, cv2.LINE_AA, _SHIFT)
    return image


@_on_any_view
def draw_box(image: np.ndarray, box: np.ndarray, label: str = '') -> np.ndarray:
    """Draw a face's box (4,) x0, y0, x1, y1 px with a label above it."""
    corners = _fixed(np.asarray(box).reshape(2, 2))
    width = _line_width(float(box[3] - box[1]))
    cv2.rectangle(
        image, corners[0].tolist(), corners[1].tolist(), BOX_COLOR, width, cv2.LINE_AA, _SHIFT
    )
    if label:
        x, y = (corners[0] >> _SHIFT).tolist()
        _draw_label(image, label, x, max(y - 4, 10))
    return image


def eye_middles(landmarks_px: np.ndarray) -> np.ndarray:
    """Return the middles (2, 2) of the outlines of the right and the left eye, px."""
    return np.array([landmarks_px[36:42, :2].mean(axis=0), landmarks_px[42:48, :2].mean(axis=0)])


@_on_any_view
def draw_eyes(
    image: np.ndarray,
    iris_px: np.ndarray,
    radius_px: np.ndarray,
    lids_px: np.ndarray,
    seen: np.ndarray,
) -> np.ndarray:
    """
    Draw the outlines of eyes (N, 16, 2), and irises where they are seen.

    :param iris_px: centres (N, 2); radius_px: (N,)
    :param seen: (N,) bool
    """
    for centre, radius, lids, is_seen in zip(iris_px, radius_px, lids_px, seen, strict=True):
        if not np.isfinite(lids).all():
            continue
        # inner corner, lower lid, outer corner, and the upper lid back
        outline = _fixed(np.vstack([lids[:9], lids[:8:-1]])).reshape(-1, 1, 2)
        width = _line_width(4 * float(np.ptp(lids[:, 0])))
        cv2.polylines(image, [outline], True, CONTOUR_COLOR, width, cv2.LINE_AA, _SHIFT)
        if is_seen:
            x, y = _fixed(centre[None])[0].tolist()
            size = round(_bounded(float(radius), 1.0, 500.0) * 2**_SHIFT)
            cv2.circle(image, (x, y), size, IRIS_COLOR, width, cv2.LINE_AA, _SHIFT)
    return image


@_on_any_view
def draw_gaze(
    image: np.ndarray, starts_px: np.ndarray, gaze: np.ndarray, length_px: float, seen: bool
) -> np.ndarray:
    """
    Draw arrows from points (N, 2) along a gaze (3,), as it is seen; grey where it is the head's.

    :param gaze: x right, y down, z away from the viewer
    """
    color = GAZE_COLOR if seen else HEAD_COLOR
    for start in starts_px:
        ends = _fixed(np.array([start, start + length_px * gaze[:2]]))
        cv2.arrowedLine(
            image, ends[0].tolist(), ends[1].tolist(), color, 2 * _line_width(length_px),
            cv2.LINE_AA, _SHIFT, 0.2,
        )  # fmt: skip
    return image


def _draw_label(image: np.ndarray, label: str, x: int, y: int) -> None:
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, max(0.4, image.shape[0] / 1200)
    for color, width in (((0, 0, 0), 3), (CONTOUR_COLOR, 1)):
        cv2.putText(image, label, (x, y), font, scale, color, width, cv2.LINE_AA)


def angles_label(rotation: np.ndarray) -> str:
    """Return 'yaw, pitch, roll' of a face -> optical rotation in degrees (pose.EulerAngles)."""
    e = EulerAngles.from_rotation(rotation)
    yaw, pitch, roll = (round(v) for v in (e.yaw_deg, e.pitch_deg, e.roll_deg))  # no -0
    return f'yaw {yaw:+d} pitch {pitch:+d} roll {roll:+d}'
