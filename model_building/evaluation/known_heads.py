# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Heads whose rotation, place and shape are known: people that no network here has learnt from."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import MODEL_FROM_FACE, OPTICAL_FROM_VIEWER, rotation_matrix
from model_building.evaluation import traits
from model_building.evaluation.errors import Truth
from model_building.evaluation.surface import SkinPlaces
from model_building.face_model.ict_model import IctModel
from model_building.network.glasses import Glasses
from model_building.network.ict_heads import IctHeads, Scene, Shot, photographed
from model_building.network.ict_skin import Skin
from model_building.network.ict_surface import SKIN
from model_building.network.portraits import development_portraits, judging_portraits

YAWS_DEG = tuple(range(-90, 91, 15))
PITCHES_DEG = (-30, -15, 0, 15, 30)
ROLL_SIGMA_DEG = 8.0
FIRST_TEST_PERSON = 1000
"""People from this number on are the test set; those below are for development."""
PLAIN_EVERY = 4
"""Every so many people have a skin without a photo."""
SIZE = (480, 640)
DISTANCES_M, FOCAL_LENGTHS_PX = (0.5, 2.0), (500.0, 750.0)
CHEEKS_M, CHEEKS_OUT_M = (-0.035, 0.0), 0.04
"""Height of the cheeks on the neutral head, and how far forward they are."""

Draw = Callable[[Scene, np.ndarray], np.ndarray]
"""What draws a scene over a background (H, W, 3) uint8 BGR."""


@dataclass(slots=True, frozen=True)
class Sight:
    """
    One photo of a head: the truth is rotation (3, 3), viewer axes, and landmarks (68, 2) px.

    surface_m (N, 3): of SkinPlaces. known: traits that are not measured in the image.
    """

    person: int
    yaw_deg: float
    pitch_deg: float
    image: np.ndarray
    shot: Shot
    landmarks_px: np.ndarray
    surface_m: np.ndarray | None = None
    known: Mapping[str, str] | None = None

    @property
    def truth(self) -> Truth:
        """What faces that are found are held against."""
        return Truth(
            self.person, self.yaw_deg, self.pitch_deg,
            OPTICAL_FROM_VIEWER @ self.shot.rotation @ MODEL_FROM_FACE, False, self.landmarks_px,
            self.shot.position_m, self.surface_m,
            {**traits.measured(self.image, self.landmarks_px), **(self.known or {})})


def meant(faces: Sequence[Face], sight: Sight) -> Face | None:
    """Return the face that lies where the head is; None where it was missed."""
    middle = sight.landmarks_px.mean(axis=0)
    reach = np.ptp(sight.landmarks_px, axis=0).max() / 2
    near = [
        face for face in faces
        if np.linalg.norm(face.box.reshape(2, 2).mean(axis=0) - middle) < reach
    ]
    return max(near, key=lambda face: face.score, default=None)


