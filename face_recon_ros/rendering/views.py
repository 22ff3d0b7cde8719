# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures of faces: mesh, depth, PNCC, and the overlays, each from an image and its faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from weakref import WeakKeyDictionary

import cv2
import numpy as np

from face_recon_ros.errors import ArgumentError, ImageError
from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.pose import depth_plane, points_in_camera
from face_recon_ros.rendering import overlay
from face_recon_ros.rendering.bars import draw_bars
from face_recon_ros.rendering.renderer import (
    PlacedMesh,
    Renderer,
    Shading,
    coarser_triangles,
    normalised_coordinate_code,
)
from face_recon_ros.rendering.texture import (
    completed_colors,
    outward_directions,
    photo_trust,
    sample_colors,
)
from face_recon_ros.rotations import rotation_to

# Colours are drawn without shading
UNLIT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)
# Height of the model's face: sizes drawn things
FACE_HEIGHT_M = 0.18
# The grey depth picture goes from white to dark grey over this range from the nearest point
DEPTH_SPAN_M = 0.12
# Faces up to this height, px, are shaded on a mesh with one vertex for so many of the model's: of
# the silhouette 0.3 % at most differ, on average less than one grey level (docs/renderer.md)
COARSE_UP_TO_PX, VERTICES_PER_COARSE = 250.0, 3
# Faces whose vertices are kept, of 0.44 MiB each
MOST_KEPT = 32


