# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a detection is that no track explains: a lost face, a new face, or no face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.rolls import score_of
from face_recon_ros.tracking.association import (
    GATE,
    Costs,
    Sighting,
    ambiguous,
    among,
    assign,
    contested,
    costs,
    reach,
    shows_one_of,
    sightings,
)
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.track import Observation, Track

# Two regions whose centres are nearer than this part of a side are taken to hold the same face
SAME_REGION_DISTANCE = 0.35
# For how long a new face waits that may be a lost one, seconds
LONGEST_WAIT_S = 0.5
# For how long a face may be away and still be taken for one on the detector's word, seconds: an
# image of five per second
STILL_THERE_S = 0.25
# For how long others come first after what was no face, seconds
NO_FACE_S = 1.0
# Minimum score of the upright detector for a new face
LEAST_UPRIGHT_SCORE = 0.65
# Of profiles it sees less, down to this. There the face's own score has to be as high: no photo
# of 876 whose faces were blurred away had one
LEAST_UPRIGHT_SCORE_IF_SURE, SURE_NEW_SCORE = 0.45, 0.8


@dataclass(slots=True, frozen=True)
class Found:
    """again: lost faces and what they were found as. new: somebody else."""

    again: list[tuple[Track, Sighting]]
    new: list[Sighting]


class NewFaces:
    """Remembers where there was no face, and since when a new face waits."""

    def __init__(self) -> None:
        self._candidates: list[Region] = []
        self._no_faces: list[tuple[Region, float]] = []
        self._waiting_since_s: float | None = None

    def candidates(
        self, regions: list[Region], lost: Sequence[Track], now_s: float, places: int | None
    ) -> list[Region]:
        """
        Return the regions to regress, as many as there are places; None: all.

        Where a lost face may be comes first, the nearest of them before the others; what was no
        face just now comes last.
        """
        self._no_faces = [n for n in self._no_faces if now_s - n[1] < NO_FACE_S]
        if places is not None:
            none = [region for region, _ in self._no_faces]
            expected = [t.motion.predict(now_s) for t in lost]

            def rank(region: Region) -> tuple[bool, float]:
                nearest = min((reach(e, region) for e in expected), default=0.0)
                return is_one_of(region, none), nearest

            regions = sorted(regions, key=rank)[: max(places, 0)]
        self._candidates = regions
        return regions

    def associate(
        self,
        observations: Sequence[Observation],
        lost: Sequence[Track],
        followed: Sequence[Track],
        now_s: float,
        settings: TrackingSettings,
    ) -> Found:
        """Return which lost faces, and which new ones, were found in the candidates."""
        found = self._distinct(observations, [t.regression for t in followed], now_s, settings)
        expected = [t.motion.predict(now_s) for t in lost]
        seen = [
            contested(sighting, expected)
            for sighting in sightings(found, [t.regression.box for t in followed])
        ]
        cost = costs(lost, seen, now_s)
        since_s = self._waiting_since_s
        patient = since_s is None or now_s - since_s < LONGEST_WAIT_S
        beside = _beside(lost, seen)
        possible = _possible(lost, seen, cost, now_s, settings)
        if patient:
            # half a face that may be either one's is visible better soon
            possible &= ~ambiguous(cost, beside)
        pairs = assign(cost.compared, possible)
        taken = {column for _, column in pairs}
        others = [
            (column, sighting)
            for column, sighting in enumerate(seen)
            if column not in taken and is_new_face(sighting.observation, settings)
        ]
        # half a face where others were may be a lost one's, though its appearance differs
        waiting = np.asarray(patient & (beside & (cost.place <= GATE)).any(axis=0))
        if not any(waiting[column] for column, _ in others):
            self._waiting_since_s = None
        elif since_s is None:
            self._waiting_since_s = now_s
        return Found(
            [
                (lost[row], among(seen[column], expected[:row] + expected[row + 1 :]))
                for row, column in pairs
            ],
            [sighting for column, sighting in others if not waiting[column]],
        )

    def _distinct(
        self,
        observations: Sequence[Observation],
        known: list[Regression],
        now_s: float,
        settings: TrackingSettings,
    ) -> list[Observation]:
        """Leave out what shows a face that is known; note where there was nobody new."""
        found = []
        for region, observation in zip(self._candidates, observations, strict=True):
            shown = shows_one_of(observation.regression, known)
            if shown or not is_face(observation.regression, settings):
                self._no_faces.append((region, now_s))
            if not shown:
                known.append(observation.regression)
                found.append(observation)
        return found


def is_face(regression: Regression, settings: TrackingSettings) -> bool:
    """Tell whether what was found is a face."""
    return (
        regression.presence >= settings.min_presence
        and regression.fit_error <= settings.max_fit_error
    )


def is_new_face(observation: Observation, settings: TrackingSettings) -> bool:
    """Tell whether what was found is a face of somebody new: to the detector, too."""
    if not is_face(observation.regression, settings):
        return False
    # where anything is a face the detector is not asked
    if settings.min_presence == 0 or observation.upright_score >= LEAST_UPRIGHT_SCORE:
        return True
    is_seen = observation.upright_score >= LEAST_UPRIGHT_SCORE_IF_SURE
    return is_seen and score_of(observation.regression) >= SURE_NEW_SCORE


def is_one_of(region: Region, others: Sequence[Region]) -> bool:
    """Tell whether a region holds the same face as one of others."""
    return is_near_one_of(region, others, SAME_REGION_DISTANCE)


def is_near_one_of(region: Region, others: Sequence[Region], nearer_than: float) -> bool:
    """Tell whether a region's centre is nearer to one of others' than parts of a side."""
    return any(
        float(np.linalg.norm(region.centre - other.centre))
        < nearer_than * max(region.side_px, other.side_px)
        for other in others
    )


def _beside(lost: Sequence[Track], seen: Sequence[Sighting]) -> np.ndarray:
    """Return (T, N) whether others are or may be near a sighting, or were near a lost face."""
    apart = np.array([t.apart for t in lost], bool)
    near = np.array([s.touching or s.maybe_lost for s in seen], bool)
    return ~apart[:, None] | near


def _possible(
    lost: Sequence[Track],
    seen: Sequence[Sighting],
    cost: Costs,
    now_s: float,
    settings: TrackingSettings,
) -> np.ndarray:
    """
    Return (T, N) whether what was found may be a lost face.

    It is a face; or one was there just now, and the detector still finds it where the regressor's
    presence score is low, as on profiles.
    """
    possible = cost.total <= GATE
    still_there = np.array([now_s - t.seen_s <= STILL_THERE_S for t in lost], bool)
    for column, sighting in enumerate(seen):
        regression = sighting.observation.regression
        if not is_face(regression, settings):
            fits = regression.fit_error <= settings.max_fit_error
            possible[:, column] &= still_there & fits
    return possible
