"""Answers flows: the app decides each answer, the responder delivers it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from weakref import WeakKeyDictionary

from mitmproxy import http

from falmock.app import App
from falmock.edge import Client
from falmock.edge import ForwardedCall
from falmock.engine import replies
from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Socket
from falmock.gateway import door
from falmock.proxy import flows
from falmock.proxy.clients import Clients
from falmock.proxy.flows import FORWARDED
from falmock.proxy.origin import socket_tunnel
from falmock.proxy.origin.delivery import Responder
from falmock.serving import bodies
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.message import Request

logger = logging.getLogger(__name__)
_DIRECT = "falmock.direct"
"""The key of a flow's metadata that says that it is for falmock itself."""


def is_direct(flow: http.HTTPFlow) -> bool:
    """Whether a flow is for falmock itself."""
    return _DIRECT in flow.metadata


class FlowHandler:
    """Answers each flow, or forwards it to fal."""

    def __init__(self, app: App, clients: Clients, responder: Responder) -> None:
        self._app = app
        self._clients = clients
        self._responder = responder
        self._rewrites: WeakKeyDictionary[http.HTTPFlow, Rewrite] = WeakKeyDictionary()
        """The door's rewrite of the answer, by the flow that it forwards to fal. It ends with the flow."""

    async def answer(self, flow: http.HTTPFlow, host: str) -> None:
        """Answer a request to this host of fal's."""
        if not self._app.config.mode.answers:
            flow.metadata[FORWARDED] = host  # first: even if falmock fails, the call is forwarded
        await self._guarded(flow, self._answer_call(flow, host))

    async def answer_direct(self, flow: http.HTTPFlow, request: Request) -> None:
        """Answer a request to falmock itself."""
        flow.metadata[_DIRECT] = True
        client = Client(is_direct=True, is_there=lambda: flow.client_conn.connected)
        await self._guarded(flow, self._answer(flow, request, client))

    def rewrite_head(self, flow: http.HTTPFlow) -> None:
        """The headers of fal's answer are here: if a door made the call, rewrite them."""
        rewrite = self._rewrites.pop(flow, None)
        if rewrite is not None:
            flows.rewrite_head(flow, rewrite)

    async def _guarded(self, flow: http.HTTPFlow, answering: Awaitable[None]) -> None:
        """Answer a flow, with status 500 if that fails."""
        try:
            await answering
        except Exception:
            logger.exception(
                "falmock: %s %s failed", flow.request.method, self._app.redactor.text(flow.request.pretty_url)
            )
            if FORWARDED in flow.metadata:
                return
            # A flow without an answer would go to the real fal.
            reply = door.failed(flow.request.path.partition("?")[0], is_direct=is_direct(flow))
            flows.answer(flow, reply, bodies.body_of(reply))

    async def _answer_call(self, flow: http.HTTPFlow, host: str) -> None:
        try:
            request = self._read(flow, host)
        except BadEncoding as error:
            if FORWARDED in flow.metadata:
                return
            if self._app.config.mode is Mode.AUTO:
                why = Forward("auto: its body is not encoded as its headers say")
                self._forward(flow, ForwardedCall(why, flows.head(flow, host, self._clients.user(flow))))
                return
            reply = replies.badly_encoded(str(error))
            flows.answer(flow, reply, bodies.body_of(reply))
            return
        await self._answer(flow, request, Client())

    def _read(self, flow: http.HTTPFlow, host: str) -> Request:
        """The request of a flow. Raises BadEncoding."""
        request = flows.read(flow, host, self._clients.user(flow))
        if request.too_large:  # for JSON: some may have more
            limit = self._app.max_body(request)
            return flows.with_body(request._replace(too_large=""), flow, limit)
        return request

    async def _answer(self, flow: http.HTTPFlow, request: Request, client: Client) -> None:
        answer = await self._app.answer(request, client)
        if isinstance(answer, ForwardedCall):
            self._forward(flow, answer)
            return
        if isinstance(answer, Socket):
            answer = socket_tunnel.prepared(flow, answer)
        await self._responder.put(flow, answer)

    def _forward(self, flow: http.HTTPFlow, call: ForwardedCall) -> None:
        """Forward a flow to fal."""
        flow.comment = f"falmock: {call.forward.why}"
        flow.metadata[flows.WHY] = call.forward.why
        flows.mark_forwarded(flow, call.request)
        if self._app.config.mode is Mode.REPLAY:  # a host of others': what is fal's stays here
            logger.info("falmock: %s", call.forward.why)
        if call.rewrite is not None:
            flows.turn_into(flow.request, call.request)
            self._rewrites[flow] = call.rewrite
        flows.hand_on(flow.request, call.forward.inline)
