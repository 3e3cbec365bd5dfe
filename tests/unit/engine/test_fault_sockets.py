from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine import fault_sockets
from falmock.engine.chance import Chance
from falmock.engine.effects import Conversation
from falmock.engine.effects import Socket
from falmock.engine.effects import Turn
from falmock.engine.strike import Strike
from falmock.fixtures.format.fault import read_text
from falmock.wire import realtime
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
    """Greets, says every message again at once, and one more time a second later."""

    def __init__(self, greeting: Frame) -> None:
        self.greeting = greeting
        self.later: list[str | bytes] = []

    def opened(self, now: float) -> Turn:  # noqa: ARG002
        return Turn((Ping(), self.greeting))

    def received(self, message: str | bytes, now: float) -> Turn:
        self.later.append(message)
        return Turn((_frame(message),), now + 1)

    def due(self, now: float) -> Turn:  # noqa: ARG002
        later, self.later = self.later, []
        return Turn(tuple(map(_frame, later)))


def _frame(message: str | bytes) -> Frame:
    return Text(message) if isinstance(message, str) else Binary(message)


def socket(fault: Any, greeting: Frame = HELLO) -> Socket:
    strike = Strike(read_text(json.dumps(fault)), "a rule", Chance(0, "x", 1))
    return fault_sockets.struck(strike, Socket(Echo(greeting), "why"))


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
    assert both.received("a", 1) == Turn(again=2)
    assert both.due(2) == Turn(again=3)
    assert both.due(3) == Turn((Text("a"),), 4)


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
    assert both.due(3) == Turn((Text("a"), Close(1011)))


def test_a_reset_behind_the_handshake() -> None:
    found = socket({"reset": "after-headers"})
    assert found.fault == "reset after-headers"
    assert found.conversation.opened(0).frames[-1] == Reset()


def test_a_close_code_after_some_messages() -> None:
    both = talk({"close": 1011, "reason": "gone", "after": 2})
    assert both.opened(0) == Turn((Ping(), Text("hello")))
    assert both.received("a", 1) == Turn((Text("a"), Close(1011, "gone")))
    assert both.due(2) == both.received("b", 3) == Turn()


@pytest.mark.parametrize(("fault", "last"), [({"close": 4000}, Close(4000)), ({"reset": True}, Reset())])
def test_at_once(fault: Any, last: Frame) -> None:
    assert talk(fault).opened(0) == Turn((Ping(), last))


def test_in_the_middle_of_a_message() -> None:
    both = talk({"close": 1001, "after": 1, "midFrame": True})
    assert both.opened(0) == Turn((Ping(), Text("hello")))
    assert both.received(b"abcd", 1) == Turn((Binary(b"ab", final=False), Close(1001)))


@pytest.mark.parametrize(("fault", "resets"), [({}, False), ({"reset": True}, True)])
def test_within_a_frame(fault: Any, *, resets: bool) -> None:
    both = talk({"midFrame": True, "after": 1, **fault})
    assert both.opened(0) == Turn((Ping(), Text("hello")))
    assert both.received(b"abcd", 1) == Turn((Cut(Binary(b"abcd"), reset=resets),))
    assert both.due(2) == both.received("b", 3) == Turn()


def test_only_what_breaks_off_within_a_message_has_to_come_as_it_is() -> None:
    assert socket({"socket": {"close": 1011, "midFrame": True}, "latency": 1}).exact
    assert not socket({"socket": {"close": 1011}}).exact
    assert not socket({"reset": "after-headers"}).exact


def test_a_message_that_is_on_disk_counts() -> None:
    film = Stored("film.mp4", 0, 9)
    assert talk({"close": 1011, "after": 1}, film).opened(0) == Turn((Ping(), film, Close(1011)))
    begun = talk({"close": 1011, "midFrame": True}, film)
    assert begun.opened(0) == Turn((Ping(), Stored("film.mp4", 0, 4, final=False), Close(1011)))
    assert talk({"midFrame": True}, film).opened(0) == Turn((Ping(), Cut(film)))


def test_no_messages_for_too_long() -> None:
    both = talk({"idle": 3})
    assert both.opened(0).again == 3
    assert both.received("a", 2) == Turn((Text("a"),), 3)
    assert both.due(3) == Turn((Text("a"),), 5)
    assert both.due(5) == Turn((realtime.timeout_frame(), Close()))
    assert both.due(9) == Turn()


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
