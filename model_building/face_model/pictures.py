# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Pictures of the face model for the documentation.

    python -m model_building.face_model.pictures
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from model_building.face_model.depth_buffer import rotation_yaw_pitch

PIXELS_PER_METRE = 1900
SUPERSAMPLING = 2
BACKGROUND = 255
TEXT_COLOR = (70, 70, 70)
SHADE_COLOR = (185, 190, 200)
SHAPE_AMOUNTS = (-2.0, 2.0)
EXPRESSION_AMOUNTS = (-1.0, 2.0)
"""Faces do not go as far to the negative side: a jaw opens, but does not close past closed."""
SHAPE_PICTURES = 8


class Painter:
    """Draws faces of one model with the product's renderer."""

    def __init__(self, path: Path) -> None:
        """Load a model file."""
        from face_recon_ros.rendering.renderer import Renderer

        with np.load(path) as file:
            self.arrays = {name: file[name] for name in file.files}
        self._renderer = Renderer(self.arrays['triangles'])
        self._centre = (self.arrays['mean'].min(axis=0) + self.arrays['mean'].max(axis=0)) / 2

    def face(self, kind: str = '', component: int = 0, amount: float = 0.0) -> np.ndarray:
        """Return the mean (V,3) plus an amount (standard deviations) of one component."""
        points = self.arrays['mean'].astype(np.float64)
        if kind:
            step = float(self.arrays[f'{kind}_step'][component])
            points = points + amount * step * self.arrays[f'{kind}_basis'][component]
        return points

    def draw(self, points: np.ndarray, size: tuple[int, int], yaw_deg: float = 0,
             pitch_deg: float = 0, painted: bool = True, zoom: float = 1.0,
             target: np.ndarray | None = None) -> np.ndarray:
        """Return a picture (height, width, 3) uint8 BGR of a face (V,3) turned and centred."""
        width, height = (SUPERSAMPLING * side for side in size)
        turned = (points - (self._centre if target is None else target)) \
            @ rotation_yaw_pitch(yaw_deg, pitch_deg).T
        scale = SUPERSAMPLING * PIXELS_PER_METRE * zoom
        vertices = turned * [scale, -scale, scale] + [width / 2, height / 2, 0]
        image = np.full((height, width, 3), BACKGROUND, np.uint8)
        self._renderer.render(np.ascontiguousarray(vertices, np.float32), image,
                              colors=self.arrays['colors'] if painted else SHADE_COLOR)
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _titled(image: np.ndarray, text: str) -> np.ndarray:
    bar = np.full((26, image.shape[1], 3), BACKGROUND, np.uint8)
    cv2.putText(bar, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.42, TEXT_COLOR, 1, cv2.LINE_AA)
    return np.vstack([bar, image])


def mean_from_six_sides(painter: Painter) -> np.ndarray:
    """Return the mean face from the front, both sides, obliquely, from below and above."""
    mean = painter.face()
    views = (('front', 0, 0), ('45 deg', -45, 0), ('left side', -90, 0), ('right side', 90, 0),
             ('from below', 0, -35), ('from above', 0, 35))
    return np.vstack([
        np.hstack([_titled(painter.draw(mean, (360, 400), yaw, pitch, painted), name)
                   for name, yaw, pitch in views]) for painted in (True, False)])


def components(painter: Painter, kind: str, count: int,
               amounts: tuple[float, float]) -> np.ndarray:
    """Return the mean plus amounts of each component, from the front and obliquely."""
    blocks = []
    for k in range(count):
        name = str(painter.arrays[f'{kind}_names'][k])
        columns = []
        for amount in amounts:
            face = painter.face(kind, k, amount)
            views = [painter.draw(face, (200, 220), yaw, painted=True, zoom=0.52)
                     for yaw in (0, -40)]
            columns.append(_titled(np.hstack(views), f'{kind} {k}  {amount:+.0f} SD'))
        blocks.append(_titled(np.hstack(columns), name))
    if len(blocks) % 2:
        blocks.append(np.full_like(blocks[0], BACKGROUND))
    return np.vstack([np.hstack(pair) for pair in zip(blocks[::2], blocks[1::2], strict=True)])


def main() -> int:
    """Run the command; returns the exit status."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(prog='python -m model_building.face_model.pictures',
                                     description=__doc__)
    parser.add_argument('--model', type=Path, default=root / 'models' / 'face_model.npz')
    parser.add_argument('--output', type=Path, default=root / 'docs')
    parser.add_argument('--name', default='face_model', help='what the files begin with')
    arguments = parser.parse_args()
    painter = Painter(arguments.model)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, picture in (
            ('mean', mean_from_six_sides(painter)),
            ('shape', components(painter, 'shape', SHAPE_PICTURES, SHAPE_AMOUNTS)),
            ('expression', components(
                painter, 'expression', len(painter.arrays['expression_step']),
                EXPRESSION_AMOUNTS))):
        path = arguments.output / f'{arguments.name}_{name}.png'
        cv2.imwrite(str(path), picture)
        sys.stdout.write(f'{path}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
