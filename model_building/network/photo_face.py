# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a photo shows of a face, as colours of the face model's vertices.

Profiling turns a photo as a relief, whose edges and stretched surroundings no camera ever sees.
Here the same colours are laid onto the open head: a real face, on a head with ears, hair and neck.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.normals import vertex_normals
from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES
from model_building.face_model.topology import boundary_loops
from model_building.network.piece import ramp

GRAZING = 0.12, 0.35
"""From the first to the second part of a normal towards the viewer its colour becomes usable."""
RIM_M = 0.004, 0.020
"""From the first to the second distance from the mask's rim a photo's colours are the person's:
nearer to it a jaw that is fitted a little too wide shows what is behind it."""
FOREHEAD_RIM_M = 0.001, 0.006
"""The same on the forehead, whose rim is in front of the hair."""
FOREHEAD_Y_M = 0.015, 0.035
SIDE_RIM_M, UNLIKE_SKIN = (0.020, 0.045), (0.3, 0.7)
"""Nearer to the rim than this, what is darker or lighter than skin (in natural logarithms of its
brightness) is hair or background, or a shadow of a light that turns no more with the head."""
SKIN_RIM_M, SKIN_Y_M = 0.032, (-0.055, -0.008)
"""Nose and cheeks lie this far inside the rim, between these heights."""
HAIR_Y_M = 0.055
"""Above this the mask's front is at the hair line."""
DARKER = 0.6
"""A hair line is hair where it is darker than this part of the skin."""


@dataclass(slots=True, frozen=True)
class SeenColors:
    """
    Colours of the face model's vertices in a photo.

    visible (V,) bool. sampled (V, 3): what the photo shows at each, 0..255 BGR. own (V,): how far
    that is the vertex itself, seen from in front. mixed (V, 3): its own colour, else the mirror
    image's. known (V,): how far either was seen.
    """

    visible: np.ndarray
    sampled: np.ndarray
    own: np.ndarray
    mixed: np.ndarray
    known: np.ndarray


def seen_colors(
    model: FaceModel, vertices_px: np.ndarray, visible: np.ndarray, sampled: np.ndarray
) -> SeenColors:
    """
    Return the colours of vertices (V, 3) px, from the other side where they are hidden.

    :param visible: (V,) what no other part of the face hides
    :param sampled: (V, 3) the photo at each vertex
    """
    normals = vertex_normals(
        vertices_px.astype(np.float64) @ SCREEN_FROM_MODEL_AXES, model.triangles)
    low, high = GRAZING
    own = visible * np.clip((normals[:, 2] - low) / (high - low), 0, 1)
    other = own[model.mirror] * (1 - own)
    known = own + other
    mixed = own[:, None] * sampled + other[:, None] * sampled[model.mirror]
    mixed = mixed / np.maximum(known, 1e-6)[:, None]
    return SeenColors(visible > 0, sampled, own, mixed, known)


@dataclass(slots=True, frozen=True)
class PaintedFace:
    """
    A face to lay onto a head: colors (V, 3) BGR 0..1, trust (V,) 0..1 of the face's vertices.

    skin, hair (3,): the rest of the head goes on in; hair is None where the photo shows none.
    """

    colors: np.ndarray
    trust: np.ndarray
    skin: np.ndarray
    hair: np.ndarray | None


class FacePainter:
    """Makes painted faces of photos' colours."""

    def __init__(self, model: FaceModel) -> None:
        rim = model.mean[boundary_loops(model.triangles)[0]]
        distance_m = cKDTree(rim).query(model.mean)[0]
        height_m = model.mean[:, 1]
        forehead = ramp(height_m, *FOREHEAD_Y_M)
        low, high = (
            near + forehead * (far - near)
            for near, far in zip(RIM_M, FOREHEAD_RIM_M, strict=True)
        )
        self._inner = ramp(distance_m, low, high)
        self._side = (1 - ramp(distance_m, *SIDE_RIM_M)) * (1 - forehead)
        self._skin = (distance_m > SKIN_RIM_M) & (height_m > SKIN_Y_M[0]) & (
            height_m < SKIN_Y_M[1])
        self._hair_line = height_m > HAIR_Y_M

    def __call__(self, seen: SeenColors) -> PaintedFace:
        """Return the face of a photo."""
        skin = np.median(seen.mixed[self._skin], axis=0) / 255
        hair = np.median(seen.sampled[self._hair_line], axis=0) / 255
        brightness = np.log((seen.mixed.mean(axis=1) + 1) / (255 * skin.mean() + 1))
        doubt = self._side * ramp(np.abs(brightness), *UNLIKE_SKIN)
        trust = self._inner * seen.known * (1 - doubt)
        is_hair = hair.mean() < DARKER * skin.mean()
        return PaintedFace(seen.mixed / 255, trust, skin, hair if is_hair else None)
