"""
Faces over time: which face of this image is which of the last, and where to look next.

A face found once is looked for around its own last landmarks, without detecting. The detector
searches everywhere when a face is lost. For newcomers it searches part by part, every few images,
after the image's results are out; they are taken in with the next image. A lost face is remembered
for a while, so that it gets its id back when it is found again near the place where it was lost,
or on its way from there. Where places do not tell who is who, looks do: a tiny picture of each
face, kept while nobody is near. What the regressor is long unsure of has to be a face to the
detector, too.
"""

from __future__ import annotations

import math
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from face_recon_ros.detection.nms import intersection_over_union
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.rolls import (
    Candidate,
    Judge,
    Locate,
    find_roll,
    is_sure,
    is_upside_down,
    score_of,
)
from face_recon_ros.tracking.appearance import look_distance, uncovered_cells
from face_recon_ros.tracking.motion import Motion
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import FaceSmoother, SmoothingSettings, View
from face_recon_ros.tracking.stream_clock import StreamClock

Look = Callable[[Region], np.ndarray]

# Two regressions whose boxes overlap by more than this (IoU) show the same face.
SAME_FACE_IOU = 0.4
# Two regions whose centres are nearer than this part of a side are taken to hold the same face.
SAME_REGION_DISTANCE = 0.35
# How far off its way, in sides of its last region, a lost face may turn up and still get its id
# back: that much at once, and that much more per second, if it looks like the one lost.
REACQUIRE_DISTANCE = 0.75
REACQUIRE_SPEED = 1.0
# Steps from image to image, in sides of the region, by which a search region is moved ahead
LEAST_STEP, MOST_STEP = 0.03, 0.5
# A search region stays where it is while the face is off it by less than this: in sides, as a
# natural logarithm of the size, in radians. Else the noise of one image moves the next one's crop
STEADY_SHIFT, STEADY_SIZE, STEADY_ROLL_RAD = 0.01, 0.015, 0.02
# For how long a hidden face is expected to go on as it went, seconds
WAY_S = 1.0
# Distances of looks: of one person in like poses mostly below the first; above the second, two
# people's (docs/accuracy.md). What a unit of it weighs in sides of the region.
LIKE_LOOK, UNLIKE_LOOK = 0.5, 0.75
LOOK_WEIGHT = 3.0
# How often a look follows its face and with which time constant, seconds; after longer than the
# last, no closer than after that
LOOK_INTERVAL_S, LOOK_FOLLOWED_S, LOOK_MOST_S = 0.09, 0.28, 0.2
# By how much a half covered face must rather be one lost one than another
CLEAR_COST = 0.4
# For how long a newcomer waits who may be a lost one, seconds
LONGEST_WAIT_S = 0.5
# For how long a face may be away and still be taken for one on the detector's word, seconds: an
# image of five per second
STILL_THERE_S = 0.25
# For how long a lost face's filters go on, seconds; later its pose is another one
SMOOTHED_GAP_S = 0.5
# For how long others come first after what was no face, seconds
NO_FACE_S = 1.0
# How surely the detector has to see somebody new, upright: profiles are seen above 0.8
LEAST_JUDGED_NEW = 0.65
# A filter's least step, seconds: two images with one stamp
LEAST_STEP_S = 1e-3
# Cost above any that a possible pair has
IMPOSSIBLE = 100.0
# A face is doubtful from this rotation's sigma or, of a regressor without, this fit error on: one
# posed head in a hundred is, and what is no face but has taken its place
DOUBTFUL_SIGMA_RAD, DOUBTFUL_FIT_ERROR = 0.2, 0.04
# After so long in doubt the detector is asked, and after so long without its agreement there is
# no face, seconds
ASK_S, GIVE_UP_S = 0.1, 0.5
# After so long without an image the next one is searched as a whole, as the first one is, seconds
LONG_GAP_S = 0.5
# Boxes that overlap by more than this (IoU) may cover each other's faces.
TOUCHING_IOU = 0.02


