# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What goes wrong around the node: it says each thing once, and goes on by itself when it is over.

Of every fault the log has exactly one line at WARN or above; of a healthy run, none.
"""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from face_recon_ros.msg import FaceArray
from node_process import (
    CAMERA,
    DEADLINE_S,
    NODE,
    RELIABLE,
    TOO_SLOW,
    image_profile,  # noqa: F401
    process,
    running,
    statuses,
    values,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_srvs.srv import SetBool
from tf2_msgs.msg import TFMessage

from face_recon_ros.nodes.images import to_image
from face_recon_ros.tools.latency import resident_mib
from face_recon_ros.tools.processes import module_command
from face_recon_ros.tools.sample_camera_node import camera_info
from face_recon_ros.tools.sources import PortraitSource

SAMPLE_CAMERA = module_command('face_recon_ros.tools.sample_camera')
PEER_PROCESS = [sys.executable, str(Path(__file__).with_name('peer_process.py'))]
WARN, ERROR = b'\x01', b'\x02'
STOPPED, ARRIVE = 'images stopped on /image', 'images arrive on /image'
# often, so that a line said with each of them would be seen soon
OFTEN = ('-p', 'diagnostics_period:=0.1')


class Watch:
    """Collects faces and diagnostics."""

    def __init__(self, peer):
        self._peer = peer
        self.faces = peer.collect(FaceArray, 'face_recon/faces').collected
        self._diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
        self.diagnostics = self._diagnostics.collected

    def status(self, task):
        return statuses(self._diagnostics)[task]

    def new_faces(self, count=3, deadline_s=DEADLINE_S):
        """Wait for that many more FaceArrays with faces; return the last."""
        begin = len(self.faces)

        def found():
            return [f for f in self.faces[begin:] if f.faces]

        self._peer.wait(lambda: len(found()) >= count, 'faces', deadline_s)
        return found()[-1]

    def wait_status(self, task, words):
        """Wait until a task says that; return its status."""
        self._peer.wait(
            lambda: self.diagnostics and words in self.status(task).message, f'{task}: {words}'
        )
        return self.status(task)

    def more_diagnostics(self, count=10):
        """Wait for that many more, so that what is said with each would be in the log."""
        begin = len(self.diagnostics)
        self._peer.wait(lambda: len(self.diagnostics) >= begin + count, 'diagnostics')


@pytest.fixture
def watch(peer):
    return Watch(peer)


def ended_well(node, *complaints, number=signal.SIGINT):
    """End the node; it must have complained of just that, each once."""
    assert node.end(number) == 0, node.lines
    found = node.complaints()
    assert len(found) == len(complaints), found
    for words, line in zip(complaints, found, strict=True):
        assert words in line
    assert alternate(node, TOO_SLOW, 'keeps up'), node.lines


def said_once_each_time(node, fault, over):
    """
    Tell whether a fault that comes and goes was said, and not again before it was over.

    Where the machine is held up it is over in between, for the node counts seconds.
    """
    return node.count(fault) > 0 and alternate(node, fault, over)


def alternate(node, fault, over):
    """Tell whether a fault and its end were said in turn, the fault first, as often as it came."""
    said = [words for line in node.lines for words in (fault, over) if words in line]
    return said[:1] in ([], [fault]) and all(a != b for a, b in itertools.pairwise(said))


class Outages:
    """
    What the node said of images that do not come.

    A machine that is held up has more outages than a test made, but each is said once. Images that
    come for a moment only end no outage.
    """

    def __init__(self, node):
        said = [words for line in node.lines for words in self.SAID if words in line]
        assert said[:1] != [ARRIVE], said
        assert all(a != b for a, b in itertools.pairwise(said)), said
        self.count = said.count(STOPPED)
        self.over = said[-1:] in ([], [ARRIVE])

    SAID = ('no images on /image', STOPPED, ARRIVE)


def ended_well_after_outages(node, count):
    """End the node; it must have complained of outages alone, of each once."""
    assert node.end() == 0, node.lines
    assert Outages(node).count >= count
    assert [c for c in node.complaints() if not any(words in c for words in Outages.SAID)] == []


# --- cameras -----------------------------------------------------------------------


def test_a_healthy_run_has_no_warnings(peer, watch):
    with running(*OFTEN) as node, process(SAMPLE_CAMERA) as camera:
        outputs = [
            peer.collect(kind, f'face_recon/{topic}')
            for kind, topic in (
                (Image, 'mesh_image'), (Image, 'overlay_image'), (Image, 'depth_image'),
                (PointCloud2, 'points'),
            )
        ]  # fmt: skip
        # longer than the window over which drops are judged
        watch.new_faces(count=200)
        peer.wait(lambda: all(o.collected for o in outputs), 'all pictures')
        faults = [s for s in watch.diagnostics[-1].status if s.level != b'\x00']
        assert [s for s in faults if TOO_SLOW not in s.message] == []
        assert 'sha256' in values(watch.status('faces'))['face model']
        assert camera.end() == 0
        assert camera.complaints() == []
        watch.more_diagnostics(11)  # more than wait for this process
        speed = values(watch.status('speed'))
        lost = int(speed['dropped']) + int(speed['missed'])
        assert lost > 1 or not node.count(TOO_SLOW)
        ended_well(node)


def test_a_camera_that_is_killed_and_started_again(peer, watch):
    with running(*OFTEN, '-p', 'image_timeout:=0.7') as node:
        with process(SAMPLE_CAMERA) as camera:
            watch.new_faces()
            camera.process.kill()
            node.wait_line(STOPPED)
        assert watch.wait_status('images', 'images stopped').level == ERROR
        watch.more_diagnostics()
        with process(SAMPLE_CAMERA):
            watch.new_faces()
            peer.wait(lambda: Outages(node).over, 'the end of the outage')
            ended_well_after_outages(node, 1)


@pytest.mark.parametrize(('kind', 'topic', 'remapped', 'transport', 'words'), [
    (CompressedImage, 'camera', 'camera', 'raw',
     'no images on /camera: sensor_msgs/msg/CompressedImage is published there; remap image to a '
     'topic of sensor_msgs/msg/Image'),
    (CompressedImage, 'camera/compressed', 'camera', 'raw',
     'no images on /camera: they are on /camera/compressed; set image_transport to compressed'),
    (Image, 'camera', 'camera', 'compressed',
     'no images on /camera/compressed: they are on /camera; set image_transport to raw'),
    (Image, 'camera', 'camera/compressed', 'raw',
     'no images on /camera/compressed: they are on /camera; remap image to /camera'),
])  # fmt: skip
def test_images_of_another_type_or_transport(
    peer, watch, kind, topic, remapped, transport, words
):
    publisher = peer.node.create_publisher(kind, topic, RELIABLE)
    with running(
        *OFTEN, '-p', 'image_timeout:=0.5', '-p', f'image_transport:={transport}',
        '-r', f'image:={remapped}',
    ) as node:
        watch.wait_status('images', words)
        node.wait_line(words)
        assert node.end() == 0
    peer.node.destroy_publisher(publisher)


def test_a_remapped_name_is_not_remapped_again(peer, watch):
    publisher = peer.node.create_publisher(CompressedImage, 'camera', RELIABLE)
    words = 'no images on /camera: sensor_msgs/msg/CompressedImage is published there'
    with running(
        *OFTEN, '-p', 'image_timeout:=0.5', '-r', 'image:=/camera', '-r', '/camera:=/elsewhere'
    ) as node:
        watch.wait_status('images', words)
        assert node.end() == 0
    peer.node.destroy_publisher(publisher)


def test_images_stop_for_a_minute(peer, watch, image):
    with running(*OFTEN, '-p', 'image_timeout:=0.5') as node:
        minute_s = 0

        def picture(header):
            header.stamp.sec += minute_s
            return to_image(image, 'bgr8', header)

        peer.show(picture, lambda: any(f.faces for f in watch.faces))
        node.wait_line(STOPPED)
        assert watch.wait_status('images', 'images stopped').level == ERROR
        watch.more_diagnostics()
        minute_s = 60
        begin = len(watch.faces)
        peer.show(picture, lambda: any(f.faces for f in watch.faces[begin:]))
        peer.show(picture, lambda: Outages(node).over)
        ended_well_after_outages(node, 1)


def test_camera_info_missing_late_wrong_and_right(peer, watch, image):
    with running(*OFTEN, '-p', 'calibration_wait:=0.2') as node:

        def picture(header):
            return to_image(image, 'bgr8', header)

        def distance_m():
            """Once nothing of before is smoothed in any more."""
            for index in range(30):
                answer = peer.answer(picture, watch.faces, first=not index, info=False)
            return answer.faces[0].pose.pose.position.z

        def informed(width, height):
            """Return a function that shows a camera_info, then an image."""

            def make(header):
                message = camera_info(CAMERA, header)
                message.width, message.height = width, height
                peer.infos.publish(message)
                return picture(header)

            return make

        words = 'no camera_info on /camera_info'
        peer.show(picture, lambda: node.count(words), info=False)
        guessed_m = distance_m()
        assert 'are a guess' in watch.wait_status('calibration', words).message
        assert len(node.complaints()) == 1
        peer.show(informed(320, 240), lambda: node.count('is for 320x240'), info=False)
        assert distance_m() == pytest.approx(guessed_m, rel=0.01)
        # late, and what has come need not come again
        known = 'calibrated by /camera_info'
        peer.show(informed(640, 480), lambda: node.count(known), info=False)
        assert distance_m() == pytest.approx(0.94 * guessed_m, rel=0.02)
        ended_well(node, 'no camera_info on /camera_info', 'is for 320x240 but images are 640x480')


def settled(watch, answers):
    """Return the values of speed and images once they and the answers change no more."""
    before = None
    while True:
        watch.more_diagnostics(3)
        speed, images = values(watch.status('speed')), values(watch.status('images'))
        now = images['received'], speed['dropped'], speed['missed'], len(answers)
        if now == before:
            return speed, images
        before = now


def is_steady(memory_mib):
    """Tell whether the last 60 of 80 values and more have not grown by a quarter of an image."""
    return len(memory_mib) > 80 and max(memory_mib[-60:]) - memory_mib[-60] < 6


def test_4k_at_60_hz(peer, watch):
    """More than the machine can do: all is accounted for, and neither lateness nor memory grow."""
    latencies_s, arrivals_s, memory_mib = [], [], []

    def receive(array):
        stamp = array.header.stamp
        now_ns = peer.node.get_clock().now().nanoseconds
        latencies_s.append(1e-9 * (now_ns - stamp.sec * 10**9 - stamp.nanosec))
        arrivals_s.append(1e-9 * now_ns)
        memory_mib.append(resident_mib(node.process.pid))

    # so deep that nothing is lost while this process is held up
    peer.node.create_subscription(FaceArray, 'face_recon/faces', receive, 1000)
    camera_command = [*PEER_PROCESS, 'fast_camera', '3840', '2160', '60']
    with running(*OFTEN) as node:
        watch.more_diagnostics(1)  # it has found its subscribers
        with process(camera_command) as camera:
            peer.wait(lambda: is_steady(memory_mib), 'memory that grows no more')
            camera.process.send_signal(signal.SIGINT)
            camera.wait_line('sent ')
            alone, count = map(int, camera.lines[-1].split()[1:])
        speed, images = settled(watch, latencies_s)
        received, missed = int(images['received']), int(speed['missed'])
        # what came before the first image received is nobody's to count
        assert 0.9 * (count - alone) <= received + missed <= count
        answered = received - int(speed['dropped'])
        peer.wait(lambda: len(latencies_s) >= answered - 2, f'{answered} answers')
        assert len(latencies_s) <= answered
        # as late as an image takes, with the one before it, and not as a queue of them would; on
        # the mean, for where this process is held up answers come in bursts
        assert np.median(latencies_s[40:]) < 4 * np.mean(np.diff(arrivals_s[40:])) + 0.02
        image_mib = 3840 * 2160 * 3 / 2**20
        assert max(memory_mib) - memory_mib[0] < 16 * image_mib
        ended_well(node)


# --- clocks ------------------------------------------------------------------------


def test_stamps_that_go_back(peer, watch, image):
    with running(*OFTEN) as node:
        offset_s = 0

        def picture(header):
            header.stamp.sec += offset_s
            return to_image(image, 'bgr8', header)

        def shown():
            """Return the id of the face once there has been one some times."""
            found = []
            while len(found) < 4:
                faces = peer.answer(picture, watch.faces, first=not watch.faces).faces
                found += [f.id for f in faces]
            return found[-1]

        back, over = 'stamps of images on /image went back', 'rise again'
        first = shown()
        offset_s = -1000
        peer.answer(picture, watch.faces)
        watch.wait_status('stamps', back)
        assert shown() != first  # nothing of before the jump leaks into after it
        offset_s = 1000
        assert shown() == shown()
        for step in range(12):  # two cameras on one topic
            offset_s = -1000 * (step % 2)
            peer.answer(picture, watch.faces)
        offset_s = 2000
        peer.answer(picture, watch.faces)

        def rising():
            return over in [line for line in node.lines if back in line or over in line][-1]

        peer.show(picture, rising)
        assert shown() == shown()
        assert node.end() == 0, node.lines
        assert said_once_each_time(node, back, over)
        assert [line for line in node.complaints() if back not in line] == []


def test_two_cameras_of_one_frame_on_one_topic(peer, watch, image):
    other = peer.node.create_publisher(Image, 'image', RELIABLE)
    words = 'images on /image are of two publishers by turns'
    with running(*OFTEN) as node:
        for publisher in 4 * [peer.images, other]:
            peer.answer(
                lambda h: to_image(image, 'bgr8', h), watch.faces,
                first=not watch.faces, publisher=publisher)
        watch.wait_status('frame_id', words)
        ended_well(node, words)
    peer.node.destroy_publisher(other)


@pytest.mark.parametrize(('sec', 'words'), [(0, 'have no stamp'), (1000, 'the same stamp')])
def test_a_camera_without_stamps(peer, watch, image, sec, words):
    """tf2 takes one transform a stamp: the time of arrival makes them useful."""
    tf = peer.collect(TFMessage, '/tf')
    with running(*OFTEN, '-p', 'track_timeout:=600.0') as node:

        def picture(header):
            header.stamp.sec, header.stamp.nanosec = sec, 0
            return to_image(image, 'bgr8', header)

        def seconds(header):
            return header.stamp.sec + 1e-9 * header.stamp.nanosec

        def since(begin_s):
            """When /tf says that faces were seen, and the FaceArrays, from a time on."""
            stamps = [seconds(t.header) for m in tf.collected for t in m.transforms[:1]]
            arrays = [a for a in watch.faces if a.faces and seconds(a.header) > begin_s]
            return [s for s in stamps if s > begin_s], arrays

        peer.show(picture, lambda: node.count(words))
        begin_s = peer.node.get_clock().now().nanoseconds / 1e9
        peer.show(picture, lambda: all(len(found) > 10 for found in since(begin_s)))
        status = watch.wait_status('stamps', words)
        assert status.level == WARN
        stamps, _ = since(begin_s)
        assert all(b > a for a, b in itertools.pairwise(stamps))
        assert stamps[-1] <= peer.node.get_clock().now().nanoseconds / 1e9
        # ~/faces, markers and all else have the stamp that /tf has
        peer.wait(
            lambda: set(stamps) <= {seconds(a.header) for a in watch.faces}, 'the arrays of /tf'
        )
        _, arrays = since(begin_s)
        assert len({f.id for array in arrays for f in array.faces}) == 1
        ended_well(node, words)


def test_black_images_are_spoken_of(peer, watch, image):
    """A lens cap is; an infrared camera that uses 10 of 16 bits is not black."""
    grey = image.mean(axis=2).astype(np.uint16)
    with running(*OFTEN) as node:

        def covered(header):
            return to_image(grey // 40, 'mono16', header)

        def ten_bits(header):
            return to_image(grey << 2, 'mono16', header)

        peer.show(covered, lambda: node.count('images on /image are black: look at the lens cap'))
        assert watch.wait_status('images', 'are black').level == WARN
        begin = len(watch.faces)
        peer.show(
            ten_bits,
            lambda: (
                any(f.faces for f in watch.faces[begin:])
                and watch.status('images').level == b'\x00'
            ),
        )
        ended_well(node, 'are black')


def test_simulation_that_is_paused_and_reset(peer, watch, image):
    with running(*OFTEN, '-p', 'use_sim_time:=true') as node:
        clock = peer.node.create_publisher(Clock, '/clock', 10)
        peer.wait(clock.get_subscription_count, 'the node to listen to /clock')
        now = Clock()

        def picture(header):
            clock.publish(now)
            header.stamp = now.clock
            now.clock.nanosec += 10_000_000
            if now.clock.nanosec >= 10**9:
                now.clock.sec, now.clock.nanosec = now.clock.sec + 1, 0
            return to_image(image, 'bgr8', header)

        def stamped(second):
            def arrived():
                seconds = range(second, second + 100)  # however many images it takes
                return (
                    any(f.faces and f.header.stamp.sec in seconds for f in watch.faces)
                    and watch.diagnostics[-1].header.stamp.sec in seconds
                )

            return arrived

        for second in (500, 3):
            now.clock.sec, now.clock.nanosec = second, 0
            peer.show(picture, stamped(second), pause_s=0.05)
            watch.more_diagnostics()  # paused: nobody publishes /clock
        ended_well(node, 'stamps of images on /image went back')


# --- signals -----------------------------------------------------------------------


def has_mapped(name):
    """Return a condition: a process has mapped a file with that in its name."""
    return lambda node, _: name in Path(f'/proc/{node.process.pid}/maps').read_text()


def is_busy(node, peer):
    if not hasattr(peer, 'mesh'):
        peer.mesh = peer.collect(Image, 'face_recon/mesh_image').collected
        peer.large = to_image(PortraitSource(1920, 1080).read(0.0), 'bgr8', peer.header())
        peer.all = [
            peer.collect(FaceArray, 'face_recon/faces'), peer.collect(TFMessage, '/tf'),
            peer.collect(PointCloud2, 'face_recon/points'),
        ]  # fmt: skip
    peer.large.header = peer.header()
    peer.infos.publish(CameraInfo())
    peer.images.publish(peer.large)
    peer.node.executor.spin_once(timeout_sec=0.0)
    return len(peer.mesh) > 5


MOMENTS = {
    'imports': has_mapped('rclpy'),
    'models are read': has_mapped('litert'),
    'active': lambda node, _: node.count('looking for faces'),
    'busy': is_busy,
}


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('moment', MOMENTS)
def test_signals_end_it_at_any_moment(peer, moment, number):
    with running('--log-level', 'error') if moment == 'busy' else running() as node:
        deadline_s = time.monotonic() + DEADLINE_S
        while not MOMENTS[moment](node, peer):
            assert time.monotonic() < deadline_s, node.lines
            assert node.process.poll() is None
        ended_well(node, number=number)


STUCK = """
import threading
from face_recon_ros.nodes import face_recon_node, process
from face_recon_ros.tflite import Network

