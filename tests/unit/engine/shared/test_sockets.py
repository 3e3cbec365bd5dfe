"""A socket whose answers are looked up elsewhere: in the order of its messages, and closed when nothing can be looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falmock.engine.effects import SocketStep
from falmock.engine.shared.background import AGAIN
from falmock.engine.shared.sockets import SharedSocket
from falmock.engine.sockets.deciding import Turn
from falmock.store.interface import Unavailable
from falmock.wire.formats.frames import TRY_AGAIN_LATER
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Text


class Lookup:
    """A look-up that is done when the test says so."""

    def __init__(self, decide: Callable[[float], Any]) -> None:
        self._decide = decide
        self._result: Any = None
        self._is_done = False
        self.error: Exception | None = None

    def go(self, now: float) -> None:
        if self.error is None:
            self._decide(now)  # decided twice: others were faster
            self._result = self._decide(now)
        self._is_done = True

    def done(self) -> bool:
        return self._is_done

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self._result


class Echo:
    """A conversation that repeats messages, each with its number, and says something each second."""

    def __init__(self) -> None:
        self.count = 0
        self.lookups: list[str] = []

    def opened(self, now: float) -> SocketStep:
        return self.look_up_opening(now)()

    def received(self, message: str | bytes, now: float) -> SocketStep:
        return self.look_up(message, now)()

    def due(self, now: float) -> SocketStep:
        return SocketStep((Text(f"at {now:g}"),) if now >= 10.0 else (), 10.0 if now < 10.0 else None)

    def look_up_opening(self, now: float) -> Turn:  # noqa: ARG002
        return lambda: SocketStep((Text("hello"),), 10.0)

    def look_up(self, message: str | bytes, now: float) -> Turn:  # noqa: ARG002
        self.lookups.append(str(message))

        def turn() -> SocketStep:
            self.count += 1
            return SocketStep((Text(f"{self.count} {message!s}"),), 10.0, warnings=("careful",))

        return turn


class Socket:
    def __init__(self) -> None:
        self.lookups: list[Lookup] = []
        self.inner = Echo()
        self.socket = SharedSocket(self.inner, self.background)

    def background(self, decide: Callable[[float], Any]) -> Lookup:
        self.lookups.append(Lookup(decide))
        return self.lookups[-1]


def test_answers_come_when_they_are_looked_up_in_the_order_of_the_messages() -> None:
    talk = Socket()
    assert talk.socket.opened(0.0) == SocketStep((), AGAIN)
    assert talk.socket.received("a", 0.0).frames == ()
    assert talk.socket.received("b", 0.0).frames == ()
    assert len(talk.lookups) == 1, "one after another"
    talk.lookups[0].go(0.0)
    assert talk.socket.due(1.0) == SocketStep((Text("hello"),), 1.0 + AGAIN)
    talk.lookups[1].go(1.0)
    assert talk.socket.due(1.0) == SocketStep((Text("1 a"),), 1.0 + AGAIN, (), ("careful",))
    talk.lookups[2].go(1.0)
    assert talk.socket.due(1.0) == SocketStep((Text("2 b"),), 10.0, (), ("careful",))
    assert talk.inner.lookups == ["a", "a", "b", "b"], "looking up may be repeated, answering is not"
    assert talk.socket.due(10.0) == SocketStep((Text("at 10"),), None)


def test_what_is_due_does_not_wait_for_a_lookup() -> None:
    talk = Socket()
    talk.socket.opened(0.0)
    assert talk.socket.due(10.0).frames == (Text("at 10"),)
    assert talk.socket.due(0.0).again == AGAIN


def test_it_is_closed_when_its_state_is_away() -> None:
    talk = Socket()
    talk.socket.opened(0.0)
    talk.lookups[0].error = Unavailable("the store is away")
    talk.lookups[0].go(0.0)
    assert talk.socket.due(1.0).frames == (Close(TRY_AGAIN_LATER, "the store is away"),)
    assert talk.socket.received("a", 1.0) == SocketStep()
    assert talk.socket.due(10.0) == SocketStep()
    assert len(talk.lookups) == 1
