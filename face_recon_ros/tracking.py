"""
Faces over time: which face of this image is which of the last, and where to look next.

A face found once is looked for around its own last landmarks, without detecting. The detector
searches everywhere when a face is lost. For newcomers it searches part by part, every few images,
after the image's results are out; they are taken in with the next image. A lost face is remembered
for a while, so that it gets its id back when it is found again near the place where it was lost.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from face_recon_ros.detection import intersection_over_union
from face_recon_ros.face_model import FaceParameters
from face_recon_ros.regression import Region, Regression
from face_recon_ros.smoothing import FaceSmoother, SmoothingSettings

# Two regressions whose boxes overlap by more than this (IoU) show the same face.
SAME_FACE_IOU = 0.4
# Two regions whose centres are nearer than this part of a side are taken to hold the same face.
SAME_REGION_DISTANCE = 0.35
# How far, in sides of its last region, a lost face may have moved and still get its id back.
REACQUIRE_DISTANCE = 0.75


@dataclass(slots=True, frozen=True)
class TrackingSettings:
    """What a face needs to be taken as one, and how long it is remembered.

    max_faces: 0 is no limit. detection_interval: images between two searches for newcomers.
    min_presence: below, there is no face. max_fit_error: above, what was found is no face.
    confirm_count: images in a row a newcomer must be seen in before it is reported.
    forget_s: how long a lost face keeps its id. deterministic_ids: f1, f2... instead of random; a
    topic's name cannot have a number there.
    """

    max_faces: int = 8
    detection_interval: int = 5
    min_presence: float = 0.5
    max_fit_error: float = 0.08
    confirm_count: int = 1
    forget_s: float = 2.0
    deterministic_ids: bool = True


@dataclass(slots=True)
class Track:
    """One face over time."""

    id: str
    region: Region
    seen_s: float
    smoother: FaceSmoother | None
    hits: int = 0
    regression: Regression | None = None
    parameters: FaceParameters | None = None
    velocity_px_s: np.ndarray = field(default_factory=lambda: np.zeros(2))

    @property
    def lost(self) -> bool:
        """Whether the face was not found in the newest image."""
        return self.regression is None


class Tracker:
    """Keeps ids; see the module's description."""

    def __init__(
        self, settings: TrackingSettings, smoothing: SmoothingSettings | None = None
    ) -> None:
        """:param smoothing: None passes the parameters on as they are."""
        self._settings = settings
        self._smoothing = smoothing
        self._random = random.Random()
        self._count = 0
        self.reset()

    def reset(self) -> None:
        """Forget all faces; ids already given are not given again."""
        self._tracks: list[Track] = []
        self._suggested: list[Region] = []
        self._now_s: float | None = None
        self._images_since_search = 0

    def configure(self, settings: TrackingSettings, smoothing: SmoothingSettings | None) -> None:
        """Go on with other settings; faces keep their ids, filters start anew."""
        self._settings = settings
        self._smoothing = smoothing
        for track in self._tracks:
            track.smoother = self._new_smoother()

    def update(
        self,
        stamp_s: float,
        detect: Callable[[], list[Region]],
        regress: Callable[[Region], Regression],
    ) -> list[Track]:
        """
        Take in a new image and return the faces in it.

        :param stamp_s: when the image was taken; a stamp that goes back forgets all faces, as the
            clock was set back (a bag that starts again)
        :param detect: regions of all faces in the image; called only where needed
        :param regress: the face in a region of the image
        """
        if self._now_s is not None and stamp_s < self._now_s:
            self.reset()
        first = self._now_s is None
        self._now_s = stamp_s
        self._forget(stamp_s)
        # A lost face has moved on: its old region says where to expect it, not where to look.
        self._follow([t for t in self._tracks if not t.lost], stamp_s, regress)
        candidates, self._suggested = self._suggested, []
        if first or any(t.lost for t in self._tracks):
            candidates = detect()
        self._add_found(self._unknown_regions(candidates), stamp_s, regress)
        seen = [t for t in self._tracks if not t.lost]
        return [t for t in seen if t.hits >= self._settings.confirm_count]

    def _follow(
        self, tracks: Sequence[Track], stamp_s: float, regress: Callable[[Region], Regression]
    ) -> None:
        """Look for each face where it was, and give up those that turn up on another's face."""
        results = [(track, regress(track.region)) for track in tracks]
        results = [(track, r) for track, r in results if self._lose_unless_face(track, r)]
        # The track whose face moved least from where it was expected keeps a contested face.
        results.sort(key=lambda result: _surprise(result[0], result[1], stamp_s))
        kept: list[Regression] = []
        for track, regression in results:
            if _shows_one_of(regression, kept):
                track.regression = None
            else:
                kept.append(regression)
                self._accept(track, regression, stamp_s)

    def _lose_unless_face(self, track: Track, regression: Regression) -> bool:
        if self._is_face(regression):
            return True
        track.regression = None
        return False

    def _is_face(self, regression: Regression) -> bool:
        return (
            regression.presence >= self._settings.min_presence
            and regression.fit_error <= self._settings.max_fit_error
        )

    def _accept(self, track: Track, regression: Regression, stamp_s: float) -> None:
        step_s = stamp_s - track.seen_s
        track.parameters = regression.parameters
        if track.smoother is not None:
            # two images with one stamp: no time has passed for the filter
            track.parameters = track.smoother(regression.parameters, max(step_s, 1e-3))
        if step_s > 0:
            moved = regression.region.centre - track.region.centre
            track.velocity_px_s = 0.5 * track.velocity_px_s + 0.5 * moved / step_s
        track.regression = regression
        track.region = regression.region
        track.seen_s = stamp_s
        track.hits += 1

    def search_due(self) -> bool:
        """Tell, once after each image, whether to search a part of it for newcomers."""
        self._images_since_search += 1
        limit = self._settings.max_faces
        full = limit and len(self._tracks) >= limit
        early = self._images_since_search < self._settings.detection_interval
        if self._tracks and (full or early):
            return False
        self._images_since_search = 0
        return True

    def suggest(self, regions: list[Region]) -> None:
        """Take regions in which newcomers may be; the next image is looked at there."""
        self._suggested = regions

    def _unknown_regions(self, regions: list[Region]) -> list[Region]:
        """Leave out the regions of faces that are being followed."""
        known = [t.region for t in self._tracks if not t.lost]
        return [r for r in regions if not any(_same_region(r, k) for k in known)]

    def _add_found(
        self, regions: list[Region], stamp_s: float, regress: Callable[[Region], Regression]
    ) -> None:
        """Give detected faces the ids of lost ones near them, or new ones."""
        kept = [t.regression for t in self._tracks if t.regression is not None]
        found = []
        for region in regions:
            regression = _look_twice(region, regress)
            if not _shows_one_of(regression, kept):
                kept.append(regression)
                found.append(regression)
        # A known face that the detector confirms is taken back even where the regressor doubts
        # it, as it does on profiles.
        lost = [t for t in self._tracks if t.lost]
        for track_index, index in _nearest_pairs(lost, found):
            track = lost[track_index]
            track.smoother = self._new_smoother()
            track.velocity_px_s = np.zeros(2)
            self._accept(track, found[index], stamp_s)
        taken = {id(t.regression) for t in self._tracks}
        for regression in found:
            limit = self._settings.max_faces
            full = limit and self._followed() >= limit
            if full or id(regression) in taken or not self._is_face(regression):
                continue
            track = Track(self._new_id(), regression.region, stamp_s, self._new_smoother())
            self._accept(track, regression, stamp_s)
            self._tracks.append(track)

    def _followed(self) -> int:
        return sum(not t.lost for t in self._tracks)

    def _forget(self, stamp_s: float) -> None:
        forget_s = self._settings.forget_s
        self._tracks = [t for t in self._tracks if stamp_s - t.seen_s <= forget_s]

    def _new_smoother(self) -> FaceSmoother | None:
        return FaceSmoother(self._smoothing) if self._smoothing else None

    def _new_id(self) -> str:
        self._count += 1
        if self._settings.deterministic_ids:
            return f'f{self._count}'
        return ''.join(self._random.choices(string.ascii_lowercase, k=5))


