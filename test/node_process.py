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
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
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
# The first image may come before the node: the next is sent so soon, later ones wait for answers
FIRST_ANSWER_S, ANSWER_S = 0.1, 5.0
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

        But for TOO_SLOW, which a busy machine makes it say.
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
    return refused(*(a for p in parameters for a in ('-p', p)))


def refused(*ros_arguments, command=NODE, environment=None):
    """Start a node with ROS arguments that it refuses; return the line that it says."""
    done = subprocess.run(
        [*command, '--ros-args', *ros_arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        cwd=ELSEWHERE,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == 1, done.stderr
    assert 'Traceback' not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1, done.stderr
    return lines[0]


class CameraClock:
    """
    When images are taken: 30 a second, however long the machine takes for each.

    Tracking and smoothing go by stamps, so what they find is the same on a busy machine.
    """

    STEP_NS = 33_333_333

    def __init__(self):
        self._now_ns = time.time_ns()

    def tick(self):
        self.forward(1e-9 * self.STEP_NS)
        return Time(nanoseconds=self._now_ns).to_msg()

    def forward(self, seconds):
        self._now_ns += round(1e9 * seconds)


def stamp_of(message):
    """Return when the image of a message was taken, seconds and nanoseconds."""
    return message.header.stamp.sec, message.header.stamp.nanosec


class Peer:
    """Another process's view: publishes as a camera does, collects what comes back."""

    # one for all: to a node that outlives a peer time goes on
    clock = CameraClock()

    def __init__(self, namespace=''):
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('peer', context=self.context, namespace=namespace)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self.images = self.node.create_publisher(Image, 'image', RELIABLE)
        self.infos = self.node.create_publisher(CameraInfo, 'camera_info', RELIABLE)
        self._pings = {}

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
        return Header(stamp=self.clock.tick(), frame_id=frame_id)

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
        # DDS drops the answer to a client that the server has not heard of yet. It hears of
        # clients in the order of their making, so once it answers a later one it knows this one.
        self._ask(name.rpartition('/')[0])
        future = client.call_async(kind.Request(**fields))
        self.wait(future.done, f'the answer of {name}')
        self.node.destroy_client(client)
        return future.result()

    def ping(self, server='face_recon'):
        """
        Wait until a node has an answer for us.

        It then knows all that was made here before, and has taken in what reached it before.
        """
        if server not in self._pings:
            self._pings[server] = self._ask(server, keep=True)
        future = self._pings[server].call_async(GetParameters.Request())
        self.wait(future.done, f'the answer of {server}')

    def taken(self, publisher, server='face_recon'):
        """Wait until a node has taken in what was published, reliably, to it."""
        self.wait(publisher.get_subscription_count, 'a subscriber')
        assert publisher.wait_for_all_acked(Duration(seconds=DEADLINE_S))
        self.ping(server)

    def _ask(self, server, keep=False):
        """Ask a node for no parameters until it answers; return the client if it is kept."""
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
        if keep:
            return client
        self.node.destroy_client(client)
        return None

    def set_parameters(self, node='face_recon', **values):
        """Set parameters one by one; return their results."""
        parameters = [Parameter(n, value=v).to_parameter_msg() for n, v in values.items()]
        return self.call(
            SetParameters, f'{node}/set_parameters', parameters=parameters
        ).results

    def answer(self, make_message, faces, first=False, patience_s=ANSWER_S, **more):
        """
        Return what comes of one image: the next is not sent before, so none is left out.

        :param faces: the list that a subscription to FaceArray fills.
        :param first: the node may not know of us yet.
        :param patience_s: before an image is taken for lost.
        """
        sent, begin = set(), len(faces)

        def make(header):
            message = make_message(header)
            sent.add(stamp_of(message))
            return message

        def answers():
            return [f for f in faces[begin:] if stamp_of(f) in sent]

        self.show(make, answers, pause_s=FIRST_ANSWER_S if first else patience_s, **more)
        return answers()[0]

    def faces_in(self, image, count=1):
        """Return a FaceArray of an image with that many faces, once the tracker has settled."""
        faces = self.collect(FaceArray, 'face_recon/faces')
        end_s = time.monotonic() + DEADLINE_S
        # who is known need not send images in vain, between which time would go on
        self._ask('face_recon')
        settled = []
        while len(settled) < SETTLED_COUNT:
            assert time.monotonic() < end_s, f'waited {DEADLINE_S} s for {count} faces'
            answer = self.answer(lambda h: to_image(image, 'bgr8', h), faces.collected)
            if len(answer.faces) == count:
                settled.append(answer)
        self.drop(faces)
        return settled[-1]


def statuses(diagnostics):
    """Return the newest statuses of a collecting subscription, by the names of their tasks."""
    return {s.name.split(': ')[1]: s for s in diagnostics.collected[-1].status}


def values(status):
    return {v.key: v.value for v in status.values}


@contextmanager
def _profile_of_images():
    added = {}
    fastdds.use_image_profile(added)
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


@pytest.fixture(scope='module', autouse=True)
def image_profile():
    """Send images as the shipped profile does, in processes that are started, too."""
    with _profile_of_images():
        yield


def _read_profile():
    """
    Let this process send images so.

    Fast DDS reads profiles once, for the first node: that of another file, which sends none.
    Without them images go in pieces of UDP packets, and get lost where the machine is busy.
    """
    with _profile_of_images():
        context = rclpy.Context()
        rclpy.init(context=context)
        rclpy.create_node('first', context=context).destroy_node()
        context.try_shutdown()


_read_profile()
