"""The clients of `scripts/bench soak`, in their own process: concurrent sockets and SSE streams that check every event.

It prints lines of JSON: `{"open": clients, "after": seconds}` when all have opened or failed, and at the end the results.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import h11
import msgpack
import wsproto
from wsproto import events as ws

HOST = "fal.run"
STREAM = "test/soak"
SOCKET = "test/soak/realtime"
AT_ONCE = 20
"""How many clients connect at the same time, so that no TLS handshake times out."""
PATIENCE = 60.0
"""Seconds without an event after which a client gives up."""
PING_EVERY = 20


class Load(NamedTuple):
    """The load: each of `clients` sockets and `clients` streams gets `count` events, one every `pause` seconds."""

    port: int
    ca: str
    clients: int
    count: int
    pause: float


class Results:
    """The results of all clients of one kind."""

    def __init__(self) -> None:
        self.events = 0
        self.whole = 0
        self.trouble: list[str] = []
        self.late: list[float] = []

    def summary(self) -> dict[str, Any]:
        late = sorted(self.late) or [0.0]
        quantiles = [round(late[min(int(len(late) * part), len(late) - 1)] * 1000) for part in (0.5, 0.99, 1.0)]
        return {"events": self.events, "whole": self.whole, "trouble": self.trouble[:5], "late_ms": quantiles}


class LostError(Exception):
    """A client did not get the expected event."""


class Tunnel:
    """A TLS connection to a host, through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def opened(cls, load: Load, trust: ssl.SSLContext) -> Tunnel:
        reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
        writer.write(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise LostError(f"no tunnel: {answer!r}")
        await writer.start_tls(trust, server_hostname=HOST)
        return cls(reader, writer)

    async def read(self) -> bytes:
        return await asyncio.wait_for(self._reader.read(65536), PATIENCE)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


async def follow_stream(tunnel: Tunnel, load: Load, is_open: Callable[[], None], results: Results) -> None:
    """Read a stream to its end."""
    connection = h11.Connection(h11.CLIENT)
    body = b"{}"
    headers = [
        ("Host", HOST),
        ("Authorization", "Key kid:ksecret"),
        ("Accept", "text/event-stream"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    request = h11.Request(method="POST", target=f"/{STREAM}/stream", headers=headers)
    await tunnel.write(b"".join(connection.send(event) or b"" for event in (request, h11.Data(data=body), _END)))
    expected, first = 0, 0.0
    async for number in _events(tunnel, connection):
        if number != expected:
            raise LostError(f"stream: expected event {expected}, got {number}")
        now = time.monotonic()
        if not expected:
            first = now
            is_open()
        results.late.append(now - first - expected * load.pause)
        results.events += 1
        expected += 1
    if expected != load.count:
        raise LostError(f"stream: it ended after {expected} of {load.count} events")


_END = h11.EndOfMessage()


async def _events(tunnel: Tunnel, connection: h11.Connection) -> AsyncIterator[int]:
    """The numbers in the events of an answer, as they arrive."""
    text = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await tunnel.read())
        elif isinstance(event, h11.Response):
            if event.status_code != 200:
                raise LostError(f"stream: status {event.status_code}")
        elif isinstance(event, h11.Data):
            text += event.data
            *whole, text = text.split(b"\n\n")
            for one in whole:
                yield json.loads(one.removeprefix(b"data: "))["n"]
        else:
            return


async def keep_a_socket(tunnel: Tunnel, load: Load, is_open: Callable[[], None], results: Results) -> None:
    """Send an input on a socket every `pause` seconds and wait for its result."""
    connection = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    headers = [(b"Authorization", b"Key kid:ksecret")]
    await tunnel.write(connection.send(ws.Request(host=HOST, target=f"/{SOCKET}", extra_headers=headers)))
    await _until(tunnel, connection, ws.AcceptConnection)
    first = time.monotonic()
    for number in range(load.count):
        await asyncio.sleep(first + number * load.pause - time.monotonic())
        sent = time.monotonic()
        if number % PING_EVERY == PING_EVERY - 1:
            await tunnel.write(connection.send(ws.Ping(payload=b"soak")))
        await tunnel.write(connection.send(ws.BytesMessage(data=msgpack.packb({"n": number}))))
        answer = msgpack.unpackb(await _until(tunnel, connection, ws.BytesMessage))
        if answer != {"n": number}:
            raise LostError(f"socket: expected the result of {number}, got {answer}")
        results.late.append(time.monotonic() - sent)
        results.events += 1
        if not number:
            is_open()
    await tunnel.write(connection.send(ws.CloseConnection(code=1000)))
    await _until(tunnel, connection, ws.CloseConnection)


async def _until(tunnel: Tunnel, connection: wsproto.WSConnection, kind: type[ws.Event]) -> bytes:
    """The data of the next event of this kind; only pongs may come before it."""
    while True:
        for event in connection.events():
            if isinstance(event, kind):
                return bytes(getattr(event, "data", b""))
            if not isinstance(event, ws.Pong):
                raise LostError(f"socket: expected a {kind.__name__}, got {event!r}")
        data = await tunnel.read()
        connection.receive_data(data or None)


Client = Callable[[Tunnel, Load, Callable[[], None], Results], Awaitable[None]]


async def run(load: Load) -> dict[str, Any]:
    """Run all clients to their end."""
    trust = ssl.create_default_context(cafile=load.ca)
    gate = asyncio.Semaphore(AT_ONCE)
    started = time.monotonic()
    opened, gone = 0, 0
    kinds: tuple[tuple[Client, Results], ...] = ((follow_stream, Results()), (keep_a_socket, Results()))

    def settled(*, is_open: bool) -> None:
        nonlocal opened, gone
        opened, gone = opened + is_open, gone + (not is_open)
        if opened + gone == 2 * load.clients:
            print(json.dumps({"open": opened, "after": time.monotonic() - started}), flush=True)

    async def one(client: Client, results: Results) -> None:
        await gate.acquire()
        waiting = True

        def is_open() -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                gate.release()
                settled(is_open=True)

        tunnel = None
        try:
            tunnel = await Tunnel.opened(load, trust)
            await client(tunnel, load, is_open, results)
            results.whole += 1
        except (
            OSError,
            EOFError,
            LostError,
            TimeoutError,
            h11.ProtocolError,
            wsproto.utilities.ProtocolError,
        ) as error:
            results.trouble.append(f"{type(error).__name__}: {error}")
        finally:
            if waiting:
                waiting = False
                gate.release()
                settled(is_open=False)
            if tunnel is not None:
                tunnel.close()

    await asyncio.gather(*(one(client, results) for _ in range(load.clients) for client, results in kinds))
    return {"streams": kinds[0][1].summary(), "sockets": kinds[1][1].summary()}


def main() -> int:
    port, ca, clients, count, pause = sys.argv[1:]
    print(json.dumps(asyncio.run(run(Load(int(port), ca, int(clients), int(count), float(pause))))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
