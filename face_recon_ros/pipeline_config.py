# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How faces are found: the configuration of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.detection.loader import BOTH
from face_recon_ros.eyes.reader import ALWAYS, AUTO, NEVER
from face_recon_ros.regression.loader import NETWORK, REGRESSORS
from face_recon_ros.settings import (
    Change,
    check_kind,
    check_settings,
    described,
    setting,
    settings_class,
)
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings

# Average adult (Dodgson 2004, Variation and extrema of human interpupillary distance)
ADULT_INTERPUPILLARY_DISTANCE_M = 0.063


@settings_class
@dataclass(slots=True, frozen=True)
class PipelineConfig:
    """
    How faces are found; the node's parameters and the command line's options end here.

    expressions: read Face.blendshapes and Face.speaking, too; takes a second network per face.
    """

    detector: str = setting(
        BOTH,
        'Face detector: short_range (to 2 m), full_range (to 5 m), both (and smaller faces), or a '
        '.tflite file.',
        change=Change.UNCONFIGURED,
    )
    detector_threshold: float = setting(0.5, 'Minimum score of a detection.', 0.05, 1.0)
    interpupillary_distance_m: float = setting(
        ADULT_INTERPUPILLARY_DISTANCE_M,
        'Distance between the pupils of the people seen. All distances are proportional to it.',
        0.03,
        0.09,
        unit='m',
    )
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    smoothing: SmoothingSettings | None = field(
        default_factory=SmoothingSettings,
        metadata=described(
            'Smooth pose and shape of every face with a One-Euro filter.', section='smoothing'
        ),
    )
    use_eyes: str = setting(
        AUTO,
        'Look at the eyes: auto (the node: while somebody subscribes to what shows them, not for '
        '/tf alone), always, or never. Without, the gaze is the direction of the head.',
        choices=(AUTO, ALWAYS, NEVER),
    )
    learn_gaze_offset: bool = setting(
        False,
        'Learn, slowly, by how much the eyes of each person look beside the camera when they look '
        'at it, and correct for it.',
    )
    threads: int = setting(
        1,
        'Threads of each network; several faces of a stream are looked at on one each.',
        1,
        64,
        change=Change.UNCONFIGURED,
    )
    model_path: str | None = setting(
        None, 'Another face model (.npz). Empty: the shipped one.', change=Change.UNCONFIGURED
    )
    regressor: str = setting(
        NETWORK,
        'Face model regressor: network (one network for every pose), facemesh (MediaPipe Face '
        'Mesh and a closed-form fit), or hybrid (facemesh near the front, network beyond).',
        choices=REGRESSORS,
        change=Change.UNCONFIGURED,
    )
    regressor_path: str | None = setting(
        None,
        'Another .tflite network, from face crop to landmarks or parameters. It is used alone. '
        'Empty: the shipped one.',
        change=Change.UNCONFIGURED,
    )

    # for the callers: a node decides by who listens
    expressions: bool = False

    def __post_init__(self) -> None:
        """:raises SettingsError: a number is beyond its range, or a name is not known."""
        check_settings(self)
        check_kind('tracking', self.tracking, (TrackingSettings,), 'TrackingSettings(...)')
        check_kind('smoothing', self.smoothing, (SmoothingSettings, type(None)),
                   'SmoothingSettings(...), or None for none')
        check_kind('expressions', self.expressions, (bool, np.bool_), 'True or False')
