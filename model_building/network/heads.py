# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Rendered people: the open head with skin, hair, clothes and light of its own, at any pose.

    python -m model_building.network.heads --sheet FILE.png [--seed N]

The head follows the face model, so shape, expression and pose are known exactly. Everything else
is drawn at random from the generator that is passed in.
"""
from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES
from face_recon_ros.regression.region import CROP_SIDE_M
from face_recon_ros.rendering.renderer import PlacedMesh, Renderer, Shading
from face_recon_ros.rotations import rotation_about
from model_building.face_model.assets import Assets, default_cache, download_wheel, sha256_of
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.head_mesh import (
    FORMAT,
    HeadMesh,
    build_head,
    load_head,
    save_head,
)
from model_building.face_model.head_paint import PAINT
from model_building.face_model.head_parts import EYE, SKIN
from model_building.network import hair, skin
from model_building.network.face_covering import face_covering
from model_building.network.glasses import Glasses, Wearer
from model_building.network.photo_face import PaintedFace
from model_building.network.piece import GAMMA, Noise, Piece, joined, ramp
from model_building.network.relief import Relief
from model_building.network.subject import View

SUPERSAMPLING = 2
FLAT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)
"""Light is worked out here, for each vertex."""
NECK_PIVOT_M = np.array([0.0, -0.105, -0.13])
LARGEST_NECK_TURN_DEG = (65.0, 35.0, 25.0)
SHAPE_LIMIT, EXPRESSION_LIMIT = 2.8, 4.0
EXTRA_SPREAD = np.array([.6, .3, .3, .3, .3, .4, .4, .5, .4, .3, .6, .7, .5, .4, .4, .3, .5])
NEUTRAL_SHARE = 0.25
HEADWEAR_SHARE, GLASSES_SHARE, MASK_SHARE = 0.13, 0.28, 0.05
PHOTO_GLASSES_SHARE = 0.08
"""Of people whose face is a photo's, who may have glasses on already."""
SHADOW_NEIGHBOURS = 6
"""Directions among which shadows are interpolated: a lamp as wide as a window."""
WET = 0.4
"""From this gloss on highlights are small: eyes, lenses."""
SIZE = 192
BRIGHTEST = 4.0
"""Linear light from which everything is white."""


def _displayed() -> np.ndarray:
    """Return a table from linear light, 0 to BRIGHTEST in equal steps, to 0..255."""
    linear = np.linspace(0, BRIGHTEST, 1 << 16)
    # A soft shoulder instead of clipped highlights
    linear = np.where(linear > 0.7, 0.7 + 0.3 * np.tanh((linear - 0.7) / 0.3), linear)
    return (255 * linear ** (1 / GAMMA)).astype(np.uint8)


DISPLAYED = _displayed()


