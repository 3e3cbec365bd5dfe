"""The app's edge: this machine, the streams of every carrier, and a way to the hosts that calls are forwarded to."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from collections.abc import Callable

from falmock.engine.effects import FileBody
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.serving import bodies
from falmock.serving.upload_spool import SpoolFolder
from falmock.serving.waiting_streams import WaitingStreams
from falmock.wire.message import Content
from falmock.wire.message import Request


class ServingEdge:
    """See `app.Edge`. `forward` returns the real fal's complete answer to a call that a door makes."""

    def __init__(self, forward: Callable[[Request, Forward], Awaitable[Reply]], uploads: SpoolFolder) -> None:
        self._forward = forward
        self._uploads = uploads
        self.streams: list[WaitingStreams] = []
        """The streams that report on jobs, on each carrier."""

    def now(self) -> float:
        """The time in seconds since the epoch."""
        return time.time()

    async def forward(self, request: Request, forward: Forward) -> Reply:
        """See `app.Edge`."""
        return await self._forward(request, forward)

    def wake(self, request_id: str) -> None:
        """The job with this request id changed, or any job: continue the streams that report on it."""
        for streams in self.streams:
            streams.wake(request_id)

    def read(self, body: FileBody) -> bytes:
        """A body that is on disk. Raises OSError."""
        return bodies.read_file(body)

    async def join(self, parts: tuple[Content, ...]) -> Content:
        """Join these parts into one file. Raises OSError."""
        return await self._uploads.join(parts)

    def remove(self, files: list[str]) -> None:
        """Remove uploaded files that are no longer needed."""
        self._uploads.remove(files)
