# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
/diagnostics: what comes in, what goes out, and the reason whenever nothing does.

Each task has a name and looks at one thing, as tasks of diagnostic_updater do; that package is not
needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from face_recon_ros.nodes.monitor import WINDOW_S, Snapshot
from face_recon_ros.nodes.report import ChangeLogger

# Fraction of the images in the window that may be lost before it is a fault.
TOLERATED_DROPS = 0.1
# How long that must last, and how long it must be over, until it is said
SUSTAINED_S = 2 * WINDOW_S
# Whether a fault is over that only images tell which are looked at, nobody knows while none is
NOT_OVER_S = math.inf

# For how long images must be black, as a camera's first ones are
BLACK_S = 2.0

# Subjects of faults that single images have
FRAME_ID = 'frame_id'
STAMPS = 'stamps'
SEARCH = 'search'
PICTURES = 'pictures'

OK = DiagnosticStatus.OK
WARN = DiagnosticStatus.WARN
ERROR = DiagnosticStatus.ERROR


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Level and reason of one task.

    detail: said in the log along with the reason. settle_s: how long all must be well until the
    log says so; None: as usual.
    """

    level: bytes
    message: str
    detail: str = ''
    values: dict[str, str] = field(default_factory=dict)
    settle_s: float | None = None


class Task(Protocol):
    """Looks at one thing."""

    name: str

    def run(self, seen: Snapshot) -> Verdict:
        """Evaluate a snapshot."""
        ...


@dataclass(slots=True)
class StateTask:
    """What the node has been told to do; it obeys, so only a failure is a fault."""

    node_name: str
    state: str = 'unconfigured'  # this and the next two are kept up to date by the node
    enabled: bool = True
    failure: str = ''
    name: str = 'state'

    def run(self, seen: Snapshot) -> Verdict:
        """Evaluate what the node knows of itself."""
        values = {'state': self.state, 'enabled': str(self.enabled).lower()}
        if self.state == 'unconfigured' and self.failure:
            text = f'unconfigured, the last transition failed: {self.failure}'
            return Verdict(ERROR, text, values=values)
        return Verdict(OK, self._message(), values=values)

    def _message(self) -> str:
        if self.state == 'active' and not self.enabled:
            return f'disabled: call {self.node_name}/enable with data: true'
        remedies = {
            'unconfigured': f': ros2 lifecycle set {self.node_name} configure, then activate',
            'inactive': f': ros2 lifecycle set {self.node_name} activate',
            'finalized': ': start the process again',
        }
        return self.state + remedies.get(self.state, '')


@dataclass(slots=True)
class NameTask:
    """Whether another node has the same name: then services and parameters reach either."""

    NAME: ClassVar[str] = 'name'

    node_name: str
    others: int = 0  # kept up to date by the node
    name: str = NAME

    def run(self, seen: Snapshot) -> Verdict:
        """Evaluate what the node sees of others."""
        if self.others > 0:
            return Verdict(
                WARN,
                f'another node is named {self.node_name} too, so parameters, services and TF '
                'frames get mixed up: give each a namespace or a name of its own',
            )
        return Verdict(OK, f'nobody else is named {self.node_name}')


@dataclass(slots=True)
class ImagesTask:
    """Whether images arrive, can be used, and show anything."""

    NAME: ClassVar[str] = 'images'

    topic: str
    timeout_s: float
    publisher_count: int = 0  # this and the next are kept up to date by the node
    instead: str = ''  # what is published in the place of images, and the remedy
    name: str = NAME
    _looked_bad: bool = False  # said last of images that were looked at

    def run(self, seen: Snapshot) -> Verdict:
        """Evaluate a snapshot."""
        values = {
            'topic': self.topic,
            'publishers': str(self.publisher_count),
            'rate [Hz]': f'{seen.image_rate_hz:.1f}',
            'received': str(seen.received_total),
        }
        silence_s = seen.uptime_s if seen.image_age_s is None else seen.image_age_s
        if silence_s > self.timeout_s:
            self._looked_bad = False
            return Verdict(
                ERROR, self._silent(seen.image_age_s is None), f' ({silence_s:.0f} s)', values
            )
        if seen.image_age_s is None:
            return Verdict(OK, f'waiting for images on {self.topic}', values=values)
        return self._looked_at(seen, values)

    def _looked_at(self, seen: Snapshot, values: dict[str, str]) -> Verdict:
        """Evaluate images that arrive by what those show that are looked at."""
        is_black = seen.black_for_s >= BLACK_S
        is_bad = bool(seen.image_fault) or is_black
        if is_bad or seen.looked:
            self._looked_bad = is_bad
        if seen.image_fault:
            return Verdict(ERROR, seen.image_fault, values=values)
        if is_black:
            return Verdict(
                WARN,
                f'images on {self.topic} are black: look at the lens cap, the light, and exposure '
                'and gain of the camera',
                values=values,
            )
        settle_s = NOT_OVER_S if self._looked_bad else None
        return Verdict(OK, f'images arrive on {self.topic}', values=values, settle_s=settle_s)

    def _silent(self, never: bool) -> str:
        what = 'no images' if never else 'images stopped'
        if self.instead:
            return f'{what} on {self.topic}: {self.instead}'
        if self.publisher_count == 0:
            return (
                f'{what} on {self.topic}: nobody publishes there; start the camera or remap '
                'image to its topic'
            )
        return (
            f'{what} on {self.topic}, though {self.publisher_count} publisher(s) are there: '
            'check the camera, its QoS and the shared memory of Fast DDS (docs/ros.md)'
        )


@dataclass(slots=True)
class CalibrationTask:
    """Whether the camera is calibrated."""

    topic: str
    withholds_tf: bool = False  # kept up to date by the node
    name: str = 'calibration'

    def run(self, seen: Snapshot) -> Verdict:
        """Evaluate a snapshot."""
        values = {'topic': self.topic}
        if not seen.looked:
            return Verdict(OK, 'not needed yet', values=values, settle_s=NOT_OVER_S)
        if seen.calibration_fault and not seen.camera_assumed:
            return Verdict(WARN, seen.calibration_fault, values=values)
        if seen.calibration_fault:
            guess = 'distances, and directions off the middle of the image, are a guess'
            if self.withholds_tf:
                guess += ', and nothing is published on /tf (parameter publish_tf_uncalibrated)'
            return Verdict(WARN, f'{seen.calibration_fault}; {guess}', values=values)
        if not seen.processed_in_window:
            return Verdict(OK, 'not needed yet', values=values)
        return Verdict(OK, f'calibrated by {self.topic}', values=values)


@dataclass(slots=True)
class FacesTask:
    """Whether there are faces; an empty room is no fault."""

    models: dict[str, str]  # name: path and hash
    max_faces: int = 0  # kept up to date by the node; 0: no limit
    name: str = 'faces'

    def run(self, seen: Snapshot) -> Verdict:
        """Evaluate a snapshot."""
        values = {'faces': str(seen.face_count), **self.models}
        if seen.idle:
            return Verdict(OK, 'idle: nobody subscribes to any output', values=values)
        if not seen.processed_in_window:
            return Verdict(OK, 'no images to look for faces in', values=values)
        if seen.face_count:
            full = bool(self.max_faces) and seen.face_count >= self.max_faces
            limit = ', as many as max_faces allows: there may be more' if full else ''
            return Verdict(OK, f'{seen.face_count} face(s){limit}', values=values)
        since = 'yet' if seen.face_age_s is None else f'for {seen.face_age_s:.0f} s'
        return Verdict(OK, f'no face in the images {since}', values=values)


@dataclass(slots=True)
class SpeedTask:
    """
    Whether the machine keeps up with the camera.

    dropped: images that newer ones replaced in the node. missed: images that the camera published
    and that never came to the node (lost on their way, or replaced in DDS's queue of one).
    """

    name: str = 'speed'
    _since_s: float | None = None  # on the snapshots' uptime

    def run(self, seen: Snapshot) -> Verdict:
        """Evaluate a snapshot."""
        values = {
            'processed [Hz]': f'{seen.processed_rate_hz:.1f}',
            'latency median [ms]': f'{1e3 * seen.latency_median_s:.1f}',
            'latency max [ms]': f'{1e3 * seen.latency_max_s:.1f}',
            'dropped': str(seen.dropped_total),
            'missed': str(seen.missed_total),
        }
        if self._has_lost_for_s(seen) >= SUSTAINED_S:
            sent = seen.received_in_window + seen.missed_in_window
            return Verdict(
                WARN,
                'too slow for the camera, or images get lost on their way: the newest ones are '
                'processed; lower their rate or size, or max_faces (docs/ros.md)',
                f' ({seen.dropped_in_window} of {sent} dropped, {seen.missed_in_window} missed)',
                values,
            )
        return Verdict(OK, 'keeps up', values=values, settle_s=SUSTAINED_S)

    def _has_lost_for_s(self, seen: Snapshot) -> float:
        """Return for how long too many images have been lost; a busy moment is no fault."""
        sent = seen.received_in_window + seen.missed_in_window
        lost = seen.dropped_in_window + seen.missed_in_window
        if seen.idle or lost <= TOLERATED_DROPS * sent + 1:
            self._since_s = None
        elif self._since_s is None or self._since_s > seen.uptime_s:
            self._since_s = seen.uptime_s
        return 0.0 if self._since_s is None else seen.uptime_s - self._since_s


@dataclass(slots=True)
class ReportedTask:
    """Something that is noticed with single images: what was said of it last."""

    name: str
    report: ChangeLogger

    def run(self, seen: Snapshot) -> Verdict:
        """Return what is known of images that are looked at."""
        if seen.idle:
            return Verdict(OK, 'idle: nobody subscribes to any output')
        text = self.report.current(self.name)
        return Verdict(WARN, text) if text else Verdict(OK, 'nothing to say')


def diagnostic_array(
    node_name: str, hardware_id: str, stamp: Time, verdicts: Iterable[tuple[Task, Verdict]]
) -> DiagnosticArray:
    """Return the message for /diagnostics."""
    message = DiagnosticArray()
    message.header.stamp = stamp
    message.status = [
        DiagnosticStatus(
            level=verdict.level,
            # without the slash, as diagnostic_updater has it and aggregators look for it
            name=f'{node_name.lstrip("/")}: {task.name}',
            message=verdict.message,
            hardware_id=hardware_id,
            values=[KeyValue(key=k, value=v) for k, v in verdict.values.items()],
        )
        for task, verdict in verdicts
    ]
    return message
