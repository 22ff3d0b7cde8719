# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Whole heads of the ICT face model, with people's skin, photographed in full perspective.

Their rotation is known, and no network here has learnt from them.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.rendering.renderer import PlacedMesh, Renderer, Shading
from face_recon_ros.rotations import OPTICAL_FROM_VIEWER
from model_building.face_model.ict_model import IctModel
from model_building.network.ict_skin import Skin, SkinMaker
from model_building.network.ict_surface import Surface, normals_of

UNLIT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)
OVERSAMPLING = 2
"""Pixels are averages of so many to each side."""
NECK_M = np.array([0.0, -0.12, -0.03])
"""What a head turns about."""
IDENTITY_LIMIT = 2.5
"""Weights of identity modes are drawn again beyond this."""


@dataclass(slots=True, frozen=True)
class Shot:
    """
    How a head is photographed.

    rotation (3, 3): model axes -> image-right, up, towards the viewer (as the camera sees, not
    along the ray). position_m (3,): of the point between the eyes' outer corners, optical frame.
    """

    rotation: np.ndarray
    position_m: np.ndarray
    camera: Camera


class IctHeads:
    """Makes and draws people."""

    def __init__(self, model: IctModel) -> None:
        self.model = model
        self._surface = Surface(model)
        self._renderer = Renderer(
            np.concatenate([self._surface.triangles, _TORSO_TRIANGLES + len(self._surface)])
        )
        self.skins = SkinMaker(self._surface)

    def person(self, rng: np.random.Generator) -> np.ndarray:
        """Return the vertices (N, 3) of somebody drawn from the model, subdivided."""
        weights = rng.standard_normal(len(self.model.identity))
        weights = np.clip(weights, -IDENTITY_LIMIT, IDENTITY_LIMIT)
        smile, jaw = rng.uniform(0, 0.6) * (rng.random() < 0.5), rng.uniform(0, 0.25)
        brow = rng.uniform(0, 0.5) * (rng.random() < 0.3)
        expression = {
            'mouthSmile_L': smile, 'mouthSmile_R': smile, 'browInnerUp_L': brow,
            'browInnerUp_R': brow, 'jawOpen': jaw * (rng.random() < 0.3),
        }
        return self._surface.subdivide(self.model.points(weights, expression))

    def landmarks_m(self, points: np.ndarray) -> np.ndarray:
        """Return iBUG's 68 (68, 3) of a subdivided head."""
        return points[self.model.landmarks_68]

    def draw(self, points: np.ndarray, skin: Skin, shot: Shot, background: np.ndarray,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """
        Photograph a head over background (H, W, 3) uint8 BGR.

        Return the photo and iBUG's landmarks (68, 2) px in it.
        """
        normals = normals_of(points, self._surface.triangles)
        grown = points + (skin.hair * skin.hair_depth_m)[:, None] * normals
        marks = self.landmarks_m(points)
        origin = marks[[36, 45]].mean(axis=0)
        turn = OPTICAL_FROM_VIEWER @ shot.rotation

        def placed(model_points: np.ndarray) -> np.ndarray:
            return (model_points - origin) @ turn.T + shot.position_m

        torso = OPTICAL_FROM_VIEWER @ (_TORSO_POINTS * rng.uniform(0.9, 1.1)).T
        # under the neck, wherever the head turns to
        torso = torso.T + placed(NECK_M[None])[0]
        camera_points = np.concatenate([placed(grown), torso])
        shirt = np.tile(rng.uniform(20, 230, 3), (len(torso), 1))
        colors = np.concatenate([skin.colors, shirt])
        normals = np.concatenate([normals_of(grown, self._surface.triangles) @ turn.T,
                                  _TORSO_NORMALS @ OPTICAL_FROM_VIEWER])
        lit = np.clip(colors * _light(normals, rng), 0, 255).astype(np.uint8)
        size = background.shape[1::-1]
        large = cv2.resize(background, None, fx=OVERSAMPLING, fy=OVERSAMPLING)
        pixels = _projected(camera_points, shot)
        pixels[:, :2] = (pixels[:, :2] + 0.5) * OVERSAMPLING - 0.5
        self._renderer.draw([PlacedMesh(pixels.astype(np.float32), None, lit)],
                            large.shape[:2], image=large, shading=UNLIT)
        image = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
        return image, _projected(placed(marks), shot)[:, :2]


def _projected(points: np.ndarray, shot: Shot) -> np.ndarray:
    """Return pixels (N, 2) and what grows towards the viewer as linearly as they do."""
    camera = shot.camera
    inverse = 1 / points[:, 2]
    return np.column_stack([
        camera.fx * points[:, 0] * inverse + camera.cx,
        camera.fy * points[:, 1] * inverse + camera.cy,
        camera.fx * shot.position_m[2] * inverse,
    ])


def _light(normals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how bright (N, 1) a key light and a sky make surfaces of normals (N, 3), optical."""
    key = np.array([rng.uniform(-1, 1), rng.uniform(-0.9, 0.2), -rng.uniform(0.4, 1.2)])
    key /= np.linalg.norm(key)
    ambient = rng.uniform(0.45, 0.75)
    sky = 0.5 - 0.5 * normals[:, 1]
    bright = ambient * (0.8 + 0.2 * sky) + (1.1 - ambient) * np.clip(normals @ key, 0, 1)
    return bright[:, None] * rng.uniform(0.8, 1.1)


def photographed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture as a camera gives it: a little blur, noise, JPEG."""
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.9))
    noisy = image + rng.normal(0, rng.uniform(1, 4), image.shape)
    coded = cv2.imencode('.jpg', np.clip(noisy, 0, 255).astype(np.uint8),
                         [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 96))])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def _torso() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, normals and triangles of shoulders, below the neck's point."""
    rows, columns = 24, 36
    theta, phi = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns),
                             indexing='ij')
    unit = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], -1)
    radii = np.array([0.21, 0.13, 0.12])
    points = unit.reshape(-1, 3) * radii + np.array([0, -0.165, -0.01])
    normals = unit.reshape(-1, 3) / radii
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    i = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    triangles = np.concatenate([
        np.column_stack([i, i + columns, i + 1]),
        np.column_stack([i + 1, i + columns, i + columns + 1]),
    ])
    return points, normals, triangles.astype(np.int32)


_TORSO_POINTS, _TORSO_NORMALS, _TORSO_TRIANGLES = _torso()
