# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Eyes of rendered people: heads turned every way, where they look known, lids at every height.

The photos (photo_eyes.py) show people who look into the lens, nearly all from in front, so that
they cannot say what a turned head does to the looks of its eyes.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_recon_ros.eyes.crops import eye_regions, sines_seen
from face_recon_ros.eyes.landmarks import RIGHT
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.regression.crop import cut
from model_building.expression import sampling
from model_building.expression.people import ExpressivePeople, Sitter
from model_building.eyes.photo_eyes import CONTEXT, SIDE, turned_in_cut
from model_building.eyes.samples import Shown
from model_building.face_model.face_mesh import EYE_OUTLINES
from model_building.face_model.ict_model import IctModel
from model_building.network.augmentation import rotation_about
from model_building.network.ict_lids import Lashes
from model_building.network.ict_people import Person, Photo, Worn
from model_building.network.perspective import Lens, Photographer
from model_building.network.piece import joined
from model_building.network.subject import View

VIEW_PX, SCALE_PX_PER_M = 240, 1500.0
"""Of the pictures: eyes, from brow to cheek, a corner 40 px from the other."""
VIEWS = 5
"""Of a person, each with another look."""
YAW_SPREAD_DEG, PITCH_SPREAD_DEG, ROLL_SPREAD_DEG = 24.0, 12.0, 6.0
LARGEST_YAW_DEG, LARGEST_PITCH_DEG = 50.0, 30.0
GAZE_SPREAD_RAD, LARGEST_GAZE_RAD = np.array([0.3, 0.2]), np.array([0.6, 0.4])
AT_LENS_SHARE = 0.25
"""Of the views: turned heads that look into the lens."""
SHUT_SHARE, PART_SHUT, WIDE, SQUINT = np.cumsum([0.1, 0.2, 0.1, 0.15])
"""Of lids; the rest follows the gaze."""
KAPPA_RAD, KAPPA_SPREAD_RAD = np.radians([4.5, -1.0]), np.radians([1.5, 1.2])
"""By how much eyes are turned outwards and up from where they look, and how people differ."""
PLAIN_SHARE = 0.2
DARKEST_LENSES = 0.4
IRIS_DEG = 25.0
"""Of irises, seen from the middle of the eyeball: as IctPeople paints them."""
LASHES_M = (0.001, 0.004)
"""Width of the line of lashes."""
WORN = Worn(headwear=0.05, glasses=0.25, mask=0.0, beard=0.0)


_OF_EYES = [i for i, name in enumerate(sampling.NAMES) if name.startswith('eye')]


@dataclass(slots=True, frozen=True)
class Look:
    """Where eyes look (2,), radians to left and up in ICT's axes, and the units (52,) of it."""

    gaze_rad: np.ndarray
    weights: np.ndarray
    close: float

    def direction(self) -> np.ndarray:
        """Return where they look (3,), a unit vector in ICT's axes."""
        return _direction(self.gaze_rad)


@dataclass(slots=True, frozen=True)
class Looking:
    """A person; of the right and the left eye: centre of the ball and of the iris (2, 3) m."""

    person: Person
    balls_m: np.ndarray
    irises_m: np.ndarray
    radii_m: np.ndarray


