# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Measures image published -> TF received, camera, node and receiver each in a process of its own.

    python -m face_recon_ros.tools.latency --rate 30 60

Prints one row per rate: images sent, transforms received, latency, the node's processor time and
memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes import fastdds
from face_recon_ros.tools.processes import Processes, module_command

NODE = 'face_recon_ros.nodes.face_recon_node'
THIS = 'face_recon_ros.tools.latency'
# Before these many images the node, its caches and the tracker are warming up
WARM_UP = 45
START_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What was measured at one rate, warm; CPU in percent of one core, memory resident.

    shared_mib: the part of memory_mib that is segments of DDS, which processes share.
    """

    rate_hz: float
    width: int
    height: int
    sent: int
    received: int
    median_ms: float
    p95_ms: float
    max_ms: float
    cpu_percent: float
    memory_mib: float
    shared_mib: float = 0.0


def main(arguments: list[str] | None = None) -> int:
    """Measure at each rate and print the rows."""
    parser = argparse.ArgumentParser(prog='latency', description=__doc__)
    parser.add_argument('--rate', type=float, nargs='+', default=[30.0, 60.0], help='Hz')
    parser.add_argument('--size', default='640x480', help='WIDTHxHEIGHT (default 640x480)')
    parser.add_argument('--seconds', type=float, default=15.0, help='per rate (default 15)')
    parser.add_argument('--json', type=Path, help='write the figures to this file too')
    parser.add_argument('--publish', type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    width, height = (int(n) for n in options.size.split('x'))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    fastdds.use_image_profile()
    fastdds.keep_image_memory()
    if options.publish:
        publish(options.publish, options.rate[0], width, height)
        return 0
    sys.stdout.write(HEAD)
    rows = []
    try:
        for rate_hz in options.rate:
            rows.append(measure(rate_hz, width, height, options.seconds))
            sys.stdout.write(row(rows[-1]))
            sys.stdout.flush()
    except FaceReconError as error:
        sys.stderr.write(f'error: {error}\n')
        return 1
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(f) for f in rows], indent=2))
    return 0


HEAD = '   size      Hz   sent  TF   median ms  95 % ms  max ms  node CPU  node memory (of DDS)\n'


def row(f: Figures) -> str:
    """Return one line of the table."""
    return (
        f'{f.width:>5}x{f.height:<5}{f.rate_hz:>4.0f} {f.sent:>6} {f.received:>5} '
        f'{f.median_ms:>8.1f} {f.p95_ms:>8.1f} {f.max_ms:>8.1f} {f.cpu_percent:>7.0f} % '
        f'{f.memory_mib:>7.0f} MiB ({f.shared_mib:.0f})\n'
    )


def publish(count: int, rate_hz: float, width: int, height: int) -> None:
    """Publish images made beforehand, stamped as they are handed to DDS."""
    import rclpy
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Header

    from face_recon_ros.nodes.images import to_image
    from face_recon_ros.tools.sample_camera_node import camera_info, camera_qos
    from face_recon_ros.tools.sources import PortraitSource

    source = PortraitSource(width, height)
    rclpy.init(args=[])
    node = rclpy.create_node('latency_camera', namespace=f'/latency_{os.getppid()}')
    images = node.create_publisher(Image, 'image', camera_qos())
    infos = node.create_publisher(CameraInfo, 'camera_info', camera_qos())
    views = [source.read(i / rate_hz) for i in range(min(count, 90))]
    header = Header(frame_id='camera')
    messages = [to_image(view, 'bgr8', header) for view in views if view is not None]
    messages += messages[::-1]  # forwards and backwards, without a jump
    info = camera_info(source.camera(width, height), header)
    while images.get_subscription_count() < 1 or infos.get_subscription_count() < 1:
        time.sleep(0.05)
    next_s = time.monotonic()
    for index in range(count):
        message = messages[index % len(messages)]
        header.stamp = node.get_clock().now().to_msg()
        if index % 10 == 0:
            infos.publish(info)
            header.stamp = node.get_clock().now().to_msg()
        images.publish(message)
        next_s += 1 / rate_hz
        time.sleep(max(0.0, next_s - time.monotonic()))
    node.destroy_node()
    rclpy.try_shutdown()


class Receiver:
    """Receives transforms and notes how old they are."""

    def __init__(self, namespace: str, node_pid: int, warm_up_s: float) -> None:
        import rclpy
        from tf2_msgs.msg import TFMessage

        rclpy.init(args=[])
        self.node = rclpy.create_node('latency_receiver', namespace=namespace)
        self._node_pid = node_pid
        self._warm_up_s = warm_up_s
        self._first_s: float | None = None
        # once warm
        self.latencies_ms: list[float] = []
        self.stamps_s: list[float] = []
        # the clock and the node's processor time, once warm and at the end
        self.usage: list[tuple[float, float]] = []
        self.node.create_subscription(TFMessage, 'tf', self._on_transforms, 10)

    def spin_while(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Receive while a condition holds, for some seconds at most."""
        import rclpy

        end_s = time.monotonic() + timeout_s
        while condition() and time.monotonic() < end_s:
            rclpy.spin_once(self.node, timeout_sec=0.1)

    def close(self) -> None:
        """Leave DDS."""
        import rclpy

        self.node.destroy_node()
        rclpy.try_shutdown()

    def _on_transforms(self, message: Any) -> None:
        now_ns = self.node.get_clock().now().nanoseconds
        if not message.transforms:
            return
        stamp = message.transforms[0].header.stamp
        stamp_s = stamp.sec + 1e-9 * stamp.nanosec
        if self._first_s is None:
            self._first_s = stamp_s
        if stamp_s - self._first_s < self._warm_up_s:
            return
        if not self.usage:
            self.note_usage()
        self.latencies_ms.append(1e-6 * (now_ns - stamp.sec * 10**9 - stamp.nanosec))
        self.stamps_s.append(stamp_s)

    def note_usage(self) -> None:
        """Note the clock and the processor time that the node has used."""
        self.usage.append((time.monotonic(), processor_s(self._node_pid)))


