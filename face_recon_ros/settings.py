# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Settings: dataclasses whose fields say what they mean, in which unit, and in which range.

Everything else that is told of a parameter is made from them: the declarations of the nodes, the
parameter file, the options of the command line, the table in docs/ros.md.
"""

from __future__ import annotations

import enum
import functools
import math
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

import numpy as np

from face_recon_ros.deprecation import notice
from face_recon_ros.errors import SettingsError

_MEANING = 'meaning'
SettingsClass = TypeVar('SettingsClass')


class Range(NamedTuple):
    """The values a number may have; both ends belong to it."""

    low: float
    high: float


class Change(enum.Enum):
    """When a parameter of a node may be set."""

    ANY_TIME = ''
    UNCONFIGURED = 'configure'
    START = 'start'


@dataclass(frozen=True, slots=True)
class Meaning:
    """
    What is told of a setting.

    description: one or two sentences. unit: '' for none. section: heading it is listed under.
    choices: of strings. tools_high: the end of a range without end, for tools that need one.
    former: the field's name before; former_parameter: the parameter's name before.
    """

    description: str
    range: Range | None = None
    unit: str = ''
    choices: tuple[str, ...] = ()
    change: Change = Change.ANY_TIME
    section: str = ''
    tools_high: float | None = None
    former: str = ''
    former_parameter: str = ''

    @property
    def limits(self) -> str:
        """The values that a node accepts, with their unit, in words; '' for any."""
        if self.tools_range is None:
            return ', '.join(self.choices)
        low, high = self.tools_range
        return f'{low:g} to {high:g} {self.unit}'.rstrip()

    @property
    def tools_range(self) -> Range | None:
        """The range that tools show and a node accepts: finite."""
        if self.range is None or self.tools_high is None:
            return self.range
        return Range(self.range.low, self.tools_high)


def setting(
    default: Any, description: str, low: float = math.nan, high: float = math.nan, **more: Any
) -> Any:
    """
    Return a dataclass field that check_settings checks.

    :param low, high: ends of the range of a number
    :param more: the other fields of Meaning
    """
    limits = None if math.isnan(low) else Range(low, high)
    return field(default=default, metadata=described(description, range=limits, **more))


def described(description: str, **more: Any) -> dict[str, Meaning]:
    """Return the metadata of a field that is a setting."""
    return {_MEANING: Meaning(description, **more)}


def settings_of(kind: Any) -> dict[str, Field[Any]]:
    """Return those fields of a dataclass that are settings, by name."""
    return {f.name: f for f in fields(kind) if _MEANING in f.metadata}


def meaning_of(kind: Any, name: str) -> Meaning:
    """Return what is told of one field of a settings class (or of one made of it)."""
    meaning: Meaning = settings_of(kind)[name].metadata[_MEANING]
    return meaning


def range_of(kind: Any, name: str) -> Range:
    """:raises ValueError: the setting has no range."""
    limits = meaning_of(kind, name).range
    if limits is None:
        raise ValueError(f'{name} has no range')
    return limits


def parameter_name(kind: Any, name: str) -> str:
    """Return the name that a field has as a ROS parameter: without its unit."""
    unit = meaning_of(kind, name).unit
    return name.removesuffix(f'_{unit.lower()}') if unit else name


def check_settings(settings: Any) -> None:
    """
    Hold every setting to its range, its choices and its type: whole numbers where the default is.

    :raises SettingsError: one line with the field, its value and what it may be.
    """
    for name, f in settings_of(settings).items():
        meaning = meaning_of(settings, name)
        value = getattr(settings, name)
        if meaning.choices and value not in meaning.choices:
            raise SettingsError(f'{name} is {value!r}; use one of {", ".join(meaning.choices)}')
        if meaning.range is not None:
            _check_number(name, value, isinstance(f.default, int), meaning.range)
        elif isinstance(f.default, bool):
            check_kind(name, value, (bool, np.bool_), 'True or False')
        elif f.default is None:
            check_kind(name, value, (str, os.PathLike, type(None)), 'a path or None')
        elif isinstance(f.default, str) and not meaning.choices:
            check_kind(name, value, (str, os.PathLike), 'a string')


def check_kind(name: str, value: Any, kinds: tuple[type, ...], words: str) -> None:
    """:raises SettingsError: a value is of none of these kinds."""
    if not isinstance(value, kinds):
        raise SettingsError(f'{name} is {" ".join(repr(value).split())[:80]}; give {words}')


def _check_number(name: str, value: Any, whole: bool, limits: Range) -> None:
    low, high = limits
    kind = Integral if whole else Real
    fits = isinstance(value, kind) and not isinstance(value, bool)
    if not fits or not low <= value <= high:  # NaN fits no range
        raise SettingsError(
            f'{name} is {value!r}; give a {"whole number" if whole else "number"} '
            + (f'from {low:g} on' if math.isinf(high) else f'from {low:g} to {high:g}')
        )


def settings_class(cls: type[SettingsClass]) -> type[SettingsClass]:
    """
    Complete a dataclass of settings: it tells them in its docstring, and takes former names.

    A former name gives a warning. Beside its new one it is ignored: dataclasses.replace needs the
    new ones.
    """
    current = {
        meaning.former: name
        for name in settings_of(cls)
        if (meaning := meaning_of(cls, name)).former
    }
    cls.__doc__ = f'{(cls.__doc__ or "").rstrip()}\n\n{_told(cls)}'
    made: Any = cls
    made.__init__ = _renaming(cls, made.__init__, current)
    for former, name in current.items():
        setattr(cls, former, property(_reader(cls.__name__, former, name)))
    return cls


def _told(cls: type) -> str:
    lines = []
    for name in settings_of(cls):
        meaning = meaning_of(cls, name)
        limits = f' [{meaning.limits}]' if meaning.limits else ''
        lines.append(f'    {name}: {meaning.description}{limits}\n')
    return ''.join(lines)


def _renaming(
    cls: type, init: Callable[..., None], current: Mapping[str, str]
) -> Callable[..., None]:
    @functools.wraps(init)
    def renaming_init(self: Any, *args: Any, **given: Any) -> None:
        for former in [name for name in given if name in current]:
            value, name = given.pop(former), current[former]
            at = [f.name for f in fields(cls)].index(name)
            doubled = name in given or at < len(args)
            warnings.warn(
                f'{cls.__name__}: {notice(former, name, doubled)}',
                UserWarning if doubled else DeprecationWarning,
                stacklevel=2,
            )
            if not doubled:
                given[name] = value
        init(self, *args, **given)

    return renaming_init


def _reader(owner: str, former: str, name: str) -> Callable[[Any], Any]:
    def read(self: Any) -> Any:
        warnings.warn(
            f'{owner}: {notice(former, name)}', DeprecationWarning, stacklevel=2
        )
        return getattr(self, name)

    return read
