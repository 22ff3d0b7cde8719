# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
One-Euro filters (Casiez, Roussel, Vogel 2012) for numbers, rotations and whole faces.

Rotations are filtered by their uncertainty, too: a change beyond noise is followed at once, and a
change within it hardly (compare the deadzone filter of opentrack, in sigmas as there).

Where it is known how the camera moves, faces are filtered in the frame it moves in: what a filter
remembers is first carried to where the camera would see it now, had the head stood still.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.settings import check_settings, setting, settings_class
from face_recon_ros.tracking.egomotion import View, carried

# A rotation that is further off than noise makes it has moved: at so many of its own standard
# deviations the cut-off grows by distance_hz, with this power of the distance, and by no more than
# so many times that. The noise from image to image is 0.07 of the network's sigma
DISTANCE_SIGMAS, DISTANCE_POWER, MOST_DISTANCE = 0.3, 4, 10.0
# So the cut-off at rest can be lower, by this factor, where the sigma is known
KNOWN_SIGMA_CUTOFF = 0.3


@dataclass(slots=True, frozen=True)
class OneEuroSettings:
    """
    Cut-off = min_cutoff_hz + beta * speed: steady when still, prompt when moving.

    beta's unit is Hz per unit of speed, the speed being that of the filtered quantity.
    distance_hz: of rotations whose sigma is known, what a distance of DISTANCE_SIGMAS adds.
    """

    min_cutoff_hz: float
    beta: float
    speed_cutoff_hz: float = 1.0
    distance_hz: float = 0.0

    def numbers(self) -> tuple[float, float, float]:
        """Return the first three, as C++ takes them."""
        return self.min_cutoff_hz, self.beta, self.speed_cutoff_hz

    def by_distance(self) -> tuple[float, float, float, float, float]:
        """Return what C++ takes of rotations whose sigma is known."""
        return (
            self.distance_hz,
            DISTANCE_SIGMAS,
            DISTANCE_POWER,
            MOST_DISTANCE,
            KNOWN_SIGMA_CUTOFF,
        )


class OneEuroVector:
    """Filters a vector (N,) as one: its speed sets the cut-off of all elements."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._filter = _renderer.VectorFilter(settings.numbers())

    @property
    def value(self) -> np.ndarray | None:
        """The newest smoothed value; None before the first."""
        return self._filter.value

    def __call__(self, value: np.ndarray, step_s: float, unit: float = 1.0) -> np.ndarray:
        """Return the smoothed value; the speed is measured in `unit` per second."""
        return self._filter.take(np.ascontiguousarray(value, np.float64), step_s, unit)


class OneEuroRotation:
    """Filters a rotation (3, 3) along the shortest arc; its speed is in rad/s."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._filter = _renderer.RotationFilter(settings.numbers(), settings.by_distance())

    @property
    def value(self) -> np.ndarray | None:
        """The newest smoothed value; None before the first."""
        return self._filter.value

    def __call__(
        self, value: np.ndarray, step_s: float, sigma_rad: float | None = None
    ) -> np.ndarray:
        """
        Return the smoothed rotation.

        :param sigma_rad: standard deviation of the rotation; None: not known
        """
        return self._filter.take(
            np.ascontiguousarray(value, np.float64), step_s, sigma_rad or 0.0
        )


@settings_class
@dataclass(slots=True, frozen=True)
class SmoothingSettings:
    """How a face is smoothed."""

    min_cutoff_hz: float = setting(
        0.5,
        'Cut-off frequency of the filter at rest. Lower: less jitter of a still head.',
        0.01,
        100.0,
        unit='Hz',
    )
    beta: float = setting(
        1.0, 'Speed coefficient of the filter. Higher: less lag of a moving head.', 0.0, 100.0
    )

    def __post_init__(self) -> None:
        """:raises SettingsError: a number is beyond its range."""
        check_settings(self)


