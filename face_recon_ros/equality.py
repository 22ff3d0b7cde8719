# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Equality and copies of dataclasses that hold arrays."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import numpy as np

T = TypeVar('T')


class ComparedByValue:
    """
    Compares dataclasses field by field, arrays element by element; NaN equals NaN.

    To be inherited by a dataclass with eq=False: the generated __eq__ asks arrays for one truth
    value, which they do not have.
    """

    __slots__ = ('__weakref__',)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return hash(tuple(_key(getattr(self, f.name)) for f in fields(self)))  # type: ignore[arg-type]


def detached(value: T) -> T:
    """Return a copy that shares no array with it; what it holds beside such dataclasses stays."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if not isinstance(value, ComparedByValue):
        return value
    copy = object.__new__(type(value))
    kind: Any = type(value)
    for name in _names(kind):
        object.__setattr__(copy, name, detached(getattr(value, name)))
    return copy


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        return a.shape == b.shape and bool(np.all((a == b) | ((a != a) & (b != b))))
    return bool(a == b or (a != a and b != b))


def _key(value: Any) -> Any:
    """Return something hashable that is equal where the values are."""
    if isinstance(value, np.ndarray):
        return value.shape  # -0.0 equals 0.0, and types mix: their bytes would tell them apart
    if value != value:
        return None
    return value
