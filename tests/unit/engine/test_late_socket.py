from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.effects import Turn
from falmock.engine.late_socket import MOST
from falmock.engine.late_socket import Late
from falmock.wire.formats.frames import TRY_AGAIN_LATER
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Text


class Twice:
    """Greets, and says every message at once, and again a second later; closes at "bye"."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []
        self._later: list[tuple[float, str]] = []

    def opened(self, now: float) -> Turn:  # noqa: ARG002
        return Turn((Text("hello"),))

    def received(self, message: str | bytes, now: float) -> Turn:
        self.heard.append(message)
        if message == "bye":
            self._later.clear()
            return Turn((Close(),))
        self._later.append((now + 1, f"{message!s} again"))
        return Turn((Text(str(message)),), self._later[0][0])

    def due(self, now: float) -> Turn:
        said = [text for at, text in self._later if at <= now]
        self._later = self._later[len(said) :]
        return Turn(tuple(map(Text, said)), self._later[0][0] if self._later else None)


def test_what_answers_a_message_is_late_and_what_was_said_before_is_not() -> None:
    socket = Late(Twice(), lambda _: 2.0)
    assert socket.opened(10) == Turn((Text("hello"),))
    assert socket.received("a", 10) == Turn(again=11)
    assert socket.due(11) == Turn(again=12)
    assert socket.due(12) == Turn((Text("a"),), 13)
    assert socket.received("bye", 12.5) == Turn(again=13)
    assert socket.due(13) == Turn((Text("a again"),), 14.5)
    assert socket.due(14.5) == Turn((Close(),))


def test_a_quick_answer_does_not_overtake_a_slow_one() -> None:
    socket = Late(Twice(), lambda number: 5.0 if number == 1 else 0.0)
    socket.opened(0)
    socket.received("slow", 0)
    assert socket.received("quick", 0.5).frames == ()
    assert socket.due(5).frames == tuple(map(Text, ("slow", "quick", "slow again", "quick again")))


def test_what_waits_is_bounded() -> None:
    inner = Twice()
    socket = Late(inner, lambda _: 60.0)
    socket.opened(0)
    while not (turn := socket.received("x", 0)).frames:
        assert len(inner.heard) <= MOST + 1
    (close,) = turn.frames
    assert isinstance(close, Close)
    assert close.code == TRY_AGAIN_LATER
    assert len(close.reason.encode()) <= 123
    assert socket.received("y", 1) == socket.due(61) == Turn()


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=8),
    st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=12),
)
def test_all_is_said_in_its_order_and_nothing_too_early(waits: list[float], doings: list[tuple[float, bool]]) -> None:
    plain, late = Twice(), Late(Twice(), lambda number: waits[number % len(waits)])
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
