# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Faces over time: which face of this image is which of the last, and where to look next.

A tracked face is regressed in its predicted search region, without detecting. One that is found
far from the region's middle is looked at again there, and may be another one. When a face is lost
the detector searches where it is expected in each image, and the whole image part by part. For new
faces it searches part by part, too, every few images, after the image's results are published; the
next image reports them. A lost track keeps
its id for a while, so that the face gets it back. Tracks with persistent high uncertainty are
verified with the detector. Where more faces are followed than an image may cost, they take turns;
those whose turn it is not are where their motion takes them.

One image, in this order:

    regions = tracker.predict(stamp_s)          where to look for the faces that are followed
    tracker.update(observations)                what there is in each of them, with the appearance
                                                where want_descriptors() says so
    if (search := tracker.wanted_search()):     the image has to be searched: where those are
        tracker.take_detections(regions)        expected that sought() returns, and elsewhere; the
                                                whole where it returns nobody
    regions = tracker.candidates()              where somebody new may be, or somebody lost
    tracker.add(observations)                   what there is in each of them
    tracks = tracker.reported()
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

import numpy as np

from face_recon_ros.regression.region import Region
from face_recon_ros.regression.rolls import is_sure, is_upside_down
from face_recon_ros.tracking.association import Sighting, follow, is_itself, path_box
from face_recon_ros.tracking.new_faces import NewFaces, is_face, is_near_one_of, is_one_of
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.stream_clock import StreamClock
from face_recon_ros.tracking.track import Observation, Track, TrackState
from face_recon_ros.tracking.turns import whose_turn

# A track that is uncertain for so long is verified with the detector, and dropped after so long
# without its agreement, seconds
ASK_S, GIVE_UP_S = 0.1, 0.5
# After so long without an image the next one is searched as a whole, as the first one is, seconds
LONG_GAP_S = 0.5
# So many of those that are lost or uncertain are searched for in an image; more take turns
MOST_SOUGHT = 4
# So near to where a face is sought, in sides, what an earlier search has found is out of date
SOUGHT_DISTANCE = 1.0


class Orientation(Enum):
    """How an image is turned when it is searched."""

    UPRIGHT = 'upright'
    UPSIDE_DOWN = 'upside down'


