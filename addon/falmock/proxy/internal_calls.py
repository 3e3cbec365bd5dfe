"""Makes calls to the real fal for falmock's own doors, through mitmproxy itself."""

from __future__ import annotations

import asyncio
import time

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http

from falmock.engine import replies
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.gateway.door import FALS_ANSWER
from falmock.proxy import flows
from falmock.wire.formats import encodings
from falmock.wire.formats.encodings import BadEncoding
from falmock.wire.message import Request


class InternalCalls:
    """The calls of doors that are not answered yet."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[None]] = {}

    async def forward(self, request: Request, forward: Forward) -> Reply:
        """The real fal's complete answer to a call; status 502 if there is none."""
        here = ("127.0.0.1", 0)
        client = connection.Client(peername=here, sockname=here, timestamp_start=time.time())
        flow = http.HTTPFlow(client, connection.Server(address=None))
        flow.request = http.Request.make(request.method, f"https://{request.host}/")
        flows.turn_into(flow.request, request)
        flows.hand_on(flow.request, forward.inline)
        flows.mark_forwarded(flow, request)
        done = self._under_way[flow.id] = asyncio.get_running_loop().create_future()
        try:
            ctx.master.commands.call("replay.client", [flow])
            await done
        finally:
            self._under_way.pop(flow.id, None)
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
            body = encodings.decoded(flow.response.raw_content or b"", encoding)
        except BadEncoding as error:
            return replies.problem(502, f"fal's answer is not encoded as its headers say: {error}", "upstream")
        return Reply(flow.response.status_code, headers, body, FALS_ANSWER)

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is one of these calls, on its way to fal."""
        return flow.id in self._under_way

    def ended(self, flow: http.HTTPFlow) -> None:
        """A flow is complete or failed: if it is one of these calls, end it."""
        done = self._under_way.get(flow.id)
        if done is not None and not done.done():
            done.set_result(None)
