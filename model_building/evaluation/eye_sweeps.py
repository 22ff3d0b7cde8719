# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Rendered eyes that look where it is known, and that close: gaze and openness against truth."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from face_recon_ros import Face, Pipeline, PipelineConfig
from face_recon_ros.expression.units import COUNT, INDEX
from face_recon_ros.eyes.gaze import head_sigma_rad
from face_recon_ros.rotations import rotation_to
from model_building.evaluation.expression_sweeps import SIZE_PX, Share, Sweeps
from model_building.expression.sampling import gazes_rad
from model_building.network.augmentation import rotation_about
from model_building.network.ict_heads import IDENTITY_LIMIT, photographed
from model_building.network.portraits import judging_portraits

SIDEWAYS, UPWARDS = (-0.6, -0.3, 0.0, 0.3, 0.6), (-0.5, 0.0, 0.5)
"""Of the units that turn eyes: 1 is as far as they go."""
LOOKS = tuple(product(SIDEWAYS, UPWARDS))
TURNS_DEG = (-20, 0, 20)
BLINKS = (0.5, 1.0)
GREY = 120


@dataclass(slots=True, frozen=True)
class Seen:
    """
    What is seen of a rendered face, and of the image in the mirror (None: no face).

    blink: 0 open .. 1 shut. gaze_rad (2,): where the eyes look, to the image's right and up, from
    the way to the lens.
    """

    face: Face
    mirrored: Face | None
    blink: float
    gaze_rad: np.ndarray


def eyes_of(
    ict: Path, portraits: Path | None, people: int, seed: int,
    share: Share = judging_portraits, looks: Iterable[tuple[float, float]] = LOOKS,
) -> Iterator[Seen]:
    """
    Render people, and look at them.

    :param portraits: whose skin people have; None: painted skins
    :param share: which of the portraits, the judging half
    :param looks: aside and up, of the units that turn eyes
    :raises ModelBuildingError: a folder that has not what is needed.
    """
    sweeps = Sweeps(ict, portraits, share=share)
    shown = [*((*look, 0.0) for look in looks), *((0.0, 0.0, blink) for blink in BLINKS)]
    pipeline = Pipeline(PipelineConfig(use_eyes='always'))
    for number in range(people):
        rng = np.random.default_rng([seed, number])
        identity = np.clip(rng.standard_normal(100), -IDENTITY_LIMIT, IDENTITY_LIMIT)
        skin = sweeps.skin(number, rng)
        for turn_deg, (aside, up, blink) in product(TURNS_DEG, shown):
            weights = weights_of(aside, up, blink)
            scene = sweeps.scene(identity, skin, number, weights, (turn_deg, 0))
            image = sweeps.drawn(scene, np.full((SIZE_PX, SIZE_PX, 3), GREY, np.uint8))
            image = photographed(image, np.random.default_rng(number))
            faces = pipeline.detect(image)
            if len(faces) != 1:
                continue
            others = pipeline.detect(np.ascontiguousarray(image[:, ::-1]))
            left, up_rad = gazes_rad(weights)[0]
            look = rotation_about('y', turn_deg) @ [np.tan(left), np.tan(up_rad), 1.0]
            gaze_rad = np.array([np.arctan2(look[0], look[2]),
                                 np.arctan2(look[1], np.hypot(look[0], look[2]))])
            yield Seen(faces[0], others[0] if len(others) == 1 else None, blink, gaze_rad)


def weights_of(aside: float, up: float, blink: float) -> np.ndarray:
    """Return units (52,): eyes to the person's left, up, and shut."""
    weights = np.zeros(COUNT)
    for side, outwards in (('Left', aside), ('Right', -aside)):
        weights[INDEX[f'eyeLookOut{side}']] = max(outwards, 0.0)
        weights[INDEX[f'eyeLookIn{side}']] = max(-outwards, 0.0)
        weights[INDEX[f'eyeLookUp{side}']] = max(up, 0.0)
        weights[INDEX[f'eyeLookDown{side}']] = max(-up, 0.0)
        weights[INDEX[f'eyeBlink{side}']] = blink
    return weights


def auc(higher: np.ndarray, lower: np.ndarray) -> float:
    """Return how surely a value of the first is above one of the second."""
    return float((higher[:, None] > lower).mean() + 0.5 * (higher[:, None] == lower).mean())


def tell(seen: list[Seen]) -> list[str]:
    """Return the lines of docs/gaze.md."""
    opened = [s for s in seen if not s.blink]
    found = np.array([angles_rad(s.face) for s in opened])
    true = np.array([s.gaze_rad for s in opened])
    slopes = [np.polyfit(true[:, axis], found[:, axis], 1)[0] for axis in range(2)]
    errors = np.degrees(np.hypot(*(found - true).T))
    straight = np.degrees([
        np.hypot(*(angles_rad(s.face) * [-1, 1] - angles_rad(s.mirrored)))
        for s in seen if s.mirrored is not None
    ])
    # who looks down has lower lids: not told apart from half shut ones
    openness = {
        blink: np.array([
            s.face.eye_openness.mean()
            for s in seen
            if s.blink == blink and s.gaze_rad[1] >= 0
        ])
        for blink in (0.0, *BLINKS)
    }
    shut = [s.face for s in seen if s.blink == 1]
    as_head = [
        f.gaze_sigma_rad == head_sigma_rad(f.pose, f.pose_covariance)
        and bool(np.allclose(f.gaze, f.pose.rotation[:, 0]))
        for f in shut
    ]
    return [
        f'rendered ({len(opened)} open, {len(shut)} shut): slope aside {slopes[0]:.2f}, up and '
        f'down {slopes[1]:.2f}; errors in degrees: median, 90 % {np.median(errors):.2f} '
        f'{np.quantile(errors, 0.9):.2f}',
        f'  mirrored image, mirrored gaze to {np.median(straight):.2f} degrees (median), '
        f'{straight.max():.2f} (most)',
        f'  AUC of openness: open or half {auc(openness[0.0], openness[0.5]):.3f}, half or shut '
        f'{auc(openness[0.5], openness[1.0]):.3f}, open or shut '
        f'{auc(openness[0.0], openness[1.0]):.3f}',
        '  shut eyes with the direction of the head and its sigma: '
        f'{100 * np.mean(as_head):.0f} %',
    ]


def angles_rad(face: Face) -> np.ndarray:
    """Return a gaze (2,) to the image's right and up, from the way to the lens."""
    x, y, z = rotation_to(face.pose.translation_m).T @ face.gaze
    return np.array([np.arctan2(x, -z), np.arctan2(-y, np.hypot(x, z))])
