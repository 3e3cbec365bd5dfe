"""Conversations with an HTTP session, byte by byte and second by second."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import h11
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.effects import Delivery
from falmock.engine.effects import End
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.serving.handler import Tunnel
from falmock.serving.http_session import BODY_PAUSE
from falmock.serving.http_session import HEAD_TIME
from falmock.serving.http_session import LINGER
from falmock.serving.http_session import MAX_UNREAD
from falmock.serving.http_session import HttpSession
from falmock.serving.session import Ending
from unit.proxy.loopback import Script
from unit.serving.sessions import TEXT
from unit.serving.sessions import Recorder
from unit.serving.sessions import reply

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
PUT = b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"


def told(session: HttpSession, data: bytes, now: float = 0.0) -> bytes:
    """What a session answers to these bytes."""
    session.receive(data, now)
    return session.take()


def test_a_request_and_its_answer() -> None:
    handler = Recorder()
    session = HttpSession(handler)
    assert told(session, GET) == HELLO
    assert told(session, POST) == HELLO.replace(b"5", b"4").replace(b"hello", b"body")
    assert (handler.bodies, handler.playing) == ([b"", b"body"], [])
    assert (session.ending, session.wake_at, session.reads, session.is_socket) == (Ending.OPEN, None, True, False)


def test_requests_that_come_at_once_are_answered_in_turn() -> None:
    handler = Recorder(lambda head, _: reply(head.target, delay=1.0 if head.target == b"/slow" else 0.0))
    session = HttpSession(handler)
    first = told(session, GET + GET.replace(b"/a", b"/slow") + POST)
    assert first.endswith(b"/a")
    assert [head.target for head in handler.heads] == [b"/a", b"/slow"]
    assert told(session, GET, 0.5) == b""
    session.wake(0.5)
    assert session.take() == b""
    assert session.wake_at == 1.0
    session.wake(1.0)
    assert session.take().count(b"HTTP/1.1 200") == 3


def test_a_client_that_sends_much_before_it_reads_is_not_read_from() -> None:
    session = HttpSession(Recorder(lambda *_: reply(delay=1.0)))
    session.receive(GET, 0.0)
    session.receive(b"G" * MAX_UNREAD, 0.0)
    assert session.reads
    session.receive(b"G", 0.0)
    assert not session.reads


@pytest.mark.parametrize(
    ("line", "closes"),
    [(b"Connection: close\r\n", True), (b"", False)],
)
def test_the_end_of_keeping_alive(line: bytes, closes: bool) -> None:  # noqa: FBT001
    session = HttpSession(Recorder())
    answer = told(session, b"GET /a HTTP/1.1\r\n%s\r\n" % line)
    assert (session.ending is Ending.CLOSE) is closes
    assert (b"Connection: close" in answer) is closes
    assert bool(told(session, GET)) is not closes


def test_a_handler_may_end_the_connection() -> None:
    handler = Recorder()
    session = HttpSession(handler)
    handler.closes = True
    assert b"Connection: close" in told(session, GET)
    assert session.ending is Ending.CLOSE


def test_http_1_0() -> None:
    stream = Stream(200, (TEXT,), Script(StreamStep((b"a", b"b"), end=End.WHOLE)), "test")
    session = HttpSession(Recorder(lambda *_: stream))
    assert told(session, b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\nConnection: close\r\n\r\nab")
    assert session.ending is Ending.CLOSE
    session = HttpSession(Recorder())
    assert b"Connection: keep-alive" in told(session, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert session.ending is Ending.OPEN


def test_head_and_status_without_a_body() -> None:
    session = HttpSession(Recorder())
    assert told(session, b"HEAD /a HTTP/1.1\r\n\r\n") == HELLO.removesuffix(b"hello")
    session = HttpSession(Recorder(lambda *_: reply(b"")._replace(status=204)))
    assert told(session, GET) == b"HTTP/1.1 204 No Content\r\nContent-Type: text/plain\r\n\r\n"


# expecting 100


def test_a_client_that_waits_with_its_body() -> None:
    session = HttpSession(Recorder())
    assert told(session, PUT) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert told(session, b"body").endswith(b"body")


def test_a_client_that_does_not_wait_after_all() -> None:
    session = HttpSession(Recorder())
    assert told(session, PUT + b"body").startswith(b"HTTP/1.1 200")


def test_a_client_that_waits_for_a_refusal() -> None:
    handler = Recorder()
    handler.early = reply(b"no")
    session = HttpSession(handler)
    assert told(session, PUT).endswith(b"Connection: close\r\n\r\nno")
    assert (session.ending, session.wake_at) == (Ending.HALF, LINGER)
    assert told(session, b"body") == b""
    session.wake(LINGER)
    assert session.ending is Ending.CLOSE


def test_what_is_known_from_the_head_is_played_after_the_body() -> None:
    handler = Recorder()
    handler.early = reply(b"early")
    session = HttpSession(handler)
    assert told(session, POST[:-1]) == b""
    assert told(session, POST[-1:]).endswith(b"early")
    assert session.ending is Ending.OPEN


# refusals


def test_a_body_that_is_too_large_is_refused_while_it_comes() -> None:
    handler = Recorder()
    session = HttpSession(handler)
    answer = told(session, b"POST /a HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" + b"x" * 2000)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert handler.sinks[0].is_dropped
    assert session.ending is Ending.HALF
    assert told(session, b"x" * 3000) == b""


def test_what_is_no_request_is_refused_and_nothing_follows() -> None:
    handler = Recorder()
    session = HttpSession(handler)
    answer = told(session, GET + b"nonsense\r\n\r\n" + GET)
    assert answer.startswith(HELLO + b"HTTP/1.1 501 ")
    assert session.ending is Ending.HALF
    assert len(handler.heads) == 1


def test_a_head_that_does_not_end_is_refused_in_the_end() -> None:
    handler = Recorder()
    session = HttpSession(handler)
    assert told(session, POST + GET[:5], 1.0).endswith(b"body")
    assert told(session, GET[5:9], 50.0) == b""
    assert session.wake_at == 1.0 + HEAD_TIME  # however often a piece comes
    session.wake(50.0)
    assert session.take() == b""
    session.wake(1.0 + HEAD_TIME)
    assert session.take().startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert session.ending is Ending.HALF
    session.wake(1.0 + HEAD_TIME + LINGER)
    assert session.ending is Ending.CLOSE


def test_the_next_head_has_as_long() -> None:
    session = HttpSession(Recorder())
    session.receive(GET[:5], 0.0)
    session.receive(GET[5:], 50.0)
    assert session.wake_at is None
    session.receive(GET[:5], 55.0)
    assert session.wake_at == 55.0 + HEAD_TIME


def test_a_client_that_stops_in_a_body_is_refused_in_the_end() -> None:
    handler = Recorder()
    session = HttpSession(handler)
    for at, byte in enumerate(POST[-3:]):
        session.receive(POST[:-3] if at == 0 else b"", at)
        session.receive(bytes([byte]), at)
        assert session.wake_at == (at + BODY_PAUSE if at < 2 else None)
    session.take()
    session.receive(POST[:-1], 10.0)
    session.wake(10.0 + BODY_PAUSE)
    assert session.take().startswith(b"HTTP/1.1 408 ")
    assert handler.sinks[-1].is_dropped


def test_what_came_of_the_next_head_waits_while_an_answer_takes_long() -> None:
    session = HttpSession(Recorder(lambda *_: reply(delay=100.0)))
    session.receive(GET + GET[:5], 0.0)
    assert session.wake_at == 100.0
    session.wake(100.0)
    assert session.take() == HELLO
    assert session.wake_at == 100.0 + HEAD_TIME


def test_a_refusal_has_a_body_whatever_was_asked_before() -> None:
    session = HttpSession(Recorder())
    assert told(session, GET.replace(b"GET", b"HEAD") + b"GET / HTTP/1.1\r\nX : a\r\n\r\n").endswith(b"token")


def test_no_answer() -> None:
    handler = Recorder()
    handler.takes = False
    session = HttpSession(handler)
    assert told(session, GET) == b""
    assert session.ending is Ending.ABORT


@pytest.mark.parametrize("headers", [((b"X", b"a\r\nb"),), ((b"X", b"a\nb"),), ((b"X", b"\0"),), ((b"X\r\nY", b"a"),)])
def test_an_answer_that_http_cannot_carry_is_not_sent(
    headers: tuple[tuple[bytes, bytes], ...], caplog: pytest.LogCaptureFixture
) -> None:
    session = HttpSession(Recorder(lambda *_: Reply(200, headers, b"", "test")))
    assert told(session, GET) == b""
    assert session.ending is Ending.CLOSE
    assert "cannot be sent" in caplog.text


# over time


def test_a_stream_and_who_wakes_it() -> None:
    steps = (StreamStep((b"one",), again=5.0), StreamStep((b"two",)), StreamStep((b"three", b""), end=End.WHOLE))
    stream = Stream(200, (TEXT,), Script(*steps), "test", delay=1.0)
    handler = Recorder(lambda *_: stream)
    session = HttpSession(handler)
    assert told(session, GET) == b""
    assert handler.playing == [stream]
    session.wake(1.0)
    assert session.take().endswith(b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    assert session.wake_at == 5.0
    session.wake(5.0)
    assert (session.take(), session.wake_at) == (b"3\r\ntwo\r\n", None)
    session.wake(7.0)
    assert session.take() == b"5\r\nthree\r\n0\r\n\r\n"
    assert handler.playing == []
    assert session.ending is Ending.OPEN


@pytest.mark.parametrize(
    ("delivery", "sent", "ending"),
    [
        (Delivery(cut=2), b"he", Ending.CLOSE),
        (Delivery(length=9), b"hello", Ending.CLOSE),
        (Delivery(length=2), b"hello", Ending.CLOSE),
        (Delivery(reset=ResetPoint.AFTER_HEADERS), b"", Ending.RESET),
        (Delivery(piece=2), b"hello", Ending.OPEN),
    ],
)
def test_deliveries(delivery: Delivery, sent: bytes, ending: Ending) -> None:
    session = HttpSession(Recorder(lambda *_: reply(delivery=delivery)))
    answer = told(session, GET)
    while session.ending is Ending.OPEN and session.wake_at is not None:
        session.wake(session.wake_at)
        answer += session.take()
    assert answer.partition(b"\r\n\r\n")[2] == sent
    assert session.ending is ending


def test_a_reset_before_the_headers() -> None:
    session = HttpSession(Recorder(lambda *_: reply(delivery=Delivery(reset=ResetPoint.BEFORE_HEADERS), delay=2.0)))
    assert told(session, GET) == b""
    session.wake(2.0)
    assert (session.take(), session.ending) == (b"", Ending.RESET)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    session = HttpSession(Recorder(lambda *_: Reply(200, (TEXT,), FileBody(str(tmp_path / "a"), 0, 5), "test")))
    assert told(session, GET).startswith(b"HTTP/1.1 500 ")


def test_a_source_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def step(self, now: float) -> StreamStep:  # noqa: ARG002
            raise RuntimeError("oh")

    session = HttpSession(Recorder(lambda *_: Stream(200, (TEXT,), Broken(), "test")))
    assert told(session, GET).endswith(b"chunked\r\n\r\n")
    assert session.ending is Ending.CLOSE
    assert "a stream broke off" in caplog.text


def test_an_answer_that_comes_later() -> None:
    handler = Recorder(lambda *_: None)
    session = HttpSession(handler)
    assert told(session, GET + GET) == b""
    assert handler.waiting is session
    session.play(reply(), 1.0)
    assert session.take() == HELLO
    session.gone()
    session.play(reply(), 1.0)
    assert session.take() == b""


def test_the_client_is_gone() -> None:
    handler = Recorder()
    session = HttpSession(handler)
    session.receive(POST[:-1], 0.0)
    session.gone()
    assert handler.sinks[0].is_dropped
    assert session.ending is Ending.ABORT
    stream = Stream(200, (TEXT,), Script(StreamStep((b"one",))), "test")
    handler = Recorder(lambda *_: stream)
    session = HttpSession(handler)
    session.receive(GET, 0.0)
    session.gone()
    assert handler.playing == []


# tunnels


def test_a_tunnel_carries_another_session() -> None:
    inner = Recorder()
    session = HttpSession(Recorder(lambda *_: Tunnel(HttpSession(inner))))
    answer = told(session, b"CONNECT fal.run:443 HTTP/1.1\r\n\r\n" + GET)
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n" + HELLO
    assert told(session, POST).endswith(b"body")
    session.gone()
    assert session.ending is Ending.ABORT


def test_a_tunnel_that_is_refused_leaves_the_connection_open() -> None:
    session = HttpSession(Recorder())
    assert told(session, b"CONNECT fal.run:443 HTTP/1.1\r\n\r\n") == HELLO
    assert told(session, GET) == HELLO


# any order


def answers_of(session: HttpSession, data: bytes, cuts: list[int]) -> bytes:
    """All that a session sends, in time, for bytes that come in these parts."""
    sent = b""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, stop in pairwise(places):
        sent += told(session, data[start:stop])
    while session.wake_at is not None and session.ending is Ending.OPEN:
        session.wake(session.wake_at)
        sent += session.take()
    return sent


DELIVERIES = [None, Delivery(piece=1), Delivery(piece=3, pause=1.0), Delivery(first_byte=2.0)]


@given(st.lists(st.sampled_from([GET, POST, PUT + b"body"]), max_size=4), st.lists(st.integers(0, 400), max_size=8))
@settings(max_examples=200)
def test_the_answers_are_the_same_however_the_requests_are_cut(requests: list[bytes], cuts: list[int]) -> None:
    def answered() -> HttpSession:
        numbers = iter(range(100))
        return HttpSession(Recorder(lambda _, body: reply(body or b"hello", DELIVERIES[next(numbers) % 4])))

    data = b"".join(requests)
    without = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answers_of(answered(), data, cuts).replace(without, b"") == answers_of(answered(), data, [])
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(answers_of(answered(), data, cuts).replace(without, b""))
    assert not requests or isinstance(client.next_event(), h11.Response)


@given(st.lists(st.binary(max_size=80), max_size=8), st.booleans())
def test_any_bytes_end_in_answers_or_in_the_end_of_the_connection(pieces: list[bytes], valid_first: bool) -> None:  # noqa: FBT001
    session = HttpSession(Recorder())
    for piece in ([GET] if valid_first else []) + pieces:
        told(session, piece)
    assert session.ending in (Ending.OPEN, Ending.HALF, Ending.CLOSE)
