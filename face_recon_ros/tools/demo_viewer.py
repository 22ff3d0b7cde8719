# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Show the topics that the demo receives, and check them."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image

from face_recon_ros.msg import Face, FaceArray
from face_recon_ros.rotations import EulerAngles, rotation_from_quaternion
from face_recon_ros.tools.agreement import (
    MINIMUM_COUNT,
    Agreement,
    HeadAgreement,
    Observation,
    agreement,
    head_agreement,
)
from face_recon_ros.tools.sources import HEAD, PORTRAIT

TRUTHS: dict[str, Callable[[list[Observation]], Agreement | HeadAgreement]] = {
    PORTRAIT: agreement,
    HEAD: head_agreement,
}
PICTURES = ('mesh', 'overlay', 'depth')
# Starting two processes and finding each other may take this long on a slow machine
START_TIMEOUT_S = 120.0
# So much longer than asked for a busy machine may take for what is to be shown
MORE_TIME_S = 60.0
# With fewer images between them the head turns by tens of degrees
LEAST_RATE_HZ = 5.0
# Pictures are asked for only then: until there the table shows the poses at full speed
PICTURES_AFTER_S = 3.0
ROW_PERIOD_S = 0.5
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)


def watch(
    namespace: str, source: str, seconds: float, out: Path, ended: Callable[[], str]
) -> int:
    """
    Show what arrives for some seconds; return the exit status of the demo.

    :param source: of the images; the truth of some is known
    :param ended: says which of the watched processes has ended, '' while all run.
    """
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('face_recon_demo', namespace=namespace)
    try:
        viewer = Viewer(node)
        fault = viewer.spin(seconds, ended)
        return report(viewer, source, fault, out)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


