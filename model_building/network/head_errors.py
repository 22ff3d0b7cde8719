# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a regressor gets wrong of heads whose truth is known, and tables of it by yaw."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.rotations import MODEL_FROM_FACE, OPTICAL_FROM_VIEWER, rotation_vector
from model_building.network.ict_heads import Shot

BANDS_DEG = ((0, 30), (30, 60), (60, 90))
OUTER_CANTHI_68 = (36, 45)
DROPPED = 0.1
"""The share of sights of least certainty that reliability is told by."""
SIZES_PX = ((0, 60), (60, 120), (120, 1000))
"""Roots of the areas of the landmarks' boxes."""


@dataclass(slots=True, frozen=True)
class Sight:
    """One photo of a head: the truth is rotation (3, 3), viewer axes, and landmarks (68, 2) px."""

    person: int
    yaw_deg: float
    pitch_deg: float
    image: np.ndarray
    shot: Shot
    landmarks_px: np.ndarray


@dataclass(slots=True)
class Errors:
    """
    What was found of the same sights: NaN where missed. Arrays (N,).

    turn_deg, sigma_deg (N, 3): errors about the face's x, y, z and their standard deviations as
    published. distance: of the eyes, found over true less 1. size_px: root of the area of the
    true landmarks' box.
    """

    person: np.ndarray
    yaw_deg: np.ndarray
    pitch_deg: np.ndarray
    geodesic_deg: np.ndarray
    azimuth_deg: np.ndarray
    elevation_deg: np.ndarray
    nme68: np.ndarray
    turn_deg: np.ndarray
    sigma_deg: np.ndarray
    distance: np.ndarray
    size_px: np.ndarray


@dataclass(slots=True, frozen=True)
class Reliability:
    """
    What sigmas are worth.

    inside (3,): parts of the errors about the face's x (roll), y (pitch), z (yaw) within one
    sigma. falls, could_fall: by what part the mean error falls without the sights of least
    certainty, and without those of largest error.
    """

    inside: np.ndarray
    falls: float
    could_fall: float


def meant(faces: Sequence[Face], sight: Sight) -> Face | None:
    """Return the face that lies where the head is; None where it was missed."""
    middle = sight.landmarks_px.mean(axis=0)
    reach = np.ptp(sight.landmarks_px, axis=0).max() / 2
    near = [
        face for face in faces
        if np.linalg.norm(face.box.reshape(2, 2).mean(axis=0) - middle) < reach
    ]
    return max(near, key=lambda face: face.score, default=None)


def compare(pairs: Sequence[tuple[Sight, Face | None]]) -> Errors:
    """Hold what was found against the truth."""
    model = FaceModel()
    eyes_m = model.landmarks_68.mean[list(OUTER_CANTHI_68)].mean(axis=0) @ MODEL_FROM_FACE
    person = np.array([sight.person for sight, _ in pairs])
    found = np.array([face is not None for _, face in pairs])
    turned = np.full((len(pairs), 3, 3), np.nan)
    nme = np.full(len(pairs), np.nan)
    away, sigma = np.full(len(pairs), np.nan), np.full((len(pairs), 3), np.nan)
    for index, (sight, face) in enumerate(pairs):
        if face is not None:
            truth = OPTICAL_FROM_VIEWER @ sight.shot.rotation @ MODEL_FROM_FACE
            turned[index] = truth.T @ face.pose.rotation
            distance = np.linalg.norm(face.landmarks_px[:, :2] - sight.landmarks_px, axis=1)
            nme[index] = distance.mean() / np.sqrt(np.prod(np.ptp(sight.landmarks_px, axis=0)))
            eyes = face.pose.translation_m + face.head_scale * face.pose.rotation @ eyes_m
            away[index] = np.linalg.norm(eyes) / np.linalg.norm(sight.shot.position_m) - 1
            own = face.pose.rotation.T @ face.pose_covariance[3:, 3:] @ face.pose.rotation
            sigma[index] = np.degrees(np.sqrt(np.diag(own)))
    geodesic, directions = np.full(len(pairs), np.nan), np.full((len(pairs), 2), np.nan)
    turn = np.full((len(pairs), 3), np.nan)
    for who in np.unique(person):
        mine = np.flatnonzero((person == who) & found)
        if not len(mine):
            continue
        offset = middle_rotation(turned[mine])
        for index in mine.tolist():
            sight = pairs[index][0]
            error = turned[index] @ offset.T
            turn[index] = np.degrees(rotation_vector(error))
            geodesic[index] = np.linalg.norm(turn[index])
            truth = OPTICAL_FROM_VIEWER @ sight.shot.rotation @ MODEL_FROM_FACE
            directions[index] = _direction_deg(truth @ error)
    yaw, pitch = (np.array([getattr(s, a) for s, _ in pairs]) for a in ('yaw_deg', 'pitch_deg'))
    return Errors(
        person, yaw, pitch, geodesic, directions[:, 0], directions[:, 1], 100 * nme, turn, sigma,
        away, np.array([np.sqrt(np.prod(np.ptp(s.landmarks_px, axis=0))) for s, _ in pairs]),
    )