class Photographer:
    """Shows people at known rotations."""

    def __init__(self, ict: Path, portraits: Path, development: bool,
                 draw: Draw | None = None) -> None:
        """
        Prepare.

        :param draw: another renderer than ours
        :raises ModelBuildingError: a folder has not what it must have.
        """
        model = IctModel.load(ict)
        self.heads = IctHeads(model)
        self.places = SkinPlaces.of(model, FaceModel())
        self._draw = draw or self.heads.drawn
        surface = self.heads.surface
        _, height, out = surface.neutral.T
        self._cheeks = (surface.parts[:, SKIN] > 0.99) & (out > CHEEKS_OUT_M)
        self._cheeks &= (height > CHEEKS_M[0]) & (height < CHEEKS_M[1])
        share = development_portraits if development else judging_portraits
        self._photos = share(portraits)
        self._first = 0 if development else FIRST_TEST_PERSON
        self._reader = Pipeline(PipelineConfig(smoothing=None, regressor='facemesh'))

    def __call__(self, people: int, turns: Sequence[tuple[float, float]],
                 glasses: bool = False) -> Iterator[Sight]:
        """
        Yield so many people at each (yaw, pitch) in degrees, towards image left and up.

        :param glasses: show everything twice, without and with glasses
        """
        for person in range(self._first, self._first + people):
            rng = np.random.default_rng([person, 14])
            points = self.heads.person(rng)
            skin = self.skin(person, rng)
            own = self.heads.glasses(points, np.random.default_rng([person, 15]))
            for yaw_deg, pitch_deg in turns:
                before = rng.bit_generator.state
                for worn in (None, own) if glasses else (None,):
                    # the same light, place and noise
                    rng.bit_generator.state = before
                    yield self._sight(person, yaw_deg, pitch_deg, points, skin, worn, rng)

    def _sight(self, person: int, yaw_deg: float, pitch_deg: float, points: np.ndarray,
               skin: Skin, glasses: Glasses | None, rng: np.random.Generator) -> Sight:
        shot = _shot(yaw_deg, pitch_deg, rng)
        background = self.background(rng)
        scene = self.heads.scene(points, skin, shot, rng, glasses)
        image = photographed(self._draw(scene, background), rng)
        tone = traits.tone_deg(np.median(skin.colors[self._cheeks], axis=0))
        return Sight(
            person, yaw_deg, pitch_deg, image, shot, scene.landmarks_px, self.places.on(points),
            {traits.GLASSES: 'yes' if glasses else 'no',
             traits.TONE: traits.BINS[traits.TONE].label(tone)})

    def skin(self, person: int, rng: np.random.Generator) -> Skin:
        """Return the skin of somebody: of a portrait, or a plain one."""
        if person % PLAIN_EVERY == PLAIN_EVERY - 1:
            return self.heads.skins.plain_skin(rng)
        while True:
            photo = self._photos[rng.integers(len(self._photos))]
            try:
                return self.heads.skins.skin_of(photo, self._reader, rng)
            except ValueError:
                continue

    def background(self, rng: np.random.Generator) -> np.ndarray:
        """Return what is beside somebody in a photo, enlarged."""
        photo = read_image(self._photos[rng.integers(len(self._photos))])
        height, width = photo.shape[:2]
        part = photo[: height // 3, : width // 4]
        if rng.random() < 0.5:
            part = photo[: height // 3, -(width // 4) :, :][:, ::-1]
        return cv2.resize(part, SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def _shot(yaw_deg: float, pitch_deg: float, rng: np.random.Generator) -> Shot:
    """Draw roll, distance, place and lens."""
    roll_deg = float(np.clip(rng.normal(0, ROLL_SIGMA_DEG), -20, 20))
    height, width = SIZE
    focal_px = rng.uniform(*FOCAL_LENGTHS_PX)
    camera = Camera(width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)
    distance_m = float(np.exp(rng.uniform(*np.log(DISTANCES_M))))
    head_px = 0.25 * focal_px / distance_m
    room = np.maximum((np.array([width, height]) - 1.2 * head_px) / 2, 0)
    place = rng.uniform(-room, room) / focal_px * distance_m
    return Shot(
        rotation_of(yaw_deg, pitch_deg, roll_deg), np.append(place, distance_m), camera
    )


def rotation_of(yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """Return (3, 3), model axes -> viewer's; the face points `yaw` to image left, `pitch` up."""
    turns = np.radians([-yaw_deg, -pitch_deg, -roll_deg])
    about_y, about_x, about_z = (
        rotation_matrix(angle * axis)
        for angle, axis in zip(turns, np.eye(3)[[1, 0, 2]], strict=True)
    )
    return about_y @ about_x @ about_z


def turns_deg() -> list[tuple[float, float]]:
    """Return the 65 pairs of yaw and pitch."""
    return [(float(yaw), float(pitch)) for yaw in YAWS_DEG for pitch in PITCHES_DEG]
