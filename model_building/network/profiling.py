# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Face profiling: a photo's face turned to poses nobody photographed it in.

The photo becomes a relief: the fitted face mesh, coloured from the photo (from the other side
where a part is hidden), in a surface that carries the rest of the photo along and falls back from
the face's rim as a head does. The relief is turned and drawn anew. After Zhu et al., "Face
Alignment Across Large Poses: A 3D Solution" (2016), section 5.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.io.image_files import read_image
from face_recon_ros.regression.region import CROP_CENTRE_M
from face_recon_ros.rendering.renderer import PlacedMesh, Renderer, Shading
from face_recon_ros.rotations import rotation_in_plane
from model_building.network.photo_face import (
    FacePainter,
    PaintedFace,
    SeenColors,
    seen_colors,
)
from model_building.network.photos import Source
from model_building.network.subject import View

PATCH_SIDE_M = 0.42
"""Side of the square of the photo that is carried along with the face."""
PATCH_SIZE = 200
SUPERSAMPLING = 1.5
HIDDEN_SIDE_YAW_DEG = 8.0
"""A photo from farther aside than this shows the surroundings of one side only."""
RIM_OVERLAP_PX = 3
"""How far the surroundings go in under the face's rim."""


class FaceTopology:
    """What all reliefs share: the mesh of the face and of its surroundings."""

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        count = len(model.mean)
        index = np.arange(PATCH_SIZE * PATCH_SIZE).reshape(PATCH_SIZE, PATCH_SIZE) + count
        a, b, c, d = (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
        # y runs down: counter-clockwise as seen
        grid = np.concatenate([
            np.stack([a, c, b], axis=-1).reshape(-1, 3),
            np.stack([b, c, d], axis=-1).reshape(-1, 3),
        ])
        self.face_renderer = Renderer(model.triangles)
        self.renderer = Renderer(np.concatenate([model.triangles, grid]).astype(np.int32))


def colors_in_photo(topology: FaceTopology, image: np.ndarray, vertices: np.ndarray) -> SeenColors:
    """Return what an image shows of a face whose vertices (V, 3) px are known."""
    visible = topology.face_renderer.visibility(vertices, image.shape[:2])
    return seen_colors(topology.model, vertices, visible, _sample(image, vertices[:, :2]))


def painted_face(
    topology: FaceTopology, painter: FacePainter, source: Source
) -> tuple[np.ndarray, PaintedFace]:
    """Return what lays a photo's face onto a head: its coefficients (50,) and the face."""
    parameters = source.parameters
    vertices = topology.model.dense_px(parameters)
    seen = colors_in_photo(topology, read_image(Path(source.path)), vertices)
    return np.concatenate([parameters.shape, parameters.expression]), painter(seen)


@dataclass(slots=True, frozen=True)
class Surroundings:
    """
    How the photo beyond the face falls back with the distance from the face's rim.

    The depth is fall_m * (1 - exp(-distance / reach_m)). kept: whether they are drawn at all.
    """

    fall_m: float
    reach_m: float
    kept: bool

    @classmethod
    def draw(cls, rng: np.random.Generator, kept_share: float) -> Surroundings:
        """Choose at random."""
        return cls(
            float(rng.uniform(0.04, 0.14)), float(rng.uniform(0.015, 0.05)),
            bool(rng.random() < kept_share))


class ProfiledPhoto:
    """A Subject: the person in a photo."""

    def __init__(self, topology: FaceTopology, source: Source, surroundings: Surroundings) -> None:
        self._topology = topology
        parameters = source.parameters
        self.coefficients = np.concatenate([parameters.shape, parameters.expression])
        image = read_image(Path(source.path))
        vertices = topology.model.dense_px(parameters)
        self._points_m = _unprojected(vertices, source)
        face_colors = self._colors(image, vertices)
        patch, patch_from_image, inside = _patch(image, source)
        around_px = self._surroundings(vertices, patch_from_image, inside, surroundings)
        points = _unprojected(around_px, source)
        self._face_vertex_count = len(self._points_m)
        self._yaw_deg = source.yaw_pitch_deg[0]
        self._points_m = np.concatenate([self._points_m, points]).astype(np.float32)
        self._colors_bgr = np.concatenate([face_colors, patch.reshape(-1, 3)])

    def _colors(self, image: np.ndarray, vertices: np.ndarray) -> np.ndarray:
        """Return (V, 3) uint8: what the photo shows of each vertex, or of its mirror image."""
        model = self._topology.model
        seen = colors_in_photo(self._topology, image, vertices)
        clear = seen.own > 0.5
        skin = np.median(seen.sampled[clear], axis=0) if clear.any() else np.full(3, 128.0)
        painted = model.colors * (skin / np.median(model.colors, axis=0))
        filled = np.where(seen.visible[:, None], seen.sampled, painted)
        known = seen.known[:, None]
        mixed = known * seen.mixed + (1 - known) * filled
        return np.clip(mixed, 0, 255).astype(np.uint8)

    def _surroundings(
        self, vertices: np.ndarray, patch_from_image: np.ndarray, inside: np.ndarray,
        surroundings: Surroundings,
    ) -> np.ndarray:
        """Return the vertices (PATCH_SIZE^2, 3) in image pixels; NaN where there are none."""
        linear = patch_from_image[:, :2]
        zoom = float(np.sqrt(np.linalg.det(linear)))
        in_patch = np.column_stack([
            vertices[:, :2] @ linear.T + patch_from_image[:, 2], vertices[:, 2] * zoom
        ]).astype(np.float32)
        depth = -self._topology.face_renderer.depth(
            in_patch, (PATCH_SIZE, PATCH_SIZE), np.array([0, 0, -1, 0], np.float32))
        face = np.isfinite(depth).astype(np.uint8)
        if not face.any() or not surroundings.kept:
            return np.full((PATCH_SIZE * PATCH_SIZE, 3), np.nan, np.float32)
        distance, label = cv2.distanceTransformWithLabels(
            1 - face, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        of_label = np.zeros(label.max() + 1, np.float32)
        of_label[label[face > 0]] = depth[face > 0]
        rim = cv2.GaussianBlur(of_label[label], (0, 0), 3)
        pixels_per_m = PATCH_SIZE / PATCH_SIDE_M
        fall = surroundings.fall_m * (
            1 - np.exp(-distance / (surroundings.reach_m * pixels_per_m)))
        z = np.where(face > 0, depth - 0.006 * pixels_per_m, rim - fall * pixels_per_m)
        deep = cv2.distanceTransform(face, cv2.DIST_L2, 5) > RIM_OVERLAP_PX
        z[deep | ~inside] = np.nan
        y, x = np.mgrid[:PATCH_SIZE, :PATCH_SIZE]
        back = np.linalg.inv(linear)
        xy = (np.stack([x, y], axis=-1) - patch_from_image[:, 2]) @ back.T
        return np.concatenate([xy, z[..., None] / zoom], axis=-1).reshape(-1, 3)

    def draw(self, view: View, background: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw over background; see Subject."""
        size = round(view.size * SUPERSAMPLING)
        zoom = size / view.size
        large = View(view.rotation, view.scale_px_per_m * zoom,
                     (view.centre_px + 0.5) * zoom - 0.5, size)
        image = cv2.resize(background, (size, size), interpolation=cv2.INTER_LINEAR)
        vertices = large.to_pixels(self._points_m).astype(np.float32)
        if self._shows_hidden_side(view):
            vertices[self._face_vertex_count :] = np.nan
        self._topology.renderer.draw(
            [PlacedMesh(vertices, None, self._colors_bgr)], (size, size), image=image,
            shading=random_light(rng))
        return cv2.resize(image, (view.size, view.size), interpolation=cv2.INTER_AREA)

    def _shows_hidden_side(self, view: View) -> bool:
        towards_right = view.rotation[0, 2]
        return abs(self._yaw_deg) > HIDDEN_SIDE_YAW_DEG and towards_right * self._yaw_deg < 0


def random_light(rng: np.random.Generator) -> Shading:
    """Return light for a surface whose colours are already lit: none, or a little from a side."""
    if rng.random() < 0.4:
        return Shading(ambient=1.0, diffuse=0.0, specular=0.0)
    x, y = rng.normal(size=2)
    diffuse = float(rng.uniform(0, 0.6))
    return Shading(light=(float(x), float(y), 1.0), ambient=1 - 0.75 * diffuse, diffuse=diffuse,
                   specular=float(rng.uniform(0, 0.1)))


def _unprojected(points_px: np.ndarray, source: Source) -> np.ndarray:
    """Take image pixels (N, 3), z towards the viewer, back to model axes, metres."""
    matrix = source.parameters.camera_matrix
    return (points_px - matrix[:, 3]) @ np.linalg.inv(matrix[:, :3]).T


def _patch(image: np.ndarray, source: Source) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut out the square around the head: patch, map (2, 3) image -> patch, where it is photo."""
    parameters = source.parameters
    centre = parameters.project(CROP_CENTRE_M[None])[0, :2]
    up = parameters.model_rotation[:2, 1]
    roll = np.arctan2(up[0], up[1])
    zoom = PATCH_SIZE / (PATCH_SIDE_M * parameters.scale_px_per_m)
    linear = zoom * rotation_in_plane(-roll)
    patch_from_image = np.column_stack([linear, (PATCH_SIZE - 1) / 2 - linear @ centre])
    size = (PATCH_SIZE, PATCH_SIZE)
    patch = cv2.warpAffine(image, patch_from_image, size, borderMode=cv2.BORDER_REPLICATE)
    whole = np.full(image.shape[:2], 255, np.uint8)
    inside = cv2.warpAffine(whole, patch_from_image, size) > 250
    return patch, patch_from_image, inside


def _sample(image: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    """Return bilinear colours (N, 3) float32 of an image at points (N, 2)."""
    # cv2.remap wants fewer than 32,768 rows and columns: fold the list
    columns = 256
    rows = -(-len(points_px) // columns)
    folded = np.zeros((rows * columns, 2), np.float32)
    folded[: len(points_px)] = points_px
    grid = folded.reshape(rows, columns, 2)
    colors = cv2.remap(image, np.ascontiguousarray(grid[..., 0]),
                       np.ascontiguousarray(grid[..., 1]), cv2.INTER_LINEAR,
                       borderMode=cv2.BORDER_REPLICATE)
    return colors.reshape(-1, 3)[: len(points_px)].astype(np.float32)
