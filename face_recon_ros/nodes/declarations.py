# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The parameters of the nodes as ROS is told of them, made from the classes of settings."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from face_recon_ros.nodes.settings import SMOOTHING, Settings
from face_recon_ros.pipeline_config import PipelineConfig
from face_recon_ros.settings import Change, Meaning, meaning_of, parameter_name, settings_of
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings

AT_CONFIGURE = 'can be set only while the node is unconfigured'
# In the order of the parameter file
SECTIONS = (
    'lifecycle',
    'input',
    'detection and regression',
    'tracking',
    'smoothing',
    'output',
    'diagnostics',
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One parameter; see settings.Meaning."""

    name: str
    default: bool | int | float | str
    section: str
    meaning: Meaning

    @property
    def description(self) -> str:
        """What the parameter is, with its unit."""
        unit = self.meaning.unit
        return f'{self.meaning.description} Unit: {unit}.' if unit else self.meaning.description

    @property
    def low(self) -> float | None:
        """The least value of a number."""
        return self.meaning.tools_range.low if self.meaning.tools_range else None

    @property
    def high(self) -> float | None:
        """The largest value of a number."""
        return self.meaning.tools_range.high if self.meaning.tools_range else None

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a string; empty where any will do."""
        return self.meaning.choices

    @property
    def read_only(self) -> bool:
        """Whether it can be set at the start only."""
        return self.meaning.change is Change.START

    @property
    def at_configure(self) -> bool:
        """Whether it is used by the transition configure: refused between that and cleanup."""
        return self.meaning.change is Change.UNCONFIGURED

    def descriptor(self) -> ParameterDescriptor:
        """Return the description that tools show and rclpy enforces."""
        constraints = [f'one of: {", ".join(self.choices)}'] if self.choices else []
        if self.at_configure:
            constraints.append(AT_CONFIGURE)
        descriptor = ParameterDescriptor(
            description=self.description,
            read_only=self.read_only,
            additional_constraints='; '.join(constraints),
        )
        if self.low is not None and self.high is not None:
            if isinstance(self.default, int):
                descriptor.integer_range = [
                    IntegerRange(from_value=int(self.low), to_value=int(self.high), step=0)
                ]
            else:
                descriptor.floating_point_range = [
                    FloatingPointRange(
                        from_value=float(self.low), to_value=float(self.high), step=0.0
                    )
                ]
        return descriptor


def declarations_of(kind: type, section: str = '', prefix: str = '') -> list[Declaration]:
    """
    Return the parameters that the settings of a class are.

    :param section: of those that name none
    :param prefix: of their names
    """
    defaults = kind()
    return [
        Declaration(
            prefix + parameter_name(kind, name),
            _as_parameter(getattr(defaults, name)),
            meaning_of(kind, name).section or section,
            meaning_of(kind, name),
        )
        for name in settings_of(kind)
    ]


def _as_parameter(value: Any) -> Any:
    """Return what stands for a value in ROS: a part that is there is true, None is empty."""
    return True if is_dataclass(value) else '' if value is None else value


DECLARATIONS: tuple[Declaration, ...] = tuple(
    sorted(
        [
            *declarations_of(PipelineConfig, 'detection and regression'),
            *declarations_of(TrackingSettings, 'tracking'),
            *declarations_of(SmoothingSettings, 'smoothing', SMOOTHING),
            *declarations_of(Settings),
        ],
        key=lambda declaration: SECTIONS.index(declaration.section),
    )
)
