"""The parameters of the face_recon node: checked, made into settings, kept up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes.declarations import (
    AT_CONFIGURE,
    AUTO,
    COMPRESSED,
    DECLARATIONS,
    OVERLAY_MODES,
    OVERLAY_SEPARATOR,
    RAW,
    Declaration,
)
from face_recon_ros.pipeline import PipelineConfig
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings

__all__ = [
    'COMPRESSED',
    'DECLARATIONS',
    'RAW',
    'ParameterError',
    'Parameters',
    'Settings',
    'own_prefix',
]

# A prefix begins names of frames and topics
PREFIX = re.compile(r'([A-Za-z][A-Za-z0-9_]*)?')
DEFAULT_NAME = 'face_recon'


@dataclass(frozen=True, slots=True)
class Settings:
    """All parameters of the node, checked; times in seconds."""

    autostart: bool
    image_transport: str
    rectified: bool
    calibration_wait_s: float
    face_id_prefix: str
    filtering_frame: str
    publish_tf: bool
    publish_tf_uncalibrated: bool
    publish_humans: bool
    face_image_width: int
    face_image_height: int
    overlay_modes: tuple[str, ...]
    mesh_opacity: float
    image_timeout_s: float
    diagnostics_period_s: float
    pipeline: PipelineConfig

    @classmethod
    def from_values(cls, values: Mapping[str, Any], own_prefix: str = '') -> Settings:
        """
        Make settings of the values of all declared parameters.

        :param own_prefix: of ids where the parameter is 'auto', see own_prefix().
        :raises ParameterError: one line naming parameter, fault and remedy.
        """
        for declaration in DECLARATIONS:
            _check_choice(declaration, values[declaration.name])
        return cls(
            autostart=values['autostart'],
            image_transport=values['image_transport'],
            rectified=values['rectified'],
            calibration_wait_s=values['calibration_wait'],
            face_id_prefix=_prefix(values['face_id_prefix'], own_prefix),
            filtering_frame=values['filtering_frame'].strip().lstrip('/'),
            publish_tf=values['publish_tf'],
            publish_tf_uncalibrated=values['publish_tf_uncalibrated'],
            publish_humans=values['publish_humans'],
            face_image_width=values['face_image_width'],
            face_image_height=values['face_image_height'],
            overlay_modes=_overlay_modes(values['overlay_mode']),
            mesh_opacity=values['mesh_opacity'],
            image_timeout_s=values['image_timeout'],
            diagnostics_period_s=values['diagnostics_period'],
            pipeline=_pipeline_config(values),
        )


class ParameterError(FaceReconError):
    """A parameter has a value that cannot be used."""


class Parameters:
    """
    The declared parameters of a node and the settings they make, kept up to date.

    ``settings`` is replaced as a whole, so that another thread may read it at any time.
    """

    def __init__(self, node: Node, is_configured: Callable[[], bool]) -> None:
        """:raises ParameterError: a value given at the start cannot be used."""
        self._is_configured = is_configured
        self._values: dict[str, Any] = {
            d.name: node.declare_parameter(d.name, d.default, d.descriptor()).value
            for d in DECLARATIONS
        }
        self._own_prefix = own_prefix(node.get_namespace(), node.get_name())
        self.settings = Settings.from_values(self._values, self._own_prefix)
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, changes: list[Parameter]) -> SetParametersResult:
        known = {c.name: c.value for c in changes if c.name in self._values}
        values = {**self._values, **known}
        try:
            self._check_state(known)
            self.settings = Settings.from_values(values, self._own_prefix)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._values = values
        return SetParametersResult(successful=True)

    def _check_state(self, changes: Mapping[str, Any]) -> None:
        if not self._is_configured():
            return
        for name in (d.name for d in DECLARATIONS if d.at_configure):
            if changes.get(name, self._values[name]) != self._values[name]:
                raise ParameterError(
                    f'parameter {name} {AT_CONFIGURE}: deactivate and clean up first, or set it '
                    'at the start'
                )


def _pipeline_config(values: Mapping[str, Any]) -> PipelineConfig:
    smoothing = SmoothingSettings(
        min_cutoff_hz=values['smoothing_min_cutoff'], beta=values['smoothing_beta']
    )
    return PipelineConfig(
        detector=values['detector'],
        detector_threshold=values['detector_threshold'],
        interpupillary_distance_m=values['interpupillary_distance'],
        tracking=TrackingSettings(
            max_faces=values['max_faces'],
            detection_interval=values['detection_interval'],
            min_presence=values['min_presence'],
            max_fit_error=values['max_fit_error'],
            confirm_count=values['confirm_count'],
            hold_count=values['hold_count'],
            forget_s=values['forget_after'],
            deterministic_ids=values['deterministic_ids'],
        ),
        smoothing=smoothing if values['smoothing'] else None,
        threads=values['threads'],
        model_path=values['model_path'] or None,
        regressor=values['regressor'],
        regressor_path=values['regressor_path'] or None,
    )


def _check_choice(declaration: Declaration, value: Any) -> None:
    if declaration.choices and value not in declaration.choices:
        raise ParameterError(
            f"parameter {declaration.name} is '{value}': use one of "
            f'{", ".join(declaration.choices)}'
        )


def own_prefix(namespace: str, name: str) -> str:
    """
    Return a prefix of ids that no node of another full name has; '' for /face_recon.

    /front/face_recon has front_, /robot/front/face_recon robot__front_, and /left left__. Names
    in ROS 2 hold no repeated underscores. Ids begin with a letter: a name that does not gets one.
    """
    tokens = [token for token in namespace.split('/') if token]
    prefix = ''.join(f'{token}__' for token in tokens)
    prefix = prefix[:-1] if name == DEFAULT_NAME else f'{prefix}{name}__'
    return f'n_{prefix}' if prefix.startswith('_') else prefix


def _prefix(text: str, own: str) -> str:
    if text == AUTO:
        return own
    if not PREFIX.fullmatch(text):
        raise ParameterError(
            f"parameter face_id_prefix is '{text}': use a letter, then letters, digits and _, or "
            f'{AUTO}'
        )
    return text


def _overlay_modes(text: str) -> tuple[str, ...]:
    modes = tuple(part.strip() for part in text.split(OVERLAY_SEPARATOR))
    for mode in modes:
        if mode not in OVERLAY_MODES:
            raise ParameterError(
                f"parameter overlay_mode is '{text}': use {', '.join(OVERLAY_MODES)}, joined by "
                f"'{OVERLAY_SEPARATOR}'"
            )
    return modes
