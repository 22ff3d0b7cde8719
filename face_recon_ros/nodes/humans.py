# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Faces as REP-155 (ROS4HRI) has them under /humans/faces, where hri_msgs is installed.

The frames face_<id> and gaze_<id> of the same ids are on /tf.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from face_recon_ros.face import Face
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.publishers import (
    MakePublisher,
    has_listener,
    passing_publisher,
    publish_if_heard,
)
from face_recon_ros.nodes.result import Result
from face_recon_ros.rendering import crops

try:
    from hri_msgs.msg import (
        Expression,
        FacialActionUnits,
        FacialLandmarks,
        IdsList,
        NormalizedPointOfInterest2D,
        NormalizedRegionOfInterest2D,
    )
except ImportError:
    AVAILABLE = False
else:
    from face_recon_ros.nodes import expressions

    AVAILABLE = True

NAMESPACE = '/humans/faces'
DEPTH = 5
# A face that is missed for a moment stays tracked: consumers drop all they know of one that is not
LINGER_S = 0.25
EXPIRY_PERIOD_S = 1.0


class Humans:
    """
    The topics under /humans/faces; those of a face live as long as the face.

    An Output of the node (outputs.py). Publishers take milliseconds to make, so those of a face
    are made in a thread of their own: neither the poses of other faces nor images wait for them,
    and a face is published from when its topics are there.
    """

    def __init__(
        self, node: Node, make_publisher: MakePublisher, settings: Callable[[], Settings]
    ) -> None:
        """
        Offer the list of faces.

        :param node: makes the topics of faces as they come.
        :param settings: returns the newest.
        :raises RuntimeError: hri_msgs is not installed (see AVAILABLE).
        """
        if not AVAILABLE:
            raise RuntimeError('hri_msgs is not installed')
        self._node = node
        self._settings = settings
        # Of the two dictionaries, for moments only: the thread that receives images takes it.
        self._lock = threading.Lock()
        self._faces: dict[str, _FaceTopics] = {}
        self._making: dict[str, float] = {}  # when a face was seen whose topics are not there yet
        self._error: Exception | None = None  # why the topics of a face could not be made
        # Held while faces are published: what stops them does not come in between.
        self._publishing = threading.Lock()
        self._maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix='humans')
        self._header = Header()
        self._published_s = time.monotonic()
        self._tracked = make_publisher(IdsList, f'{NAMESPACE}/tracked', DEPTH)
        self._timer = node.create_timer(
            EXPIRY_PERIOD_S, self._expire, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def wanted(self) -> bool:
        """Tell whether anybody subscribes to any of it."""
        if not self._settings().publish_humans:
            return False
        with self._lock:
            of_faces = [p for topics in self._faces.values() for p in topics.publishers()]
            return any(has_listener(p) for p in [self._tracked, *of_faces])

    def wants_expressions(self) -> bool:
        """Tell whether anybody subscribes to action units or expressions."""
        if not self._settings().publish_humans:
            return False
        with self._lock:
            wanted = [p for topics in self._faces.values() for p in topics.of_expressions()]
        return any(has_listener(p) for p in wanted)

    def wants_eyes(self) -> bool:
        """Tell whether anybody subscribes to landmarks, which have the pupils."""
        if not self._settings().publish_humans:
            return False
        with self._lock:
            landmarks = [topics.landmarks for topics in self._faces.values()]
            return any(has_listener(publisher) for publisher in landmarks)

    def publish(self, result: Result) -> None:
        """Publish the faces of an image, and end the topics of those not seen any more."""
        settings, now_s = self._settings(), time.monotonic()
        error, self._error = self._error, None
        if error is not None:
            raise error
        with self._publishing:
            self._header, self._published_s = result.header, now_s
            if result.withdraws or not settings.publish_humans:
                self._forget()
                return
            for face in result.faces:
                topics = self._topics(face.id, now_s)
                if topics is not None:
                    topics.publish(face, result, settings)
            self._drop(now_s - LINGER_S)
            # last, so that what it names is there
            if has_listener(self._tracked):
                self._tracked.publish(IdsList(header=result.header, ids=list(self._faces)))

    def withdraws_on(self) -> Sequence[Publisher]:
        """Return the list of faces; the topics of a face end without a message."""
        return (self._tracked,)

    def close(self) -> None:
        """End the topics of all faces."""
        self._node.destroy_timer(self._timer)
        self._drop(float('inf'))
        self._maker.shutdown(wait=True)

    def _topics(self, face_id: str, now_s: float) -> _FaceTopics | None:
        """Return the topics of a face that is seen; None: they are being made."""
        with self._lock:
            topics = self._faces.get(face_id)
            if topics is not None:
                topics.seen_s = now_s
                return topics
            is_new = face_id not in self._making
            self._making[face_id] = now_s
        if is_new:
            self._maker.submit(self._make, face_id)
        return None

    def _make(self, face_id: str) -> None:
        """Make the topics of a face, unless it has gone meanwhile."""
        with self._lock:
            if face_id not in self._making:
                return
        try:
            topics = _FaceTopics.of(self._node, face_id)
            if self._settings().publish_expression:
                topics.offer_expression(self._node, face_id)
        except Exception as error:
            with self._lock:
                self._making.pop(face_id, None)
                self._error = error
            return
        with self._lock:
            seen_s = self._making.pop(face_id, None)
            if seen_s is not None:
                topics.seen_s = seen_s
                self._faces[face_id] = topics
        if seen_s is None:
            self._destroy(topics)

    def _expire(self) -> None:
        """End the topics of all faces when images have stopped or nobody wants anything."""
        # who publishes just now has not stopped
        if not self._publishing.acquire(blocking=False):
            return
        try:
            if self._published_s < time.monotonic() - self._settings().image_timeout_s:
                self._forget()
        finally:
            self._publishing.release()

    def _forget(self) -> None:
        if self._drop(float('inf')):
            self._tracked.publish(IdsList(header=self._header))

    def _drop(self, before_s: float) -> int:
        """End the topics of faces last seen before a time; return how many faces had some."""
        with self._lock:
            for face_id in [i for i, seen_s in self._making.items() if seen_s < before_s]:
                del self._making[face_id]
            gone = [i for i, topics in self._faces.items() if topics.seen_s < before_s]
            ended = [self._faces.pop(face_id) for face_id in gone]
        for topics in ended:
            self._destroy(topics)
        return len(ended)

    def _destroy(self, topics: _FaceTopics) -> None:
        for publisher in topics.publishers():
            self._node.destroy_publisher(publisher)


@dataclass(slots=True)
class _FaceTopics:
    roi: Publisher
    landmarks: Publisher
    cropped: Publisher
    aligned: Publisher
    facs: Publisher
    # where somebody has asked for it
    expression: Publisher | None = None
    seen_s: float = 0.0

    @classmethod
    def of(cls, node: Node, face_id: str) -> _FaceTopics:
        base = f'{NAMESPACE}/{face_id}'
        return cls(
            passing_publisher(node, NormalizedRegionOfInterest2D, f'{base}/roi', DEPTH),
            passing_publisher(node, FacialLandmarks, f'{base}/landmarks', DEPTH),
            passing_publisher(node, Image, f'{base}/cropped', DEPTH),
            passing_publisher(node, Image, f'{base}/aligned', DEPTH),
            passing_publisher(node, FacialActionUnits, f'{base}/facs', DEPTH),
        )

    def offer_expression(self, node: Node, face_id: str) -> None:
        topic = f'{NAMESPACE}/{face_id}/expression'
        self.expression = passing_publisher(node, Expression, topic, DEPTH)

    def publishers(self) -> tuple[Publisher, ...]:
        return self.roi, self.landmarks, self.cropped, self.aligned, *self.of_expressions()

    def of_expressions(self) -> tuple[Publisher, ...]:
        return (self.facs,) if self.expression is None else (self.facs, self.expression)

    def publish(self, face: Face, result: Result, settings: Settings) -> None:
        image, header = result.image_bgr, result.header
        size = settings.face_image_width, settings.face_image_height

        def picture(crop: np.ndarray) -> Image:
            return to_image(crop, 'bgr8', header)

        publish_if_heard(self.roi, lambda: region(face, header, *result.size))
        publish_if_heard(self.landmarks, lambda: facial_landmarks(face, header, *result.size))
        publish_if_heard(self.cropped, lambda: picture(crops.cropped(image, face.box, *size)))
        publish_if_heard(
            self.aligned,
            lambda: picture(crops.aligned(image, face.box, face.landmarks_px, *size)),
        )
        publish_if_heard(self.facs, lambda: expressions.facial_action_units(face, header))
        if self.expression is not None:
            publish_if_heard(self.expression, lambda: expressions.expression(face, header))


def region(face: Face, header: Header, width: int, height: int) -> NormalizedRegionOfInterest2D:
    """Return the part of a face's box that lies in the image, as fractions of its size."""
    x0, y0, x1, y1 = np.clip(face.box / [width, height, width, height], 0.0, 1.0).tolist()
    return NormalizedRegionOfInterest2D(
        header=header, xmin=x0, ymin=y0, xmax=x1, ymax=y1, c=float(face.score)
    )


def facial_landmarks(face: Face, header: Header, width: int, height: int) -> FacialLandmarks:
    """
    Return the 70 landmarks: the 68 of iBUG 300-W in its order, then right and left pupil.

    c is the face's score; 0 where nothing is known: points that lie outside the image (brought to
    its border), and pupils of eyes that are closed or not looked at (put in the middle of the
    eye's outline).
    """
    pupils, seen = crops.eye_centres(face.landmarks_px), np.zeros(2, bool)
    if face.eyes is not None:
        seen = face.eyes.measured
        pupils = np.where(seen[:, None], face.eyes.landmarks.iris_px, pupils)
    points = np.vstack([face.landmarks_px[:, :2], pupils])
    fractions = points / [width, height]
    inside = np.clip(fractions, 0.0, 1.0)
    confidence = np.where((inside == fractions).all(axis=1), face.score, 0.0)
    confidence[[FacialLandmarks.RIGHT_PUPIL, FacialLandmarks.LEFT_PUPIL]] *= seen
    return FacialLandmarks(
        header=header,
        landmarks=[
            NormalizedPointOfInterest2D(x=x, y=y, c=c)
            for (x, y), c in zip(inside.tolist(), confidence.tolist(), strict=True)
        ],
        width=width,
        height=height,
    )
