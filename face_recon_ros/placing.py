# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
From what is found in the image to a face in space: the last step of the way of the data.

Without depth the distance follows from an assumed size of the head; with a depth image from what
was measured on the skin.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.confidence import out_of_sight_covariance
from face_recon_ros.depth_alignment import PRIOR_GROWTH, Aligned, DepthAligner, Refused
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.depth_lag import LAGS_S, DepthLag
from face_recon_ros.depth_report import DepthReport
from face_recon_ros.errors import GeometryError
from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.limbus import LASTING_SIGMA, ONE_IMAGE_SIGMA, iris_distance
from face_recon_ros.face import DistanceSource, Face
from face_recon_ros.face_changes import predicted, resized, source_of
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.head_size import HeadSize
from face_recon_ros.late_depth import moved, without_prior
from face_recon_ros.person import Person
from face_recon_ros.pose import MetricPose, face_rotation, points_in_camera
from face_recon_ros.pose_solver import PoseSolver
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.rolls import score_of
from face_recon_ros.rotations import rotation_matrix, rotation_to, rotation_vector
from face_recon_ros.tracking.smoothing import (
    OneEuroSettings,
    OneEuroVector,
    SmoothingSettings,
)

# What depth adds to a rotation changes slowly: the network's error for this head, this way turned
CORRECTION_CUTOFF_HZ, CORRECTION_BETA = 0.7, 2.0
# Doubled images have no time between them
LEAST_STEP_S = 1e-3
# How far a depth image lies beside the colour image changes with neither faces nor time: so fast
# is it followed, and so much of it is left out for want of better knowledge
SHIFT_TIME_S, SHIFT_LEAK = 0.5, 0.1
# Depth is aligned to images of another age where that is off by more
NEW_DELAY_S = 0.02
# Irises are looked at again after so long where they could not be measured
IRIS_AGAIN_S = 0.1
# The size of a head goes with its id; ids not seen for so long are forgotten
FORGET_S = 60.0
# Newest faces that a report is about
REPORTED = 100


