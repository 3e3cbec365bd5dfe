"""Receives uploads: streams their bodies to disk, and answers once they are complete."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from collections.abc import Callable

from mitmproxy import http

from falmock.app import App
from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.files import spooling
from falmock.proxy import flows
from falmock.proxy.origin import client_reset
from falmock.proxy.origin.delivery import Responder
from falmock.proxy.origin.tickets import Upload
from falmock.serving.upload_spool import SpooledUpload
from falmock.serving.upload_spool import SpoolFolder
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.message import Content
from falmock.wire.message import Request

logger = logging.getLogger(__name__)
UPLOADING = ("POST", "PUT")
"""The methods of requests whose bodies may be files."""


class UploadIntake:
    """Uploads on their way to disk, to `folder`."""

    def __init__(self, app: App, responder: Responder, folder: SpoolFolder) -> None:
        self._app = app
        self._responder = responder
        self._folder = folder

    async def begin(self, flow: http.HTTPFlow, host: str, user: str = "") -> None:
        """A request to this host, of the proxy's `user`, begins: if its body belongs on disk, the origin receives and answers it."""
        if flow.request.raw_content is not None:  # it is there already, as when a flow is replayed
            return
        request = flows.head(flow, host, user)
        if not self._app.engines.spools(request.method, host, request.path, request.headers):
            return
        try:
            upload = self._folder.upload(request.headers.get("content-encoding", ""))
        except BadEncoding:
            return  # it is refused when it is here
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
            reply = await self._answer(request._replace(content=content), upload)
            flows.annotate(flow, reply)
            if reply.delivery is not None and reply.delivery.reset is ResetPoint.BEFORE_HEADERS:
                client_reset.kill(flow)
                return reply._replace(status=502, delivery=None)  # never sent: these headers only end the flow
            return reply

        return answer

    async def _answer(self, request: Request, upload: SpooledUpload) -> Reply:
        if upload.problem is not None:
            return replies.no_disk(upload.problem)
        if upload.garbled:
            return replies.badly_encoded(upload.garbled)
        if upload.too_large:
            request = request._replace(content=None, too_large=upload.too_large)
        try:
            answer = await self._app.answer(request)
        except BaseException:  # it is cancelled: the client is gone
            upload.drop()
            raise
        if isinstance(answer, Reply):
            return answer
        return replies.problem(503, "falmock's mode changed while this upload came: send it again", "mode changed")


def may_be_large(request: http.Request) -> bool:
    """Whether a request's body may be large enough for the disk. A cheap check that runs for every call."""
    return request.method in UPLOADING and spooling.may_be_large(request.headers)
