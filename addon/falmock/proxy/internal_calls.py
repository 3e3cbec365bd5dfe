"""Makes calls to the real fal for falmock's own doors, through mitmproxy itself."""

from __future__ import annotations

import time

from mitmproxy import connection
from mitmproxy import http

from falmock.engine import replies
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.gateway.door import FALS_ANSWER
from falmock.proxy import flows
from falmock.proxy.own_requests import OwnRequests
from falmock.wire.formats import encodings
from falmock.wire.formats import jsontext
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.encodings import TooLarge
from falmock.wire.message import Request

PATIENCE = 600.0
"""How long (seconds) fal may take to answer. mitmproxy closes the connection of a client after as long a silence."""


class InternalCalls:
    """The calls of doors that are not answered yet."""

    def __init__(self) -> None:
        self._requests = OwnRequests()

    async def forward(self, request: Request, forward: Forward) -> Reply:
        """The real fal's complete answer to a call; status 502 if there is none, 504 if none comes in time."""
        here = ("127.0.0.1", 0)
        client = connection.Client(peername=here, sockname=here, timestamp_start=time.time())
        flow = http.HTTPFlow(client, connection.Server(address=None))
        flow.request = http.Request.make(request.method, f"https://{request.host}/")
        flows.turn_into(flow.request, request)
        flows.hand_on(flow.request, forward.inline)
        flows.mark_forwarded(flow, request)
        given_up = await self._requests.send(flow, PATIENCE)
        if given_up is not None:
            return replies.problem(504, f"fal could not be asked: {given_up}", "upstream")
        if flow.response is None:
            return replies.problem(
                502, f"fal could not be asked: {flow.error.msg if flow.error else 'no answer'}", "upstream"
            )
        headers = tuple(
            (name, value)
            for name, value in flow.response.headers.fields
            if name.lower() not in (b"content-length", b"content-encoding", b"transfer-encoding", b"connection")
        )
        encoding = flow.response.headers.get("content-encoding", "")
        try:
            body = encodings.decoded(flow.response.raw_content or b"", encoding, jsontext.MAX_BYTES)
        except TooLarge as error:
            return replies.problem(502, f"fal's answer is too large for this call: {error}", "upstream")
        except BadEncoding as error:
            return replies.problem(502, f"fal's answer is not encoded as its headers say: {error}", "upstream")
        return Reply(flow.response.status_code, headers, body, FALS_ANSWER)

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is one of these calls, on its way to fal."""
        return self._requests.is_own(flow)

    def stop(self) -> None:
        """Give up the calls that are not answered yet."""
        self._requests.stop()
