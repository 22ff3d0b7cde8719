#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Make the pictures of the README from the sample portrait: `scripts/make_pictures.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.face import Face
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.io.image_files import read_image, write_image
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rendering.renderer import Renderer
from face_recon_ros.rendering.views import UNLIT, FaceViews
from face_recon_ros.rotations import rotation_matrix

DOCS = Path(__file__).resolve().parents[1] / 'docs'
MODES = (('sparse', 'dense', 'pose', 'mesh'), ('depth', 'pncc', 'gaze', 'expression'))
# The head in the sample portrait: left, top, side in pixels, and how large it is shown
HEAD = (118, 5, 215)
TILE_PX = 300
ANGLES_DEG = (-75, -45, -15, 15, 45, 75)


def enlarged_head(portrait: np.ndarray) -> np.ndarray:
    """Return the head large enough for thin lines to show."""
    x, y, side = HEAD
    head = portrait[y : y + side, x : x + side]
    return cv2.resize(head, (2 * TILE_PX, 2 * TILE_PX), interpolation=cv2.INTER_CUBIC)


def mode_sheet(image: np.ndarray, faces: Sequence[Face], views: FaceViews) -> np.ndarray:
    """Return the picture of every mode, in rows."""
    rows = [[views.draw(mode, image.copy(), faces) for mode in row] for row in MODES]
    return np.vstack([
        np.hstack([cv2.resize(t, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA) for t in row])
        for row in rows])


def turned_strip(image: np.ndarray, face: Face, views: FaceViews) -> np.ndarray:
    """Return the reconstructed face, coloured from the photo, seen from several sides."""
    colors = views.colors(image, face)
    renderer = Renderer(views.model.triangles)
    tiles = []
    for angle_deg in ANGLES_DEG:
        turn = rotation_matrix(np.radians([0.0, angle_deg, 0.0]))
        origin_px = np.array([TILE_PX, 0.75 * TILE_PX, 0.0])
        # the mesh turns about a point inside the head
        origin_px += np.diag([1, -1, 1]) @ (turn @ [0, 0, 0.09] - [0, 0, 0.09]) * 2300
        parameters = FaceParameters(
            camera_matrix(2300.0, turn, origin_px), face.parameters.shape,
            face.parameters.expression)
        tile = np.full((2 * TILE_PX, 2 * TILE_PX, 3), 245, np.uint8)
        renderer.render(views.model.dense_px(parameters), tile, colors=colors, shading=UNLIT)
        tiles.append(cv2.resize(tile, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA))
    return np.hstack(tiles)


def main() -> None:
    """Write docs/modes.jpg and docs/turned.jpg."""
    image = enlarged_head(read_image(share_directory() / 'samples' / 'astronaut.png'))
    pipeline = Pipeline(PipelineConfig(expressions=True))
    faces = pipeline.detect(image)
    views = FaceViews(pipeline.model)
    DOCS.mkdir(exist_ok=True)
    write_image(DOCS / 'modes.jpg', mode_sheet(image, faces, views))
    write_image(DOCS / 'turned.jpg', turned_strip(image, faces[0], views))


if __name__ == '__main__':
    main()
