# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
People of the ICT face model for training: whole heads with skin, hair, glasses, hats and beards.

In our model's axes and metres, ready to be photographed in perspective (perspective.py). Heads of
evaluation (ict_heads.py) are others: of other seeds, portraits and with another hair.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.rendering.renderer import Renderer
from model_building.face_model import ict_model
from model_building.face_model.ict_model import IctModel
from model_building.network import hair
from model_building.network.face_covering import face_covering
from model_building.network.glasses import Glasses
from model_building.network.ict_landmarks import IctLandmarks
from model_building.network.ict_lids import Lids
from model_building.network.ict_skin import Skin, SkinMaker
from model_building.network.ict_surface import (
    EYE_SOCKETS,
    GUMS,
    MOUTH,
    SKIN,
    TEETH,
    Surface,
    distance_to_line,
    smooth_noise,
    step,
)
from model_building.network.ict_wearer import Wearers
from model_building.network.piece import Noise, Piece, joined, normals_of

IDENTITY_LIMIT = 3.0
NEUTRAL_SHARE, BLINK_SHARE, TALK_SHARE = 0.25, 0.15, 0.4
BEARD_M = 0.016
"""How far the longest beards stand off the skin."""
GAZE_SPREAD_RAD, LARGEST_GAZE_RAD = 0.22, 0.6
LIDS_FOLLOW = 0.9
"""How far lids follow eyes that look down, as the weight of the shape a radian."""
SHADE = {SKIN: 1.0, MOUTH: 0.25, EYE_SOCKETS: 0.5, GUMS: 0.35, TEETH: 0.6}
"""How much light reaches the parts."""


@dataclass(slots=True, frozen=True)
class Worn:
    """Which part of the people wears what."""

    headwear: float = 0.12
    glasses: float = 0.25
    mask: float = 0.04
    beard: float = 0.2


@dataclass(slots=True, frozen=True)
class Photo:
    """A photo and the 68 landmarks (68, 3) px of the face in it."""

    image: np.ndarray
    landmarks_px: np.ndarray


@dataclass(slots=True, frozen=True)
class Person:
    """
    Somebody to photograph, in our model's axes, metres.

    landmarks_m (468, 3), ibug_m (68, 3). whole: everything that is seen, without_lenses: all but
    the lenses of glasses, the last vertices; lens_opacity 0: there are none. is_lit: the colours
    are of a photo, with its light.
    """

    landmarks_m: np.ndarray
    ibug_m: np.ndarray
    whole: Piece
    renderer: Renderer
    without_lenses: Renderer | None
    lens_opacity: float
    is_lit: bool


