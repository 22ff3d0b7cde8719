# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
BlazeFace in its short and full range forms: boxes, scores and eye positions.

Bazarevsky et al. 2019; MediaPipe's face_detection model cards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.detection.base import Detection
from face_recon_ros.detection.nms import blend_overlapping
from face_recon_ros.detection.resizing import shrink
from face_recon_ros.tflite import Network


@dataclass(slots=True, frozen=True)
class _Layout:
    """Strides of the feature maps and anchors per cell; from MediaPipe's SsdAnchorsCalculator."""

    strides: tuple[int, ...]
    anchors_per_cell: tuple[int, ...]


# (input size, anchors) -> layout
_LAYOUTS = {
    (128, 896): _Layout((8, 16), (2, 6)),
    (192, 2304): _Layout((4,), (1,)),
    (256, 896): _Layout((16, 32), (2, 6)),
}


def is_blazeface(network: Network) -> bool:
    """Tell by its shapes whether a network is one of MediaPipe's BlazeFaces."""
    shapes = network.output_shapes()
    if [shape[-1] for shape in shapes] != [16, 1]:
        return False
    return (network.input_shape[1], shapes[0][1]) in _LAYOUTS


class BlazeFaceDetector:
    """MediaPipe's BlazeFace: boxes, scores and eye positions."""

    def __init__(self, network: Network, threshold: float) -> None:
        self._network = network
        self._threshold = threshold
        self._size = network.input_shape[1]
        regressors, _ = network.output_shapes()
        layout = _LAYOUTS[self._size, regressors[1]]
        self._anchors = _anchor_centres(self._size, layout)
        self._input = np.zeros(network.input_shape, np.float32)

    def __call__(self, image: np.ndarray) -> list[Detection]:
        with self._network.lock:
            scale, left, top = self._letterbox(image)
            regressors, logits = self._network(self._input)
        # anchors and raw outputs are in fractions and pixels of the network's input
        keep = np.flatnonzero(logits[0, :, 0] > _logit(self._threshold))
        if keep.size == 0:
            return []
        points = regressors[0, keep].reshape(-1, 8, 2)
        centres = points[:, 0] + self._anchors[keep]
        half = points[:, 1] / 2
        eyes = points[:, 2:4] + self._anchors[keep, None]
        boxes = np.concatenate([centres - half, centres + half], axis=1)
        values = np.concatenate([boxes, eyes.reshape(-1, 4)], axis=1)
        # the border between two input pixels lies half a pixel before the second's centre
        values = (values - np.array([left, top] * 4)) / np.array(scale * 4) - 0.5
        scores = 1 / (1 + np.exp(-logits[0, keep, 0].astype(np.float64)))
        return [
            Detection(box=v[:4], score=s, eyes=v[4:].reshape(2, 2))
            for v, s in blend_overlapping(values, scores)
        ]

    def _letterbox(self, image: np.ndarray) -> tuple[tuple[float, float], int, int]:
        """Fill the input with the whole image, its aspect kept, black around, RGB in [-1, 1]."""
        height, width = image.shape[:2]
        scale = self._size / max(height, width)
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (self._size - w) // 2, (self._size - h) // 2
        small = shrink(image, w, h)
        self._input.fill(-1.0)
        inside = self._input[0, top : top + h, left : left + w]
        np.multiply(small[..., ::-1], np.float32(1 / 127.5), out=inside)
        inside -= 1
        return (w / width, h / height), left, top


def _anchor_centres(size: int, layout: _Layout) -> np.ndarray:
    """Return (N, 2) anchor centres in pixels of the network's input."""
    grids = []
    for stride, count in zip(layout.strides, layout.anchors_per_cell, strict=True):
        cells = size // stride
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + 0.5) * stride
        grids.append(np.broadcast_to(centres, (cells * cells, count, 2)).reshape(-1, 2))
    return np.concatenate(grids)


def _logit(probability: float) -> float:
    """Return the inverse of the logistic function; infinite at 0 and 1."""
    with np.errstate(divide='ignore'):
        return float(np.log(probability) - np.log1p(-probability))