@dataclass(slots=True)
class Track:
    """
    One face over time.

    regression: the newest of the face; presence 0 while it is lost. parameters: smoothed.
    hits: images in which it was found, in a row until it is reported. misses: images in a row in
    which it was not. apart: whether no other face was near in the newest image. velocity_px_s,
    look (see appearance.look_of), seen at looked_s: as they were when it was last apart. searched:
    the region of the newest image that it was looked for in; None before it was followed.
    trusted_s: when the detector last saw it, too, or the regressor was sure of it.
    """

    id: str
    regression: Regression
    seen_s: float
    smoother: FaceSmoother | None
    parameters: FaceParameters
    hits: int = 0
    misses: int = 0
    apart: bool = False
    look: np.ndarray | None = None
    looked_s: float = -math.inf
    searched: Region | None = None
    trusted_s: float = 0.0
    motion: Motion = field(init=False)

    def __post_init__(self) -> None:
        self.motion = Motion(self.region.centre, self.seen_s)

    @property
    def velocity_px_s(self) -> np.ndarray:
        """How fast the face moved when it was last apart (2,)."""
        return self.motion.velocity_px_s

    @property
    def region(self) -> Region:
        """Where the face was seen last."""
        return self.regression.region

    @property
    def lost(self) -> bool:
        """Whether the face was not found in the newest image."""
        return self.misses > 0

    def lose(self) -> None:
        """Note that the face was not found."""
        self.misses += 1
        self.regression = replace(self.regression, presence=0.0)


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
        self._no_faces: list[tuple[Region, float]] = []
        self._clock = StreamClock()
        self._view: View | None = None
        self._images_since_search = 0
        self._searches = 0
        self._waiting_since_s: float | None = None

    def configure(self, settings: TrackingSettings, smoothing: SmoothingSettings | None) -> None:
        """Go on with other settings; faces keep their ids, filters start anew."""
        self._settings = settings
        self._smoothing = smoothing
        if settings.max_faces:
            too_many = [t.id for t in self._tracks if not t.lost][settings.max_faces :]
            self._tracks = [t for t in self._tracks if t.id not in too_many]
        for track in self._tracks:
            track.smoother = self._new_smoother()

    def update(
        self,
        stamp_s: float,
        detect: Callable[[], list[Region]],
        regress: Callable[[Region], Regression],
        look: Look | None = None,
        view: View | None = None,
        refine: Callable[[Region], Regression] | None = None,
        detect_upside_down: Callable[[], list[Region]] | None = None,
        judge: Judge | None = None,
        settled: Callable[[Regression], Regression] | None = None,
        locate: Locate | None = None,
    ) -> list[Track]:
        """
        Take in a new image and return the faces in it.

        :param stamp_s: when the image was taken; a stamp that goes back by a second or more
            forgets all faces, as the clock was set back (a bag that starts again)
        :param detect: regions of all faces in the image; called only where needed
        :param regress: the face in a region of the image
        :param look: what the face in a region looks like (appearance.look_of); None: people are
            told apart by where they are alone
        :param view: from where the image was taken, for the filters; None: not known, they go on
            in the camera's frame
        :param refine: the face in a region where regress has just found it; None: as regress
        :param detect_upside_down: as detect, for faces that are; None: detect finds them as well
        :param judge: how surely the face in a region is upright in it, 0..1; None: always
        :param locate: where the judge sees the face in a region; None: not known
        :param settled: what a newcomer becomes once its roll is known; None: as it is
        """
        if self._clock.is_set_back(stamp_s):
            self.reset()
        self._view = view
        before_s = self._clock.now_s
        stamp_s = self._clock.take(stamp_s)
        # after a gap nothing is as it was: nobody wanted faces, or the camera was away
        first = before_s is None or stamp_s - before_s > LONG_GAP_S
        self._forget(stamp_s)
        lost = [t for t in self._tracks if t.lost]
        # A lost face has moved on: its old region says where to expect it, not where to look.
        self._follow([t for t in self._tracks if not t.lost], stamp_s, regress, look)
        for track in lost:
            self._lose(track)
        candidates, self._suggested = self._suggested, []
        self._trust(candidates, stamp_s)
        sought = [t for t in self._tracks if self._is_sought(t, stamp_s)]
        if first or sought:
            candidates = self._detect(sought, detect, detect_upside_down or detect)
            self._trust(candidates, stamp_s)
            self._give_up_doubted(stamp_s)
        newcomers = self._unknown_regions(candidates)

        def settle(region: Region) -> Candidate:
            found = find_roll(region, regress, refine or regress, judge or _always, locate)
            if settled is None:
                return found
            return Candidate(settled(found.regression), found.judged)

        self._add_found(newcomers, stamp_s, settle, look)
        if first and detect_upside_down and not self.is_sure_of_one():
            newcomers = self._unknown_regions(detect_upside_down())
            self._add_found(newcomers, stamp_s, settle, look)
        self._remember_looks(stamp_s, look)
        return self._reported()

    def _reported(self) -> list[Track]:
        tracks = [t for t in self._tracks if self._is_reported(t)]
        limit = self._settings.max_faces
        # what is there goes before what is held
        return sorted(tracks, key=lambda t: t.misses)[:limit] if limit else tracks

    def _is_sought(self, track: Track, stamp_s: float) -> bool:
        """Tell whether the detector is to be asked about a face."""
        return self._has_place() if track.lost else stamp_s - track.trusted_s > ASK_S

    def _detect(
        self,
        sought: Sequence[Track],
        detect: Callable[[], list[Region]],
        detect_upside_down: Callable[[], list[Region]],
    ) -> list[Region]:
        """Search the image the way up that those sought are, in turn."""
        self._searches += 1
        if not sought:
            return detect()
        roll_rad = sought[self._searches % len(sought)].region.roll_rad
        return detect_upside_down() if is_upside_down(roll_rad) else detect()

    def _is_reported(self, track: Track) -> bool:
        return (
            track.hits >= self._settings.min_hits
            and track.misses <= self._settings.coast_frames
        )

    def _follow(
        self,
        tracks: Sequence[Track],
        stamp_s: float,
        regress: Callable[[Region], Regression],
        look: Look | None,
    ) -> None:
        """Look for each face where it was, and give up those that turn up on another's face."""
        results = []
        for track in tracks:
            track.searched = _expected(track, stamp_s)
            regression = regress(track.searched)
            if self._is_face(regression):
                results.append((track, regression))
            else:
                self._lose(track)
        boxes = np.array([regression.box for _, regression in results])
        touching = _touching(boxes)
        beside = [
            near or self._hides_one(regression, stamp_s)
            for near, (_, regression) in zip(touching, results, strict=True)
        ]
        sights = [
            _Sight(regression, look(regression.region) if look and near else None)
            for near, (_, regression) in zip(beside, results, strict=True)
        ]
        claims = [
            _surprise(track, sight, stamp_s)
            for (track, _), sight in zip(results, sights, strict=True)
        ]
        kept: list[Regression] = []
        # The track whose face moved and changed least keeps a contested face.
        for index in np.argsort(claims, kind='stable'):
            track, regression = results[index]
            change = sights[index].change_from(track)
            mixed = change is not None and change > UNLIKE_LOOK
            if mixed or _shows_one_of(regression, kept):
                self._lose(track)
            else:
                kept.append(regression)
                self._accept(track, regression, stamp_s, apart=not beside[index])

    def _trust(self, seen: Sequence[Region], stamp_s: float) -> None:
        """Note which of the followed faces the detector sees, too."""
        for track in self._tracks:
            if not track.lost and any(_same_region(region, track.region) for region in seen):
                track.trusted_s = stamp_s

    def _give_up_doubted(self, stamp_s: float) -> None:
        """Let go of what the detector, asked again and again, never took for a face."""
        for track in self._tracks:
            if not track.lost and stamp_s - track.trusted_s > GIVE_UP_S:
                self._lose(track)

    def _hides_one(self, regression: Regression, stamp_s: float) -> bool:
        """Tell whether somebody who was lost may be behind a face."""
        return any(_may_be_at(regression.region, t, stamp_s) for t in self._tracks if t.lost)

    def _lose(self, track: Track) -> None:
        track.lose()
        if track.hits < self._settings.min_hits:
            track.hits = 0

    def _is_face(self, regression: Regression) -> bool:
        return (
            regression.presence >= self._settings.min_presence
            and regression.fit_error <= self._settings.max_fit_error
        )

    def _accept(
        self, track: Track, regression: Regression, stamp_s: float, apart: bool
    ) -> None:
        track.parameters = regression.parameters
        if track.smoother is not None:
            step_s = max(stamp_s - track.seen_s, LEAST_STEP_S)
            track.parameters = track.smoother(regression.parameters, step_s, self._view)
        track.apart = apart
        if apart:
            track.motion.move(regression.region.centre, stamp_s)
        else:
            track.motion.jump(regression.region.centre, stamp_s)
        track.regression = regression
        track.seen_s = stamp_s
        if not _is_doubtful(regression):
            track.trusted_s = stamp_s
        track.hits += 1
        track.misses = 0

    def _take_back(
        self, track: Track, regression: Regression, stamp_s: float, apart: bool
    ) -> None:
        """Take what was found for a lost face."""
        gap_s = stamp_s - track.seen_s
        if gap_s > WAY_S:
            track.motion.stop()
        track.motion.jump(regression.region.centre, stamp_s)
        if gap_s > SMOOTHED_GAP_S and track.smoother is not None:
            track.smoother.resume()
        track.trusted_s = stamp_s
        self._accept(track, regression, stamp_s, apart)

    def _remember_looks(self, stamp_s: float, look: Look | None) -> None:
        """Let the looks of faces that nobody covers follow them."""
        if look is None:
            return
        for track in self._tracks:
            seen = track.apart and not track.lost and self._is_face(track.regression)
            if not seen or stamp_s - track.looked_s < LOOK_INTERVAL_S:
                continue
            new = look(track.region)
            old = new if track.look is None else track.look
            since_s = min(stamp_s - track.looked_s, LOOK_MOST_S)
            track.look = old + (1 - math.exp(-since_s / LOOK_FOLLOWED_S)) * (new - old)
            track.looked_s = stamp_s

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
        self,
        regions: list[Region],
        stamp_s: float,
        settle: Callable[[Region], Candidate],
        look: Look | None,
    ) -> None:
        """Give detected faces the ids of lost ones that they may be, or new ones."""
        kept = [t.regression for t in self._tracks if not t.lost]
        found: list[Regression] = []
        judged: list[float] = []
        for region in self._affordable(regions, stamp_s):
            candidate = settle(region)
            regression = candidate.regression
            shown = _shows_one_of(regression, kept)
            if shown or not self._is_face(regression):
                self._no_faces.append((region, stamp_s))
            if not shown:
                kept.append(regression)
                found.append(regression)
                judged.append(candidate.judged)
        lost = [t for t in self._tracks if t.lost]
        sights = _sights(found, [t.regression for t in self._tracks if not t.lost], look)
        since_s = self._waiting_since_s
        patient = since_s is None or stamp_s - since_s < LONGEST_WAIT_S
        possible = [[self._may_be(track, sight, stamp_s) for sight in sights] for track in lost]
        taken = set()
        for track_index, index in _best_pairs(lost, sights, possible, stamp_s, patient):
            apart = not sights[index].touching
            self._take_back(lost[track_index], found[index], stamp_s, apart)
            taken.add(index)
        waits = False
        for index, regression in enumerate(found):
            if index in taken or not self._is_face(regression):
                continue
            # seen upright, somebody new has to be a face to the detector, too
            if self._settings.min_presence > 0 and judged[index] < LEAST_JUDGED_NEW:
                continue
            # Half a face where others were may be a lost one's: it is seen better soon.
            if patient and _may_be_one_of(sights[index], lost, stamp_s):
                waits = True
                continue
            self._add(regression, stamp_s, apart=not sights[index].touching)
        if not waits:
            self._waiting_since_s = None
        elif since_s is None:
            self._waiting_since_s = stamp_s

    def _affordable(self, regions: Sequence[Region], stamp_s: float) -> Sequence[Region]:
        """
        Leave out candidates that there is no place for, before they cost time.

        Where a lost face may be comes first, the nearest of them before the others; what was no
        face just now comes last.
        """
        self._no_faces = [n for n in self._no_faces if stamp_s - n[1] < NO_FACE_S]
        limit = self._settings.max_faces
        if not limit:
            return regions
        lost = [t for t in self._tracks if t.lost]

        def rank(region: Region) -> tuple[bool, float]:
            was_none = any(_same_region(region, none) for none, _ in self._no_faces)
            return was_none, min((_if_in_reach(region, t, stamp_s) for t in lost), default=np.inf)

        return sorted(regions, key=rank)[: max(limit - self._followed(), 0)]

    def _may_be(self, track: Track, sight: _Sight, stamp_s: float) -> bool:
        """
        Tell whether what was found may be a lost face.

        It is a face; or one was in this place just now, and the detector still sees it where the
        regressor doubts it, as it does on profiles.
        """
        regression = sight.regression
        if self._is_face(regression):
            return True
        gap_s = stamp_s - track.seen_s
        return (
            regression.fit_error <= self._settings.max_fit_error
            and gap_s <= STILL_THERE_S
            and _distance_from_way(track, regression.region, gap_s) < SAME_REGION_DISTANCE
            and _or_typical(sight.change_from(track)) <= UNLIKE_LOOK
        )

    def _add(self, regression: Regression, stamp_s: float, apart: bool) -> None:
        smoother = self._new_smoother()
        track = Track(
            self._new_id(), regression, stamp_s, smoother, regression.parameters,
            trusted_s=stamp_s,
        )
        self._accept(track, regression, stamp_s, apart)
        self._tracks.append(track)

    def _followed(self) -> int:
        return sum(not t.lost for t in self._tracks)

    def _has_place(self) -> bool:
        """Tell whether one more face may be followed."""
        limit = self._settings.max_faces
        return not limit or self._followed() < limit

    def is_sure_of_one(self) -> bool:
        """Tell whether a face is followed that is one beyond much doubt."""
        return any(is_sure(t.regression) for t in self._tracks if not t.lost)

    def are_upside_down(self) -> bool:
        """Tell whether most of the faces followed are: the camera hangs."""
        rolls = [t.region.roll_rad for t in self._tracks if not t.lost]
        return 2 * sum(is_upside_down(roll) for roll in rolls) > len(rolls)

    def _forget(self, stamp_s: float) -> None:
        timeout_s = self._settings.track_timeout_s
        self._tracks = [t for t in self._tracks if stamp_s - t.seen_s <= timeout_s]

    def _new_smoother(self) -> FaceSmoother | None:
        return FaceSmoother(self._smoothing) if self._smoothing else None

    def _new_id(self) -> str:
        self._count += 1
        if self._settings.deterministic_ids:
            return f'f{self._count}'
        in_use = {track.id for track in self._tracks}
        while True:
            face_id = ''.join(self._random.choices(string.ascii_lowercase, k=5))
            if face_id not in in_use:
                return face_id


