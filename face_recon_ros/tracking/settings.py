"""What a face needs to be taken as one, and how long it is remembered."""

from __future__ import annotations

import math
from dataclasses import dataclass

from face_recon_ros.settings import check_ranges, limited


@dataclass(slots=True, frozen=True)
class TrackingSettings:
    """What a face needs to be taken as one, and how long it is remembered.

    max_faces: 0 is no limit. detection_interval: images between two searches for newcomers.
    min_presence: below, there is no face. max_fit_error: above, what was found is no face.
    confirm_count: images in a row a newcomer must be seen in before it is reported. hold_count:
    images in a row in which a face is still reported, where it was, with presence 0, after it was
    lost.
    forget_s: how long a lost face keeps its id. deterministic_ids: f1, f2... instead of random; a
    topic's name cannot have a number there.
    """

    max_faces: int = limited(8, 0, 256)
    detection_interval: int = limited(5, 1, 1000)
    min_presence: float = limited(0.5, 0.0, 1.0)
    max_fit_error: float = limited(0.08, 0.005, math.inf)
    confirm_count: int = limited(1, 1, 100)
    hold_count: int = limited(0, 0, 1000)
    forget_s: float = limited(2.0, 0.0, 600.0)
    deterministic_ids: bool = True

    def __post_init__(self) -> None:
        """:raises SettingsError: a number is beyond its range."""
        check_ranges(self)