def _surprise(track: Track, regression: Regression, stamp_s: float) -> float:
    """Return how far a face moved from where it was expected, relative to its size."""
    expected = track.region.centre + track.velocity_px_s * (stamp_s - track.seen_s)
    return _region_distance(regression.region, Region(expected, track.region.side_px, 0.0))


def _region_distance(a: Region, b: Region) -> float:
    """Return distance of centres relative to b's side, plus the ratio of sizes as a logarithm."""
    moved = np.linalg.norm(a.centre - b.centre) / b.side_px
    return float(moved + abs(np.log(a.side_px / b.side_px)))


def _look_twice(region: Region, regress: Callable[[Region], Regression]) -> Regression:
    """Refine a detector's coarse region by the landmarks found in it, unless that is worse."""
    first = regress(region)
    second = regress(first.region)
    return first if first.presence > second.presence + 0.1 else second


def _same_region(a: Region, b: Region) -> bool:
    distance = np.linalg.norm(a.centre - b.centre)
    return bool(distance < SAME_REGION_DISTANCE * max(a.side_px, b.side_px))


def _shows_one_of(regression: Regression, others: Sequence[Regression]) -> bool:
    if not others:
        return False
    overlaps = intersection_over_union(regression.box, np.array([o.box for o in others]))
    return bool(overlaps.max() > SAME_FACE_IOU)


def _nearest_pairs(
    tracks: Sequence[Track], regressions: Sequence[Regression]
) -> list[tuple[int, int]]:
    """Pair lost tracks with found faces so that the sum of relative distances is least."""
    if not tracks or not regressions:
        return []
    cost = np.array(
        [[_region_distance(r.region, t.region) for r in regressions] for t in tracks]
    )
    pairs = zip(*linear_sum_assignment(np.minimum(cost, REACQUIRE_DISTANCE)), strict=True)
    return [(int(t), int(r)) for t, r in pairs if cost[t, r] < REACQUIRE_DISTANCE]
