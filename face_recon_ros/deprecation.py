# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Warnings about old names."""

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
    warnings.warn(notice(old, new), DeprecationWarning, stacklevel=stacklevel)


def notice(old: str, new: str, ignored: bool = False) -> str:
    """
    Return what is said of an old name.

    :param ignored: the new one is given, too, and wins
    """
    if ignored:
        return f'{old} is deprecated and ignored here: {new} is given, too'
    return f'{old} is deprecated; use {new}'
