"""A socket that is slow: what it says comes later, in its order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from falmock.engine.effects import Conversation
from falmock.engine.effects import Turn
from falmock.wire.formats.frames import TRY_AGAIN_LATER
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame

MOST = 10_000
"""How many frames may wait: a socket on which there are more is closed."""


class Late:
    """A conversation whose frames go out late.

    After the message with each number, from 1, `wait` tells by how many seconds; before the first message nothing
    waits.
    """

    def __init__(self, conversation: Conversation, wait: Callable[[int], float]) -> None:
        self._conversation = conversation
        self._wait = wait
        self._count = 0
        self._seconds = 0.0
        self._held: deque[tuple[float, Frame]] = deque()
        self._again: float | None = None
        self._over = False

    def opened(self, now: float) -> Turn:
        """See `Conversation`."""
        return self._passed(self._conversation.opened(now), now)

    def received(self, message: str | bytes, now: float) -> Turn:
        """See `Conversation`."""
        if self._over:
            return Turn()
        if len(self._held) > MOST:
            self._over = True
            self._held.clear()
            return Turn((Close(TRY_AGAIN_LATER, f"more than {MOST} frames wait: read some before you ask for more"),))
        self._count += 1
        self._seconds = self._wait(self._count)
        return self._passed(self._conversation.received(message, now), now)

    def due(self, now: float) -> Turn:
        """See `Conversation`."""
        if self._over:
            return Turn()
        asks = self._again is not None and self._again <= now
        return self._passed(self._conversation.due(now) if asks else Turn(again=self._again), now)

    def _passed(self, turn: Turn, now: float) -> Turn:
        self._again = turn.again
        for frame in turn.frames:
            self._held.append((now + self._seconds, frame))
        due: list[Frame] = []
        while self._held and self._held[0][0] <= now:
            due.append(self._held.popleft()[1])
        moments = [moment for moment in (self._again, self._held[0][0] if self._held else None) if moment is not None]
        return turn._replace(frames=tuple(due), again=min(moments, default=None))