def load():
    make = face_recon_node.load()
    def run(network):
        print('in an image', flush=True)
        threading.Event().wait()
    def made():
        node = make()
        Network.run = run
        return node
    return made

raise SystemExit(process.run(load, {arguments}))
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_image_that_never_ends_does_not_keep_it(peer, image, number):
    """It is no fault of a node that is told to end: no ERROR, status 0."""
    code = STUCK.format(arguments=['--ros-args', '-p', 'image_timeout:=3600.0'])
    with process([sys.executable, '-c', code]) as node:
        faces = peer.collect(FaceArray, 'face_recon/faces')
        peer.show(lambda h: to_image(image, 'bgr8', h), lambda: node.count('in an image'))
        ended_well(node, number=number)
        assert faces.collected == []


IN_CPP = """
import os, sys, threading
import cv2, numpy as np
from face_recon_ros.nodes import process

class Node:
    left_work = True
    def __init__(self):
        begun = threading.Event()
        image = np.zeros((4000, 4000), np.uint8)
        def work():
            begun.set()
            while True:
                cv2.medianBlur(image, 255)
        threading.Thread(target=work, daemon=True).start()
        begun.wait()
        os.kill(os.getpid(), 15)
    def destroy_node(self):
        print('destroyed')

process._spin = lambda node, signals: None
raise SystemExit(process.run(lambda: Node, []))
"""


