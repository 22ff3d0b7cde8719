# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Which face of an image is whose: one matrix of costs, and the assignment whose sum is least.

A cost is a negative log-likelihood ratio, in nats: how much less likely it is that a face is a
track's than that it is somebody else's. It adds up the squared Mahalanobis distance from where the
track's motion expects it, how its appearance differs, and that beside others it may be theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.detection.nms import intersection_over_union
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.rolls import score_of
from face_recon_ros.tracking.appearance import descriptor_distance, uncovered_cells
from face_recon_ros.tracking.motion import (
    Prediction,
    difference,
    measured_deviation,
    place_of,
)
from face_recon_ros.tracking.track import Observation, Track

# Boxes that overlap by more than this (IoU) show the same face, and by more than that may cover
# each other's faces
SAME_FACE_IOU, TOUCHING_IOU = 0.4, 0.02
# Of true pairs one in a thousand costs more: half of chi-squared's quantile, 3 degrees of freedom
GATE = 8.1
# The log-likelihood ratio of two descriptors' distance: nats per unit, the distance that says
# nothing, and the most that it says, as light changes and people turn (docs/accuracy.md)
APPEARANCE_NATS, APPEARANCE_NEUTRAL, APPEARANCE_MOST = 20.0, 0.525, 6.0
# Of two faces that touch the one whose sigma is by this smaller is in front: nothing covers it
FRONT_SIGMA_RATIO = 0.6
# How much likelier a face is somebody else's where others are near, nats
BESIDE_NATS = 5.0
# A face is left for later where the best two it may be differ by less, nats
AMBIGUOUS_NATS = 2.5
# A face that lies farther than this from the middle of the crop that it is found in, in sides of
# the crop, is looked at again where it is, and may be another one than was looked for
FAR_IN_CROP = 0.1
# For the assignment: above any sum of costs
_IMPOSSIBLE = 1e6


@dataclass(slots=True, frozen=True)
class Sighting:
    """
    An observation among others.

    touching: whether it touches one. cells: which cells (64,) none of them covers; None: all.
    maybe_lost: whether it is where a lost face may be; for a lost face: where another one may be.
    """

    observation: Observation
    touching: bool = False
    cells: np.ndarray | None = None
    maybe_lost: bool = False


def sightings(
    observations: Sequence[Observation],
    others: Sequence[np.ndarray] = (),
    hidden: Sequence[np.ndarray] = (),
) -> list[Sighting]:
    """
    Return observations with what is around them.

    :param others: boxes (4,) x0, y0, x1, y1 of other faces that are seen
    :param hidden: boxes (4,) in which faces may be that are not seen
    """
    boxes = np.array([*(o.regression.box for o in observations), *others]).reshape(-1, 4)
    behind = np.array(hidden).reshape(-1, 4)
    if len(boxes) + len(behind) < 2:
        return [Sighting(o) for o in observations]
    seen = boxes[: len(observations)]
    overlaps = intersection_over_union(seen, boxes)
    touches = (overlaps > TOUCHING_IOU) & (overlaps <= SAME_FACE_IOU)
    sigmas = np.array([o.sigma_rad for o in observations])
    covers = touches.copy()
    covers[:, : len(seen)] &= sigmas[:, None] >= FRONT_SIGMA_RATIO * sigmas
    hiding = intersection_over_union(seen, behind) > TOUCHING_IOU
    found = []
    for row, observation in enumerate(observations):
        covered = covers[row]
        cells = uncovered_cells(observation.region, boxes[covered]) if covered.any() else None
        is_beside = bool(touches[row].any() or hiding[row].any())
        found.append(Sighting(observation, is_beside, cells))
    return found


def among(sighting: Sighting, lost: Sequence[Prediction]) -> Sighting:
    """Return a sighting that knows whether it is where one of the lost faces may be."""
    region = sighting.observation.region
    maybe_lost = any(math.isfinite(reach(e, region)) for e in lost)
    if maybe_lost == sighting.maybe_lost:
        return sighting
    return replace(sighting, maybe_lost=maybe_lost)


