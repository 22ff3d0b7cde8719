# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Colours of the bare mesh: a plausible skin, lips, brows, lashes and eyes."""
from __future__ import annotations

import numpy as np

from model_building.face_model import face_mesh
from model_building.face_model.surface import Embedding
from model_building.face_model.topology import Topology

# Blue, green, red, 0..255.
SKIN = np.array([132.0, 160.0, 206.0])
FLUSH = np.array([112.0, 118.0, 205.0])
LIPS = np.array([98.0, 98.0, 178.0])
BROWS = np.array([38.0, 50.0, 68.0])
LASHES = np.array([40.0, 46.0, 62.0])
MOUTH = np.array([30.0, 22.0, 70.0])
SOCKET = np.array([110.0, 118.0, 178.0])
NOSTRIL = np.array([40.0, 44.0, 84.0])
SCLERA = np.array([224.0, 230.0, 234.0])
VEINS = np.array([180.0, 190.0, 225.0])
IRIS = np.array([66.0, 96.0, 118.0])
LIMBUS = np.array([36.0, 46.0, 56.0])
PUPIL = np.array([14.0, 14.0, 14.0])

IRIS_RADIUS_M, PUPIL_RADIUS_M = 0.0059, 0.0022
BROW_STRENGTH, LIP_STRENGTH, FLUSH_STRENGTH = 0.78, 0.85, 0.35
# Face Mesh landmarks where blood shows, and how far around them (metres).
FLUSHED = ((50, .016), (280, .016), (4, .011), (199, .010), (98, .006), (327, .006))
NOSTRILS = (79, 309)


def signed_distance(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Return the distance (n,) of points (n,2) to a closed polygon (m,2), positive inside."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    along = end - start
    offset = points[:, None] - start
    part = np.clip((offset * along).sum(-1) / (along ** 2).sum(-1), 0, 1)
    distance = np.linalg.norm(offset - part[..., None] * along, axis=2).min(axis=1)
    crosses = (start[:, 1] > points[:, 1, None]) != (end[:, 1] > points[:, 1, None])
    rise = np.where(along[:, 1] == 0, 1, along[:, 1])
    x = start[:, 0] + (points[:, 1, None] - start[:, 1]) / rise * along[:, 0]
    inside = (crosses & (points[:, 0, None] < x)).sum(axis=1) % 2 == 1
    return np.where(inside, distance, -distance)


def rounded(polygon: np.ndarray, repeats: int = 3) -> np.ndarray:
    """Return a closed polygon with its corners cut (G. Chaikin, 1974)."""
    for _ in range(repeats):
        following = np.roll(polygon, -1, axis=0)
        polygon = np.stack([0.75 * polygon + 0.25 * following,
                            0.25 * polygon + 0.75 * following], axis=1).reshape(-1, 2)
    return polygon


def _ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 below low, 1 above high, smooth between."""
    part = np.clip((value - low) / (high - low), 0, 1)
    return part * part * (3 - 2 * part)


def _blend(color: np.ndarray, other: np.ndarray, amount: np.ndarray) -> np.ndarray:
    return color + amount[:, None] * (other - color)


def _texels_per_metre(points: np.ndarray, uv: np.ndarray, triangles: np.ndarray) -> float:
    """Return the typical length in the texture map of a metre of skin."""
    edge = triangles[:, :2]
    return float(np.median(np.linalg.norm(uv[edge[:, 0]] - uv[edge[:, 1]], axis=1)
                           / np.linalg.norm(points[edge[:, 0]] - points[edge[:, 1]], axis=1)))


def _eye_colors(points: np.ndarray) -> np.ndarray:
    """Paint one eyeball cap (n,3), metres, that looks straight ahead."""
    rows = np.column_stack([2 * points, np.ones(len(points))])
    centre = np.linalg.lstsq(rows, (points ** 2).sum(axis=1), rcond=None)[0][:3]
    off_axis = np.hypot(points[:, 0] - centre[0], points[:, 1] - centre[1])
    off_axis = np.where(points[:, 2] > centre[2], off_axis, np.inf)
    color = np.tile(SCLERA, (len(points), 1))
    color = _blend(color, VEINS, 0.7 * _ramp(off_axis, 1.3 * IRIS_RADIUS_M, 2.0 * IRIS_RADIUS_M))
    color = _blend(color, LIMBUS, 1 - _ramp(off_axis, 0.95 * IRIS_RADIUS_M, 1.12 * IRIS_RADIUS_M))
    color = _blend(color, IRIS, 1 - _ramp(off_axis, 0.70 * IRIS_RADIUS_M, 0.95 * IRIS_RADIUS_M))
    return _blend(color, PUPIL,
                  1 - _ramp(off_axis, 0.8 * PUPIL_RADIUS_M, 1.4 * PUPIL_RADIUS_M))


def paint(points: np.ndarray, topology: Topology, landmarks: Embedding, uv: np.ndarray,
          mirror_468: np.ndarray) -> np.ndarray:
    """
    Return a colour (V,3) uint8 BGR for each vertex of the mean face (V,3), metres.

    Lips, brows and lashes are outlined by Face Mesh's landmarks, in the texture map, where the
    skin does not overlap itself. The two halves are painted alike.
    """
    place, place_uv = landmarks.of(points), landmarks.of(uv)
    density = _texels_per_metre(points, uv, topology.triangles)
    color = np.tile(SKIN, (len(points), 1))
    for index, reach in FLUSHED:
        near = np.exp(-((points - place[index]) ** 2).sum(axis=1) / reach ** 2)
        color = _blend(color, FLUSH, FLUSH_STRENGTH * near)
    lips = rounded(place_uv[list(face_mesh.OUTER_LIPS)])
    color = _blend(color, LIPS, LIP_STRENGTH * _ramp(
        signed_distance(uv, lips) / density, -0.0012, 0.0016))
    for brow in (face_mesh.RIGHT_BROW, mirror_468[list(face_mesh.RIGHT_BROW)]):
        outline = rounded(place_uv[list(brow)])
        color = _blend(color, BROWS, BROW_STRENGTH * _ramp(
            signed_distance(uv, outline) / density, -0.0018, 0.0022))
    for lid in (face_mesh.RIGHT_LID, mirror_468[list(face_mesh.RIGHT_LID)]):
        upper, lower = place[list(lid[:8])], place[list(lid[8:])]
        for margin, width, strength in ((upper, 0.0016, 0.75), (lower, 0.0009, 0.35)):
            between = np.concatenate([margin[:-1] + part * np.diff(margin, axis=0)
                                      for part in (0, .25, .5, .75)])
            near = np.sqrt(((points[:, None] - between) ** 2).sum(-1).min(axis=1))
            color = _blend(color, LASHES, strength * (1 - _ramp(near, 0.3 * width, width)))
    hidden = topology.inside_mask
    color[hidden & topology.mouth_mask] = MOUTH
    color[hidden & ~topology.mouth_mask] = SOCKET
    for index in NOSTRILS:
        near = np.linalg.norm(points - place[index], axis=1)
        color[hidden & (near < 0.02)] = NOSTRIL
    for side in (-1, 1):
        eye = topology.eye_mask & (side * points[:, 0] > 0)
        color[eye] = _eye_colors(points[eye])
    color = (color + color[topology.mirror]) / 2
    return np.clip(np.rint(color), 0, 255).astype(np.uint8)
