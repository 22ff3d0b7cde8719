# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bars of a face's coefficients, beside it: the person's right side to the left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from face_recon_ros.expression.units import NAMES, mirrored_name
from face_recon_ros.face import Face
from face_recon_ros.rendering.overlay import BOX_COLOR, Color, canvas

# Height of a row and width of a full bar, px: of a face's height, within these
ROW_OF_FACE, LEAST_ROW_PX, MOST_ROW_PX = 1 / 16, 10, 26
BAR_OF_ROW, NAME_OF_ROW = 3.0, 6.5
GAP_PX = 6
TEXT_COLOR: Color = (255, 255, 255)
BACKGROUND_PART = 0.35
SPEAKING = 'speaking'


@dataclass(slots=True, frozen=True)
class Row:
    """A unit of both sides, or one without sides (left None); 0..1."""

    name: str
    right: float
    left: float | None = None


def rows_of(face: Face) -> Iterator[Row]:
    """Yield a row for every unit that is known; none where nothing is."""
    values, known = face.blendshapes, face.blendshape_confidence > 0
    for index, name in enumerate(NAMES):
        other = mirrored_name(name)
        if np.isnan(values[index]) or not (known[index] or known[NAMES.index(other)]):
            continue
        if other == name or name.startswith(('jawLeft', 'jawRight', 'mouthLeft', 'mouthRight')):
            yield Row(name, float(values[index]))
        elif name.endswith('Left'):
            right = float(values[NAMES.index(other)])
            yield Row(name.removesuffix('Left'), right, float(values[index]))
    if not np.isnan(face.speaking):
        yield Row(SPEAKING, face.speaking)


def draw_bars(image: np.ndarray, face: Face) -> np.ndarray:
    """
    Draw a face's coefficients beside its box on (H, W, 3) uint8 BGR, in place; return it.

    To its right where there is room, else to its left. Of an image too low for all rows the
    strongest stay.
    """
    rows = list(rows_of(face))
    if not rows:
        return image
    height, width = image.shape[:2]
    x0, y0, x1, y1 = face.box.tolist()
    fitting = min(ROW_OF_FACE * (y1 - y0), (height - 2 * GAP_PX) / len(rows))
    row_px = round(min(max(fitting, LEAST_ROW_PX), MOST_ROW_PX))
    rows = _strongest(rows, max(1, (height - 2 * GAP_PX) // row_px))
    bar, text = BAR_OF_ROW * row_px, NAME_OF_ROW * row_px
    panel = round(text + 2 * bar)
    left = x1 + GAP_PX if x1 + GAP_PX + panel <= width or x0 < panel else x0 - GAP_PX - panel
    left = round(min(max(left, 0), max(width - panel, 0)))
    top = (y0 + y1 - len(rows) * row_px) / 2
    top = round(min(max(top, GAP_PX), max(height - GAP_PX - len(rows) * row_px, GAP_PX)))
    with canvas(image) as drawable:
        part = drawable[top : top + len(rows) * row_px, left : left + panel]
        part[...] = (part * BACKGROUND_PART).astype(np.uint8)
        for number, row in enumerate(rows):
            _draw_row(part, row, number * row_px, row_px, round(text + bar))
    return image


def _strongest(rows: list[Row], count: int) -> list[Row]:
    """Return at most so many rows, in their order."""
    order = sorted(range(len(rows)), key=lambda i: -max(rows[i].right, rows[i].left or 0.0))
    return [rows[i] for i in sorted(order[:count])]


def _draw_row(part: np.ndarray, row: Row, top: int, row_px: int, middle: int) -> None:
    bar = BAR_OF_ROW * row_px
    last = top + row_px - 2
    if row.left is None:
        ends = [(middle - bar * row.right / 2, middle + bar * row.right / 2)]
    else:
        ends = [(middle - bar * row.right, middle - 1), (middle + 1, middle + bar * row.left)]
    for start, end in ends:
        cv2.rectangle(part, (round(start), top + 1), (round(end), last), BOX_COLOR, -1)
    cv2.line(part, (middle, top), (middle, last), TEXT_COLOR, 1)
    scale = row_px / 30
    cv2.putText(
        part, row.name, (3, last - 1), cv2.FONT_HERSHEY_SIMPLEX, scale, TEXT_COLOR, 1, cv2.LINE_AA
    )
