"""A client that runs queue jobs over kept-alive connections, for measuring the server's CPU time."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable
from collections.abc import Iterator
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SUBMIT, POLL, RESULT = "submit", "poll", "result"


class Way(NamedTuple):
    """How a server is reached: its port; a tunnel (with `trust`) to the queue host, or direct calls below `prefix`."""

    port: int
    trust: ssl.SSLContext | None = None
    prefix: str = ""
    headers: str = ""
    reconnects: bool = False


class Connection:
    """One connection to a server."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def is_open(self) -> bool:
        return self._reader is not None and not self._reader.at_eof()

    async def open(self) -> None:
        self.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._way.port)
        if self._way.trust is not None:
            writer.write(b"CONNECT queue.fal.run:443 HTTP/1.1\r\nHost: queue.fal.run:443\r\n\r\n")
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in answer, answer
            await writer.start_tls(self._way.trust, server_hostname="queue.fal.run")
        self._reader, self._writer = reader, writer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._reader = self._writer = None

    async def call(self, method: str, path: str, body: bytes = b"") -> bytes:
        if self._reader is None:
            await self.open()
        assert self._reader is not None
        assert self._writer is not None
        way = self._way
        host = "queue.fal.run" if way.trust is not None else f"127.0.0.1:{way.port}"
        head = f"{method} {way.prefix}{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Key kid:ksecret\r\nAccept: */*\r\n{way.headers}"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(answer)
        if found:
            content = await self._reader.readexactly(int(found[1]))
        else:
            content = (await self._reader.readuntil(b"\r\n0\r\n\r\n")).partition(b"\r\n")[2][:-7]
        assert b" 200 " in answer[:20] or b" 202 " in answer[:20], answer + content
        if way.reconnects:
            self.close()
        return content


async def job(connection: Connection, app: str, body: bytes) -> None:
    """Submit a job, poll it twice, and get its result: four calls."""
    request_id = json.loads(await connection.call("POST", f"/{app}", body))["request_id"]
    await connection.call("GET", f"/{app}/requests/{request_id}/status?logs=1")
    await connection.call("GET", f"/{app}/requests/{request_id}/status")
    await connection.call("GET", f"/{app}/requests/{request_id}")


class Clients:
    """Some connections to a server, which stay open from one run to the next."""

    def __init__(self, way: Way, app: str, connections: int = 16) -> None:
        self._way = way
        self._app = app
        self._runner = asyncio.Runner()
        self._connections = [Connection(way) for _ in range(connections)]

    def open(self) -> None:
        """Open the connections that are not: aimock closes those that are idle for some seconds."""
        if not self._way.reconnects:
            self._runner.run(self._open())

    async def _open(self) -> None:
        await asyncio.sleep(0.01)  # to see which are closed
        await asyncio.gather(*(each.open() for each in self._connections if not each.is_open))

    def run(self, count: int, body: Callable[[int], bytes]) -> None:
        """Run `count` jobs."""
        self._runner.run(self._run(iter(range(count)), body))

    async def _run(self, numbers: Iterator[int], body: Callable[[int], bytes]) -> None:
        async def work(connection: Connection) -> None:
            for number in numbers:
                await job(connection, self._app, body(number))

        await asyncio.gather(*map(work, self._connections))

    def close(self) -> None:
        """Close all connections."""
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        for connection in self._connections:
            connection.close()
