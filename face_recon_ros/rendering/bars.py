# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bars of a face's coefficients, beside it: the person's right side to the left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    @property
    def box(self) -> np.ndarray:
        """Its box (4,): x0, y0, x1, y1, px."""
        bottom = self.top + self.rows * self.row_px
        return np.array([self.left, self.top, self.left + self.width, bottom], float)


def draw_bars(image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """
    Draw faces' coefficients beside their boxes on (H, W, 3) uint8 BGR, in place; return it.

    Where there is no room for all rows the strongest stay; where an image is too narrow for names
    and bars, none: a part of a bar would show another value.
    """
    height, width = image.shape[:2]
    read = [(face.box, rows) for face in faces if (rows := list(rows_of(face)))]
    boxes, counts = [box for box, _ in read], [len(rows) for _, rows in read]
    for (_, rows), panel in zip(read, panels_of(boxes, (width, height), counts), strict=True):
        if (panel.box[2:] <= (width, height)).all():
            _draw_panel(image, _strongest(rows, panel.rows), panel)
    return image


def panels_of(
    boxes: Sequence[np.ndarray], size: tuple[int, int], counts: Sequence[int]
) -> list[Panel]:
    """
    Return where the rows of several faces go: as place_of() says, or where less is covered.

    :param boxes: (4,) each, px; size: of the image; counts: rows of each face
    """
    panels: list[Panel] = []
    for index, (box, count) in enumerate(zip(boxes, counts, strict=True)):
        panel = place_of(box, size, count)
        others = [*(b for i, b in enumerate(boxes) if i != index), *(p.box for p in panels)]
        if _covered(panel, others) > 0:
            choices = [panel, *_other_places(box, size, count)]
            panel = min(choices, key=lambda choice: _covered(choice, [*others, box]))
        panels.append(panel)
    return panels


def _covered(panel: Panel, boxes: Sequence[np.ndarray]) -> float:
    """Return how much of boxes a panel covers, px^2."""
    corners = [np.minimum(panel.box[2:], b[2:]) - np.maximum(panel.box[:2], b[:2]) for b in boxes]
    return float(sum(np.prod(np.maximum(sides, 0)) for sides in corners))


def _other_places(box: np.ndarray, size: tuple[int, int], count: int) -> Iterator[Panel]:
    """Yield places with the smallest rows: at the sides, and as many rows as fit below, above."""
    height = size[1]
    x0, y0, x1, y1 = box.tolist()
    row_px, most = LEAST_ROW_PX, max(1, (height - 2 * GAP_PX) // LEAST_ROW_PX)
    panel = Panel(0, 0, row_px, 1).width
    beside, middle = min(count, most), (y0 + y1) / 2
    below, above = (int(room // row_px) for room in (height - y1 - 2 * GAP_PX, y0 - 2 * GAP_PX))
    for left, top, rows in (
        (x1 + GAP_PX, middle - beside * row_px / 2, beside),
        (x0 - GAP_PX - panel, middle - beside * row_px / 2, beside),
        ((x0 + x1 - panel) / 2, y1 + GAP_PX, min(count, below)),
        ((x0 + x1 - panel) / 2, y0 - GAP_PX - min(count, above) * row_px, min(count, above)),
    ):
        if rows >= FEW_ROWS:
            yield _inside(left, top, row_px, rows, size)


def _inside(left: float, top: float, row_px: int, rows: int, size: tuple[int, int]) -> Panel:
    """Return a panel, moved into the image."""
    width, height = size
    panel = Panel(0, 0, row_px, rows)
    return Panel(
        round(min(max(left, 0), max(width - panel.width, 0))),
        round(min(max(top, GAP_PX), max(height - GAP_PX - rows * row_px, GAP_PX))),
        row_px,
        rows,
    )


def _draw_panel(image: np.ndarray, rows: list[Row], panel: Panel) -> None:
    row_px = panel.row_px
    bottom, right = panel.top + len(rows) * row_px, panel.left + panel.width
    with canvas(image) as drawable:
        part = drawable[panel.top : bottom, panel.left : right]
        part[...] = (part * BACKGROUND_PART).astype(np.uint8)
        for number, row in enumerate(rows):
            middle = round((NAME_OF_ROW + BAR_OF_ROW) * row_px)
            _draw_row(part, row, number * row_px, row_px, middle)


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
    return _inside(left, top, row_px, rows, size)


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
