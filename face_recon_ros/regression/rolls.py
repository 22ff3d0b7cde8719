# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Which way up a detected face is.

A detector boxes faces at any roll, but the eyes it reports are those of a face that is about
upright: beyond some 100 degrees they are off by a half turn, near 90 degrees now and then by a
quarter. What is found in a crop that is upside down agrees with itself and is wrong. So the roll
of a detection is a hypothesis, compared with its half and quarter turns by two scores: that of
the regressor, and that of an upright detector in the crop. docs/accuracy.md has what each is
worth. The roll of a tracked face is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from face_recon_ros.confidence import (
    BY_OWN_SIGMA,
    confidence,
    out_of_sight_sigma_rad,
    scored_sigma_rad,
)
from face_recon_ros.detection.base import Detection
from face_recon_ros.detection.loader import SHORT_RANGE, load_detector
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.region import Region
from face_recon_ros.rotations import azimuth_seen_rad
from face_recon_ros.tflite import Network

Regress = Callable[[Region], Regression]
Score = Callable[[Region], float]
Locate = Callable[[Region], Region | None]

# The turns of a detection's roll that are tried, and those tried as well where none is sure
FIRST_TURNS_RAD, OTHER_TURNS_RAD = (0.0, math.pi), (math.pi / 2, -math.pi / 2)
# A candidate worth so much is taken without trying the quarter turns
SURE_WORTH = 0.7
# A candidate whose first score is below this part of the best is not refined
RIVAL_PART = 0.2
# While no face scores as much, images are searched upside down as well
SURE_SCORE = 0.7
# A refined region is left for the first one where presence falls by more than this
MOST_PRESENCE_LOST = 0.1
# A region whose roll was off by more than this is refined once more
SETTLED_RAD = 0.25
# Exponent of the detector's score in a candidate's worth, and the least value of that score
UPRIGHT_POWER, UPRIGHT_SCORE_FLOOR = 4, 0.05
# A detection belongs to a crop whose middle it is nearer to than this part of its side
MIDDLE_PART = 0.25
# Side of the crop that the upright detector gets
UPRIGHT_CROP_PX = 192
# Eyes that slope by less in a crop count as level: in profiles they are near each other
LEVEL_RAD = math.radians(15)
# A face rolled by more than this is found better in the image turned by a half
UPSIDE_DOWN_RAD = math.radians(120)


def score_of(regression: Regression) -> float:
    """Return the score 0..1: presence times the probability that the yaw is about right."""
    own = regression.rotation_sigma_rad
    yaw_sigma_rad = None
    if own is not None:
        azimuth_rad = azimuth_seen_rad(regression.parameters.camera_matrix[:, :3])
        calibration = regression.calibration or BY_OWN_SIGMA
        calibrated_rad = calibration.yaw_sigma_rad(azimuth_rad, own)
        yaw_sigma_rad = scored_sigma_rad(calibrated_rad, own)
        if any(regression.out_of_sight):
            unseen_rad = out_of_sight_sigma_rad(regression.out_of_sight)[2]
            yaw_sigma_rad = math.hypot(yaw_sigma_rad, unseen_rad)
    return confidence(regression.presence, regression.fit_error, yaw_sigma_rad)


def _score_of_roll(regression: Regression) -> float:
    """
    Return the score of a face as if all of it were in sight.

    At a wrong roll a face that the image cuts seems to lie in what is seen of it.
    """
    presence = regression.presence_if_whole
    if presence is None:
        return score_of(regression)
    return score_of(replace(regression, presence=presence, out_of_sight=(0.0, 0.0)))


class UprightDetector:
    """The shipped short-range detector on the crop of a face; whichever finds the faces."""

    def __init__(self, threads: int = 1, loaded: dict[str, Network] | None = None) -> None:
        """Load it; `loaded` as load_detector() takes it."""
        self._detector = load_detector(SHORT_RANGE, UPRIGHT_SCORE_FLOOR, threads, loaded)

    def __call__(self, image: np.ndarray, region: Region) -> float:
        """
        Return its score 0..1 of the face in the middle of a region, less where the eyes slope.

        :param image: (H, W, 3) uint8 BGR
        """
        found, _ = self._best(image, region)
        return found.score * _upright_part(found) if found else 0.0

    def locate(self, image: np.ndarray, region: Region) -> Region | None:
        """Return where the detector sees the face in the middle of a region; None: nowhere."""
        found, image_from_crop = self._best(image, region)
        if found is None:
            return None
        seen = Region.from_detection(found)
        return Region(
            image_from_crop[:, :2] @ seen.centre + image_from_crop[:, 2],
            seen.side_px * region.side_px / UPRIGHT_CROP_PX,
            seen.roll_rad + region.roll_rad,
        )

    def _best(self, image: np.ndarray, region: Region) -> tuple[Detection | None, np.ndarray]:
        rgb, image_from_crop = cut(image, region, UPRIGHT_CROP_PX, continued=True)
        middle, reach = (UPRIGHT_CROP_PX - 1) / 2, MIDDLE_PART * UPRIGHT_CROP_PX
        found = [
            d
            for d in self._detector(np.ascontiguousarray(rgb[..., ::-1]))
            if np.hypot(*(d.box.reshape(2, 2).mean(axis=0) - middle)) < reach
        ]
        best = max(found, key=lambda d: d.score * _upright_part(d), default=None)
        return best, image_from_crop


