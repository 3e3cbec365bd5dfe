"""Sends falmock's own requests through mitmproxy: with its TLS settings and upstream proxy, and as visible flows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from collections.abc import Callable

from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.addons.clientplayback import ReplayHandler

logger = logging.getLogger(__name__)
CLOSING = 5.0
"""How long (seconds) an abandoned connection may take to close."""


class OwnRequests:
    """Requests that are under way.

    They do not use `replay.client`: its queue can wait for ever for a request before, and ends no request that the
    server never answers, or that mitmproxy drops.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[str | None]] = {}

    async def send(
        self, flow: http.HTTPFlow, seconds: float, received: Callable[[http.HTTPFlow], int] = lambda _: 0
    ) -> str | None:
        """Send a request, and wait until the flow has its answer or its error.

        Returns why it was given up: after this many seconds without a byte more than `received` said before, or by
        `stop`. If the caller is cancelled, the request goes on, because what fal does is billed and belongs in the
        recording.
        """
        flow.is_replay = "request"
        task = self._under_way[flow.id] = asyncio.get_running_loop().create_task(_sent(flow, seconds, received))
        task.add_done_callback(lambda _: self._under_way.pop(flow.id, None))
        await asyncio.wait([task])
        return "falmock stopped it" if task.cancelled() else task.result()

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is one of these requests."""
        return flow.id in self._under_way

    def stop(self) -> None:
        """Give up all requests."""
        for task in self._under_way.values():
            task.cancel()


async def _sent(flow: http.HTTPFlow, seconds: float, received: Callable[[http.HTTPFlow], int]) -> str | None:
    try:
        async with replayed(ReplayHandler(flow, ctx.options), seconds, received) as is_over:
            return None if is_over else f"nothing came for {seconds:.3g} s"
    except Exception:
        logger.exception("falmock: a request could not be sent")
        return "mitmproxy failed to send it"


@contextlib.asynccontextmanager
async def replayed(
    handler: ReplayHandler, seconds: float, received: Callable[[http.HTTPFlow], int] = lambda _: 0
) -> AsyncIterator[bool]:
    """Send the flow of a replay; whether that ended, or nothing more was `received` for so many seconds.

    Then its connection is closed after the block. Raises what mitmproxy fails with.
    """
    replay = asyncio.get_running_loop().create_task(handler.replay())
    before = 0
    try:
        while not (await asyncio.wait([replay], timeout=seconds))[0]:
            now = received(handler.flow)
            if now <= before and not handler.flow.intercepted:  # no timeout while a user has intercepted it
                yield False
                return
            before = now
        replay.result()
        yield True
    finally:
        await _closed(handler, replay)


async def _closed(handler: ReplayHandler, replay: asyncio.Task[None]) -> None:
    """Close the connection of an unfinished replay, which ends the replay and its flow."""
    if replay.done():
        return
    for transport in list(handler.transports.values()):
        if transport.handler is not None:
            transport.handler.cancel()
    await asyncio.wait([replay], timeout=CLOSING)
    replay.cancel()
