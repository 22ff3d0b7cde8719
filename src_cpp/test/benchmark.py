# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Time the renderer through its Python API, on the shipped face model or another mesh.

    python src_cpp/test/benchmark.py [--compare LIBRARY ...] [--mesh TRIANGLES CODES]
                                     [--threads N] [--simd NAME]

--compare: other C renderers, timed in turn with ours on the same vertices; silhouettes are
compared. They are built in checkouts of their projects:

    1996scarlet/Dense-Head-Pose-Estimation:
    gcc -shared -O3 -fPIC asset/render.c -o render.so -lm
    cleardusk/3DDFA_V2:
    g++ -shared -O3 -fPIC Sim3DR/lib/rasterize_kernel.cpp -o sim3dr.so

--mesh: the 3DDFA family's, as asset/triangles.npy of the first and configs/ncc_code.npy of the
second project have it; the latter is the mean shape with its axes scaled to 0..1, so its
proportions are set here to those of a head.

Milliseconds are medians of the processor time of the calling thread: others that run on the
machine count less. Every call that is timed comes after one like it.
"""
# ruff: noqa: T201

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.rendering.renderer import (
    Renderer,
    coarser_triangles,
    normalised_coordinate_code,
)
from face_recon_ros.rendering.views import VERTICES_PER_COARSE

# Height of the face in pixels, height and width of the image.
CASES = [
    (80, 240, 320), (150, 240, 320), (220, 240, 320),
    (80, 480, 640), (150, 480, 640), (250, 480, 640), (400, 480, 640),
    (200, 720, 1280), (600, 720, 1280),
    (200, 1080, 1920), (500, 1080, 1920), (900, 1080, 1920),
]  # fmt: skip
# Width, height and depth of the mesh whose axes come scaled to 1
MESH_EXTENT_MM = (155.0, 190.0, 125.0)
YAW_RAD, PITCH_RAD = np.radians([10.0, 5.0])


def place(mean: np.ndarray, size_px: int, height: int, width: int) -> np.ndarray:
    """Return the mean as screen vertices (V, 3), turned a little, in the middle of the image."""
    cos, sin = np.cos(YAW_RAD), np.sin(YAW_RAD)
    yaw = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    cos, sin = np.cos(PITCH_RAD), np.sin(PITCH_RAD)
    pitch = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    low, high = mean.min(axis=0), mean.max(axis=0)
    turned = (mean - (low + high) / 2) @ (yaw @ pitch).T * (size_px / (high - low)[1])
    vertices = turned * (1, -1, 1) + (width / 2, height / 2, size_px)
    return np.ascontiguousarray(vertices, np.float32)


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    """Return where an array's numbers lie."""
    return array.ctypes.data_as(ctypes.c_void_p)


class DenseHeadRenderer:
    """Dense-Head-Pose-Estimation's library, called as its own Python wrapper calls it."""

    def __init__(self, library: ctypes.CDLL, triangles: np.ndarray) -> None:
        self._library = library
        # It counts in floats, and its faces turn the other way.
        self._triangles = np.ascontiguousarray(3 * triangles[:, ::-1], np.int32)
        self._light = np.array([1, 1, 5], np.float32)
        self._directional = np.full(3, 0.6, np.float32)
        self._ambient = np.array([0.6, 0.5, 0.4], np.float32)

    def render(self, vertices: np.ndarray, image: np.ndarray) -> None:
        self._library._render(
            pointer(self._triangles),
            len(self._triangles),
            pointer(self._light),
            pointer(self._directional),
            pointer(self._ambient),
            pointer(vertices),
            len(vertices),
            pointer(image),
            image.shape[0],
            image.shape[1],
        )


class Sim3dr:
    """3DDFA_V2's: normals and rasterisation, without the light, which it computes in NumPy."""

    NORMALS, RASTERISE = '_Z11_get_normalPfS_Piii', '_Z10_rasterizePhPfPiS0_S0_iiiifb'

    def __init__(self, library: ctypes.CDLL, triangles: np.ndarray) -> None:
        self._normals = getattr(library, self.NORMALS)
        self._rasterise = getattr(library, self.RASTERISE)
        self._triangles = np.ascontiguousarray(triangles[:, ::-1], np.int32)

    def render(self, vertices: np.ndarray, image: np.ndarray) -> None:
        normals = np.zeros_like(vertices)
        triangles, count = pointer(self._triangles), len(self._triangles)
        self._normals(pointer(normals), pointer(vertices), triangles, len(vertices), count)
        height, width = image.shape[:2]
        depth = np.full((height, width), -1e8, np.float32)
        colors = np.full_like(vertices, 0.7)
        self._rasterise(
            pointer(image),
            pointer(vertices),
            triangles,
            pointer(colors),
            pointer(depth),
            count,
            height,
            width,
            3,
            ctypes.c_float(1.0),
            ctypes.c_bool(False),
        )


