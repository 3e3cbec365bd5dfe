"""Faults of sockets: slow, or ended early by a close code, a reset, inside a message, or after idle time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from falmock.engine.effects import Conversation
from falmock.engine.effects import ConversationWrapper
from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.engine.faults.replies import delay_of
from falmock.engine.faults.replies import fault_header
from falmock.engine.faults.replies import reason_of
from falmock.engine.injected_fault import InjectedFault
from falmock.fixtures.fault import Breaks
from falmock.fixtures.fault import SocketFault
from falmock.wire import realtime
from falmock.wire.formats.frames import TRY_AGAIN_LATER
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Cut
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Reset
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from falmock.wire.formats.frames import begun


class InterruptedSocket(ConversationWrapper):
    """A conversation that ends early, as the fault says."""

    def __init__(self, conversation: Conversation, fault: SocketFault) -> None:
        super().__init__(conversation)
        self._fault = fault
        self._left = fault.after
        self._last_message = 0.0
        self._over = False

    def opened(self, now: float) -> SocketStep:
        """See `Conversation`."""
        self._last_message = now
        return super().opened(now)

    def received(self, message: str | bytes, now: float) -> SocketStep:
        """See `Conversation`."""
        if self._over:
            return SocketStep()
        self._last_message = now
        return super().received(message, now)

    def due(self, now: float) -> SocketStep:
        """See `Conversation`."""
        return SocketStep() if self._over else super().due(now)

    def _passed(self, step: SocketStep, now: float) -> SocketStep:
        frames = list(self._until_the_end(step.frames)) if self._fault.ends else list(step.frames)
        if self._over or any(isinstance(frame, Close | Reset) for frame in frames):
            self._over = True
            return step._replace(frames=tuple(frames), again=None)
        idle = self._fault.idle
        if idle is None:
            return step._replace(frames=tuple(frames))
        ends = self._last_message + idle
        if now >= ends:
            self._over = True
            return step._replace(frames=(*frames, realtime.timeout_frame(), Close()), again=None)
        return step._replace(frames=tuple(frames), again=ends if step.again is None else min(step.again, ends))

    def _until_the_end(self, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        """The frames that are still sent, then the end if the fault ends the socket here."""
        sent: list[Frame] = []
        for frame in frames:
            if isinstance(frame, Text | Binary | Stored):
                if self._left == 0:  # only with mid_frame: otherwise the socket ended earlier
                    return (*sent, *self._end_within(frame))
                self._left -= 1
            sent.append(frame)
            if self._left == 0 and not self._fault.mid_frame:
                return (*sent, *self._end())
        return tuple(sent) if self._left or self._fault.mid_frame else (*sent, *self._end())

    def _end(self) -> tuple[Frame, ...]:
        self._over = True
        code = self._fault.code
        return (Reset(),) if code is None else (Close(code, self._fault.reason),)

    def _end_within(self, message: Text | Binary | Stored) -> tuple[Frame, ...]:
        """A close code goes after the first fragment of the message; a reset or a cut goes inside a frame."""
        if self._fault.code is not None:
            return begun(message), *self._end()
        self._over = True
        return (Cut(message, self._fault.reset),)


def applied(injected: InjectedFault, socket: Socket) -> Socket:
    """A socket with the fault applied."""
    fault = injected.fault.only("socket", "reset", "latency")
    conversation = socket.conversation
    if fault.socket is not None:
        conversation = InterruptedSocket(conversation, fault.socket)
    if fault.reset is Breaks.AFTER_HEADERS:
        conversation = InterruptedSocket(conversation, SocketFault(reset=True))
    latency = fault.latency
    if latency is not None:
        conversation = DelayedSocket(conversation, lambda number: injected.rng.seconds(latency, f"latency {number}"))
    if conversation is socket.conversation:
        return socket
    return socket._replace(
        conversation=conversation,
        why=f"{socket.why}; {reason_of(injected)}",
        headers=(*socket.headers, fault_header(fault.name)),
        fault=fault.name,
        delay=delay_of(injected),
        exact=fault.socket is not None and fault.socket.mid_frame,
    )


MOST = 10_000
"""How many frames may wait; above that the socket is closed."""


class DelayedSocket(ConversationWrapper):
    """A conversation whose frames go out late.

    `wait` gives the delay in seconds after message number 1, 2 and so on; before the first message there is none.
    """

    def __init__(self, conversation: Conversation, wait: Callable[[int], float]) -> None:
        super().__init__(conversation)
        self._wait = wait
        self._count = 0
        self._seconds = 0.0
        self._held: deque[tuple[float, Frame]] = deque()
        self._again: float | None = None
        self._over = False

    def received(self, message: str | bytes, now: float) -> SocketStep:
        """See `Conversation`."""
        if self._over:
            return SocketStep()
        if len(self._held) > MOST:
            self._over = True
            self._held.clear()
            return SocketStep(
                (Close(TRY_AGAIN_LATER, f"more than {MOST} frames wait: read some before you ask for more"),)
            )
        self._count += 1
        self._seconds = self._wait(self._count)
        return super().received(message, now)

    def due(self, now: float) -> SocketStep:
        """See `Conversation`."""
        if self._over:
            return SocketStep()
        is_due = self._again is not None and self._again <= now
        return self._passed(self._conversation.due(now) if is_due else SocketStep(again=self._again), now)

    def _passed(self, step: SocketStep, now: float) -> SocketStep:
        self._again = step.again
        for frame in step.frames:
            self._held.append((now + self._seconds, frame))
        due: list[Frame] = []
        while self._held and self._held[0][0] <= now:
            due.append(self._held.popleft()[1])
        moments = [moment for moment in (self._again, self._held[0][0] if self._held else None) if moment is not None]
        return step._replace(frames=tuple(due), again=min(moments, default=None))