@dataclass(slots=True)
class _Sight:
    """A face in the newest image, its look, and which cells of that no other face covers."""

    regression: Regression
    look: np.ndarray | None = None
    cells: np.ndarray | None = None
    touching: bool = False

    def change_from(self, track: Track) -> float | None:
        """Return how much a track's face would have changed; None where that cannot be told."""
        if self.look is None or track.look is None:
            return None
        return look_distance(self.look, track.look, self.cells)


def _sights(
    faces: Sequence[Regression], others: Sequence[Regression], look: Look | None
) -> list[_Sight]:
    if look is None:
        return [_Sight(face) for face in faces]
    boxes = np.array([f.box for f in (*faces, *others)])
    sights = []
    for face in faces:
        apart = intersection_over_union(face.box, boxes) <= SAME_FACE_IOU
        cells = uncovered_cells(face.region, boxes[apart])
        touching = bool((intersection_over_union(face.box, boxes[apart]) > TOUCHING_IOU).any())
        sights.append(_Sight(face, look(face.region), cells, touching))
    return sights


def _touching(boxes: np.ndarray) -> list[bool]:
    """Tell of each box (N, 4) whether it overlaps another."""
    if len(boxes) < 2:
        return [False] * len(boxes)
    return [
        bool((np.delete(intersection_over_union(box, boxes), index) > TOUCHING_IOU).any())
        for index, box in enumerate(boxes)
    ]


