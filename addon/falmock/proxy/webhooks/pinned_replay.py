"""Sends a request to addresses that were checked before: between the check and the connection, no name is looked up again.

The flow, the Host header, and the name that TLS sends and verifies stay as they are.
"""

from __future__ import annotations

import asyncio
import socket

from mitmproxy import http
from mitmproxy.addons.clientplayback import ReplayHandler
from mitmproxy.options import Options
from mitmproxy.proxy import commands
from mitmproxy.proxy import events


class UnresolvedName(Exception):
    """A host name has no address; the text says why."""


async def addresses_of(host: str, port: int, seconds: float) -> tuple[str, ...]:
    """All addresses of a host, in the order in which to try them.

    Odd spellings of an address (`0x7f.1`) are resolved too. Raises UnresolvedName if there are none within `seconds`.
    """
    resolving = asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.wait_for(resolving, seconds)
    except TimeoutError:
        raise UnresolvedName(f"{host} was not resolved within {seconds:.3g} s") from None
    except (OSError, UnicodeError) as error:  # UnicodeError: Python's codec for host names
        raise UnresolvedName(f"{host} cannot be resolved: {getattr(error, 'strerror', None) or error}") from None
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class PinnedReplay(ReplayHandler):
    """A replay that connects to the first of these addresses that accepts; without any, to the flow's host by name."""

    def __init__(self, flow: http.HTTPFlow, options: Options, addresses: tuple[str, ...]) -> None:
        super().__init__(flow, options)
        self._target = (flow.request.host, flow.request.port)
        self._addresses = addresses
        self._has_more = False

    async def open_connection(self, command: commands.OpenConnection) -> None:
        """Connect to one address after the other."""
        server = command.connection
        host, port = self._target
        addresses = self._addresses if server.address == self._target else ()
        for place, address in enumerate(addresses or (host,), 1):
            self._has_more = place < len(addresses)
            if addresses:
                server.address, server.error = (address, port), None
            try:
                await super().open_connection(command)
            except asyncio.CancelledError:
                if self._has_more and server.timestamp_tcp_setup is None:
                    await super().server_event(events.OpenConnectionCompleted(command, "connection cancelled"))
                raise
            if server.timestamp_tcp_setup is not None:
                return

    async def server_event(self, event: events.Event) -> None:
        """Handle an event, but not a failed connection while there is another address to try."""
        if not (self._has_more and isinstance(event, events.OpenConnectionCompleted) and event.reply is not None):
            await super().server_event(event)