class Placer:
    """Makes faces of regressions; remembers the heads of a stream."""

    def __init__(
        self, model: FaceModel, assumed_scale: float, smoothing: SmoothingSettings | None
    ) -> None:
        self._model = model
        self._solver = PoseSolver(model.landmarks_68)
        self._aligner: DepthAligner | None = None
        self._people: dict[str, Person] = {}
        self._refusals: list[str] = []
        self._used: list[tuple[float, float, float, float]] = []
        self._shift_px, self._shift_s = np.zeros(2), -math.inf
        self._lag, self._delayed_s = DepthLag(), 0.0
        self.configure(assumed_scale, smoothing)

    def configure(self, assumed_scale: float, smoothing: SmoothingSettings | None) -> None:
        """Assume another size of heads, or smooth otherwise; what was measured stays."""
        for person in self._people.values():
            person.size.assume(assumed_scale)
        self._assumed_scale, self._smoothing = assumed_scale, smoothing

    def reset(self) -> None:
        """Forget everybody."""
        self._people.clear()
        self._shift_px, self._shift_s = np.zeros(2), -math.inf
        self._lag, self._delayed_s = DepthLag(), 0.0

    def report(self) -> DepthReport:
        """Return what depth did for the faces placed since the last call."""
        used, refusals = self._used, tuple(self._refusals)
        self._used, self._refusals = [], []
        if not used:
            return DepthReport(0, refusals, late_s=self._lag.late_s)
        valid, residual_m, x_px, y_px = np.mean(used, axis=0).tolist()
        return DepthReport(
            len(used), refusals, valid, residual_m, x_px, y_px, self._lag.late_s
        )

    def head_scale(self, face_id: str) -> float:
        """Return the size that the head of an id has, relative to the face model's."""
        person = self._people.get(face_id)
        return person.size.scale if person else self._assumed_scale

    def place(
        self,
        face_id: str,
        regression: Regression,
        parameters: FaceParameters,
        camera: Camera,
        stamp_s: float | None = None,
        depth: DepthImage | None = None,
        growth: np.ndarray | None = None,
    ) -> Face | None:
        """
        Return the face; None where no pose follows from what was found.

        :param stamp_s: of a stream's image; None: of a photo, of which nothing is remembered
        :param depth: registered to the image; None: there is none
        :param growth: (4,) Motion.growth of a face that waits or is held; None: it was found
        """
        if not np.isfinite(regression.fit_error):
            return None
        person = self._person(face_id, stamp_s)
        face = self._by_assumption(face_id, regression, parameters, camera, person)
        if face is None:
            return None
        if growth is not None:
            face = predicted(face, regression, camera, growth)
        with_depth = depth is not None or self._aligner is not None
        if with_depth and stamp_s is not None and growth is None:
            person.turning.add(stamp_s, face.pose.rotation)
            person.before.add(stamp_s, face)
        if depth is not None and growth is None:
            face = self._by_depth(face, camera, depth, person, stamp_s)
        elif person.size.measured and stamp_s is not None:
            face = self._remembered(face, person, stamp_s)
        return face

    def with_iris(
        self, image: np.ndarray, face: Face, camera: Camera, stamp_s: float | None = None
    ) -> Face:
        """
        Return a face whose irises tell its distance, too, where no depth does.

        :param image: (H, W, 3) uint8 BGR that the face, with its eyes, was found in
        """
        measured = face.distance_source == DistanceSource.DEPTH
        # the eyes of a face that was not looked at are not where they are remembered
        if face.eyes is None or measured or face.predicted:
            return face
        person = self._people.get(face.id) if stamp_s is not None else None
        if person is None:
            person = Person(HeadSize(self._assumed_scale), 0.0)
        now_s = stamp_s or 0.0
        if not person.size.iris_due or 0 <= now_s - person.iris_s < IRIS_AGAIN_S:
            return face
        person.iris_s = now_s
        found_m = iris_distance(image, face.eyes, camera)
        if found_m is None:
            return face
        eyes_m = np.linalg.norm(face.landmarks_m[CORNERS_68].mean(axis=(0, 1)) - camera.position_m)
        before = person.size.sigma
        person.size.measure_iris(
            face.head_scale * found_m / float(eyes_m), ONE_IMAGE_SIGMA, LASTING_SIGMA
        )
        return resized(face, camera, person.size, before)

    def forget(self, now_s: float) -> None:
        """Forget who was not seen for a while."""
        gone = [i for i, p in self._people.items() if not now_s - p.seen_s < FORGET_S]
        for face_id in gone:
            del self._people[face_id]

    def _person(self, face_id: str, stamp_s: float | None) -> Person:
        if stamp_s is None:
            return Person(HeadSize(self._assumed_scale), 0.0)
        person = self._people.get(face_id)
        if person is None:
            person = self._people[face_id] = Person(HeadSize(self._assumed_scale), stamp_s)
        person.size.predict(stamp_s - person.seen_s)
        person.shape.predict(stamp_s - person.seen_s)
        person.seen_s = stamp_s
        return person

    def _by_assumption(
        self,
        face_id: str,
        regression: Regression,
        parameters: FaceParameters,
        camera: Camera,
        person: Person,
    ) -> Face | None:
        """Return the face as the image and the size that the head seems to have say."""
        scale, own = person.apparent_scale(person.seen_s), regression.rotation_sigma_rad
        try:
            solved = self._solver(
                parameters,
                camera,
                regression.fit_error,
                own,
                regression.calibration,
                scale,
                person.size.sigma,
            )
        except GeometryError:
            return None
        unseen = out_of_sight_covariance(solved.pose, camera, regression.out_of_sight)
        return Face(
            id=face_id,
            score=score_of(regression),
            fit_error=regression.fit_error,
            box=regression.box,
            parameters=parameters,
            rotation=face_rotation(parameters),
            pose=solved.pose,
            pose_covariance=solved.covariance + unseen,
            landmarks_px=solved.landmarks_px,
            landmarks_m=solved.landmarks_m,
            head_scale=scale,
            rotation_sigma_rad=own,
            distance_source=source_of(person.size),
        )

    def _by_depth(
        self,
        face: Face,
        camera: Camera,
        depth: DepthImage,
        person: Person,
        stamp_s: float | None,
    ) -> Face:
        """Return the face as its depth says; as it is where its depth cannot be used."""
        if self._aligner is None:
            self._aligner = DepthAligner(self._model)
        person.shape.take(face.parameters.shape)
        sigma = person.size.sigma
        delay_s = 0.0 if stamp_s is None else self._delay_s(person)
        then = face if stamp_s is None else person.before.at(stamp_s - delay_s)
        found = self._aligner(
            then.parameters,
            then.pose,
            then.pose_covariance,
            then.head_scale,
            camera,
            depth,
            np.asarray(person.shape.value),
            self._shift_px if stamp_s is not None and delay_s == self._delayed_s else None,
            person.size.news,
        )
        if isinstance(found, Aligned) and stamp_s is not None:
            self._compare_sizes(person, found, then, stamp_s)
        found = self._believed(person, person.agreeing(found))
        if isinstance(found, Refused):
            self._note(found.reason)
            person.missed()
            if stamp_s is None:
                return face
            if face.distance_source == DistanceSource.DEPTH and not person.size.measured:
                # what it was placed by is forgotten
                return resized(face, camera, person.size, sigma)
            return self._remembered(face, person, stamp_s)
        self._note(found, camera)
        turn = rotation_vector(found.pose.rotation @ then.pose.rotation.T)
        part, doubt = 1.0, 0.0
        if stamp_s is not None:
            person.seemed_to_be(found.apparent_scale, stamp_s)
            if delay_s == self._delayed_s:
                self._follow_shift(stamp_s)
            turn, part = self._turn(face, then, found, person, stamp_s, delay_s, turn)
            lately = person.before.log_distances()
            doubt = 0.0 if lately is None else self._lag.spread(lately, delay_s)
        at_present = moved(found, then, face)
        return self._measured(face, at_present, turn, person.size.scale, part, doubt)

    def _turn(
        self,
        face: Face,
        then: Face,
        found: Aligned,
        person: Person,
        stamp_s: float,
        delay_s: float,
        turn: np.ndarray,
    ) -> tuple[np.ndarray, float]:
        """
        Return by what a face turns that depth turned by (3,) rad `then`, delay_s ago.

        And what part depth has in its rotation, 0..1. Where depth may be too late for a head that
        turns as fast, it does not turn.
        """
        turning, lag = person.turning, self._lag
        if found.turned:
            person.missed()
        else:
            person.misses = 0
            seen = rotation_vector(then.pose.rotation @ face.pose.rotation.T)
            alone, of_depth = without_prior(
                turn, found.covariance[3:, 3:], PRIOR_GROWTH * then.pose_covariance[3:, 3:]
            )
            lag.take(turning, alone + seen, of_depth, stamp_s)
        part = 0.0
        if found.turned or not lag.trusted(turning, delay_s):
            own = person.kept(stamp_s)
        else:
            person.told()
            own, part = self._smoothed(person, then.pose.rotation.T @ turn, stamp_s), person.trust
        return face.pose.rotation @ (person.trust * own), part

    def _compare_sizes(self, person: Person, found: Aligned, then: Face, stamp_s: float) -> None:
        """Hold the measured distance against how large the head looked lately."""
        looks = person.before.log_distances()
        if looks is not None:
            measured = found.apparent_scale * then.pose.distance_m / then.head_scale
            self._lag.take_sizes(person.nearing, math.log(measured) - looks, stamp_s)

    def _delay_s(self, person: Person) -> float:
        """Return how much older the image is that a person's depth is held against."""
        delay_s = self._lag.delay_s
        if abs(delay_s - self._delayed_s) > NEW_DELAY_S:
            # what lay beside the images of another time
            self._delayed_s, self._shift_px = delay_s, np.zeros(2)
        if person.misses % 2 == 0 or not person.turning.full:
            return self._delayed_s
        # where it does not fit others are tried in turn
        return float(LAGS_S[1 + person.misses // 2 % (len(LAGS_S) - 1)])

    def _believed(self, person: Person, found: Aligned | Refused) -> Aligned | Refused:
        """Return what depth says, unless it mostly showed no face; then forget what it said."""
        if isinstance(found, Aligned):
            person.faces += 1
        elif found.flat or person.seems(found.apparent_scale):
            # no head has the size that it was measured to have
            person.planes += 1
        if person.planes <= person.faces:
            return found
        person.size = HeadSize(self._assumed_scale)
        person.correction = np.zeros(3)
        return found if isinstance(found, Refused) else Refused('the measured surface was flat')

    def _note(self, found: Aligned | str, camera: Camera | None = None) -> None:
        """Keep for report() what came of a face's depth; of the newest faces only."""
        if isinstance(found, str):
            self._refusals = [*self._refusals[-REPORTED:], found]
        elif camera is not None:
            per_m = camera.fx / found.pose.translation_m[2]
            x_px, y_px = (per_m * found.shift_m + found.known_shift_px).tolist()
            of_face = found.valid, found.residual_m, x_px, y_px
            self._used = [*self._used[-REPORTED:], of_face]

    def _follow_shift(self, stamp_s: float) -> None:
        """Take in how far the depth of the newest face lay beside the image."""
        part = min(max(stamp_s - self._shift_s, 0.0) / SHIFT_TIME_S, 0.3)
        self._shift_s = stamp_s
        seen_px = np.array(self._used[-1][2:])
        self._shift_px = self._shift_px + part * ((1 - SHIFT_LEAK) * seen_px - self._shift_px)

    def _smoothed(self, person: Person, turn: np.ndarray, stamp_s: float) -> np.ndarray:
        """Return what depth adds to the rotation (3,), face axes, smoothed."""
        step_s = stamp_s - person.measured_s
        if person.filter is None or not 0 <= step_s < 1:
            person.filter = OneEuroVector(OneEuroSettings(CORRECTION_CUTOFF_HZ, CORRECTION_BETA))
            step_s = LEAST_STEP_S
        smooth = turn
        if self._smoothing is not None:
            smooth = person.filter(turn, max(step_s, LEAST_STEP_S))
        person.measured_s, person.correction = stamp_s, smooth
        return smooth

    def _measured(
        self,
        face: Face,
        found: Aligned,
        turn: np.ndarray,
        scale: float,
        part: float,
        doubt: float,
    ) -> Face:
        """
        Return a face where its depth says, turned by (3,) rad, its head of the size `scale`.

        :param part: that depth has in the rotation, 0..1
        :param doubt: standard deviation of the distance for want of when the depth was measured,
            relative
        """
        turned = rotation_matrix(turn)
        pose = MetricPose(turned @ face.pose.rotation, found.origin_m(scale))
        arms_m = scale / face.head_scale * (face.landmarks_m - face.pose.translation_m)
        # across the ray the position is the image's, with its error
        across = rotation_to(face.pose.translation_m)[:, :2]
        covariance = found.covariance.copy()
        of_image = across.T @ face.pose_covariance[:3, :3] @ across
        covariance[:3, :3] += across @ of_image @ across.T
        seen_m = doubt * pose.translation_m
        covariance[:3, :3] += np.outer(seen_m, seen_m)
        covariance[:3, 3:] *= part
        covariance[3:, :3] *= part
        of_turn = part * covariance[3:, 3:] + (1 - part) * face.pose_covariance[3:, 3:]
        covariance[3:, 3:] = of_turn
        return replace(
            face,
            pose=pose,
            pose_covariance=covariance,
            landmarks_m=arms_m @ turned.T + pose.translation_m,
            head_scale=scale,
            distance_source=DistanceSource.DEPTH,
        )

    def _remembered(self, face: Face, person: Person, stamp_s: float) -> Face:
        """Return a face with what depth said of its head's size and rotation before."""
        face = self._turned(face, person.trust * person.kept(stamp_s))
        ratio, middle = person.size.scale / face.head_scale, face.landmarks_m.mean(axis=0)
        origin = middle + ratio * (face.pose.translation_m - middle)
        return replace(
            face,
            pose=MetricPose(face.pose.rotation, origin),
            landmarks_m=middle + ratio * (face.landmarks_m - middle),
            head_scale=person.size.scale,
        )

    def _turned(self, face: Face, correction: np.ndarray) -> Face:
        """Return a face turned by (3,) rad about its own axes."""
        if not correction.any():
            return face
        rotation = face.pose.rotation @ rotation_matrix(correction)
        pose = MetricPose(rotation, face.pose.translation_m)
        points = self._model.landmarks_68.points(face.parameters)
        return replace(
            face, pose=pose, landmarks_m=points_in_camera(points, pose, face.head_scale)
        )
