"""One-Euro filters (Casiez, Roussel, Vogel 2012) for numbers, rotations and whole faces."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from face_recon_ros.face_model import FaceParameters, camera_matrix


@dataclass(slots=True, frozen=True)
class OneEuroSettings:
    """Cut-off = min_cutoff_hz + beta * speed: steady when still, prompt when moving.

    beta's unit is Hz per unit of speed, the speed being that of the filtered quantity.
    """

    min_cutoff_hz: float
    beta: float
    speed_cutoff_hz: float = 1.0


def smoothing_factor(cutoff_hz: float | np.ndarray, step_s: float) -> float | np.ndarray:
    """Return the weight of the new value in a first-order low-pass filter."""
    r = 2 * np.pi * cutoff_hz * step_s
    return r / (r + 1)


class OneEuroVector:
    """Filters a vector (N,) as one: its speed sets the cut-off of all elements."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._settings = settings
        self._value: np.ndarray | None = None
        self._velocity = np.zeros(1)

    def __call__(self, value: np.ndarray, step_s: float, unit: float = 1.0) -> np.ndarray:
        """Return the smoothed value; the speed is measured in `unit` per second."""
        if self._value is None:
            self._value, self._velocity = value, np.zeros_like(value)
            return value
        s = self._settings
        raw = (value - self._value) / step_s
        self._velocity = self._velocity + smoothing_factor(s.speed_cutoff_hz, step_s) * (
            raw - self._velocity
        )
        cutoff = s.min_cutoff_hz + s.beta * float(np.linalg.norm(self._velocity)) / unit
        self._value = self._value + smoothing_factor(cutoff, step_s) * (value - self._value)
        return self._value


class OneEuroRotation:
    """Filters a rotation (3, 3) along the shortest arc; its speed is in rad/s."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._settings = settings
        self._value: np.ndarray | None = None
        self._velocity = np.zeros(3)

    def __call__(self, value: np.ndarray, step_s: float) -> np.ndarray:
        if self._value is None:
            self._value = value
            return value
        s = self._settings
        turn = rotation_vector(value @ self._value.T)
        self._velocity = self._velocity + smoothing_factor(s.speed_cutoff_hz, step_s) * (
            turn / step_s - self._velocity
        )
        cutoff = s.min_cutoff_hz + s.beta * float(np.linalg.norm(self._velocity))
        self._value = rotation_matrix(smoothing_factor(cutoff, step_s) * turn) @ self._value
        return self._value


def rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Return axis times angle (3,) in radians, angle in [0, pi], of a rotation (3, 3)."""
    return cv2.Rodrigues(rotation)[0].ravel()


def rotation_matrix(vector: np.ndarray) -> np.ndarray:
    """Return the rotation (3, 3) of an axis times angle (3,) in radians."""
    return cv2.Rodrigues(np.asarray(vector, np.float64))[0]


@dataclass(slots=True, frozen=True)
class SmoothingSettings:
    """How a face is smoothed; cut-offs at rest in Hz, beta scales how motion opens them."""

    min_cutoff_hz: float = 0.5
    beta: float = 1.0


class FaceSmoother:
    """Filters the parameters of one face over time.

    Speed is measured in sizes of the face, so that a near face and a far one are treated alike.
    Everything a face is drawn or placed from follows from its parameters, so pose, landmarks and
    mesh stay consistent.
    """

    # Hz per (rad/s), per (face sizes/s), per (relative size/s), per (SD/s)
    _ROTATION_BETA = 6.0
    _POSITION_BETA = 30.0
    _SIZE_BETA = 20.0
    _EXPRESSION_BETA = 1.0
    # Identity does not change: what moves in it is error
    _SHAPE_CUTOFF = 0.3
    # Lids and lips are quick
    _EXPRESSION_CUTOFF = 4.0
    # Length by which positions are measured: about the height of a face
    _FACE_SIZE_M = 0.15

    def __init__(self, settings: SmoothingSettings) -> None:
        cutoff, beta = settings.min_cutoff_hz, settings.beta
        self._rotation = OneEuroRotation(OneEuroSettings(cutoff, beta * self._ROTATION_BETA))
        self._position = OneEuroVector(OneEuroSettings(cutoff, beta * self._POSITION_BETA))
        self._size = OneEuroVector(OneEuroSettings(cutoff, beta * self._SIZE_BETA))
        self._shape = OneEuroVector(OneEuroSettings(cutoff * self._SHAPE_CUTOFF, 0.0))
        self._expression = OneEuroVector(
            OneEuroSettings(cutoff * self._EXPRESSION_CUTOFF, beta * self._EXPRESSION_BETA)
        )

    def __call__(self, parameters: FaceParameters, step_s: float) -> FaceParameters:
        """Return the smoothed parameters; `step_s` > 0 since the last call."""
        face_px = parameters.scale_px_per_m * self._FACE_SIZE_M
        log_scale = np.array([np.log(parameters.scale_px_per_m)])
        scale = float(np.exp(self._size(log_scale, step_s)[0]))
        rotation = self._rotation(parameters.model_rotation, step_s)
        origin = self._position(parameters.camera_matrix[:, 3], step_s, unit=face_px)
        return FaceParameters(
            camera_matrix(scale, rotation, origin),
            self._shape(parameters.shape, step_s),
            self._expression(parameters.expression, step_s),
        )