class IctPeople:
    """Draws people at random."""

    def __init__(self, ict: IctModel, model: FaceModel, fine: slice = ict_model.FACE,
                 worn: Worn | None = None) -> None:
        """:param fine: see Surface"""
        self.ict = ict
        self.landmarks = IctLandmarks.of(ict, model)
        self.worn = worn or Worn()
        self._surface = surface = Surface(ict, fine=fine)
        self._lids = Lids(surface)
        self._skins = SkinMaker(surface)
        self._noise = Noise(seed=7)
        _, y, z = surface.neutral.T
        skin = surface.parts[:, SKIN] > 0.99
        self._skin = skin
        self._above_neck = skin & (y > -0.1 - 0.3 * np.maximum(z, 0))
        self._wearer = Wearers(surface)
        self._whiskers = self._where_whiskers_grow()
        self._sky = np.ones(len(surface))
        for part, shade in SHADE.items():
            self._sky = np.where(surface.parts[:, part] > 0.5, shade, self._sky)
        self._renderers: dict[str, Renderer] = {}

    def __call__(self, rng: np.random.Generator, photo: Photo | None = None) -> Person:
        """Return somebody, with the skin of a photo or a plain one."""
        identity = rng.standard_normal(len(self.ict.identity))
        identity = np.clip(identity, -IDENTITY_LIMIT, IDENTITY_LIMIT)
        neutral = self.ict.points(identity)
        rotation, move = self.landmarks.model_from_ict(neutral)
        gaze = np.clip(rng.normal(0, GAZE_SPREAD_RAD, 2) * [1, 0.7],
                       -LARGEST_GAZE_RAD, LARGEST_GAZE_RAD)
        expression = draw_expression(rng, gaze)
        head = self.ict.points(identity, expression) @ rotation.T + move
        if photo is None:
            skin = self._skins.plain_skin(rng)
        else:
            skin = self._skins.of_face(photo.image, photo.landmarks_px, rng)
        points = self._lids.over_eyes(self._surface.subdivide(head))
        colors = self._with_eyes(skin.colors, gaze, rng)
        body = self._body(points, replace(skin, colors=colors), rng)
        pieces = [body, *self._on_the_head(points, rng)]
        glasses = None
        if rng.random() < self.worn.glasses:
            glasses = Glasses.draw(self._wearer(points), rng)
            pieces += [glasses.frame, glasses.lenses]
        return Person(
            self.landmarks.points(head), head[self.ict.landmarks_68], joined(pieces),
            self._renderer(pieces), self._renderer(pieces[:-1]) if glasses else None,
            glasses.opacity if glasses else 0.0, photo is not None,
        )

    def _renderer(self, pieces: list[Piece]) -> Renderer:
        """Return a renderer for pieces; preparing one takes longer than drawing."""
        kinds = ' '.join(piece.kind for piece in pieces)
        if kinds not in self._renderers:
            self._renderers[kinds] = Renderer(joined(pieces).triangles.astype(np.int32))
        return self._renderers[kinds]

    def _body(self, points: np.ndarray, skin: Skin, rng: np.random.Generator) -> Piece:
        """Return the head, its whiskers grown."""
        surface = self._surface
        albedo = skin.colors / 255
        normals = normals_of(points, surface.triangles)
        if rng.random() < self.worn.beard:
            length = rng.choice([0.0, rng.uniform(0, 0.3), rng.uniform(0.2, 1)], p=[.4, .3, .3])
            dense = self._whiskers * rng.uniform(0.3, 0.9)
            if rng.random() < 0.3:  # around the mouth alone
                dense = dense * step(self._neutral_of_jaw(), -0.05, -0.035)
            texture = 1 + 0.3 * smooth_noise(surface.neutral, rng, 0.002)
            color = rng.uniform(0.03, 0.6) * np.array([0.75, 0.85, 1.0]) * texture[:, None]
            albedo = albedo + dense[:, None] * (color - albedo)
            grown = BEARD_M * length * self._whiskers
            grown = grown * np.clip(1 + 0.3 * smooth_noise(surface.neutral, rng, 0.01), 0.2, 2)
            points = points + grown[:, None] * (0.8 * normals + np.array([0, -0.4, 0]))
            normals = normals_of(points, surface.triangles)
        gloss = np.full(len(points), rng.uniform(0.01, 0.12))
        gloss[surface.eyes.max(axis=1) > 0.9] = rng.uniform(0.3, 0.9)
        return Piece(
            'ict', points.astype(np.float32), normals.astype(np.float32), surface.triangles,
            np.clip(albedo, 0.01, 1).astype(np.float32), gloss.astype(np.float32),
            self._sky.astype(np.float32),
        )

    def _on_the_head(self, points: np.ndarray, rng: np.random.Generator) -> list[Piece]:
        """Return hair, hat and mask."""
        skull = hair.Skull.of(points[self._above_neck], self._wearer.ears[self._above_neck])
        covered = rng.random() < self.worn.headwear
        color = np.array([0.02, 0.025, 0.03]) + rng.uniform(0, 1) ** 2 * np.array([.5, .6, .7])
        if rng.random() < 0.25:
            color = np.full(3, rng.uniform(0.2, 0.9))
        pieces = hair.hair(skull, color, self._noise, rng, flat=covered)
        if covered:
            pieces += hair.headwear(skull, self._noise, rng)
        if rng.random() < self.worn.mask:
            pieces.append(face_covering(self._wearer(points), self._noise, rng))
        return pieces

    def _with_eyes(self, colors: np.ndarray, gaze: np.ndarray,
                   rng: np.random.Generator) -> np.ndarray:
        """Return skin colours (N, 3) with eyes that look to gaze: radians to the left and up."""
        colors = colors.copy()
        look = np.array([np.tan(gaze[0]), np.tan(gaze[1]), 1.0])
        look /= np.linalg.norm(look)
        iris = np.array([20, 30, 40]) + rng.uniform(0, 1) ** 2 * rng.uniform(40, 150, 3)
        white = np.array([185, 195, 205]) * rng.uniform(0.6, 1.05)
        pupil_deg = rng.uniform(6, 13)
        for side in range(2):
            ball = self._surface.eyes[:, side] > 0.99
            points = self._surface.neutral[ball]
            out = points - (points.max(axis=0) + points.min(axis=0)) / 2
            cosine = out @ look / np.linalg.norm(out, axis=1)
            angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))[:, None]
            colors[ball] = np.select([angle < pupil_deg, angle < 25], [(12, 12, 12), iris], white)
        return colors

    def _neutral_of_jaw(self) -> np.ndarray:
        """Return minus the distance (N,) from the mouth."""
        marks = self.ict.neutral[self.ict.landmarks_68]
        return -distance_to_line(self._surface.neutral, marks[[48, 57, 54]])

    def _where_whiskers_grow(self) -> np.ndarray:
        marks = self.ict.neutral[self.ict.landmarks_68]
        points = self._surface.neutral
        x, y, z = points.T
        top = np.interp(np.abs(x), [0, 0.012, 0.035, 0.06, 0.08],
                        marks[33, 1] - np.array([0.003, 0.003, 0.012, -0.005, -0.03]))
        inside = step(top - y, 0, 0.006) * step(y, -0.105, -0.085) * step(z, 0.0, 0.02)
        lips = distance_to_line(points, marks[[*range(48, 60), 48]])
        return inside * step(lips, 0.002, 0.006) * self._skin