def _surprise(track: Track, sight: _Sight, stamp_s: float) -> float:
    """Return how far a face moved from where it was expected, and how much its look changed."""
    expected = track.region.centre + track.velocity_px_s * (stamp_s - track.seen_s)
    moved = _region_distance(
        sight.regression.region, Region(expected, track.region.side_px, 0.0)
    )
    return moved + LOOK_WEIGHT * _or_typical(sight.change_from(track))


def _expected(track: Track, stamp_s: float) -> Region:
    """Return where to look for a face that moves on as it did; a slow one's region stays."""
    region = track.region
    if not track.apart:
        return region
    step = track.velocity_px_s * (stamp_s - track.seen_s)
    length = float(np.linalg.norm(step)) / region.side_px
    if length < LEAST_STEP:
        return _steady(track.searched, region)
    step *= min(1.0, MOST_STEP / length)
    return replace(region, centre=region.centre + step)


def _steady(searched: Region | None, region: Region) -> Region:
    """Return the region of the last search where the face still is, else its own."""
    if searched is None:
        return region
    shift = np.abs(region.centre - searched.centre).max() / searched.side_px
    turn = abs(math.remainder(region.roll_rad - searched.roll_rad, math.tau))
    stays = (
        shift < STEADY_SHIFT
        and abs(np.log(region.side_px / searched.side_px)) < STEADY_SIZE
        and turn < STEADY_ROLL_RAD
    )
    return replace(searched, turned_rad=region.turned_rad) if stays else region


