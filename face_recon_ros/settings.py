"""Settings as dataclasses whose fields carry the range of values that make sense."""

from __future__ import annotations

import math
from dataclasses import field, fields
from numbers import Integral, Real
from typing import Any, NamedTuple

from face_recon_ros.errors import SettingsError

_RANGE = 'range'


class Range(NamedTuple):
    """The values a number may have; both ends belong to it."""

    low: float
    high: float


def limited(default: Any, low: float, high: float) -> Any:
    """Return a dataclass field with a default and the range that check_ranges holds it to."""
    return field(default=default, metadata={_RANGE: Range(low, high)})


def range_of(settings: Any, name: str) -> Range:
    """Return the range of one field of a settings class (or of one made of it)."""
    return next(f.metadata[_RANGE] for f in fields(settings) if f.name == name)


def check_ranges(settings: Any) -> None:
    """
    Hold every field that has a range to it; whole numbers where the default is one.

    :raises SettingsError: one line with the field, its value and its range.
    """
    for f in fields(settings):
        if _RANGE not in f.metadata:
            continue
        value, (low, high) = getattr(settings, f.name), f.metadata[_RANGE]
        whole = isinstance(f.default, int)
        kind = Integral if whole else Real
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits or not low <= value <= high:  # NaN fits no range
            raise SettingsError(
                f'{f.name} is {value!r}; give a {"whole number" if whole else "number"} '
                + (f'from {low:g} on' if math.isinf(high) else f'from {low:g} to {high:g}')
            )
