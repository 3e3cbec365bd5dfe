"""A client that takes falmock for a host of fal's: what it is taken for, however its bytes are cut."""

from __future__ import annotations

import ssl
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.serving.http_session import HEAD_TIME
from falmock.serving.http_session import HttpSession
from falmock.serving.redirected_session import RedirectedSession
from falmock.serving.session import Ending
from falmock.serving.session import Session
from unit.serving.sessions import Recorder
from unit.serving.sessions import reply

GET = b"GET /a HTTP/1.1\r\nHost: fal.run\r\n\r\n"


def hello(name: str | None) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    out = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


class Bytes(HttpSession):
    """Keeps what it gets."""

    def __init__(self) -> None:
        super().__init__(Recorder(lambda *_: reply()))
        self.data = b""

    def receive(self, data: bytes, now: float) -> None:  # noqa: ARG002
        self.data += data


class World:
    """A session, the host that it found, and what it carries."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.carried = Bytes()
        self.session = RedirectedSession(self._begin)

    def _begin(self, host: str) -> Session:
        self.hosts.append(host)
        return self.carried


@pytest.mark.parametrize(
    ("data", "host"),
    [
        (hello("queue.fal.run"), "queue.fal.run"),
        (hello("Queue.FAL.run"), "queue.fal.run"),
        (hello(None), ""),
        (GET, ""),
        (b"\x16\x03\x01\x00\x05hello", ""),
        (b"SSH-2.0-x\r\n", ""),
    ],
)
def test_the_host_is_in_the_first_bytes(data: bytes, host: str) -> None:
    world = World()
    world.session.receive(data, 0.0)
    assert world.hosts == [host]
    assert world.session.successor is world.carried
    assert world.carried.data == data
    assert world.session.take() == b""


@given(st.lists(st.integers(1, 200), max_size=20))
def test_a_hello_is_the_same_however_it_is_cut(sizes: list[int]) -> None:
    data = HELLO
    world = World()
    for size in (*sizes, len(data)):
        piece, data = data[:size], data[size:]
        if piece and world.session.successor is None:
            world.session.receive(piece, 0.0)
        elif piece:
            world.carried.receive(piece, 0.0)
    assert world.hosts == ["fal.run"]
    assert world.carried.data == HELLO


HELLO = hello("fal.run")


def test_a_hello_has_to_be_complete_in_time() -> None:
    world = World()
    session = world.session
    assert session.wake_at is None
    session.receive(HELLO[:20], 5.0)
    session.receive(HELLO[20:30], 6.0)
    assert (session.wake_at, session.reads, session.is_socket) == (5.0 + HEAD_TIME, True, False)
    session.wake(6.0)
    assert session.ending is Ending.OPEN
    session.wake(5.0 + HEAD_TIME)
    assert session.ending is Ending.CLOSE


def test_a_client_that_is_gone() -> None:
    world = World()
    world.session.receive(HELLO[:20], 0.0)
    world.session.gone()
    assert (world.session.ending, world.hosts) == (Ending.ABORT, [])
