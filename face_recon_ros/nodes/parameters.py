# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The parameters of the face_recon node: checked, made into settings, kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes.declarations import AT_CONFIGURE, DECLARATIONS, Declaration
from face_recon_ros.nodes.former_names import FormerNames, TakesFormerNames
from face_recon_ros.nodes.settings import ParameterError, Settings

__all__ = [
    'DECLARATIONS',
    'ParameterError',
    'Parameters',
    'Settings',
    'own_prefix',
]

DEFAULT_NAME = 'face_recon'


class Parameters:
    """
    The declared parameters of a node and the settings they make, kept up to date.

    ``settings`` is replaced as a whole, so that another thread may read it at any time.
    """

    def __init__(self, node: TakesFormerNames, is_configured: Callable[[], bool]) -> None:
        """:raises ParameterError: a value given at the start cannot be used."""
        self._is_configured = is_configured
        self._values: dict[str, Any] = {d.name: _declare(node, d) for d in DECLARATIONS}
        self._own_prefix = own_prefix(node.get_namespace(), node.get_name())
        self.settings = Settings.from_values(self._values, self._own_prefix)
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, changes: list[Parameter]) -> SetParametersResult:
        known = {c.name: c.value for c in changes if c.name in self._values}
        values = {**self._values, **known}
        try:
            self._check_state(known)
            self.settings = Settings.from_values(values, self._own_prefix)
        except FaceReconError as error:
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


def former_names(warn: Callable[[str], object]) -> FormerNames:
    """Return the former names of the node's parameters."""
    declarations = [d for d in DECLARATIONS if d.meaning.former_parameter]
    return FormerNames({d.meaning.former_parameter: d.name for d in declarations}, warn)


def _declare(node: TakesFormerNames, declaration: Declaration) -> Any:
    """
    Declare a parameter and return its value.

    :raises ParameterError: it is given by its former name and is of another type.
    """
    value: Any = declaration.default
    former = node.former_names.given(node, declaration.name)
    if former is not None:
        name, value = former
        if type(value) is not type(declaration.default):
            raise ParameterError(
                f'parameter {name} is {value!r}: use a value like {declaration.default!r}'
            )
    return node.declare_parameter(declaration.name, value, declaration.descriptor()).value


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
