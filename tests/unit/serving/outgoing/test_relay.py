"""Tunnels to hosts that are not fal's: bytes pass both ways, untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

import pytest

from falmock.engine import replies
from falmock.serving.connection import Connection
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.handler import Sink
from falmock.serving.handler import Tunnel
from falmock.serving.outgoing import relay
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from unit.proxy.loopback import until
from unit.serving.sessions import Kept

BIG = 8 * 1024 * 1024


class Listener:
    """A proxy whose tunnels all lead to one port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections: set[Connection] = set()
        self.clock = asyncio.get_running_loop().time

    def handler(self, connection: Connection) -> Handler:
        return Handler(self, connection)


class Handler:
    closes = False

    def __init__(self, listener: Listener, connection: Connection) -> None:
        self._listener = listener
        self._connection = connection

    def begins(self, head: Head, now: float) -> Kept:  # noqa: ARG002
        return Kept()

    def complete(self, head: Head, sink: Sink, session: Later, now: float) -> None:  # noqa: ARG002
        self._connection.play_later(session, self._opened())

    async def _opened(self) -> Play:
        try:
            return Tunnel(await relay.connect(self._connection, "127.0.0.1", self._listener.port, 5))
        except OSError as error:
            return replies.problem(502, str(error), "no way")

    def refused(self, bad: BadRequest, now: float) -> None:
        """Nothing is answered."""

    def plays(self, play: Play) -> None:
        """Nothing is kept."""

    def ended(self, play: Play) -> None:
        """Nothing is kept."""


Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Listener], Awaitable[None]]


def through_a_tunnel(serve: Server, ask: Client, port: int | None = None) -> None:
    """Connect a client through a proxy to a server; all must be closed at the end."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await serve(reader, writer)
        finally:
            writer.transport.abort()

    tasks: set[asyncio.Task[None] | None] = set()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(served, "127.0.0.1", 0)
        listener = Listener(port or server.sockets[0].getsockname()[1])
        proxy = await loop.create_server(lambda: Connection(listener), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*proxy.sockets[0].getsockname())
        try:
            writer.write(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
            await asyncio.wait_for(ask(reader, writer, listener), 30)
        finally:
            writer.transport.abort()
            await until(lambda: not listener.connections)
            proxy.close()
            server.close()
            for task in tasks:
                if task is not None:
                    task.cancel()
            await asyncio.sleep(0.01)

    asyncio.run(run())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


async def established(reader: asyncio.StreamReader) -> None:
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"


def test_bytes_pass_both_ways() -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:  # noqa: ARG001
        await established(reader)
        sent = bytes(range(256)) * (BIG // 256)
        writer.write(sent)
        assert await reader.readexactly(BIG) == sent

    through_a_tunnel(echo, ask)


def test_the_server_closes() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001
        writer.write(b"bye")
        writer.close()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:  # noqa: ARG001
        await established(reader)
        assert await reader.read() == b"bye"

    through_a_tunnel(serve, ask)


def test_the_client_closes() -> None:
    closed: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closed.append(await reader.read())
        writer.close()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:  # noqa: ARG001
        await established(reader)
        writer.write(b"bye")
        writer.close()
        await until(lambda: bool(closed))

    through_a_tunnel(serve, ask)
    assert closed == [b"bye"]


def test_a_client_that_does_not_read_stops_the_server() -> None:
    sent = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001
        while sent[0] < 10 * BIG:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent[0] += 1 << 16

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:
        await established(reader)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        before = -1
        while before != sent[0]:
            before = sent[0]
            await asyncio.sleep(0.1)
        assert sent[0] < 5 * BIG
        [connection] = listener.connections
        assert connection.transport.get_write_buffer_size() < 1024 * 1024

    through_a_tunnel(serve, ask)


def test_a_server_that_does_not_read_stops_the_client() -> None:
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await is_over.wait()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:
        await established(reader)
        [connection] = listener.connections
        try:
            for _ in range(20 * BIG // (1 << 20)):
                writer.write(bytes(1 << 20))
                if connection._is_reading_paused:
                    return
                await asyncio.sleep(0)
            await until(lambda: connection._is_reading_paused)
        finally:
            is_over.set()

    through_a_tunnel(serve, ask)


@pytest.mark.parametrize("port", [1])
def test_nobody_listens(port: int) -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:  # noqa: ARG001
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 502 ")

    through_a_tunnel(echo, ask, port)


class Line:
    """The transport to another host."""

    def __init__(self) -> None:
        self.got = b""
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.got += data

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(("verdict", "got"), [(False, b"first, more"), (True, b"")])
def test_the_first_bytes_are_held_until_it_is_known_where_they_may_go(verdict: bool, got: bytes) -> None:  # noqa: FBT001
    seen: list[bytes] = []

    def forbids(data: bytes) -> bool | None:
        seen.append(data)
        return verdict if len(seen) > 1 else None

    line: Any = Line()
    found = relay.Relay(Any, forbids)  # type: ignore[arg-type]  # no client is told of anything
    found.connection_made(line)
    found.receive(b"first", 0)
    assert line.got == b""
    found.receive(b", more", 0)
    assert (seen, line.got, line.is_closed) == ([b"first", b"first, more"], got, verdict)
    assert found.ending is (Ending.ABORT if verdict else Ending.OPEN)
    if not verdict:
        found.receive(b"!", 0)
        assert line.got == b"first, more!"
    found.pause_writing()
    assert not found.reads
