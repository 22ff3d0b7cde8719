# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node in its own process, and peers that publish as a camera does."""

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import rclpy
from face_recon_ros.msg import FaceArray
from patience import HANG_S
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from face_recon_ros.nodes import fastdds
from face_recon_ros.nodes.images import to_image
from face_recon_ros.tools.processes import Process, module_command
from face_recon_ros.tools.sample_camera_node import camera_info
from face_recon_ros.tools.sample_motion import portrait_camera

WIDTH, HEIGHT = 640, 480
CAMERA = portrait_camera(WIDTH, HEIGHT)
DEADLINE_S = HANG_S
ASK_AGAIN_S = 2.0
# Images of one still view until its pose no longer depends on the view before
SETTLED_COUNT = 12
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
FRAME = 'head_camera_optical_frame'
# `python -m` imports from where it is run: not from the root of the repository, whose folder of
# that name is not what is installed
ELSEWHERE = Path(__file__).parent
TOO_SLOW = 'too slow for the camera'
NODE = module_command('face_recon_ros.nodes.face_recon_node')


class OtherProcess(Process):
    """A process and the lines it has written, as tests ask for them."""

    def __init__(self, command):
        super().__init__(command, collect=True)

    def wait_line(self, text, after=0, deadline_s=DEADLINE_S):
        return super().wait_line(text, deadline_s, after)

    def count(self, text):
        return sum(text in line for line in self.lines)

    def complaints(self):
        """
        Return the lines at WARN and above, and what never should be there.

        But for TOO_SLOW: on a busy machine that is so.
        """
        words = ('[WARN]', '[ERROR]', '[FATAL]', 'Traceback', 'Exception', 'error: ')
        lines = [line for line in self.lines if TOO_SLOW not in line]
        return [line for line in lines if any(word in line for word in words)]

    def end(self, number=signal.SIGINT):
        """Send a signal, wait for the end, return the status."""
        return super().end(number, DEADLINE_S)


@contextmanager
def process(command):
    """Run a command as long as the context lasts."""
    other = OtherProcess(command)
    try:
        yield other
    finally:
        try:
            other.end(signal.SIGTERM)
        finally:
            other.stop()


def running(*ros_arguments):
    """
    Run the node as long as the context lasts.

    Unless a test says otherwise, images have not stopped, whatever holds the machine up.
    """
    return process([*NODE, '--ros-args', '-p', 'image_timeout:=3600.0', *ros_arguments])


def start_refused(*parameters):
    """Start the node with parameters that it refuses; return the line that it says."""
    arguments = [a for p in parameters for a in ('-p', p)]
    done = subprocess.run(
        [*NODE, '--ros-args', *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        cwd=ELSEWHERE,
    )
    assert done.returncode == 1, done.stderr
    assert 'Traceback' not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1, done.stderr
    return lines[0]


class Peer:
    """Another process's view: publishes as a camera does, collects what comes back."""

    def __init__(self, namespace=''):
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('peer', context=self.context, namespace=namespace)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self.images = self.node.create_publisher(Image, 'image', RELIABLE)
        self.infos = self.node.create_publisher(CameraInfo, 'camera_info', RELIABLE)

    def close(self):
        self._executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def collect(self, kind, topic, qos=RELIABLE):
        collected = []
        subscription = self.node.create_subscription(kind, topic, collected.append, qos)
        subscription.collected = collected
        return subscription

    def drop(self, *subscriptions):
        for subscription in subscriptions:
            self.node.destroy_subscription(subscription)

    def wait(self, condition, what, deadline_s=DEADLINE_S):
        end_s = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < end_s, f'waited {deadline_s} s for {what}'
            self._executor.spin_once(timeout_sec=0.05)

    def header(self, frame_id=FRAME):
        return Header(stamp=self.node.get_clock().now().to_msg(), frame_id=frame_id)

    def show(self, make_message, arrived, info=True, publisher=None, pause_s=0.1):
        """
        Publish again and again, as a camera does, until something has arrived.

        :param make_message: gives an image message, of a header.
        :param arrived: tells whether it has.
        """
        publisher = publisher or self.images
        end_s = time.monotonic() + DEADLINE_S
        while not arrived():
            assert time.monotonic() < end_s, 'nothing arrived'
            header = self.header()
            if info:
                self.infos.publish(camera_info(CAMERA, header))
            publisher.publish(make_message(header))
            next_s = time.monotonic() + pause_s
            while not arrived() and time.monotonic() < next_s:
                self._executor.spin_once(timeout_sec=0.02)

    def call(self, kind, name, **fields):
        """Call a service; return its response."""
        client = self.node.create_client(kind, name)
        self.wait(client.service_is_ready, f'service {name}')
        self._be_known_to(name.rpartition('/')[0])
        future = client.call_async(kind.Request(**fields))
        self.wait(future.done, f'the answer of {name}')
        self.node.destroy_client(client)
        return future.result()

    def _be_known_to(self, server):
        """
        Ask a node for nothing until it answers.

        DDS drops the answer to a client that the server has not heard of yet. It hears of clients
        in the order of their making, so once it answers a later one it knows the earlier.
        """
        client = self.node.create_client(GetParameters, f'{server}/get_parameters')
        self.wait(client.service_is_ready, f'parameters of {server}')
        end_s = time.monotonic() + DEADLINE_S
        answered = False
        while not answered:
            assert time.monotonic() < end_s, f'waited {DEADLINE_S} s for {server} to know us'
            future = client.call_async(GetParameters.Request())
            again_s = time.monotonic() + ASK_AGAIN_S
            while not future.done() and time.monotonic() < again_s:
                self._executor.spin_once(timeout_sec=0.05)
            answered = future.done()
        self.node.destroy_client(client)

    def set_parameters(self, node='face_recon', **values):
        """Set parameters one by one; return their results."""
        parameters = [Parameter(n, value=v).to_parameter_msg() for n, v in values.items()]
        return self.call(
            SetParameters, f'{node}/set_parameters', parameters=parameters
        ).results

    def faces_in(self, image, count=1):
        """Return a FaceArray of an image with that many faces, once the tracker has settled."""
        faces = self.collect(FaceArray, 'face_recon/faces')
        sent = []

        def make(header):
            sent.append(header)
            return to_image(image, 'bgr8', header)

        def answers():
            mine = [(h.stamp.sec, h.stamp.nanosec) for h in sent]
            return [
                f
                for f in faces.collected
                if (f.header.stamp.sec, f.header.stamp.nanosec) in mine and len(f.faces) == count
            ]

        self.show(make, lambda: len(answers()) >= SETTLED_COUNT, pause_s=0.03)
        self.drop(faces)
        return answers()[-1]


def statuses(diagnostics):
    """Return the newest statuses of a collecting subscription, by the names of their tasks."""
    return {s.name.split(': ')[1]: s for s in diagnostics.collected[-1].status}


def values(status):
    return {v.key: v.value for v in status.values}


@pytest.fixture(scope='module', autouse=True)
def image_profile():
    """Send images as the shipped profile does."""
    added = {}
    fastdds.use_image_profile(added)
    os.environ.update(added)
    yield
    for name in added:
        del os.environ[name]
