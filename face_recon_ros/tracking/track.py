# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One face over time: what is known of it, and its states."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.hybrid import SIGMA_RAD_PER_FIT_ERROR
from face_recon_ros.regression.mirror_looks import MirrorLooks
from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.appearance import followed
from face_recon_ros.tracking.motion import (
    Motion,
    difference,
    measured_deviation,
    place_of,
    region_at,
)
from face_recon_ros.tracking.moving import moved

# Above this sigma of the rotation a face is uncertain, rad: one posed head in a hundred, and
# what is no face but has taken its place
UNCERTAIN_SIGMA_RAD = 0.2
# A roll that is another by more than this from one image to the next was wrong before, rad
OTHER_ROLL_RAD = math.radians(45)
# How often the appearance of a face that is alone is taken, seconds
DESCRIBED_EVERY_S = 0.09


class TrackState(Enum):
    """
    Where a track stands.

    TENTATIVE: found, not yet in as many images in a row as confirm it. CONFIRMED: found, and
    reported. LOST: not found in the newest image, its id is kept. REMOVED: forgotten.
    """

    TENTATIVE = 'tentative'
    CONFIRMED = 'confirmed'
    LOST = 'lost'
    REMOVED = 'removed'


@dataclass(slots=True, frozen=True)
class Observation:
    """
    A face in the newest image.

    descriptor: its appearance (appearance.descriptor_of); None: people are told apart by place
    alone. upright_score: a detector's score of the face, turned upright, 0..1.
    """

    regression: Regression
    descriptor: np.ndarray | None = None
    upright_score: float = 1.0

    @property
    def region(self) -> Region:
        """Where the face is."""
        return self.regression.region

    @property
    def sigma_rad(self) -> float:
        """Standard deviation of its rotation, rad."""
        return sigma_of(self.regression)


def sigma_of(regression: Regression) -> float:
    """Return the standard deviation of a face's rotation, rad."""
    own = regression.rotation_sigma_rad
    return SIGMA_RAD_PER_FIT_ERROR * regression.fit_error if own is None else own


@dataclass(slots=True)
class Track:
    """
    One face over time.

    regression: the newest of the face; presence 0 while it is lost. min_hits: images in a
    row that confirm it. hits: images it was found in, in a row until it is confirmed. misses:
    images in a row it was not found in. seen_s, trusted_s: when it was found last; when the
    detector last saw it, too, or the regressor was sure of it. apart: no other face was near when
    it was found last. descriptor: its appearance while apart. searched: the region it was looked
    for in last. found: the region it was found in last. waited: images since it was looked for,
    as others had their turn; regression is then moved to where it is expected. looks: how its
    crops are looked at.
    """

    id: str
    regression: Regression
    found: Region
    seen_s: float
    motion: Motion
    min_hits: int
    trusted_s: float
    state: TrackState = TrackState.TENTATIVE
    hits: int = 0
    misses: int = 0
    apart: bool = False
    descriptor: np.ndarray | None = None
    described_s: float = -math.inf
    searched: Region | None = None
    waited: int = 0
    looks: MirrorLooks = field(default_factory=MirrorLooks)

    @classmethod
    def begin(
        cls, face_id: str, observation: Observation, now_s: float, min_hits: int, apart: bool
    ) -> Track:
        """Return the track of somebody new."""
        motion = Motion(observation.region, observation.sigma_rad, now_s)
        found = observation.regression
        track = cls(face_id, found, found.region, now_s, motion, min_hits, now_s)
        track._take(observation, now_s, apart)
        return track

    @property
    def region(self) -> Region:
        """Where the face was found last."""
        return self.regression.region

    @property
    def lost(self) -> bool:
        """Whether the face was not found in the newest image."""
        return self.state is TrackState.LOST

    def search_region(self, now_s: float) -> Region:
        """
        Return where to look for the face, and keep it.

        On the axes on which it is expected to move by more than a measurement is off, that is
        where it is expected. It stays where it was searched while the face is that near to it:
        else the noise of one image moves the next one's crop.
        """
        turned_rad = self.region.turned_rad
        noise = measured_deviation(self.region, sigma_of(self.regression))
        target = self._expected_place(now_s, noise)
        if self.searched is not None:
            off = difference(target, place_of(self.searched))
            if (np.abs(off) < noise).all():
                place = self.searched
                self.searched = Region(place.centre, place.side_px, place.roll_rad, turned_rad)
                return self.searched
        self.searched = region_at(target, turned_rad)
        return self.searched

    def _expected_place(self, now_s: float, noise: np.ndarray) -> np.ndarray:
        """Return where the face is expected (4,): where it was, on axes where that is as near."""
        before, ahead = place_of(self.region), self.motion.predict(now_s).place
        return np.where(np.abs(difference(ahead, before)) > noise, ahead, before)

    def expected_region(self, now_s: float) -> Region:
        """Return where the face is expected."""
        return region_at(self.motion.predict(now_s).place, self.region.turned_rad)

    def wait(self, now_s: float) -> None:
        """Take in that others had their turn: the face is taken to be where it is expected."""
        noise = measured_deviation(self.region, sigma_of(self.regression))
        place = self._expected_place(now_s, noise)
        self.regression = moved(self.regression, region_at(place, self.region.turned_rad))
        self.waited += 1

    def wants_descriptor(self, now_s: float) -> bool:
        """Tell whether the appearance in the next observation matters."""
        return not self.apart or now_s - self.described_s >= DESCRIBED_EVERY_S

    def observe(self, observation: Observation, now_s: float, apart: bool) -> None:
        """Take in that the face was found."""
        turn_rad = math.remainder(observation.region.roll_rad - self.region.roll_rad, math.tau)
        if apart and not self.lost and abs(turn_rad) < OTHER_ROLL_RAD:
            self.motion.correct(observation.region, observation.sigma_rad, now_s)
        else:
            self.motion.jump(observation.region, observation.sigma_rad, now_s)
            self.looks.take(None, now_s)
        self._take(observation, now_s, apart)

    def _take(self, observation: Observation, now_s: float, apart: bool) -> None:
        self.seen_s = now_s
        found = observation.regression
        self.looks.take(found.reading, now_s, found.side_error)
        self.regression = found
        self.found, self.waited = observation.region, 0
        if apart and observation.descriptor is not None:
            since_s, self.described_s = now_s - self.described_s, now_s
            self.descriptor = followed(self.descriptor, observation.descriptor, since_s)
        if observation.sigma_rad <= UNCERTAIN_SIGMA_RAD:
            self.trusted_s = now_s
        self.apart = apart
        self.hits, self.misses = self.hits + 1, 0
        confirmed = self.hits >= self.min_hits
        self.state = TrackState.CONFIRMED if confirmed else TrackState.TENTATIVE

    def miss(self) -> None:
        """Take in that the face was not found."""
        if not self.lost:
            self.motion.disturb()
        self.misses, self.waited = self.misses + 1, 0
        self.regression = replace(self.regression, presence=0.0)
        if self.hits < self.min_hits:
            self.hits = 0
        self.searched = None
        self.state = TrackState.LOST

    def age(self, now_s: float, track_timeout_s: float) -> None:
        """Remove the track where it was lost for long enough."""
        if now_s - self.seen_s > track_timeout_s:
            self.state = TrackState.REMOVED

