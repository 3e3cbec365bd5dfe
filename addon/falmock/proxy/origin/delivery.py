"""Puts the engine's effects on flows: what is small and whole on the flow itself, everything else through the origin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mitmproxy import http

from falmock.engine import replies
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.proxy import flows
from falmock.proxy.origin import client_reset
from falmock.proxy.origin.redirect import Redirects
from falmock.proxy.origin.server import HOST
from falmock.proxy.origin.server import Origin
from falmock.serving import bodies
from falmock.serving.effect_source import Play
from falmock.serving.effect_source import Upload

WHOLE = 1024 * 1024
"""A file longer than this (bytes) is sent from disk, not from memory."""
PATIENCE = 1.0
"""A delay longer than this (seconds) is spent in the origin, which notices when the client goes."""


class Responder:
    """Delivers effects. `moved` hears of the origin's address, None when there is none any more."""

    def __init__(self, moved: Callable[[tuple[str, int] | None], None]) -> None:
        self.redirects = Redirects()
        self.origin = Origin(taken=self.redirects.arrived)
        self._moved = moved
        self._port = 0
        self._is_over = False

    async def put(self, flow: http.HTTPFlow, effect: Reply | Stream | Socket) -> None:
        """Have a flow answered by an effect."""
        if isinstance(effect, Reply) and effect.delay <= PATIENCE and not _is_paced(effect):
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
        """Have the body of a request, whose headers are here, go to disk."""
        await self._redirect(flow, upload)
        flow.request.stream = True

    async def _redirect(self, flow: http.HTTPFlow, play: Play) -> None:
        if (
            self._is_over
        ):  # the call was still being decided when the script went away: nobody would stop the origin again
            raise OSError("falmock is not loaded any more")
        ticket = await self.origin.admit(play)
        if self.origin.port != self._port:
            self._port = self.origin.port
            self._moved((HOST, self._port))
        # What is short and complete stays on the flow, where people see it.
        streams = not isinstance(play, Upload | Reply) or (isinstance(play, Reply) and _is_paced(play))
        self.redirects.plan(flow, self._port, ticket, streams=streams)

    def is_away(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is being answered by the origin, and its headers did not come yet."""
        return self.redirects.is_planned(flow)

    def came_back(self, flow: http.HTTPFlow) -> bool:
        """The headers of an answer are here, or the flow broke off: whether the origin was asked."""
        trip = self.redirects.end(flow)
        if trip is None:
            return False
        self.origin.tickets.withdraw(trip.ticket)
        if flow.response is not None:
            flow.response.stream = trip.streams
        return True

    def stop(self) -> None:
        """The script goes away."""
        self._is_over = True
        self.origin.stop()
        self.redirects.end_all()
        self._moved(None)


async def _wait(flow: http.HTTPFlow, seconds: float) -> None:
    """Let some time pass, but not for a client that is gone."""
    loop = asyncio.get_running_loop()
    over = loop.time() + seconds
    while (left := over - loop.time()) > 0 and flow.client_conn.connected:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(min(left, PATIENCE))


def _is_paced(reply: Reply) -> bool:
    """Whether the body of a reply goes out piece by piece."""
    body = reply.body
    return reply.delivery is not None or (isinstance(body, FileBody) and body.stop - body.start > WHOLE)
