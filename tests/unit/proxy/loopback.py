"""An origin on loopback, and raw connections to it, for tests without mitmproxy."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import socket
import struct
import time
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from typing import Self

from falmock.engine.effects import Delivery
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import StreamStep
from falmock.proxy.origin.server import HOST
from falmock.proxy.origin.server import Origin
from falmock.proxy.origin.tickets import HEADER
from falmock.proxy.origin.tickets import TicketPlay as Play

SECONDS = 30
"""How long (seconds) a test waits for an expected event, even on a busy machine."""


def on_loopback(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test with an origin as its first argument; when it stops, it must leave nothing behind and log no error."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(_with_origin(test, *args, **kwargs), SECONDS))

    signature = inspect.signature(test)
    run.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    return run


async def _with_origin(test: Callable[..., Awaitable[None]], *args: Any, **kwargs: Any) -> None:
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
    tasks, files = asyncio.all_tasks(), open_files()
    origin = Origin()
    try:
        await test(origin, *args, **kwargs)
    finally:
        origin.stop()
    await until(lambda: not origin.tickets.connections and asyncio.all_tasks() == tasks and open_files() == files)
    tickets = origin.tickets
    left = (tickets._plays, dict(tickets._listeners), complaints)
    assert left == ({}, {}, []), left


def open_files() -> int:
    """How many files and sockets this process has open."""
    return len(os.listdir("/dev/fd"))  # noqa: PTH208


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.001)


def request(ticket: str | None, method: str = "POST", headers: Iterable[str] = (), body: bytes = b"") -> bytes:
    """A request as mitmproxy would send it."""
    lines = [f"{method} /fal-ai/x HTTP/1.1", "Host: fal.run", *headers]
    if ticket is not None:
        lines.append(f"{HEADER}: {ticket}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Peer:
    """A connection to the origin that sends what the test gives it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connected(cls, origin: Origin) -> Peer:
        return cls(*await asyncio.open_connection(HOST, origin.port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    def ask(self, ticket: str | None, **more: Any) -> None:
        """Send a request."""
        self.writer.write(request(ticket, **more))

    async def dribble(self, data: bytes, cuts: Iterable[int]) -> None:
        """Send bytes in separate parts, split at these offsets."""
        places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
        for start, stop in pairwise(places):
            self.writer.write(data[start:stop])
            await self.writer.drain()
            await asyncio.sleep(0)  # the origin is on the same loop: it reads now

    async def head(self) -> tuple[str, dict[str, str]]:
        """The status line of an answer, and its headers by lower-case name."""
        status, *fields = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        return status, {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}

    async def chunk(self) -> bytes:
        """The next chunk of a body; b"" is the end of it."""
        size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
        data = await self.reader.readexactly(size + 2)
        assert data.endswith(b"\r\n")
        return data[:-2]

    async def rest(self) -> bytes:
        """All that comes until the origin closes."""
        return await self.reader.read()

    async def is_reset(self) -> bool:
        """Whether the connection ends with a TCP RST."""
        try:
            await self.reader.read()
        except ConnectionResetError:
            return True
        return False

    def vanish(self) -> None:
        """End the connection with a TCP RST, as a killed client does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def requesting(origin: Origin, play: Play, **more: Any) -> Peer:
    """A connection that has requested this effect with a valid ticket."""
    ticket = await origin.admit(play)
    peer = await Peer.connected(origin)
    peer.ask(ticket, **more)
    return peer


class Script:
    """A source that returns these steps, one per call; a call after the last one is an error."""

    def __init__(self, *steps: StreamStep) -> None:
        self.steps = list(steps)
        self.asked: list[float] = []

    def step(self, now: float) -> StreamStep:
        self.asked.append(now)
        return self.steps.pop(0)


def reply(body: bytes | FileBody, delivery: Delivery | None = None, **more: Any) -> Reply:
    """A plain text as an answer."""
    return Reply(200, ((b"Content-Type", b"text/plain"),), body, "test", delivery=delivery, **more)
