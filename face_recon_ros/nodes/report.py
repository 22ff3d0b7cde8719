# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Says each fault once, and again only when it changes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

MAX_LINE = 300


def one_line(error: BaseException) -> str:
    """Return an unexpected error as one line of bearable length."""
    text = ' '.join(f'{type(error).__name__}: {error}'.split())
    return text if len(text) <= MAX_LINE else f'{text[:MAX_LINE]}...'


@dataclass(slots=True)
class _Fault:
    kind: str
    text: str
    last_s: float


class ChangeLogger:
    """
    One line when a fault appears or changes, one when it is over, silence in between.

    Faults that differ only in numbers are one fault; one that comes and goes is over only when it
    has stayed away for `settle_s`. May be used from several threads.

    :param warn: logs a fault.
    :param inform: logs that it is over.
    :param now: a monotonic clock in seconds.
    """

    def __init__(
        self,
        warn: Callable[[str], object],
        inform: Callable[[str], object],
        settle_s: float = 3.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._warn = warn
        self._inform = inform
        self._settle_s = settle_s
        self._now = now
        self._lock = threading.Lock()
        self._faults: dict[str, _Fault] = {}

    def fault(self, subject: str, text: str, detail: str = '') -> None:
        """Note a fault of a subject; `detail` is said along but is no change by itself."""
        kind = re.sub(r'\d+', '#', text)
        with self._lock:
            known = self._faults.get(subject)
            self._faults[subject] = _Fault(kind, text, self._now())
        if known is None or known.kind != kind:
            self._warn(f'{text}{detail}')

    def over(self, subject: str, text: str, settle_s: float | None = None) -> None:
        """Note that all is well with a subject; `settle_s`: instead of the usual."""
        wait_s = self._settle_s if settle_s is None else settle_s
        with self._lock:
            known = self._faults.get(subject)
            if known is None or self._now() - known.last_s < wait_s:
                return
            del self._faults[subject]
        self._inform(text)

    def current(self, subject: str) -> str:
        """Return what is wrong with a subject, '' where nothing is."""
        with self._lock:
            known = self._faults.get(subject)
            return known.text if known else ''

    def forget(self, keep: Collection[str] = ()) -> None:
        """Forget the faults of all subjects but some without a word: nobody looks any more."""
        with self._lock:
            self._faults = {s: fault for s, fault in self._faults.items() if s in keep}
