# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the node has seen of depth images lately, and what /diagnostics says of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from face_recon_ros.nodes.diagnostics import OK, WARN, Verdict
from face_recon_ros.nodes.monitor import WINDOW_S, Snapshot
from face_recon_ros.nodes.settings import ALWAYS, NEVER
from face_recon_ros.placing import DepthReport

_MAX_EVENTS = 1000
# A depth image that lies so far beside the faces of the colour image, for so many faces, is not
# registered well: a few pixels are a matter of calibration
SUSPICIOUS_SHIFT_PX, SUSPICIOUS_FACES = 4.0, 30
# Faces of which so few can use their depth say that it is no depth of theirs
LEAST_USED = 0.2
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
        """Return arrivals, reports of the last seconds, the newest fault, distance of stamps."""
        since_s = now_s - WINDOW_S
        with self._lock:
            received = [t for t in self._received if t > since_s]
            reports = [report for t, report in self._reports if t > since_s]
            return received, reports, self._fault, self._apart_s


@dataclass(slots=True)
class DepthTask:
    """Whether depth comes, and does what it is for."""

    topic: str
    monitor: DepthMonitor
    use: str  # kept up to date by the node
    name: str = 'depth'

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
        values['stamps apart [ms]'] = f'{1e3 * apart_s:.1f}'
        if fault:
            return Verdict(WARN, f'{fault}; faces are found without it', values=values)
        return self._judged(reports, values)

    def _judged(self, reports: list[DepthReport], values: dict[str, str]) -> Verdict:
        used = [report for report in reports if report.used]
        count = sum(report.used for report in reports)
        refused = [line for report in reports for line in report.refusals]
        values['faces with depth'] = f'{count} of {count + len(refused)}'
        if used:
            mean = {
                name: sum(getattr(r, name) * r.used for r in used) / count
                for name in ('valid', 'residual_m', 'shift_x_px', 'shift_y_px')
            }
            values['valid [%]'] = f'{100 * mean["valid"]:.0f}'
            values['residual [mm]'] = f'{1e3 * mean["residual_m"]:.1f}'
            values['beside the image [px]'] = (
                f'{mean["shift_x_px"]:+.1f} {mean["shift_y_px"]:+.1f}'
            )
            beside = max(abs(mean['shift_x_px']), abs(mean['shift_y_px']))
            if count >= SUSPICIOUS_FACES and beside > SUSPICIOUS_SHIFT_PX:
                return Verdict(
                    WARN,
                    f'depth lies {beside:.0f} px beside the image: is it registered to it, by the '
                    'right calibration?',
                    values=values,
                )
        if len(refused) >= SUSPICIOUS_FACES and count < LEAST_USED * (count + len(refused)):
            text = f'depth is hardly used: {refused[-1]}; faces are found without it'
            return Verdict(WARN, text, values=values)
        if beside := self.monitor.beside():
            return Verdict(WARN, beside, values=values)
        return Verdict(OK, f'depth arrives on {self.topic}', values=values)
