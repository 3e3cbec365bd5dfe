"""The origin: a loopback server, in mitmproxy's own event loop, for the answers that mitmproxy cannot send by itself.

mitmproxy sends an answer set by an addon only as a whole, and has no WebSocket without a server behind it. So an
effect that streams, takes time, breaks off or upgrades waits here under a ticket, and its flow is redirected to this
port with that ticket in a header. A connection without a valid ticket is closed without an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from falmock.proxy.origin.tickets import TicketPlay
from falmock.proxy.origin.tickets import Tickets
from falmock.serving.connection import Connection
from falmock.serving.file_limit import raise_file_limit

HOST = "127.0.0.1"
BACKLOG = 1024


class Origin:
    """Plays each effect to the one request that has its ticket. Listens from the first `admit` on.

    `clock` returns seconds since the epoch; `taken` is called with each ticket that a request brings.
    """

    def __init__(self, clock: Callable[[], float] = time.time, taken: Callable[[str], None] = lambda _: None) -> None:
        self.port = 0
        """The port it listens on; 0 if it does not listen."""
        self.tickets = Tickets(clock, taken)
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()

    async def admit(self, play: TicketPlay) -> str:
        """Issue a ticket for this effect. Raises OSError if the origin cannot listen on a port."""
        if self._server is None:
            async with self._starting:
                await self._listen()
        return self.tickets.issue(play)

    async def _listen(self) -> None:
        if self._server is not None:
            return
        raise_file_limit()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self.tickets), HOST, 0, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """End every stream and socket, and stop listening."""
        self.tickets.withdraw_all()
        for connection in tuple(self.tickets.connections):
            connection.abort()
        if self._server is not None:
            self._server.close()
            self._server = None
        self.port = 0
