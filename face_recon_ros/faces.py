# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The faces of one image: a sequence of them, and a table of their values as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any, SupportsIndex, overload

import numpy as np

from face_recon_ros.expression.units import COUNT as UNIT_COUNT
from face_recon_ros.face import Face
from face_recon_ros.face_model.file import EXPRESSION_COUNT, SHAPE_COUNT

PARAMETER_COUNT = 12 + SHAPE_COUNT + EXPRESSION_COUNT


class Faces(Sequence[Face]):
    """
    The faces of one image, largest score first; does not change.

    An index gives one Face. A slice, a boolean mask (N,) or an array or list of indices gives
    Faces: `faces[faces.scores > 0.5]`, `faces[faces.distances_m.argsort()]`.

    Every table has one row per face, also when there is none: `boxes` is then (0, 4). Tables are
    made when they are asked for, and changing one changes no face.

    Equal to any list, tuple or Faces of equal faces in the same order.
    """

    __slots__ = ('__weakref__', '_faces')

    def __init__(self, faces: Iterable[Face] = ()) -> None:
        self._faces = tuple(faces)

    def __len__(self) -> int:
        return len(self._faces)

    def __iter__(self) -> Iterator[Face]:
        return iter(self._faces)

    @overload
    def __getitem__(self, index: int) -> Face: ...

    @overload
    def __getitem__(self, index: slice | np.ndarray | Sequence[int] | Sequence[bool]) -> Faces: ...

    def __getitem__(self, index: Any) -> Face | Faces:
        """
        Return one face, or those that a slice, mask or array of indices selects.

        :raises IndexError: no such face, or a mask of another length.
        :raises TypeError: neither whole numbers nor booleans.
        """
        if isinstance(index, slice):
            return Faces(self._faces[index])
        if isinstance(index, SupportsIndex) and not isinstance(index, bool | np.ndarray):
            return self._faces[index]
        chosen = np.asarray(index)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise IndexError(
                    f'a mask of shape {chosen.shape} for {len(self)} faces; give one boolean each'
                )
            chosen = np.flatnonzero(chosen)
        if chosen.size == 0:
            return Faces()
        if chosen.ndim > 1 or not np.issubdtype(chosen.dtype, np.integer):
            raise TypeError(
                f'faces are selected by a whole number, a slice, a boolean mask or a list of '
                f'whole numbers, not by {chosen.dtype} {chosen.shape}'
            )
        if chosen.ndim == 0:
            return self._faces[int(chosen)]
        return Faces(self._faces[i] for i in chosen.tolist())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Faces | list | tuple):
            return self._faces == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._faces)

    def __repr__(self) -> str:
        inside = ', '.join(
            f'{face.id or "face"} at {face.pose.distance_m:.2f} m, score {face.score:.2f}'
            for face in self
        )
        return f'Faces([{inside}])'

    def _table(self, value: Callable[[Face], Any], shape: tuple[int, ...] = ()) -> np.ndarray:
        rows = [value(face) for face in self]
        return np.array(rows, np.float64).reshape(len(rows), *shape)

    @property
    def ids(self) -> np.ndarray:
        """Ids (N,) of text, '' each in a photo."""
        return np.array([face.id for face in self], np.str_)

    @property
    def scores(self) -> np.ndarray:
        """Scores (N,), 0..1."""
        return self._table(lambda face: face.score)

    @property
    def fit_errors(self) -> np.ndarray:
        """Fit errors (N,), see Face."""
        return self._table(lambda face: face.fit_error)

    @property
    def boxes(self) -> np.ndarray:
        """Boxes (N, 4): x0, y0, x1, y1 px; may leave the image."""
        return self._table(lambda face: face.box, (4,))

    @property
    def parameters(self) -> np.ndarray:
        """The numbers of the model (N, 62): camera matrix row by row, shape, expression."""
        return self._table(lambda face: face.parameters.vector(), (PARAMETER_COUNT,))

    @property
    def landmarks_px(self) -> np.ndarray:
        """Landmarks (N, 68, 3): x, y px, and z px towards the viewer."""
        return self._table(lambda face: face.landmarks_px, (68, 3))

    @property
    def landmarks_m(self) -> np.ndarray:
        """Landmarks (N, 68, 3) in the camera frame, metres."""
        return self._table(lambda face: face.landmarks_m, (68, 3))

    @property
    def rotations(self) -> np.ndarray:
        """Rotations (N, 3, 3): face frame -> image-aligned frame. For the camera's see poses."""
        return self._table(lambda face: face.rotation, (3, 3))

    @property
    def euler_deg(self) -> np.ndarray:
        """Yaw, pitch, roll (N, 3) of `rotations` in degrees, for display."""
        return self._table(lambda face: astuple(face.angles), (3,))

    @property
    def poses(self) -> np.ndarray:
        """Homogeneous matrices (N, 4, 4): face frame -> camera frame, metres."""
        return self._table(lambda face: face.pose.matrix(), (4, 4))

    @property
    def translations_m(self) -> np.ndarray:
        """Origins of the face frames (N, 3) in the camera frame, metres."""
        return self._table(lambda face: face.pose.translation_m, (3,))

    @property
    def distances_m(self) -> np.ndarray:
        """Ranges (N,) from the camera's origin to the faces', metres."""
        return self._table(lambda face: face.pose.distance_m)

    @property
    def gazes(self) -> np.ndarray:
        """Where the eyes look (N, 3): unit vectors, camera frame."""
        return self._table(lambda face: face.gaze, (3,))

    @property
    def gaze_sigmas_rad(self) -> np.ndarray:
        """Angles (N,) within which 68 % of the gazes are true."""
        return self._table(lambda face: face.gaze_sigma_rad)

    @property
    def eye_openness(self) -> np.ndarray:
        """Right and left eye of the person (N, 2): 0 closed .. 1 open; NaN where not seen."""
        return self._table(lambda face: face.eye_openness, (2,))

    @property
    def blendshapes(self) -> np.ndarray:
        """ARKit's coefficients (N, 52), 0..1; NaN where not known, see Face."""
        return self._table(lambda face: face.blendshapes, (UNIT_COUNT,))

    @property
    def blendshape_confidences(self) -> np.ndarray:
        """How well each coefficient is known (N, 52), 0..1."""
        return self._table(lambda face: face.blendshape_confidence, (UNIT_COUNT,))

    @property
    def head_scales(self) -> np.ndarray:
        """Sizes (N,) of the heads relative to the face model's."""
        return self._table(lambda face: face.head_scale)

    @property
    def rotation_sigmas_rad(self) -> np.ndarray:
        """Standard deviations (N,) as the network gives them; NaN where it gives none."""
        return self._table(lambda face: face.rotation_sigma_rad)

    @property
    def distance_sources(self) -> np.ndarray:
        """What the distances follow from (N,), whole numbers: see DistanceSource."""
        return np.array([face.distance_source for face in self], np.int64)

    @property
    def speaking(self) -> np.ndarray:
        """How surely each person speaks (N,), 0..1; NaN where not known, see Face."""
        return self._table(lambda face: face.speaking)

    @property
    def predicted(self) -> np.ndarray:
        """Booleans (N,): not looked at in this image, see Face."""
        return np.array([face.predicted for face in self], bool)

    @property
    def pose_covariances(self) -> np.ndarray:
        """Covariances (N, 6, 6) of the poses: x, y, z in m^2, rotations in rad^2."""
        return self._table(lambda face: face.pose_covariance, (6, 6))
