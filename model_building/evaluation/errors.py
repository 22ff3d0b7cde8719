# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was found of faces whose truth is known, held against it."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.regression.family_3ddfa import OUTER_CANTHI_68
from face_recon_ros.rotations import MODEL_FROM_FACE, rotation_angles_rad, rotation_vector
from model_building.evaluation.surface import SurfaceErrors

BANDS_DEG = ((0, 30), (30, 60), (60, 90))
FAR_OFF_DEG = 15.0
"""A face whose azimuth is off by more was not understood: excess_of_yaw() does not count it."""
DROPPED = 0.1
"""The share of faces of least certainty that reliability is told by."""
BIN_DEG = 15
"""The slope of pitch is that of faces whose azimuths lie in one such bin."""


@dataclass(slots=True, frozen=True)
class Truth:
    """
    What is known of a face in an image; NaN or None where it is not.

    group: of each, one constant offset of the rotation is removed: where a model's front is, is a
    convention. yaw_deg, pitch_deg: towards image left and up. rotation (3, 3): face frame ->
    optical frame, or the image's axes if `aligned` (Face.rotation). landmarks_px (68, 2). eyes_m
    (3,): between their outer corners, optical frame. surface_m (N, 3): of SkinPlaces, any axes.
    traits: what tables are made by, as 'glasses': 'yes'.
    """

    group: int = 0
    yaw_deg: float = np.nan
    pitch_deg: float = np.nan
    rotation: np.ndarray | None = None
    aligned: bool = False
    landmarks_px: np.ndarray | None = None
    eyes_m: np.ndarray | None = None
    surface_m: np.ndarray | None = None
    traits: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Errors:
    """
    What was found of N faces. Arrays (N,), NaN where missed or where the truth is not known.

    azimuth_deg, elevation_deg: found, less the offset. nme68: % of the root of the area of the
    landmarks' box. turn_deg, sigma_deg (N, 3): errors about the face's x, y, z and their standard
    deviations as published. distance: of the eyes, found over true less 1. dense_mm,
    mean_face_mm: mean distances of the surface found, and of the mean face. traits (N,).
    """

    group: np.ndarray
    found: np.ndarray
    yaw_deg: np.ndarray
    pitch_deg: np.ndarray
    geodesic_deg: np.ndarray
    azimuth_deg: np.ndarray
    elevation_deg: np.ndarray
    nme68: np.ndarray
    turn_deg: np.ndarray
    sigma_deg: np.ndarray
    distance: np.ndarray
    dense_mm: np.ndarray
    mean_face_mm: np.ndarray
    traits: list[Mapping[str, str]]


@dataclass(slots=True, frozen=True)
class Reliability:
    """
    What sigmas are worth.

    inside (3,): parts of the errors about the face's x (roll), y (pitch), z (yaw) within one
    sigma. sharpness_deg (3,): mean sigmas; of two that cover as much the smaller is worth more.
    falls, could_fall: by what part the mean error falls without the faces of least certainty, and
    without those of largest error.
    """

    inside: np.ndarray
    sharpness_deg: np.ndarray
    falls: float
    could_fall: float


def compare(pairs: Sequence[tuple[Truth, Face | None]], model: FaceModel,
            surface: SurfaceErrors | None = None) -> Errors:
    """Hold what was found against the truth."""
    of_eyes = model.landmarks_68.mean[list(OUTER_CANTHI_68)].mean(axis=0) @ MODEL_FROM_FACE
    turned, sigma = np.full((len(pairs), 3, 3), np.nan), np.full((len(pairs), 3), np.nan)
    nme, away, dense, mean_face = (np.full(len(pairs), np.nan) for _ in range(4))
    for index, (truth, face) in enumerate(pairs):
        if surface and truth.surface_m is not None:
            mean_face[index] = surface.mean_face_mm(truth.surface_m)
        if face is None:
            continue
        sigma[index] = own_sigmas_deg(face)
        if truth.rotation is not None:
            found = face.rotation if truth.aligned else face.pose.rotation
            turned[index] = truth.rotation.T @ found
        if truth.landmarks_px is not None:
            nme[index] = nme68(face, truth.landmarks_px)
        if truth.eyes_m is not None:
            eyes = face.pose.translation_m + face.head_scale * face.pose.rotation @ of_eyes
            away[index] = np.linalg.norm(eyes) / np.linalg.norm(truth.eyes_m) - 1
        if surface and truth.surface_m is not None:
            dense[index] = surface.found_mm(face.parameters, truth.surface_m)
    truths = [truth for truth, _ in pairs]
    group, yaw, pitch = (
        np.array([getattr(t, n) for t in truths]) for n in ('group', 'yaw_deg', 'pitch_deg'))
    turn, azimuth, elevation = _without_offsets(truths, group, turned)
    return Errors(
        group, np.array([face is not None for _, face in pairs]), yaw, pitch,
        np.linalg.norm(turn, axis=1), azimuth, elevation, nme, turn, sigma, away, dense, mean_face,
        [truth.traits for truth in truths])


