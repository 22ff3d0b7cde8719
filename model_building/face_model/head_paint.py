# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Masks of what is painted on the whole head: lips, brows, beard, scalp and the like."""
from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from model_building.face_model import face_mesh
from model_building.face_model.albedo import rounded, signed_distance
from model_building.face_model.assets import TARGETS, Assets
from model_building.face_model.head_parts import EAR_HIGH, EAR_LOW, SKIN
from model_building.face_model.topology import Topology

PAINT = ('lips', 'brows', 'lashes', 'flush', 'mouth', 'nostrils', 'sockets', 'beard', 'moustache',
         'chin',
         'scalp', 'ears')


def ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 up to low, 1 from high on, smooth between (a cubic)."""
    part = np.clip((value - low) / (high - low), 0, 1)
    return part * part * (3 - 2 * part)


def face_paint(model: dict[str, np.ndarray], topology: Topology) -> dict[str, np.ndarray]:
    """Return masks (V of the face,) of what Face Mesh's landmarks outline."""
    mean, uv = model['mean'].astype(np.float64), model['uv'].astype(np.float64)
    corners, weights = model['landmarks_468_vertices'], model['landmarks_468_weights']
    place = np.einsum('lc,lcx->lx', weights, mean[corners])
    place_uv = np.einsum('lc,lcx->lx', weights, uv[corners])
    mirror = model['landmarks_468_mirror']
    edge = model['triangles'][:, :2]
    density = np.median(np.linalg.norm(uv[edge[:, 0]] - uv[edge[:, 1]], axis=1)
                        / np.linalg.norm(mean[edge[:, 0]] - mean[edge[:, 1]], axis=1))
    masks = {'lips': ramp(signed_distance(uv, rounded(place_uv[list(face_mesh.OUTER_LIPS)]))
                           / density, -0.0012, 0.0016)}
    right = list(face_mesh.RIGHT_BROW)
    masks['brows'] = np.maximum(*(
        ramp(signed_distance(uv, rounded(place_uv[brow])) / density, -0.0018, 0.0022)
        for brow in (right, mirror[right])))
    lashes = np.zeros(len(mean))
    for lid in (list(face_mesh.RIGHT_LID), mirror[list(face_mesh.RIGHT_LID)]):
        for margin, width, strength in ((lid[:8], .0016, 1.0), (lid[8:], .0009, .5)):
            line = place[margin]
            between = np.concatenate([line[:-1] + part * np.diff(line, axis=0)
                                      for part in (0, .25, .5, .75)])
            near = cKDTree(between).query(mean)[0]
            lashes = np.maximum(lashes, strength * (1 - ramp(near, 0.3 * width, width)))
    masks['lashes'] = lashes
    flush = np.zeros(len(mean))
    for index, reach in ((50, .016), (280, .016), (4, .011), (199, .010), (98, .006), (327, .006)):
        flush = np.maximum(flush, np.exp(-((mean - place[index]) ** 2).sum(axis=1) / reach ** 2))
    masks['flush'] = flush
    hidden = topology.inside_mask
    nostril = np.minimum(*(np.linalg.norm(mean - place[index], axis=1) for index in (79, 309)))
    masks['mouth'] = (hidden & topology.mouth_mask).astype(np.float64)
    masks['nostrils'] = (hidden & (nostril < 0.02)).astype(np.float64)
    masks['sockets'] = (hidden & ~topology.mouth_mask & (nostril >= 0.02)).astype(np.float64)
    lips_low, nose = place[list(face_mesh.OUTER_LIPS)], place[2]
    moustache = ramp(nose[1] - 0.002 - mean[:, 1], 0, .003) * (1 - masks['lips']) \
        * ramp(mean[:, 1], lips_low[:, 1].min() - .008, lips_low[:, 1].max() - .008) \
        * (1 - ramp(np.abs(mean[:, 0]), .026, .034))
    masks['moustache'] = moustache * ~hidden
    return masks


def _hairline(points: np.ndarray) -> np.ndarray:
    """Return the height of points (n,3) over the hair line (metres, along the surface roughly)."""
    # Height of the line at each depth, from the nape over the ears to the forehead.
    depth = [-.20, -.165, -.14, -.115, -.10, -.085, -.075, -.06, -.04, -.02, .02]
    height = [-.085, -.075, -.055, -.012, -.002, -.022, .012, .038, .058, .068, .072]
    return points[:, 1] - np.interp(points[:, 2], depth, height)


def spatial_paint(points: np.ndarray, part: np.ndarray,
                   ears: np.ndarray) -> dict[str, np.ndarray]:
    """Return masks (V,) of what goes beyond the face model."""
    skin = part == SKIN
    _, y, z = points.T
    jaw = np.interp(z, [-.11, -.085, -.06, -.03, .0, .02],
                    [-.02, -.032, -.055, -.068, -.072, -.075])
    low = np.interp(z, [-.12, -.09, -.06, -.02, .02], [-.085, -.105, -.125, -.135, -.16])
    beard = (1 - ramp(y, jaw - .008, jaw + .010)) * ramp(y, low - .012, low + .006)
    beard *= ramp(z, -.108, -.088) * (1 - ears)
    beard = np.where(skin, beard, 0)
    scalp = ramp(_hairline(points), -.004, .010) * (1 - ears)
    chin = (1 - ramp(np.abs(points[:, 0]), .020, .034)) * ramp(z, -.07, -.05)
    return {'beard': beard, 'chin': chin, 'scalp': np.where(skin, scalp, 0),
            'ears': np.where(skin, ears, 0)}


def ear_mask(assets: Assets, rows: sparse.csr_array, points_base: np.ndarray) -> np.ndarray:
    """Return (V,) 0..1: the auricles, where MakeHuman's slider for protruding ears acts most."""
    moved = sum(np.linalg.norm(assets.target(f'{TARGETS}/ears/{side}-ear-wing-incr.target.gz'),
                               axis=1) for side in 'lr')
    inside = ((np.abs(points_base[:, 0]) > EAR_LOW[0])
              & (points_base[:, 1:] > EAR_LOW[1:]).all(axis=1)
              & (points_base[:, 1:] < EAR_HIGH[1:]).all(axis=1))
    return np.asarray(ramp(rows @ moved, .02, .06)) * inside
