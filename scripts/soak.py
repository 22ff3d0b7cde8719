#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Run node, camera and consumers for a long time; exit non-zero when something grows or complains.

    make soak                          30 minutes
    make soak ARGS='--minutes 3'

The node, the sample camera and a consumer of pictures are processes of their own. Meanwhile faces
are forgotten (~/reset, so ids and their topics change), the consumer of pictures comes and goes,
and the node is deactivated and activated. Growth is judged from the second quarter of the time to
the last.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_recon_ros.nodes import fastdds
from face_recon_ros.tools.latency import processor_s, resident_mib
from face_recon_ros.tools.processes import Processes, module_command

SAMPLE_PERIOD_S = 2.0
ROWS = 15
RESET_PERIOD_S = 7.0
PICTURES_PERIOD_S = 20.0
CYCLE_PERIOD_S = 45.0
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 2.0
# Limits; memory moves with what the allocator keeps
MEMORY_MIB = 12.0
LATENCY_P95_MS = 100.0
# Faces received, of images taken while the node was active
FACES_FRACTION = 0.8
COMPLAINTS = ('[WARN]', '[ERROR]', '[FATAL]', 'Traceback', 'Exception', 'Error:')
PICTURES = ('mesh_image', 'overlay_image', 'depth_image')


@dataclass(frozen=True, slots=True)
class Sample:
    """What the node takes at a time; processor time of one core, in percent since the last."""

    time_s: float
    memory_mib: float
    threads: int
    files: int
    topics: int
    cpu_percent: float
    face_count: int