class FaceSmoother:
    """Filters the parameters of one face over time.

    Speed is measured in metres at the face, so that a near face and a far one are treated alike.
    Everything a face is drawn or placed from follows from its parameters, so pose, landmarks and
    mesh stay consistent.
    """

    # Hz per (rad/s), per (m/s at the face), per (relative size/s), per (SD/s)
    _ROTATION_BETA = 6.0
    _POSITION_BETA = 200.0
    _SIZE_BETA = 20.0
    _EXPRESSION_BETA = 1.0
    # Identity does not change: what moves in it is error
    _SHAPE_CUTOFF = 0.3
    # Lids and lips are quick
    _EXPRESSION_CUTOFF = 4.0

    def __init__(self, settings: SmoothingSettings) -> None:
        cutoff, beta = settings.min_cutoff_hz, settings.beta
        rotation = OneEuroSettings(cutoff, beta * self._ROTATION_BETA, distance_hz=beta)
        expression = cutoff * self._EXPRESSION_CUTOFF, beta * self._EXPRESSION_BETA
        self._filter = _renderer.FaceFilter(
            rotation=rotation.numbers(),
            position=OneEuroSettings(cutoff, beta * self._POSITION_BETA).numbers(),
            size=OneEuroSettings(cutoff, beta * self._SIZE_BETA).numbers(),
            shape=OneEuroSettings(cutoff * self._SHAPE_CUTOFF, 0.0).numbers(),
            expression=OneEuroSettings(*expression).numbers(),
            distance=rotation.by_distance(),
        )
        self._view: View | None = None

    def resume(self) -> None:
        """Take the next pose as it comes, after a while unseen; shape does not change."""
        self._filter.resume()
        self._view = None

    def __call__(
        self,
        parameters: FaceParameters,
        step_s: float,
        view: View | None = None,
        sigma_rad: float | None = None,
    ) -> FaceParameters:
        """
        Return the smoothed parameters; `step_s` > 0 since the last call.

        :param view: from where the image was taken; None: not known, the filters go on in the
            camera's frame
        :param sigma_rad: standard deviation of the rotation; None: not known
        """
        self._carry(view)
        matrix, shape, expression = (
            np.ascontiguousarray(values, np.float64)
            for values in (parameters.camera_matrix, parameters.shape, parameters.expression)
        )
        return FaceParameters(
            *self._filter.take(matrix, shape, expression, step_s, sigma_rad or 0.0)
        )

    def _carry(self, view: View | None) -> None:
        """Take what is remembered along with the camera."""
        before, self._view = self._view, view
        if before is None or view is None:
            return
        place = self._filter.place()
        seen = place and carried(*place, before, view)
        if seen:
            self._filter.carry(*seen)


# For how long a face's filters go on while it is not seen, seconds; later its pose is another one
SMOOTHED_GAP_S = 0.5
# A filter's least step, seconds: two images with one stamp
LEAST_STEP_S = 1e-3


@dataclass(slots=True)
class _Filtered:
    smoother: FaceSmoother
    parameters: FaceParameters
    seen_s: float


class FaceSmoothers:
    """A smoother for every face, by id; forgotten with the face."""

    def __init__(self, settings: SmoothingSettings | None) -> None:
        """:param settings: None passes parameters on as they are."""
        self._settings = settings
        self._faces: dict[str, _Filtered] = {}

    def configure(self, settings: SmoothingSettings | None) -> None:
        """Go on with other settings; filters start anew."""
        self._settings = settings
        self._faces = {}

    def keep(self, ids: Collection[str]) -> None:
        """Forget all other faces."""
        self._faces = {face_id: f for face_id, f in self._faces.items() if face_id in ids}

    def __call__(
        self,
        face_id: str,
        parameters: FaceParameters,
        seen_s: float,
        view: View | None = None,
        sigma_rad: float | None = None,
    ) -> FaceParameters:
        """
        Return the smoothed parameters of a face that was found.

        :param seen_s: when, in the stream's time
        :param view: from where the image was taken; None: not known, filters go on in the camera's
            frame
        :param sigma_rad: standard deviation of the face's rotation; None: not known
        """
        if self._settings is None:
            return parameters
        known = self._faces.get(face_id)
        if known is None:
            known = _Filtered(FaceSmoother(self._settings), parameters, seen_s)
            self._faces[face_id] = known
        gap_s, known.seen_s = seen_s - known.seen_s, seen_s
        if gap_s > SMOOTHED_GAP_S:
            known.smoother.resume()
        known.parameters = known.smoother(
            parameters, max(gap_s, LEAST_STEP_S), view, sigma_rad
        )
        return known.parameters

    def last(self, face_id: str, otherwise: FaceParameters) -> FaceParameters:
        """Return the parameters of a face as they were when it was found last."""
        known = self._faces.get(face_id)
        return otherwise if known is None else known.parameters
