# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the node has seen and done lately; written by its threads, read by the diagnostics."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

WINDOW_S = 5.0
# What is missed in a silence as long as this was cut off, not lost to a lack of speed
OUTAGE_S = 0.5
# An image without a value as bright as this, of 255, shows nothing
BLACK_BELOW = 8
_MAX_EVENTS = 2000  # bounds the memory of a window, whatever the rate


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    One look at the monitor; rates in Hz over the window, ages in seconds, None: never.

    The faults are of images that were looked at: there are none while idle. looked: one went all
    the way since. black_for_s: from the first to the last of the black images.
    """

    uptime_s: float
    image_age_s: float | None
    image_rate_hz: float
    processed_rate_hz: float
    received_in_window: int
    processed_in_window: int
    dropped_in_window: int
    missed_in_window: int
    dropped_total: int
    missed_total: int
    received_total: int
    face_count: int
    face_age_s: float | None
    latency_median_s: float
    latency_max_s: float
    idle: bool
    looked: bool
    image_fault: str
    calibration_fault: str
    camera_assumed: bool
    black_for_s: float


class Monitor:
    """Counts images, drops, faces and latencies; all times are of one monotonic clock, seconds."""

    def __init__(self, now_s: float) -> None:
        self._lock = threading.Lock()
        self._received_total = 0
        self._dropped_total = 0
        self._missed_total = 0
        self._received: deque[float] = deque(maxlen=_MAX_EVENTS)
        self._dropped: deque[float] = deque(maxlen=_MAX_EVENTS)
        self._missed: deque[tuple[float, int]] = deque(maxlen=_MAX_EVENTS)
        self._processed: deque[tuple[float, float]] = deque(maxlen=_MAX_EVENTS)
        self.restart(now_s)

    def restart(self, now_s: float) -> None:
        """Forget all but the totals: the node begins to listen."""
        with self._lock:
            self._start_s = now_s
            for events in (self._received, self._dropped, self._missed, self._processed):
                events.clear()
            self._face_count = 0
            self._last_image_s: float | None = None
            self._last_face_s: float | None = None
            self._idle = False
            self._forget_looks()

    def _forget_looks(self) -> None:
        """Forget what only images that are looked at tell."""
        self._looked = False
        self._image_fault = ''
        self._calibration_fault = ''
        self._camera_assumed = False
        self._black_since_s: float | None = None
        self._black_for_s = 0.0

    def received(self, now_s: float, idle: bool, missed: int = 0) -> None:
        """
        Note an image.

        :param idle: nobody listens to any output, so nothing is done with it.
        :param missed: images published before it that never came.
        """
        with self._lock:
            self._missed_total += missed
            silence_s = _age(now_s, self._last_image_s)
            if missed and silence_s is not None and silence_s < OUTAGE_S:
                self._missed.append((now_s, missed))
            self._received.append(now_s)
            self._received_total += 1
            self._last_image_s = now_s
            self._idle = idle
            if idle:
                self._forget_looks()

    def dropped(self, now_s: float, held: bool = False) -> None:
        """
        Note an image that a newer one replaced.

        :param held: while it waited for camera_info, so not for a lack of speed.
        """
        with self._lock:
            self._dropped_total += 1
            if not held:
                self._dropped.append(now_s)

    def bad_image(self, fault: str) -> None:
        """Note an image that cannot be used."""
        with self._lock:
            self._image_fault = fault

    def seen(self, now_s: float, brightest: int) -> None:
        """Note the brightest value of an image, of 255."""
        with self._lock:
            if brightest >= BLACK_BELOW:
                self._black_since_s = None
            elif self._black_since_s is None:
                self._black_since_s = now_s
            self._black_for_s = _age(now_s, self._black_since_s) or 0.0

    def processed(
        self,
        now_s: float,
        latency_s: float,
        face_count: int,
        calibration_fault: str,
        assumed: bool = False,
    ) -> None:
        """
        Note an image that went all the way; latency is from its arrival to the results.

        :param assumed: the camera's focal length is a guess.
        """
        with self._lock:
            self._processed.append((now_s, latency_s))
            self._face_count = face_count
            if face_count:
                self._last_face_s = now_s
            self._looked = True
            self._image_fault = ''
            self._calibration_fault = calibration_fault
            self._camera_assumed = assumed

    def snapshot(self, now_s: float) -> Snapshot:
        """Return how things are now."""
        with self._lock:
            since_s = now_s - WINDOW_S
            received = [t for t in self._received if t > since_s]
            processed = [(t, latency) for t, latency in self._processed if t > since_s]
            latencies = sorted(latency for _, latency in processed)
            return Snapshot(
                uptime_s=now_s - self._start_s,
                image_age_s=_age(now_s, self._last_image_s),
                image_rate_hz=_rate_hz(received),
                processed_rate_hz=_rate_hz([t for t, _ in processed]),
                received_in_window=len(received),
                processed_in_window=len(processed),
                dropped_in_window=sum(t > since_s for t in self._dropped),
                missed_in_window=sum(count for t, count in self._missed if t > since_s),
                missed_total=self._missed_total,
                dropped_total=self._dropped_total,
                received_total=self._received_total,
                face_count=self._face_count,
                face_age_s=_age(now_s, self._last_face_s),
                latency_median_s=latencies[len(latencies) // 2] if latencies else 0.0,
                latency_max_s=latencies[-1] if latencies else 0.0,
                idle=self._idle,
                looked=self._looked,
                image_fault=self._image_fault,
                calibration_fault=self._calibration_fault,
                camera_assumed=self._camera_assumed,
                black_for_s=self._black_for_s,
            )


class SequenceGaps:
    """Tells how many messages of a publisher were lost, by the numbers it gives them."""

    _MAX_PUBLISHERS = 16  # a camera that is started again is a new one

    def __init__(self) -> None:
        self._last: dict[bytes, int] = {}

    def missed(self, publisher: bytes, number: int | None) -> int:
        """Take a message's number (None: unknown) and return how many are missing before it."""
        if number is None:
            return 0
        last = self._last.pop(publisher, None)
        self._last[publisher] = number
        if len(self._last) > self._MAX_PUBLISHERS:
            del self._last[next(iter(self._last))]
        return 0 if last is None else max(0, number - last - 1)


def _rate_hz(times_s: list[float]) -> float:
    """Return how often something happens, given when it did; 0 for fewer than two times."""
    if len(times_s) < 2 or times_s[-1] <= times_s[0]:
        return 0.0
    return (len(times_s) - 1) / (times_s[-1] - times_s[0])


def _age(now_s: float, then_s: float | None) -> float | None:
    return None if then_s is None else now_s - then_s
