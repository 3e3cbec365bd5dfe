"""Which connections get an answer from the origin, and what remains of it afterwards."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.proxy.origin.server import HOST
from falmock.proxy.origin.server import Origin
from falmock.proxy.origin.tickets import HEADER
from falmock.proxy.origin.tickets import Upload
from falmock.wire.message import Content
from unit.proxy.loopback import Peer
from unit.proxy.loopback import Script
from unit.proxy.loopback import on_loopback
from unit.proxy.loopback import requesting
from unit.proxy.loopback import until

HELLO = Reply(200, ((b"Content-Type", b"text/plain"),), b"hello", "test")


class Kept:
    """A sink that keeps what is written to it."""

    def __init__(self) -> None:
        self.data = b""
        self.dropped = False

    def write(self, data: bytes) -> None:
        self.data += data

    def drop(self) -> None:
        self.dropped = True

    def content(self) -> Content:
        return Content("0" * 64, len(self.data), data=self.data)


async def taken(_: Content) -> Reply:
    return HELLO


# who is let in


@on_loopback
async def test_nothing_listens_before_there_is_something_to_play(origin: Origin) -> None:
    assert origin.port == 0
    ticket = await origin.admit(HELLO)
    assert origin.port > 0
    assert len(ticket) >= 32
    origin.tickets.withdraw(ticket)


@on_loopback
async def test_it_listens_once_however_many_come_at_once(origin: Origin) -> None:
    tickets = await asyncio.gather(*(origin.admit(HELLO) for _ in range(50)))
    assert len(set(tickets)) == 50
    for ticket in tickets:
        origin.tickets.withdraw(ticket)


@on_loopback
async def test_it_is_on_loopback_alone(origin: Origin) -> None:
    ticket = await origin.admit(HELLO)
    server = origin._server
    assert server is not None
    assert [listening.getsockname()[0] for listening in server.sockets] == [HOST] == ["127.0.0.1"]
    origin.tickets.withdraw(ticket)


@on_loopback
async def test_a_ticket_is_good_for_one_answer(origin: Origin, caplog: pytest.LogCaptureFixture) -> None:
    ticket = await origin.admit(HELLO)
    async with await Peer.connected(origin) as first:
        first.ask(ticket)
        assert (await first.head())[0] == "HTTP/1.1 200 OK"
        assert await first.reader.readexactly(5) == b"hello"
    async with await Peer.connected(origin) as second:
        second.ask(ticket)
        assert await second.rest() == b""
    assert caplog.records == []


@on_loopback
async def test_a_ticket_that_was_taken_back_is_good_for_nothing(origin: Origin) -> None:
    sink = Kept()
    ticket = await origin.admit(Upload(sink, taken))
    origin.tickets.withdraw(ticket)
    assert sink.dropped
    async with await Peer.connected(origin) as peer:
        peer.ask(ticket)
        assert await peer.rest() == b""
    origin.tickets.withdraw(ticket)


def request(*headers: bytes, line: bytes = b"POST / HTTP/1.1") -> bytes:
    return b"\r\n".join([line, b"Host: fal.run", *headers, b"", b""])


_TICKET = HEADER.encode()
STRANGERS = {
    "no ticket": request(),
    "an empty one": request(_TICKET + b":"),
    "another": request(_TICKET + b": " + b"x" * 43),
    "not ASCII": request(_TICKET + b": \xff\xfe"),
    "a long one": request(_TICKET + b": " + b"x" * 500_000),
    "a head without end": b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 400_000,
    "a socket": request(b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506),
    "a proxy's client": request(line=b"CONNECT fal.run:443 HTTP/1.1"),
    "noise": bytes(range(256)) * 10,
}


async def answer_to(origin: Origin, said: bytes) -> bytes:
    """All that the origin answers to a client that sends this and then ends its side."""
    async with await Peer.connected(origin) as peer:
        peer.writer.write(said)
        peer.writer.write_eof()
        try:
            return await peer.rest()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("who", STRANGERS)
@on_loopback
async def test_a_stranger_hears_nothing(origin: Origin, who: str, caplog: pytest.LogCaptureFixture) -> None:
    ticket = await origin.admit(HELLO)
    assert await answer_to(origin, STRANGERS[who]) == b""
    assert caplog.records == []
    assert list(origin.tickets._plays) == [ticket]
    origin.tickets.withdraw(ticket)


_NAMES = st.sampled_from([HEADER, HEADER.upper(), "x-other", "authorization"])
_TOKENS = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60).map(str.strip)
_REQUESTS = st.builds(
    lambda method, fields, tail: (
        f"{method} / HTTP/1.1\r\nHost: a\r\n".encode()
        + b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in fields)
        + b"\r\n"
        + tail
    ),
    st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "CONNECT", "\0"]),
    st.lists(st.tuples(_NAMES, _TOKENS), max_size=5),
    st.binary(max_size=50),
)


@given(st.lists(st.one_of(_REQUESTS, st.binary(max_size=200)), min_size=1, max_size=20))
@settings(max_examples=50)
def test_whatever_a_stranger_says_it_hears_nothing(said: list[bytes]) -> None:
    @on_loopback
    async def conversation(origin: Origin) -> None:
        ticket = await origin.admit(HELLO)
        assert await asyncio.gather(*(answer_to(origin, one) for one in said)) == [b""] * len(said)
        async with await Peer.connected(origin) as guest:
            guest.ask(ticket)
            assert (await guest.head())[0] == "HTTP/1.1 200 OK"

    conversation()


@given(st.integers(0, 42), st.characters(min_codepoint=33, max_codepoint=126))
@settings(max_examples=50)
def test_a_ticket_that_is_nearly_right_is_wrong(place: int, character: str) -> None:
    @on_loopback
    async def conversation(origin: Origin) -> None:
        ticket = await origin.admit(HELLO)
        wrong = ticket[:place] + character + ticket[place + 1 :]
        for other in {wrong, ticket[:place], ticket + character} - {ticket}:
            assert await answer_to(origin, request(_TICKET + b": " + other.encode())) == b""
        origin.tickets.withdraw(ticket)

    conversation()


# its end


@on_loopback
async def test_stopping_it_ends_what_plays(origin: Origin) -> None:
    """`stop` ends a stream, a WebSocket's handshake, an upload, a delayed reply and a connection without a ticket."""
    plays = [
        Stream(200, (), Script(StreamStep((b"one",))), "test", key="a job"),
        Stream(200, (), Script(), "test", delay=60),
        HELLO._replace(delay=60),
    ]
    peers = [await requesting(origin, play) for play in plays]
    assert (await peers[0].head())[0] == "HTTP/1.1 200 OK"
    sink = Kept()
    peers.append(await Peer.connected(origin))
    peers[-1].ask(await origin.admit(Upload(sink, taken)), headers=["Content-Length: 10"])
    peers[-1].writer.write(b"12345")
    await until(lambda: sink.data == b"12345")
    peers.append(await Peer.connected(origin))
    await until(lambda: len(origin.tickets.connections) == 5)
    waiting = await origin.admit(HELLO)
    origin.stop()
    for peer in peers:
        assert b"hello" not in await peer.rest()
    assert sink.dropped
    assert waiting not in origin.tickets._plays
    for peer in peers:
        peer.writer.close()


@on_loopback
async def test_it_can_be_used_again_after_a_stop(origin: Origin) -> None:
    async with await requesting(origin, HELLO) as peer:
        assert (await peer.head())[0] == "HTTP/1.1 200 OK"
    before = origin.port
    origin.stop()
    assert origin.port == 0
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection(HOST, before)
    async with await requesting(origin, HELLO) as peer:
        assert (await peer.head())[0] == "HTTP/1.1 200 OK"


@on_loopback
async def test_an_upload_that_is_stored_when_all_ends_is_given_up(origin: Origin) -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def stores(_: Content) -> Reply:
        started.set()
        await never.wait()
        return HELLO

    async with await requesting(origin, Upload(Kept(), stores), body=b"data"):
        await started.wait()
        origin.stop()
        await until(lambda: not origin.tickets.connections)


@on_loopback
async def test_no_port_to_listen_on_is_an_error_of_the_caller(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise OSError(98, os.strerror(98))

    monkeypatch.setattr(socket.socket, "bind", refuses)
    with pytest.raises(OSError, match=r".+"):
        await origin.admit(HELLO)
    monkeypatch.undo()
    async with await requesting(origin, HELLO) as peer:
        assert (await peer.head())[0] == "HTTP/1.1 200 OK"
