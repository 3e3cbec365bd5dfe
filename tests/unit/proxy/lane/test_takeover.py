"""A transport that is taken from a handler like mitmproxy's: a real socket, without the rest of mitmproxy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import options
from mitmproxy.connection import Client
from mitmproxy.proxy import commands
from mitmproxy.proxy import events
from mitmproxy.proxy.context import Context

from falmock.proxy.lane import takeover
from falmock.proxy.lane.takeover import LaneLayer
from falmock.serving.connection import Connection
from unit.proxy.loopback import until
from unit.proxy.mitm import mitmproxy
from unit.serving.sessions import Recorder

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


class Listener:
    def __init__(self) -> None:
        self.recorder = Recorder()
        self.connections: set[Connection] = set()
        self.clock = asyncio.get_running_loop().time

    def handler(self, connection: Connection) -> Recorder:  # noqa: ARG002
        return self.recorder


class Watchdog:
    def __init__(self) -> None:
        self.told = 0

    def register_activity(self) -> None:
        self.told += 1


class Handler:
    """Reads from a client and passes what comes to a layer, as mitmproxy does."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0.0)
        self.transports = {self.client: SimpleNamespace(reader=reader, writer=writer, handler=None)}
        self.timeout_watchdog = Watchdog()
        self.listener = Listener()
        self.layer = LaneLayer(Context(self.client, options.Options()), self, Connection(self.listener))  # type: ignore[arg-type]
        self.received: list[bytes] = []
        self.closed: list[commands.Command] = []

    async def run(self, reader: asyncio.StreamReader) -> None:
        list(self.layer.handle_event(events.Start()))
        while data := await reader.read(65535):
            self.received.append(data)
            list(self.layer.handle_event(events.DataReceived(self.client, data)))
        self.closed = list(self.layer.handle_event(events.ConnectionClosed(self.client)))


Test = Callable[[Handler, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_client(test: Test) -> None:
    """Run a test with a connected client, and a handler of its connection."""

    async def run() -> None:
        handlers: list[Handler] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            handlers.append(Handler(reader, writer))
            await handlers[0].run(reader)
            writer.close()

        with mitmproxy():
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await until(lambda: bool(handlers))
            await asyncio.wait_for(test(handlers[0], reader, writer), 20)
            writer.close()
            await until(lambda: bool(handlers[0].closed))
            assert not handlers[0].listener.connections
            server.close()
            await asyncio.sleep(0.02)  # the transports close

    asyncio.run(run())


async def answer(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"\r\n\r\n")) + await reader.readexactly(5)


def test_after_the_first_bytes_nothing_goes_through_mitmproxy() -> None:
    async def test(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            writer.write(GET)
            assert (await answer(reader)).endswith(b"hello")
        assert handler.received == [GET]
        assert len(handler.listener.recorder.heads) == 3

    with_client(test)


def test_bytes_that_mitmproxy_has_already_come_first() -> None:
    async def test(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        io = handler.transports[handler.client]
        io.reader.feed_data(GET)  # as if it had come while the layer was chosen
        io.reader.feed_data(GET[:10])
        writer.write(GET[10:])
        assert (await answer(reader)) == (await answer(reader))
        writer.write(GET)
        await answer(reader)
        assert sum(map(len, handler.received)) in (2 * len(GET), len(GET) + 10)

    with_client(test)


def test_mitmproxy_hears_of_the_end() -> None:
    async def test(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET)
        await answer(reader)
        writer.write(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        await answer(reader)
        assert await reader.read() == b""
        await until(lambda: bool(handler.closed))
        assert isinstance(handler.closed[0], commands.CloseConnection)

    with_client(test)


def test_mitmproxy_hears_that_the_connection_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "_KEPT_ALIVE", 0.01)

    async def test(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET)
        await answer(reader)
        await until(lambda: handler.timeout_watchdog.told > 3)

    with_client(test)


@pytest.mark.parametrize(("timeout", "interval"), [(600, 60.0), (10, 5.0)])
def test_how_often(timeout: int, interval: float) -> None:
    with mitmproxy() as context:
        context.options.add_option("tcp_timeout", int, timeout, "")
        assert takeover._interval() == interval
    with mitmproxy() as context:
        if "tcp_timeout" not in context.options:
            assert takeover._interval() == 60.0


class Shape:
    """mitmproxy's registry of connections, with one of this shape."""

    name = "proxyserver"

    def __init__(self, client: Client, io: Any) -> None:
        self.connections = {client.id: SimpleNamespace(transports={client: io})}


@pytest.mark.parametrize("what", ["a stream of another kind", "no buffer", "nothing"])
def test_another_shape_is_not_taken(what: str) -> None:
    async def run() -> None:
        client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0.0)
        server = await asyncio.start_server(lambda _, there: there.transport.abort(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        io = SimpleNamespace(reader=reader, writer=writer)
        with mitmproxy(Shape(client, io)):
            assert takeover.handler_of(client) is not None
            if what == "no buffer":
                io.reader = SimpleNamespace()
            elif what == "nothing":
                client.id = "other"
            else:
                io.writer = SimpleNamespace(transport=writer.transport)
            assert takeover.handler_of(client) is None
        with mitmproxy():
            assert takeover.handler_of(client) is None
        writer.transport.abort()
        server.close()
        await asyncio.sleep(0.02)

    asyncio.run(run())
