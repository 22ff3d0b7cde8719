# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which frame and camera images are of: whether they say so, and whether it is always the same."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from face_recon_ros.nodes.diagnostics import FRAME_ID
from face_recon_ros.nodes.report import ChangeLogger

# A camera that is started again, or exchanged for another, changes its frame once; where that
# happens again so soon, there are two cameras
BY_TURNS_S = 5.0
# Who publishes again after another did so was there all the time; later, cameras may be switched
LONGEST_TURN_S = 60.0


class Publishers:
    """
    Says who published an image: by its number, where rclpy does not say it (Jazzy's does not).

    A publisher counts its images, so one whose number is not above a publisher's newest is of
    another. Of those whose newest is below it, it is of the nearest. Images get lost, so it may
    seem to be of one that is gone: who comes or goes, all begins anew.
    """

    _MOST = 16  # publishers that are remembered

    def __init__(self, there: Callable[[], Collection[bytes]]) -> None:
        """:param there: tells who publishes; asked where an image may be of another one."""
        self._there = there
        self._were_there: Collection[bytes] = ()
        self._newest: dict[bytes, int] = {}  # who published last comes last
        self._made = 0

    def of(self, info: Mapping[str, Any]) -> bytes:
        """Take what rclpy says of an image; return a name of its publisher, empty: unknown."""
        publisher: bytes | None = (info.get('publisher_gid') or {}).get('data')
        if publisher:
            return publisher
        number = info.get('publication_sequence_number')
        return b'' if number is None else self._by_number(number)

    def _by_number(self, number: int) -> bytes:
        name = self._nearest_below(number)
        if name is None or name != next(reversed(self._newest), None):
            there = self._there()
            if there != self._were_there:
                self._were_there = there
                self._newest.clear()
            name = self._nearest_below(number)
        if name is None:
            self._made += 1
            name = b'%d' % self._made
        self._newest.pop(name, None)
        self._newest[name] = number
        if len(self._newest) > self._MOST:
            del self._newest[next(iter(self._newest))]
        return name

    def _nearest_below(self, number: int) -> bytes | None:
        below = [name for name, newest in self._newest.items() if newest < number]
        # among equals the one that published last
        return max(reversed(below), key=self._newest.__getitem__, default=None)


class PublisherTurns:
    """
    Sees who published each image: two cameras on one topic, even where both have one frame_id.

    A camera that is started again is another publisher, so those that come again, both of them,
    were never gone. One alone may be taken for another (see Publishers), or was switched.
    """

    _MOST = 16  # publishers that are remembered

    def __init__(self) -> None:
        self._newest = b''
        self._came_again = False  # the one that published the newest
        self._left_s: dict[bytes, float] = {}  # when another one took over

    def turn_s(self, publisher: bytes, now_s: float) -> float | None:
        """
        Take who published an image (empty: unknown), and when it came.

        :returns: for how long others published before this one does again, where the one before
            it had come again, too; None: it goes on, is new, or was away for too long.
        """
        before = self._newest
        if not publisher or publisher == before:
            return None
        self._newest = publisher
        if before:
            self._left_s[before] = now_s
        if len(self._left_s) > self._MOST:
            del self._left_s[next(iter(self._left_s))]
        away_s = now_s - self._left_s.pop(publisher, -math.inf)
        other_came_again, self._came_again = self._came_again, away_s <= LONGEST_TURN_S
        return away_s if other_came_again and self._came_again else None


class FrameWatch:
    """Sees the frame_id of all images, one after the other, and says once what is wrong."""

    def __init__(
        self,
        report: ChangeLogger,
        image_topic: str,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """:param now: a monotonic clock in seconds."""
        self._report = report
        self._topic = image_topic
        self._now = now
        self.forget()

    def forget(self) -> None:
        """Begin anew with the next image."""
        self._frame_id: str | None = None
        self._changed_s = -math.inf
        self._by_turns = ''  # what is so, the same until it is over
        self._over_s = -math.inf  # when it is over

    @property
    def are_by_turns(self) -> bool:
        """Whether images are of two cameras by turns."""
        return bool(self._by_turns)

    def changed(self, frame_id: str, turn_s: float | None = None) -> bool:
        """
        Take the frame_id of an image; return whether the image before it had another one.

        :param turn_s: of its publisher, see PublisherTurns.
        """
        before, self._frame_id = self._frame_id, frame_id
        changed = before is not None and before != frame_id
        now_s = self._now()
        if now_s >= self._over_s:
            self._by_turns = ''
        is_turn = turn_s is not None or (changed and now_s - self._changed_s < BY_TURNS_S)
        if is_turn:
            self._over_s = now_s + max(BY_TURNS_S, 2 * (turn_s or 0.0))
            self._by_turns = self._by_turns or _whose(before if changed else None, frame_id)
        if changed:
            self._changed_s = now_s
        self._judge(frame_id, is_turn)
        return changed

    def _judge(self, frame_id: str, is_turn: bool) -> None:
        images = f'images on {self._topic}'
        if self._by_turns:
            if is_turn:
                self._report.fault(
                    FRAME_ID,
                    f'{images} are of {self._by_turns}: two cameras on one topic? remap one',
                )
        elif frame_id:
            self._report.over(FRAME_ID, f'{images} have one frame_id')
        else:
            self._report.fault(
                FRAME_ID,
                f'{images} have no frame_id, so nothing is published on /tf: set it in the camera '
                'driver',
            )


def _whose(before: str | None, frame_id: str) -> str:
    """Return what takes turns: two frames, or publishers with one (before: None)."""
    if before is None:
        return 'two publishers by turns, so faces of one are taken for those of the other'
    frames = ' and '.join(sorted((repr(before), repr(frame_id))))
    return f'the frames {frames} by turns, so faces are forgotten each time'