def nme68(face: Face, landmarks_px: np.ndarray) -> float:
    """Return the mean distance of the 68, % of the root of the area of their box."""
    distance = np.linalg.norm(face.landmarks_px[:, :2] - landmarks_px, axis=1)
    return float(100 * distance.mean() / size_px(landmarks_px))


def size_px(landmarks_px: np.ndarray) -> float:
    """Return the root of the area of the landmarks' box."""
    return float(np.sqrt(np.ptp(landmarks_px, axis=0).prod()))


def own_sigmas_deg(face: Face) -> np.ndarray:
    """Return the standard deviations (3,) of the rotation about the face's axes."""
    own = face.pose.rotation.T @ face.pose_covariance[3:, 3:] @ face.pose.rotation
    return np.degrees(np.sqrt(np.diag(own)))


def _without_offsets(truths: Sequence[Truth], group: np.ndarray, turned: np.ndarray
                     ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return errors (N, 3) in degrees about the face's axes, azimuths and elevations (N,)."""
    turn, direction = np.full((len(truths), 3), np.nan), np.full((len(truths), 2), np.nan)
    known = np.isfinite(turned[:, 0, 0])
    for one in np.unique(group[known]):
        members = np.flatnonzero((group == one) & known)
        offset = middle_rotation(turned[members])
        for index in members.tolist():
            error = turned[index] @ offset.T
            turn[index] = np.degrees(rotation_vector(error))
            direction[index] = direction_deg(truths[index].rotation @ error)
    return turn, direction[:, 0], direction[:, 1]


def direction_deg(rotation: np.ndarray) -> np.ndarray:
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
        angles = rotation_angles_rad(rotations, middle)
        weights = 1 / np.maximum(angles, 1e-3)
    return middle


def slope_of_yaw(errors: Errors, inside: np.ndarray) -> float:
    """Return found over true azimuth, of both sides together; NaN where there is no turn."""
    k = inside & np.isfinite(errors.azimuth_deg)
    true = errors.yaw_deg[k]
    return float(true @ errors.azimuth_deg[k] / (true @ true)) if true.any() else np.nan


def excess_of_yaw(errors: Errors) -> float:
    """Return by how much too far heads are turned, as model_building.network.export takes it."""
    k = np.abs(errors.azimuth_deg - errors.yaw_deg) < FAR_OFF_DEG
    azimuth, error = np.radians([errors.azimuth_deg[k], (errors.azimuth_deg - errors.yaw_deg)[k]])
    turned = np.sin(2 * azimuth) / 2
    return float(turned @ error / (turned @ turned)) if turned.any() else float('nan')


def slope_of_pitch(errors: Errors, inside: np.ndarray) -> float:
    """Return how far the elevation follows, at an azimuth."""
    products = squares = 0.0
    known = inside & np.isfinite(errors.elevation_deg)
    azimuth = np.round(errors.yaw_deg / BIN_DEG)
    for group in np.unique(errors.group[known]):
        for one in np.unique(azimuth[known]):
            k = known & (errors.group == group) & (azimuth == one)
            if k.sum() > 1:
                true = errors.pitch_deg[k] - errors.pitch_deg[k].mean()
                products += float(true @ errors.elevation_deg[k])
                squares += float(true @ true)
    return products / squares if squares else float('nan')


def bands(errors: Errors) -> list[tuple[str, np.ndarray]]:
    """Return names and masks (N,) of the ranges of yaw, the last of all."""
    turn = np.abs(errors.yaw_deg)
    last = BANDS_DEG[-1][1]
    found = [(f'{low}-{high}', (turn >= low) & ((turn < high) | (high == last)))
             for low, high in BANDS_DEG]
    return [*found, (f'{BANDS_DEG[0][0]}-{last}', np.ones(len(turn), bool))]


def reliability(errors: Errors, chosen: np.ndarray) -> Reliability:
    """Compare the sigmas of some faces (N,) bool with their errors; of those that were found."""
    k = chosen & np.isfinite(errors.geodesic_deg)
    error, sigma = errors.geodesic_deg[k], errors.sigma_deg[k]
    inside = (np.abs(errors.turn_deg[k]) <= sigma).mean(axis=0)
    falls = fall_without_worst(np.linalg.norm(sigma, axis=1), error)
    return Reliability(inside, sigma.mean(axis=0), falls, fall_without_worst(error, error))


def fall_without_worst(doubt: np.ndarray, error: np.ndarray) -> float:
    """Return by what part the mean error falls without the share DROPPED of largest doubt."""
    if not error.any():
        return float('nan')
    kept = np.argsort(doubt)[: round((1 - DROPPED) * len(error))]
    return float(1 - error[kept].mean() / error.mean()) if len(kept) else float('nan')
