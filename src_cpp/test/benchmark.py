# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Time the renderer through its Python API, on the shipped face model.

    python src_cpp/test/benchmark.py [--compare render.so] [--threads N] [--simd NAME]

--compare: the C renderer of 1996scarlet/Dense-Head-Pose-Estimation (asset/render.c), built with
its build_render.sh; it is then timed on the same vertices, and the silhouettes are compared.
"""
# ruff: noqa: T201

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable

import numpy as np

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.rendering.renderer import Renderer

# Height of the face in pixels, height and width of the image.
CASES = [(150, 480, 640), (250, 480, 640), (400, 480, 640), (600, 720, 1280), (900, 1080, 1920)]
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


class OtherRenderer:
    """The other renderer's library, called as its own Python wrapper calls it."""

    def __init__(self, path: str, triangles: np.ndarray) -> None:
        self._library = ctypes.CDLL(path)
        # It counts in floats, and its faces turn the other way.
        self._triangles = np.ascontiguousarray(3 * triangles[:, ::-1], np.int32)
        self._light = np.array([1, 1, 5], np.float32)
        self._directional = np.full(3, 0.6, np.float32)
        self._ambient = np.array([0.6, 0.5, 0.4], np.float32)

    def render(self, vertices: np.ndarray, image: np.ndarray) -> None:
        def pointer(array: np.ndarray) -> ctypes.c_void_p:
            return array.ctypes.data_as(ctypes.c_void_p)

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


def times_ms(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the least and the median of some runs after one to warm up."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3, float(np.median(times)) * 1e3


def covered(render: Callable[[np.ndarray], object], shape: tuple[int, int]) -> np.ndarray:
    """Return which pixels are painted, whatever the colour: on black or on white."""
    black, white = np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 255, np.uint8)
    render(black)
    render(white)
    return (black != 0).any(axis=2) | (white != 255).any(axis=2)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--compare', '--lineage', metavar='render.so')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--simd', default='auto')
    options = parser.parse_args()
    model = FaceModel.load()
    ours = Renderer(model.triangles, threads=options.threads, simd=options.simd)
    other = OtherRenderer(options.compare, model.triangles) if options.compare else None
    print(f'{len(model.mean)} vertices, {len(model.triangles)} triangles; least / median ms')
    for size_px, height, width in CASES:
        vertices = place(model.mean, size_px, height, width)
        image = np.zeros((height, width, 3), np.uint8)
        least, median = times_ms(lambda v=vertices, i=image: ours.render(v, i), 200)
        line = f'{size_px:4d} px in {width} x {height}: {least:6.3f} / {median:6.3f}'
        if other:
            slower, slower_median = times_ms(lambda v=vertices, i=image: other.render(v, i), 30)
            line += f'   other {slower:6.2f} / {slower_median:6.2f}   times {slower / least:5.1f}'
            mine = covered(lambda i, v=vertices: ours.render(v, i), (height, width))
            theirs = covered(lambda i, v=vertices: other.render(v, i), (height, width))
            line += f'   IoU {(mine & theirs).sum() / (mine | theirs).sum():.4f}'
        print(line)
    camera = np.hstack([np.diag([2000.0, -2000.0, 2000.0]), np.full((3, 1), 300.0)])
    out = np.empty_like(model.mean)
    shape, expression = np.full(40, 0.5), np.full(10, 0.5)
    decode = model.decoder.decode
    least, median = times_ms(lambda: decode(camera, shape, expression, out=out), 200)
    print(f'dense decode: {least:6.3f} / {median:6.3f}')


if __name__ == '__main__':
    main()
