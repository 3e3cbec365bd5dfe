"""The origin: a server on loopback, in mitmproxy's own event loop, that plays what mitmproxy cannot send by itself.

mitmproxy sends an answer that an addon sets as a whole, and has no WebSocket without a server behind it. So what
streams, takes time, breaks off or upgrades is an effect that waits here under a ticket, and its flow is redirected
to this port with that ticket in a header. Whoever comes without a ticket that is waiting is cut off without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import Callable

from falmock.proxy.origin.tickets import Tickets
from falmock.serving.effect_source import Play
from falmock.serving.http import HttpConnection

HOST = "127.0.0.1"
BACKLOG = 1024
_FILES = (65536, 10240)
"""How many open files and sockets are asked for, where that is refused (macOS) how many then: every stream takes
four."""


class Origin:
    """Plays each effect to the one request that has its ticket. It listens from the first `admit` on.

    `clock` is in seconds since the epoch; `taken` hears of each ticket that comes.
    """

    def __init__(self, clock: Callable[[], float] = time.time, taken: Callable[[str], None] = lambda _: None) -> None:
        self.port = 0
        """Where it listens; 0 while it does not."""
        self.tickets = Tickets(clock, taken)
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()

    async def admit(self, play: Play) -> str:
        """A ticket for this effect. Raises OSError when no port can be listened on."""
        if self._server is None:
            async with self._starting:
                await self._listen()
        return self.tickets.issue(play)

    async def _listen(self) -> None:
        if self._server is not None:
            return
        raise_file_limit()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: HttpConnection(self.tickets), HOST, 0, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """End every stream and socket, and listen no more."""
        self.tickets.withdraw_all()
        for connection in tuple(self.tickets.connections):
            connection.abort()
        if self._server is not None:
            self._server.close()
            self._server = None
        self.port = 0


def raise_file_limit() -> None:
    """Let the process have as many open files as it may: the limit a shell sets is 1024, enough for 250 streams."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for files in _FILES:
        wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return
