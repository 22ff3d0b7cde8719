# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""People of the ICT model with skins of portraits and web photos, ready to be photographed."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.io.image_files import read_image
from model_building.network import ict_people
from model_building.network.ict_people import Person, Photo
from model_building.network.perspective import Lens, Photographer, Sight
from model_building.network.photos import PhotoReader, Source
from model_building.network.subject import View

PLAIN_SHARE, PORTRAIT_SHARE = 0.15, 0.4


@dataclass(slots=True, frozen=True)
class PhotographedPerson:
    """Somebody, and who photographs."""

    person: Person
    photographer: Photographer

    def shoot(self, view: View, background: np.ndarray, rng: np.random.Generator) -> Sight:
        """See Photographer."""
        return self.photographer(self.person, view, background, rng)


class ScannedPeople:
    """Draws people: see NewScan of generate.py."""

    def __init__(self, ict: Path, sources: Sequence[Source], portraits: Sequence[Path],
                 validation: bool = False, straight: bool = False) -> None:
        """
        Prepare.

        :param sources: web photos whose skin people may have
        :param portraits: the like; of validation every fourth, of training the others
        :param straight: cameras look straight at the crops, as straight_view.py makes them
        """
        model = FaceModel()
        self._landmarks = model.landmarks_68
        self._people = ict_people.load(ict, model)
        self._photographer = Photographer(model, Lens.straight if straight else Lens.draw)
        self._sources = sources
        held_out = set(portraits[::4])
        self._portraits = [p for p in portraits if (p in held_out) == validation]
        self._reader = PhotoReader()
        self._read: dict[Path, Source | None] = {}

    def __call__(self, rng: np.random.Generator) -> PhotographedPerson:
        """Draw somebody."""
        chance = rng.random()
        if chance < PLAIN_SHARE:
            photo = None
        elif chance < PLAIN_SHARE + PORTRAIT_SHARE:
            photo = self._portrait(rng)
        else:
            photo = self._photo_of(self._sources[int(rng.integers(len(self._sources)))])
        return PhotographedPerson(self._people(rng, photo), self._photographer)

    def _portrait(self, rng: np.random.Generator) -> Photo:
        while True:
            path = self._portraits[int(rng.integers(len(self._portraits)))]
            if path not in self._read:
                self._read[path] = self._reader(path, 0)
            source = self._read[path]
            if source is not None and source.presence > 0.9:
                return self._photo_of(source)

    def _photo_of(self, source: Source) -> Photo:
        return Photo(read_image(Path(source.path)),
                     self._landmarks.points_px(source.parameters))
