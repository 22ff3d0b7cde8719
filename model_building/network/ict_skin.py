# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Skins for the ICT face model's heads: of photos, or painted."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_recon_ros.face_model.normals import vertex_normals
from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.rendering.renderer import Renderer
from face_recon_ros.rendering.texture import sample_colors
from model_building.network.ict_lids import LidColors, Lids
from model_building.network.ict_surface import (
    Surface,
    distance_to_line,
    distances,
    smooth_noise,
    step,
)

FITTED_MODES, FIT_RIDGE_M2, FIT_ROUNDS = 40, 3e-6, 6
WARP_M = 0.02
"""How far around a landmark its residual moves the place that a colour is taken from."""
HAIR_BGR = ((25, 28, 32), (30, 42, 60), (45, 70, 105), (95, 130, 165), (125, 128, 130),
            (185, 188, 190))
SKIN_TONES_BGR = ((150, 180, 224), (120, 155, 205), (95, 130, 185), (60, 90, 140), (40, 58, 92))


@dataclass(slots=True, frozen=True)
class Skin:
    """Colours (N, 3) BGR 0..255 of all vertices of a subdivided head; hair 0..1 (N,)."""

    colors: np.ndarray
    hair: np.ndarray
    hair_depth_m: float


class SkinMaker:
    """Makes skins for a surface."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._model = surface.model
        self._lids = Lids(surface)
        self._lid_colors = LidColors(surface)
        self.renderer = Renderer(surface.triangles)

    def plain_skin(self, rng: np.random.Generator) -> Skin:
        """Return a skin without a photo: a tone, brows, lips, and something of a texture."""
        tone = np.array(SKIN_TONES_BGR[rng.integers(len(SKIN_TONES_BGR))], float)
        tone = tone * rng.uniform(0.9, 1.1)
        colors = np.tile(tone, (len(self._surface), 1))
        colors += 6 * smooth_noise(self._surface.neutral, rng, 0.03)[:, None]
        colors += 4 * smooth_noise(self._surface.neutral, rng, 0.008)[:, None]
        marks = self._model.neutral[self._model.landmarks_68]
        hair = np.array(HAIR_BGR[rng.integers(len(HAIR_BGR))]) * rng.uniform(0.5, 1.0)
        for line, width, color, strength in (
            (marks[17:22], 0.0035, hair, 0.75), (marks[22:27], 0.0035, hair, 0.75),
            (marks[36:40], 0.0015, hair * 0.6, 0.8), (marks[42:46], 0.0015, hair * 0.6, 0.8),
            (marks[48:55], 0.004, tone * [0.72, 0.66, 0.9], 0.8),
            (marks[54:60], 0.005, tone * [0.72, 0.66, 0.9], 0.8),
            (marks[[31, 31]], 0.004, tone * 0.35, 0.7), (marks[[35, 35]], 0.004, tone * 0.35, 0.7),
        ):
            away = distance_to_line(self._surface.neutral, line) / width
            near = strength * np.exp(-(away**2))[:, None] * self._surface.parts[:, :1]
            colors += near * (color - colors)
        return self._finished(colors, hair, rng)

    def skin_of(self, photo: Path, pipeline: Pipeline, rng: np.random.Generator) -> Skin:
        """
        Return the skin of the face in a photo.

        :raises ValueError: not one face in it.
        """
        image = read_image(photo)
        faces = pipeline.detect(image)
        if len(faces) != 1:
            raise ValueError(f'{photo}: {len(faces)} faces')
        return self.of_face(image, pipeline.model.landmarks_68_px(faces[0].parameters), rng)

    def of_face(
        self, image: np.ndarray, landmarks_px: np.ndarray, rng: np.random.Generator
    ) -> Skin:
        """Return the skin of the face whose 68 landmarks (68, 3) px in an image are known."""
        points_px = self._laid_on(landmarks_px)
        seen = self.renderer.visibility(
            np.ascontiguousarray(points_px, np.float32), image.shape[:2]
        )
        facing = _facing(points_px, self._surface.triangles)
        height = self._surface.neutral[:, 1]
        trust = step(facing, 0.3, 0.6) * seen * self._surface.parts[:, 0]
        # not of hair, nor of the neck behind the jaw
        trust *= step(height, -0.09, -0.08) * (1 - step(height, 0.085, 0.1))
        front = step(self._surface.neutral[:, 2], 0.05, 0.06)
        trust *= np.maximum(front, step(height, -0.045, -0.035))
        colors = sample_colors(image, np.ascontiguousarray(points_px, np.float32)).astype(float)
        cheeks = (trust > 0.9) & (height < 0.02) & (height > -0.04)
        tone = np.median(colors[cheeks], axis=0)
        fill = tone + 4 * smooth_noise(self._surface.neutral, rng, 0.01)[:, None]
        colors = fill + trust[:, None] * (colors - fill)
        hair = np.array(HAIR_BGR[rng.integers(len(HAIR_BGR))]) * rng.uniform(0.8, 1.2)
        return self._finished(colors, hair, rng, of_photo=True)

    def _laid_on(self, target_px: np.ndarray) -> np.ndarray:
        """Return the pixels (N, 3) of all vertices of the head that fits landmarks (68, 3) px."""
        model, target = self._model, target_px @ SCREEN_FROM_MODEL_AXES
        basis = model.identity[:FITTED_MODES, model.landmarks_68].transpose(1, 2, 0)
        basis = basis.astype(np.float64)
        mean = model.neutral[model.landmarks_68].astype(np.float64)
        weights = np.zeros(FITTED_MODES)
        for _ in range(FIT_ROUNDS):
            marks = mean + basis @ weights
            scale, rotation, move = similarity(marks, target)
            linear = (scale * rotation)[:2] / scale
            rows = np.einsum('xy,nyk->nxk', linear, basis).reshape(-1, FITTED_MODES)
            missing = (target[:, :2] - move[:2]) / scale - mean @ linear.T
            normal = rows.T @ rows + FIT_RIDGE_M2 * len(mean) * np.eye(FITTED_MODES)
            weights = np.linalg.solve(normal, rows.T @ missing.ravel())
        points = self._surface.subdivide(model.points(weights)).astype(np.float64)
        points = self._lids.over_eyes(points)
        marks = mean + basis @ weights
        placed = points @ (scale * rotation).T + move
        residual = target - (marks @ (scale * rotation).T + move)
        kernel = np.exp(-(distances(marks, marks) / WARP_M) ** 2)
        strengths = np.linalg.solve(kernel + 0.1 * np.eye(68), residual[:, :2])
        for start in range(0, len(points), 20000):
            part = slice(start, start + 20000)
            near = np.exp(-(distances(points[part], marks) / WARP_M) ** 2)
            placed[part, :2] += near @ strengths
        return placed @ SCREEN_FROM_MODEL_AXES

    def _finished(self, colors: np.ndarray, hair_color: np.ndarray,
                  rng: np.random.Generator, *, of_photo: bool = False) -> Skin:
        """Give a skin hair, mouth, teeth and eyes; that of a photo lids, too."""
        bald = rng.random() < 0.15
        strand = 1 + 0.25 * smooth_noise(self._surface.neutral * [1, 0.3, 0.6], rng, 0.002)
        hair = np.zeros(len(self._surface)) if bald else self._surface.hair
        colors = colors + hair[:, None] * (strand[:, None] * hair_color - colors)
        for column, color in ((1, (40, 40, 90)), (2, (60, 60, 110)), (3, (80, 80, 150)),
                              (4, (200, 215, 225))):
            inside = self._surface.parts[:, column] > 0.5
            colors[inside] = color
        if of_photo:
            colors = self._lid_colors(colors, hair_color, rng)
        iris = np.array([(60, 90, 120), (30, 45, 70), (130, 110, 80)][rng.integers(3)])
        look = np.append(rng.uniform(-0.2, 0.2, 2) * [1, 0.5], 1.0)
        look /= np.linalg.norm(look)
        for side in range(2):
            ball = self._surface.eyes[:, side] > 0.99
            points = self._surface.neutral[ball]
            out = points - (points.max(axis=0) + points.min(axis=0)) / 2
            angle = np.degrees(np.arccos(np.clip(
                out @ look / np.linalg.norm(out, axis=1), -1, 1)))
            white = np.array([150, 162, 172])
            colors[ball] = np.select(
                [angle[:, None] < 9, angle[:, None] < 23], [(15, 15, 15), iris], white)
        return Skin(np.clip(colors, 0, 255), hair, rng.uniform(0.004, 0.02))


def _facing(points_px: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the cosine (N,) between surface and viewer."""
    return vertex_normals(points_px @ SCREEN_FROM_MODEL_AXES, triangles)[:, 2]