class HeadKit:
    """What all rendered people share."""

    def __init__(self, head: HeadMesh, relief: Relief) -> None:
        """Prepare a head mesh for drawing many people."""
        self.head = head
        self.relief = relief
        self.noise = Noise(seed=7)
        self.ears = head.paint[:, PAINT.index('ears')] > 0.3
        tops = [np.where(self.ears & (side * head.mean[:, 0] > 0), head.mean[:, 1], -1).argmax()
                for side in (-1, 1)]
        self._ear_tops = np.array(tops)
        self._renderers: dict[str, Renderer] = {}
        self._moves = np.concatenate([head.basis, head.extras]).reshape(
            len(head.basis) + len(head.extras), -1)
        self.above_neck = (head.part == SKIN) & (head.mean[:, 1] > -0.13)

    def points(self, coefficients: np.ndarray, extras: np.ndarray) -> np.ndarray:
        """Return the head (V, 3) in metres."""
        amounts = np.concatenate([coefficients, extras]).astype(np.float32)
        return self.head.mean + (amounts @ self._moves).reshape(-1, 3)

    def arrival(self, towards: np.ndarray) -> np.ndarray:
        """Return how much (V,) of a lamp's light reaches the head, from a direction (3,)."""
        cosine = self.head.directions @ towards
        nearest = np.argpartition(-cosine, SHADOW_NEIGHBOURS)[:SHADOW_NEIGHBOURS]
        weight = (cosine[nearest] - cosine[nearest].min() + 0.01) ** 2
        weight = (weight / weight.sum()).astype(np.float32)
        reaching = np.zeros(len(self.head.mean), np.float32)
        for direction, part in zip(nearest, weight, strict=True):
            reaching += (part / 255) * self.head.lit[direction]
        return reaching

    def wearer(self, points: np.ndarray) -> Wearer:
        """Return where glasses rest on a head (V, 3)."""
        eyes, front = self.head.part == EYE, self.head.face_vertex >= 0
        sides = self.head.mean[:, 0] < 0, self.head.mean[:, 0] > 0
        return Wearer(np.stack([points[eyes & side].mean(axis=0) for side in sides]),
                      points[self._ear_tops], points[front])

    def renderer(self, pieces: list[Piece]) -> Renderer:
        """Return a renderer for pieces; preparing one takes longer than drawing."""
        kinds = ' '.join(piece.kind for piece in pieces)
        if kinds not in self._renderers:
            self._renderers[kinds] = Renderer(joined(pieces).triangles.astype(np.int32))
        return self._renderers[kinds]

    @classmethod
    def load(cls, cache: Path, model: Path | None = None,
             wheel_cache: Path | None = None) -> HeadKit:
        """
        Take the head from the folder `cache`, or build it there (about half a minute).

        model: the face model it follows, the shipped one by default. Raises ModelBuildingError
        when the material cannot be had.
        """
        face_model = FaceModel(model)
        path, relief = face_model.path, Relief(face_model)
        built = cache / f'head_{FORMAT}_{sha256_of(path)[:12]}.npz'
        if built.exists():
            return cls(load_head(built), relief)
        cache.mkdir(parents=True, exist_ok=True)
        assets = Assets(download_wheel(wheel_cache or default_cache()))
        with np.load(path) as file:
            head = build_head(assets, {name: file[name] for name in file.files}, _silent)
        save_head(built, head)
        return cls(head, relief)


def _silent(_: str) -> None:
    """Report nothing."""


