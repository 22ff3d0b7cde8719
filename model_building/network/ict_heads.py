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
from face_recon_ros.face_model.normals import vertex_normals
from face_recon_ros.rendering.renderer import PlacedMesh, Renderer, Shading
from face_recon_ros.rotations import OPTICAL_FROM_VIEWER
from model_building.face_model.ict_model import IctModel
from model_building.network.glasses import Glasses
from model_building.network.ict_lids import Lids
from model_building.network.ict_skin import Skin, SkinMaker
from model_building.network.ict_surface import Surface
from model_building.network.ict_wearer import Wearers

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


@dataclass(slots=True, frozen=True)
class Lighting:
    """A lamp far away in direction key (3,), optical frame; light from all around; exposure."""

    key: np.ndarray
    ambient: float
    exposure: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Lighting:
        """Draw one from in front."""
        key = np.array([rng.uniform(-1, 1), rng.uniform(-0.9, 0.2), -rng.uniform(0.4, 1.2)])
        key /= np.linalg.norm(key)
        return cls(key, rng.uniform(0.45, 0.75), rng.uniform(0.8, 1.1))

    def on(self, normals: np.ndarray) -> np.ndarray:
        """Return how bright (N, 1) surfaces of normals (N, 3), optical, are."""
        sky = 0.5 - 0.5 * normals[:, 1]
        bright = (self.ambient * (0.8 + 0.2 * sky)
                  + (1.1 - self.ambient) * np.clip(normals @ self.key, 0, 1))
        return bright[:, None] * self.exposure


@dataclass(slots=True, frozen=True)
class Scene:
    """
    A head over shoulders before a camera; optical frame, metres.

    points, normals (V, 3). colors (V, 3): BGR 0..255 without light. triangles (T, 3), those of
    lenses last: from `opaque` on; they are mixed in by lens_opacity. kind: scenes of one have the
    same triangles. landmarks_px (68, 2): iBUG's.
    """

    points: np.ndarray
    normals: np.ndarray
    colors: np.ndarray
    triangles: np.ndarray
    opaque: int
    lens_opacity: float
    kind: str
    lighting: Lighting
    shot: Shot
    landmarks_px: np.ndarray


