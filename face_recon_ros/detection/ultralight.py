# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""UltraLight RFB-320, the detector of the 3DDFA family, from a file the user brings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from face_recon_ros.detection.base import Detection
from face_recon_ros.detection.nms import blend_overlapping
from face_recon_ros.detection.resizing import shrink
from face_recon_ros.tflite import Network


def is_ultralight(network: Network) -> bool:
    """Tell by its shapes whether a network can be UltraLight: scores and box offsets."""
    return sorted(shape[-1] for shape in network.output_shapes()) == [2, 4]


class UltraLightDetector:
    """
    UltraLight RFB-320 as 1996scarlet/Dense-Head-Pose-Estimation ships it.

    Single-shot decoding with centre variance 0.1 and size variance 0.2 (Liu et al., SSD, 2016).
    """

    _STRIDES = (8, 16, 32, 64)
    _ANCHOR_SIZES_PX = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))

    def __init__(self, network: Network, threshold: float) -> None:
        self._network = network
        self._threshold = threshold
        self._height, self._width = network.input_shape[1:3]
        self._anchors = np.concatenate(
            [
                self._anchors_of(stride, sizes)
                for stride, sizes in zip(self._STRIDES, self._ANCHOR_SIZES_PX, strict=True)
            ]
        )

    def _anchors_of(self, stride: int, sizes: Sequence[int]) -> np.ndarray:
        rows, columns = -(-self._height // stride), -(-self._width // stride)
        y, x = np.mgrid[:rows, :columns]
        centres = np.stack([(x + 0.5) / columns, (y + 0.5) / rows], axis=-1).reshape(-1, 1, 2)
        extents = np.array([[s / self._width, s / self._height] for s in sizes])
        cells = np.broadcast_to(centres, (rows * columns, len(sizes), 2))
        anchors = np.concatenate([cells, np.broadcast_to(extents, cells.shape)], axis=2)
        return anchors.reshape(-1, 4)

    def __call__(self, image: np.ndarray) -> list[Detection]:
        small = shrink(image, self._width, self._height)
        tensor = (small[None, ..., ::-1].astype(np.float32) - 127) / 128
        with self._network.lock:
            outputs = {output.shape[-1]: output[0] for output in self._network(tensor)}
        scores = outputs[2][:, 1]
        keep = np.flatnonzero(scores > self._threshold)
        if keep.size == 0:
            return []
        offsets, anchors = outputs[4][keep], self._anchors[keep]
        centres = anchors[:, :2] + 0.1 * offsets[:, :2] * anchors[:, 2:]
        half = anchors[:, 2:] * np.exp(0.2 * offsets[:, 2:]) / 2
        boxes = np.concatenate([centres - half, centres + half], axis=1)
        boxes = _without_forehead(boxes * np.array([*image.shape[1::-1]] * 2) - 0.5)
        return [
            Detection(box=box, score=score, eyes=None)
            for box, score in blend_overlapping(boxes, scores[keep])
        ]


def _without_forehead(boxes: np.ndarray) -> np.ndarray:
    """Return boxes (N, 4) from hair to chin as squares from brow to chin, BlazeFace's."""
    x0, y0, x1, y1 = boxes.T
    side = 0.86 * (y1 - y0)
    middle = (x0 + x1) / 2
    return np.column_stack([middle - side / 2, y1 - side, middle + side / 2, y1])
