# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Draws dense faces: shaded over an image, as depth, as PNCC, and which vertices are visible.

Typed Python interface of the C++ renderer (src_cpp/). All in screen coordinates:
pixels, x right, y down, z towards the viewer (larger is nearer), pixel centres at integers.
docs/renderer.md states the sub-pixel rules. Bad arguments raise TypeError (not an array, wrong
dtype) or ValueError (shape, layout, range) with one line that names the argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.face_model.dense_decoder import contiguous

DEFAULT_COLOR_BGR = (178, 186, 204)


@dataclass(slots=True, frozen=True)
class Shading:
    """
    Light on the mesh: ambient + diffuse * max(0, n.l) + specular * max(0, n.h)^16.

    n is the smooth vertex normal, l the light direction, h the half vector of light and viewer. Up
    to 1 it scales the colour; from 1 to 2 the colour is blended to white.

    light: (3,) direction towards the light in screen axes (y down), any length but 0.
    """

    light: tuple[float, float, float] = (-0.35, -0.55, 1.0)
    ambient: float = 0.30
    diffuse: float = 0.68
    specular: float = 0.22


DEFAULT_SHADING = Shading()


class PlacedMesh(NamedTuple):
    """
    One face to draw.

    vertices: (V, 3) float32 screen coordinates in pixels.
    depth_plane: (4,) a, b, c, d with depth in metres = a * x + b * y + c * z + d at a screen
      point; affine, which is exact for a weak-perspective face turned by its viewing ray. Where
      faces overlap the smaller depth is in front; without planes, the larger z.
    colors: (V, 3) uint8 BGR, or one BGR colour, or None for the default.
    """

    vertices: np.ndarray
    depth_plane: np.ndarray | None = None
    colors: np.ndarray | Sequence[int] | None = None