class IctHeads:
    """Makes and draws people."""

    def __init__(self, model: IctModel) -> None:
        self.model = model
        self.surface = Surface(model)
        self.skins = SkinMaker(self.surface)
        self._lids = Lids(self.surface)
        self._wearers = Wearers(self.surface)
        self._bare = np.concatenate(
            [self.surface.triangles, _TORSO_TRIANGLES + len(self.surface)])
        self._renderers: dict[tuple[str, bool], Renderer] = {}

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
        return self.with_expression(weights, expression)

    def glasses(self, points: np.ndarray, rng: np.random.Generator) -> Glasses:
        """Draw glasses for a subdivided head (N, 3)."""
        return Glasses.draw(self._wearers(points), rng)

    def with_expression(self, identity: np.ndarray, expression: dict[str, float]) -> np.ndarray:
        """Return the vertices (N, 3) of somebody with weights of named shapes, subdivided."""
        points = self.surface.subdivide(self.model.points(identity, expression))
        return self._lids.over_eyes(points)

    def landmarks_m(self, points: np.ndarray) -> np.ndarray:
        """Return iBUG's 68 (68, 3) of a subdivided head."""
        return points[self.model.landmarks_68]

    def draw(self, points: np.ndarray, skin: Skin, shot: Shot, background: np.ndarray,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """
        Photograph a head over background (H, W, 3) uint8 BGR.

        Return the photo and iBUG's landmarks (68, 2) px in it.
        """
        scene = self.scene(points, skin, shot, rng)
        return self.drawn(scene, background), scene.landmarks_px

    def scene(self, points: np.ndarray, skin: Skin, shot: Shot, rng: np.random.Generator,
              glasses: Glasses | None = None) -> Scene:
        """Place a head (N, 3), the glasses it wears and a torso before a camera and light them."""
        normals = vertex_normals(points, self.surface.triangles)
        grown = points + (skin.hair * skin.hair_depth_m)[:, None] * normals
        marks = self.landmarks_m(points)
        origin = marks[[36, 45]].mean(axis=0)
        turn = OPTICAL_FROM_VIEWER @ shot.rotation

        def placed(model_points: np.ndarray) -> np.ndarray:
            return (model_points - origin) @ turn.T + shot.position_m

        torso = OPTICAL_FROM_VIEWER @ (_TORSO_POINTS * rng.uniform(0.9, 1.1)).T
        # under the neck, wherever the head turns to
        torso = torso.T + placed(NECK_M[None])[0]
        shirt = np.tile(rng.uniform(20, 230, 3), (len(torso), 1))
        worn = [glasses.frame, glasses.lenses] if glasses else []
        parts = [
            (placed(grown), vertex_normals(grown, self.surface.triangles) @ turn.T, skin.colors),
            (torso, _TORSO_NORMALS @ OPTICAL_FROM_VIEWER, shirt),
            *((placed(p.points), p.normals @ turn.T, 255 * p.albedo) for p in worn),
        ]
        triangles, count = self._bare, len(grown) + len(torso)
        for piece in worn:
            triangles = np.concatenate([triangles, piece.triangles + count])
            count += len(piece.points)
        points, normals, colors = (
            np.concatenate(values) for values in zip(*parts, strict=True))
        return Scene(
            points, normals, colors, triangles,
            len(triangles) - (len(glasses.lenses.triangles) if glasses else 0),
            glasses.opacity if glasses else 0.0, 'with glasses' if glasses else 'bare',
            Lighting.draw(rng), shot, projected(placed(marks), shot)[:, :2],
        )

    def drawn(self, scene: Scene, background: np.ndarray) -> np.ndarray:
        """Return a picture (H, W, 3) uint8 BGR of a scene over a background."""
        lit = np.clip(scene.colors * scene.lighting.on(scene.normals), 0, 255).astype(np.uint8)
        large = cv2.resize(background, None, fx=OVERSAMPLING, fy=OVERSAMPLING)
        pixels = projected(scene.points, scene.shot)
        pixels[:, :2] = (pixels[:, :2] + 0.5) * OVERSAMPLING - 0.5
        mesh = [PlacedMesh(pixels.astype(np.float32), None, lit)]
        whole = large.copy() if scene.lens_opacity else large
        self._renderer(scene, with_lenses=True).draw(
            mesh, large.shape[:2], image=whole, shading=UNLIT)
        if scene.lens_opacity:
            self._renderer(scene, with_lenses=False).draw(
                mesh, large.shape[:2], image=large, shading=UNLIT)
            whole = cv2.addWeighted(whole, scene.lens_opacity, large, 1 - scene.lens_opacity, 0)
        return cv2.resize(whole, background.shape[1::-1], interpolation=cv2.INTER_AREA)

    def _renderer(self, scene: Scene, with_lenses: bool) -> Renderer:
        """Return a renderer for a kind of scenes; preparing one takes longer than drawing."""
        key = scene.kind, with_lenses
        if key not in self._renderers:
            triangles = scene.triangles if with_lenses else scene.triangles[: scene.opaque]
            self._renderers[key] = Renderer(triangles.astype(np.int32))
        return self._renderers[key]


def projected(points: np.ndarray, shot: Shot) -> np.ndarray:
    """Return pixels (N, 2) and what grows towards the viewer as linearly as they do."""
    camera = shot.camera
    inverse = 1 / points[:, 2]
    return np.column_stack([
        camera.fx * points[:, 0] * inverse + camera.cx,
        camera.fy * points[:, 1] * inverse + camera.cy,
        camera.fx * shot.position_m[2] * inverse,
    ])


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
