"""Answers flows: has the engine, or one of falmock's doors, decide about each, and what was decided delivered."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable

from mitmproxy import http

from falmock.engine import replies
from falmock.engine.effects import Forward
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.gateway.door import FalCall
from falmock.gateway.door import Rewrite
from falmock.proxy import flows
from falmock.proxy.clients import Clients
from falmock.proxy.direct import DirectRequests
from falmock.proxy.flows import FORWARDED
from falmock.proxy.miss_log import MissLog
from falmock.proxy.miss_log import MissReporting
from falmock.proxy.origin import socket_tunnel
from falmock.proxy.origin.delivery import Responder
from falmock.proxy.upload_intake import UploadIntake
from falmock.serving import bodies
from falmock.wire.message import Request

logger = logging.getLogger(__name__)
_DIRECT = "falmock.direct"
"""The key of a flow's metadata that tells that it is for falmock itself."""


def is_direct(flow: http.HTTPFlow) -> bool:
    """Whether a flow was found to be for falmock itself."""
    return _DIRECT in flow.metadata


class FlowHandler:
    """Decides about flows. Each leaves with an answer, or as one that goes on to fal."""

    def __init__(
        self,
        engine: Engines,
        connected: Clients,
        entrance: DirectRequests,
        intake: UploadIntake,
        responder: Responder,
        misses: MissLog,
    ) -> None:
        self._engine = engine
        self._clients = connected
        self._direct = entrance
        self._intake = intake
        self._responder = responder
        self._misses = misses
        self._rewrites: dict[str, Rewrite] = {}
        """By the id of a flow that goes on to fal for a door: what that door makes of the answer."""

    async def answer(self, flow: http.HTTPFlow, host: str) -> None:
        """Answer a request to this host of fal's."""
        if not self._engine.config.mode.answers:
            flow.metadata[FORWARDED] = host  # first: whatever happens to us, the call goes on
        await self._guarded(flow, self._answer(flow, host))

    async def answer_direct(self, flow: http.HTTPFlow, request: Request) -> None:
        """Answer a request to falmock itself."""
        flow.metadata[_DIRECT] = True
        await self._guarded(flow, self._welcome(flow, request))

    def rewrite_head(self, flow: http.HTTPFlow) -> None:
        """The headers of fal's answer are here: if a door sent the call, have it see the answer on its way to the client."""
        rewrite = self._rewrites.pop(flow.id, None)
        if rewrite is not None:
            flows.rewrite_head(flow, rewrite)

    def forget(self, flow: http.HTTPFlow) -> None:
        """The flow broke off: there will be no answer of fal's."""
        self._rewrites.pop(flow.id, None)

    async def _guarded(self, flow: http.HTTPFlow, answering: Awaitable[None]) -> None:
        """Have a flow answered, come what may."""
        try:
            await answering
        except Exception:
            logger.exception(
                "falmock: %s %s failed", flow.request.method, self._engine.common.redactor.text(flow.request.pretty_url)
            )
            if FORWARDED in flow.metadata:
                return
            # A flow that we leave unanswered goes to the real fal.
            message = "falmock failed to answer this request; its log has the details"
            reply = replies.problem(500, message, "internal error")
            flows.answer(flow, reply, bodies.body_of(reply))

    async def _answer(self, flow: http.HTTPFlow, host: str) -> None:
        try:
            request = flows.read(flow, host, self._clients.user(flow))
        except ValueError as error:
            if FORWARDED in flow.metadata:
                return
            reply = flows.badly_encoded(str(error))
            flows.answer(flow, reply, bodies.body_of(reply))
            return
        await self._decide(flow, request)

    async def _welcome(self, flow: http.HTTPFlow, request: Request) -> None:
        result = await self._direct.answer(request, lambda: flow.client_conn.connected)
        if isinstance(result, FalCall):
            await self._decide(flow, result.request, result.rewrite)
        else:
            if isinstance(result, Reply):
                self._told_of(result)
            await self._responder.put(flow, result)

    async def _decide(self, flow: http.HTTPFlow, request: Request, rewrite: Rewrite | None = None) -> None:
        """Have a call to fal answered; `rewrite` is what happens to the answer to one that came in by a door."""
        effect = self._engine.handle(request, time.time())
        if isinstance(effect, Forward):
            self._forward(flow, request, effect, rewrite)
            return
        if isinstance(effect, Join):
            effect = await self._intake.join(request, effect)
        self._intake.clear()
        if isinstance(effect, Reply):
            self._told_of(effect)
        elif isinstance(effect, Socket):
            heard = MissReporting(effect.conversation, self._misses.tell)
            effect = socket_tunnel.prepared(flow, effect._replace(conversation=heard))
        if rewrite is not None and isinstance(effect, Reply | Stream):
            effect = rewrite(effect)
        await self._responder.put(flow, effect._replace(why=self._engine.common.redactor.text(effect.why)))

    def _told_of(self, reply: Reply) -> None:
        """Have those hear of an answer who wait for one like it."""
        if reply.miss is not None:
            self._misses.tell(reply.miss)
        if reply.wakes:
            self._responder.origin.tickets.wake(reply.wakes)

    def _forward(self, flow: http.HTTPFlow, request: Request, forward: Forward, rewrite: Rewrite | None) -> None:
        """Have a flow go on to fal."""
        flow.comment = f"falmock: {forward.why}"
        flow.metadata["falmock.why"] = forward.why
        flow.metadata[FORWARDED] = request.host
        if rewrite is not None:
            flows.turn_into(flow.request, request)
            self._rewrites[flow.id] = rewrite
        flows.hand_on(flow.request, forward.inline)