def test_a_thread_that_is_in_cpp_at_the_end_aborts_nothing():
    done = subprocess.run([sys.executable, '-c', IN_CPP], capture_output=True, text=True,
                          timeout=DEADLINE_S, cwd=Path(__file__).parent, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, 'destroyed\n', '')


def test_signals_end_it_while_nothing_is_configured(peer, watch):
    with running('-p', 'autostart:=false') as node:
        watch.more_diagnostics(1)
        ended_well(node, number=signal.SIGTERM)


# --- peers -------------------------------------------------------------------------


def test_two_nodes_with_the_same_name(watch):
    with running(*OFTEN) as first, running(*OFTEN) as second:
        for node in (first, second):
            node.wait_line('another node is named /face_recon too')
        watch.more_diagnostics(20)
        ended_well(second, 'another node is named /face_recon too')
        first.wait_line('nobody else is named /face_recon')
        ended_well(first, 'another node is named /face_recon too')


def stop_asleep(peer, other):
    """
    Stop a process for which there is nothing to do.

    One that is stopped with a lock of Fast DDS's shared memory in its hand stops all who write to
    it, whatever they are.
    """

    def asleep():
        threads = Path(f'/proc/{other.pid}/task').glob('*/stat')
        try:
            return all(t.read_text().rpartition(')')[2].split()[0] == 'S' for t in threads)
        except OSError:  # of a thread that has ended
            return False

    assert peer.call(SetBool, 'face_recon/enable', data=False).success
    peer.ping()
    peer.wait(asleep, f'{other.name} to sleep')
    other.send(signal.SIGSTOP)
    assert peer.call(SetBool, 'face_recon/enable', data=True).success