class Soak:
    """The processes, what was received of them, and what they took."""

    def __init__(self, seconds: float, rate_hz: float, folder: Path) -> None:
        import rclpy
        from face_recon_ros.msg import FaceArray
        from lifecycle_msgs.srv import ChangeState
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from std_srvs.srv import Trigger
        from tf2_msgs.msg import TFMessage
        from visualization_msgs.msg import MarkerArray

        self._seconds = seconds
        self.rate_hz = rate_hz
        self._folder = folder
        self._namespace = f'/soak_{os.getpid()}'
        self.samples: list[Sample] = []
        self.latencies_ms: list[float] = []
        self.active_s = 0.0
        self.counts = {'tf': 0, 'markers': 0, 'resets': 0, 'cycles': 0, 'pictures': 0}
        rclpy.init(args=[])
        self._rclpy = rclpy
        self._node = rclpy.create_node('soak', namespace=self._namespace)
        qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
        subscribe = self._node.create_subscription
        subscribe(FaceArray, 'face_recon/faces', self._on_faces, qos)
        subscribe(TFMessage, 'tf', lambda _: self._count('tf'), qos)
        subscribe(MarkerArray, 'face_recon/markers', lambda _: self._count('markers'), qos)
        self._reset: Any = self._node.create_client(Trigger, 'face_recon/reset')
        # made once: DDS drops the answer to a client that the server has not heard of yet
        self._change: Any = self._node.create_client(ChangeState, 'face_recon/change_state')
        self._processes = Processes()
        self._used_s = (time.monotonic(), 0.0)

    def run(self) -> None:
        """Keep everything going for the time; a row is printed now and then."""
        self._start('node', 'face_recon_ros.nodes.face_recon_node')
        rate = f'rate:={self.rate_hz}'
        self._start('camera', 'face_recon_ros.tools.sample_camera', '-p', rate)
        self._spin_until(lambda: bool(self.latencies_ms), START_TIMEOUT_S)
        if not self.latencies_ms:
            sys.exit(f'soak: no face came within {START_TIMEOUT_S:g} s, see {self._folder}')
        begin_s = time.monotonic()
        chores = [
            Chore(SAMPLE_PERIOD_S, self._sample, begin_s),
            Chore(RESET_PERIOD_S, self._forget_faces, begin_s),
            Chore(PICTURES_PERIOD_S, self._toggle_pictures, begin_s),
            Chore(CYCLE_PERIOD_S, self._cycle, begin_s),
            Chore(self._seconds / ROWS, self._print_row, begin_s),
        ]
        print('  minute  memory MiB  threads  files  topics  CPU %  latency 95 %  faces')
        while time.monotonic() < begin_s + self._seconds:
            now_s = time.monotonic()
            self._rclpy.spin_once(self._node, timeout_sec=0.05)
            self.active_s += time.monotonic() - now_s
            for chore in chores:
                chore.do_if_due()
            if fault := self._processes.ended():
                sys.exit(f'soak: {fault}, see {self._folder}')

    def stop(self) -> tuple[int, float]:
        """End all processes; return the node's exit status and the seconds it took."""
        self._stop('pictures')
        self._stop('camera')
        began_s = time.monotonic()
        status = self._stop('node')
        took_s = time.monotonic() - began_s
        self._node.destroy_node()
        self._rclpy.try_shutdown()
        return status, took_s

    def complaints(self) -> list[str]:
        """Return the lines of all logs that a healthy run does not have."""
        return [
            f'{log.stem}: {line}'
            for log in sorted(self._folder.glob('*.log'))
            for line in log.read_text().splitlines()
            if any(word in line for word in COMPLAINTS)
        ]

    # --- processes -------------------------------------------------------------

    def _start(self, name: str, module: str, *arguments: str) -> None:
        ros = ['--ros-args', '-r', f'__ns:={self._namespace}', '-r', '/tf:=tf', *arguments]
        self._spawn(name, module_command(module, *ros))

    def _spawn(self, name: str, command: list[str]) -> None:
        self._processes.start(name, command, log=self._folder / f'{name}.log')

    def _stop(self, name: str) -> int:
        """Stop a process, where it runs; return its exit status."""
        if name not in self._processes:
            return 0
        return self._processes.stop(name, timeout_s=5 * STOP_TIMEOUT_S)[0]

    # --- chores ----------------------------------------------------------------

    def _sample(self) -> None:
        pid = self._processes['node'].pid
        now_s, cpu_s = time.monotonic(), processor_s(pid)
        then_s, then_cpu_s = self._used_s
        self._used_s = now_s, cpu_s
        status = Path(f'/proc/{pid}/status').read_text()
        threads = next(line for line in status.splitlines() if line.startswith('Threads:'))
        self.samples.append(
            Sample(
                now_s,
                resident_mib(pid),
                int(threads.split()[1]),
                len(list(Path(f'/proc/{pid}/fd').iterdir())),
                len(self._node.get_topic_names_and_types()),
                100 * (cpu_s - then_cpu_s) / (now_s - then_s),
                len(self.latencies_ms),
            )
        )

    def _forget_faces(self) -> None:
        self._reset.call_async(self._reset.srv_type.Request())
        self._count('resets')

    def _toggle_pictures(self) -> None:
        if 'pictures' in self._processes:
            self._stop('pictures')
        else:
            self._spawn('pictures', [sys.executable, __file__, '--consume', self._namespace])
            self._count('pictures')

    def _cycle(self) -> None:
        """Deactivate and activate."""
        from lifecycle_msgs.msg import Transition

        for number in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVATE):
            request = self._change.srv_type.Request(transition=Transition(id=number))
            future: Any = self._change.call_async(request)
            self._spin_until(future.done, START_TIMEOUT_S)
            if not (future.done() and future.result().success):
                sys.exit(f'soak: transition {number} failed, see {self._folder}')
        self._count('cycles')

    def _print_row(self) -> None:
        last = self.samples[-1]
        minute = (last.time_s - self.samples[0].time_s) / 60
        print(
            f'{minute:>8.1f}{last.memory_mib:>12.1f}{last.threads:>9}{last.files:>7}'
            f'{last.topics:>8}{last.cpu_percent:>7.0f}{p95(self.latencies_ms[-900:]):>11.1f} ms'
            f'{last.face_count:>7}',
            flush=True,
        )

    # --- received --------------------------------------------------------------

    def _on_faces(self, array: Any) -> None:
        if not array.faces:
            return
        stamp = array.header.stamp
        now_ns = self._node.get_clock().now().nanoseconds
        self.latencies_ms.append(1e-6 * (now_ns - stamp.sec * 10**9 - stamp.nanosec))

    def _count(self, what: str) -> None:
        self.counts[what] += 1

    def _spin_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < end_s:
            self._rclpy.spin_once(self._node, timeout_sec=0.05)