def other_renderer(path: Path, triangles: np.ndarray) -> DenseHeadRenderer | Sim3dr:
    """Return the renderer in a library, told by what the library has."""
    library = ctypes.CDLL(str(path.resolve()))
    kind = Sim3dr if hasattr(library, Sim3dr.RASTERISE) else DenseHeadRenderer
    return kind(library, triangles)


def medians_ms(calls: list[Callable[[], object]], runs: int) -> list[float]:
    """Return the median of each, called in turn, each after one to warm up."""
    times = np.empty((runs, len(calls)))
    for row in times:
        for index, call in enumerate(calls):
            call()
            start = time.thread_time()
            call()
            row[index] = time.thread_time() - start
    return (np.median(times, axis=0) * 1e3).tolist()


def covered(render: Callable[[np.ndarray], object], shape: tuple[int, int]) -> np.ndarray:
    """Return which pixels are painted, whatever the colour: on black or on white."""
    black, white = np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 255, np.uint8)
    render(black)
    render(white)
    return (black != 0).any(axis=2) | (white != 255).any(axis=2)


def mesh(paths: list[Path] | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices (V, 3), y up, and triangles (T, 3) of the shipped model or of files."""
    if paths is None:
        model = FaceModel.load()
        return model.mean, model.triangles
    triangles, codes = (np.load(path) for path in paths)
    # they count in floats, and their faces turn the other way
    indices = (triangles.reshape(-1, 3)[:, ::-1] // 3).astype(np.int32)
    return codes.T.astype(np.float64) * MESH_EXTENT_MM, np.ascontiguousarray(indices)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--compare', type=Path, nargs='+', default=[], metavar='LIBRARY')
    parser.add_argument('--mesh', type=Path, nargs=2, metavar=('TRIANGLES', 'CODES'))
    parser.add_argument('--runs', type=int, default=30)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--simd', default='auto')
    options = parser.parse_args()
    mean, triangles = mesh(options.mesh)
    ours = Renderer(triangles, threads=options.threads, simd=options.simd)
    coarse = Renderer(
        coarser_triangles(triangles, mean, len(mean) // VERTICES_PER_COARSE),
        threads=options.threads,
        simd=options.simd,
        surface=triangles,
    )
    others = [other_renderer(path, triangles) for path in options.compare]
    print(f'{len(mean)} vertices, {len(triangles)} triangles; median ms, of others how often ours')
    codes = normalised_coordinate_code(mean)
    names = ''.join(f'{path.stem:>16}  IoU   ' for path in options.compare)
    print(f'{"face":>7}  {"image":>11}   coarse   mesh colors   PNCC  depth{names}')
    for size_px, height, width in CASES:
        print(row(place(mean, size_px, height, width), (height, width), (ours, coarse), others,
                  codes, options.runs, size_px))  # fmt: skip
    if options.mesh is None:
        decode_line(options.runs)


def row(
    vertices: np.ndarray,
    shape: tuple[int, int],
    renderers: tuple[Renderer, Renderer],
    others: list[DenseHeadRenderer | Sim3dr],
    codes: np.ndarray,
    runs: int,
    size_px: int,
) -> str:
    """Return a line of the table: ours, the coarser mesh first, then the others."""
    ours, coarse = renderers
    image, pncc = np.zeros((*shape, 3), np.uint8), np.zeros((*shape, 3), np.uint8)
    depth, plane = np.zeros(shape, np.float32), np.array([0, 0, -0.001, 2], np.float32)
    calls: list[Callable[[], object]] = [
        lambda: coarse.render(vertices, image),
        lambda: ours.render(vertices, image),
        lambda: ours.render(vertices, image, colors=codes),
        lambda: ours.pncc(vertices, shape, codes, out=pncc),
        lambda: ours.depth(vertices, shape, plane, out=depth),
        *(lambda other=other: other.render(vertices, image) for other in others),
    ]
    times = medians_ms(calls, runs)
    line = f'{size_px:4d} px  {shape[1]:4d} x {shape[0]:4d}  '
    line += ''.join(f'{ms:7.2f}' for ms in times[:5])
    mine = covered(lambda i: ours.render(vertices, i), shape)
    for ms, other in zip(times[5:], others, strict=True):
        theirs = covered(lambda i, other=other: other.render(vertices, i), shape)
        overlap = (mine & theirs).sum() / (mine | theirs).sum()
        line += f'{ms:8.2f} {ms / times[1]:5.1f} x {overlap:.4f}'
    return line


def decode_line(runs: int) -> None:
    """Print how long dense decoding takes."""
    model = FaceModel.load()
    camera = np.hstack([np.diag([2000.0, -2000.0, 2000.0]), np.full((3, 1), 300.0)])
    out = np.empty_like(model.mean)
    shape, expression = np.full(40, 0.5), np.full(10, 0.5)
    decode = model.decoder.decode
    (median,) = medians_ms([lambda: decode(camera, shape, expression, out=out)], 200)
    print(f'dense decode: {median:6.3f}')


if __name__ == '__main__':
    main()
