# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Units shown one at a time on people, and by renderers, that nothing was learnt from."""
from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.camera import Camera
from face_recon_ros.expression.reader import Expression
from face_recon_ros.expression.units import COUNT, INDEX, MIRROR, NAMES
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from model_building.expression import sampling
from model_building.face_model.ict_model import IctModel
from model_building.network.augmentation import rotation_about
from model_building.network.ict_heads import IDENTITY_LIMIT, IctHeads, Scene, Shot, photographed
from model_building.network.ict_skin import Skin
from model_building.network.portraits import judging_portraits

SIZE_PX, DISTANCE_M = 320, 1.0
FOCAL_LENGTH_PX = 1100.0
TURNS_DEG = ((-40, 0), (-20, 0), (20, 0), (40, 0), (0, -25), (0, 25))
"""Yaw and pitch at which what is shown should read as it does in front."""
AT_REST, SHOWN, STEADY = 0.15, 0.5, 0.1
PUPIL_DEG, IRIS_DEG = 9.0, 23.0
WHITE_BGR, IRIS_BGR, PUPIL_BGR = (150, 162, 172), (45, 65, 90), (15, 15, 15)
UNITS = tuple(name for name in NAMES if name != 'tongueOut')
"""The ICT model has no tongue."""

Draw = Callable[[Scene, np.ndarray], np.ndarray]
Share = Callable[[Path], list[Path]]


@dataclass(slots=True, frozen=True)
class Sweep:
    """
    What is read of a unit (people,): at rest, shown in full, and most otherwise when turned.

    error (people,): mean over all units while this one is shown. mirrored (people,): largest
    difference to what is read of the image in the mirror. known (people,): the confidence.
    """

    rest: np.ndarray
    full: np.ndarray
    turned: np.ndarray
    error: np.ndarray
    mirrored: np.ndarray
    known: np.ndarray