def _upright_part(detection: Detection) -> float:
    """Return 1 for eyes about level, less the more they slope."""
    if detection.eyes is None:
        return 1.0
    right, left = detection.eyes
    slope_rad = abs(math.atan2(left[1] - right[1], left[0] - right[0]))
    return max(0.0, math.cos(max(slope_rad - LEVEL_RAD, 0.0)))


@dataclass(slots=True, frozen=True)
class Candidate:
    """A face at a roll, and the upright detector's score of it there, 0..1."""

    regression: Regression
    upright_score: float

    @property
    def worth(self) -> float:
        """How much there is for this roll."""
        upright = max(self.upright_score, UPRIGHT_SCORE_FLOOR)
        return _score_of_roll(self.regression) * upright**UPRIGHT_POWER


def is_sure(regression: Regression) -> bool:
    """Tell whether a face is one, and the right way up, with high confidence."""
    return score_of(regression) >= SURE_SCORE


def find_roll(
    region: Region,
    regress: Regress,
    refine: Regress,
    upright_score: Score,
    locate: Locate | None = None,
) -> Candidate:
    """
    Return the face in a detector's region at the roll that is worth most.

    :param regress: finds the face in a region
    :param refine: the face in the region where regress has just found it
    :param upright_score: returns the upright detector's score of a region, 0..1
    :param locate: where the detector sees the face in a region; asked where no roll is sure
    """
    first = [regress(_turned(region, turn)) for turn in FIRST_TURNS_RAD]
    best = _best(first, 0.0, refine, upright_score)
    if best.worth >= SURE_WORTH:
        return best
    others = [regress(_turned(region, turn)) for turn in OTHER_TURNS_RAD]
    other = _best(others, _score_of_roll(best.regression), refine, upright_score)
    best = max(best, other, key=lambda c: c.worth)
    if best.worth >= SURE_WORTH or locate is None:
        return best
    # of a face about upright the detector's eyes are right, and the roll with them
    seen = locate(best.regression.region)
    if seen is None:
        return best
    again = _scored(_refined(regress(seen), refine), upright_score)
    return max(best, again, key=lambda c: c.worth)


def _scored(regression: Regression, upright_score: Score) -> Candidate:
    return Candidate(regression, upright_score(regression.region))


def _best(
    first: Sequence[Regression], rival: float, refine: Regress, upright_score: Score
) -> Candidate:
    """Return the best of first regressions; those that a rival far outscores are not refined."""
    scores = [_score_of_roll(f) for f in first]
    least = RIVAL_PART * max(*scores, rival)
    candidates = []
    for regression, score in zip(first, scores, strict=True):
        if score < least:
            candidates.append(Candidate(regression, 0.0))
        else:
            candidates.append(_scored(_refined(regression, refine), upright_score))
    return max(candidates, key=lambda c: c.worth)


def _refined(first: Regression, refine: Regress) -> Regression:
    """Regress again in the region of the landmarks, which is better than the detector's."""
    second = refine(first.region)
    turned_rad = math.remainder(second.region.roll_rad - first.region.roll_rad, math.tau)
    if abs(turned_rad) > SETTLED_RAD:
        second = refine(second.region)
    return first if first.presence > second.presence + MOST_PRESENCE_LOST else second


def _turned(region: Region, turn_rad: float) -> Region:
    return Region(region.centre, region.side_px, region.roll_rad + turn_rad)


def is_upside_down(roll_rad: float) -> bool:
    """Tell whether a face of this roll is nearer to a half turn than the detector likes."""
    return abs(math.remainder(roll_rad, math.tau)) > UPSIDE_DOWN_RAD


def detect_upside_down(
    detect: Callable[[np.ndarray], list[Detection]], image: np.ndarray
) -> list[Detection]:
    """Return what a detector finds in an image (H, W, 3) turned by a half, in its own pixels."""
    found = detect(cv2.rotate(image, cv2.ROTATE_180))
    last = np.array(image.shape[1::-1]) - 1.0
    return [
        Detection(
            box=np.concatenate([last - d.box[2:], last - d.box[:2]]),
            score=d.score,
            eyes=None if d.eyes is None else last - d.eyes,
        )
        for d in found
    ]
