# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a face detector takes and returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from face_recon_ros.equality import ComparedByValue


@dataclass(slots=True, frozen=True, eq=False)
class Detection(ComparedByValue):
    """One face: box (4,) x0, y0, x1, y1 px, score 0..1, eyes (2, 2) px right, left or None."""

    box: np.ndarray
    score: float
    eyes: np.ndarray | None


class Detector(Protocol):
    """
    What finds faces in an image (H, W, 3) uint8 BGR, best score first.

    Threads may share one: it locks its network.
    """

    def __call__(self, image: np.ndarray) -> list[Detection]: ...


class Search(Detector, Protocol):
    """A detector that can spread its work over the images of a stream."""

    def first_look(self, image: np.ndarray) -> list[Detection]:
        """Search all of a stream's image, without taking longer where there is a crowd."""

    def next_part(
        self, image: np.ndarray, near: Sequence[np.ndarray] = ()
    ) -> list[Detection]:
        """
        Search one part only, the next one at each call.

        :param near: places (3,) x, y, width in px of faces that are looked for there, too
        """