class FaceViews:
    """
    Draws faces found in an image: FaceViews(pipeline.model).draw('mesh', image.copy(), faces).

    A face's dense vertices are kept while the face lives, of MOST_KEPT faces at most, so that
    several views of one image decode them once. Renderer and decoder are made when first needed.
    For one thread at a time.
    """

    def __init__(self, model: FaceModel, threads: int = 1) -> None:
        """
        Draw faces of a model.

        :param model: that the faces were found with (Pipeline.model)
        :param threads: how many may work on one picture
        """
        self.model = model
        self._threads = threads
        # as long as the face object exists
        self._dense: WeakKeyDictionary[Face, np.ndarray] = WeakKeyDictionary()

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer(self.model.triangles, threads=self._threads)

    @cached_property
    def _coarse_renderer(self) -> Renderer:
        finer, mean = self.model.triangles, self.model.mean
        triangles = coarser_triangles(finer, mean, len(mean) // VERTICES_PER_COARSE)
        return Renderer(triangles, threads=self._threads, surface=finer)

    @cached_property
    def _codes(self) -> np.ndarray:
        return normalised_coordinate_code(self.model.mean)

    @cached_property
    def _outwards(self) -> np.ndarray:
        return outward_directions(self.model.mean)

    def dense_px(self, face: Face) -> np.ndarray:
        """
        Return the face's dense vertices (V, 3) float32 px; decoded once per face.

        :returns: x right, y down, z towards the viewer; not to be written to
        """
        known = self._dense.get(face)
        if known is None:
            if len(self._dense) >= MOST_KEPT:  # whoever collects faces does not collect these
                self._dense.clear()
            known = self._dense[face] = self.model.dense_px(face.parameters)
        return known

    def forget(self) -> None:
        """Drop all cached vertices."""
        self._dense.clear()

    def _meshes(self, faces: Sequence[Face]) -> list[PlacedMesh]:
        return [
            PlacedMesh(self.dense_px(f), depth_plane(f.parameters, f.pose, f.head_scale))
            for f in faces
        ]

    def mesh(self, image: np.ndarray, faces: Sequence[Face], opacity: float = 1.0) -> np.ndarray:
        """Draw the shaded meshes over the image (H, W, 3) uint8 BGR, in place; return it."""
        meshes = self._meshes(faces)
        heights_px = [f.parameters.scale_px_per_m * FACE_HEIGHT_M for f in faces]
        small = bool(faces) and max(heights_px) <= COARSE_UP_TO_PX
        renderer = self._coarse_renderer if small else self._renderer
        with overlay.canvas(image) as drawable:
            renderer.draw(meshes, image.shape[:2], image=drawable, opacity=opacity)
        return image

    def depth_m(self, size: tuple[int, int], faces: Sequence[Face]) -> np.ndarray:
        """Return depth (H, W) float32 in metres along the optical axis, NaN where no face is."""
        depth = np.empty(size, np.float32)
        self._renderer.draw(self._meshes(faces), size, depth=depth)
        if any(face.landmarks_m[:, 2].min() <= 0 for face in faces):
            depth[depth <= 0] = np.nan  # behind a fisheye camera: no depth (REP-118)
        return depth

    def pncc(self, size: tuple[int, int], faces: Sequence[Face]) -> np.ndarray:
        """Return the projected normalised coordinate code (H, W, 3) uint8, black outside."""
        pncc = np.empty((*size, 3), np.uint8)
        self._renderer.draw(self._meshes(faces), size, pncc=pncc, pncc_codes=self._codes)
        return pncc

    def visible(self, size: tuple[int, int], face: Face) -> np.ndarray:
        """Return which dense vertices (V,) of a face are seen."""
        return self._renderer.visibility(self.dense_px(face), size)

    def vertices_m(self, face: Face) -> np.ndarray:
        """Return the dense vertices (V, 3) in the camera optical frame, metres."""
        matrix = face.parameters.camera_matrix
        points_model_m = (self.dense_px(face) - matrix[:, 3]) @ np.linalg.inv(matrix[:, :3]).T
        return points_in_camera(points_model_m, face.pose, face.head_scale)

    def colors(self, image: np.ndarray, face: Face) -> np.ndarray:
        """
        Return colours (V, 3) uint8 BGR taken from the image the face was found in.

        A vertex that is hidden, or seen from the side, takes the colour of its mirror image on the
        other side of the face, and where that is no better, the model's own in the person's tone.
        """
        sampled = sample_colors(image, self.dense_px(face))
        cosines = self._outwards @ face.parameters.model_rotation[2].astype(np.float32)
        trust = photo_trust(self.visible(image.shape[:2], face), cosines)
        return completed_colors(sampled, trust, self.model.mirror, self.model.colors)

    def unwrap(self, image: np.ndarray, face: Face, size_px: int) -> np.ndarray:
        """Return the face's texture in the model's uv, (size, size, 3) uint8 BGR."""
        flat = np.zeros((len(self.model.uv), 3), np.float32)
        flat[:, 0] = self.model.uv[:, 0] * (size_px - 1)
        flat[:, 1] = (1 - self.model.uv[:, 1]) * (size_px - 1)
        canvas = np.zeros((size_px, size_px, 3), np.uint8)
        colors = self.colors(image, face)
        return self._renderer.render(flat, canvas, colors=colors, shading=UNLIT)

    def sparse(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """Draw the 68 landmarks."""
        for face in faces:
            overlay.draw_landmarks(image, face.landmarks_px)
        return image

    def dense(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """Draw the visible dense vertices as dots."""
        for face in faces:
            visible = self.visible(image.shape[:2], face)
            overlay.draw_dense(image, self.dense_px(face), visible)
        return image

    def pose(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """Draw the axes of the face frames and a wire box along the direction of each face."""
        for face in faces:
            size_px = face.parameters.scale_px_per_m * FACE_HEIGHT_M
            origin = face.parameters.camera_matrix[:, 3]
            overlay.draw_pose_cage(image, origin, face.rotation, size_px)
            overlay.draw_pose_axes(image, origin, face.rotation, 0.6 * size_px)
        return image

    def box(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """Draw boxes with id, angles and distance."""
        for face in faces:
            angles = overlay.angles_label(face.rotation)
            label = f'{face.id} {angles} {face.pose.distance_m:.2f} m'
            overlay.draw_box(image, face.box, label.strip())
        return image

    def gaze(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """Draw irises and lids, and arrows from the eyes to where they look."""
        for face in faces:
            size_px = face.parameters.scale_px_per_m * FACE_HEIGHT_M
            starts = overlay.eye_middles(face.landmarks_px)
            seen = np.zeros(2, bool)
            if face.eyes is not None:
                eyes, seen = face.eyes.landmarks, face.eyes.measured
                overlay.draw_eyes(image, eyes.iris_px, eyes.radius_px, eyes.lids_px, seen)
                starts = np.where(seen[:, None], eyes.iris_px, starts)
            # as the face's own ray sees it: towards the camera is no arrow, wherever in the image
            ray = rotation_to(face.landmarks_m[27])
            overlay.draw_gaze(image, starts, ray.T @ face.gaze, 0.7 * size_px, bool(seen.any()))
        return image

    def expression(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """Draw bars of each face's coefficients beside it (PipelineConfig.expressions)."""
        return draw_bars(image, faces)

    def depth_picture(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """Return a grey picture of depth on black, near is bright."""
        depth_m = self.depth_m(image.shape[:2], faces)
        seen = np.isfinite(depth_m)
        if not seen.any():
            return np.zeros_like(image)
        near = 1 - (depth_m - np.nanmin(depth_m)) / DEPTH_SPAN_M
        grey = np.where(seen, np.clip(255 * near, 40, 255), 0).astype(np.uint8)
        return cv2.merge([grey, grey, grey])

    def draw(self, mode: str, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """
        Return a picture (H, W, 3) uint8 BGR of a mode, one of MODES.

        'depth' and 'pncc' return a new one on black, the others draw on the image and return it.

        :param image: (H, W, 3) uint8 BGR that the faces were found in
        :raises ArgumentError: no such mode, or no faces.
        :raises ImageError: an image that cannot be drawn on.
        """
        if mode not in _DRAW:
            raise ArgumentError(f'mode is {mode!r}; use one of {", ".join(MODES)}')
        if not isinstance(image, np.ndarray) or image.ndim < 2:
            raise ImageError(f'image is {type(image).__name__}; wants uint8 (height, width, 3)')
        if not isinstance(faces, Iterable):
            raise ArgumentError(f'faces is {type(faces).__name__}; give a list, such as [face]')
        return _DRAW[mode](self, image, faces)


_DRAW: dict[str, Callable[[FaceViews, np.ndarray, Sequence[Face]], np.ndarray]] = {
    'sparse': FaceViews.sparse,
    'dense': FaceViews.dense,
    'pose': FaceViews.pose,
    'mesh': FaceViews.mesh,
    'depth': FaceViews.depth_picture,
    'pncc': lambda views, image, faces: views.pncc(image.shape[:2], faces),
    'box': FaceViews.box,
    'gaze': FaceViews.gaze,
    'expression': FaceViews.expression,
}
MODES = tuple(_DRAW)
