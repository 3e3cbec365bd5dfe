"""Finds direct requests among flows: requests to falmock itself, not to one of fal's hosts."""

from __future__ import annotations

from mitmproxy import http

from falmock.app import App
from falmock.proxy import flows
from falmock.proxy.clients import Clients
from falmock.serving.call_handler import OURS
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.hosts import normalize
from falmock.wire.message import Request

NOBODY = ".invalid"
"""The top-level domain for names that never exist (RFC 6761): a reverse-mode port for such a name is falmock's own."""


class DirectRequests:
    """Decides which flows are for falmock itself."""

    def __init__(self, app: App, clients: Clients) -> None:
        self._app = app
        self._clients = clients

    def finds(self, flow: http.HTTPFlow) -> Request | None:
        """The request of a flow that is for falmock itself; None for any other."""
        other = self._clients.stands_for(flow)
        # No endpoint id begins like this, so a port that stands for a fal host serves these paths too.
        is_to_fal = not (other and flow.request.path.startswith(OURS)) and (
            flows.host_of(flow.request, self._app.config.hosts) is not None
        )
        if is_to_fal or not self._clients.is_direct(flow):
            return None
        is_renamed, user = self._clients.is_renamed(flow), self._clients.user(flow)
        host = "" if is_renamed else flow.request.pretty_host
        request = flows.head(flow, host, user)
        address = flow.client_conn.peername
        named = _address(flow) if is_renamed else flow.request.host_header or ""
        headers = {**request.headers, "host": named}  # in HTTP/2 it has another name
        request = request._replace(headers=headers, peer=address[0] if address else "")
        is_claimed = self._app.claims(request)
        if other:
            is_ours = normalize(other).endswith(NOBODY) or (is_claimed and request.path.startswith(OURS))
            return self._whole(request, flow) if is_ours else None
        if is_claimed:
            return self._whole(request, flow)
        # On this port falmock answers for unknown paths; on another port, the client meant another server.
        is_here = flow.request.port == flow.client_conn.sockname[1]
        return self._whole(request, flow) if is_here else None

    def _whole(self, request: Request, flow: http.HTTPFlow) -> Request:
        """A request with its body."""
        try:
            return flows.with_body(request, flow, self._app.max_body(request, is_direct=True))
        except BadEncoding:
            return request  # the door gets no body


def _address(flow: http.HTTPFlow) -> str:
    """The address that a request came to."""
    host, port = flow.client_conn.sockname[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
