"""Sends a request to addresses that were checked before: between the check and the connection, no name is looked up again.

The flow, the Host header, and the name that TLS sends and verifies stay as they are.
"""

from __future__ import annotations

import asyncio

from mitmproxy import http
from mitmproxy.addons.clientplayback import ReplayHandler
from mitmproxy.options import Options
from mitmproxy.proxy import commands
from mitmproxy.proxy import events


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
