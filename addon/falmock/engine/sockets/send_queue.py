"""The frames to be sent on a socket: the answers to each message, in order and at their times."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple

from falmock.engine.effects import SocketStep
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Reset


class DueFrame(NamedTuple):
    """A frame and the time to send it (seconds since the epoch)."""

    at: float
    frame: Frame


class _Item(NamedTuple):
    at: float
    message: int
    place: int
    frame: Frame


class SendQueue:
    """The frames of one socket. Answers start in the order of their messages; frames are sent by their times.

    At most `limit` messages wait while one is answered: one more drops the oldest waiting message and its frames
    (PROTOCOL.md section 5.3). None means no limit.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.is_over = False
        """Whether the end of the socket was sent, at least in part: no frames are added any more."""
        self._items: list[_Item] = []
        self._left: dict[int, int] = {}
        self._begun: set[int] = set()
        self._number = 0
        self._begins = 0.0
        self._ending: list[DueFrame] = []

    def put(self, frames: Iterable[DueFrame]) -> None:
        """Add the frames that answer one message."""
        frames = list(frames)
        if not frames or self.is_over:
            return
        self._number += 1
        self._begins = max(self._begins, frames[0].at) if self._left else frames[0].at
        for place, (at, frame) in enumerate(frames):
            heapq.heappush(self._items, _Item(max(at, self._begins), self._number, place, frame))
        self._left[self._number] = len(frames)
        if self.limit is not None:
            waiting = [number for number in list(self._left)[1:] if number not in self._begun]
            for number in waiting[: max(0, len(waiting) - self.limit)]:
                self._drop(number)

    def end_with(self, frames: Iterable[DueFrame]) -> None:
        """Set the frames that end the socket after all others; replaces those of an earlier call."""
        if not self.is_over:
            self._ending = list(frames)

    def abandon(self) -> None:
        """Drop all frames and send nothing more."""
        self.is_over = True
        self._items.clear()
        self._ending.clear()

    def _drop(self, number: int) -> None:
        del self._left[number]
        self._items = [item for item in self._items if item.message != number]
        heapq.heapify(self._items)

    def take(self, now: float) -> SocketStep:
        """Remove and return the frames that are due, and the time of the next one."""
        frames: list[Frame] = []
        while self._items and self._items[0].at <= now:
            item = heapq.heappop(self._items)
            frames.append(item.frame)
            if isinstance(item.frame, Close | Reset):
                self.abandon()
                return SocketStep(tuple(frames))
            self._count(item.message)
        if self._items:
            return SocketStep(tuple(frames), self._items[0].at)
        while self._ending and self._ending[0].at <= now:
            self.is_over = True
            frames.append(self._ending.pop(0).frame)
        return SocketStep(tuple(frames), self._ending[0].at if self._ending else None)

    def _count(self, number: int) -> None:
        self._begun.add(number)
        self._left[number] -= 1
        if not self._left[number]:
            del self._left[number]
            self._begun.discard(number)
