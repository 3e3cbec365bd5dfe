"""The first request of a connection decides where it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.handler import Tunnel
from falmock.serving.http_reader import MAX_HEAD
from falmock.serving.http_session import HEAD_TIME
from falmock.serving.outgoing.first_request import FirstRequest
from falmock.serving.outgoing.first_request import LastAnswer
from falmock.serving.outgoing.first_request import Passing
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending

ASKED = (
    b"POST http://other.test:81/a?b HTTP/1.1\r\nHost: other.test:81\r\nProxy-Authorization: Basic eA==\r\n"
    b"Proxy-Connection: keep-alive\r\nConnection: keep-alive\r\nX-One: 1\r\nContent-Length: 4\r\n\r\nbody"
)
SENT = b"POST /a?b HTTP/1.1\r\nHost: other.test:81\r\nX-One: 1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


class Inner:
    """A session that keeps what it gets."""

    def __init__(self) -> None:
        self.wake_at: float | None = 7.0
        self.ending = Ending.OPEN
        self.reads = True
        self.is_socket = False
        self.got = b""
        self.out = b""
        self.calls: list[str] = []

    def receive(self, data: bytes, now: float) -> None:  # noqa: ARG002
        self.got += data

    def wake(self, now: float) -> None:  # noqa: ARG002
        self.calls.append("wake")

    def gone(self) -> None:
        self.calls.append("gone")

    def take(self) -> bytes:
        out, self.out = self.out, b""
        return out


class World:
    """A first request, what would answer it here, and the other host."""

    def __init__(self, *, play: Play | None = None) -> None:
        self.inner, self.other = Inner(), Inner()
        self.answer = play or Tunnel(self.other)
        self.coming: Coroutine[Any, Any, Any] | None = None
        self.session = FirstRequest(self, self.inner, self.passes)

    def play_later(self, session: Later, coming: Awaitable[Play]) -> None:  # noqa: ARG002
        assert isinstance(coming, Coroutine)
        self.coming = coming

    def passes(self, head: Head) -> Passing | None:
        return Passing("other.test:81", "/a?b", self.connected()) if b"other.test" in head.target else None

    async def connected(self) -> Any:
        return self.answer

    def connect(self) -> None:
        assert self.coming is not None
        self.session.play(asyncio.run(self.coming), 0)


@given(st.sets(st.integers(1, len(ASKED) - 1), max_size=6), st.integers(0, 6))
def test_a_request_for_another_host_reaches_it_however_it_is_cut(cuts: set[int], when: int) -> None:
    world, places = World(), [0, *sorted(cuts), len(ASKED)]
    for number, (start, end) in enumerate(pairwise(places)):
        world.session.receive(ASKED[start:end], 0)
        if number >= when and world.coming is not None:
            world.connect()
            world.coming = None
    if world.coming is not None:
        assert not world.session.reads
        world.connect()
    assert world.session.reads
    assert (world.other.got, world.inner.got) == (SENT, b"")


def test_empty_lines_before_a_request_are_not_passed_on() -> None:
    for data in (b"\r\n\r\n" + ASKED, b"\r\n" + ASKED):
        for size in (1, 1000):
            world = World()
            for at in range(0, len(data), size):
                world.session.receive(data[at : at + size], 0)
            world.connect()
            assert world.other.got == SENT


def test_a_head_that_does_not_end_is_refused_in_the_end() -> None:
    world = World()
    world.session.receive(ASKED[:10], 5.0)
    world.session.receive(ASKED[10:20], 20.0)
    assert world.session.wake_at == 5.0 + HEAD_TIME
    world.session.wake(20.0)
    assert (world.session.take(), world.session.ending) == (b"", Ending.OPEN)
    world.session.wake(5.0 + HEAD_TIME)
    assert world.session.take().startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert (world.session.ending, world.inner.got, world.other.got) == (Ending.CLOSE, b"", b"")


@pytest.mark.parametrize(
    "data",
    [
        b"GET http://fal.run/a HTTP/1.1\r\nHost: fal.run\r\n\r\n",
        b"CONNECT fal.run:443 HTTP/1.1\r\n\r\n\x16\x03",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD,
    ],
)
def test_everything_else_is_answered_here(data: bytes) -> None:
    world = World()
    for start in range(0, len(data), 5000):
        world.session.receive(data[start : start + 5000], 0)
    world.session.receive(b"more", 0)
    assert world.inner.got == data + b"more"
    world.inner.out = b"answer"
    assert world.session.take() == b"answer"
    assert (world.session.wake_at, world.session.ending, world.session.is_socket) == (7.0, Ending.OPEN, False)
    world.session.wake(0)
    world.session.gone()
    assert world.inner.calls == ["wake", "gone"]


def test_a_host_that_is_not_there() -> None:
    world = World(play=replies.problem(502, "no way", "no connection"))
    world.session.receive(ASKED, 0)
    world.connect()
    out = world.session.take()
    assert out.startswith(b"HTTP/1.1 502 ")
    assert b"Connection: close\r\n" in out
    assert (world.session.take(), world.session.ending) == (b"", Ending.CLOSE)


def test_a_websocket_is_upgraded() -> None:
    world = World()
    world.session.receive(
        b"GET ws://other.test/a HTTP/1.1\r\nHost: other.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 0
    )
    world.connect()
    assert b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n" in world.other.got
    world.other.out = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n\x81\0"
    assert world.session.take() == b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n\x81\0"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (ANSWER, LAST),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER, b"HTTP/1.1 100 Continue\r\n\r\n" + LAST),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ANSWER,
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LAST,
        ),
        (b"cut", b"cut"),
        (b"", b""),
    ],
)
def test_the_answer_says_that_the_connection_ends(sent: bytes, seen: bytes) -> None:
    for size in (1, 7, 1000):
        answer = LastAnswer()
        out = b"".join(answer.take(sent[at : at + size], is_over=False) for at in range(0, len(sent), size))
        assert out + answer.take(b"", is_over=True) == seen


def test_the_relay_is_what_is_taken_from() -> None:
    world = World()
    world.session.receive(ASKED, 0)
    world.connect()
    world.other.out = ANSWER
    assert world.session.take() == LAST
    assert isinstance(world.answer, Tunnel | Reply)
