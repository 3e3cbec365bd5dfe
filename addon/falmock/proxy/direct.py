"""Where direct requests come in: finds the door each is for, and has its answer delivered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from collections.abc import Sequence

from mitmproxy import http

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.gateway.door import Ask
from falmock.gateway.door import Door
from falmock.gateway.door import Doors
from falmock.gateway.door import FalCall
from falmock.proxy import flows
from falmock.proxy.clients import Clients
from falmock.wire.message import Request

NOBODY = ".invalid"
"""The end of names of hosts that there are none of (RFC 6761): a port that stands for one is falmock's own."""
OURS = "/__"
"""How the paths begin that no app has, and no endpoint of fal's."""
LOOKS_AGAIN = 1.0
"""How often (seconds) it is looked whether the client of an answer that takes time is still there."""


class DirectRequests:
    """Answers requests to falmock itself."""

    def __init__(self, engines: Engines, connected: Clients, doors: Sequence[Door], ask: Ask) -> None:
        self._engines = engines
        self._clients = connected
        self._doors = Doors(engines, doors)
        self._ask = ask

    def finds(self, flow: http.HTTPFlow) -> Request | None:
        """The request of a flow that is for falmock itself; None for any other."""
        other = self._clients.stands_for(flow)
        # No endpoint id begins so: a port that stands for a host of fal's has room for these paths too.
        is_to_fal = not (other and flow.request.path.startswith(OURS)) and (
            flows.host_of(flow.request, self._engines.config.hosts) is not None
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
        is_claimed = self._doors.find(request) is not None
        if other:
            is_ours = other.endswith(NOBODY) or (is_claimed and request.path.startswith(OURS))
            return request if is_ours else None
        if is_claimed:
            return request
        # Elsewhere on this port there is nothing; on another, the client named somebody else after all.
        is_here = flow.request.port == flow.client_conn.sockname[1]
        return request if is_here else None

    async def answer(self, request: Request, is_there: Callable[[], bool]) -> Reply | Stream | FalCall:
        """What to do about such a request.

        `is_there` tells whether its client still waits: without one, a door stops what it is at.
        """
        door = self._doors.find(request)
        if door is None:
            return self._doors.unknown(request, time.time())
        answering = asyncio.ensure_future(door.answer(request, self._ask, time.time()))
        is_given_up = False
        try:
            while not (await asyncio.wait((answering,), timeout=LOOKS_AGAIN))[0]:
                if not is_given_up and not is_there():
                    is_given_up = answering.cancel()
        finally:
            answering.cancel()
        if answering.cancelled():
            return replies.problem(499, "The client went away before it was answered", "the client is gone")
        return answering.result()


def _address(flow: http.HTTPFlow) -> str:
    """The address that a request came to."""
    host, port = flow.client_conn.sockname[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
