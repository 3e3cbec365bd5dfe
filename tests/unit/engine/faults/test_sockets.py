from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.effects import Conversation
from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.engine.faults import sockets
from falmock.engine.faults.sockets import MOST
from falmock.engine.faults.sockets import DelayedSocket
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.injected_fault import SeededRandom
from falmock.fixtures.format.fault import read_text
from falmock.wire import realtime
from falmock.wire.formats.frames import TRY_AGAIN_LATER
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Cut
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Ping
from falmock.wire.formats.frames import Reset
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text

HELLO = Text("hello")


class Echo:
    """Sends a greeting, echoes every message at once, and again a second later."""

    def __init__(self, greeting: Frame) -> None:
        self.greeting = greeting
        self.later: list[str | bytes] = []

    def opened(self, now: float) -> SocketStep:  # noqa: ARG002
        return SocketStep((Ping(), self.greeting))

    def received(self, message: str | bytes, now: float) -> SocketStep:
        self.later.append(message)
        return SocketStep((_frame(message),), now + 1)

    def due(self, now: float) -> SocketStep:  # noqa: ARG002
        later, self.later = self.later, []
        return SocketStep(tuple(map(_frame, later)))


def _frame(message: str | bytes) -> Frame:
    return Text(message) if isinstance(message, str) else Binary(message)


def socket(fault: Any, greeting: Frame = HELLO) -> Socket:
    injected = InjectedFault(read_text(json.dumps(fault)), "a rule", SeededRandom(0, "x", 1))
    return sockets.applied(injected, Socket(Echo(greeting), "why"))


def talk(fault: Any, greeting: Frame = HELLO) -> Conversation:
    return socket({"socket": fault}, greeting).conversation


def test_it_is_marked() -> None:
    found = socket({"socket": {"reset": True}})
    assert (found.fault, found.headers) == ("socket reset", ((b"x-falmock-fault", b"socket reset"),))
    assert socket({"truncate": 1}).fault is None


def test_it_is_slow() -> None:
    found = socket({"latency": 2})
    assert (found.fault, found.delay) == ("latency", 2)
    both = found.conversation
    assert both.opened(0).frames == (Ping(), Text("hello"))
    assert both.received("a", 1) == SocketStep(again=2)
    assert both.due(2) == SocketStep(again=3)
    assert both.due(3) == SocketStep((Text("a"),), 4)


def test_every_message_waits_for_a_time_of_its_own_the_same_in_every_run() -> None:
    def waits() -> list[float]:
        both = socket({"latency": {"uniform": [0, 0.5]}}).conversation
        both.opened(0)
        found = []
        for at in range(0, 60, 3):
            again = both.received("a", at).again
            assert again is not None
            found.append(again - at)
            for later in (again, at + 1, at + 2):
                both.due(later)
        return found

    first = waits()
    assert len(set(first)) == 20
    assert all(0 <= wait <= 0.5 for wait in first)
    assert waits() == first


def test_slow_and_closed_early() -> None:
    both = socket({"latency": 2, "socket": {"close": 1011, "after": 2}}).conversation
    both.opened(0)
    both.received("a", 1)
    assert both.due(3) == SocketStep((Text("a"), Close(1011)))


def test_a_reset_behind_the_handshake() -> None:
    found = socket({"reset": "after-headers"})
    assert found.fault == "reset after-headers"
    assert found.conversation.opened(0).frames[-1] == Reset()


def test_a_close_code_after_some_messages() -> None:
    both = talk({"close": 1011, "reason": "gone", "after": 2})
    assert both.opened(0) == SocketStep((Ping(), Text("hello")))
    assert both.received("a", 1) == SocketStep((Text("a"), Close(1011, "gone")))
    assert both.due(2) == both.received("b", 3) == SocketStep()


@pytest.mark.parametrize(("fault", "last"), [({"close": 4000}, Close(4000)), ({"reset": True}, Reset())])
def test_at_once(fault: Any, last: Frame) -> None:
    assert talk(fault).opened(0) == SocketStep((Ping(), last))


def test_in_the_middle_of_a_message() -> None:
    both = talk({"close": 1001, "after": 1, "midFrame": True})
    assert both.opened(0) == SocketStep((Ping(), Text("hello")))
    assert both.received(b"abcd", 1) == SocketStep((Binary(b"ab", final=False), Close(1001)))


@pytest.mark.parametrize(("fault", "resets"), [({}, False), ({"reset": True}, True)])
def test_within_a_frame(fault: Any, *, resets: bool) -> None:
    both = talk({"midFrame": True, "after": 1, **fault})
    assert both.opened(0) == SocketStep((Ping(), Text("hello")))
    assert both.received(b"abcd", 1) == SocketStep((Cut(Binary(b"abcd"), reset=resets),))
    assert both.due(2) == both.received("b", 3) == SocketStep()


def test_only_what_breaks_off_within_a_message_has_to_come_as_it_is() -> None:
    assert socket({"socket": {"close": 1011, "midFrame": True}, "latency": 1}).exact
    assert not socket({"socket": {"close": 1011}}).exact
    assert not socket({"reset": "after-headers"}).exact