def test_a_subscriber_that_never_reads(peer, watch):
    """Reliable, and then not even its process runs: the others go on receiving."""

    def latency_ms():
        return float(values(watch.status('speed'))['latency median [ms]'])

    with running(*OFTEN) as node, process(SAMPLE_CAMERA):
        watch.new_faces()
        with process([*PEER_PROCESS, 'deaf']) as deaf:
            deaf.wait_line('ready')
            watch.new_faces(30)
            memory_mib = resident_mib(node.process.pid)
            watch.new_faces(60)
            before_ms = latency_ms()
            stop_asleep(peer, deaf)
            try:
                watch.new_faces(60)
                # not a blocked write later
                peer.wait(lambda: latency_ms() < 3 * before_ms + 50, 'no more latency')
                assert resident_mib(node.process.pid) - memory_mib < 30
            finally:
                deaf.process.kill()
        watch.new_faces(10)
        ended_well(node)


# --- networks ----------------------------------------------------------------------

# a host's own shared memory, which network namespaces would share
OWN_MEMORY = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /dev/shm && exec "$@"', 'sh']


def on_host(host, command):
    return process(['ip', 'netns', 'exec', host, *OWN_MEMORY, *command])


def ip(*arguments):
    done = subprocess.run(['ip', *arguments], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f'ip {" ".join(arguments)}: {done.stderr.strip()}')
    return done.stdout


