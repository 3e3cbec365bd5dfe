"""Ends TCP connections by RST, as a server does that dies."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from typing import Any

from mitmproxy import ctx
from mitmproxy import http

_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: linger, for no time."""


def reset(transport: asyncio.WriteTransport) -> None:
    """Break a connection off. What is not sent yet never is."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()


def reset_client(flow: http.HTTPFlow) -> None:
    """Break off the connection of a flow's client, and all that goes on on it."""
    for writer in _writers(flow):
        if isinstance(writer, asyncio.StreamWriter):
            reset(writer.transport)
        else:
            writer.close()


def end_by_reset(flow: http.HTTPFlow) -> None:
    """Have the connection of a flow's client break off when mitmproxy closes it, behind what it still has to pass on."""
    for writer in _writers(flow):
        sock = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


def _writers(flow: http.HTTPFlow) -> Iterator[Any]:
    """What mitmproxy writes to a flow's client with: asyncio's, or one of its own (WireGuard, local capture)."""
    server = ctx.master.addons.get("proxyserver")
    for handler in () if server is None else server.connections.values():
        if handler.client.id != flow.client_conn.id or handler.client not in handler.transports:
            continue
        yield handler.transports[handler.client].writer


def kill(flow: http.HTTPFlow) -> None:
    """Answer a flow by nothing: its connection is reset, over HTTP/2 its stream."""
    if not flow.killable:
        return
    flow.kill()
    if not flow.request.is_http2 and not flow.request.is_http3:
        reset_client(flow)