class Sweeps:
    """Shows units on rendered people."""

    def __init__(self, ict: Path, portraits: Path | None = None, draw: Draw | None = None,
                 share: Share = judging_portraits) -> None:
        """
        Prepare.

        :param portraits: whose skin people have; None: painted skins
        :param draw: another renderer than ours
        :param share: which of the portraits, the judging half
        :raises ModelBuildingError: a folder that has not what is needed.
        """
        self._pipeline = Pipeline(PipelineConfig(
            smoothing=None, expressions=True, use_eyes='always'))
        self._marks_reader = Pipeline(PipelineConfig(smoothing=None, regressor='facemesh'))
        self._heads = IctHeads(IctModel.load(ict))
        self._portraits = share(portraits) if portraits else []
        self.drawn = draw or self._heads.drawn
        self._camera = Camera(SIZE_PX, SIZE_PX, FOCAL_LENGTH_PX, FOCAL_LENGTH_PX,
                              (SIZE_PX - 1) / 2, (SIZE_PX - 1) / 2)

    def __call__(self, people: int, seed: int, with_turns: bool,
                 units: Sequence[str] = UNITS) -> dict[str, Sweep]:
        """Return what is read of units."""
        rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in units}
        for number in tqdm(range(people), unit='person', leave=False, disable=None):
            rng = np.random.default_rng([seed, number])
            identity = np.clip(rng.standard_normal(100), -IDENTITY_LIMIT, IDENTITY_LIMIT)
            skin = self.skin(number, rng)

            def shown(weights: np.ndarray, turn: tuple[int, int] = (0, 0), *,
                      who: tuple[np.ndarray, Skin, int] = (identity, skin, number),
                      ) -> tuple[Expression, Expression]:
                return self._shown(*who, weights, turn)

            rest = shown(np.zeros(COUNT))[0].blendshapes
            for name in units:
                unit = INDEX[name]
                weights = np.zeros(COUNT)
                weights[unit] = 1.0
                weights = sampling.with_both_eyes(sampling.possible(weights))
                seen, other = shown(weights)
                full = seen.blendshapes
                turned = [abs(shown(weights, turn)[0].blendshapes[unit] - full[unit])
                          for turn in TURNS_DEG] if with_turns else [np.nan]
                rows[name].append((rest[unit], full[unit], max(turned),
                                   float(np.abs(full - weights).mean()),
                                   float(np.abs(other.blendshapes[MIRROR] - full).max()),
                                   float(seen.confidence[unit])))
        return {name: Sweep(*np.array(found).T) for name, found in rows.items()}

    def skin(self, number: int, rng: np.random.Generator) -> Skin:
        """Return the skin of the next person."""
        if not self._portraits:
            return self._heads.skins.plain_skin(rng)
        while True:
            path = self._portraits[int(rng.integers(len(self._portraits)))]
            try:
                return self._heads.skins.skin_of(path, self._marks_reader, rng)
            except ValueError:  # not one face in it
                continue

    def scene(self, identity: np.ndarray, skin: Skin, number: int, weights: np.ndarray,
              turn_deg: tuple[int, int]) -> Scene:
        """Return somebody with an expression before the camera."""
        yaw, pitch = turn_deg
        rotation = rotation_about('x', pitch) @ rotation_about('y', yaw)
        points = self._heads.with_expression(identity, sampling.of_ict(weights))
        shot = Shot(rotation, np.array([0.0, 0.0, DISTANCE_M]), self._camera)
        return self._heads.scene(points, self._looking(skin, weights), shot,
                                 np.random.default_rng(number))

    def _shown(self, identity: np.ndarray, skin: Skin, number: int, weights: np.ndarray,
               turn_deg: tuple[int, int]) -> tuple[Expression, Expression]:
        """Return what is read of an image and, of heads that are not turned, in the mirror."""
        scene = self.scene(identity, skin, number, weights, turn_deg)
        image = self.drawn(scene, np.full((SIZE_PX, SIZE_PX, 3), 120, np.uint8))
        image = photographed(image, np.random.default_rng(number))
        marks = scene.landmarks_px
        if turn_deg != (0, 0):
            return self._read(image, marks), Expression()
        other = np.ascontiguousarray(image[:, ::-1])
        return self._read(image, marks), self._read(other, [SIZE_PX - 1, 0] + marks * [-1, 1])

    def _read(self, image: np.ndarray, marks: np.ndarray) -> Expression:
        """Return what is read of the face at marks (n, 2) px; NaN where none is found."""
        middle, width = marks.mean(axis=0), float(np.ptp(marks[:, 0]))
        for face in self._pipeline.detect(image, self._camera):
            if np.linalg.norm(face.landmarks_px[:, :2].mean(axis=0) - middle) < width / 2:
                return Expression(face.blendshapes, face.blendshape_confidence)
        return Expression()

    def _looking(self, skin: Skin, weights: np.ndarray) -> Skin:
        """Return a skin whose eyes look where the weights say."""
        surface, colors = self._heads.surface, skin.colors.copy()
        for side, (left, up) in enumerate(sampling.gazes_rad(weights)):
            ball = surface.eyes[:, side] > 0.99
            points = surface.neutral[ball]
            out = points - (points.max(axis=0) + points.min(axis=0)) / 2
            look = np.array([np.tan(left), np.tan(up), 1.0])
            cosine = out @ look / np.linalg.norm(look) / np.linalg.norm(out, axis=1)
            angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))[:, None]
            colors[ball] = np.select([angle < PUPIL_DEG, angle < IRIS_DEG],
                                     [PUPIL_BGR, IRIS_BGR], WHITE_BGR)
        return Skin(colors, skin.hair, skin.hair_depth_m)


def print_sweeps(sweeps: dict[str, Sweep]) -> None:
    """Print a row for each unit, as docs/expressions.md has them, and what they come to."""
    sys.stdout.write('| unit | confidence | at rest | in full | changes when turned |\n'
                     '|---|---|---|---|---|\n')
    good, steady, turning = 0, 0, 0
    for name, sweep in sweeps.items():
        rest, full = np.nanmean(sweep.rest), np.nanmean(sweep.full)
        turned = np.nan if np.isnan(sweep.turned).all() else np.nanmean(sweep.turned)
        good += bool(full >= SHOWN and rest < AT_REST)
        turning += not np.isnan(turned)
        steady += bool(turned <= STEADY)
        said = '' if np.isnan(turned) else f'{turned:.2f}'
        sys.stdout.write(f'| {name} | {np.nanmean(sweep.known):.2f} | {rest:.2f} | {full:.2f} '
                         f'| {said} |\n')
    missed = sum(int(np.isnan(sweep.full).sum()) for sweep in sweeps.values())
    errors = np.concatenate([sweep.error for sweep in sweeps.values()])
    mirrored = np.concatenate([sweep.mirrored for sweep in sweeps.values()])
    sys.stdout.write(
        f'{good} of {len(sweeps)} units below {AT_REST} at rest and from {SHOWN} on in full; '
        f'{steady} of {turning} that were turned change by {STEADY} or less; '
        f'mean error {np.nanmean(errors):.3f}; '
        f'{missed} images without a face that is read; '
        f'in the mirror the largest change of a unit is {np.nanmedian(mirrored):.2f} (median)\n')