@contextmanager
def two_hosts():
    """Make two network namespaces joined by a cable; skip where this machine does not allow it."""
    if shutil.which('ip') is None:
        pytest.skip('needs the command ip (iproute2)')
    hosts = [f'face_recon_{os.getpid()}_{side}' for side in 'ab']
    try:
        try:
            for host in hosts:
                ip('netns', 'add', host)
            ip('-n', hosts[0], 'link', 'add', 'cable', 'type', 'veth',
               'peer', 'name', 'cable', 'netns', hosts[1])  # fmt: skip
            for number, host in enumerate(hosts, start=1):
                ip('-n', host, 'addr', 'add', f'10.77.0.{number}/24', 'dev', 'cable')
                ip('-n', host, 'link', 'set', 'lo', 'up')
                # no IPv6, whose address is not valid at once
                ip('-n', host, 'link', 'set', 'cable', 'addrgenmode', 'none', 'up')
            for host in hosts:  # Fast DDS uses the interfaces that are up at its start
                while 'state UP' not in ip('-n', host, 'link', 'show', 'cable'):
                    pass
        except OSError as error:
            pytest.skip(f'needs network namespaces: {error}')
        yield hosts
    finally:
        for host in hosts:
            subprocess.run(['ip', 'netns', 'del', host], capture_output=True)


def test_a_network_cable_that_is_pulled(monkeypatch):
    """Camera and viewer on one host, the node on another: faces come back by themselves."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    node_command = [
        *NODE, '--ros-args', *OFTEN, '-p', 'image_transport:=compressed',
        '-p', 'image_timeout:=1.0',
    ]  # fmt: skip
    with (
        two_hosts() as (near, far),
        on_host(far, [*PEER_PROCESS, 'remote']) as remote,
        on_host(near, node_command) as node,
    ):
        remote.wait_line('faces')
        for _ in range(2):
            ip('-n', far, 'link', 'set', 'cable', 'down')
            said = len(node.lines)
            node.wait_line(STOPPED, after=said)
            ip('-n', far, 'link', 'set', 'cable', 'up')
            remote.wait_line('faces', after=len(remote.lines))
            node.wait_line(ARRIVE, after=said)
        ended_well_after_outages(node, 2)
