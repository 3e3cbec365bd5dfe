from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.sockets.send_queue import DueFrame
from falmock.engine.sockets.send_queue import SendQueue
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Reset
from falmock.wire.formats.frames import Text


def due(*at: float, name: str = "") -> list[DueFrame]:
    return [DueFrame(seconds, Text(f"{name}{place}")) for place, seconds in enumerate(at)]


def texts(frames: tuple[Frame, ...]) -> list[str]:
    return [frame.text for frame in frames if isinstance(frame, Text)]


def test_each_frame_is_given_once_and_in_time() -> None:
    queue = SendQueue()
    queue.put(due(1.0, 3.0))
    assert queue.take(0.0)[:3] == ((), 1.0, ())
    assert queue.take(2.0)[:3] == ((Text("0"),), 3.0, ())
    assert queue.take(9.0)[:3] == ((Text("1"),), None, ())
    assert queue.take(10.0)[:3] == ((), None, ())


def test_a_close_is_the_last_that_goes_out() -> None:
    for last in (Close(), Reset()):
        queue = SendQueue()
        queue.put([DueFrame(1.0, last), *due(2.0)])
        queue.end_with(due(3.0))
        assert queue.take(5.0)[:3] == ((last,), None, ())
        assert queue.is_over
        queue.put(due(6.0))
        queue.end_with(due(6.0))
        assert queue.take(9.0)[:3] == ((), None, ())


def test_the_end_comes_behind_everything_and_can_be_put_off() -> None:
    queue = SendQueue()
    queue.end_with(due(2.0, 3.0, name="end"))
    queue.put(due(4.0))
    assert queue.take(3.5)[:3] == ((), 4.0, ())
    queue.end_with(due(6.0, 7.0, name="end"))
    assert queue.take(4.0)[:3] == ((Text("0"),), 6.0, ())
    assert queue.take(6.0)[:3] == ((Text("end0"),), 7.0, ())
    queue.put(due(6.5))
    queue.end_with(())
    assert queue.take(7.0)[:3] == ((Text("end1"),), None, ())


def test_what_is_abandoned_is_not_sent() -> None:
    queue = SendQueue()
    queue.put(due(1.0))
    queue.end_with(due(2.0))
    queue.abandon()
    assert queue.take(5.0)[:3] == ((), None, ())


def test_what_has_begun_is_not_dropped() -> None:
    queue = SendQueue(1)
    queue.put(due(0.0, 9.0, name="a"))
    queue.put(due(0.0, 9.0, name="b"))
    assert texts(queue.take(0.0).frames) == ["a0", "b0"]
    queue.put(due(5.0, name="c"))
    queue.put(due(5.0, name="d"))
    assert texts(queue.take(9.0).frames) == ["d0", "a1", "b1"]


@given(
    st.lists(st.tuples(st.floats(0, 5), st.lists(st.floats(0, 5), max_size=3)), max_size=12),
    st.none() | st.integers(1, 3),
    st.lists(st.floats(0, 3), max_size=20),
)
def test_whatever_the_times(messages: list[tuple[float, list[float]]], limit: int | None, looks: list[float]) -> None:
    queue = SendQueue(limit)
    now = 0.0
    sent: list[str] = []
    waits = itertools.cycle(looks or [1.0])
    for number, (pause, at) in enumerate(messages):
        now += pause
        queue.put([DueFrame(now + seconds, Text(f"{number} {place}")) for place, seconds in enumerate(sorted(at))])
        if number % 2:
            now += next(waits)
            sent += texts(queue.take(now).frames)
    turn: Any = queue.take(now)
    while True:
        sent += texts(turn.frames)
        if turn.again is None:
            break
        assert turn.again > now
        now = turn.again
        turn = queue.take(now)
    answered = [(int(number), int(place)) for number, place in (text.split() for text in sent)]
    assert len(set(answered)) == len(answered)
    firsts = [number for number, place in answered if place == 0]
    assert firsts == sorted(firsts), "answers begin in the order of the messages"
    for number, (_, at) in enumerate(messages):
        places = [place for of, place in answered if of == number]
        assert places == list(range(len(at))) or (limit is not None and not places), "whole and in order, or dropped"
