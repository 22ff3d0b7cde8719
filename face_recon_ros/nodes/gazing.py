# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who looks at whom: ~/gazes, and REP-155's /humans/interactions/gazing where hri_msgs is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rclpy.publisher import Publisher

from face_recon_ros.eyes.attention import Attention, Gazer
from face_recon_ros.eyes.gaze import EYES_IN_HEAD_RAD
from face_recon_ros.face import Face
from face_recon_ros.msg import Gazes
from face_recon_ros.nodes.outputs import is_held
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.publishers import MakePublisher, has_listener
from face_recon_ros.nodes.result import Result
from face_recon_ros.nodes.stamps import seconds
from face_recon_ros.nodes.targets import Targets

try:
    from hri_msgs.msg import Gaze
except ImportError:
    # not installed, or older than 1.0, which had none
    Gaze = None

TOPIC = '/humans/interactions/gazing'
DEPTH = 10


class Gazing:
    """An Output of the node (outputs.py): tells with every image who looks at whom."""

    def __init__(
        self, make_publisher: MakePublisher, settings: Callable[[], Settings], targets: Targets
    ) -> None:
        """
        Offer the topics.

        :param settings: returns the newest.
        """
        self._settings = settings
        self._targets = targets
        self._attention = Attention(settings().attention_time_s)
        self._gazes = make_publisher(Gazes, '~/gazes', DEPTH)
        self._humans = None if Gaze is None else make_publisher(Gaze, TOPIC, DEPTH)

    def wanted(self) -> bool:
        """Tell whether anybody subscribes."""
        return has_listener(self._gazes) or self._are_humans_wanted()

    def wants_expressions(self) -> bool:
        """No: who looks at whom is in the eyes."""
        return False

    def wants_eyes(self) -> bool:
        """Tell whether anybody subscribes: all of it is of eyes."""
        return self.wanted()

    def publish(self, result: Result) -> None:
        """Publish the gazes of an image: one message of all, and one of REP-155 for each."""
        if result.withdraws:
            self._attention.reset()
        if not self.wanted():
            return
        self._attention.least_s = self._settings().attention_time_s
        header, camera = result.header, result.camera
        places = self._targets.places(header, camera.position_m if camera else (0.0, 0.0, 0.0))
        gazers = [gazer_of(face) for face in result.faces if not is_held(face)]
        pairs = self._attention.update(seconds(header.stamp), gazers, places)
        if has_listener(self._gazes):
            senders, receivers = [s for s, _ in pairs], [r for _, r in pairs]
            self._gazes.publish(Gazes(header=header, senders=senders, receivers=receivers))
        if self._humans is not None and self._are_humans_wanted():
            for sender, receiver in pairs:
                self._humans.publish(Gaze(header=header, sender=sender, receiver=receiver))

    def withdraws_on(self) -> Sequence[Publisher]:
        """Return that of ~/gazes; REP-155 has no message of nobody."""
        return (self._gazes,)

    def close(self) -> None:
        """Listen to no targets any more; the node destroys the publishers it has made."""
        self._targets.close()

    def _are_humans_wanted(self) -> bool:
        heard = self._humans is not None and has_listener(self._humans)
        return heard and self._settings().publish_humans


def gazer_of(face: Face) -> Gazer:
    """Return a face as one who looks; eyes that are not measured may look aside of the head."""
    sigma_rad = face.gaze_sigma_rad
    if face.eyes is None or not face.eyes.measured.any():
        sigma_rad = math.hypot(sigma_rad, EYES_IN_HEAD_RAD)
    return Gazer(face.id, face.pose.translation_m, face.gaze, sigma_rad)
