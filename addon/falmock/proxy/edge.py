"""The app's edge, made of mitmproxy and this machine."""

from __future__ import annotations

import time

from falmock.engine.effects import FileBody
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.proxy.internal_calls import InternalCalls
from falmock.serving import bodies
from falmock.serving.upload_spool import SpoolFolder
from falmock.serving.waiting_streams import WaitingStreams
from falmock.wire.message import Content
from falmock.wire.message import Request


class MitmproxyEdge:
    """See `app.Edge`."""

    def __init__(self, internal_calls: InternalCalls, uploads: SpoolFolder) -> None:
        self._internal_calls = internal_calls
        self._uploads = uploads
        self.streams: list[WaitingStreams] = []
        """The streams that report on jobs, on each carrier."""

    def now(self) -> float:
        """The time in seconds since the epoch."""
        return time.time()

    async def forward(self, request: Request, forward: Forward) -> Reply:
        """The real fal's complete answer to a call that a door makes."""
        return await self._internal_calls.forward(request, forward)

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