def draw_expression(rng: np.random.Generator, gaze: np.ndarray) -> dict[str, float]:
    """Return weights of named shapes, as faces have them together."""
    weights: dict[str, float] = {}

    def both(name: str, weight: float) -> None:
        uneven = rng.normal(0, 0.1, 2)
        for side, more in zip('LR', uneven, strict=True):
            weights[f'{name}_{side}'] = float(np.clip(weight * (1 + more), 0, 1))

    if rng.random() < BLINK_SHARE:
        both('eyeBlink', rng.uniform(0.3, 1))
    else:
        both('eyeBlink', float(np.clip(-LIDS_FOLLOW * gaze[1] + rng.normal(0, 0.08), 0, 0.7)))
    if rng.random() < NEUTRAL_SHARE:
        return weights
    if rng.random() < TALK_SHARE:
        weights['jawOpen'] = float(rng.beta(1, 2.5))
        for name in ('mouthFunnel', 'mouthPucker', 'jawLeft', 'jawRight', 'mouthLeft',
                     'mouthRight', 'jawForward'):
            if rng.random() < 0.2:
                weights[name] = float(rng.uniform(0, 0.6))
    if rng.random() < 0.5:
        smile = rng.uniform(0, 1)
        both('mouthSmile', smile)
        both('cheekSquint', smile * rng.uniform(0, 0.8))
        both('mouthUpperUp', smile * rng.uniform(0, 0.6) * (rng.random() < 0.6))
    for name, share in (
        ('mouthFrown', 0.12), ('mouthStretch', 0.1), ('mouthLowerDown', 0.15),
        ('mouthPress', 0.1), ('mouthDimple', 0.1), ('noseSneer', 0.12), ('browDown', 0.25),
        ('browInnerUp', 0.25), ('browOuterUp', 0.25), ('eyeSquint', 0.25), ('eyeWide', 0.12),
        ('cheekPuff', 0.05),
    ):
        if rng.random() < share:
            both(name, rng.uniform(0, 0.9))
    return weights


def load(folder: Path, model: FaceModel) -> IctPeople:
    """
    Read the ICT face model.

    :raises ModelBuildingError: the folder has no such file.
    """
    return IctPeople(IctModel.load(folder), model)
