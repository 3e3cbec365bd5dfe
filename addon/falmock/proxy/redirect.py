"""Sends flows to the origin and back: on the way there they have another address, before and after it their own."""

from __future__ import annotations

from typing import NamedTuple

from mitmproxy import connection
from mitmproxy import http

from falmock.proxy.origin import HOST
from falmock.proxy.tickets import HEADER

_FRAMING = "transfer-encoding"


class Own(NamedTuple):
    """What a flow had before it was redirected, the ticket it went with, and whether its answer is to stream."""

    scheme: str
    host: str
    port: int
    server: connection.Server
    ticket: str
    streams: bool


class Redirects:
    """The flows that are on their way to the origin."""

    def __init__(self) -> None:
        self._away: dict[str, Own] = {}

    def send(self, flow: http.HTTPFlow, port: int, ticket: str, *, streams: bool) -> None:
        """Redirect a flow to the origin on this port."""
        request = flow.request
        own = Own(request.scheme, request.data.host, request.data.port, flow.server_conn, ticket, streams)
        self._away[flow.id] = own
        # Not `request.host`, which would change the Host header as well.
        request.scheme, request.data.host, request.data.port = "http", HOST, port
        request.headers[HEADER] = ticket
        if request.is_http2 and "content-length" not in request.headers:
            request.headers[_FRAMING] = "chunked"  # else nothing tells in HTTP/1 where the body ends
        # A connection of its own: the flow's may lead through an upstream proxy, or over QUIC.
        flow.server_conn = connection.Server(address=None)

    def is_away(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is redirected now."""
        return flow.id in self._away

    def restore(self, flow: http.HTTPFlow) -> Own | None:
        """Give a flow back what it had, and tell it; None when it was not away."""
        own = self._away.pop(flow.id, None)
        if own is None:
            return None
        request = flow.request
        request.scheme, request.data.host, request.data.port = own.scheme, own.host, own.port
        request.headers.pop(HEADER, None)
        if request.is_http2:
            request.headers.pop(_FRAMING, None)
        flow.server_conn = own.server
        return own
