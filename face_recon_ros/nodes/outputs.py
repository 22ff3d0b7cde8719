# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the node publishes about faces with every image: the interface, and its own messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from geometry_msgs.msg import PoseArray
from rclpy.publisher import Publisher
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from face_recon_ros.camera import Camera
from face_recon_ros.face import Face
from face_recon_ros.msg import FaceArray
from face_recon_ros.nodes import messages
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.publishers import MakePublisher, has_listener, publish_if_heard
from face_recon_ros.nodes.result import Result
from face_recon_ros.nodes.settings import CAMERA_TARGET
from face_recon_ros.nodes.signs import QuaternionSigns


class Output(Protocol):
    """
    Publishes faces; made when the node is configured.

    publish() is called in one thread, or while that thread does not run.
    """

    def wanted(self) -> bool:
        """Tell whether anybody subscribes; where nobody wants anything, nothing is computed."""
        ...

    def wants_expressions(self) -> bool:
        """Tell whether anybody subscribes to what has Face.blendshapes in it."""
        ...

    def wants_eyes(self) -> bool:
        """Tell whether what is subscribed to shows anything of eyes."""
        ...

    def publish(self, result: Result) -> None:
        """
        Publish the faces of an image; those not among them have gone.

        When the node is deactivated or disabled this is called once more (Result.withdrawal).
        """
        ...

    def withdraws_on(self) -> Sequence[Publisher]:
        """Return the publishers on which a withdrawal is published: it shall arrive."""
        ...

    def close(self) -> None:
        """Give back what was made, when the node is cleaned up."""
        ...


class FaceOutputs:
    """~/faces, /tf, ~/poses and ~/markers."""

    def __init__(
        self,
        make_publisher: MakePublisher,
        settings: Callable[[], Settings],
        want_transforms: Callable[[int, int], bool],
    ) -> None:
        """
        Offer the topics.

        :param settings: returns the newest.
        :param want_transforms: see TransformListeners.want_faces.
        """
        self._settings = settings
        self._want_transforms = want_transforms
        self._marker_count = 0
        self._signs = QuaternionSigns()
        self._transforms = make_publisher(TFMessage, '/tf', 100)
        self._faces = make_publisher(FaceArray, '~/faces', 5)
        self._poses = make_publisher(PoseArray, '~/poses', 5)
        self._markers = make_publisher(MarkerArray, '~/markers', 5)

    def wanted(self) -> bool:
        """Tell whether anybody subscribes."""
        publishers = (self._faces, self._poses, self._markers)
        return self._are_transforms_wanted() or any(has_listener(p) for p in publishers)

    def wants_expressions(self) -> bool:
        """Tell whether anybody subscribes to ~/faces."""
        return has_listener(self._faces)

    def wants_eyes(self) -> bool:
        """Tell so of ~/faces and ~/markers: nobody knows who of the many on /tf wants gazes."""
        return has_listener(self._faces) or has_listener(self._markers)

    def publish(self, result: Result) -> None:
        """Publish what is subscribed to."""
        faces, header = result.faces, result.header
        seen = [face for face in faces if not is_held(face)]
        if seen and self._are_transforms_wanted() and self._may_publish_tf(header, result.camera):
            message = messages.transforms(seen, header)
            self._signs.align(message)
            self._transforms.publish(message)
        publish_if_heard(
            self._faces, lambda: messages.face_array(faces, header, *result.size)
        )
        publish_if_heard(self._poses, lambda: messages.pose_array(faces, header))
        if publish_if_heard(
            self._markers, lambda: messages.markers(faces, header, self._marker_count)
        ):
            self._marker_count = len(faces)

    def withdraws_on(self) -> Sequence[Publisher]:
        """Return all but /tf, which has no words for a face that is gone."""
        return self._faces, self._poses, self._markers

    def close(self) -> None:
        """Do nothing: the node destroys the publishers it has made."""

    def _are_transforms_wanted(self) -> bool:
        settings = self._settings()
        # the node itself listens to /tf for the filtering frame and for frames that are targets
        own = (1 if settings.filtering_frame else 0) + len(settings.targets)
        own -= CAMERA_TARGET in settings.targets
        count = self._transforms.get_subscription_count()
        return settings.publish_tf and self._want_transforms(count, own)

    def _may_publish_tf(self, header: Header, camera: Camera | None) -> bool:
        guessed = camera is not None and not camera.calibrated
        if guessed and not self._settings().publish_tf_uncalibrated:
            return False
        return bool(header.frame_id)


def is_held(face: Face) -> bool:
    """Tell whether a face is only remembered (coast_frames): nothing was seen of it now."""
    return face.score == 0