class EyePeople(ExpressivePeople):
    """Draws people whose eyes look where they are told to, with lashes."""

    def __init__(self, ict: IctModel, model: FaceModel) -> None:
        super().__init__(ict, model, worn=WORN)
        self._lashes = Lashes(self._surface)

    def looking(self, sitter: Sitter, look: Look, kappa_rad: np.ndarray) -> Looking:
        """Return the person with this look; kappa_rad (2,): outwards and up."""
        head = self.ict.points(sitter.identity, sampling.of_ict(look.weights))
        head = head @ sitter.rotation.T + sitter.move
        points = self._lids.over_eyes(self._surface.subdivide(head))
        rng = np.random.default_rng(sitter.seed)
        colors, state = sitter.skin.colors.copy(), rng.bit_generator.state
        centres, irises, radii = [], [], []
        for side, outwards in enumerate((1, -1)):  # left, right
            rng.bit_generator.state = state  # both eyes have one colour
            turned = look.gaze_rad + kappa_rad * [outwards, 1]
            both = self._with_eyes(sitter.skin.colors, turned, rng)
            ball = np.flatnonzero(self._surface.eyes[:, side] > 0.99)
            colors[ball] = both[ball]
            placed = points[ball]
            centre, iris = _iris(self._surface.neutral[ball], placed, _direction(turned))
            centres.append(centre)
            irises.append(iris)
            radii.append(np.ptp(placed[:, 0]) / 2 * np.sin(np.radians(IRIS_DEG)))
        colors = self._with_lashes(colors, np.random.default_rng([sitter.seed, 1]))
        body = self._body(points, replace(sitter.skin, colors=colors), rng)
        pieces = [body, *sitter.worn]
        # the outline lies on the vertices of the undivided head, which lead the divided one
        lids = points[: len(head)]
        marks = self.landmarks.points(lids)
        person = Person(
            marks, lids[self.ict.landmarks_68], joined(pieces), self._renderer(pieces),
            self._renderer(pieces[:-1]) if sitter.lens_opacity else None, sitter.lens_opacity,
            sitter.is_lit)
        order = [1, 0]  # right, left
        return Looking(person, np.array(centres)[order], np.array(irises)[order],
                       np.array(radii)[order])


    def _with_lashes(self, colors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return colours (N, 3) with lashes: of a shut eye they are all that is dark."""
        dark = rng.uniform(5, 40) * np.array([0.8, 0.9, 1.0])
        width_m, cover = float(rng.uniform(*LASHES_M)), float(rng.uniform(0.2, 1))
        return self._lashes(colors, dark, width_m, cover)


def _iris(neutral: np.ndarray, placed: np.ndarray,
          direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the centres (3,) of an eyeball and of the disk that its iris is.

    :param neutral: (N, 3) the vertices that colours are painted on
    :param placed: (N, 3) where they are
    :param direction: (3,) of the iris from the centre, in the axes of neutral
    """
    out = neutral - (neutral.max(axis=0) + neutral.min(axis=0)) / 2
    away = np.linalg.norm(out, axis=1)
    rim = np.cos(np.radians(IRIS_DEG))
    disk = rim * away[out @ direction > rim * away].mean() * direction
    # vertices are not spread evenly: a mean of those of the iris is not its middle
    placing = np.linalg.lstsq(np.column_stack([out, np.ones(len(out))]), placed, rcond=None)[0]
    return placing[3], disk @ placing[:3] + placing[3]


def draw_look(rng: np.random.Generator, gaze_rad: np.ndarray | None = None) -> Look:
    """Draw a look, with lids that follow it, blink or stay half open."""
    if gaze_rad is None:
        gaze_rad = rng.normal(0, GAZE_SPREAD_RAD)
    gaze_rad = np.clip(gaze_rad, -LARGEST_GAZE_RAD, LARGEST_GAZE_RAD)
    weights = sampling.draw(rng)
    weights[_OF_EYES] = sampling.looks(gaze_rad)[_OF_EYES]
    close, wide, squint = max(0.0, float(rng.normal(0, 0.08))), np.zeros(2), np.zeros(2)
    chance = rng.random()
    if chance < SHUT_SHARE:
        close = 1.0
    elif chance < PART_SHUT:
        close = float(rng.uniform(0.1, 0.95))
    elif chance < WIDE:
        wide = rng.uniform(0, 1, 2)
    elif chance < SQUINT:
        squint = rng.uniform(0, 0.8, 2)
    for name, both in (('eyeBlink', np.full(2, close)), ('eyeWide', wide), ('eyeSquint', squint)):
        weights[[sampling.INDEX[name + side] for side in ('Left', 'Right')]] = both
    return Look(gaze_rad, weights, close)


class RenderedEyes:
    """Makes eyes of people."""

    def __init__(self, ict: IctModel, skins: Sequence[Photo]) -> None:
        model = FaceModel()
        self._people = EyePeople(ict, model)
        self._photographer = Photographer(model)
        self._skins = skins

    def __call__(self, rng: np.random.Generator) -> Iterator[Shown]:
        """Draw somebody; give the eyes that the views show."""
        sitter = self._sitter(rng)
        kappa_rad = rng.normal(KAPPA_RAD, KAPPA_SPREAD_RAD)
        for _ in range(VIEWS):
            rotation = _rotation(rng)
            view = View(rotation, SCALE_PX_PER_M, np.full(2, (VIEW_PX - 1) / 2), VIEW_PX)
            lens = Lens.draw(view, rng)
            gaze_rad = None
            if rng.random() < AT_LENS_SHARE:
                back = sitter.rotation.T @ lens.optical_from_model(rotation).T @ -lens.ray
                if back[2] > 0.7:
                    gaze_rad = np.array([np.arctan2(back[0], back[2]),
                                         np.arctan2(back[1], back[2])])
            look = draw_look(rng, gaze_rad)
            looking = self._people.looking(sitter, look, kappa_rad)
            lens = _with_eyes_in_the_middle(lens, looking, rotation)
            image = self._photographer.picture(
                looking.person, rotation, lens, _wall(rng), rng)
            towards = sitter.rotation @ look.direction()
            yield from _eyes(image, looking, look.close, towards, rotation, lens)

    def _sitter(self, rng: np.random.Generator) -> Sitter:
        while True:
            photo = None
            if rng.random() > PLAIN_SHARE:
                photo = self._skins[int(rng.integers(len(self._skins)))]
            sitter = self._people.sitter(rng, photo)
            if sitter.lens_opacity <= DARKEST_LENSES:
                return sitter


def _wall(rng: np.random.Generator) -> np.ndarray:
    """Return a background of one colour: of it next to nothing is in a crop."""
    return np.full((VIEW_PX, VIEW_PX, 3), rng.integers(0, 255, 3), np.uint8)


def _rotation(rng: np.random.Generator) -> np.ndarray:
    """Return (3, 3): how a head is turned from the viewing ray, x right, y up, z to the viewer."""
    yaw = np.clip(rng.normal(0, YAW_SPREAD_DEG), -LARGEST_YAW_DEG, LARGEST_YAW_DEG)
    pitch = np.clip(rng.normal(0, PITCH_SPREAD_DEG), -LARGEST_PITCH_DEG, LARGEST_PITCH_DEG)
    return np.asarray(rotation_about('z', rng.normal(0, ROLL_SPREAD_DEG))
                      @ rotation_about('y', yaw) @ rotation_about('x', pitch))


def _with_eyes_in_the_middle(lens: Lens, looking: Looking, rotation: np.ndarray) -> Lens:
    """Return the lens, its image moved so that the eyes are in its middle."""
    pixels = lens.pixels(lens.place(looking.balls_m, rotation))[:, :2].mean(axis=0)
    x, y = (VIEW_PX - 1) / 2 - pixels
    camera = replace(lens.camera, cx=lens.camera.cx + x, cy=lens.camera.cy + y)
    return replace(lens, camera=camera)


def _eyes(
    image: np.ndarray, looking: Looking, close: float, towards: np.ndarray,
    rotation: np.ndarray, lens: Lens,
) -> Iterator[Shown]:
    """Cut the eyes out; they look towards (3,), model axes."""
    turn = lens.optical_from_model(rotation)

    def pixels(points_m: np.ndarray) -> np.ndarray:
        return lens.pixels(lens.place(points_m, rotation))[:, :2]

    regions = eye_regions(pixels(looking.person.ibug_m))
    toward, ahead = turn @ towards, turn[:, 2]
    for side, region in enumerate(regions):
        rgb, image_from_cut = cut(image, replace(region, side_px=CONTEXT * region.side_px), SIDE)
        inverse = np.linalg.inv(image_from_cut[:, :2])

        def in_cut(points_m: np.ndarray, back: np.ndarray = inverse,
                   origin: np.ndarray = image_from_cut[:, 2]) -> np.ndarray:
            return (pixels(points_m) - origin) @ back.T

        lids = in_cut(looking.person.landmarks_m[EYE_OUTLINES[side]])
        iris = in_cut(looking.irises_m[side][None])[0]
        placed = lens.place(looking.balls_m[side][None], rotation)[0]
        gaze, head = (
            turned_in_cut(sines_seen(direction, placed[None])[0], image_from_cut, side)
            for direction in (toward, ahead))
        scale = np.linalg.norm(inverse[:, 0]) * lens.camera.fx / placed[2]
        if side == RIGHT:
            rgb = np.ascontiguousarray(rgb[:, ::-1])
            lids[:, 0], iris[0] = SIDE - 1 - lids[:, 0], SIDE - 1 - iris[0]
        yield Shown(rgb, lids, iris, float(scale * looking.radii_m[side]), gaze, head, close)


def _direction(turned_rad: np.ndarray) -> np.ndarray:
    """Return the unit vector (3,) that is turned to the left and up (2,) from z."""
    vector = np.append(np.tan(turned_rad), 1.0)
    return np.asarray(vector / np.linalg.norm(vector))
