"""Takes uploads in: sends their bodies to disk while they come, and has the engine answer once they are whole."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from collections.abc import Callable

from mitmproxy import http

from falmock.engine import replies
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.engine import SPOOLED_ABOVE
from falmock.engine.engines import Engines
from falmock.proxy import flows
from falmock.proxy.origin import client_reset
from falmock.proxy.origin.delivery import Responder
from falmock.proxy.upload_spool import ENCODINGS
from falmock.proxy.upload_spool import SpooledUpload
from falmock.proxy.upload_spool import SpoolFolder
from falmock.serving.effect_source import Upload
from falmock.wire import cors
from falmock.wire.message import Content
from falmock.wire.message import Request

logger = logging.getLogger(__name__)
UPLOADING = ("POST", "PUT")
"""The methods of requests whose bodies may be files."""


class UploadIntake:
    """Uploads on their way to disk, and what the engine has there."""

    def __init__(self, engine: Engines, responder: Responder) -> None:
        self._engine = engine
        self._responder = responder
        self._depot = SpoolFolder()
        self._timer: asyncio.TimerHandle | None = None

    async def begin(self, flow: http.HTTPFlow, host: str, user: str = "") -> None:
        """A request to this host, of the proxy's `user`, begins: if its body is for the disk, the origin takes it, and answers."""
        if flow.request.raw_content is not None:  # it is there already, as when a flow is replayed
            return
        request = flows.read(flow, host, user)
        encoding = request.headers.get("content-encoding", "").strip().lower()
        if encoding not in ENCODINGS or not self._engine.spools(request.method, host, request.path, request.headers):
            return
        try:
            upload = self._depot.upload(encoding)
        except OSError as error:
            logger.warning("falmock: an upload is kept in memory, since it cannot be kept on disk: %s", error)
            return
        try:
            await self._responder.take(flow, Upload(upload, self._answer_for(flow, request, upload)))
        except OSError as error:
            upload.drop()
            logger.warning("falmock: an upload is kept in memory, since nothing can listen on loopback: %s", error)

    def _answer_for(
        self, flow: http.HTTPFlow, request: Request, upload: SpooledUpload
    ) -> Callable[[Content], Awaitable[Reply]]:
        async def answer(content: Content) -> Reply:
            reply = self._answer(request._replace(content=content), upload)
            reply = reply._replace(why=self._engine.common.redactor.text(reply.why))
            flows.annotate(flow, reply)
            if reply.delivery is not None and reply.delivery.reset is ResetPoint.BEFORE_HEADERS:
                client_reset.kill(flow)
                return reply._replace(status=502, delivery=None)  # nobody sees it: its headers are when mitmproxy kills
            return reply

        return answer

    def _answer(self, request: Request, upload: SpooledUpload) -> Reply:
        if upload.problem is not None:
            return _no_disk(upload.problem)
        if upload.garbled:
            return flows.badly_encoded(upload.garbled)
        try:
            effect = self._engine.handle(request, time.time())
        except BaseException:
            upload.drop()
            raise
        self.clear()
        if isinstance(effect, Reply):
            return effect
        return replies.problem(503, "falmock's mode changed while this upload came: send it again", "mode changed")

    async def join(self, request: Request, join: Join) -> Reply:
        """Join the parts of an upload; the answer to the request that completed it."""
        whole: Content | Reply
        try:
            whole = await self._depot.join(join.parts)
        except OSError as error:
            whole = _no_disk(error)
        reply = self._engine.joined(request, join, whole, time.time())
        self.clear()
        return reply

    def clear(self) -> None:
        """Remove the files that the engine has no use for any more, and see when there will be more of them."""
        self._depot.remove(self._engine.take_dropped())
        at = self._engine.common.tidy_at
        if at is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(at - time.time(), 0.1), self._tidy)

    def _tidy(self) -> None:
        self._timer = None
        self._engine.common.tidy(time.time())
        self.clear()

    def stop(self) -> None:
        """The script goes away."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._depot.stop()


def may_be_large(request: http.Request) -> bool:
    """Whether a request may have a body for the disk: asked of every call, so that few are looked at closely."""
    if request.method not in UPLOADING:
        return False
    length = request.headers.get("content-length", "")
    return not length.isdecimal() or int(length) > SPOOLED_ABOVE


def _no_disk(error: OSError) -> Reply:
    return replies.problem(
        507,
        f"falmock cannot keep this upload on disk: {error.strerror or error}. It is kept in the folder for temporary files "
        "until mitmproxy ends: set TMPDIR to one with more room",
        "no room on disk",
        *cors.public(),
    )
