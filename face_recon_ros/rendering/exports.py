# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces as files of other programs: meshes (.ply, .obj), depth and PNCC images."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.face import Face
from face_recon_ros.io.image_files import write_image
from face_recon_ros.io.outputs import marked, write_bytes
from face_recon_ros.rendering.views import FaceViews

# 16-bit depth images count tenths of a millimetre: up to 6.5535 m, 0 beyond and where no face is
DEPTH_UNIT_M = 1e-4
# Meshes are written in metres, x right, y up, z towards the viewer, as viewers expect
MESH_FROM_OPTICAL = np.array([1.0, -1.0, -1.0])


@dataclass(slots=True, frozen=True)
class Mesh:
    """Vertices (V, 3) m, triangles (T, 3), colours (V, 3) uint8 BGR."""

    vertices_m: np.ndarray
    triangles: np.ndarray
    colors: np.ndarray


def face_mesh(views: FaceViews, image: np.ndarray, face: Face) -> Mesh:
    """Return a face as a coloured mesh, origin at the camera, x right, y up, z to the viewer."""
    vertices_m = views.vertices_m(face) * MESH_FROM_OPTICAL
    return Mesh(vertices_m, views.model.triangles, views.colors(image, face))


def write_ply(path: Path, mesh: Mesh) -> None:
    """Write a mesh as binary PLY with vertex colours. :raises OutputError: unwritable."""
    vertices = np.empty(len(mesh.vertices_m), [('xyz', '<f4', 3), ('rgb', 'u1', 3)])
    vertices['xyz'], vertices['rgb'] = mesh.vertices_m, mesh.colors[:, ::-1]
    faces = np.empty(len(mesh.triangles), [('count', 'u1'), ('indices', '<i4', 3)])
    faces['count'], faces['indices'] = 3, mesh.triangles
    header = '\n'.join(
        [
            'ply',
            'format binary_little_endian 1.0',
            'comment face_recon_ros: metres, x right, y up, z towards the viewer',
            f'element vertex {len(vertices)}',
            *(f'property float {axis}' for axis in 'xyz'),
            *(f'property uchar {channel}' for channel in ('red', 'green', 'blue')),
            f'element face {len(faces)}',
            'property list uchar int vertex_indices',
            'end_header\n',
        ]
    )
    write_bytes(path, header.encode() + vertices.tobytes() + faces.tobytes())


def write_obj(path: Path, mesh: Mesh) -> None:
    """Write a mesh as OBJ, colours after the coordinates. :raises OutputError: unwritable."""
    rgb = mesh.colors[:, ::-1] / 255
    lines = ['# face_recon_ros: metres, x right, y up, z towards the viewer; colours as r g b']
    lines += [
        f'v {x:.6f} {y:.6f} {z:.6f} {r:.4f} {g:.4f} {b:.4f}'
        for (x, y, z), (r, g, b) in zip(mesh.vertices_m.tolist(), rgb.tolist(), strict=True)
    ]
    lines += [f'f {a} {b} {c}' for a, b, c in (mesh.triangles + 1).tolist()]
    write_bytes(path, ('\n'.join(lines) + '\n').encode())


def write_depth_png(path: Path, depth_m: np.ndarray) -> None:
    """
    Write depth (H, W) in metres as 16-bit PNG: DEPTH_UNIT_M per step, 0 where NaN or too far.

    :raises OutputError: unwritable.
    """
    steps = np.nan_to_num(depth_m / DEPTH_UNIT_M, nan=0.0).round()
    known = (steps > 0) & (steps <= np.iinfo(np.uint16).max)
    write_image(path, np.where(known, steps, 0).astype(np.uint16), mark=True)


def write_depth_npy(path: Path, depth_m: np.ndarray) -> None:
    """
    Write depth (H, W) float32 in metres, NaN where no face is, as .npy.

    :raises OutputError: unwritable.
    """
    content = io.BytesIO()
    np.save(content, depth_m)
    write_bytes(path, marked(content.getvalue(), path.suffix))


def write_texture(
    path: Path, views: FaceViews, image: np.ndarray, face: Face, size_px: int = 1024
) -> None:
    """Write the face's texture in the model's uv. :raises OutputError: unwritable."""
    canvas = views.unwrap(image, face, size_px)
    painted = np.asarray(canvas.any(axis=2), np.uint8)
    # texture filtering reads some pixels beyond the border
    border = np.asarray(cv2.dilate(painted, np.ones((5, 5), np.uint8))) - painted
    write_image(path, cv2.inpaint(canvas, border, 2, cv2.INPAINT_TELEA), mark=True)


def _ply(path: Path, views: FaceViews, image: np.ndarray, face: Face) -> None:
    write_ply(path, face_mesh(views, image, face))


def _obj(path: Path, views: FaceViews, image: np.ndarray, face: Face) -> None:
    write_obj(path, face_mesh(views, image, face))


def _depth_png(path: Path, views: FaceViews, image: np.ndarray, face: Face) -> None:
    write_depth_png(path, views.depth_m(image.shape[:2], [face]))


def _depth_npy(path: Path, views: FaceViews, image: np.ndarray, face: Face) -> None:
    write_depth_npy(path, views.depth_m(image.shape[:2], [face]))


# Writes a face, found in an image, to a file
Export = Callable[[Path, FaceViews, np.ndarray, Face], None]
# Exports: suffix of the file and its writer
EXPORTS: dict[str, tuple[str, Export]] = {
    'ply': ('.ply', _ply),
    'obj': ('.obj', _obj),
    'texture': ('_texture.png', write_texture),
    'depth-png': ('_depth.png', _depth_png),
    'depth-npy': ('_depth.npy', _depth_npy),
}