def test_a_message_that_is_on_disk_counts() -> None:
    film = Stored("film.mp4", 0, 9)
    assert talk({"close": 1011, "after": 1}, film).opened(0) == SocketStep((Ping(), film, Close(1011)))
    begun = talk({"close": 1011, "midFrame": True}, film)
    assert begun.opened(0) == SocketStep((Ping(), Stored("film.mp4", 0, 4, final=False), Close(1011)))
    assert talk({"midFrame": True}, film).opened(0) == SocketStep((Ping(), Cut(film)))


def test_no_messages_for_too_long() -> None:
    both = talk({"idle": 3})
    assert both.opened(0).again == 3
    assert both.received("a", 2) == SocketStep((Text("a"),), 3)
    assert both.due(3) == SocketStep((Text("a"),), 5)
    assert both.due(5) == SocketStep((realtime.timeout_frame(), Close()))
    assert both.due(9) == SocketStep()


@given(
    st.fixed_dictionaries(
        {"after": st.integers(0, 5)}, optional={"midFrame": st.booleans(), "idle": st.floats(0.1, 9)}
    ),
    st.sampled_from([{"close": 1011}, {"reset": True}, {"midFrame": True}]),
    st.lists(st.tuples(st.sampled_from(["due", "text", "bytes"]), st.floats(0.01, 3)), max_size=12),
)
def test_nothing_goes_out_after_the_end_and_no_more_than_asked_for(
    fault: dict[str, Any], end: dict[str, Any], doings: list[tuple[str, float]]
) -> None:
    both = talk({**fault, **end})
    now = 0.0
    frames = list(both.opened(now).frames)
    for doing, wait in doings:
        now += wait
        turn = both.due(now) if doing == "due" else both.received("ab" if doing == "text" else b"ab", now)
        frames += turn.frames
    ends = [place for place, frame in enumerate(frames) if isinstance(frame, Close | Reset | Cut)]
    assert ends in ([], [len(frames) - 1])
    whole = [frame for frame in frames if isinstance(frame, Text | Binary) and frame.final]
    assert len([frame for frame in whole if frame != realtime.timeout_frame()]) <= fault["after"]


class Twice:
    """Sends a greeting, echoes every message at once, and again a second later; closes at "bye"."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []
        self._later: list[tuple[float, str]] = []

    def opened(self, now: float) -> SocketStep:  # noqa: ARG002
        return SocketStep((Text("hello"),))

    def received(self, message: str | bytes, now: float) -> SocketStep:
        self.heard.append(message)
        if message == "bye":
            self._later.clear()
            return SocketStep((Close(),))
        self._later.append((now + 1, f"{message!s} again"))
        return SocketStep((Text(str(message)),), self._later[0][0])

    def due(self, now: float) -> SocketStep:
        said = [text for at, text in self._later if at <= now]
        self._later = self._later[len(said) :]
        return SocketStep(tuple(map(Text, said)), self._later[0][0] if self._later else None)


def test_what_answers_a_message_is_late_and_what_was_said_before_is_not() -> None:
    socket = DelayedSocket(Twice(), lambda _: 2.0)
    assert socket.opened(10) == SocketStep((Text("hello"),))
    assert socket.received("a", 10) == SocketStep(again=11)
    assert socket.due(11) == SocketStep(again=12)
    assert socket.due(12) == SocketStep((Text("a"),), 13)
    assert socket.received("bye", 12.5) == SocketStep(again=13)
    assert socket.due(13) == SocketStep((Text("a again"),), 14.5)
    assert socket.due(14.5) == SocketStep((Close(),))


def test_a_quick_answer_does_not_overtake_a_slow_one() -> None:
    socket = DelayedSocket(Twice(), lambda number: 5.0 if number == 1 else 0.0)
    socket.opened(0)
    socket.received("slow", 0)
    assert socket.received("quick", 0.5).frames == ()
    assert socket.due(5).frames == tuple(map(Text, ("slow", "quick", "slow again", "quick again")))


def test_what_waits_is_bounded() -> None:
    inner = Twice()
    socket = DelayedSocket(inner, lambda _: 60.0)
    socket.opened(0)
    while not (turn := socket.received("x", 0)).frames:
        assert len(inner.heard) <= MOST + 1
    (close,) = turn.frames
    assert isinstance(close, Close)
    assert close.code == TRY_AGAIN_LATER
    assert len(close.reason.encode()) <= 123
    assert socket.received("y", 1) == socket.due(61) == SocketStep()


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=8),
    st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=12),
)
def test_all_is_said_in_its_order_and_nothing_too_early(waits: list[float], doings: list[tuple[float, bool]]) -> None:
    plain, late = Twice(), DelayedSocket(Twice(), lambda number: waits[number % len(waits)])
    now, count, asked = 0.0, 0, {}
    expected: list[Frame] = list(plain.opened(now).frames)
    turn = late.opened(now)
    came = list(turn.frames)
    for pause, speaks in doings:
        until = now + pause
        while turn.again is not None and turn.again <= until:
            turn = late.due(turn.again)
            came += turn.frames
        now = until
        expected += plain.due(now).frames
        if speaks:
            count += 1
            asked[f"{count}"] = now
            expected += plain.received(f"{count}", now).frames
            turn = late.received(f"{count}", now)
            for frame in turn.frames:
                came.append(frame)
                assert isinstance(frame, Text)
                if frame.text in asked:
                    assert now >= asked[frame.text] + waits[int(frame.text) % len(waits)]
    while turn.again is not None:
        turn = late.due(turn.again)
        came += turn.frames
    expected += plain.due(now + 1).frames
    assert came == expected
