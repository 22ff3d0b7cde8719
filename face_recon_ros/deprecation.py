"""Warnings about old names: each is given once per process."""

from __future__ import annotations

import warnings
from functools import cache


@cache
def warn_once(old: str, new: str, stacklevel: int = 3) -> None:
    """
    Say by a DeprecationWarning that an old name still works, and what to use instead.

    :param stacklevel: of the caller whose line is shown; by default that of the function that
        called the deprecated one
    """
    warnings.warn(f'{old} is deprecated; use {new}', DeprecationWarning, stacklevel=stacklevel)
