"""Takes a client's transport from mitmproxy, and gives it to a connection of falmock's own.

All that the lane knows of mitmproxy's and asyncio's insides is in this file: the handler of a connection and its
`transports`, the `transport` of a StreamWriter, and the `_buffer` of a StreamReader. `can_take` says whether they are
as expected; if not, the connection goes to mitmproxy as without the lane.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy.proxy import commands
from mitmproxy.proxy import context
from mitmproxy.proxy import events
from mitmproxy.proxy import layer

from falmock.serving.connection import Connection

_TIMEOUT = "tcp_timeout"
"""mitmproxy's option, since version 12."""
_KEPT_ALIVE = 60.0
"""How often (seconds) mitmproxy is told that a connection is in use: it closes one that seems idle for its `tcp_timeout`."""


def handler_of(client: connection.Client) -> Any:
    """mitmproxy's handler of a client's connection, if its transport can be taken; else None."""
    server = ctx.master.addons.get("proxyserver")
    handler = None if server is None else getattr(server, "connections", {}).get(client.id)
    io = None if handler is None else getattr(handler, "transports", {}).get(client)
    return handler if io is not None and _can_take(io) else None


def _can_take(io: Any) -> bool:
    return (
        isinstance(getattr(io, "writer", None), asyncio.StreamWriter)
        and isinstance(getattr(io, "reader", None), asyncio.StreamReader)
        and isinstance(getattr(io.reader, "_buffer", None), bytearray)
        and callable(getattr(io.writer.transport, "set_protocol", None))
    )


class LaneLayer(layer.Layer):
    """Hands a connection to falmock, and waits for its end."""

    def __init__(self, context: context.Context, handler: Any, carried: Connection) -> None:
        super().__init__(context)
        io = handler.transports[context.client]
        self._reader: Any = io.reader
        self._transport: asyncio.Transport = io.writer.transport
        self._watchdog = getattr(handler, "timeout_watchdog", None)
        self._carried = carried
        self._timer: asyncio.TimerHandle | None = None
        self._is_taken = False

    def _handle_event(self, event: events.Event) -> Generator[commands.Command, Any, None]:
        if isinstance(event, events.Start):
            self._carried.connection_made(self._transport)
            self._keep_alive()
        elif isinstance(event, events.DataReceived):
            self._carried.data_received(event.data)
            self._take()
        elif isinstance(event, events.ConnectionClosed):
            if self._timer is not None:
                self._timer.cancel()
            self._carried.connection_lost(None)
            yield commands.CloseConnection(event.connection)

    def _take(self) -> None:
        """Give the transport to falmock's connection, unless more bytes come this way first."""
        if not self._is_taken and not self._reader._buffer and not self._transport.is_closing():  # noqa: SLF001
            self._is_taken = True
            self._transport.set_protocol(_Taken(self._carried, self._transport.get_protocol()))

    def _keep_alive(self) -> None:
        """Tell mitmproxy that the connection is in use: it does not see what passes."""
        if self._watchdog is not None and not self._transport.is_closing():
            self._watchdog.register_activity()
            self._timer = asyncio.get_running_loop().call_later(_interval(), self._keep_alive)


def _interval() -> float:
    timeout = getattr(ctx.options, _TIMEOUT) if _TIMEOUT in ctx.options else None
    return min(_KEPT_ALIVE, float(timeout) / 2) if timeout else _KEPT_ALIVE


class _Taken(asyncio.Protocol):
    """The protocol of a transport that was taken. `before` is mitmproxy's, which hears of the end."""

    def __init__(self, carried: Connection, before: asyncio.BaseProtocol) -> None:
        self.data_received = carried.data_received  # type: ignore[method-assign]
        self.pause_writing = carried.pause_writing  # type: ignore[method-assign]
        self.resume_writing = carried.resume_writing  # type: ignore[method-assign]
        self._before = before

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._before.connection_lost(exc)
