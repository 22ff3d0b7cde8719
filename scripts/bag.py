#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Record topics to an MCAP bag and play one with /clock, on machines without `ros2 bag`.

    scripts/bag.py record out --demo --seconds 5     the demo: camera, faces and transforms
    scripts/bag.py record out /image /camera_info
    scripts/bag.py play out --topics /image /camera_info
    scripts/bag.py play out --topics /image /camera_info --answers /face_recon/faces

The last sends an image when what came of the one before has arrived on a topic, so that none is
left out, however slow the machine is.

A ROS 2 that is installed has `ros2 bag record --storage mcap` and `ros2 bag play --clock 100`.
Options of ROS go to the end: `--ros-args -r /image:=/camera/image_raw`.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import rclpy
from rcl_interfaces.srv import GetParameters
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rclpy.utilities import remove_ros_args
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosgraph_msgs.msg import Clock as ClockMessage

from face_recon_ros.nodes import fastdds
from face_recon_ros.tools.processes import Processes, module_command

DEMO_MODULES = ('face_recon_ros.tools.sample_camera', 'face_recon_ros.nodes.face_recon_node')
DEMO_TOPICS = ('/image', '/camera_info', '/face_recon/faces', '/tf')
CLOCK_PERIOD_S = 0.01
ACKNOWLEDGED_WITHIN_S = 5.0
ASK_AGAIN_S = 2.0
DEPTH = 100
IMAGES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')


class Recorder:
    """Writes what arrives on topics, as soon as somebody publishes there, to a bag."""

    def __init__(self, node: Node, writer: Writer, topics: Sequence[str]) -> None:
        self.counts = dict.fromkeys(topics, 0)
        self._node = node
        self._writer = writer
        self._types = get_typestore(Stores.EMPTY)
        self._waiting = set(topics)
        self._timer = node.create_timer(0.1, self._look_around, clock=Clock(
            clock_type=ClockType.STEADY_TIME))

    def _look_around(self) -> None:
        for topic in sorted(self._waiting):
            publishers = self._node.get_publishers_info_by_topic(topic)
            if publishers:
                self._waiting.discard(topic)
                reliable = all(
                    p.qos_profile.reliability == ReliabilityPolicy.RELIABLE for p in publishers)
                self._listen(topic, publishers[0].topic_type, reliable)

    def _listen(self, topic: str, kind: str, reliable: bool) -> None:
        register(self._types, kind)
        connection = self._writer.add_connection(topic, kind, typestore=self._types)

        def write(data: bytes) -> None:
            self._writer.write(connection, self._node.get_clock().now().nanoseconds, data)
            self.counts[topic] += 1

        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        profile = QoSProfile(depth=DEPTH, reliability=reliability)
        self._node.create_subscription(message_class(kind), topic, write, profile, raw=True)


def register(types: Any, kind: str) -> None:
    """Add a message type and all that it contains to a store, from the installed .msg files."""
    if kind in types.types:
        return
    definitions: dict[str, Any] = {}
    missing = {kind}
    while missing:
        name = missing.pop()
        package, _, message = name.split('/')
        text = installed_file(f'share/{package}/msg/{message}.msg').read_text()
        definitions.update(get_types_from_msg(text, name))
        used = {n for _, fields in definitions.values() for f in fields for n in names_in(f[1])}
        missing = used - definitions.keys()
    types.register({n: d for n, d in definitions.items() if n not in types.types})


def installed_file(name: str) -> Path:
    """Find a file of the ROS installations that are sourced, or of this Python's."""
    sourced = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    for prefix in [*filter(None, sourced), sys.prefix]:
        if (file := Path(prefix, name)).is_file():
            return file
    sys.exit(f'bag.py: {name} is not installed')


def names_in(field: Any) -> Iterator[str]:
    """Return the names of message types in the description of a field."""
    if isinstance(field, str) and field.count('/') == 2:
        yield field
    elif isinstance(field, (tuple, list)):
        for part in field:
            yield from names_in(part)


