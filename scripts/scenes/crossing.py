# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
People cut out of photos who walk across each other: images with known truth of who is where.

The one in front covers the others. Everything is a function of time, so a scene is the same every
time it is played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from face_recon_ros.pipeline import Pipeline

RATE_HZ = 30
WIDTH, HEIGHT = 640, 360
FACE_PX = 76.0
# A face seen by more than this part counts as there to be found, by less than that as hidden
SEEN, HIDDEN = 0.95, 0.3

Path = Callable[[float], float]


class Cutout:
    """Head and shoulders of the one face in a photo, scaled to a face of FACE_PX width."""

    def __init__(
        self,
        pipeline: Pipeline,
        photo: np.ndarray,
        stretch: float = 1.0,
        tone: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> None:
        """
        Cut out of a photo the face that is found best in it.

        :param stretch: makes the face wider or narrower, :param tone: multiplies blue, green, red:
            so that one photo makes several people
        """
        (face,) = pipeline.detect(photo)[:1]
        x0, y0, x1, y1 = face.box
        scale = FACE_PX / (x1 - x0)
        middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        self._half = np.array([1.45 * FACE_PX, 1.5 * FACE_PX])
        width, height = (int(2 * v) for v in self._half)
        diagonal = np.array([scale * stretch, scale])
        place = self._half - diagonal * middle
        matrix = np.column_stack([np.diag(diagonal), place])
        self._pixels = cv2.warpAffine(
            photo, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
        )
        self._pixels = np.clip(self._pixels * np.array(tone), 0, 255).astype(np.uint8)
        alpha = np.zeros((height, width), np.uint8)
        x, y = (int(v) for v in self._half)
        head = (int(0.62 * FACE_PX * stretch), int(0.86 * FACE_PX))
        cv2.ellipse(alpha, (x, int(y - 0.12 * FACE_PX)), head, 0, 0, 360, 255, -1, cv2.LINE_AA)
        shoulders = (int(1.3 * FACE_PX), int(0.95 * FACE_PX))
        cv2.ellipse(alpha, (x, height), shoulders, 0, 180, 360, 255, -1, cv2.LINE_AA)
        self._alpha = alpha[..., None] / np.float32(255)
        self._face = np.zeros((height, width), bool)
        self._face[y - int(FACE_PX / 2) : y + int(FACE_PX / 2),
                   x - int(FACE_PX / 2) : x + int(FACE_PX / 2)] = True

    def paste(self, image: np.ndarray, owner: np.ndarray, index: int, at: np.ndarray) -> int:
        """Draw with the face's middle at a pixel, note whose face it is; return its pixels."""
        left, top = np.round(at - self._half).astype(int)
        height, width = self._alpha.shape[:2]
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, WIDTH), min(top + height, HEIGHT)
        if x0 >= x1 or y0 >= y1:
            return int(self._face.sum())
        own = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        there = (slice(y0, y1), slice(x0, x1))
        alpha = self._alpha[own]
        image[there] = (alpha * self._pixels[own] + (1 - alpha) * image[there]).astype(np.uint8)
        owner[there][alpha[..., 0] > 0.5] = -1
        owner[there][self._face[own]] = index
        return int(self._face.sum())


@dataclass(frozen=True, slots=True)
class Person:
    """A cutout on its way; those later in a scene's list are nearer and cover the others."""

    cutout: Cutout
    x: Path
    y: float = 190.0


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a person's face is (2,) px, and what part of it can be seen, 0..1."""

    place: np.ndarray
    visible: float


def walk(*stations: tuple[float, float]) -> Path:
    """Return a walk through (time_s, x_px), at even speed between them."""
    times, places = zip(*stations, strict=True)
    return lambda time_s: float(np.interp(time_s, times, places))


def background() -> np.ndarray:
    """Return a grey wall with soft blotches (HEIGHT, WIDTH, 3)."""
    coarse = np.random.default_rng(0).integers(150, 190, (6, 10), np.uint8)
    wall = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(wall, cv2.COLOR_GRAY2BGR)


def play(
    people: Sequence[Person], duration_s: float, rate_hz: float = RATE_HZ
) -> Iterator[tuple[float, np.ndarray, list[Sight]]]:
    """Yield time, image and what there is to see of each person."""
    wall = background()
    for frame in range(int(duration_s * rate_hz)):
        time_s = frame / rate_hz
        image = wall.copy()
        owner = np.full((HEIGHT, WIDTH), -1)
        places = [np.array([p.x(time_s), p.y]) for p in people]
        sizes = [
            person.cutout.paste(image, owner, index, place)
            for index, (person, place) in enumerate(zip(people, places, strict=True))
        ]
        yield time_s, image, [
            Sight(place, float((owner == index).sum() / size))
            for index, (place, size) in enumerate(zip(places, sizes, strict=True))
        ]


@dataclass(slots=True)
class Outcome:
    """
    What became of the ids in a scene.

    ids: of each person, those first given to it. swaps: times an id turned up on another person
    than its first; images in which two faces lie half over each other are left out, as a report
    there may be of either. events: those in words. new_ids: ids given to somebody who had one.
    false_positives: faces reported where none can be seen. reacquired_images: of each return into
    full sight, images until it was reported. unseen: images with a face in full sight that was
    not reported (those after a return left out).
    """

    ids: list[list[str]]
    swaps: int = 0
    new_ids: int = 0
    false_positives: int = 0
    unseen: int = 0
    reacquired_images: list[int] = field(default_factory=list)
    events: list[str] = field(default_factory=list)