def _is_doubtful(regression: Regression) -> bool:
    sigma_rad = regression.rotation_sigma_rad
    if sigma_rad is None:
        return regression.fit_error > DOUBTFUL_FIT_ERROR
    return sigma_rad > DOUBTFUL_SIGMA_RAD


def _always(region: Region) -> float:
    return 1.0


def _or_typical(change: float | None) -> float:
    """Take what cannot be told for neither like nor unlike."""
    return LIKE_LOOK if change is None else change


def _region_distance(a: Region, b: Region) -> float:
    """Return distance of centres relative to b's side, plus the ratio of sizes as a logarithm."""
    moved = np.linalg.norm(a.centre - b.centre) / b.side_px
    return float(moved + abs(np.log(a.side_px / b.side_px)))


def _same_region(a: Region, b: Region) -> bool:
    distance = np.linalg.norm(a.centre - b.centre)
    return bool(distance < SAME_REGION_DISTANCE * max(a.side_px, b.side_px))


def _shows_one_of(regression: Regression, others: Sequence[Regression]) -> bool:
    if not others:
        return False
    overlaps = intersection_over_union(regression.box, np.array([o.box for o in others]))
    return bool(overlaps.max() > SAME_FACE_IOU)


def best_of_each(found: Sequence[Regression]) -> list[Regression]:
    """Return, of regressions that show the same face, the one that scores best."""
    kept: list[Regression] = []
    for regression in sorted(found, key=score_of, reverse=True):
        if not _shows_one_of(regression, kept):
            kept.append(regression)
    return kept


