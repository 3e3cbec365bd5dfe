from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.effects import End
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.engine.faults import streams
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.injected_fault import SeededRandom
from falmock.engine.jobs.keep_alive import PING
from falmock.engine.jobs.keep_alive import KeepAlive
from falmock.engine.streams import Playback
from falmock.fixtures.format.fault import read_text
from falmock.fixtures.model import Piece

EVENTS = (b'data: {"a":1}\n\n', b'data: {"a":2}\n\n', b'data: {"a":3}\n\n')


def struck(fault: Any, *, ends: float = 3.0, kind: bytes = b"text/event-stream", **more: Any) -> Stream:
    source = Playback([Piece(float(at), data) for at, data in enumerate(EVENTS)], ends)
    injected = InjectedFault(read_text(json.dumps(fault)), "a rule", SeededRandom(0, "x", 1))
    stream = Stream(200, ((b"Content-Type", kind),), source, "why", "f.json#0", **more)
    return streams.applied(injected, stream, "fal-ai/flux")


def played(stream: Stream, start: float = 0.0, limit: int = 1000) -> tuple[list[tuple[float, bytes]], float, End]:
    """Steps a stream at the times it returns: its pieces with their times, and its end."""
    now, pieces = start, []
    for _ in range(limit):
        step: StreamStep = stream.source.step(now)
        pieces += [(now, piece) for piece in step.pieces]
        if step.end is not End.OPEN:
            return pieces, now, step.end
        assert step.again is not None
        assert step.again > now or not step.pieces
        now = max(step.again, now)
    raise AssertionError("it does not end")


def test_without_a_fault() -> None:
    assert played(struck({"contentType": "x/y"})) == ([(0, EVENTS[0]), (1, EVENTS[1]), (2, EVENTS[2])], 3, End.WHOLE)
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
    assert played(struck({"truncate": "50%"}))[1:] == (3, End.WHOLE), "nobody knows how long it will be"


@given(st.integers(0, 100), st.sampled_from([{}, {"body": "malformed-json"}, {"drip": {"bytes": 5, "every": 0.1}}]))
def test_a_share(share: int, more: dict[str, Any]) -> None:
    whole = b"".join(piece for _, piece in played(struck(more))[0]) if more else b"".join(EVENTS)
    pieces, _, end = played(struck({"truncate": f"{share}%", **more}, size=len(whole)))
    assert (b"".join(piece for _, piece in pieces), end) == (whole[: len(whole) * share // 100], End.CUT)


@pytest.mark.parametrize(
    ("length", "size", "told"), [(7, None, 7), (7, 42, 7), ("+10", 42, 52), ("-50", 42, 0), ("+10", None, None)]
)
def test_a_content_length_that_is_told_although_a_stream_has_none(
    length: Any, size: int | None, told: int | None
) -> None:
    assert struck({"contentLength": length}, size=size).length == told
    assert struck({"latency": 1}, size=size).length is None


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
    assert pieces == [(1.5, EVENTS[0]), (2.5, EVENTS[1]), (3.5, EVENTS[2])]
    assert ends == 4.5


def test_a_late_answer_keeps_its_pace() -> None:
    late = struck({"latency": 2, "firstByte": 1})
    assert late.delay == 2
    assert late.source.step(2) == StreamStep(again=3)
    assert played(late, start=3) == ([(3, EVENTS[0]), (4, EVENTS[1]), (5, EVENTS[2])], 6, End.WHOLE)


def test_what_tells_of_a_job_tells_what_it_is_by_then() -> None:
    late = struck({"latency": 2}, key="a job")
    assert played(late, start=2) == ([(2, EVENTS[0]), (2, EVENTS[1]), (2, EVENTS[2])], 3, End.WHOLE)


def test_an_error_in_a_stream_of_no_events_has_no_frame() -> None:
    (last,) = struck({"stream": {"error": "runner_disconnected"}}, kind=b"audio/mpeg").source.step(0).pieces
    assert last == b'{"detail":"Runner disconnected","error_type":"runner_disconnected"}'


def test_events_that_are_no_json() -> None:
    pieces, _, _ = played(struck({"body": "malformed-json"}))
    assert [piece for _, piece in pieces] == [b'data: {"a":%d,\n\n' % number for number in (1, 2, 3)]


def test_a_reset_after_the_headers_and_another_type() -> None:
    assert played(struck({"reset": "after-headers"})) == ([], 0, End.RESET)
    found = struck({"contentType": "text/plain"})
    assert found.headers == ((b"Content-Type", b"text/plain"), (b"x-falmock-fault", b"contentType"))
    assert (found.fault, found.why) == ("contentType", "why; asked for by a rule")


PACED = (b'data: {"a":1}\n\n', 0.0), (b'data: {"a":2}\n\n', 20.0), (b'data: {"a":3}\n\n', 40.0)


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        ({"stream": {"after": 2, "cut": True}}, [b'data: {"a":1}\n\n', PING, b'data: {"a":2}\n\n']),
        (
            {"body": "malformed-json"},
            [b'data: {"a":1,\n\n', PING, b'data: {"a":2,\n\n', PING, b'data: {"a":3,\n\n'],
        ),
        ({"firstByte": 30}, [b'data: {"a":1}\n\n', b'data: {"a":2}\n\n', b'data: {"a":3}\n\n']),
    ],
)
def test_keep_alive_comments_are_no_events(fault: Any, heard: list[bytes]) -> None:
    source = KeepAlive(Playback([Piece(at, data) for data, at in PACED], 41.0))
    injected = InjectedFault(read_text(json.dumps(fault)), "a rule", SeededRandom(0, "x", 1))
    stream = streams.applied(injected, Stream(200, (), source, "why", "f.json#0", key="a job"), "fal-ai/flux")
    assert [piece for _, piece in played(stream)[0]] == heard
