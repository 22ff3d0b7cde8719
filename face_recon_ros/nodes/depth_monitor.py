# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the node has seen of depth images lately, and what /diagnostics says of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from face_recon_ros.depth_report import DepthReport, together
from face_recon_ros.nodes.diagnostics import NOT_OVER_S, OK, WARN, Verdict
from face_recon_ros.nodes.monitor import WINDOW_S, Snapshot
from face_recon_ros.nodes.settings import ALWAYS, NEVER

_MAX_EVENTS = 1000
# A slow camera has few images in the window: faces are judged by at least so many images, so that
# there are enough of one person to doubt depth (depth_report.py), but by none that is older
LEAST_REPORTS, OLDEST_REPORT_S = 40, 120.0
# Depth that has not come for so long, and for so many of its periods, has stopped
STOPPED_S, STOPPED_PERIODS = 1.0, 3.0
# Depth comes and goes; where no image found its own for so long the stamps are wrong
UNMATCHED_S = 2.0


@dataclass(slots=True)
class DepthMonitor:
    """Counts depth images and faces that used them; all times are of one monotonic clock."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _received: deque[float] = field(default_factory=lambda: deque(maxlen=_MAX_EVENTS))
    _reports: deque[tuple[float, DepthReport]] = field(
        default_factory=lambda: deque(maxlen=_MAX_EVENTS)
    )
    _newest_s: float | None = None
    _period_s: float = 0.0
    _fault: str = ''
    _apart_s: float = 0.0
    _beside: str = ''
    _matched_s: float = field(default_factory=time.monotonic)

    def restart(self) -> None:
        """Forget everything: the node begins to listen."""
        with self._lock:
            self._received.clear()
            self._reports.clear()
            self._newest_s, self._period_s = None, 0.0
            self._fault, self._apart_s, self._beside = '', 0.0, ''
            self._matched_s = time.monotonic()

    def received(self, now_s: float) -> None:
        """Note a depth image."""
        with self._lock:
            if self._newest_s is not None:
                self._period_s = now_s - self._newest_s
            self._newest_s = now_s
            self._received.append(now_s)

    def matched(self, apart_s: float, depth_frame: str = '', image_frame: str = '') -> None:
        """Note that an image found its depth, whose stamp is so far apart, and their frames."""
        beside = ''
        # drivers give depth that they registered the colour camera's frame (REP-118)
        if depth_frame and image_frame and depth_frame != image_frame:
            beside = (
                f"depth is of the frame '{depth_frame}', the image of '{image_frame}': is it "
                'registered to the image? (RealSense: align_depth.enable:=true)'
            )
        with self._lock:
            self._fault, self._apart_s, self._beside = '', apart_s, beside
            self._matched_s = time.monotonic()

    def unmatched(self, apart_s: float) -> None:
        """Note that the depth nearest to an image is too old or new: a fault where that lasts."""
        with self._lock:
            if time.monotonic() - self._matched_s < UNMATCHED_S:
                return
        self.unusable(
            f'the stamps of image and depth are {apart_s:.3f} s apart: synchronise them, or raise '
            'depth_tolerance'
        )

    def unusable(self, fault: str) -> None:
        """Note why depth cannot be used."""
        with self._lock:
            self._fault = fault

    def stopped_for_s(self, now_s: float) -> float | None:
        """Return for how long no depth has come; None: it comes, or never came."""
        with self._lock:
            if self._newest_s is None:
                return None
            age_s = now_s - self._newest_s
            patience_s = max(STOPPED_S, STOPPED_PERIODS * self._period_s)
            return age_s if age_s > patience_s else None

    def used(self, now_s: float, report: DepthReport) -> None:
        """Note what depth did for the faces of an image."""
        with self._lock:
            self._reports.append((now_s, report))

    def beside(self) -> str:
        """Return why depth may not be registered to the image; empty: its frame is the image's."""
        with self._lock:
            return self._beside

    def age_s(self, now_s: float) -> float | None:
        """Return for how long no depth has come; None: none ever came."""
        with self._lock:
            return None if self._newest_s is None else now_s - self._newest_s

    def look(self, now_s: float) -> tuple[list[float], list[DepthReport], str, float]:
        """Return arrivals and reports of late, the newest fault, distance of stamps."""
        since_s = now_s - WINDOW_S
        with self._lock:
            received = [t for t in self._received if t > since_s]
            reports = self._reports_of_late(now_s)
            return received, reports, self._fault, self._apart_s

    def _reports_of_late(self, now_s: float) -> list[DepthReport]:
        """Return those of the window, or of the newest images where it has fewer."""
        kept = [(t, report) for t, report in self._reports if t > now_s - OLDEST_REPORT_S]
        in_window = sum(t > now_s - WINDOW_S for t, _ in kept)
        return [report for _, report in kept[-max(in_window, LEAST_REPORTS) :]]


@dataclass(slots=True)
class DepthTask:
    """Whether depth comes, and does what it is for."""

    topic: str
    monitor: DepthMonitor
    use: str  # kept up to date by the node
    name: str = 'depth'
    _looked_bad: bool = False  # said last of depth that faces were looked at with

    def run(self, seen: Snapshot) -> Verdict:
        """Evaluate what was seen lately."""
        if self.use == NEVER:
            return Verdict(OK, 'not used (parameter use_depth)', values={'topic': self.topic})
        now_s = time.monotonic()
        received, reports, fault, apart_s = self.monitor.look(now_s)
        values = {'topic': self.topic, 'rate [Hz]': f'{len(received) / WINDOW_S:.1f}'}
        age_s = self.monitor.age_s(now_s)
        if age_s is not None:
            values['age [s]'] = f'{age_s:.2f}'
        stopped_s = self.monitor.stopped_for_s(now_s)
        if stopped_s is not None:
            self._looked_bad = False
            text = (
                f'depth stopped: nothing on {self.topic} for {stopped_s:.0f} s; until it comes '
                'again, faces keep the sizes that it measured, and new ones have the assumed size'
            )
            return Verdict(WARN, text, values=values)
        if not received:
            if self.use == ALWAYS and seen.uptime_s > WINDOW_S:
                text = (
                    f'no depth on {self.topic}: start the camera with registered depth, or remap '
                    'depth_image to its topic'
                )
                return Verdict(WARN, text, values=values)
            return Verdict(OK, f'no depth on {self.topic}', values=values)
        if seen.idle:
            settle_s = NOT_OVER_S if self._looked_bad else None
            return Verdict(OK, f'depth arrives on {self.topic}', values=values, settle_s=settle_s)
        values['stamps apart [ms]'] = f'{1e3 * apart_s:.1f}'
        verdict = self._judged(fault, reports, values)
        self._looked_bad = verdict.level != OK
        return verdict

    def _judged(
        self, fault: str, reports: list[DepthReport], values: dict[str, str]
    ) -> Verdict:
        if fault:
            return Verdict(WARN, f'{fault}; faces are found without it', values=values)
        all_faces = together(reports)
        values['faces with depth'] = f'{all_faces.used} of {all_faces.faces}'
        if all_faces.used:
            values['valid [%]'] = f'{100 * all_faces.valid:.0f}'
            values['residual [mm]'] = f'{1e3 * all_faces.residual_m:.1f}'
            values['beside the image [px]'] = (
                f'{all_faces.shift_x_px:+.1f} {all_faces.shift_y_px:+.1f}'
            )
        if doubt := all_faces.doubt():
            return Verdict(WARN, doubt, values=values)
        if beside := self.monitor.beside():
            return Verdict(WARN, beside, values=values)
        return Verdict(OK, f'depth arrives on {self.topic}', values=values)
