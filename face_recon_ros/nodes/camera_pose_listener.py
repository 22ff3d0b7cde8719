# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where the camera was when an image was taken, in one frame of TF.

The frame is the one that faces are filtered in, or a target of gazes.

Transforms are kept and composed here, not by tf2_ros: images are processed as they arrive, often
before the transform of their stamp does. Then the newest motion is extrapolated, for at most
AHEAD_S, which tf2_ros refuses; waiting would cost latency.
"""

from __future__ import annotations

import math
import re
import struct
import threading
import time
from collections.abc import Callable

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from tf2_msgs.msg import TFMessage

from face_recon_ros.nodes.qos import overrides_of
from face_recon_ros.nodes.report import ChangeLogger
from face_recon_ros.nodes.transform_bytes import WireTransform, transforms_in
from face_recon_ros.nodes.transform_tree import (
    LONGEST_CHAIN,
    MissingTransformError,
    TransformTree,
)
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import rotation_from_quaternion

# Subjects of a missing transform and of a broken message, in the log
FILTERING_FRAME = 'filtering frame'
TRANSFORMS = 'transforms'
# Begin the names of frames of faces (REP-155)
OF_FACES = ('face_', 'gaze_')
# For how long a missing transform is nothing unusual: at the start they all come one by one
PATIENCE_S = 2.0
# Frames come and go, those of faces among them: of more than so many, moving ones that nobody has
# published for so long are forgotten
MANY_FRAMES, UNHEARD_S = 1000, 60.0


class CameraPoseListener:
    """
    Listens to /tf and /tf_static, and gives the poses of cameras in one frame.

    /tf carries all that moves on a robot. Of most frames only the newest transform is kept, as it
    came; poses over time are kept of those that lie between the camera and the frame.
    """

    def __init__(
        self,
        node: Node,
        frame: str,
        report: ChangeLogger,
        now: Callable[[], float] = time.monotonic,
        purpose: str = '',
    ) -> None:
        """
        Begin to listen.

        :param frame: that the poses are wanted in.
        :param purpose: what is said to be missing without it; '': filtering.
        """
        self.tree = TransformTree()
        self._node = node
        self._frame = frame
        self._report = report
        self._purpose = purpose
        self._now = now
        self._missing_since_s: float | None = None  # for the same reason
        self._missing_kind = ''
        self._lock = threading.Lock()
        self._newest: dict[bytes, WireTransform] = {}  # of every frame
        self._static: set[bytes] = set()
        self._camera_frame = ''
        self._kept: frozenset[bytes] = frozenset()  # frames whose motion matters
        self._subscriptions: list[Subscription] = []
        try:
            self._subscribe('/tf', static=False)
            self._subscribe('/tf_static', static=True)
        except Exception:
            self.close()
            raise

    def _subscribe(self, topic: str, static: bool) -> None:
        with overrides_of(self._node) as overrides:
            self._subscriptions.append(
                self._node.create_subscription(
                    TFMessage,
                    topic,
                    lambda data: self.take(data, static),
                    _transforms_qos(static),
                    raw=True,
                    qos_overriding_options=overrides,
                )
            )

    @property
    def _subject(self) -> str:
        return f'target {self._frame}' if self._purpose else FILTERING_FRAME

    def close(self) -> None:
        """Listen no more."""
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            self._node.destroy_subscription(subscription)

    def forget(self) -> None:
        """Forget where everything was: the clock was set back."""
        self.tree.forget_motion()

    def take(self, data: bytes, static: bool) -> None:
        """Take in the transforms of a serialized TFMessage."""
        try:
            self._take(data, static)
        except struct.error as error:
            topic = '/tf_static' if static else '/tf'
            self._report.fault(TRANSFORMS, f'a message on {topic} cannot be read: {error}')

    def _take(self, data: bytes, static: bool) -> None:
        newest = self._newest
        for transform in transforms_in(data):
            child = transform.child
            with self._lock:
                last = newest.get(child)
                newest[child] = transform
                if last is None or last.parent != transform.parent:
                    self._forget_unheard(transform.stamp_s)
                    self._choose()
            if static:
                self._static.add(child)
                self._add(transform, None)
            elif child in self._kept:
                self._add(transform, transform.stamp_s)

    def _forget_unheard(self, now_s: float) -> None:
        """Forget moving frames that nobody publishes any more, where there are many."""
        if len(self._newest) <= MANY_FRAMES:
            return
        for child, transform in list(self._newest.items()):
            is_wanted = child in self._static or child in self._kept
            if not is_wanted and now_s - transform.stamp_s > UNHEARD_S:
                del self._newest[child]

    def _add(self, transform: WireTransform, stamp_s: float | None) -> None:
        self.tree.add(_name(transform.parent), _name(transform.child), _pose(transform), stamp_s)

    def _choose(self) -> None:
        """Find the frames whose motion matters: from either end up to the root."""
        by_name = {_name(child): transform for child, transform in self._newest.items()}
        kept: dict[bytes, WireTransform] = {}
        for frame in (self._camera_frame, self._frame):
            for _ in range(LONGEST_CHAIN):
                transform = by_name.get(frame)
                if transform is None or transform.child in kept:
                    break
                kept[transform.child] = transform
                frame = _name(transform.parent)
        before, self._kept = self._kept, frozenset(kept)
        self.tree.keep({_name(child) for child in kept})
        for child in self._kept - before - self._static:
            self._add(kept[child], kept[child].stamp_s)

    def camera_pose(self, camera_frame: str, stamp_s: float) -> MetricPose | None:
        """Return the camera's pose in the frame; None where no transform is known."""
        camera_frame = _name(camera_frame)
        if camera_frame != self._camera_frame:
            with self._lock:
                self._camera_frame = camera_frame
                self._choose()
        try:
            pose = self.tree.lookup(self._frame, camera_frame.lstrip('/'), stamp_s)
        except MissingTransformError as error:
            self._missing(camera_frame, self._why_unconnected() or str(error))
            return None
        self._missing_since_s = None
        what = 'there is a transform to' if self._purpose else 'faces are filtered in'
        self._report.over(self._subject, f'{what} {self._frame}')
        return pose

    def _why_unconnected(self) -> str:
        """Return why camera and frame are not in one tree, '' where they are."""
        ends = [self._camera_frame, self._frame]
        with self._lock:
            parents = {_name(t.child): _name(t.parent) for t in self._newest.values()}
        inner = {*ends, *parents.values()}
        # who publishes faces in the camera's frame does not tell where that is
        parents = {
            child: parent
            for child, parent in parents.items()
            if child in inner or not child.startswith(OF_FACES)
        }
        for frame in ends:
            if frame not in parents and frame not in parents.values():
                return f'nobody publishes {frame}'
        for index, frame in enumerate(ends):
            for _ in range(LONGEST_CHAIN):
                frame = parents.get(frame, frame)
            ends[index] = frame
        return '' if ends[0] == ends[1] else 'the two are not connected'

    def _missing(self, camera_frame: str, why: str) -> None:
        now_s = self._now()
        kind = re.sub(r'\d+', '#', why)
        if self._missing_since_s is None or kind != self._missing_kind:
            self._missing_since_s, self._missing_kind = now_s, kind
        if now_s - self._missing_since_s >= PATIENCE_S:
            without = self._purpose or 'faces are filtered in the camera frame'
            parameter = '' if self._purpose else ' (parameter filtering_frame)'
            self._report.fault(
                self._subject,
                f'no transform from {camera_frame or "(no frame_id)"} to {self._frame}{parameter}'
                f': {why}; until it comes {without}',
            )


def _name(frame: str | bytes) -> str:
    """Return a frame's name as tf2 has it: in ROS 1 they began with a slash."""
    text = frame if isinstance(frame, str) else frame.decode(errors='replace')
    return text.lstrip('/')


def _pose(transform: WireTransform) -> MetricPose:
    x, y, z, *quaternion = transform.pose()
    length = math.hypot(*quaternion) or 1.0
    rotation = rotation_from_quaternion(*(value / length for value in quaternion))
    return MetricPose(rotation, np.array([x, y, z]))


def _transforms_qos(static: bool) -> QoSProfile:
    """Return tf2's own profile for dynamic or static transforms."""
    kept = DurabilityPolicy.TRANSIENT_LOCAL if static else DurabilityPolicy.VOLATILE
    return QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=kept)
