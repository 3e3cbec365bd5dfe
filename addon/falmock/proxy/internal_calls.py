"""Makes calls to fal for falmock's own doors: answered here, or by the real fal through mitmproxy itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Sequence

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http

from falmock.engine import replies
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.fixtures.matching.miss import Miss
from falmock.gateway.door import FALS_ANSWER
from falmock.proxy import flows
from falmock.proxy.flows import FORWARDED
from falmock.serving import bodies
from falmock.wire.message import Request


async def together(calls: Sequence[Awaitable[Reply]]) -> list[Reply]:
    """The answers to calls that are made at once, in the order of the calls."""
    return list(await asyncio.gather(*calls))


class InternalCalls:
    """The calls that doors make, and that have not been answered yet.

    `wake` hears the request id of a job that one of them changed.
    """

    def __init__(self, engines: Engines, log_miss: Callable[[Miss], None], wake: Callable[[str], None]) -> None:
        self._engines = engines
        self._log_miss = log_miss
        self._wake = wake
        self._under_way: dict[str, asyncio.Future[None]] = {}

    async def ask(self, request: Request) -> Reply:
        """The answer to a call, whole, after the time it takes."""
        effect = self._engines.handle(request, time.time())
        if isinstance(effect, Forward):
            return await self._forward(request, effect)
        if not isinstance(effect, Reply):
            return replies.problem(501, "falmock does not make this call for others", "no whole answer")
        if effect.miss is not None:
            self._log_miss(effect.miss)
        if effect.wakes:
            self._wake(effect.wakes)
        try:
            body = bodies.body_of(effect)
        except OSError as error:
            return replies.problem(500, f"An asset of the fixtures cannot be read: {error}", "asset unreadable")
        if effect.delay > 0:
            await asyncio.sleep(effect.delay)
        return effect._replace(body=body, delay=0.0)

    async def _forward(self, request: Request, forward: Forward) -> Reply:
        here = ("127.0.0.1", 0)
        client = connection.Client(peername=here, sockname=here, timestamp_start=time.time())
        flow = http.HTTPFlow(client, connection.Server(address=None))
        flow.request = http.Request.make(request.method, f"https://{request.host}/")
        flows.turn_into(flow.request, request)
        flows.hand_on(flow.request, forward.inline)
        flow.metadata[FORWARDED] = request.host
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
        return Reply(flow.response.status_code, headers, flow.response.content or b"", FALS_ANSWER)

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is one of these calls, on its way to fal."""
        return flow.id in self._under_way

    def ended(self, flow: http.HTTPFlow) -> None:
        """A flow is complete or broke off: if it is one of these, it is over."""
        done = self._under_way.get(flow.id)
        if done is not None and not done.done():
            done.set_result(None)
