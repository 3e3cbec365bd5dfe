"""Ends TCP connections by RST, as a server does that dies."""

from __future__ import annotations

import asyncio
import socket
import struct

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
    server = ctx.master.addons.get("proxyserver")
    for handler in () if server is None else server.connections.values():
        if handler.client.id != flow.client_conn.id or handler.client not in handler.transports:
            continue
        writer = handler.transports[handler.client].writer
        if isinstance(writer, asyncio.StreamWriter):
            reset(writer.transport)
        else:
            writer.close()


def kill(flow: http.HTTPFlow) -> None:
    """Answer a flow by nothing: its connection is reset, over HTTP/2 its stream."""
    if not flow.killable:
        return
    flow.kill()
    if not flow.request.is_http2 and not flow.request.is_http3:
        reset_client(flow)