class Viewer:
    """Collects poses and pictures, and prints a table of them as they come."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.observations: list[Observation] = []
        self.ids: Counter[str] = Counter()
        self.message_count = 0
        self.latencies_s: list[float] = []
        self.pictures: dict[str, np.ndarray] = {}
        self._first_s: float | None = None
        self._row_s = 0.0
        self._row_count = 0
        self._subscriptions: dict[str, Subscription] = {}
        node.create_subscription(FaceArray, 'face_recon/faces', self._on_faces, RELIABLE)

    def spin(self, seconds: float, ended: Callable[[], str]) -> str:
        """Receive for some seconds from the first message on; return what went wrong, or ''."""
        start_s = time.monotonic()
        while True:
            rclpy.spin_once(self._node, timeout_sec=0.1)
            now_s = time.monotonic()
            if fault := ended():
                return fault
            if self._first_s is None:
                if now_s - start_s > START_TIMEOUT_S:
                    return f'nothing arrived within {START_TIMEOUT_S:g} s'
                continue
            if now_s - self._first_s > min(PICTURES_AFTER_S, seconds / 2):
                self._ask_for_pictures()
            watched_s = now_s - self._first_s
            if watched_s > seconds and (self._has_enough() or watched_s > seconds + MORE_TIME_S):
                return ''

    def rate_hz(self) -> float:
        """Return how many images with a face there were per second, by their stamps."""
        times_s = [seen.stamp_s for seen in self.observations]
        span_s = max(times_s) - min(times_s) if times_s else 0.0
        return (len(times_s) - 1) / span_s if span_s > 0 else 0.0

    def _has_enough(self) -> bool:
        """Tell whether there is what report() asks for; without a face there is nothing more."""
        if not self.observations:
            return self.message_count >= MINIMUM_COUNT
        return len(self.observations) >= MINIMUM_COUNT and len(self.pictures) == len(PICTURES)

    def _on_faces(self, message: FaceArray) -> None:
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = self._row_s = now_s
            sys.stdout.write(TABLE_HEAD)
        self.message_count += 1
        self._row_count += 1
        stamp = message.header.stamp
        stamp_s = stamp.sec + 1e-9 * stamp.nanosec
        latency_s = 1e-9 * self._node.get_clock().now().nanoseconds - stamp_s
        self.latencies_s.append(latency_s)
        self.ids.update(face.id for face in message.faces)
        if message.faces:
            self.observations.append(observation(message.faces[0], stamp_s))
        if now_s - self._row_s >= ROW_PERIOD_S:
            rate_hz = self._row_count / (now_s - self._row_s)
            sys.stdout.write(''.join(row(f, latency_s, rate_hz) for f in message.faces) or NO_FACE)
            sys.stdout.flush()
            self._row_s, self._row_count = now_s, 0

    def _ask_for_pictures(self) -> None:
        for name in PICTURES:
            if name not in self._subscriptions:
                self._subscriptions[name] = self._node.create_subscription(
                    Image,
                    f'face_recon/{name}_image',
                    lambda message, name=name: self._on_picture(name, message),
                    RELIABLE,
                )

    def _on_picture(self, name: str, message: Image) -> None:
        if name in self.pictures or not self.observations:
            return
        if message.encoding == '32FC1':
            depth_m = np.frombuffer(message.data, np.float32)
            picture = depth_picture(depth_m.reshape(message.height, message.width))
        else:
            picture = np.frombuffer(message.data, np.uint8)
            picture = picture.reshape(message.height, message.width, 3)
        self.pictures[name] = picture
        self._node.destroy_subscription(self._subscriptions[name])


TABLE_HEAD = '  id    yaw  pitch   roll  distance     ms   fps   (yaw, pitch, roll: degrees)\n'
NO_FACE = '   -  no face\n'


def row(face: Face, latency_s: float, rate_hz: float) -> str:
    """Return one line of the table."""
    seen = observation(face, 0.0)
    angles = EulerAngles.from_rotation(seen.rotation)
    distance_m = float(np.linalg.norm(seen.translation_m))
    return (
        f'{face.id:>4} {angles.yaw_deg:+6.1f} {angles.pitch_deg:+6.1f} {angles.roll_deg:+6.1f} '
        f'{distance_m:7.3f} m {1e3 * latency_s:6.1f} {rate_hz:5.1f}\n'
    )


def observation(face: Face, stamp_s: float) -> Observation:
    """Return the pose of a face message as matrices."""
    p, q = face.pose.pose.position, face.pose.pose.orientation
    return Observation(
        stamp_s,
        rotation_from_quaternion(q.x, q.y, q.z, q.w),
        np.array([p.x, p.y, p.z]),
        face.head_scale,
    )


def depth_picture(depth_m: np.ndarray) -> np.ndarray:
    """Return depth (H, W) in metres in colours, near is warm, black where there is none."""
    seen = np.isfinite(depth_m)
    if not seen.any():
        return np.zeros((*depth_m.shape, 3), np.uint8)
    near, far = depth_m[seen].min(), depth_m[seen].max()
    grey = np.zeros(depth_m.shape, np.uint8)
    grey[seen] = 255 * (far - depth_m[seen]) / max(far - near, 1e-6)
    picture = cv2.applyColorMap(grey, cv2.COLORMAP_TURBO)
    picture[~seen] = 0
    return picture


def report(viewer: Viewer, source: str, fault: str, out: Path) -> int:
    """Write the pictures, print a summary, and return the exit status."""
    faults = [fault] if fault else []
    if viewer.pictures:
        out.mkdir(parents=True, exist_ok=True)
    for name, picture in viewer.pictures.items():
        cv2.imwrite(str(out / f'{name}.png'), picture)
    faults += [f'no {name} image arrived' for name in PICTURES if name not in viewer.pictures]
    if not viewer.observations:
        faults.append('no face arrived')
    else:
        latency_ms = 1e3 * np.array(viewer.latencies_s)
        sys.stdout.write(
            f'{viewer.message_count} messages, {len(viewer.observations)} with a face, '
            f'ids {", ".join(sorted(viewer.ids))}; from stamp to here '
            f'{np.median(latency_ms):.1f} ms (95 %: {np.quantile(latency_ms, 0.95):.1f})\n'
        )
    compare = TRUTHS.get(source)
    if viewer.observations and compare:
        seen = compare(viewer.observations)
        sys.stdout.write(f'against the truth, 90 % within: {seen.summary()}\n')
        if (rate_hz := viewer.rate_hz()) < LEAST_RATE_HZ:
            faults.append(
                f'this machine is too busy or too slow to follow the head: {rate_hz:.1f} images '
                f'per second, {LEAST_RATE_HZ:g} are needed'
            )
        else:
            faults += seen.faults()
            if len(viewer.ids) > 1:
                faults.append(f'one person got {len(viewer.ids)} ids')
    for name in viewer.pictures:
        sys.stdout.write(f'wrote {out / name}.png\n')
    for line in faults:
        sys.stderr.write(f'demo failed: {line}\n')
    return 1 if faults else 0
