# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a face that has its pose shows besides: where its eyes look, and its expression."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.expression.reader import ExpressionReader
from face_recon_ros.eyes.landmarks import Eyes
from face_recon_ros.eyes.openness import part_open
from face_recon_ros.eyes.reader import EyeReader
from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.pose import MetricPose
from face_recon_ros.tracking.moving import Move


@dataclass(slots=True, frozen=True)
class Wanted:
    """What is to be read, and how: smooth over time; learn_offset: of each person's gaze."""

    eyes: bool
    expressions: bool
    smooth: bool
    learn_offset: bool


@dataclass(slots=True, frozen=True)
class _Read:
    """
    What a face that is predicted or held takes over of the image in which it was seen last.

    No Face: whoever caches by faces would never get rid of it.
    """

    parameters: FaceParameters
    pose: MetricPose
    pose_covariance: np.ndarray
    eyes: Eyes | None
    expression: dict[str, Any]

    @classmethod
    def of(cls, face: Face) -> _Read:
        expression = {
            'blendshapes': face.blendshapes,
            'blendshape_confidence': face.blendshape_confidence,
            'speaking': face.speaking,
        }
        return cls(face.parameters, face.pose, face.pose_covariance, face.eyes, expression)


class FaceReader:
    """Reads eyes and expressions; each network is loaded when it is first wanted."""

    def __init__(self, model: FaceModel, threads: int) -> None:
        self._model = model
        self._threads = threads
        self._eyes = EyeReader(threads, smooth=True, learn_offset=False)
        self._expressions: ExpressionReader | None = None
        self._read: dict[str, _Read] = {}

    def prepare(self, wanted: Wanted) -> None:
        """
        Take over what is wanted from now on.

        :raises ModelFileError: a file that is wanted cannot be used.
        """
        if wanted.expressions and self._expressions is None:
            self._expressions = ExpressionReader(self._model, self._threads)
        self._eyes.configure(smooth=wanted.smooth, learn_offset=wanted.learn_offset)

    def reset(self) -> None:
        """Forget everybody."""
        self._read = {}
        self._eyes.reset()
        if self._expressions is not None:
            self._expressions.reset()

    def forget(self, ids: Collection[str], stamp_s: float) -> None:
        """Forget whose ids do not come again."""
        known = set(ids)
        self._read = {face_id: read for face_id, read in self._read.items() if face_id in known}
        self._eyes.keep(known)
        if self._expressions is not None:
            self._expressions.forget(stamp_s)

    def __call__(
        self,
        image: np.ndarray,
        face: Face,
        found: FaceParameters,
        camera: Camera,
        stamp_s: float | None,
        wanted: Wanted,
    ) -> Face:
        """
        Return a face with what is wanted of it.

        :param found: its parameters before smoothing
        :param stamp_s: None: a photo, of which nothing is remembered
        """
        if face.predicted:
            return self._as_read(face, wanted)
        if stamp_s is not None and face.score == 0:
            return self._held(face, wanted)
        if wanted.eyes:
            face = self._with_eyes(image, face, camera, stamp_s)
        if wanted.expressions:
            face = self._with_expression(image, face, found, stamp_s, wanted.smooth)
        if stamp_s is not None:
            self._read[face.id] = _Read.of(face)
        return face

    def _held(self, face: Face, wanted: Wanted) -> Face:
        """Return a face that is only remembered: it shows what it did last, and has no eyes."""
        last = self._read.get(face.id)
        return replace(face, **last.expression) if last and wanted.expressions else face

    def _as_read(self, face: Face, wanted: Wanted) -> Face:
        """Return a face that was not looked at with what was read of it last."""
        last = self._read.get(face.id)
        if last is None:
            return face
        if wanted.expressions:
            face = replace(face, **last.expression)
        if wanted.eyes and last.eyes is not None:
            move = Move.of_parameters(last.parameters, face.parameters)
            turn = face.pose.rotation @ last.pose.rotation.T
            grown = np.trace((face.pose_covariance - last.pose_covariance)[3:, 3:]) / 3
            sigma_rad = math.sqrt(last.eyes.sigma_rad**2 + max(float(grown), 0.0))
            face = replace(face, eyes=last.eyes.moved(move, turn, sigma_rad))
        return face

    def _with_eyes(
        self, image: np.ndarray, face: Face, camera: Camera, stamp_s: float | None
    ) -> Face:
        """Return a face with its eyes."""
        eyes = self._eyes(
            image,
            face.id,
            face.pose,
            face.pose_covariance,
            face.landmarks_px,
            face.landmarks_m,
            camera,
            face.head_scale,
            stamp_s,
        )
        return replace(face, eyes=eyes)

    def _with_expression(
        self,
        image: np.ndarray,
        face: Face,
        found: FaceParameters,
        stamp_s: float | None,
        smooth: bool,
    ) -> Face:
        """Return a face with its expression; eyes that were looked at count in it."""
        if self._expressions is None:
            return face
        shown = self._expressions(image, face.id, found, stamp_s, smooth)
        if face.eyes is not None:
            gaze = face.pose.rotation.T @ face.gaze if face.eyes.measured.any() else None
            shown = shown.with_eyes(part_open(face.eye_openness), gaze, face.gaze_sigma_rad)
        return replace(face, **shown.of_face())
