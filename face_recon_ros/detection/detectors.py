"""
Face boxes in an image.

BlazeFace (Bazarevsky et al. 2019; MediaPipe's face_detection model cards) in its short and full
range forms, and UltraLight RFB-320 (the detector of the 3DDFA lineage) from a file the user
brings. Which one a file is follows from its input and output shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import ModelFileError
from face_recon_ros.opencv import takeable
from face_recon_ros.paths import model_file
from face_recon_ros.tflite import Network

SHORT_RANGE = 'short_range'
FULL_RANGE = 'full_range'
BOTH = 'both'
# Boxes of one detector that overlap by more than this (IoU) are one face
SAME_FACE_OVERLAP = 0.3
SHIPPED = {
    SHORT_RANGE: 'face_detection_short_range.tflite',
    FULL_RANGE: 'face_detection_full_range.tflite',
}


@dataclass(slots=True, frozen=True, eq=False)
class Detection(ComparedByValue):
    """One face: box (4,) x0, y0, x1, y1 px, score 0..1, eyes (2, 2) px right, left or None."""

    box: np.ndarray
    score: float
    eyes: np.ndarray | None


class Detector(Protocol):
    """What finds faces in an image (H, W, 3) uint8 BGR, best score first."""

    def __call__(self, image: np.ndarray) -> list[Detection]: ...


class Search(Detector, Protocol):
    """A detector that can spread its work over the images of a stream."""

    def next_part(self, image: np.ndarray) -> list[Detection]: ...


@dataclass(slots=True, frozen=True)
class _BlazeFaceLayout:
    """Strides of the feature maps and anchors per cell; from MediaPipe's SsdAnchorsCalculator."""

    strides: tuple[int, ...]
    anchors_per_cell: tuple[int, ...]


# (input size, anchors) -> layout
_BLAZE_FACE = {
    (128, 896): _BlazeFaceLayout((8, 16), (2, 6)),
    (192, 2304): _BlazeFaceLayout((4,), (1,)),
    (256, 896): _BlazeFaceLayout((16, 32), (2, 6)),
}


class BlazeFaceDetector:
    """MediaPipe's BlazeFace: boxes, scores and eye positions."""

    def __init__(self, network: Network, threshold: float) -> None:
        self._network = network
        self._threshold = threshold
        self._size = network.input_shape[1]
        regressors, _ = network.output_shapes()
        layout = _BLAZE_FACE[self._size, regressors[1]]
        self._anchors = _anchor_centres(self._size, layout)
        self._input = np.zeros(network.input_shape, np.float32)

    def __call__(self, image: np.ndarray) -> list[Detection]:
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
            for v, s in _blend_overlapping(values, scores)
        ]

    def _letterbox(self, image: np.ndarray) -> tuple[tuple[float, float], int, int]:
        """Fill the input with the whole image, its aspect kept, black around, RGB in [-1, 1]."""
        height, width = image.shape[:2]
        scale = self._size / max(height, width)
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (self._size - w) // 2, (self._size - h) // 2
        small = _shrink(image, w, h)
        self._input.fill(-1.0)
        inside = self._input[0, top : top + h, left : left + w]
        np.multiply(small[..., ::-1], np.float32(1 / 127.5), out=inside)
        inside -= 1
        return (w / width, h / height), left, top


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
        small = _shrink(image, self._width, self._height)
        tensor = (small[None, ..., ::-1].astype(np.float32) - 127) / 128
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
            for box, score in _blend_overlapping(boxes, scores[keep])
        ]


