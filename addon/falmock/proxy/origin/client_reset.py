"""Ends the connections of flows' clients by RST."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from mitmproxy import ctx
from mitmproxy import http

from falmock.serving import tcp_reset


def reset_client(flow: http.HTTPFlow) -> None:
    """Reset the connection of a flow's client, with everything that runs over it."""
    for writer in _writers(flow):
        if isinstance(writer, asyncio.StreamWriter):
            tcp_reset.reset(writer.transport)
        else:
            writer.close()


def end_by_reset(flow: http.HTTPFlow) -> None:
    """Make the connection of a flow's client end by RST when mitmproxy closes it, after all pending data is sent."""
    for writer in _writers(flow):
        tcp_reset.end_by_reset(writer.get_extra_info("socket"))


def _writers(flow: http.HTTPFlow) -> Iterator[Any]:
    """The stream writers to a flow's client: asyncio's, or mitmproxy's own (WireGuard, local capture)."""
    server = ctx.master.addons.get("proxyserver")
    for handler in () if server is None else server.connections.values():
        if handler.client.id != flow.client_conn.id or handler.client not in handler.transports:
            continue
        yield handler.transports[handler.client].writer


def kill(flow: http.HTTPFlow) -> None:
    """End a flow without an answer: reset its connection, or over HTTP/2 and HTTP/3 its stream."""
    if not flow.killable:
        return
    flow.kill()
    if not flow.request.is_http2 and not flow.request.is_http3:
        reset_client(flow)