def contested(sighting: Sighting, lost: Sequence[Prediction]) -> Sighting:
    """Return a sighting that knows whether it is where several of the lost faces may be."""
    region = sighting.observation.region
    several = sum(math.isfinite(reach(expected, region)) for expected in lost) > 1
    return replace(sighting, maybe_lost=several)


def is_itself(track: Track, sighting: Sighting) -> bool:
    """Tell whether a track's descriptor may follow a sighting: nobody else, by appearance."""
    return not sighting.maybe_lost or appearance_cost(track, sighting) <= 0


def path_box(track: Track, now_s: float) -> np.ndarray:
    """Return the box (4,) around a lost face's path, from its last place to the expected one."""
    low, high = track.regression.box.reshape(2, 2)
    off = track.motion.predict(now_s).place[:2] - track.region.centre
    return np.concatenate([np.minimum(low, low + off), np.maximum(high, high + off)])


@dataclass(slots=True, frozen=True)
class Costs:
    """
    Of each track and sighting, nats.

    place (T, N): half the squared Mahalanobis distance. total (T, N): against the gate. compared
    (T, N): against other tracks, whose covariances differ.
    """

    place: np.ndarray
    total: np.ndarray
    compared: np.ndarray


def costs(tracks: Sequence[Track], seen: Sequence[Sighting], now_s: float) -> Costs:
    """Return what it costs to take each sighting for each track's face."""
    place = np.empty((len(tracks), len(seen)))
    other, spread = np.empty_like(place), np.empty_like(place)
    for row, track in enumerate(tracks):
        expected = track.motion.predict(now_s)
        for column, sighting in enumerate(seen):
            observation = sighting.observation
            noise = measured_deviation(observation.region, observation.sigma_rad)
            variance = (expected.deviation**2 + noise**2)[:3]
            off = difference(place_of(observation.region), expected.place)[:3]
            place[row, column] = 0.5 * float((off**2 / variance).sum())
            spread[row, column] = 0.5 * math.log(float(variance.prod()))
            other[row, column] = appearance_cost(track, sighting)
            if sighting.touching or sighting.maybe_lost or not track.apart:
                other[row, column] += BESIDE_NATS
    total = place + other
    return Costs(place, total, total + spread)


def appearance_cost(track: Track, sighting: Sighting) -> float:
    """Return how much the appearance speaks against a sighting's being a track's face, nats."""
    if track.descriptor is None or sighting.observation.descriptor is None:
        return 0.0
    distance = descriptor_distance(
        sighting.observation.descriptor, track.descriptor, sighting.cells
    )
    if distance is None:
        return 0.0
    nats = APPEARANCE_NATS * (distance - APPEARANCE_NEUTRAL)
    return min(max(nats, -APPEARANCE_MOST), APPEARANCE_MOST)