def measure(rate_hz: float, width: int, height: int, seconds: float) -> Figures:
    """
    Run node and camera, and receive their transforms.

    :raises FaceReconError: no transform has arrived once the node is warm.
    """
    namespace = f'/latency_{os.getpid()}'
    count = WARM_UP + round(seconds * rate_hz)
    ros = ['--ros-args', '--log-level', 'warn', '-r', f'__ns:={namespace}', '-r', '/tf:=tf']
    camera = ['--publish', str(count), '--size', f'{width}x{height}', '--rate', str(rate_hz)]
    with Processes() as processes:
        node_process = processes.start('node', module_command(NODE, *ros))
        camera_process = processes.start('camera', module_command(THIS, *camera))
        receiver = Receiver(namespace, node_process.pid, WARM_UP / rate_hz)
        try:
            timeout_s = START_TIMEOUT_S + count / rate_hz
            receiver.spin_while(lambda: not processes.ended(), timeout_s)
            if node_process.status is not None or camera_process.status != 0:
                fault = processes.ended() or 'the camera has not finished'
                raise FaceReconError(f'latency: {fault}')
            receiver.note_usage()
            memory_mib = resident_mib(node_process.pid), shared_mib(node_process.pid)
        finally:
            receiver.close()
    return figures(receiver, rate_hz, (width, height), memory_mib)


def figures(
    receiver: Receiver,
    rate_hz: float,
    size: tuple[int, int],
    memory_mib: tuple[float, float],
) -> Figures:
    """Return what was received, once warm, in figures. :raises FaceReconError: nothing was."""
    measured = np.array(receiver.latencies_ms)
    if len(measured) < 2:
        raise FaceReconError(f'latency: {len(measured)} transforms arrived once the node was warm')
    (begin_s, begin_cpu_s), (end_s, end_cpu_s) = receiver.usage
    return Figures(
        rate_hz=rate_hz,
        width=size[0],
        height=size[1],
        sent=1 + round((receiver.stamps_s[-1] - receiver.stamps_s[0]) * rate_hz),
        received=len(measured),
        median_ms=float(np.median(measured)),
        p95_ms=float(np.quantile(measured, 0.95)),
        max_ms=float(measured.max()),
        cpu_percent=100 * (end_cpu_s - begin_cpu_s) / (end_s - begin_s),
        memory_mib=memory_mib[0],
        shared_mib=memory_mib[1],
    )


def processor_s(pid: int) -> float:
    """Return the processor time a process has used (proc(5), fields utime and stime)."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident_mib(pid: int) -> float:
    """Return a process's resident memory."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


def shared_mib(pid: int) -> float:
    """Return the part of it that is shared memory (proc(5), RssShmem), as DDS has it."""
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('RssShmem:'):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == '__main__':
    sys.exit(main())
