"""Downloads files through mitmproxy itself: with its TLS settings and upstream proxy, and as visible flows."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urljoin

from mitmproxy import connection
from mitmproxy import http

from falmock.proxy.own_requests import OwnRequests

STALLED = 30.0
"""A download that gets no byte for this long (seconds) is given up."""

MAX_REDIRECTS = 5


class Fetches:
    """The downloads in progress. The recording hooks record their answers; `received` returns the bytes received so far."""

    def __init__(self, received: Callable[[http.HTTPFlow], int]) -> None:
        self.is_stopped = False
        self._received = received
        self._requests = OwnRequests()

    async def download(self, url: str) -> str | None:
        """Download a file, also if it is at another location. Returns the problem in a few words, None on success."""
        for _ in range(MAX_REDIRECTS):
            if self.is_stopped:
                return "the recording has ended"
            try:
                flow = flow_of(url)
            except ValueError as error:
                return f"it is at {url.partition('?')[0]}, which is no valid URL ({error})"
            given_up = await self._requests.send(flow, STALLED, self._received)
            if given_up is not None or flow.error is not None or flow.response is None:
                return given_up or (flow.error.msg if flow.error else "no answer")
            if flow.response.status_code == 200:
                return None
            location = flow.response.headers.get("location")
            if not 300 <= flow.response.status_code < 400 or location is None:
                return f"status {flow.response.status_code}"
            try:
                url = urljoin(url, location)
            except ValueError:
                url = location
            if not url.startswith("https://"):
                return f"it is at {url.partition('?')[0]}, which is no https URL"
        return f"more than {MAX_REDIRECTS} redirects"

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is one of these downloads."""
        return self._requests.is_own(flow)

    def stop(self) -> None:
        """Give up all downloads, also those that are still to begin."""
        self.is_stopped = True
        self._requests.stop()


def flow_of(url: str) -> http.HTTPFlow:
    """The request for a URL. Raises ValueError for what is no valid one."""
    here = ("127.0.0.1", 0)
    client = connection.Client(peername=here, sockname=here, timestamp_start=time.time())
    flow = http.HTTPFlow(client, connection.Server(address=None))
    flow.request = http.Request.make("GET", url, headers=http.Headers(user_agent="falmock", accept="*/*"))
    flow.request.headers["Host"] = flow.request.host
    return flow
