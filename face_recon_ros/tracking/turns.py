# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Whose turn it is, where more faces are followed than one image may cost.

A face that is near, or that others touch, is looked at up to twice as often as one that is far: so
nobody waits for more than twice a plain round. A new face comes first in its first images: whether
it stays, and how it moves, is not known yet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from face_recon_ros.regression.region import Region

# Looks at a new face before it takes turns like others: two tell its velocity
NEW_LOOKS = 3
# The longest wait, in plain rounds
LONGEST_ROUNDS = 2


class Waiting(Protocol):
    """Somebody who takes turns: looks so far, images since the last, whether others touch."""

    hits: int
    waited: int
    apart: bool

    @property
    def region(self) -> Region: ...


def longest_wait(faces: int, budget: int) -> int:
    """Return after how many images without a look it is a face's turn before all others."""
    return LONGEST_ROUNDS * math.ceil(faces / budget) - 1


def whose_turn(tracks: Sequence[Waiting], budget: int) -> list[int]:
    """
    Return the indices, rising, of those to be looked at in an image.

    :param budget: so many at most; 0: all
    """
    if not budget or len(tracks) <= budget:
        return list(range(len(tracks)))
    limit = longest_wait(len(tracks), budget)
    largest_px = max(t.region.side_px for t in tracks)

    def rank(index: int) -> tuple[bool, bool, float]:
        track = tracks[index]
        weight = 1 + (track.region.side_px / largest_px if track.apart else 1.0)
        return (
            track.waited >= limit,
            track.hits < NEW_LOOKS,
            (track.waited + 1) * weight,
        )

    return sorted(sorted(range(len(tracks)), key=rank, reverse=True)[:budget])