def message_class(kind: str) -> type:
    """Return the Python class of a message type such as std_msgs/msg/Header."""
    package, group, name = kind.split('/')
    message: type = getattr(import_module(f'{package}.{group}'), name)
    return message


class Answers:
    """Knows by its stamp which image something has come of on a topic."""

    def __init__(self, node: Node, topic: str, patience_s: float) -> None:
        """Wait until somebody answers there, and knows all that this node publishes."""
        self._node = node
        self._topic = topic
        self._patience_s = patience_s
        self._newest: tuple[int, int] | None = None
        answering = self._until(self._publisher, 'nobody publishes')
        reliable = answering.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        node.create_subscription(
            message_class(answering.topic_type), topic, self._take,
            profile() if reliable else QoSProfile(
                depth=DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT),
            raw=True)
        # DDS tells of publishers in the order of their making: who answers a client has heard all
        base = answering.node_namespace.rstrip('/')
        client: Any = node.create_client(
            GetParameters, f'{base}/{answering.node_name}/get_parameters')
        self._until(client.service_is_ready, 'no parameters of the node that publishes')
        self._until(lambda: self._ask(client), 'no answer of the node that publishes')

    def _publisher(self) -> Any:
        """Return who answers once it is known by name, which comes later than its topics."""
        names = self._node.get_node_names()
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        return next((p for p in publishers if p.node_name in names), None)

    def _ask(self, client: Any) -> bool:
        future = client.call_async(GetParameters.Request())
        rclpy.spin_until_future_complete(self._node, future, timeout_sec=ASK_AGAIN_S)
        return bool(future.done())

    def _take(self, data: bytes) -> None:
        self._newest = stamp_in(data)

    def wait(self, image: bytes) -> None:
        """Wait for what comes of a serialized image."""
        stamp = stamp_in(image)
        self._until(lambda: self._newest == stamp, f'nothing came of an image {stamp}')

    def _until(self, condition: Callable[[], Any], otherwise: str) -> Any:
        end_s = time.monotonic() + self._patience_s
        while not (found := condition()):
            if time.monotonic() > end_s:
                sys.exit(f'bag.py: {otherwise} on {self._topic} for {self._patience_s:g} s')
            rclpy.spin_once(self._node, timeout_sec=0.1)
        return found


def stamp_in(data: bytes) -> tuple[int, int]:
    """Return the stamp of a serialized message that begins with a std_msgs/Header."""
    sec, nanosec = struct.unpack_from('<iI' if data[1] & 1 else '>iI', data, 4)
    return sec, nanosec


