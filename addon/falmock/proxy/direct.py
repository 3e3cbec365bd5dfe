"""Finds the direct requests among flows: those that are for falmock itself, not for one of fal's hosts."""

from __future__ import annotations

from mitmproxy import http

from falmock.app import App
from falmock.proxy import flows
from falmock.proxy.clients import Clients
from falmock.wire.message import Request

NOBODY = ".invalid"
"""The end of names of hosts that there are none of (RFC 6761): a port that stands for one is falmock's own."""
OURS = "/__"
"""How the paths begin that no app has, and no endpoint of fal's."""


class DirectRequests:
    """Tells which flows are for falmock itself."""

    def __init__(self, app: App, clients: Clients) -> None:
        self._app = app
        self._clients = clients

    def finds(self, flow: http.HTTPFlow) -> Request | None:
        """The request of a flow that is for falmock itself; None for any other."""
        other = self._clients.stands_for(flow)
        # No endpoint id begins so: a port that stands for a host of fal's has room for these paths too.
        is_to_fal = not (other and flow.request.path.startswith(OURS)) and (
            flows.host_of(flow.request, self._app.config.hosts) is not None
        )
        if is_to_fal or not self._clients.is_direct(flow):
            return None
        is_renamed, user = self._clients.is_renamed(flow), self._clients.user(flow)
        host = "" if is_renamed else flow.request.pretty_host
        try:
            request = flows.read(flow, host, user)
        except ValueError:  # a body that cannot be decoded: the door will miss it
            request = flows.head(flow, host, user)
        address = flow.client_conn.peername
        named = _address(flow) if is_renamed else flow.request.host_header or ""
        headers = {**request.headers, "host": named}  # in HTTP/2 it has another name
        request = request._replace(headers=headers, peer=address[0] if address else "")
        is_claimed = self._app.claims(request)
        if other:
            is_ours = other.endswith(NOBODY) or (is_claimed and request.path.startswith(OURS))
            return request if is_ours else None
        if is_claimed:
            return request
        # Elsewhere on this port there is nothing; on another, the client named somebody else after all.
        is_here = flow.request.port == flow.client_conn.sockname[1]
        return request if is_here else None


def _address(flow: http.HTTPFlow) -> str:
    """The address that a request came to."""
    host, port = flow.client_conn.sockname[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
