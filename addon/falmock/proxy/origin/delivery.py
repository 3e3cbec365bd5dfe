"""Delivers the engine's effects to flows: small complete answers on the flow itself, all others through the origin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mitmproxy import http

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.proxy import flows
from falmock.proxy.origin import client_reset
from falmock.proxy.origin.redirect import Redirects
from falmock.proxy.origin.server import HOST
from falmock.proxy.origin.server import Origin
from falmock.proxy.origin.tickets import TicketPlay
from falmock.proxy.origin.tickets import Upload
from falmock.serving import bodies

MAX_DELAY = 1.0
"""A delay longer than this (seconds) runs in the origin, which notices when the client disconnects."""


class Responder:
    """Delivers effects. `moved` is called with the origin's address, and with None when the origin stops."""

    def __init__(self, moved: Callable[[tuple[str, int] | None], None]) -> None:
        self.redirects = Redirects()
        self.origin = Origin(taken=self.redirects.arrived)
        self._moved = moved
        self._port = 0
        self._is_stopped = False

    async def put(self, flow: http.HTTPFlow, effect: Reply | Stream | Socket) -> None:
        """Answer a flow with an effect. Raises OSError if the origin cannot listen, or has been stopped."""
        if isinstance(effect, Reply) and effect.delay <= MAX_DELAY and not bodies.is_paced(effect):
            await self._put_whole(flow, effect)
            return
        flows.annotate(flow, effect)
        if (
            isinstance(effect, Reply)
            and effect.delivery is not None
            and effect.delivery.reset is ResetPoint.BEFORE_HEADERS
        ):
            await _wait(flow, effect.delay)
            client_reset.kill(flow)
            return
        await self._redirect(flow, effect)

    async def _put_whole(self, flow: http.HTTPFlow, effect: Reply) -> None:
        try:
            body = bodies.body_of(effect)
        except OSError as error:
            effect = replies.unreadable_asset(error)
            body = bodies.body_of(effect)
        if effect.delay > 0:
            await asyncio.sleep(effect.delay)
        flows.answer(flow, effect, body)

    async def take(self, flow: http.HTTPFlow, upload: Upload) -> None:
        """Stream the body of a request to disk; only its headers are here yet. Raises OSError like `put`."""
        await self._redirect(flow, upload)
        flow.request.stream = True

    async def _redirect(self, flow: http.HTTPFlow, play: TicketPlay) -> None:
        if self._is_stopped:  # the script was unloaded while the call was handled: nobody would stop the origin again
            raise OSError("falmock is not loaded any more")
        ticket = await self.origin.admit(play)
        if self.origin.port != self._port:
            self._port = self.origin.port
            self._moved((HOST, self._port))
        # A short complete body is not streamed, so that it stays on the flow, where people see it.
        streams = not isinstance(play, Upload | Reply) or (isinstance(play, Reply) and bodies.is_paced(play))
        self.redirects.plan(flow, self._port, ticket, streams=streams)

    def is_away(self, flow: http.HTTPFlow) -> bool:
        """Whether the origin is answering a flow and the answer's headers have not come yet."""
        return self.redirects.is_planned(flow)

    def came_back(self, flow: http.HTTPFlow) -> bool:
        """The headers of an answer are here, or the flow failed: returns whether the origin answered it."""
        redirect = self.redirects.end(flow)
        if redirect is None:
            return False
        self.origin.tickets.withdraw(redirect.ticket)
        if flow.response is not None:
            flow.response.stream = redirect.streams
        return True

    def stop(self) -> None:
        """Stop the origin: the script is being unloaded."""
        self._is_stopped = True
        self.origin.stop()
        self.redirects.end_all()
        self._moved(None)


async def _wait(flow: http.HTTPFlow, seconds: float) -> None:
    """Wait for some seconds, or until the client disconnects."""
    loop = asyncio.get_running_loop()
    over = loop.time() + seconds
    while (left := over - loop.time()) > 0 and flow.client_conn.connected:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(min(left, MAX_DELAY))
