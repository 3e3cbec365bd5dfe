from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine import fault_streams
from falmock.engine.chance import Chance
from falmock.engine.effects import End
from falmock.engine.effects import Step
from falmock.engine.effects import Stream
from falmock.engine.faults import Strike
from falmock.engine.streams import Playback
from falmock.fixtures.fault_reader import read_text
from falmock.fixtures.model import Piece

EVENTS = (b'data: {"a":1}\n\n', b'data: {"a":2}\n\n', b'data: {"a":3}\n\n')
HEADERS = ((b"Content-Type", b"text/event-stream"),)


def struck(fault: Any, *, ends: float = 3.0) -> Stream:
    source = Playback([Piece(float(at), data) for at, data in enumerate(EVENTS)], ends)
    strike = Strike(read_text(json.dumps(fault)), "a rule", Chance(0, "x", 1))
    return fault_streams.struck(strike, Stream(200, HEADERS, source, "why", "f.json#0"), "fal-ai/flux")


def played(stream: Stream, limit: int = 1000) -> tuple[list[tuple[float, bytes]], float, End]:
    """What a stream gives to an edge that asks when it is told to: pieces with their times, and its end."""
    now, pieces = 0.0, []
    for _ in range(limit):
        step: Step = stream.source.step(now)
        pieces += [(now, piece) for piece in step.pieces]
        if step.end is not End.OPEN:
            return pieces, now, step.end
        assert step.again is not None
        assert step.again > now or not step.pieces
        now = max(step.again, now)
    raise AssertionError("it does not end")


def test_without_a_fault() -> None:
    assert played(struck({"latency": 2})) == ([(0, EVENTS[0]), (1, EVENTS[1]), (2, EVENTS[2])], 3, End.WHOLE)
    assert struck({"latency": 2}).delay == 2
    assert struck({"job": "retried"}).fault is None


@pytest.mark.parametrize(("how", "end"), [("cut", End.CUT), ("reset", End.RESET)])
def test_a_stream_that_ends_after_some_events(how: str, end: End) -> None:
    assert played(struck({"stream": {"after": 2, how: True}})) == ([(0, EVENTS[0]), (1, EVENTS[1])], 1, end)
    assert played(struck({"stream": {how: True}})) == ([], 0, end)


def test_a_stream_that_is_shorter_ends_as_it_would() -> None:
    assert played(struck({"stream": {"after": 5, "cut": True}}))[1:] == (3, End.WHOLE)


def test_an_error_as_the_last_event() -> None:
    pieces, _, end = played(struck({"stream": {"after": 1, "error": "runner_disconnected"}}))
    assert end is End.WHOLE
    assert [piece for _, piece in pieces] == [
        EVENTS[0],
        b'data: {"detail":"Runner disconnected","error_type":"runner_disconnected"}\n\n',
    ]


def test_bytes() -> None:
    whole = b"".join(EVENTS)
    pieces, _, end = played(struck({"truncate": 20}))
    assert (b"".join(piece for _, piece in pieces), end) == (whole[:20], End.CUT)
    assert played(struck({"truncate": 0}))[0] == []
    pieces, _, end = played(struck({"truncate": "50%"}))
    assert (b"".join(piece for _, piece in pieces), end) == (whole, End.WHOLE), "nobody knows how long it will be"


@given(st.integers(1, 60), st.floats(0.001, 5), st.floats(0, 5))
def test_dripped(size: int, every: float, ends: float) -> None:
    pieces, _, end = played(struck({"drip": {"bytes": size, "every": every}}, ends=ends))
    assert b"".join(piece for _, piece in pieces) == b"".join(EVENTS)
    assert end is End.WHOLE
    assert all(len(piece) <= size for _, piece in pieces)
    times = [at for at, _ in pieces]
    assert all(later - earlier >= every * 0.999 for earlier, later in itertools.pairwise(times))


def test_a_late_first_piece() -> None:
    pieces, ends, _ = played(struck({"firstByte": 1.5}))
    assert pieces == [(1.5, EVENTS[0]), (1.5, EVENTS[1]), (2, EVENTS[2])]
    assert ends == 3


def test_events_that_are_no_json() -> None:
    pieces, _, _ = played(struck({"body": "malformed-json"}))
    assert [piece for _, piece in pieces] == [b'data: {"a":%d,\n\n' % number for number in (1, 2, 3)]


def test_a_reset_after_the_headers_and_another_type() -> None:
    assert played(struck({"reset": "after-headers"})) == ([], 0, End.RESET)
    found = struck({"contentType": "text/plain"})
    assert found.headers == ((b"Content-Type", b"text/plain"), (b"x-falmock-fault", b"contentType"))
    assert (found.fault, found.why) == ("contentType", "why; asked for by a rule")