def _shrink(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize, averaging; large images in two steps, which is ten times quicker than in one."""
    image = takeable(image)
    if image.shape[1] > 2 * width and image.shape[0] > 2 * height:
        image = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    smaller = image.shape[1] >= width
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=interpolation)


def _without_forehead(boxes: np.ndarray) -> np.ndarray:
    """Return boxes (N, 4) from hair to chin as squares from brow to chin, BlazeFace's."""
    x0, y0, x1, y1 = boxes.T
    side = 0.86 * (y1 - y0)
    middle = (x0 + x1) / 2
    return np.column_stack([middle - side / 2, y1 - side, middle + side / 2, y1])


class WholeImageDetector:
    """Adapts one detector to the interface of a search in parts: it has a single part."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return self._detector(image)

    next_part = __call__


class MergedDetector:
    """
    Searches an image in parts: the whole for near faces, squares of it for far ones.

    A square as high as the image shows far faces larger than the letterboxed whole does. A face
    that several parts show is reported once, as the first of them sees it.
    """

    def __init__(self, near: Detector, far: Detector) -> None:
        self._near = near
        self._far = far
        self._turn = 0

    def __call__(self, image: np.ndarray) -> list[Detection]:
        merged: list[Detection] = []
        for detector, window in self._parts(image):
            found = _detect_in_window(detector, image, window)
            merged += [d for d in found if not _overlaps_one_of(d, merged)]
        return sorted(merged, key=lambda d: -d.score)

    def next_part(self, image: np.ndarray) -> list[Detection]:
        """Search one part only, the next one at each call: spreads the work over a stream."""
        parts = self._parts(image)
        self._turn = (self._turn + 1) % len(parts)
        detector, window = parts[self._turn]
        return _detect_in_window(detector, image, window)

    def _parts(self, image: np.ndarray) -> list[tuple[Detector, Window]]:
        height, width = image.shape[:2]
        whole = Window(0, 0, width, height)
        return [(self._near, whole), *((self._far, w) for w in squares(width, height))]


class Window(NamedTuple):
    """A part of an image: left, top, width, height in pixels."""

    x: int
    y: int
    width: int
    height: int


# Windows of one image at most: longer images are cut into longer ones than squares
MOST_WINDOWS = 16
# From this aspect on windows overlap by half: a face that they cut is too small in the whole
LONG_ASPECT = 2.0
# In shorter images, by how much all squares together are longer than the image
SQUARES_OVERLAP = 1.1
# Pixels across, below which an image has no room for a face that a detector knows
LEAST_SIDE_PX = 8


def squares(width: int, height: int) -> list[Window]:
    """
    Return overlapping squares that cover an image; the whole where it is nearly square.

    They are at most MOST_WINDOWS, and longer than squares where these do not reach.
    """
    side, length = min(width, height), max(width, height)
    aspect = length / side
    if aspect < 1.2 or side < LEAST_SIDE_PX:
        return [Window(0, 0, width, height)]
    if aspect <= LONG_ASPECT:
        count, reach = max(2, int(np.ceil(aspect * SQUARES_OVERLAP))), side
    else:
        count = min(int(np.ceil(2 * aspect)) - 1, MOST_WINDOWS)
        reach = max(side, int(np.ceil(2 * length / (count + 1))))
    starts = [int(s) for s in np.linspace(0, length - reach, count)]
    if width > height:
        return [Window(start, 0, reach, side) for start in starts]
    return [Window(0, start, side, reach) for start in starts]


def _detect_in_window(detector: Detector, image: np.ndarray, window: Window) -> list[Detection]:
    """Return detections in the image's pixels, less those that a border inside it cuts."""
    x, y, width, height = window
    offset = np.array([x, y], np.float64)
    image_height, image_width = image.shape[:2]
    low = np.where(offset > 0, offset, -np.inf)
    end = np.array([x + width, y + height])
    high = np.where(end < [image_width, image_height], end, np.inf)
    found = []
    for d in detector(image[y : y + height, x : x + width]):
        box = d.box + np.array([x, y, x, y])
        if (box[:2] >= low).all() and (box[2:] <= high).all():
            found.append(Detection(box, d.score, None if d.eyes is None else d.eyes + offset))
    return found


def load_detector(name: str, threshold: float = 0.5, threads: int = 1) -> Search:
    """
    Return the detector called `name`.

    :param name: 'short_range' (faces up to about 2 m), 'full_range' (about 5 m), 'both', or the
        path of a .tflite file.
    :raises ModelFileError: the file cannot be read or is no face detector known here.
    """
    if name == BOTH:
        return MergedDetector(
            load_detector(SHORT_RANGE, threshold, threads),
            load_detector(FULL_RANGE, threshold, threads),
        )
    path = model_file(SHIPPED[name]) if name in SHIPPED else Path(name)
    network = Network(path, threads)
    shapes = network.output_shapes()
    last_axes = [shape[-1] for shape in shapes]
    size = network.input_shape[1]
    if last_axes == [16, 1] and (size, shapes[0][1]) in _BLAZE_FACE:
        return WholeImageDetector(BlazeFaceDetector(network, threshold))
    if sorted(last_axes) == [2, 4]:
        return WholeImageDetector(UltraLightDetector(network, threshold))
    raise ModelFileError(
        f'model file {path}: input {network.input_shape} and outputs {shapes} are neither '
        'BlazeFace nor UltraLight; give one of those detectors'
    )


def _anchor_centres(size: int, layout: _BlazeFaceLayout) -> np.ndarray:
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


def intersection_over_union(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the IoU (N,) of a box (4,) with boxes (N, 4), all x0, y0, x1, y1."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:4], boxes[:, 2:4])
    common = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:4] - boxes[:, :2]).prod(axis=1)
    return common / np.maximum((box[2:4] - box[:2]).prod() + areas - common, 1e-12)


def _overlaps_one_of(detection: Detection, others: Sequence[Detection]) -> bool:
    if not others:
        return False
    boxes = np.array([other.box for other in others])
    return bool(intersection_over_union(detection.box, boxes).max() > SAME_FACE_OVERLAP)


def _blend_overlapping(
    values: np.ndarray, scores: np.ndarray, overlap: float = SAME_FACE_OVERLAP
) -> list[tuple[np.ndarray, float]]:
    """
    Weighted non-maximum suppression (Bazarevsky et al. 2019, section 3.3).

    Rows of `values` start with a box; overlapping rows are averaged by score, which is steadier
    over time than keeping the best one.
    """
    left = np.argsort(-scores, kind='stable')
    blended = []
    while left.size:
        best = left[0]
        same = intersection_over_union(values[best], values[left]) > overlap
        same[0] = True
        group = left[same]
        mean = np.average(values[group], axis=0, weights=scores[group])
        blended.append((mean, float(scores[best])))
        left = left[~same]
    return blended
