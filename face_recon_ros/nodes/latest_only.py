# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A worker thread that always takes the newest item: a slow one costs frames, never latency."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar('Item')


class LatestOnlyWorker(Generic[Item]):
    """
    Run ``handle(item)`` in a thread of its own for the newest item submitted.

    :param handle: called with one item at a time; an exception it raises goes to ``failed``.
    :param failed: called in the worker's thread with the exception; the worker goes on.
    :param niceness: of the thread, above the process': it gets a core later (nice(2), Linux only).
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Item], None],
        failed: Callable[[Exception], None],
        niceness: int = 0,
    ) -> None:
        self._niceness = niceness
        self._handle = handle
        self._failed = failed
        self._changed = threading.Condition()
        self._waiting: list[Item] = []  # at most one
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> bool:
        """Hand over an item; return whether it replaced one that nobody had begun."""
        with self._changed:
            replaced = bool(self._waiting)
            self._waiting[:] = [item]
            self._changed.notify()
        return replaced

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Finish the item in hand, forget the waiting one; return whether the thread ended."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        _be_nice(self._niceness)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                item = self._waiting.pop()
            try:
                self._handle(item)
            except Exception as error:
                self._failed(error)
            del item  # an image is large, and the next one may be long in coming


def _be_nice(niceness: int) -> None:
    """Make this thread nicer; on other systems than Linux that would be the whole process."""
    if niceness and sys.platform == 'linux':
        # a service manager may forbid it; the work is to be done all the same
        with contextlib.suppress(OSError):
            os.nice(niceness)
