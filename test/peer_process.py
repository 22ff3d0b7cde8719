# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Peers of the node that need a process of their own.

    python peer_process.py fast_camera WIDTH HEIGHT RATE
        publishes image and camera_info, first until there is an answer, then as fast as it can up
        to a rate, at SIGINT until the last is answered; prints 'sent BEFORE_THE_ANSWER ALL'
    python peer_process.py deaf
        subscribes to everything, reliable, and never takes a message; prints 'ready'
    python peer_process.py remote
        publishes compressed images, prints 'faces' for every FaceArray that has some
"""

import signal
import sys
import threading
import time

import cv2
import rclpy
from face_recon_ros.msg import FaceArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from face_recon_ros.nodes.images import to_image
from face_recon_ros.tools.sample_camera_node import camera_info
from face_recon_ros.tools.sources import PortraitSource

RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
FRAME = 'camera'


def say(text):
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


def fast_camera(width, height, rate_hz):
    # no Event: its lock may be this thread's own when the signal comes
    signals = []
    signal.signal(signal.SIGINT, lambda number, _: signals.append(number))
    node = rclpy.create_node('fast_camera')
    images = node.create_publisher(Image, 'image', NEWEST)
    infos = node.create_publisher(CameraInfo, 'camera_info', NEWEST)
    answers = []
    node.create_subscription(FaceArray, 'face_recon/faces', answers.append, RELIABLE)
    source = PortraitSource(int(width), int(height))
    header = Header(frame_id=FRAME)
    message = to_image(source.read(0.0), 'bgr8', header)
    info = camera_info(source.camera(int(width), int(height)), header)
    count = 0

    def publish():
        nonlocal count
        message.header.stamp = node.get_clock().now().to_msg()
        if count % 10 == 0 or not answers:  # the first may come before the node
            infos.publish(info)
        images.publish(message)
        count += 1

    def publish_until_answered():
        begin = node.get_clock().now().to_msg()
        first = begin.sec, begin.nanosec
        stamp = (0, 0)
        while stamp < first:
            publish()
            rclpy.spin_once(node, timeout_sec=0.2)
            if answers:
                stamp = answers[-1].header.stamp.sec, answers[-1].header.stamp.nanosec

    publish_until_answered()
    alone = count
    next_s = time.monotonic()
    while not signals:
        publish()
        next_s = max(next_s + 1 / float(rate_hz), time.monotonic() - 0.1)
        time.sleep(max(0.0, next_s - time.monotonic()))
    publish_until_answered()
    say(f'sent {alone} {count}')


def deaf():
    node = rclpy.create_node('deaf')
    for kind, topic in (
        (FaceArray, 'face_recon/faces'),
        (TFMessage, '/tf'),
        (Image, 'face_recon/mesh_image'),
    ):
        node.create_subscription(kind, topic, lambda message: None, RELIABLE)
    say('ready')
    threading.Event().wait()


def remote():
    node = rclpy.create_node('remote')
    images = node.create_publisher(CompressedImage, 'image/compressed', NEWEST)
    infos = node.create_publisher(CameraInfo, 'camera_info', NEWEST)
    source = PortraitSource(320, 240)
    header = Header(frame_id=FRAME)
    message = CompressedImage(header=header, format='jpeg')
    message.data.frombytes(cv2.imencode('.jpg', source.read(0.0))[1].tobytes())
    info = camera_info(source.camera(320, 240), header)

    def publish():
        header.stamp = node.get_clock().now().to_msg()
        infos.publish(info)
        images.publish(message)

    def receive(array):
        if array.faces:
            say('faces')

    node.create_timer(0.1, publish)
    node.create_subscription(FaceArray, 'face_recon/faces', receive, RELIABLE)
    rclpy.spin(node)


if __name__ == '__main__':
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    {'fast_camera': fast_camera, 'deaf': deaf, 'remote': remote}[sys.argv[1]](*sys.argv[2:])
