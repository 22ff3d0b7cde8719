# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Colours of a face, sampled from its photo."""

from __future__ import annotations

import cv2
import numpy as np

# Cosines between outwards and the direction to the viewer. Below the first a vertex is next to the
# outline, where a mesh that is a little too wide takes colours of hair and background; from the
# second on its colour is the photo's alone.
GRAZING_COSINE, SURE_COSINE = 0.45, 0.7

# cv2.remap takes maps and images of less than this on a side; a mesh has more vertices
_REMAP_LIMIT = 32_767
_ROW = 1024


def sample_colors(image: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    """
    Return the colours (N, 3) uint8 of an image (H, W, 3) at points (N, 2+) px, bilinear.

    Points outside the image get the colour of its nearest border pixel.
    """
    if max(image.shape[:2]) >= _REMAP_LIMIT:
        return _sample_large(image, points_px)
    count = len(points_px)
    rows = -(-count // _ROW)
    grid = np.zeros((rows * _ROW, 2), np.float32)
    grid[:count] = points_px[:, :2]
    xy = grid.reshape(rows, _ROW, 2)
    x, y = cv2.split(xy)
    sampled = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled.reshape(-1, 3)[:count]


def _sample_large(image: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    """Do the same in an image of any size; several times slower."""
    height, width = image.shape[:2]
    last = np.array([width - 1, height - 1])
    xy = np.clip(np.nan_to_num(points_px[:, :2]).astype(np.float64), 0, last)
    corner = np.minimum(xy.astype(int), np.maximum(last - 1, 0))
    part = xy - corner
    sampled = np.zeros((len(xy), 3))
    for dx, dy in np.ndindex(2, 2):
        x, y = np.minimum(corner + np.array([dx, dy]), last).T
        weight = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
        sampled += weight[:, None] * image[y, x]
    return sampled.round().astype(np.uint8)


def completed_colors(
    sampled: np.ndarray, trust: np.ndarray, mirror: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """
    Return colours (V, 3) uint8 of a whole face of which a photo shows a part.

    Where a vertex is not trusted its mirror image stands in, where that is not either the model's
    colour, brought to the tone of the person.

    :param sampled: (V, 3) uint8 of the photo
    :param trust: (V,) float32, 0..1
    :param mirror: (V,) index of each vertex on the other side
    :param own: (V, 3) uint8, the model's colours
    """
    total = trust.sum()
    tone = trust @ sampled / np.maximum(trust @ own, 1e-6) if total else np.ones(3)
    both = (1 - trust) * trust[mirror]
    rest = (1 - trust - both)[:, None]
    colors = trust[:, None] * sampled + both[:, None] * sampled[mirror]
    colors += rest * (own * tone.astype(np.float32))
    return np.clip(colors + 0.5, 0, 255).astype(np.uint8)


def photo_trust(seen: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """
    Return how far a photo shows the colour of vertices, (V,) float32, 0..1.

    :param seen: (V,) bool
    :param cosines: (V,) between outward_directions() and the direction to the viewer
    """
    part = np.clip((cosines - GRAZING_COSINE) / (SURE_COSINE - GRAZING_COSINE), 0, 1)
    return np.asarray(seen * (part * part * (3 - 2 * part)), np.float32)


def outward_directions(mean: np.ndarray) -> np.ndarray:
    """
    Return where each vertex of the mean face (V, 3) faces on the whole, (V, 3) float32 units.

    Away from the middle of the head, as deep as the face's edge: the sides of a nose and the
    inside of a mouth are no outlines.
    """
    middle = (mean.max(axis=0) + mean.min(axis=0)) / 2
    outwards = mean - [middle[0], middle[1], mean[:, 2].min()]
    return (outwards / np.linalg.norm(outwards, axis=1, keepdims=True)).astype(np.float32)
