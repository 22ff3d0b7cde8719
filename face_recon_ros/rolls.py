"""
Which way up a detected face is.

A detector boxes faces at any roll, but the eyes it reports are those of a face that is about
upright: beyond some 100 degrees they are off by a half turn, near 90 degrees now and then by a
quarter. What is found in a crop that is upside down agrees with itself and is wrong. So the roll
of a detection is a hypothesis, held against others by the score of what is found (docs/accuracy.md
has figures; presence alone does not tell). The roll of a face that is followed is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from face_recon_ros.confidence import confidence, rotation_sigma_rad
from face_recon_ros.detection import Detection
from face_recon_ros.pose import face_rotation
from face_recon_ros.regression import Region, Regression

Regress = Callable[[Region], Regression]

# The turns of a detection's roll that are tried, and those tried as well where these score low
FIRST_TURNS_RAD, OTHER_TURNS_RAD = (0.0, math.pi), (math.pi / 2, -math.pi / 2)
LOW_SCORE = 0.9
# What scores less than this part of the best at first sight is not looked at again
WORTH_PART = 0.3
# A refined region is left for the first one where presence falls by more than this
MOST_PRESENCE_LOST = 0.1
# A face rolled by more than this is found better in the image turned by a half
UPSIDE_DOWN_RAD = math.radians(120)


def score_of(regression: Regression) -> float:
    """Return the score 0..1: presence times the probability that the yaw is about right."""
    own = regression.rotation_sigma_rad
    yaw_sigma_rad = None
    if own is not None:
        rotation = face_rotation(regression.parameters)
        yaw_sigma_rad = float(rotation_sigma_rad(rotation, regression.fit_error, own)[2])
    return confidence(regression.presence, regression.fit_error, yaw_sigma_rad)


def find_roll(region: Region, regress: Regress, refine: Regress) -> Regression:
    """
    Return the face in a detector's region at the roll at which it scores best.

    :param regress: the face in a region, at first sight
    :param refine: the face in the region where regress has just found it
    """
    best = _best([_turned(region, turn) for turn in FIRST_TURNS_RAD], regress, refine)
    if score_of(best) >= LOW_SCORE:
        return best
    others = [_turned(region, turn) for turn in OTHER_TURNS_RAD]
    return max(best, _best(others, regress, refine, score_of(best)), key=score_of)


def _best(
    regions: Sequence[Region], regress: Regress, refine: Regress, rival: float = 0.0
) -> Regression:
    """Return the best of what is found in regions; refined only if it may beat the rival."""
    first = sorted((regress(region) for region in regions), key=score_of, reverse=True)
    worth = WORTH_PART * max(score_of(first[0]), rival)
    seen = [_refined(f, refine) for f in first if score_of(f) >= worth]
    return max(seen or first, key=score_of)


def _refined(first: Regression, refine: Regress) -> Regression:
    """Look again where the landmarks are, which is better than where the detector says."""
    second = refine(first.region)
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
