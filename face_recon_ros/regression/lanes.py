# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Several faces of an image at once, each on one thread.

A network of this size gains little from threads of its own, and waits for them where other
processes want the cores. So each thread has a network with one thread, and takes the next face; or
the next group of faces, where there are so many that no thread waits for another's group.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np

from face_recon_ros.regression.base import GroupRegressor, Regression, Regressor
from face_recon_ros.regression.region import Region


class Lanes:
    """Looks at the faces of a stream's images; with one thread, one after the other."""

    def __init__(
        self, regressor: Regressor, load: Callable[[], Regressor], threads: int
    ) -> None:
        """
        Take what looks at a face that is alone.

        :param regressor: it may use all threads
        :param load: returns another one of the kind that uses one thread; called as faces come
        """
        self._regressor = regressor
        self._load = load
        self._threads = threads
        self._lanes: list[Regressor] = []
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, image: np.ndarray, regions: Sequence[Region]) -> list[Regression]:
        """Return what there is in each of the regions of a stream's image."""
        count = min(self._threads, len(regions))
        if count < 2:
            found = _Found(image, regions, _groups(self._regressor, len(regions), 1))
            found.look(self._regressor)
            return found.regressions()
        while len(self._lanes) < count:
            self._lanes.append(self._load())
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads - 1, thread_name_prefix='regression')
        found = _Found(image, regions, _groups(self._lanes[0], len(regions), count))
        others = [self._pool.submit(found.look, lane) for lane in self._lanes[1:count]]
        try:
            found.look(self._lanes[0])
        finally:
            # a lane is free again, and its error known, before the next image
            found.stop()
            faults = [other.exception() for other in others]
        for fault in faults:
            if fault is not None:
                raise fault
        return found.regressions()


class _Found:
    """What was found in an image's regions so far, and the groups that wait."""

    def __init__(
        self, image: np.ndarray, regions: Sequence[Region], groups: Sequence[int]
    ) -> None:
        self._image = image
        self._regions = regions
        self._found: list[Regression | None] = [None] * len(regions)
        ends = np.cumsum(groups).tolist()
        self._waiting = deque(zip([0, *ends], ends, strict=False))

    def look(self, regressor: Regressor) -> None:
        """Look at group after group, until none waits."""
        while True:
            try:
                first, last = self._waiting.popleft()
            except IndexError:
                return
            regions = self._regions[first:last]
            several = _of_groups(regressor) if len(regions) > 1 else None
            if several is not None:
                self._found[first:last] = several.together(self._image, regions)
            else:
                self._found[first:last] = [
                    regressor(self._image, region, denoise=True) for region in regions
                ]

    def stop(self) -> None:
        """Let nobody look at more."""
        self._waiting.clear()

    def regressions(self) -> list[Regression]:
        """Return what was found, in the order of the regions."""
        return [f for f in self._found if f is not None]


def _groups(regressor: Regressor, faces: int, lanes: int) -> list[int]:
    """
    Return the sizes of groups, largest first: of as many as a regressor takes at once, or 1.

    A group is only made where its lane would have had as many faces anyway.
    """
    groups: list[int] = []
    left = faces
    several = _of_groups(regressor)
    while several is not None:
        size = several.group_size(-(-left // lanes))
        if size < 2:
            break
        count = min(lanes, left // size)
        groups += [size] * count
        left -= size * count
    return groups + [1] * left


def _of_groups(regressor: Regressor) -> GroupRegressor | None:
    """Return a regressor as one that can look at several faces at once, if it can."""
    # isinstance takes 20 us for a protocol
    return cast('GroupRegressor', regressor) if hasattr(regressor, 'together') else None
