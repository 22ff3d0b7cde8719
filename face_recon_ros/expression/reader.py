# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The expressions of the faces of an image: read, held against each person's rest, smoothed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from face_recon_ros.equality import ComparedByValue
from face_recon_ros.expression import units
from face_recon_ros.expression.crop import expression_region
from face_recon_ros.expression.looks import with_gaze, with_openness
from face_recon_ros.expression.network import ExpressionNetwork
from face_recon_ros.expression.neutral import Neutral
from face_recon_ros.expression.sight import LEAST_IN_SIGHT, parts_in_sight, sureness
from face_recon_ros.expression.speaking import SpeakingDetector, mouth_opening_m
from face_recon_ros.expression.units import nothing_known, unknown
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.regression.mirror_looks import MirrorLooks
from face_recon_ros.rotations import azimuth_seen_rad
from face_recon_ros.tracking.smoothing import OneEuroSettings, OneEuroVector

# The far side of a face is hidden from the first turn on, and not seen from the second on
FAR_SIDE_RAD = (np.radians(30.0), np.radians(60.0))
# Faces that look farther away than this from the camera are not read
FARTHEST_TURN_RAD = math.radians(65.0)
# Of units that were not seen to move in photos with labels only this part is believed
PROVEN = np.where(np.isin(units.NAMES, units.SEEN_IN_PHOTOS), 1.0, 0.5)
# A still face's coefficients tremble by hundredths; a blink takes a tenth of a second
SMOOTHING = OneEuroSettings(min_cutoff_hz=3.0, beta=3.0)
# Looks that the error to one side is learnt from: longer than a blink or a word, which change from
# one look to the next, too
LOOKS_MEANT = 30
# Longest step that smoothing goes on over, and the shortest that a speed is worked out of
GAP_S, LEAST_STEP_S = 0.5, 1e-3
# What was learnt of a person goes with the id; ids not seen for so long are forgotten
FORGET_S = 60.0


@dataclass(slots=True, frozen=True, eq=False)
class Expression(ComparedByValue):
    """
    What a face shows.

    blendshapes (52,): 0..1, in the order of units.NAMES. confidence (52,): 0..1, how well each is
    known. speaking: 0..1, how surely the person speaks. NaN: not known.
    """

    blendshapes: np.ndarray = field(default_factory=unknown)
    confidence: np.ndarray = field(default_factory=nothing_known)
    speaking: float = math.nan

    def of_face(self) -> dict[str, Any]:
        """Return the fields of a Face that it is."""
        return {
            'blendshapes': self.blendshapes,
            'blendshape_confidence': self.confidence,
            'speaking': self.speaking,
        }

    def with_eyes(
        self, openness: np.ndarray, gaze: np.ndarray | None, sigma_rad: float
    ) -> Expression:
        """
        Return it with what the eyes' own network sees, see looks.py.

        :param gaze: (3,) in the face frame; None: not measured
        """
        if not np.isfinite(self.blendshapes).all():
            return self
        values, confidence = with_openness(self.blendshapes, openness), self.confidence
        if gaze is not None:
            values, confidence = with_gaze(values, confidence, gaze, sigma_rad)
        return replace(self, blendshapes=values, confidence=confidence)


@dataclass(slots=True)
class _Person:
    neutral: Neutral = field(default_factory=Neutral)
    speaking: SpeakingDetector = field(default_factory=SpeakingDetector)
    looks: MirrorLooks = field(default_factory=partial(MirrorLooks, LOOKS_MEANT))
    filter: OneEuroVector | None = None
    seen_s: float = -math.inf


class ExpressionReader:
    """Reads expressions; remembers the people of a stream."""

    def __init__(self, model: FaceModel, threads: int = 1) -> None:
        """:raises ModelFileError: a file of models/ cannot be used."""
        self._network = ExpressionNetwork(model, threads)
        self._people: dict[str, _Person] = {}

    def reset(self) -> None:
        """Forget everybody."""
        self._people.clear()

    def forget(self, now_s: float) -> None:
        """Forget who was not seen for a while."""
        gone = [i for i, p in self._people.items() if not now_s - p.seen_s < FORGET_S]
        for face_id in gone:
            del self._people[face_id]

    def __call__(
        self,
        image: np.ndarray,
        face_id: str,
        found: FaceParameters,
        stamp_s: float | None,
        smooth: bool,
    ) -> Expression:
        """Return a face's expression: of a photo (no stamp), or of a stream's image."""
        if stamp_s is None:
            return self.still(image, found)
        return self.follow(image, face_id, found, stamp_s, smooth)

    def still(self, image: np.ndarray, found: FaceParameters) -> Expression:
        """Return the expression of a face in a photo; nothing is remembered."""
        in_sight = parts_in_sight(expression_region(found), image)
        if not _is_readable(found, in_sight):
            return Expression()
        seen = self._network(image, found, in_mirror=True)
        return Expression(seen.values, _confidence(seen.known, found, in_sight))

    def follow(
        self,
        image: np.ndarray,
        face_id: str,
        found: FaceParameters,
        stamp_s: float,
        smooth: bool = True,
    ) -> Expression:
        """
        Return the expression of a face in the next image of a stream.

        :param found: of this image, not smoothed: the crop follows them
        """
        person = self._people.setdefault(face_id, _Person())
        step_s, person.seen_s = stamp_s - person.seen_s, stamp_s
        in_sight = parts_in_sight(expression_region(found), image)
        if not _is_readable(found, in_sight):
            person.filter = None
            return Expression()
        is_whole = bool(in_sight.min() == 1)
        seen = self._network.follow(image, found, person.looks, stamp_s)
        values = person.neutral(seen.values, stamp_s, learn=is_whole)
        if person.filter is None or not 0 <= step_s <= GAP_S:
            person.filter = OneEuroVector(SMOOTHING)
        if smooth:
            values = np.clip(person.filter(values, max(step_s, LEAST_STEP_S)), 0.0, 1.0)
        # a mouth at the edge of the image seems to move as the edge does
        speaks = person.speaking(mouth_opening_m(seen.values), stamp_s) if is_whole else math.nan
        return Expression(values, _confidence(seen.known, found, in_sight), speaks)


def _is_readable(found: FaceParameters, in_sight: np.ndarray) -> bool:
    """Tell whether enough of a face is seen: it is not turned away, nor beyond the image."""
    is_turned_away = found.model_rotation[2, 2] < math.cos(FARTHEST_TURN_RAD)
    return not is_turned_away and bool(in_sight.mean() >= LEAST_IN_SIGHT)


def _confidence(
    known: np.ndarray, found: FaceParameters, in_sight: np.ndarray
) -> np.ndarray:
    """
    Return how well each unit is known (52,).

    Less on the side that the head turns away, and of what the image cuts off (in_sight).
    """
    yaw_rad = azimuth_seen_rad(found.model_rotation)
    start, end = FAR_SIDE_RAD
    seen_part = min(max((end - abs(yaw_rad)) / (end - start), 0.0), 1.0)
    # turned to image right, the person's left side is the far one
    far = units.ON_THE_LEFT if yaw_rad > 0 else units.ON_THE_RIGHT
    return np.asarray(np.where(far, seen_part, 1.0) * PROVEN * known * sureness(in_sight))
