#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Turns a robot's head to the nearest person.

    ros2 launch face_recon_ros face_recon.launch.py image:=...     # in another terminal
    python3 examples/turn_head.py --ros-args -p mount_frame:=torso_lift_link \
        -r faces:=/face_recon/faces -r joint_trajectory:=/head_controller/joint_trajectory

The node says who is there (~/faces) and where (face_<id> on /tf); tf2 takes that from the camera,
which turns with the head, to the frame that the head is mounted in, which does not. So the command
is the direction of a person, not a correction of the last one: nothing oscillates.

Parameters: mount_frame (x forward, y left, z up, origin where the head turns), pan_joint,
tilt_joint, most_pan and most_tilt (radians), speed (rad/s), still_within (radians: a person who
moves less is not followed), patience (s: how old what was seen may be).

Where tf2_ros is not installed (ROS 2 from PyPI has no wheel of it) it says so and listens to /tf
by itself, with this package's own buffer.
"""

import math
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import rclpy
from face_recon_ros.msg import FaceArray
from geometry_msgs.msg import Point
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.time import Time
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

RATE_HZ = 20.0
# A controller is given at least so long for a step
LEAST_STEP_S = 0.1

# Target frame, source frame, header of the faces -> the source's origin (x, y, z) in the target,
# metres; None: not known (yet)
Locate = Callable[[str, str, Header], Sequence[float] | None]


def nearest(message: FaceArray) -> str | None:
    """Return the id of the nearest person who is seen; None: nobody is."""
    seen = [face for face in message.faces if face.score > 0]  # 0: only remembered
    if not seen:
        return None
    return str(min(seen, key=lambda face: distance_m(face.pose.pose.position)).id)


def distance_m(point: Point) -> float:
    """Return how far a point is from the origin."""
    return math.hypot(point.x, point.y, point.z)


def pan_tilt_rad(place_m: Sequence[float]) -> tuple[float, float]:
    """
    Return the angles that turn a head towards a place.

    :param place_m: (3,) seen from where the head turns: x forward, y left, z up
    :returns: pan about z, positive to the left; tilt about y, positive down (REP-103)
    """
    x, y, z = place_m
    return math.atan2(y, x), -math.atan2(z, math.hypot(x, y))


def trajectory(
    joints: Sequence[str], angles_rad: Sequence[float], step_rad: float, speed_rad_s: float
) -> JointTrajectory:
    """Return the way to angles that are a step away."""
    time_s = max(step_rad / speed_rad_s, LEAST_STEP_S)
    point = JointTrajectoryPoint(
        positions=list(angles_rad), time_from_start=Duration(seconds=time_s).to_msg()
    )
    return JointTrajectory(joint_names=list(joints), points=[point])


def tf2_locator(node: Node) -> Locate:
    """Return what asks tf2. :raises ImportError: it is not installed."""
    import tf2_ros

    buffer = tf2_ros.Buffer()
    listener = tf2_ros.TransformListener(buffer, node)

    def locate(target: str, source: str, header: Header) -> Sequence[float] | None:
        assert listener  # lives as long as this function
        try:
            # the newest time at which all of the way is known
            found = buffer.lookup_transform(target, source, Time())
        except tf2_ros.TransformException:
            return None
        place = found.transform.translation
        return place.x, place.y, place.z

    return locate


def own_locator(node: Node) -> Locate:
    """Return what listens to /tf and /tf_static itself, for want of tf2_ros."""
    import numpy as np
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from tf2_msgs.msg import TFMessage

    from face_recon_ros import MetricPose
    from face_recon_ros.nodes.transform_tree import MissingTransformError, TransformTree
    from face_recon_ros.rotations import rotation_from_quaternion

    tree = TransformTree()

    def take(message: TFMessage, static: bool) -> None:
        for stamped in message.transforms:
            q, t = stamped.transform.rotation, stamped.transform.translation
            rotation = rotation_from_quaternion(q.x, q.y, q.z, q.w)
            pose = MetricPose(rotation, np.array([t.x, t.y, t.z]))
            stamp_s = None if static else seconds(stamped.header)
            tree.add(stamped.header.frame_id, stamped.child_frame_id, pose, stamp_s)

    def locate(target: str, source: str, header: Header) -> Sequence[float] | None:
        try:
            return tree.lookup(target, source, seconds(header)).translation_m.tolist()
        except MissingTransformError:
            return None

    latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(TFMessage, '/tf', lambda m: take(m, False), 100)
    node.create_subscription(TFMessage, '/tf_static', lambda m: take(m, True), latched)
    return locate


def seconds(header: Header) -> float:
    """Return the time of a header."""
    return header.stamp.sec + 1e-9 * header.stamp.nanosec


class TurnHead(Node):
    """Subscribes `faces`, publishes `joint_trajectory`."""

    def __init__(self) -> None:
        super().__init__('turn_head')
        for name, default in {
            'mount_frame': 'base_link',
            'pan_joint': 'head_pan_joint',
            'tilt_joint': 'head_tilt_joint',
            'most_pan': 1.5,
            'most_tilt': 0.6,
            'speed': 1.5,
            'still_within': 0.03,
            'patience': 0.5,
        }.items():
            self.declare_parameter(name, default)
        try:
            self._locate = tf2_locator(self)
        except ImportError:
            self._locate = own_locator(self)
            self.get_logger().info('tf2_ros is not installed: listening to /tf without it')
        self._angles_rad: Sequence[float] | None = None  # nobody knows where the head looks
        self._newest: FaceArray | None = None
        self._commands = self.create_publisher(JointTrajectory, 'joint_trajectory', 1)
        self.create_subscription(FaceArray, 'faces', self._take, qos_profile_sensor_data)
        self.create_timer(1 / RATE_HZ, self._turn)

    def _get(self, name: str) -> Any:
        return self.get_parameter(name).value

    def _take(self, message: FaceArray) -> None:
        self._newest = message

    def _turn(self) -> None:
        """Turn to the nearest of the newest faces, once its transform is there."""
        message = self._newest
        if message is None:
            return
        age_s = self.get_clock().now().nanoseconds * 1e-9 - seconds(message.header)
        face_id = nearest(message)
        if face_id is None or age_s > self._get('patience'):
            self._newest = None
            return
        frame, mount = f'face_{face_id}', self._get('mount_frame')
        place_m = self._locate(mount, frame, message.header)
        if place_m is None:
            self.get_logger().warning(
                f'/tf does not connect {frame} with {mount}: does the robot publish its frames, '
                'and is mount_frame one of them?',
                throttle_duration_sec=5.0,
                skip_first=True,  # it may only be late
            )
            return
        self._newest = None
        self._command(pan_tilt_rad(place_m))

    def _command(self, angles_rad: tuple[float, float]) -> None:
        """Publish angles within the limits, unless the head is there already."""
        limits = self._get('most_pan'), self._get('most_tilt')
        wanted = [min(max(a, -most), most) for a, most in zip(angles_rad, limits, strict=True)]
        step_rad = math.pi
        if self._angles_rad is not None:
            steps = zip(wanted, self._angles_rad, strict=True)
            step_rad = max(abs(a - b) for a, b in steps)
        if step_rad < self._get('still_within'):
            return
        joints = self._get('pan_joint'), self._get('tilt_joint')
        self._commands.publish(trajectory(joints, wanted, step_rad, self._get('speed')))
        self._angles_rad = wanted


def main() -> None:
    """Turn the head until the end."""
    # as Ctrl-C: at rclpy's own handling of SIGTERM a node that gets no messages may wait on
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.init()
        rclpy.spin(TurnHead())


if __name__ == '__main__':
    main()
