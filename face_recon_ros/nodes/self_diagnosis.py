# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node's own publisher of /diagnostics, and the log of what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType

from face_recon_ros.nodes.depth_monitor import DepthMonitor, DepthTask
from face_recon_ros.nodes.diagnostics import (
    FRAME_ID,
    OK,
    PICTURES,
    SEARCH,
    STAMPS,
    CalibrationTask,
    FacesTask,
    ImagesTask,
    NameTask,
    ReportedTask,
    SpeedTask,
    StateTask,
    Task,
    Verdict,
    diagnostic_array,
)
from face_recon_ros.nodes.monitor import Monitor
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.publishers import lasting_publisher
from face_recon_ros.nodes.report import ChangeLogger
from face_recon_ros.nodes.topics import (
    DEPTH_IMAGE,
    IMAGE,
    Topic,
    other_transport,
    topic_of,
    type_name,
)

if TYPE_CHECKING:
    from face_recon_ros.nodes.node import FaceReconNode


class SelfDiagnosis:
    """Publishes in every state of the node, so that it tells why nothing comes out."""

    NAME_TASK = NameTask.NAME

    def __init__(
        self,
        node: FaceReconNode,
        settings: Callable[[], Settings],
        monitor: Monitor,
        depth_monitor: DepthMonitor,
        report: ChangeLogger,
    ) -> None:
        """:param settings: returns the newest."""
        self._node = node
        self._settings = settings
        self._monitor = monitor
        self._report = report
        self._make_tasks(depth_monitor)
        # not managed: it is there in every state
        self._publisher = lasting_publisher(node, DiagnosticArray, '/diagnostics', 5)
        # Not ROS time: a paused simulation must not hide what is wrong.
        node.create_timer(
            settings().diagnostics_period_s,
            self._diagnose,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    @property
    def image_topic(self) -> Topic:
        """The images' topic."""
        return self._image_topic

    @image_topic.setter
    def image_topic(self, topic: Topic) -> None:
        self._image_topic = topic
        self._images_task.topic = topic.full_name

    @property
    def models(self) -> dict[str, str]:
        """Names of the models in use: path and hash."""
        return self._faces_task.models

    @models.setter
    def models(self, models: dict[str, str]) -> None:
        self._faces_task.models = models

    def _make_tasks(self, depth_monitor: DepthMonitor) -> None:
        node, settings = self._node, self._settings()
        self._state_task = StateTask(node.get_fully_qualified_name())
        self._name_task = NameTask(node.get_fully_qualified_name())
        self._image_topic = topic_of(node, IMAGE, settings.image_transport)
        self._images_task = ImagesTask(self._image_topic.full_name, settings.image_timeout_s)
        self._calibration_task = CalibrationTask(node.resolve_topic_name('camera_info'))
        self._faces_task = FacesTask({})
        self._depth_task = DepthTask(
            topic_of(node, DEPTH_IMAGE, settings.depth_transport).full_name,
            depth_monitor,
            settings.use_depth,
        )
        # these have nothing to look at while the node does not listen
        self._camera_tasks: list[Task] = [
            self._images_task,
            self._calibration_task,
            self._depth_task,
            self._faces_task,
            SpeedTask(),
            ReportedTask(FRAME_ID, self._report),
            ReportedTask(STAMPS, self._report),
            ReportedTask(SEARCH, self._report),
            ReportedTask(PICTURES, self._report),
        ]

    def _diagnose(self) -> None:
        """Publish diagnostics and log each fault once."""
        seen = self._monitor.snapshot(time.monotonic())
        self._look_around()
        state, name = self._state_task.run(seen), self._name_task.run(seen)
        verdicts: list[tuple[Task, Verdict]] = [(self._state_task, state)]
        verdicts.append((self._name_task, name))
        self._say(self._name_task.name, name)
        for task in self._camera_tasks:
            if not self._node.is_listening:
                verdicts.append((task, Verdict(OK, f'not looked at: node is {state.message}')))
                continue
            verdict = task.run(seen)
            if not isinstance(task, ReportedTask):
                self._say(task.name, verdict)
            verdicts.append((task, verdict))
        stamp = self._node.get_clock().now().to_msg()
        hardware = self._images_task.topic
        self._publisher.publish(
            diagnostic_array(self._node.get_fully_qualified_name(), hardware, stamp, verdicts)
        )

    def _look_around(self) -> None:
        """Bring what the tasks know of the node and its peers up to date."""
        node, settings = self._node, self._settings()
        self._state_task.state = node.state
        self._state_task.enabled = node.enabled
        self._state_task.failure = node.failure
        self._name_task.others = self._count_namesakes()
        kinds = self._published(self._image_topic)
        self._images_task.publisher_count = len(kinds)
        self._images_task.instead = self._instead(kinds)
        self._images_task.timeout_s = settings.image_timeout_s
        self._calibration_task.withholds_tf = not settings.publish_tf_uncalibrated
        self._faces_task.max_faces = settings.pipeline.tracking.max_faces

    def _published(self, topic: Topic) -> list[str]:
        """Return the types of what is published on a topic, one for each publisher."""
        return [p.topic_type for p in self._node.get_publishers_info_by_topic(topic.name)]

    def _instead(self, kinds: list[str]) -> str:
        """Return what is published in the place of images, and the remedy; '': nothing."""
        topic = self._image_topic
        wanted = type_name(topic.kind)
        if kinds:
            others = ' and '.join(sorted(set(kinds)))
            remedy = f'{others} is published there; remap image to a topic of {wanted}'
            return '' if wanted in kinds or '' in kinds else remedy
        other = other_transport(self._node, topic)
        if type_name(other.kind) not in self._published(other):
            return ''
        remedy = f'set image_transport to {other.transport}'
        if other.transport == topic.transport:
            remedy = f'remap image to {other.full_name}'
        return f'they are on {other.full_name}; {remedy}'

    def _count_namesakes(self) -> int:
        mine = (self._node.get_name(), self._node.get_namespace())
        return self._node.get_node_names_and_namespaces().count(mine) - 1

    def _say(self, subject: str, verdict: Verdict) -> None:
        if verdict.level == OK:
            self._report.over(subject, verdict.message, verdict.settle_s)
        else:
            self._report.fault(subject, verdict.message, verdict.detail)