def _best_pairs(
    tracks: Sequence[Track],
    sights: Sequence[_Sight],
    possible: Sequence[Sequence[bool]],
    stamp_s: float,
    patient: bool,
) -> list[tuple[int, int]]:
    """
    Pair lost tracks with the found faces they may be, so that the sum of costs is least.

    :param possible: of each track, of each found face: whether it may be it at all
    :param patient: leave those for later who may be one or the other
    """
    if not tracks or not sights:
        return []
    cost = np.array([[_cost(track, sight, stamp_s) for sight in sights] for track in tracks])
    cost[~np.array(possible)] = IMPOSSIBLE
    for index, sight in enumerate(sights):
        if patient and _may_be_several(tracks, sight, stamp_s):
            # half a face that may be either's: it is seen better soon
            cost[:, index] = IMPOSSIBLE
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return [(int(t), int(s)) for t, s in pairs if cost[t, s] < IMPOSSIBLE]


def _may_be_several(tracks: Sequence[Track], sight: _Sight, stamp_s: float) -> bool:
    """Tell whether a face among others is nearly as well one lost one as another."""
    region, costs, doubtful = sight.regression.region, [], sight.touching
    for track in tracks:
        moved = _if_in_reach(region, track, stamp_s)
        if np.isfinite(moved):
            costs.append(moved + LOOK_WEIGHT * _or_typical(sight.change_from(track)))
            doubtful = doubtful or not track.apart
    costs.sort()
    return doubtful and len(costs) > 1 and costs[1] - costs[0] < CLEAR_COST


