"""A tunnel to a host that is not fal's: passes bytes both ways, untouched."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from falmock.serving.connection import Connection
from falmock.serving.session import Ending

MAX_UNREAD = 256 * 1024
"""How many bytes are kept for a side that does not read."""


Forbids = Callable[[bytes], bool | None]
"""Whether a client that begins with these bytes must not reach the other host; None if more bytes have to come first."""


class Relay(asyncio.Protocol):
    """Both the connection to the other host, and the session of the client's; see `Session`."""

    wake_at = None
    is_socket = False
    successor = None
    transport: asyncio.Transport

    def __init__(self, connection: Connection, forbids: Forbids | None = None) -> None:
        self._forbids = forbids
        self._held = b""
        self.ending = Ending.OPEN
        self.reads = True
        self._connection = connection
        self._out: list[bytes] = []
        self._size = 0

    # the connection to the other host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """The other host sends."""
        self._out.append(data)
        self._size += len(data)
        if self._size > MAX_UNREAD:
            self.transport.pause_reading()
        self._connection.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other host has closed."""
        self.ending = Ending.CLOSE if exc is None else Ending.RESET
        self._connection.wake()

    def pause_writing(self) -> None:
        """The other host does not read for now."""
        self.reads = False

    def resume_writing(self) -> None:
        """The other host reads again."""
        self.reads = True
        self._connection.wake()

    # the session of the client's connection

    def receive(self, data: bytes, now: float) -> None:  # noqa: ARG002
        """See `Session`."""
        if self._forbids is not None:
            self._held += data
            verdict = self._forbids(self._held)
            if verdict is None:
                return
            if verdict:
                self.gone()
                return
            data, self._held, self._forbids = self._held, b"", None
        self.transport.write(data)

    def wake(self, now: float) -> None:
        """See `Session`."""

    def gone(self) -> None:
        """See `Session`."""
        self.ending = Ending.ABORT
        self.transport.close()

    def take(self) -> bytes:
        """See `Session`."""
        out, self._out = b"".join(self._out), []
        if self._size > MAX_UNREAD and not self.transport.is_closing():
            self.transport.resume_reading()
        self._size = 0
        return out


async def connect(
    connection: Connection,
    host: str,
    port: int,
    seconds: float,
    tls: ssl.SSLContext | None = None,
    forbids: Forbids | None = None,
) -> Relay:
    """A tunnel to another host, in which `tls` is spoken if it is given. Raises OSError, also if there is none in this time."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        _, relay = await loop.create_connection(lambda: Relay(connection, forbids), host, port, ssl=tls)
    return relay
