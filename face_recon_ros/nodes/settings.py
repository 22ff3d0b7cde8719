# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The settings of the face_recon node: its own, and those of the pipeline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from face_recon_ros.errors import FaceReconError
from face_recon_ros.pipeline_config import PipelineConfig
from face_recon_ros.settings import (
    Change,
    check_settings,
    meaning_of,
    parameter_name,
    setting,
    settings_class,
    settings_of,
)
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings

RAW = 'raw'
COMPRESSED = 'compressed'
COMPRESSED_DEPTH = 'compressedDepth'
AUTOMATIC, ALWAYS, NEVER = 'auto', 'always', 'never'
# Those that need Face.eyes and Face.blendshapes
GAZE, EXPRESSION = 'gaze', 'expression'
OVERLAY_MODES = ('sparse', 'dense', 'pose', 'box', GAZE, EXPRESSION)
OVERLAY_SEPARATOR = '+'
# The target that is no frame, and what stands between targets
CAMERA_TARGET, TARGET_SEPARATOR = 'camera', ','
# The prefix of ids that the node makes of its own name
AUTO = 'auto'
# A prefix begins names of frames and topics
PREFIX = re.compile(r'([A-Za-z][A-Za-z0-9_]*)?')
# Of the names of the parameters that are fields of SmoothingSettings
SMOOTHING = 'smoothing_'


class ParameterError(FaceReconError):
    """A parameter has a value that cannot be used."""