def _cost(track: Track, sight: _Sight, stamp_s: float) -> float:
    """Return how unlikely it is that a found face is the lost one; IMPOSSIBLE if too much so."""
    lost_s = stamp_s - track.seen_s
    moved = _distance_from_way(track, sight.regression.region, lost_s)
    change = sight.change_from(track)
    reach = REACQUIRE_DISTANCE
    if change is not None:
        alike = float(np.clip((UNLIKE_LOOK - change) / (UNLIKE_LOOK - LIKE_LOOK), 0, 1))
        reach += alike * REACQUIRE_SPEED * lost_s
    # in its old place a face may turn or the light may change; beside others it may be another's
    doubtful = moved > SAME_REGION_DISTANCE or sight.touching or not track.apart
    if moved > reach or (doubtful and change is not None and change > UNLIKE_LOOK):
        return IMPOSSIBLE
    return moved + LOOK_WEIGHT * _or_typical(change)


def _may_be_one_of(sight: _Sight, lost: Sequence[Track], stamp_s: float) -> bool:
    """Tell whether a face, seen badly, may be a lost one though it does not look like it."""
    region = sight.regression.region
    return any(
        t.lost and (sight.touching or not t.apart) and _may_be_at(region, t, stamp_s) for t in lost
    )


def _may_be_at(region: Region, track: Track, stamp_s: float) -> bool:
    lost_s = stamp_s - track.seen_s
    return _distance_from_way(track, region, lost_s) < REACQUIRE_DISTANCE


def _if_in_reach(region: Region, track: Track, stamp_s: float) -> float:
    """Return how far a region is off a lost face's way; infinite where it is out of reach."""
    lost_s = stamp_s - track.seen_s
    moved = _distance_from_way(track, region, lost_s)
    return moved if moved < REACQUIRE_DISTANCE + REACQUIRE_SPEED * lost_s else np.inf


def _distance_from_way(track: Track, region: Region, lost_s: float) -> float:
    """Return the distance to where a lost face would be had it gone on, or stopped on the way."""
    way = track.velocity_px_s * min(lost_s, WAY_S)
    length = float(way @ way)
    from_start = region.centre - track.region.centre
    part = np.clip(from_start @ way / length, 0, 1) if length else 0.0
    nearest = Region(track.region.centre + part * way, track.region.side_px, 0.0)
    return _region_distance(region, nearest)