def _direction_deg(rotation: np.ndarray) -> np.ndarray:
    """Return azimuth towards image left and elevation (2,) of where a face points."""
    x, y, z = rotation[:, 0]
    return np.degrees([np.arctan2(-x, -z), np.arcsin(np.clip(-y, -1, 1))])


def middle_rotation(rotations: np.ndarray, rounds: int = 30) -> np.ndarray:
    """Return the rotation (3, 3) from which the angles to all (N, 3, 3) sum to least."""
    middle = rotations[0]
    weights = np.ones(len(rotations))
    for _ in range(rounds):
        u, _, v = np.linalg.svd(np.einsum('n,nij->ij', weights, rotations))
        middle = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
        angles = [np.linalg.norm(rotation_vector(r @ middle.T)) for r in rotations]
        weights = 1 / np.maximum(angles, 1e-3)
    return middle


def slope_of_yaw(errors: Errors, inside: np.ndarray) -> float:
    """Return found over true azimuth, of each head's both sides together."""
    k = inside & np.isfinite(errors.azimuth_deg)
    return float(np.vdot(errors.azimuth_deg[k], errors.yaw_deg[k])
                 / np.vdot(errors.yaw_deg[k], errors.yaw_deg[k]))


def slope_of_pitch(errors: Errors, inside: np.ndarray) -> float:
    """Return how far the elevation follows, at an azimuth."""
    products = squares = 0.0
    for person in np.unique(errors.person):
        for yaw in np.unique(errors.yaw_deg[inside]):
            k = (errors.person == person) & (errors.yaw_deg == yaw)
            k &= np.isfinite(errors.elevation_deg)
            if k.sum() > 1:
                true = errors.pitch_deg[k] - errors.pitch_deg[k].mean()
                products += float(true @ errors.elevation_deg[k])
                squares += float(true @ true)
    return products / squares if squares else float('nan')


def bands(errors: Errors) -> list[tuple[str, np.ndarray]]:
    """Return names and masks (N,) of the ranges of yaw, the last of all."""
    turn = np.abs(errors.yaw_deg)
    found = [(f'{low}-{high}', (turn >= low) & ((turn < high) | (high == BANDS_DEG[-1][1])))
             for low, high in BANDS_DEG]
    return [*found, (f'{BANDS_DEG[0][0]}-{BANDS_DEG[-1][1]}', np.ones(len(turn), bool))]


def reliability(errors: Errors, chosen: np.ndarray) -> Reliability:
    """Judge the sigmas of some sights (N,) bool, those that were found."""
    k = chosen & np.isfinite(errors.geodesic_deg)
    error = errors.geodesic_deg[k]
    doubt = np.linalg.norm(errors.sigma_deg[k], axis=1)
    kept = round((1 - DROPPED) * len(error))
    falls, could_fall = (
        1 - error[np.argsort(order)[:kept]].mean() / error.mean() for order in (doubt, error)
    )
    inside = (np.abs(errors.turn_deg[k]) <= errors.sigma_deg[k]).mean(axis=0)
    return Reliability(inside, float(falls), float(could_fall))


def report(name: str, errors: Errors) -> None:
    """Print one regressor's tables."""
    print(f'\n| {name}: yaw | heads | missed | geodesic error | yaw slope | pitch slope | NME68 '
          '| distance |')
    print('|---|---|---|---|---|---|---|---|')
    for label, inside in bands(errors):
        _line(label, errors, inside)
    print(f'\n| {name}: size of the face, px | heads | missed | geodesic error | yaw slope '
          '| pitch slope | NME68 | distance |')
    print('|---|---|---|---|---|---|---|---|')
    for low, high in SIZES_PX:
        inside = (errors.size_px >= low) & (errors.size_px < high)
        if np.isfinite(errors.geodesic_deg[inside]).any():
            _line(f'{low}-{high}', errors, inside)
    print(f'\n| {name}: yaw | within one sigma: roll | pitch | yaw | without the tenth of least '
          'certainty the error falls by | without the worst it would by |')
    print('|---|---|---|---|---|---|')
    for label, inside in bands(errors):
        judged = reliability(errors, inside)
        shares = ' | '.join(f'{100 * share:.0f} %' for share in judged.inside)
        print(f'| {label} | {shares} | {100 * judged.falls:.0f} % '
              f'| {100 * judged.could_fall:.0f} % |')


def _line(label: str, errors: Errors, inside: np.ndarray) -> None:
    print(
        f'| {label} | {inside.sum()} | {np.isnan(errors.geodesic_deg[inside]).sum()} '
        f'| {np.nanmean(errors.geodesic_deg[inside]):.1f} '
        f'| {slope_of_yaw(errors, inside):.2f} | {slope_of_pitch(errors, inside):.2f} '
        f'| {np.nanmean(errors.nme68[inside]):.2f} % '
        f'| {100 * np.nanmean(np.abs(errors.distance[inside])):.1f} % |'
    )
