"""Redirects flows to the origin: only while they are sent there, they have its address instead of their own.

That time is kept as short as possible: from when every other addon has seen the flow until the origin has its ticket.
"""

from __future__ import annotations

from typing import NamedTuple

from mitmproxy import connection
from mitmproxy import http

from falmock.proxy.origin.server import HOST
from falmock.proxy.origin.tickets import HEADER
from falmock.wire.message import sendable

_FRAMING = "transfer-encoding"
_KEPT = (b"content-length", _FRAMING.encode(), b"connection", b"upgrade", b"sec-websocket-", b"expect")
"""The beginnings of the names of the headers that are passed on; mitmproxy itself answers `Expect`."""


class Redirect(NamedTuple):
    """The origin's port for a flow, its ticket, and whether its answer streams."""

    flow: http.HTTPFlow
    port: int
    ticket: str
    streams: bool


class _Own(NamedTuple):
    """The head of a request, and where it goes, before it was redirected."""

    scheme: str
    host: str
    port: int
    path: bytes
    headers: http.Headers
    server: connection.Server


class Redirects:
    """The flows that the origin answers, from the decision until the headers of the answer come."""

    def __init__(self) -> None:
        self._planned: dict[str, Redirect] = {}
        self._by_ticket: dict[str, str] = {}
        self._own: dict[str, _Own] = {}

    def plan(self, flow: http.HTTPFlow, port: int, ticket: str, *, streams: bool) -> None:
        """Plan to redirect a flow to the origin on this port; `depart` does it."""
        self._planned[flow.id] = Redirect(flow, port, ticket, streams)
        self._by_ticket[ticket] = flow.id

    def is_planned(self, flow: http.HTTPFlow) -> bool:
        """Whether the origin answers a flow and the answer's headers have not come yet."""
        return flow.id in self._planned

    async def depart(self, flow: http.HTTPFlow) -> bool:
        """Redirect a flow once it is no longer intercepted, unless it was answered in the meantime.

        Returns whether the origin answers it.
        """
        if flow.intercepted:
            await flow.wait_for_resume()
        redirect = self._planned.get(flow.id)
        if redirect is None or flow.response or flow.error:
            return False
        if flow.id not in self._own and redirect.ticket in self._by_ticket:
            self._send(flow, redirect)
        return True

    def _send(self, flow: http.HTTPFlow, redirect: Redirect) -> None:
        request = flow.request
        data = request.data
        if request.is_http2 and "content-length" not in request.headers:
            request.headers[_FRAMING] = "chunked"  # else HTTP/1 does not know where the body ends
        self._own[flow.id] = _Own(request.scheme, data.host, data.port, data.path, data.headers, flow.server_conn)
        # Not `request.host`, which would also change the Host header.
        request.scheme, data.host, data.port = "http", HOST, redirect.port
        # The origin needs no more, and its HTTP is stricter than mitmproxy's.
        data.path, data.headers = b"/", _for_origin(data.headers, redirect)
        # A new connection: the flow's own may lead through an upstream proxy, or over QUIC.
        flow.server_conn = connection.Server(address=None)

    def arrived(self, ticket: str) -> None:
        """The origin received this ticket: restore its flow, although the answer has not come yet."""
        flow_id = self._by_ticket.pop(ticket, None)
        if flow_id is not None:
            self._restore(self._planned[flow_id].flow)

    def end(self, flow: http.HTTPFlow) -> Redirect | None:
        """The answer's headers are here, or the flow failed: restore the flow. Returns its redirect, None if it had none."""
        redirect = self._planned.pop(flow.id, None)
        if redirect is None:
            return None
        self._by_ticket.pop(redirect.ticket, None)
        self._restore(flow)
        if flow.request.is_http2:
            flow.request.headers.pop(_FRAMING, None)  # not earlier: the body may have been sent until now
        return redirect

    def end_all(self) -> None:
        """Restore all flows: the origin stops."""
        for redirect in tuple(self._planned.values()):
            self.end(redirect.flow)

    def _restore(self, flow: http.HTTPFlow) -> None:
        own = self._own.pop(flow.id, None)
        if own is None:
            return
        data = flow.request.data
        flow.request.scheme, data.host, data.port = own.scheme, own.host, own.port
        data.path, data.headers = own.path, own.headers
        flow.server_conn = own.server


def _for_origin(headers: http.Headers, redirect: Redirect) -> http.Headers:
    """The headers that the origin needs of a request: a host, the ticket, and those of the connection."""
    kept = [field for field in headers.fields if field[0].lower().startswith(_KEPT) and sendable((field,)) == (field,)]
    return http.Headers([(b"Host", b"localhost"), (HEADER.encode(), redirect.ticket.encode()), *kept])