class Renderer:
    """
    Draws one mesh topology, any number of times.

    Front faces are counter-clockwise as seen on the screen; the others are not drawn. A triangle
    with a vertex that is NaN, infinite or more than 2^20 px away is not drawn.
    """

    def __init__(
        self,
        triangles: np.ndarray,
        *,
        threads: int = 1,
        simd: str = 'auto',
        surface: np.ndarray | None = None,
    ) -> None:
        """
        Prepare for triangles (T, 3) of int32 vertex indices.

        threads: how many may work on one call. simd: 'auto', or one of instruction_sets(); all
        give the same picture. surface: triangles (N, 3) of the finer mesh that these are a coarser
        one of (coarser_triangles()), of which normals are taken.
        """
        finer = None if surface is None else _indices(surface, 'surface')
        self._renderer = _renderer.Renderer(_indices(triangles), threads, simd, finer)

    def render(
        self,
        vertices: np.ndarray,
        image: np.ndarray,
        *,
        colors: np.ndarray | Sequence[int] | None = None,
        opacity: float = 1.0,
        shading: Shading = DEFAULT_SHADING,
    ) -> np.ndarray:
        """
        Draw shaded vertices (V, 3) float32 over image (H, W, 3) uint8 BGR, in place; return it.

        colors: (V, 3) uint8 BGR, one BGR colour, or None for the default. opacity: 0 to 1.
        """
        self.draw(
            [PlacedMesh(vertices, None, colors)],
            _size_of(image),
            image=image,
            opacity=opacity,
            shading=shading,
        )
        return image

    def draw(
        self,
        faces: Sequence[PlacedMesh | tuple[np.ndarray, np.ndarray | None]],
        size: tuple[int, int],
        *,
        image: np.ndarray | None = None,
        depth: np.ndarray | None = None,
        pncc: np.ndarray | None = None,
        pncc_codes: np.ndarray | None = None,
        visibility: np.ndarray | None = None,
        opacity: float = 1.0,
        shading: Shading = DEFAULT_SHADING,
    ) -> None:
        """
        Draw several faces, nearer ones over farther ones, into every given array in one pass.

        size: height, width. image: (H, W, 3) uint8 BGR, drawn over. depth: (H, W) float32,
        filled with metres, NaN where no face is; every face needs its depth_plane. pncc:
        (H, W, 3) uint8, filled with pncc_codes (V, 3) uint8 interpolated, 0 where no face is.
        visibility: (len(faces), V) bool, see visibility().
        """
        prepared = []
        uniform = DEFAULT_COLOR_BGR
        for face in faces:
            mesh = PlacedMesh(*face)
            colors = mesh.colors
            if isinstance(colors, np.ndarray) and colors.ndim > 1:
                colors = contiguous(colors)
            elif colors is not None and len(faces) == 1:
                uniform, colors = _one_color(colors), None
            elif colors is not None:
                colors = np.full((len(mesh.vertices), 3), _one_color(colors), np.uint8)
            plane = mesh.depth_plane
            if plane is not None:
                plane = np.asarray(plane, dtype=np.float32)
            prepared.append((contiguous(mesh.vertices), plane, colors))
        height, width = size
        self._renderer.draw(
            prepared,
            height,
            width,
            image,
            depth,
            pncc,
            None if pncc_codes is None else contiguous(pncc_codes),
            visibility,
            shading.light,
            shading.ambient,
            shading.diffuse,
            shading.specular,
            uniform,
            opacity,
        )

    def depth(
        self,
        vertices: np.ndarray,
        size: tuple[int, int],
        depth_plane: np.ndarray,
        *,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return depth (H, W) float32 in metres, NaN where no face is; size: height, width."""
        depth = np.empty(size, np.float32) if out is None else out
        self.draw([PlacedMesh(vertices, depth_plane)], size, depth=depth)
        return depth

    def pncc(
        self,
        vertices: np.ndarray,
        size: tuple[int, int],
        codes: np.ndarray,
        *,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """
        Return the projected normalised coordinate code (H, W, 3) uint8, 0 where no face is.

        codes: (V, 3) uint8, see normalised_coordinate_code().
        """
        pncc = np.empty((*size, 3), np.uint8) if out is None else out
        self.draw([PlacedMesh(vertices)], size, pncc=pncc, pncc_codes=codes)
        return pncc

    def visibility(self, vertices: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """
        Return which vertices (V,) are seen, bool.

        Seen: on a front-facing triangle, inside the image, and not farther behind the surface
        drawn around it than 1 % of the face's extent in depth.
        """
        seen = np.zeros((1, len(vertices)), bool)
        self.draw([PlacedMesh(vertices)], size, visibility=seen)
        return seen[0]


def instruction_sets() -> list[str]:
    """Return the instruction sets of this machine, fastest first; 'portable' is the last."""
    return _renderer.instruction_sets()


def coarser_triangles(triangles: np.ndarray, vertices: np.ndarray, wanted: int) -> np.ndarray:
    """
    Return triangles (K, 3) int32 of a coarser mesh on about `wanted` of the same vertices.

    Vertices are left out where the surface is flattest, spread evenly; rims stay. Takes about
    0.1 s for a face model.

    vertices: (V, 3), finite, of which the triangles are counter-clockwise as seen from outside.
    """
    return _renderer.coarser(
        _indices(triangles), np.ascontiguousarray(vertices, np.float32), wanted
    )


def normalised_coordinate_code(mean: np.ndarray) -> np.ndarray:
    """
    Return codes (V, 3) uint8 of mean (V, 3): z, y, x scaled to 0..255 over the mean's extent.

    Blue, green, red = z, y, x, as an image in OpenCV's channel order shows the PNCC of Zhu et al.,
    "Face Alignment Across Large Poses: A 3D Solution" (2016). Codes start at 1: 0 is background.
    """
    low, high = mean.min(axis=0), mean.max(axis=0)
    unit = (mean - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
    return np.ascontiguousarray((1.5 + 254.0 * unit[:, ::-1]).astype(np.uint8))


def _indices(triangles: np.ndarray, name: str = 'triangles') -> np.ndarray:
    """Return triangles as contiguous int32; values that do not fit are refused."""
    if not isinstance(triangles, np.ndarray):
        raise TypeError(f'{name}: want int32 (any, 3) array, got {type(triangles).__name__}')
    array = triangles
    if array.dtype.kind in 'iu' and array.dtype != np.int32 and array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high > np.iinfo(np.int32).max:
            raise ValueError(f'{name}: want indices 0 to 2^31 - 1, got {low} to {high}')
    if array.dtype.kind in 'iu':
        array = array.astype(np.int32, copy=False)
    return contiguous(array)


def _one_color(color: np.ndarray | Sequence[int]) -> tuple[int, int, int]:
    """Return a BGR colour as three ints."""
    values = np.asarray(color)
    if values.shape != (3,) or values.dtype.kind not in 'iu':
        raise ValueError(f'colors: want (V, 3) uint8 or three of 0 to 255, got {color!r}')
    blue, green, red = (int(value) for value in values)
    if min(blue, green, red) < 0 or max(blue, green, red) > 255:
        raise ValueError(f'colors: want values of 0 to 255, got {color!r}')
    return blue, green, red


def _size_of(image: np.ndarray) -> tuple[int, int]:
    """Return height and width; the C++ code checks the rest."""
    if not isinstance(image, np.ndarray):
        raise TypeError(f'image: want uint8 (H, W, 3) array, got {type(image).__name__}')
    if image.ndim != 3:
        raise ValueError(f'image: want uint8 (H, W, 3), got {image.shape}')
    return image.shape[0], image.shape[1]
