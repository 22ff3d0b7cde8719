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
# Rows that are shown even where they cover a part of the face
FEW_ROWS = 4
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


@dataclass(slots=True, frozen=True)
class Panel:
    """Where bars are drawn: left, top and the height of a row, px, and how many rows."""

    left: int
    top: int
    row_px: int
    rows: int

    @property
    def width(self) -> int:
        """Its width, px."""
        return round((NAME_OF_ROW + 2 * BAR_OF_ROW) * self.row_px)


def draw_bars(image: np.ndarray, face: Face) -> np.ndarray:
    """
    Draw a face's coefficients beside its box on (H, W, 3) uint8 BGR, in place; return it.

    Where there is no room for all rows the strongest stay.
    """
    rows = list(rows_of(face))
    if not rows:
        return image
    height, width = image.shape[:2]
    panel = place_of(face.box, (width, height), len(rows))
    rows = _strongest(rows, panel.rows)
    row_px = panel.row_px
    bottom, right = panel.top + len(rows) * row_px, panel.left + panel.width
    with canvas(image) as drawable:
        part = drawable[panel.top : bottom, panel.left : right]
        part[...] = (part * BACKGROUND_PART).astype(np.uint8)
        for number, row in enumerate(rows):
            middle = round((NAME_OF_ROW + BAR_OF_ROW) * row_px)
            _draw_row(part, row, number * row_px, row_px, middle)
    return image


def place_of(box: np.ndarray, size: tuple[int, int], count: int) -> Panel:
    """
    Return where so many rows go: right of a face, left of it, below or above it.

    On the face itself, at the edge of the image that is farther from its middle, only where all
    of these are too small; then a few rows.

    :param box: (4,) x0, y0, x1, y1 px
    :param size: width and height of the image
    """
    width, height = size
    x0, y0, x1, y1 = box.tolist()
    fitting = min(ROW_OF_FACE * (y1 - y0), (height - 2 * GAP_PX) / count)
    widest_row = NAME_OF_ROW + 2 * BAR_OF_ROW
    sides = (width - x1 - GAP_PX, x0 - GAP_PX)
    row_px = round(min(max(fitting, LEAST_ROW_PX), MOST_ROW_PX))
    fits = [room >= widest_row * row_px for room in sides]
    side = int(not fits[0] and (fits[1] or sides[1] > sides[0]))
    # smaller rows before fewer
    row_px = int(min(row_px, max(sides[side] / widest_row, LEAST_ROW_PX)))
    panel = round(widest_row * row_px)
    if sides[side] >= panel:
        rows = min(count, max(1, (height - 2 * GAP_PX) // row_px))
        left = x1 + GAP_PX if side == 0 else x0 - GAP_PX - panel
        top = (y0 + y1 - rows * row_px) / 2
    else:
        rooms = (height - y1 - GAP_PX, y0 - GAP_PX)
        below = rooms[0] >= rooms[1]
        rows = min(count, max(int(max(rooms) // row_px), FEW_ROWS))
        rows = min(rows, max(1, (height - 2 * GAP_PX) // row_px))
        left = (x0 + x1 - panel) / 2
        top = max(y1 + GAP_PX, 0) if below else y0 - GAP_PX - rows * row_px
    left = round(min(max(left, 0), max(width - panel, 0)))
    top = round(min(max(top, GAP_PX), max(height - GAP_PX - rows * row_px, GAP_PX)))
    return Panel(left, top, row_px, rows)


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
