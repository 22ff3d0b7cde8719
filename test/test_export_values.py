# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Exported files of a triangle, byte by byte."""

import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from face_recon_ros.rendering import exports

MESH = exports.Mesh(
    np.array([[0.1, 0.2, -0.3], [1, 2, 3], [-1, 0, 0.5]]),
    np.array([[0, 1, 2], [2, 1, 0]]),
    np.array([[10, 20, 30], [0, 0, 255], [255, 51, 0]], np.uint8),
)


def test_a_ply_file(tmp_path):
    exports.write_ply(tmp_path / 'a.ply', MESH)
    head, body = (tmp_path / 'a.ply').read_bytes().split(b'end_header\n')
    assert head.decode().splitlines() == [
        'ply',
        'format binary_little_endian 1.0',
        'comment face_recon_ros: metres, x right, y up, z towards the viewer',
        'element vertex 3',
        'property float x',
        'property float y',
        'property float z',
        'property uchar red',
        'property uchar green',
        'property uchar blue',
        'element face 2',
        'property list uchar int vertex_indices',
    ]
    assert body == (
        struct.pack('<fffBBB', 0.1, 0.2, -0.3, 30, 20, 10)
        + struct.pack('<fffBBB', 1, 2, 3, 255, 0, 0)
        + struct.pack('<fffBBB', -1, 0, 0.5, 0, 51, 255)
        + struct.pack('<Biii', 3, 0, 1, 2)
        + struct.pack('<Biii', 3, 2, 1, 0)
    )


def test_an_obj_file(tmp_path):
    exports.write_obj(tmp_path / 'a.obj', MESH)
    assert (tmp_path / 'a.obj').read_text().splitlines() == [
        '# face_recon_ros: metres, x right, y up, z towards the viewer; colours as r g b',
        'v 0.100000 0.200000 -0.300000 0.1176 0.0784 0.0392',
        'v 1.000000 2.000000 3.000000 1.0000 0.0000 0.0000',
        'v -1.000000 0.000000 0.500000 0.0000 0.2000 1.0000',
        'f 1 2 3',
        'f 3 2 1',
    ]


def test_a_mesh_is_x_right_y_up_z_to_the_viewer():
    """In the optical frame y is down and z goes away from the camera."""
    views = SimpleNamespace(
        vertices_m=lambda face: np.array([[0.1, 0.2, 0.7]]),
        model=SimpleNamespace(triangles=np.array([[0, 0, 0]])),
        colors=lambda image, face: np.array([[1, 2, 3]], np.uint8),
    )
    mesh = exports.face_mesh(views, None, None)
    assert mesh.vertices_m.tolist() == [[0.1, -0.2, -0.7]]
    assert mesh.colors.tolist() == [[1, 2, 3]]


def test_depth_counts_tenths_of_a_millimetre(tmp_path):
    depth_m = np.array([[0.0001, 0.00014, 0.00016, 1.0], [6.5535, 6.5536, np.nan, -1.0]])
    exports.write_depth_png(tmp_path / 'd.png', depth_m)
    steps = cv2.imread(str(tmp_path / 'd.png'), cv2.IMREAD_UNCHANGED)
    assert steps.tolist() == [[1, 1, 2, 10000], [65535, 0, 0, 0]]


@pytest.mark.parametrize('size_px', [None, 100])
def test_a_texture_reaches_two_pixels_over_its_border(tmp_path, size_px):
    sizes = []

    def unwrap(image, face, size_px):
        sizes.append(size_px)
        canvas = np.zeros((40, 60, 3), np.uint8)
        canvas[10:20, 30:50] = 40, 80, 120
        return canvas

    more = {} if size_px is None else {'size_px': size_px}
    exports.write_texture(
        tmp_path / 't.png', SimpleNamespace(unwrap=unwrap), None, None, **more)
    texture = cv2.imread(str(tmp_path / 't.png'))
    assert sizes == [size_px or 1024]
    assert np.argwhere(texture.any(axis=2)).min(axis=0).tolist() == [8, 28]
    assert np.argwhere(texture.any(axis=2)).max(axis=0).tolist() == [21, 51]
    assert (texture[10:20, 30:50] == [40, 80, 120]).all()


def test_endings_of_the_files():
    assert {kind: ending for kind, (ending, _) in exports.EXPORTS.items()} == {
        'ply': '.ply', 'obj': '.obj', 'texture': '_texture.png', 'depth-png': '_depth.png',
        'depth-npy': '_depth.npy',
    }
