"""Downloads files through mitmproxy itself: with its TLS settings and upstream proxy, and as visible flows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urljoin

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http

STALLED = 30.0
"""A download that gets no byte for this long (seconds) is given up."""

MAX_REDIRECTS = 5


class Fetches:
    """The downloads in progress. The recording hooks record their answers; `received` returns the bytes received so far."""

    def __init__(self, received: Callable[[http.HTTPFlow], int]) -> None:
        self._received = received
        self._under_way: dict[str, asyncio.Future[None]] = {}

    async def download(self, url: str) -> str | None:
        """Download a file, also if it is at another location. Returns the problem in a few words, None on success."""
        for _ in range(MAX_REDIRECTS):
            flow = _flow(url)
            stalled = await self._end_of(flow)
            if stalled is not None or flow.error is not None or flow.response is None:
                return stalled or (flow.error.msg if flow.error else "no answer")
            if flow.response.status_code == 200:
                return None
            location = flow.response.headers.get("location")
            if not 300 <= flow.response.status_code < 400 or location is None:
                return f"status {flow.response.status_code}"
            url = urljoin(url, location)
            if not url.startswith("https://"):
                return f"it is at {url.partition('?')[0]}, which is no https URL"
        return f"more than {MAX_REDIRECTS} redirects"

    async def _end_of(self, flow: http.HTTPFlow) -> str | None:
        """Send a request and wait for its answer. Returns the problem if it stalls, else None."""
        done = self._under_way[flow.id] = asyncio.get_running_loop().create_future()
        ctx.master.commands.call("replay.client", [flow])
        size = -1
        while not done.done():
            await asyncio.wait([done], timeout=STALLED)
            now = self._received(flow)
            if not done.done() and now <= size:
                del self._under_way[flow.id]
                return f"nothing came for {STALLED:.0f} s"
            size = now
        return None

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is one of these downloads."""
        return flow.id in self._under_way

    def ended(self, flow: http.HTTPFlow) -> None:
        """A flow is complete or failed: if it is one of these downloads, end it."""
        done = self._under_way.pop(flow.id, None)
        if done is not None and not done.done():
            done.set_result(None)


def _flow(url: str) -> http.HTTPFlow:
    here = ("127.0.0.1", 0)
    client = connection.Client(peername=here, sockname=here, timestamp_start=time.time())
    flow = http.HTTPFlow(client, connection.Server(address=None))
    flow.request = http.Request.make("GET", url, headers=http.Headers(user_agent="falmock", accept="*/*"))
    flow.request.headers["Host"] = flow.request.host
    return flow
