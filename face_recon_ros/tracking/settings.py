# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a face needs to be taken as one, and how long it is remembered."""

from __future__ import annotations

import math
from dataclasses import dataclass

from face_recon_ros.settings import Change, check_settings, setting, settings_class


@settings_class
@dataclass(slots=True, frozen=True)
class TrackingSettings:
    """What a face needs to be taken as one, and how long it is remembered."""

    max_faces: int = setting(8, 'Maximum number of faces in an image. 0: no limit.', 0, 256)
    detection_interval: int = setting(
        5, 'Run the face detector for new faces every N images.', 1, 1000
    )
    min_presence: float = setting(
        0.5, 'Minimum presence score of a face. Below it there is no face.', 0.0, 1.0
    )
    max_fit_error: float = setting(
        0.08,
        'Maximum normalised landmark residual (fit error), as a fraction of the distance between '
        'the outer eye corners. Above it there is no face.',
        0.005,
        math.inf,
        tools_high=1.0,
    )
    min_hits: int = setting(
        1,
        'Minimum number of consecutive images with the face before a track is published.',
        1,
        100,
        former='confirm_count',
        former_parameter='confirm_count',
    )
    coast_frames: int = setting(
        0,
        'Number of images for which a lost track is still published: at its last position, with '
        'score 0, not on /tf.',
        0,
        1000,
        former='hold_count',
        former_parameter='hold_count',
    )
    track_timeout_s: float = setting(
        2.0,
        'Time for which a lost track keeps its id.',
        0.0,
        600.0,
        unit='s',
        former='forget_s',
        former_parameter='forget_after',
    )
    deterministic_ids: bool = setting(
        True,
        'Ids are f1, f2, f3... false: five random letters (REP-155).',
        change=Change.UNCONFIGURED,
    )
    max_regressions_per_image: int = setting(
        0,
        'Number of tracked faces that are looked at in an image; more take turns, and are '
        'predicted in between. 0: all.',
        0,
        256,
    )

    def __post_init__(self) -> None:
        """:raises SettingsError: a number is beyond its range."""
        check_settings(self)
