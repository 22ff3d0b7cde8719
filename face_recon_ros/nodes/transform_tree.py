# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Frames and how they move in one another over time: what tf2's buffer does, and a step ahead."""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import rotation_matrix, rotation_vector
from face_recon_ros.tracking.stream_clock import SET_BACK_S

# How long transforms are kept, and how far ahead of the newest one motion is taken to go on
HISTORY_S = 10.0
AHEAD_S = 0.1
# Chains of frames are shorter; a loop is not
LONGEST_CHAIN = 64


class MissingTransformError(Exception):
    """No transform is known; the text says which, and why."""


@dataclass(slots=True)
class _Link:
    """A frame's pose in its parent over time; one pose and no stamps where it is static."""

    parent: str
    poses: list[MetricPose] = field(default_factory=list)
    stamps_s: list[float] = field(default_factory=list)

    def add(self, stamp_s: float, pose: MetricPose) -> None:
        """Note a pose."""
        index = bisect_right(self.stamps_s, stamp_s)
        self.stamps_s.insert(index, stamp_s)
        self.poses.insert(index, pose)
        old = bisect_right(self.stamps_s, self.stamps_s[-1] - HISTORY_S)
        del self.stamps_s[:old], self.poses[:old]

    def is_long_before(self, stamp_s: float) -> bool:
        """Tell whether a stamp lies so long before the newest that time was turned back."""
        return bool(self.stamps_s) and self.stamps_s[-1] - stamp_s >= SET_BACK_S

    def at(self, stamp_s: float) -> MetricPose:
        """:raises MissingTransformError: the stamp is outside what is known."""
        times = self.stamps_s
        if not times:
            return self.poses[0]
        if stamp_s < times[0] or stamp_s > times[-1] + AHEAD_S:
            where = 'older than the oldest' if stamp_s < times[0] else 'newer than the newest'
            off_s = times[0] - stamp_s if stamp_s < times[0] else stamp_s - times[-1]
            raise MissingTransformError(
                f'the image is {off_s:.2f} s {where} one from {self.parent}'
            )
        after = min(max(bisect_right(times, stamp_s), 1), len(times) - 1)
        before = max(after - 1, 0)
        step_s = times[after] - times[before]
        part = (stamp_s - times[before]) / step_s if step_s > 0 else 0.0
        return between(self.poses[before], self.poses[after], part)


def between(a: MetricPose, b: MetricPose, part: float) -> MetricPose:
    """Return the pose a part of the way from a (0) to b (1), or beyond."""
    turn = rotation_vector(b.rotation @ a.rotation.T)
    return MetricPose(
        rotation_matrix(part * turn) @ a.rotation,
        a.translation_m + part * (b.translation_m - a.translation_m),
    )


class TransformTree:
    """Frames and how they move in one another; may be used from several threads."""

    def __init__(self) -> None:
        self._links: dict[str, _Link] = {}
        self._lock = threading.Lock()

    def add(self, parent: str, child: str, pose: MetricPose, stamp_s: float | None) -> None:
        """
        Note the pose of a frame in its parent; stamp None: it never changes.

        A stamp SET_BACK_S or more before the frame's newest makes all that moves be
        forgotten: whatever has a later stamp is of another time.
        """
        with self._lock:
            link = self._links.get(child)
            if link is not None and stamp_s is not None and link.is_long_before(stamp_s):
                self._forget_motion()
                link = None
            is_static = link is not None and not link.stamps_s
            if link is None or link.parent != parent or stamp_s is None or is_static:
                link = self._links[child] = _Link(parent)
            if stamp_s is None:
                link.poses = [pose]
            else:
                link.add(stamp_s, pose)

    def forget_motion(self) -> None:
        """Forget all poses but those that never change."""
        with self._lock:
            self._forget_motion()

    def keep(self, children: set[str]) -> None:
        """Forget the poses of all other frames but those that never change."""
        with self._lock:
            self._links = {
                child: link
                for child, link in self._links.items()
                if child in children or not link.stamps_s
            }

    def _forget_motion(self) -> None:
        self._links = {c: link for c, link in self._links.items() if not link.stamps_s}

    def lookup(self, target: str, source: str, stamp_s: float) -> MetricPose:
        """
        Return the pose of one frame in another at a time.

        :raises MissingTransformError: not connected, or the time is outside what is known.
        """
        with self._lock:
            up, down = self._chain(source), self._chain(target)
            meeting = next((frame for frame in up if frame in down), None)
            if meeting is None:
                lonely = source if source not in self._links else target
                known = lonely in self._links or any(
                    link.parent == lonely for link in self._links.values()
                )
                why = 'the two are not connected' if known else f'nobody publishes {lonely}'
                raise MissingTransformError(why)
            common_from_source = self._compose(up[: up.index(meeting)], stamp_s)
            common_from_target = self._compose(down[: down.index(meeting)], stamp_s)
        back = common_from_target.rotation.T
        moved_m = common_from_source.translation_m - common_from_target.translation_m
        return MetricPose(back @ common_from_source.rotation, back @ moved_m)

    def _chain(self, frame: str) -> list[str]:
        """Return a frame, its parent, and so on up to the root."""
        chain = [frame]
        while chain[-1] in self._links and len(chain) < LONGEST_CHAIN:
            chain.append(self._links[chain[-1]].parent)
        return chain

    def _compose(self, frames: list[str], stamp_s: float) -> MetricPose:
        """Return the pose of the first of a chain of frames in the parent of the last."""
        rotation, translation_m = np.eye(3), np.zeros(3)
        for frame in frames:
            step = self._links[frame].at(stamp_s)
            rotation = step.rotation @ rotation
            translation_m = step.rotation @ translation_m + step.translation_m
        return MetricPose(rotation, translation_m)