def assign(cost: np.ndarray, possible: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of least cost in sum, among those possible (T, N) bool."""
    if not possible.any():
        return []
    # first as many pairs as there are, then the cheapest
    pairs = _renderer.assign(np.ascontiguousarray(np.where(possible, cost, _IMPOSSIBLE)))
    return [pair for pair in pairs if possible[pair]]


def ambiguous(cost: Costs, beside: np.ndarray) -> np.ndarray:
    """
    Return (N,) whether a sighting may nearly as well be one track's face as another's.

    :param beside: (T, N) whether others are near, or were near the track; only those are ambiguous
    """
    near = cost.place <= GATE
    compared = np.where(near, cost.compared, np.inf)
    if len(compared) < 2:
        return np.zeros(compared.shape[1], bool)
    best = np.sort(compared, axis=0)[:2]
    found = (beside & near).any(axis=0) & np.isfinite(best[1])
    found[found] = best[1, found] - best[0, found] < AMBIGUOUS_NATS
    return found


def is_far_in_crop(searched: Region, found: Region) -> bool:
    """Tell whether a face lies far from the middle of the region that it was looked for in."""
    return math.dist(found.centre, searched.centre) > FAR_IN_CROP * searched.side_px


def reach(expected: Prediction, region: Region) -> float:
    """Return half the squared Mahalanobis distance of a detection; infinite beyond the gate."""
    off = (region.centre - expected.place[:2]) / expected.deviation[:2]
    half = 0.5 * float(off @ off)
    return half if half <= GATE else math.inf


def shows_one_of(regression: Regression, others: Sequence[Regression]) -> bool:
    """Tell whether one of others is the same face."""
    if not others:
        return False
    overlaps = intersection_over_union(regression.box, np.array([o.box for o in others]))
    return bool(overlaps.max() > SAME_FACE_IOU)


def best_of_each(found: Sequence[Regression]) -> list[Regression]:
    """Return, of regressions that show the same face, the one that scores best."""
    kept: list[Regression] = []
    for regression in sorted(found, key=score_of, reverse=True):
        if not shows_one_of(regression, kept):
            kept.append(regression)
    return kept


def follow(
    tracks: Sequence[Track],
    observations: Sequence[Observation | None],
    hidden: Sequence[np.ndarray],
    now_s: float,
    lost: Sequence[Prediction] = (),
) -> list[Sighting | None]:
    """
    Return what each of the followed tracks was found as; None: it was not found.

    :param observations: in each track's search region; None: no face there
    :param hidden: boxes (4,) of the paths of lost faces, which may be behind one of these
    :param lost: where the lost faces are expected
    """
    if len(tracks) == 1 and not hidden and not lost and tracks[0].apart:
        return [None if o is None else Sighting(o) for o in observations]
    rows = [row for row, observation in enumerate(observations) if observation is not None]
    seen = sightings([o for o in observations if o is not None], hidden=hidden)
    faces = _by_face(seen)
    contested = {column for face in faces if len(face) > 1 for column in face}
    seen = [
        replace(s, touching=True) if column in contested else s
        for column, s in enumerate(among(s, lost) for s in seen)
    ]
    # what is in the region of a face that is alone is that face, unless another one came there
    alone = [
        tracks[row].apart and not (s.touching or s.maybe_lost or _has_moved(tracks[row], s))
        for row, s in zip(rows, seen, strict=True)
    ]
    pairs = list(zip(rows, range(len(seen)), strict=True))
    if not all(alone):
        cost = costs(tracks, seen, now_s)
        compared = np.where(cost.total <= GATE, cost.compared, np.inf)
        for pair, is_alone in zip(pairs, alone, strict=True):
            if is_alone:
                compared[pair] = cost.compared[pair]
        pairs = _assign_faces(compared, faces, rows)
    found: list[Sighting | None] = [None] * len(tracks)
    for row, column in pairs:
        found[row] = seen[column]
    return found


def _has_moved(track: Track, sighting: Sighting) -> bool:
    searched = track.searched
    return searched is not None and is_far_in_crop(searched, sighting.observation.region)


def _assign_faces(
    compared: np.ndarray, faces: Sequence[Sequence[int]], rows: Sequence[int]
) -> list[tuple[int, int]]:
    """
    Return pairs of track and sighting, each face in one of them.

    :param compared: (T, N) costs; infinite where impossible
    :param faces: the sightings that show each face
    :param rows: the track whose search region each sighting is of
    """
    # of several views of one face a track takes its own, or the likeliest
    best = np.array(
        [
            [
                next((c for c in face if rows[c] == row), min(face, key=costs_of.__getitem__))
                for face in faces
            ]
            for row, costs_of in enumerate(compared)
        ]
    )
    of_face = np.take_along_axis(compared, best, axis=1)
    pairs = assign(of_face, np.isfinite(of_face))
    return [(row, int(best[row, column])) for row, column in pairs]


def _by_face(seen: Sequence[Sighting]) -> list[list[int]]:
    """Return the indices of those that show the same face, those that score best first."""
    found = [s.observation.regression for s in seen]
    boxes = np.array([r.box for r in found]).reshape(-1, 4)
    same = (intersection_over_union(boxes, boxes) > SAME_FACE_IOU).tolist()
    faces: list[list[int]] = []
    for index in sorted(range(len(found)), key=lambda i: score_of(found[i]), reverse=True):
        for face in faces:
            if same[index][face[0]]:
                face.append(index)
                break
        else:
            faces.append([index])
    return faces