class Tracker:
    """Keeps ids; see the module's description."""

    def __init__(self, settings: TrackingSettings) -> None:
        self._settings = settings
        self._random = random.Random()
        self._count = 0
        self.reset()

    def reset(self) -> None:
        """Forget all faces; ids already given are not given again."""
        self._tracks: list[Track] = []
        self._expected: list[Track] = []
        self._searched: list[Track] = []
        self._suggested: list[Region] = []
        self._detected: list[Region] = []
        self._sought: list[Region] = []
        self._new_faces = NewFaces()
        self._clock = StreamClock()
        self._now_s = 0.0
        self._starts = False
        self._images_since_search = 0
        self._searches = 0

    @property
    def now_s(self) -> float:
        """When the newest image was taken, by a clock that never goes back."""
        return self._now_s

    def is_set_back(self, stamp_s: float) -> bool:
        """Tell whether the next image, of this stamp, forgets all faces."""
        return self._clock.is_set_back(stamp_s)

    def configure(self, settings: TrackingSettings) -> None:
        """Go on with other settings; faces keep their ids."""
        self._settings = settings
        if settings.max_faces:
            too_many = [t.id for t in self._tracks if not t.lost][settings.max_faces :]
            self._tracks = [t for t in self._tracks if t.id not in too_many]
        for track in self._tracks:
            track.min_hits = settings.min_hits

    # --- the faces that are followed -------------------------------------------------

    def predict(self, stamp_s: float) -> list[Region]:
        """
        Begin a new image; return where to look for faces: those followed that have their turn.

        :param stamp_s: when the image was taken; a stamp that goes back by a second or more
            forgets all faces, as the clock was set back (a bag that starts again)
        """
        if self._clock.is_set_back(stamp_s):
            self.reset()
        before_s = self._clock.now_s
        self._now_s = self._clock.take(stamp_s)
        # after a gap nothing is as it was: nobody wanted faces, or the camera was away
        self._starts = before_s is None or self._now_s - before_s > LONG_GAP_S
        for track in self._tracks:
            if track.lost or self._starts:
                track.age(self._now_s, self._settings.track_timeout_s)
        self._tracks = [t for t in self._tracks if t.state is not TrackState.REMOVED]
        self._expected = [t for t in self._tracks if not t.lost]
        turn = whose_turn(self._expected, self._settings.max_regressions_per_image)
        self._searched = [self._expected[index] for index in turn]
        self._detected, self._suggested = self._suggested, []
        return [
            replace(track.search_region(self._now_s), look=track.looks.next())
            for track in self._searched
        ]

    def want_descriptors(self) -> list[bool]:
        """Tell of which of the regions that predict() returned the appearance is wanted."""
        hidden = bool(self._lost())
        return [hidden or track.wants_descriptor(self._now_s) for track in self._searched]

    def update(self, observations: Sequence[Observation]) -> None:
        """Take in what there is in each of the regions that predict() returned."""
        for track in self._tracks:
            if track.lost:
                track.miss()
        seen = {
            track.id: observation
            for track, observation in zip(self._searched, observations, strict=True)
            if is_face(observation.regression, self._settings)
        }
        looked_for = {track.id for track in self._searched}
        lost = self._lost()
        # one of those who wait may be where another one is looked for, or cover it
        unseen = [*lost, *(t for t in self._expected if t.id not in looked_for)]
        found = follow(
            self._expected,
            [seen.get(track.id) for track in self._expected],
            [path_box(track, self._now_s) for track in unseen],
            self._now_s,
            [track.motion.predict(self._now_s) for track in lost],
        )
        for track, sighting in zip(self._expected, found, strict=True):
            if sighting is not None:
                self._observe(track, sighting)
            elif track.id in looked_for:
                track.miss()
            else:
                track.wait(self._now_s)
        self._trust(self._detected)

    # --- the detector ----------------------------------------------------------------

    def wanted_search(self) -> Orientation | None:
        """Return how to search the image; None: it need not be searched."""
        sought = [t for t in self._tracks if self._is_sought(t)]
        self._sought = []
        if not (self._starts or sought):
            return None
        self._searches += 1
        if not sought:
            return Orientation.UPRIGHT
        # the orientation of those sought, in turn
        turn = self._searches % len(sought)
        in_turn = [*sought[turn:], *sought[:turn]]
        upside_down = is_upside_down(in_turn[0].region.roll_rad)
        if not self._starts:
            alike = [t for t in in_turn if is_upside_down(t.region.roll_rad) == upside_down]
            self._sought = [t.expected_region(self._now_s) for t in alike[:MOST_SOUGHT]]
        return Orientation.UPSIDE_DOWN if upside_down else Orientation.UPRIGHT

    def sought(self) -> list[Region]:
        """Return where faces are expected that are searched for; none: in the whole image."""
        return self._sought

    def wants_upside_down(self) -> bool:
        """Tell whether a first image without a confident face has to be searched upside down."""
        return self._starts and not self.is_sure_of_one()

    def take_detections(self, regions: list[Region]) -> None:
        """Take in where the detector sees faces: where it was to search, at least."""
        self._detected = [*regions, *self._found_elsewhere(regions)]
        self._trust(regions)
        for track in self._tracks:
            # in repeated searches the detector never found a face there
            if not track.lost and track.seen_s - track.trusted_s > GIVE_UP_S:
                track.miss()

    def _found_elsewhere(self, regions: list[Region]) -> list[Region]:
        """
        Return what a search of an earlier image has found besides regions found now.

        Not where faces are sought: what was there is known better now. Nor before a gap.
        """
        if self._starts:
            return []
        sought = [t.expected_region(self._now_s) for t in self._tracks if self._is_sought(t)]
        return [
            r
            for r in self._detected
            if not is_one_of(r, regions) and not is_near_one_of(r, sought, SOUGHT_DISTANCE)
        ]

    @property
    def starts(self) -> bool:
        """Whether an image is the first, or the first after a gap or a clock set back."""
        return self._starts

    def search_due(self, busy: bool = False) -> bool:
        """
        Tell, once after each image, whether to search a part of it for new faces.

        :param busy: an earlier search is not over: this one comes later
        """
        self._images_since_search += 1
        limit = self._settings.max_faces
        full = limit and len(self._tracks) >= limit
        early = self._images_since_search < self._settings.detection_interval
        if busy or (self._tracks and (full or early)):
            return False
        self._images_since_search = 0
        return True

    def suggest(self, regions: list[Region]) -> None:
        """Take more regions in which new faces may be; they are regressed in the next image."""
        self._suggested = [*self._suggested, *regions]

    def _is_sought(self, track: Track) -> bool:
        """Tell whether the detector is to be asked about a face."""
        return self._has_place() if track.lost else track.seen_s - track.trusted_s > ASK_S

    def _observe(self, track: Track, sighting: Sighting) -> None:
        """Give a track what it was found as."""
        observation = sighting.observation
        if not is_itself(track, sighting):
            observation = replace(observation, descriptor=None)
        track.observe(observation, self._now_s, not sighting.touching)

    def _trust(self, seen: Sequence[Region]) -> None:
        """Note which of the followed faces the detector sees, too."""
        for track in self._tracks:
            if not track.lost and is_one_of(track.region, seen):
                track.trusted_s = self._now_s

    # --- new faces -------------------------------------------------------------------

    def candidates(self) -> list[Region]:
        """
        Return where faces may be that are not tracked, as far as there are places.

        Where a lost face may be comes first, the nearest of them before the others; what was no
        face just now comes last.
        """
        known = [t.region for t in self.followed()]
        regions = [r for r in self._detected if not is_one_of(r, known)]
        self._detected = []
        limit = self._settings.max_faces
        places = limit - len(self.followed()) if limit else None
        return self._new_faces.candidates(regions, self._lost(), self._now_s, places)

    def add(self, observations: Sequence[Observation]) -> None:
        """Take in what there is in each of the candidates: faces that were lost, and new ones."""
        found = self._new_faces.associate(
            observations, self._lost(), self.followed(), self._now_s, self._settings
        )
        for track, sighting in found.again:
            self._observe(track, sighting)
            track.trusted_s = self._now_s
        for sighting in found.new:
            self._tracks.append(
                Track.begin(
                    self._new_id(),
                    sighting.observation,
                    self._now_s,
                    self._settings.min_hits,
                    not sighting.touching,
                )
            )

    # --- what there is ---------------------------------------------------------------

    def reported(self) -> list[Track]:
        """Return the faces of the image, and those that are held."""
        tracks = [t for t in self._tracks if self._is_reported(t)]
        limit = self._settings.max_faces
        # what is there goes before what is held
        return sorted(tracks, key=lambda t: t.misses)[:limit] if limit else tracks

    def followed(self) -> list[Track]:
        """Return the faces that were found, or wait for their turn, reported or not."""
        return [t for t in self._tracks if not t.lost]

    def growth(self, track: Track) -> np.ndarray:
        """Return by how much less is known of where a face is than when it was seen (4,)."""
        return track.motion.growth(self._now_s)

    def _lost(self) -> list[Track]:
        return [t for t in self._tracks if t.lost]

    def ids(self) -> set[str]:
        """Return the ids that may come again."""
        return {t.id for t in self._tracks}

    def is_sure_of_one(self) -> bool:
        """Tell whether a face is tracked with high confidence."""
        return any(is_sure(t.regression) for t in self.followed())

    def are_upside_down(self) -> bool:
        """Tell whether most of the faces followed are: the camera hangs."""
        rolls = [t.region.roll_rad for t in self.followed()]
        return 2 * sum(is_upside_down(roll) for roll in rolls) > len(rolls)

    def _is_reported(self, track: Track) -> bool:
        if track.lost:
            confirmed = track.hits >= self._settings.min_hits
            return confirmed and track.misses <= self._settings.coast_frames
        return track.state is TrackState.CONFIRMED

    def _has_place(self) -> bool:
        """Tell whether one more face may be followed."""
        limit = self._settings.max_faces
        return not limit or len(self.followed()) < limit

    def _new_id(self) -> str:
        self._count += 1
        if self._settings.deterministic_ids:
            return f'f{self._count}'
        in_use = {track.id for track in self._tracks}
        while True:
            face_id = ''.join(self._random.choices(string.ascii_lowercase, k=5))
            if face_id not in in_use:
                return face_id