class Player:
    """Publishes the messages of a bag at the times at which they were recorded, and /clock."""

    def __init__(self, node: Node, reader: Reader, topics: Sequence[str], rate: float) -> None:
        self._node = node
        self._reader = reader
        self._rate = rate
        self._connections = [c for c in reader.connections if not topics or c.topic in topics]
        self._clock = node.create_publisher(ClockMessage, '/clock', profile())
        self._publishers: dict[str, Publisher] = {
            c.topic: node.create_publisher(message_class(c.msgtype), c.topic, profile())
            for c in self._connections
        }

    def wait(self, seconds: float) -> None:
        """Give each topic some time to be subscribed to."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s and not all(
                p.get_subscription_count() for p in self._publishers.values()):
            time.sleep(0.05)

    def play(self, answers: Answers | None = None) -> int:
        """
        Play the bag once; return how many messages were published.

        :param answers: waited for after each image; time stands still as long.
        """
        count, waited_s = 0, 0.0
        begin_s, begin_ns = time.monotonic(), self._reader.start_time
        for connection, stamp_ns, data in self._reader.messages(self._connections):
            due_s = begin_s + waited_s + 1e-9 * (stamp_ns - begin_ns) / self._rate
            while (left_s := due_s - time.monotonic()) > 0:
                now_ns = stamp_ns - int(1e9 * left_s * self._rate)
                self._clock.publish(ClockMessage(clock=Time(nanoseconds=now_ns).to_msg()))
                time.sleep(min(left_s, CLOCK_PERIOD_S))
            self._clock.publish(ClockMessage(clock=Time(nanoseconds=stamp_ns).to_msg()))
            self._publishers[connection.topic].publish(bytes(data))
            count += 1
            if answers and connection.msgtype in IMAGES:
                sent_s = time.monotonic()
                answers.wait(bytes(data))
                waited_s += time.monotonic() - sent_s
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(Duration(seconds=ACKNOWLEDGED_WITHIN_S))
        return count


def profile() -> QoSProfile:
    """Return a reliable profile, which subscribers of either kind receive."""
    return QoSProfile(depth=DEPTH, reliability=ReliabilityPolicy.RELIABLE)


def record(node: Node, options: argparse.Namespace) -> int:
    """Record until the time is over or Ctrl-C; return the exit status."""
    topics = [*options.topics, *(DEMO_TOPICS if options.demo else ())]
    if not topics:
        sys.exit('bag.py: name topics, or --demo')
    with Writer(options.bag, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        recorder = Recorder(node, writer, topics)
        with Processes() as processes:
            for module in DEMO_MODULES if options.demo else ():
                processes.start(module, module_command(module))
            spin(node, options.seconds, lambda: any(recorder.counts.values()))
    print(f'{options.bag}: ' + ', '.join(f'{c} of {t}' for t, c in recorder.counts.items()))
    return 0 if all(recorder.counts.values()) else 1


def spin(node: Node, seconds: float | None, begun: Callable[[], bool]) -> None:
    """Spin for some seconds from when something has begun; None: until Ctrl-C."""
    end_s: float | None = None
    try:
        while rclpy.ok() and (end_s is None or time.monotonic() < end_s):
            rclpy.spin_once(node, timeout_sec=0.1)
            if end_s is None and seconds is not None and begun():
                end_s = time.monotonic() + seconds
    except (KeyboardInterrupt, rclpy.executors.ExternalShutdownException):
        pass


def play(node: Node, options: argparse.Namespace) -> int:
    """Play a bag; return the exit status."""
    with Reader(options.bag) as reader:
        player = Player(node, reader, options.topics, options.rate)
        player.wait(options.wait)
        answers = Answers(node, options.answers, options.patience) if options.answers else None
        print(f'{options.bag}: {player.play(answers)} messages')
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    recording = commands.add_parser('record')
    recording.add_argument('bag', type=Path, help='folder to make')
    recording.add_argument('topics', nargs='*')
    recording.add_argument('--demo', action='store_true', help=f'run and record the demo: '
                           f'{" ".join(DEMO_TOPICS)}')
    recording.add_argument('--seconds', type=float, help='from the first message on')
    recording.set_defaults(run=record)
    playing = commands.add_parser('play')
    playing.add_argument('bag', type=Path, help='folder or .mcap file')
    playing.add_argument('--topics', nargs='+', default=[], help='only these')
    playing.add_argument('--rate', type=float, default=1.0, help='2: twice as fast')
    playing.add_argument('--wait', type=float, default=1.0,
                         help='seconds to wait for subscribers, at most (default %(default)s)')
    playing.add_argument('--answers', metavar='TOPIC', default='',
                         help='send the next image when this one is answered there, by its stamp')
    playing.add_argument('--patience', type=float, default=60.0,
                         help='seconds to wait for an answer, at most (default %(default)s)')
    playing.set_defaults(run=play)
    return parser.parse_args(arguments)


def main() -> int:
    """Run the command line; return the exit status."""
    fastdds.use_image_profile()
    options = parse(remove_ros_args(sys.argv)[1:])
    rclpy.init(args=sys.argv)
    node = rclpy.create_node('bag')
    try:
        return options.run(node, options)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