@settings_class
@dataclass(frozen=True, slots=True)
class Settings:
    """All parameters of the node, checked. Those of finding faces are in `pipeline`."""

    autostart: bool = setting(
        True,
        'Configure and activate at the start. false: a lifecycle manager does, or ros2 lifecycle '
        'set /face_recon configure.',
        change=Change.START,
        section='lifecycle',
    )
    image_transport: str = setting(
        RAW,
        "Transport of the images: raw subscribes to 'image', compressed to 'image' with "
        '/compressed appended.',
        choices=(RAW, COMPRESSED),
        change=Change.UNCONFIGURED,
        section='input',
    )
    rectified: bool = setting(
        False,
        'Images are rectified: use P of camera_info and no distortion.',
        change=Change.UNCONFIGURED,
        section='input',
    )
    calibration_wait_s: float = setting(
        1.0,
        'Time the first images wait for camera_info before a focal length is assumed.',
        0.0,
        60.0,
        unit='s',
        change=Change.UNCONFIGURED,
        section='input',
    )
    use_depth: str = setting(
        AUTOMATIC,
        "Use depth images registered to the images, on 'depth_image': auto where they come, "
        'always (their absence is a fault), or never.',
        choices=(AUTOMATIC, ALWAYS, NEVER),
        change=Change.UNCONFIGURED,
        section='input',
    )
    depth_transport: str = setting(
        RAW,
        "Transport of the depth images: raw subscribes to 'depth_image', compressedDepth to "
        "'depth_image' with /compressedDepth appended.",
        choices=(RAW, COMPRESSED_DEPTH),
        change=Change.UNCONFIGURED,
        section='input',
    )
    depth_tolerance_s: float = setting(
        0.05,
        'How far the stamps of an image and its depth may be apart.',
        0.0,
        1.0,
        unit='s',
        change=Change.UNCONFIGURED,
        section='input',
    )
    face_id_prefix: str = setting(
        AUTO,
        'Prefix of every id, in messages and frames. It keeps the faces of several cameras apart. '
        'A letter, then letters, digits and _. Empty: none. auto: from namespace and name, where '
        'the node is not /face_recon (front_ for /front/face_recon).',
        change=Change.UNCONFIGURED,
        section='tracking',
    )
    filtering_frame: str = setting(
        '',
        'Fixed frame to smooth in where the camera moves, such as odom. Empty: the camera frame.',
        change=Change.UNCONFIGURED,
        section='smoothing',
    )
    publish_tf: bool = setting(True, 'Publish face_<id> and gaze_<id> on /tf.', section='output')
    publish_tf_uncalibrated: bool = setting(
        True,
        'Publish on /tf without a calibration, too. Distances are a guess then.',
        section='output',
    )
    publish_humans: bool = setting(
        True,
        'Publish faces under /humans/faces as in REP-155. Needs hri_msgs.',
        section='output',
    )
    use_expressions: str = setting(
        AUTOMATIC,
        'Compute blendshapes and action units: auto while somebody subscribes to a topic that has '
        'them (~/faces, facs, expression, the overlay with expression), always, or never.',
        choices=(AUTOMATIC, ALWAYS, NEVER),
        section='output',
    )
    publish_expression: bool = setting(
        False,
        'Publish /humans/faces/<id>/expression: a name of what the face shows, by rules. The law '
        'may forbid it: docs/expressions.md.',
        change=Change.UNCONFIGURED,
        section='output',
    )
    face_image_width: int = setting(
        128, 'Width of /humans/faces/<id>/cropped and aligned.', 16, 2048, unit='px',
        section='output',
    )  # fmt: skip
    face_image_height: int = setting(
        128, 'Height of /humans/faces/<id>/cropped and aligned.', 16, 2048, unit='px',
        section='output',
    )  # fmt: skip
    overlay_mode: str = setting(
        'sparse+pose',
        f"What ~/overlay_image shows: {', '.join(OVERLAY_MODES)}, joined by "
        f"'{OVERLAY_SEPARATOR}'.",
        section='output',
    )
    attention_targets: str = setting(
        CAMERA_TARGET,
        'What people may look at, beside each other, on ~/gazes and /humans/interactions/gazing: '
        f"{CAMERA_TARGET} and frames of TF, joined by '{TARGET_SEPARATOR}'. Empty: nothing else.",
        change=Change.UNCONFIGURED,
        section='output',
    )
    attention_time_s: float = setting(
        0.3,
        'Time for which a gaze has to stay at a target, or off it, to count.',
        0.0,
        10.0,
        unit='s',
        section='output',
    )
    mesh_opacity: float = setting(
        0.8, 'Opacity of the mesh on ~/mesh_image.', 0.0, 1.0, section='output'
    )
    image_timeout_s: float = setting(
        5.0,
        'Time without images after which a fault is reported.',
        0.1,
        3600.0,
        unit='s',
        section='diagnostics',
    )
    diagnostics_period_s: float = setting(
        1.0,
        'Time between two messages on /diagnostics.',
        0.05,
        60.0,
        unit='s',
        change=Change.START,
        section='diagnostics',
    )
    pipeline: PipelineConfig = field(default_factory=PipelineConfig)

    def __post_init__(self) -> None:
        """:raises SettingsError, ParameterError: a value cannot be used."""
        check_settings(self)
        for mode in self.overlay_modes:
            if mode not in OVERLAY_MODES:
                raise ParameterError(
                    f"parameter overlay_mode is '{self.overlay_mode}': use "
                    f"{', '.join(OVERLAY_MODES)}, joined by '{OVERLAY_SEPARATOR}'"
                )

    @property
    def overlay_modes(self) -> tuple[str, ...]:
        """What the overlay shows, in this order."""
        return tuple(part.strip() for part in self.overlay_mode.split(OVERLAY_SEPARATOR))

    @property
    def targets(self) -> tuple[str, ...]:
        """What people may look at: 'camera', and names of frames; each once."""
        names = [n.strip().lstrip('/') for n in self.attention_targets.split(TARGET_SEPARATOR)]
        return tuple(dict.fromkeys(name for name in names if name))

    @classmethod
    def from_values(cls, values: Mapping[str, Any], own_prefix: str = '') -> Settings:
        """
        Make settings of the values of all parameters.

        :param own_prefix: of ids where the parameter is 'auto', see parameters.own_prefix().
        :raises ParameterError: one line naming parameter, fault and remedy.
        """
        own = _fields(cls, values)
        own['face_id_prefix'] = _prefix(own['face_id_prefix'], own_prefix)
        own['filtering_frame'] = own['filtering_frame'].strip().lstrip('/')
        return cls(**own, pipeline=_pipeline_config(values))


def _pipeline_config(values: Mapping[str, Any]) -> PipelineConfig:
    found = _fields(PipelineConfig, values)
    smoothing = SmoothingSettings(**_fields(SmoothingSettings, values, SMOOTHING))
    found['smoothing'] = smoothing if found['smoothing'] else None
    return PipelineConfig(**found, tracking=TrackingSettings(**_fields(TrackingSettings, values)))


def _fields(kind: type, values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Return the fields of a settings class, of the parameters of their names."""
    found = {}
    for name, f in settings_of(kind).items():
        parameter = prefix + parameter_name(kind, name)
        value, choices = values[parameter], meaning_of(kind, name).choices
        if choices and value not in choices:
            raise ParameterError(
                f"parameter {parameter} is '{value}': use one of {', '.join(choices)}"
            )
        # ROS has no None: an empty string stands for it
        found[name] = None if f.default is None and value == '' else value
    return found


def _prefix(text: str, own: str) -> str:
    if text == AUTO:
        return own
    if not PREFIX.fullmatch(text):
        raise ParameterError(
            f"parameter face_id_prefix is '{text}': use a letter, then letters, digits and _, or "
            f'{AUTO}'
        )
    return text
