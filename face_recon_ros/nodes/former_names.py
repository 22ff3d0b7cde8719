# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Parameters by their former names, which work on with one warning each.

Former names are never declared for longer than it takes to see whether they were given at the
start, so no tool lists them. At run time they are turned into the new ones where requests come in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.node import Node
from rclpy.parameter import Parameter

from face_recon_ros.deprecation import notice


class FormerNames:
    """Turns former names of parameters into those of today, and says each once."""

    def __init__(self, current: Mapping[str, str], warn: Callable[[str], object]) -> None:
        """:param current: the name of today by the former one."""
        self._current = current
        self._former = {name: former for former, name in current.items()}
        self._warn = warn
        self._said: set[str] = set()

    @property
    def all(self) -> Collection[str]:
        """The former names."""
        return self._current.keys()

    def current(self, name: str) -> str:
        """Return the name of today of a parameter."""
        if name not in self._current:
            return name
        self._say(name)
        return self._current[name]

    def renamed(self, parameters: Iterable[Parameter]) -> list[Parameter]:
        """Return parameters by their names of today; a former name beside its new one is left."""
        parameters = list(parameters)
        names = {p.name for p in parameters}
        doubled = {p.name for p in parameters if self._current.get(p.name) in names}
        for name in sorted(doubled):
            self._say(name, doubled=True)
        return [
            Parameter(self.current(p.name), p.type_, p.value)
            for p in parameters
            if p.name not in doubled
        ]

    def given(self, node: Node, name: str) -> tuple[str, Any] | None:
        """
        Return a parameter that is given to a node by its former name: that name and the value.

        None where it is not, or where the parameter is given by its name of today, too.
        """
        former = self._former.get(name)
        value = None if former is None else given_value(node, former)
        if former is None or value is None:
            return None
        doubled = given_value(node, name) is not None
        self._say(former, doubled)
        return None if doubled else (former, value)

    def _say(self, former: str, doubled: bool = False) -> None:
        if former not in self._said:
            self._said.add(former)
            self._warn(f'parameter {notice(former, self._current[former], doubled)}')


def given_value(node: Node, name: str) -> Any:
    """Return what a parameter that is not declared is set to at the node's start; None: not."""
    value = node.declare_parameter(name, None, ParameterDescriptor(dynamic_typing=True)).value
    node.undeclare_parameter(name)
    return value


class TakesFormerNames(Node):
    """
    A node whose parameters can be set, read and described by their former names.

    These are the methods that all services of parameters call, in every rclpy. Callbacks before
    setting, which could do part of it, are not in Humble's.
    """

    former_names: FormerNames

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        """Set parameters one by one."""
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """
        Set all or none.

        :raises ParameterNotDeclaredException: of names that are none. rclpy's own, which services
            answer with, has lost the names, and takes '' for one.
        """
        parameters = self.former_names.renamed(parameter_list)
        unknown = [p.name for p in parameters if not self.has_parameter(p.name)]
        if unknown:
            raise ParameterNotDeclaredException(unknown)
        return super().set_parameters_atomically(parameters)

    def get_parameter(self, name: str) -> Parameter:
        """Return a parameter."""
        return super().get_parameter(self._name(name))

    def get_parameter_type(self, name: str) -> Parameter.Type:
        """Return the type of a parameter."""
        return super().get_parameter_type(self._name(name))

    def describe_parameter(self, name: str) -> ParameterDescriptor:
        """Return the descriptor of a parameter."""
        return super().describe_parameter(self._name(name))

    def _name(self, name: str) -> str:
        # while it is looked for at the start it is a parameter itself
        return name if self.has_parameter(name) else self.former_names.current(name)