class Chore:
    """Something done again and again."""

    def __init__(self, period_s: float, do: Callable[[], None], now_s: float) -> None:
        self._period_s = period_s
        self._do = do
        self._next_s = now_s + period_s

    def do_if_due(self) -> None:
        """Do it when its time has come."""
        if time.monotonic() >= self._next_s:
            self._do()
            self._next_s = time.monotonic() + self._period_s


def p95(values: list[float]) -> float:
    """Return the value that 95 of 100 stay below."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else float('nan')


def passes(soak: Soak, status: int, took_s: float) -> bool:
    """Print a table of what was held against which limit; return whether all held."""
    count = len(soak.samples)
    early, late = soak.samples[count // 4 : count // 2], soak.samples[3 * count // 4 :]
    faces = len(soak.latencies_ms) / max(1.0, soak.rate_hz * soak.active_s)
    complaints = soak.complaints()
    growth_mib = median(late, 'memory_mib') - median(early, 'memory_mib')
    rows = [
        ('memory grows, MiB', growth_mib, MEMORY_MIB),
        ('threads grow', most(late, 'threads') - most(early, 'threads'), 0),
        ('open files grow', most(late, 'files') - most(early, 'files'), 0),
        # those of a new face are there before those of the old one are gone: not the most
        ('topics grow', median(late, 'topics') - median(early, 'topics'), 0),
        ('latency 95 %, ms', p95(soak.latencies_ms), LATENCY_P95_MS),
        ('images without faces, part', 1 - faces, 1 - FACES_FRACTION),
        ('lines at WARN and above', len(complaints), 0),
        ('exit status', status, 0),
        ('seconds to end', took_s, STOP_TIMEOUT_S),
    ]
    print(f'\n{"":<28}{"measured":>10}{"limit":>8}')
    for name, value, limit in rows:
        mark = '' if value <= limit else '  BROKEN'
        print(f'{name:<28}{value:>10.4g}{limit:>8g}{mark}')
    print(f'received: {len(soak.latencies_ms)} FaceArrays, {soak.counts}')
    for line in complaints[:20]:
        print(line)
    return all(value <= limit for _, value, limit in rows)


def most(samples: list[Sample], name: str) -> int:
    """Return the largest value of a field."""
    return max(getattr(sample, name) for sample in samples)


def median(samples: list[Sample], name: str) -> float:
    """Return the median of a field."""
    return statistics.median(getattr(sample, name) for sample in samples)


def consume(namespace: str) -> None:
    """Subscribe to all pictures until SIGINT or SIGTERM."""
    import rclpy
    from rclpy.executors import ExternalShutdownException
    from sensor_msgs.msg import Image, PointCloud2

    # rclpy alone may let a node that gets no messages wait on
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rclpy.init(args=[])
    node = rclpy.create_node('pictures', namespace=namespace)
    for topic in PICTURES:
        node.create_subscription(Image, f'face_recon/{topic}', lambda _: None, 1)
    node.create_subscription(PointCloud2, 'face_recon/points', lambda _: None, 1)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def main() -> int:
    """Run the soak; return 0 only if every limit held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--minutes', type=float, default=30.0, help='how long (default 30)')
    parser.add_argument('--rate', type=float, default=30.0, help='Hz of the camera (default 30)')
    parser.add_argument('--logs', type=Path, help='folder for the logs (default: a new one)')
    parser.add_argument('--consume', help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    fastdds.use_image_profile()
    if options.consume:
        consume(options.consume)
        return 0
    folder = options.logs or Path(tempfile.mkdtemp(prefix='face_recon_soak_'))
    folder.mkdir(parents=True, exist_ok=True)
    print(f'{options.minutes:g} minutes; logs in {folder}')
    from rclpy.executors import ExternalShutdownException

    soak = Soak(60 * options.minutes, options.rate, folder)
    try:
        soak.run()
    except (KeyboardInterrupt, ExternalShutdownException):
        print('interrupted: judged by what there is')
    finally:
        status, took_s = soak.stop()
    if len(soak.samples) < ROWS:
        sys.exit('soak: too short to judge')
    held = passes(soak, status, took_s)
    print('held' if held else 'broken')
    return 0 if held else 1


if __name__ == '__main__':
    sys.exit(main())
