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

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.rotations import rotation_matrix, rotation_vector
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


def smoothing_factor(cutoff_hz: float | np.ndarray, step_s: float) -> float | np.ndarray:
    """Return the weight of the new value in a first-order low-pass filter."""
    r = 2 * np.pi * cutoff_hz * step_s
    return r / (r + 1)


class _OneEuro:
    """What is remembered of the values."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._settings = settings
        self._value: np.ndarray | None = None
        self._velocity = np.zeros(3)

    @property
    def value(self) -> np.ndarray | None:
        """The newest smoothed value; None before the first."""
        return self._value

    def carry(self, value: np.ndarray) -> None:
        """Go on from another value at the same speed: the frame of the values has moved."""
        self._value = value

    def _speed(self, raw: np.ndarray, step_s: float) -> float:
        """Return the speed after another velocity, itself filtered."""
        weight = smoothing_factor(self._settings.speed_cutoff_hz, step_s)
        self._velocity = self._velocity + weight * (raw - self._velocity)
        return math.sqrt(float(self._velocity.dot(self._velocity)))


class OneEuroVector(_OneEuro):
    """Filters a vector (N,) as one: its speed sets the cut-off of all elements."""

    def __call__(self, value: np.ndarray, step_s: float, unit: float = 1.0) -> np.ndarray:
        """Return the smoothed value; the speed is measured in `unit` per second."""
        if self._value is None:
            self._value, self._velocity = value, np.zeros_like(value)
            return value
        s = self._settings
        speed = self._speed((value - self._value) / step_s, step_s)
        cutoff = s.min_cutoff_hz + s.beta * speed / unit
        self._value = self._value + smoothing_factor(cutoff, step_s) * (value - self._value)
        return self._value


class OneEuroRotation(_OneEuro):
    """Filters a rotation (3, 3) along the shortest arc; its speed is in rad/s."""

    def __call__(
        self, value: np.ndarray, step_s: float, sigma_rad: float | None = None
    ) -> np.ndarray:
        """
        Return the smoothed rotation.

        :param sigma_rad: standard deviation of the rotation; None: not known
        """
        if self._value is None:
            self._value = value
            return value
        s = self._settings
        turn = rotation_vector(value @ self._value.T)
        cutoff = s.beta * self._speed(turn / step_s, step_s)
        if sigma_rad:
            distance = float(np.linalg.norm(turn)) / (DISTANCE_SIGMAS * sigma_rad)
            cutoff += s.distance_hz * min(distance**DISTANCE_POWER, MOST_DISTANCE)
            cutoff += KNOWN_SIGMA_CUTOFF * s.min_cutoff_hz
        else:
            cutoff += s.min_cutoff_hz
        self._value = rotation_matrix(smoothing_factor(cutoff, step_s) * turn) @ self._value
        return self._value


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
        self._settings = settings
        self._shape = OneEuroVector(
            OneEuroSettings(settings.min_cutoff_hz * self._SHAPE_CUTOFF, 0.0)
        )
        self.resume()

    def resume(self) -> None:
        """Take the next pose as it comes, after a while unseen; shape does not change."""
        cutoff, beta = self._settings.min_cutoff_hz, self._settings.beta
        self._rotation = OneEuroRotation(
            OneEuroSettings(cutoff, beta * self._ROTATION_BETA, distance_hz=beta)
        )
        self._position = OneEuroVector(OneEuroSettings(cutoff, beta * self._POSITION_BETA))
        self._size = OneEuroVector(OneEuroSettings(cutoff, beta * self._SIZE_BETA))
        self._expression = OneEuroVector(
            OneEuroSettings(cutoff * self._EXPRESSION_CUTOFF, beta * self._EXPRESSION_BETA)
        )
        self._view: View | None = None

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
        px_per_m = parameters.scale_px_per_m
        scale = float(np.exp(self._size(np.array([np.log(px_per_m)]), step_s)[0]))
        rotation = self._rotation(parameters.model_rotation, step_s, sigma_rad)
        origin = self._position(parameters.camera_matrix[:, 3], step_s, unit=px_per_m)
        return FaceParameters(
            camera_matrix(scale, rotation, origin),
            self._shape(parameters.shape, step_s),
            self._expression(parameters.expression, step_s),
        )

    def _carry(self, view: View | None) -> None:
        """Take what is remembered along with the camera."""
        before, self._view = self._view, view
        size, rotation, origin = self._size.value, self._rotation.value, self._position.value
        if before is None or view is None or size is None or rotation is None or origin is None:
            return
        seen = carried(float(np.exp(size[0])), rotation, origin, before, view)
        if seen is not None:
            self._size.carry(np.log([seen[0]]))
            self._rotation.carry(seen[1])
            self._position.carry(seen[2])


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