def evaluate(
    people: Sequence[Person],
    duration_s: float,
    pipeline: Pipeline,
    rate_hz: float = RATE_HZ,
) -> Outcome:
    """Play a scene through a pipeline and hold its ids against the truth."""
    outcome = Outcome([[] for _ in people])
    owner: dict[str, int] = {}
    now: dict[str, int] = {}
    waiting: list[int | None] = [0] * len(people)
    for time_s, image, sights in play(people, duration_s, rate_hz):
        reported = [False] * len(people)
        for face in pipeline.track(image, stamp_s=time_s):
            middle = face.box.reshape(2, 2).mean(axis=0)
            who = _whose(middle, sights)
            if who is None:
                outcome.false_positives += 1
                continue
            reported[who] = True
            if _entangled(who, sights):
                continue
            first = owner.setdefault(face.id, who)
            if who != first and now.get(face.id) != who:
                outcome.swaps += 1
                outcome.events.append(f'{time_s:.2f} s: {face.id} of {first} on {who}')
            now[face.id] = who
            if first == who and face.id not in outcome.ids[who]:
                outcome.ids[who].append(face.id)
        for who, sight in enumerate(sights):
            waited = waiting[who]
            if sight.visible < HIDDEN:
                waiting[who] = 0
            elif reported[who]:
                if waited is not None and sight.visible > SEEN:
                    outcome.reacquired_images.append(waited)
                waiting[who] = None if sight.visible > SEEN else waited
            elif sight.visible > SEEN:
                if waited is None:
                    outcome.unseen += 1
                else:
                    waiting[who] = waited + 1
    outcome.new_ids = sum(max(len(ids) - 1, 0) for ids in outcome.ids)
    return outcome


def _whose(middle: np.ndarray, sights: Sequence[Sight]) -> int | None:
    distances = [
        float(np.linalg.norm(s.place - middle)) if s.visible > 0.1 else np.inf for s in sights
    ]
    nearest = int(np.argmin(distances))
    return nearest if distances[nearest] < 0.5 * FACE_PX else None


def _entangled(who: int, sights: Sequence[Sight]) -> bool:
    """Tell whether half of another's face lies too near for a report to be surely this one's."""
    return any(
        0.1 < other.visible < SEEN
        and np.linalg.norm(other.place - sights[who].place) < 0.6 * FACE_PX
        for index, other in enumerate(sights)
        if index != who
    ) and sights[who].visible < SEEN


# long: a table of the scenes
def scenes(cutouts: Sequence[Cutout]) -> Mapping[str, tuple[list[Person], float]]:
    """Return scenes of two or three people by name, and how long each lasts in seconds."""
    a, b, c = cutouts[:3]
    left, middle, right = 100.0, 320.0, 540.0
    out = -120.0

    def person(cutout: Cutout, *stations: tuple[float, float]) -> Person:
        return Person(cutout, walk(*stations))

    stands = ((0, middle),)
    goes_right, goes_left = ((0, left), (3, right)), ((0, right), (3, left))
    slowly_right = ((0, left), (4, right))
    comes = ((0, left), (1, middle), (2, middle))
    comes_too = ((0, right), (1, middle), (2, middle))
    hides, hides_too = (
        ((0, left), (1, middle - 20), (2, middle - 20)),
        ((0, right), (1, middle + 20), (2, middle + 20)),
    )
    return {
        'pass': ([person(a, *goes_right), person(b, *goes_left)], 3.0),
        'pass quickly': (
            [person(a, (0.5, left), (1.5, right)), person(b, (0.5, right), (1.5, left))],
            2.5,
        ),
        'walk behind one who stands': ([person(a, *slowly_right), person(b, *stands)], 4.0),
        'walk before one who stands': ([person(b, *stands), person(a, *slowly_right)], 4.0),
        'stop behind and go on': (
            [person(a, *comes, (3, right)), person(b, *comes_too, (3, left))],
            3.5,
        ),
        'stop behind and turn back': (
            [person(a, *comes, (3, left)), person(b, *comes_too, (3, right))],
            3.5,
        ),
        'turn back and take the other along': (
            [person(a, *comes, (3, left)), person(b, *comes_too, (3, left - 90))],
            3.5,
        ),
        'overtake': (
            [person(a, *slowly_right), person(b, (0, left + 130), (4, right - 150))],
            4.0,
        ),
        'three pass': ([person(a, *goes_right), person(b, *stands), person(c, *goes_left)], 3.0),
        'two behind one': (
            [person(a, *hides, (3, right)), person(b, *hides_too, (3, left)), person(c, *stands)],
            3.5,
        ),
        'two behind one turn back': (
            [person(a, *hides, (3, left)), person(b, *hides_too, (3, right)), person(c, *stands)],
            3.5,
        ),
        'leave and return': (
            [person(a, (0, left), (1, out), (1.2, out), (2.2, left)), person(b, *stands)],
            3.0,
        ),
        'leave and return by the other side': (
            [
                person(a, (0, left), (1, out), (2, WIDTH - out), (3, right)),
                person(b, *stands),
            ],
            3.5,
        ),
        'leave for long and return': (
            [person(a, (0, left), (1, out), (4, out), (5, left)), person(b, *stands)],
            5.5,
        ),
        'leave together and return changed over': (
            [
                person(a, (0, left + 90), (1, out), (2, out - 90), (3, left)),
                person(b, (0, left + 230), (1, out + 60), (1.3, out), (1.8, out), (3, left + 160)),
            ],
            3.5,
        ),
    }


def sample_people(pipeline: Pipeline, photo: np.ndarray) -> list[Cutout]:
    """Return three people made of one portrait: narrower and darker, wider and lighter."""
    return [
        Cutout(pipeline, photo),
        Cutout(pipeline, np.ascontiguousarray(photo[:, ::-1]), 0.85, (0.55, 0.6, 0.7)),
        Cutout(pipeline, photo, 1.12, (0.8, 0.95, 1.15)),
    ]
