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
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_recon_ros.nodes import fastdds

NODE = 'face_recon_ros.nodes.face_recon_node'
# Before these many images the node, its caches and the tracker are warming up
WARM_UP = 45
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured at one rate, warm; CPU in percent of one core, memory resident."""

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
    for rate_hz in options.rate:
        figures = measure(rate_hz, width, height, options.seconds)
        rows.append(figures)
        sys.stdout.write(row(figures))
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(f) for f in rows], indent=2))
    return 0


HEAD = '   size      Hz   sent  TF   median ms  95 % ms  max ms  node CPU  node memory\n'


def row(f: Figures) -> str:
    """Return one line of the table."""
    return (
        f'{f.width:>5}x{f.height:<5}{f.rate_hz:>4.0f} {f.sent:>6} {f.received:>5} '
        f'{f.median_ms:>8.1f} {f.p95_ms:>8.1f} {f.max_ms:>8.1f} {f.cpu_percent:>7.0f} % '
        f'{f.memory_mib:>7.0f} MiB\n'
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


def measure(rate_hz: float, width: int, height: int, seconds: float) -> Figures:
    """Run node and camera, and receive their transforms."""
    import rclpy
    from tf2_msgs.msg import TFMessage

    namespace = f'/latency_{os.getpid()}'
    count = WARM_UP + round(seconds * rate_hz)
    environment = {**os.environ, 'PYTHONSAFEPATH': '1'}
    arguments = ['--ros-args', '--log-level', 'warn', '-r', f'__ns:={namespace}', '-r', '/tf:=tf']
    command = [sys.executable, '-m', NODE, *arguments]
    node_process = subprocess.Popen(command, env=environment)
    size = f'{width}x{height}'
    command = [sys.executable, '-m', __spec__.name, '--publish', str(count), '--size', size]
    camera_process = subprocess.Popen([*command, '--rate', str(rate_hz)], env=environment)
    rclpy.init(args=[])
    node = rclpy.create_node('latency_receiver', namespace=namespace)
    latencies_ms: list[float] = []
    stamps_s: list[float] = []
    usage: list[tuple[float, float]] = []

    def on_transforms(message: TFMessage) -> None:
        now_ns = node.get_clock().now().nanoseconds
        if not message.transforms:
            return
        stamp = message.transforms[0].header.stamp
        latencies_ms.append(1e-6 * (now_ns - stamp.sec * 10**9 - stamp.nanosec))
        stamps_s.append(stamp.sec + 1e-9 * stamp.nanosec)
        if len(latencies_ms) == WARM_UP:
            usage.append((time.monotonic(), processor_s(node_process.pid)))

    node.create_subscription(TFMessage, 'tf', on_transforms, 10)
    try:
        end_s = time.monotonic() + START_TIMEOUT_S + count / rate_hz
        while camera_process.poll() is None and time.monotonic() < end_s:
            rclpy.spin_once(node, timeout_sec=0.1)
        usage.append((time.monotonic(), processor_s(node_process.pid)))
        memory_mib = resident_mib(node_process.pid)
    finally:
        for process in (node_process, camera_process):
            process.send_signal(signal.SIGINT)
            process.wait(STOP_TIMEOUT_S)
        node.destroy_node()
        rclpy.try_shutdown()
    if len(latencies_ms) <= WARM_UP:
        sys.exit(f'latency: only {len(latencies_ms)} of {count} transforms arrived')
    measured = np.array(latencies_ms[WARM_UP:])
    (begin_s, begin_cpu_s), (end_s, end_cpu_s) = usage
    return Figures(
        rate_hz=rate_hz,
        width=width,
        height=height,
        sent=round((stamps_s[-1] - stamps_s[WARM_UP - 1]) * rate_hz),
        received=len(measured),
        median_ms=float(np.median(measured)),
        p95_ms=float(np.quantile(measured, 0.95)),
        max_ms=float(measured.max()),
        cpu_percent=100 * (end_cpu_s - begin_cpu_s) / (end_s - begin_s),
        memory_mib=memory_mib,
    )


def processor_s(pid: int) -> float:
    """Return the processor time a process has used (proc(5), fields utime and stime)."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident_mib(pid: int) -> float:
    """Return a process's resident memory."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


if __name__ == '__main__':
    sys.exit(main())
