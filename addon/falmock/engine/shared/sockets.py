"""Sockets whose answers are looked up in shared state: the socket is of this falmock, the sequences are of all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from falmock.engine.effects import SocketStep
from falmock.engine.shared.background import AGAIN
from falmock.engine.shared.background import Background
from falmock.engine.shared.background import Pending
from falmock.engine.shared.background import sooner
from falmock.engine.sockets.deciding import Deciding
from falmock.engine.sockets.deciding import Turn
from falmock.wire.formats.frames import TRY_AGAIN_LATER
from falmock.wire.formats.frames import Close


class SharedSocket:
    """A conversation that answers its messages in their order, each as soon as it is looked up."""

    def __init__(self, conversation: Deciding, background: Background) -> None:
        self._conversation = conversation
        self._background = background
        self._asked: deque[Callable[[float], Turn]] = deque()
        self._pending: Pending | None = None
        self._is_over = False

    def opened(self, now: float) -> SocketStep:
        """See `Conversation`."""
        self._asked.append(self._conversation.look_up_opening)
        return self.due(now)

    def received(self, message: str | bytes, now: float) -> SocketStep:
        """See `Conversation`."""
        if not self._is_over:
            self._asked.append(lambda at: self._conversation.look_up(message, at))
        return self.due(now)

    def due(self, now: float) -> SocketStep:
        """See `Conversation`."""
        if self._is_over:
            return SocketStep()
        steps = [self._conversation.due(now)]
        if self._pending is not None and self._pending.done():
            try:
                turn: Turn = self._pending.result()
            except Exception as error:  # noqa: BLE001 - whatever the store says: this socket cannot go on
                self._is_over = True
                return SocketStep((*steps[0].frames, Close(TRY_AGAIN_LATER, str(error)[:100])))
            self._pending = None
            steps.append(turn())
        if self._pending is None and self._asked:
            self._pending = self._background(self._asked.popleft())
        again = steps[-1].again
        return SocketStep(
            tuple(frame for step in steps for frame in step.frames),
            again if self._pending is None else sooner(again, now + AGAIN),
            tuple(miss for step in steps for miss in step.misses),
            tuple(warning for step in steps for warning in step.warnings),
        )
