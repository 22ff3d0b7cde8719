"""
Where the camera was when an image was taken, in the frame that faces are filtered in.

The transforms are kept and composed here rather than by tf2_ros: images are looked at as they
come, often before a transform of their stamp does. Then the newest motion is taken to go on, for
at most AHEAD_S, which tf2_ros refuses; waiting for it would cost latency.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from tf2_msgs.msg import TFMessage

from face_recon_ros.nodes.agreement import rotation_from_quaternion
from face_recon_ros.nodes.report import OncePerChange
from face_recon_ros.pose import MetricPose
from face_recon_ros.smoothing import rotation_matrix, rotation_vector

# Subject of a missing transform, in the log
FILTERING_FRAME = 'filtering frame'
# How long transforms are kept, and how far ahead of the newest one motion is taken to go on
HISTORY_S = 10.0
AHEAD_S = 0.1
# For how long a missing transform is nothing unusual: at the start they all come one by one
PATIENCE_S = 2.0
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
        """Note a pose; a stamp from before all that is known means that the clock was set back."""
        if self.stamps_s and stamp_s < self.stamps_s[0]:
            self.stamps_s.clear()
            self.poses.clear()
        index = bisect_right(self.stamps_s, stamp_s)
        self.stamps_s.insert(index, stamp_s)
        self.poses.insert(index, pose)
        old = bisect_right(self.stamps_s, self.stamps_s[-1] - HISTORY_S)
        del self.stamps_s[:old], self.poses[:old]

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
        """Note the pose of a frame in its parent; stamp None: it never changes."""
        with self._lock:
            link = self._links.get(child)
            if link is None or link.parent != parent or stamp_s is None:
                link = self._links[child] = _Link(parent)
            if stamp_s is None:
                link.poses = [pose]
            else:
                link.add(stamp_s, pose)

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


class FilteringFrame:
    """Listens to /tf and /tf_static and says where cameras are; speaks up when it cannot."""

    def __init__(
        self,
        node: Node,
        frame: str,
        report: OncePerChange,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """:param frame: that the poses are wanted in."""
        self.tree = TransformTree()
        self._node = node
        self._frame = frame
        self._report = report
        self._now = now
        self._missing_since_s: float | None = None
        self._subscriptions = [
            node.create_subscription(
                TFMessage,
                topic,
                lambda message, static=static: self.take(message, static),
                _transforms_qos(static),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            for topic, static in (('/tf', False), ('/tf_static', True))
        ]

    def close(self) -> None:
        """Listen no more."""
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            self._node.destroy_subscription(subscription)

    def take(self, message: TFMessage, static: bool) -> None:
        """Take in transforms."""
        for transform in message.transforms:
            stamp = transform.header.stamp
            self.tree.add(
                transform.header.frame_id.lstrip('/'),
                transform.child_frame_id.lstrip('/'),
                _pose(transform),
                None if static else stamp.sec + 1e-9 * stamp.nanosec,
            )

    def camera_pose(self, camera_frame: str, stamp_s: float) -> MetricPose | None:
        """Return the pose of a camera's optical frame; None and one line in the log if unknown."""
        try:
            pose = self.tree.lookup(self._frame, camera_frame.lstrip('/'), stamp_s)
        except MissingTransformError as error:
            self._missing(camera_frame, str(error))
            return None
        self._missing_since_s = None
        self._report.over(FILTERING_FRAME, f'faces are filtered in {self._frame}')
        return pose

    def _missing(self, camera_frame: str, why: str) -> None:
        now_s = self._now()
        if self._missing_since_s is None:
            self._missing_since_s = now_s
        if now_s - self._missing_since_s >= PATIENCE_S:
            self._report.fault(
                FILTERING_FRAME,
                f'no transform from {camera_frame or "(no frame_id)"} to {self._frame} (parameter '
                f'filtering_frame): {why}; until it comes faces are filtered in the camera frame',
            )


def _pose(transform: TransformStamped) -> MetricPose:
    t, q = transform.transform.translation, transform.transform.rotation
    length = float(np.sqrt(q.x**2 + q.y**2 + q.z**2 + q.w**2)) or 1.0
    rotation = rotation_from_quaternion(q.x / length, q.y / length, q.z / length, q.w / length)
    return MetricPose(rotation, np.array([t.x, t.y, t.z]))


def _transforms_qos(static: bool) -> QoSProfile:
    """Return tf2's own profile for dynamic or static transforms."""
    kept = DurabilityPolicy.TRANSIENT_LOCAL if static else DurabilityPolicy.VOLATILE
    return QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=kept)