@dataclass(slots=True, frozen=True)
class Light:
    """
    Light on somebody; colours are (3,) BGR amounts.

    sky and ground: ambient light from above and below. lamps: direction towards the lamp in
    screen axes (y down, z to the viewer), colour, and how far it wraps around (0 hard, 1 soft).
    """

    sky: np.ndarray
    ground: np.ndarray
    lamps: list[tuple[np.ndarray, np.ndarray, float]]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Light:
        """Draw the light of some place."""
        def colour(spread: float) -> np.ndarray:
            warmth = rng.normal(0, spread)
            return np.exp(np.array([-warmth, 0.15 * rng.normal(0, spread), warmth]))

        ambient = rng.uniform(0.2, 1.0)
        sky = ambient * colour(0.12)
        ground = sky * rng.uniform(0.25, 1.0) * colour(0.08)
        lamps = []
        for _ in range(rng.choice([0, 1, 2, 3], p=[.1, .45, .3, .15])):
            azimuth, height = rng.uniform(-2.2, 2.2), rng.normal(0.5, 0.45)
            towards = np.array([np.sin(azimuth) * np.cos(height), -np.sin(height),
                                np.cos(azimuth) * np.cos(height)])
            lamps.append((towards, rng.uniform(0.15, 1.1) * colour(0.15), rng.uniform(0, 0.7)))
        return cls(sky, ground, lamps)

    @classmethod
    def even(cls, rng: np.random.Generator) -> Light:
        """Draw light from all around, for somebody whose colours are lit already."""
        light = cls.draw(rng)
        sky = light.sky * rng.uniform(0.9, 1.4) / light.sky.max()
        ground = sky * rng.uniform(0.75, 1.0)
        return cls(sky, ground, [(d, rng.uniform(0.1, 0.5) * c, w) for d, c, w in light.lamps[:1]])

    def on(self, normals: np.ndarray, sky: np.ndarray, gloss: np.ndarray,
           arrival: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """
        Return diffuse light and highlights, both (n, 3), linear.

        normals (n, 3) in screen axes; sky (n,) part of the ambient light that arrives; gloss (n,);
        arrival: for each lamp the part (m,) of its light that reaches the first m of them.
        """
        up = (0.5 - 0.5 * normals[:, 1:2])
        diffuse = (self.ground + up * (self.sky - self.ground)) * sky[:, None]
        shine = np.zeros_like(diffuse)
        crease = np.sqrt(np.sqrt(sky))
        for (towards, colour, wrap), reaching in zip(self.lamps, arrival, strict=True):
            cosine = normals @ towards.astype(np.float32)
            lit = np.clip((cosine + wrap) / (1 + wrap), 0, None) * crease
            lit[:len(reaching)] *= reaching
            diffuse += lit[:, None] * colour.astype(np.float32)
            half = towards + np.array([0.0, 0.0, 1.0])
            half = (half / np.linalg.norm(half)).astype(np.float32)
            spot = np.square(np.square(np.square(np.clip(normals @ half, 0, None))))
            spot = spot * spot * spot
            spot = np.where(gloss > WET, np.square(np.square(spot)), spot)
            spot *= gloss * (cosine > 0)
            spot[:len(reaching)] *= reaching
            shine += spot[:, None] * colour.astype(np.float32)
        return diffuse.astype(np.float32), shine.astype(np.float32)


class OpenHead:
    """Somebody to draw (Subject): identity, expression, skin, hair and clothes at random."""

    def __init__(self, kit: HeadKit, rng: np.random.Generator,
                 coefficients: np.ndarray | None = None,
                 face: PaintedFace | None = None) -> None:
        """
        Draw somebody.

        :param coefficients: (50,) shape and expression, random by default
        :param face: a photo's, to which the rest of the head is made to fit; painted by default
        """
        self.coefficients = draw_coefficients(kit, rng) if coefficients is None else coefficients
        head = kit.head
        extras = EXTRA_SPREAD * np.clip(rng.standard_normal(len(head.extras)), -2, 2)
        points = kit.points(self.coefficients, extras)
        looks = skin.Looks.draw(rng)
        if face is not None:
            looks = looks.with_face(face)
        body = skin.paint_person(head, points, looks, kit.noise, rng)
        if face is not None:
            body = skin.with_photo(body, head, face)
        skull = hair.Skull.of(points[kit.above_neck], kit.ears[kit.above_neck])
        pieces = [skin.dress(body, head, kit.noise, rng)]
        covered = rng.random() < HEADWEAR_SHARE
        if not looks.is_bald:
            pieces += hair.hair(skull, looks.hair, kit.noise, rng, flat=covered)
        if covered:
            pieces += hair.headwear(skull, kit.noise, rng)
        if rng.random() < MASK_SHARE:
            pieces.append(face_covering(kit.wearer(body.points), kit.noise, rng))
        self._lens_opacity = 0.0
        if rng.random() < (PHOTO_GLASSES_SHARE if face else GLASSES_SHARE):
            glasses = Glasses.draw(kit.wearer(points), rng)
            pieces += [glasses.frame, glasses.lenses]
            self._lens_opacity = glasses.opacity
            self._without_lenses = kit.renderer(pieces[:-1])
        self._whole = joined(pieces)
        self._stiffness = _stiffness(self._whole.points)
        self._stiffness[:len(head.stiffness)] = head.stiffness
        self._kit = kit
        self._is_lit = face is not None
        self._reflectance = self._whole.albedo ** np.float32(GAMMA)
        self._renderer = kit.renderer(pieces)

    def draw(self, view: View, background: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """
        Draw over background (size, size, 3) uint8 BGR; return the crop.

        The light, and how the chest is turned against the head, are drawn from rng.
        """
        whole, stiff = self._whole, self._stiffness[:, None]
        torso = torso_rotation(view.rotation, rng)
        points = _bent(whole.points, view, torso, stiff)
        normals = whole.normals @ (SCREEN_FROM_MODEL_AXES @ view.rotation).T.astype(np.float32)
        below = np.flatnonzero(self._stiffness < 1)
        bent = whole.normals[below] @ (SCREEN_FROM_MODEL_AXES @ torso).T.astype(np.float32)
        normals[below] += (1 - stiff[below]) * (bent - normals[below])
        light = Light.even(rng) if self._is_lit else Light.draw(rng)
        to_model = view.rotation.T @ SCREEN_FROM_MODEL_AXES
        arrival = [self._kit.arrival(to_model @ lamp[0]) for lamp in light.lamps]
        colors = self._lit(normals, light, arrival, rng)
        return self._rendered(points, colors, background)

    def _lit(self, normals: np.ndarray, light: Light, arrival: list[np.ndarray],
             rng: np.random.Generator) -> np.ndarray:
        """Return displayed colours (n, 3) uint8."""
        whole = self._whole
        diffuse, shine = light.on(normals, whole.sky, whole.gloss, arrival)
        exposure = np.exp(rng.normal(-0.3, 0.28)) / max(
            0.25, float(np.quantile(diffuse[::16, 1], 0.8)))
        linear = diffuse
        linear *= self._reflectance
        linear += shine
        linear *= np.float32(exposure * (len(DISPLAYED) - 1) / BRIGHTEST)
        return DISPLAYED[np.minimum(linear, len(DISPLAYED) - 1).astype(np.int32)]

    def _rendered(self, points: np.ndarray, colors: np.ndarray,
                  background: np.ndarray) -> np.ndarray:
        image = background.repeat(SUPERSAMPLING, axis=0).repeat(SUPERSAMPLING, axis=1)
        # Pixel centres are at integers: pixel x covers the fine pixels from 2 x to 2 x + 1.
        fine = (SUPERSAMPLING * points).astype(np.float32)
        fine[:, :2] += (SUPERSAMPLING - 1) / 2
        drawn = image.copy() if self._lens_opacity else image
        self._renderer.draw([PlacedMesh(fine, None, colors)], image.shape[:2], image=drawn,
                            shading=FLAT)
        if self._lens_opacity:
            self._without_lenses.draw([PlacedMesh(fine, None, colors)], image.shape[:2],
                                      image=image, shading=FLAT)
            image = cv2.addWeighted(drawn, self._lens_opacity, image, 1 - self._lens_opacity, 0)
        size = background.shape[1], background.shape[0]
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def draw_coefficients(kit: HeadKit, rng: np.random.Generator) -> np.ndarray:
    """Return (50,): shapes in standard deviations, an expression as people have them."""
    shape = np.clip(rng.standard_normal(40), -SHAPE_LIMIT, SHAPE_LIMIT)
    shape = kit.relief.person(shape, rng)
    samples = kit.head.expression_samples
    expression = samples[rng.integers(len(samples))] * rng.uniform(0.8, 1.15)
    if rng.random() < NEUTRAL_SHARE:
        expression = expression * rng.uniform(0, 0.3)
    expression = np.clip(expression, -EXPRESSION_LIMIT, EXPRESSION_LIMIT)
    return np.concatenate([shape, expression])


def _stiffness(points: np.ndarray) -> np.ndarray:
    """Return how far hair and clothes at points (n, 3) turn with the head: (n,), 0 to 1."""
    height = points[:, 1] + 0.3 * np.clip(points[:, 2] + 0.13, -0.04, 0.1)
    return ramp(height, -0.20, -0.08).astype(np.float32)


def _bent(points: np.ndarray, view: View, torso: np.ndarray, stiff: np.ndarray) -> np.ndarray:
    """Return pixels (n, 3) of points that follow the head by stiff (n, 1), else the torso."""
    with_head = view.to_pixels(points)
    below = np.flatnonzero(stiff[:, 0] < 1)
    pivot = view.to_pixels(NECK_PIVOT_M[None])
    screen = view.scale_px_per_m * SCREEN_FROM_MODEL_AXES @ torso
    with_torso = (points[below] - NECK_PIVOT_M) @ screen.T + pivot
    with_head[below] += (1 - stiff[below]) * (with_torso - with_head[below])
    return np.asarray(with_head)


def torso_rotation(rotation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the chest's rotation (3, 3) for a head's: neither too far, nor always alike."""
    if rng.random() < 0.2:
        return rotation
    yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
    pitch = np.arcsin(np.clip(-rotation[1, 2], -1, 1))
    roll = np.arctan2(rotation[1, 0], rotation[1, 1])
    angles = np.array([yaw, pitch, roll]) * rng.uniform(0, 1, 3) + rng.normal(0, 0.08, 3)
    limits = np.radians(LARGEST_NECK_TURN_DEG)
    turn = np.clip(angles, -limits, limits)
    neck = (rotation_about('y', turn[0]) @ rotation_about('x', turn[1])
            @ rotation_about('z', turn[2]))
    return np.asarray(rotation @ neck.T)


def sheet(kit: HeadKit, seed: int, people: int) -> np.ndarray:
    """Return people from all sides, the last column with the 68 landmarks."""
    sparse = FaceModel().landmarks_68
    turns = [(yaw, 0.0) for yaw in (-100, -90, -65, -35, 0, 35, 65, 90)]
    turns += [(0, 40), (0, -40), (50, 30), (-50, -30)]
    lines = []
    for person in range(people):
        rng = np.random.default_rng([seed, person])
        subject = OpenHead(kit, rng)
        line = []
        for yaw, pitch in turns:
            nod, turn = np.radians([pitch, yaw])
            rotation = rotation_about('x', nod) @ rotation_about('y', turn)
            view = View(rotation, SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)
            line.append(subject.draw(view, _backdrop(rng), rng))
        marked = line[5].copy()
        view = View(rotation_about('y', np.radians(35)), SIZE / CROP_SIDE_M,
                    np.full(2, (SIZE - 1) / 2), SIZE)
        for x, y, _ in sparse.points_px(view.parameters(subject.coefficients)):
            cv2.circle(marked, (round(float(x)), round(float(y))), 1, (0, 255, 0), -1)
        lines.append(np.hstack([*line, marked]))
    return np.vstack(lines)


def _backdrop(rng: np.random.Generator) -> np.ndarray:
    colors = rng.uniform(60, 220, (2, 2, 3)).astype(np.float32)
    return cv2.resize(colors, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(
        np.uint8)


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.network.heads',
                                     description=__doc__)
    parser.add_argument('--sheet', type=Path, required=True, help='picture to write')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--people', type=int, default=10)
    parser.add_argument('--cache', type=Path, default=default_cache(),
                        help='where the head mesh is kept (default: %(default)s)')
    arguments = parser.parse_args()
    if not arguments.sheet.parent.is_dir():
        sys.stderr.write(f'{arguments.sheet}: no such folder: choose another --sheet\n')
        return 1
    try:
        kit = HeadKit.load(arguments.cache)
    except ModelBuildingError as error:
        sys.stderr.write(f'{error}\n')
        return 1
    picture = sheet(kit, arguments.seed, arguments.people)
    if not cv2.imwrite(str(arguments.sheet), picture):
        sys.stderr.write(f'{arguments.sheet}: cannot write: choose another --sheet\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
