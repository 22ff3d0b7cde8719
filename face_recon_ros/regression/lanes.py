# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Several faces of an image at once, each on one thread.

A network of this size gains little from threads of its own, and waits for them where other
processes want the cores. So each thread has a network with one thread, and takes the next face.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from face_recon_ros.regression.base import Regression, Regressor
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
            return [self._regressor(image, region, denoise=True) for region in regions]
        while len(self._lanes) < count:
            self._lanes.append(self._load())
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads - 1, thread_name_prefix='regression')
        found: list[Regression | None] = [None] * len(regions)
        waiting = deque(enumerate(regions))

        def work(regressor: Regressor) -> None:
            while True:
                try:
                    index, region = waiting.popleft()
                except IndexError:
                    return
                found[index] = regressor(image, region, denoise=True)

        others = [self._pool.submit(work, lane) for lane in self._lanes[1:count]]
        try:
            work(self._lanes[0])
        finally:
            # a lane is free again, and its error known, before the next image
            waiting.clear()
            faults = [other.exception() for other in others]
        for fault in faults:
            if fault is not None:
                raise fault
        return [f for f in found if f is not None]
