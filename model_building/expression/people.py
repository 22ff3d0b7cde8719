# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""People of the ICT model who keep their looks while their expressions change."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from model_building.expression.sampling import gazes_rad, of_ict
from model_building.network.glasses import Glasses
from model_building.network.ict_people import (
    IDENTITY_LIMIT,
    IctPeople,
    Person,
    Photo,
)
from model_building.network.ict_skin import Skin
from model_building.network.piece import Piece, joined


@dataclass(slots=True, frozen=True)
class Sitter:
    """
    Somebody without an expression.

    identity (100,); rotation (3, 3), move (3,): to our model's axes. worn: hair, glasses and the
    like, lenses last where lens_opacity is not 0. seed: of the beard and the irises.
    """

    identity: np.ndarray
    rotation: np.ndarray
    move: np.ndarray
    skin: Skin
    worn: list[Piece]
    lens_opacity: float
    is_lit: bool
    seed: int


class ExpressivePeople(IctPeople):
    """Draws people, and shows their expressions."""

    def sitter(self, rng: np.random.Generator, photo: Photo | None) -> Sitter:
        """Draw somebody, with the skin of a photo or a plain one."""
        identity = rng.standard_normal(len(self.ict.identity))
        identity = np.clip(identity, -IDENTITY_LIMIT, IDENTITY_LIMIT)
        neutral = self.ict.points(identity)
        rotation, move = self.landmarks.model_from_ict(neutral)
        if photo is None:
            skin = self._skins.plain_skin(rng)
        else:
            skin = self._skins.of_face(photo.image, photo.landmarks_px, rng)
        points = self._surface.subdivide(neutral @ rotation.T + move)
        worn = self._on_the_head(points, rng)
        glasses = None
        if rng.random() < self.worn.glasses:
            glasses = Glasses.draw(self._wearer(points), rng)
            worn += [glasses.frame, glasses.lenses]
        return Sitter(identity, rotation, move, skin, worn,
                      glasses.opacity if glasses else 0.0, photo is not None,
                      int(rng.integers(2**31)))

    def showing(self, sitter: Sitter, weights: np.ndarray) -> Person:
        """Return the person with an expression of weights (52,)."""
        head = self.ict.points(sitter.identity, of_ict(weights)) @ sitter.rotation.T + sitter.move
        points = self._surface.subdivide(head)
        rng = np.random.default_rng(sitter.seed)
        colors = sitter.skin.colors.copy()
        state = rng.bit_generator.state
        for side, gaze in enumerate(gazes_rad(weights)):
            rng.bit_generator.state = state  # both eyes have one colour
            both = self._with_eyes(sitter.skin.colors, gaze, rng)
            ball = self._surface.eyes[:, side] > 0.99
            colors[ball] = both[ball]
        pieces = [self._body(points, replace(sitter.skin, colors=colors), rng), *sitter.worn]
        return Person(
            self.landmarks.points(head), head[self.ict.landmarks_68], joined(pieces),
            self._renderer(pieces), self._renderer(pieces[:-1]) if sitter.lens_opacity else None,
            sitter.lens_opacity, sitter.is_lit)
