"""Passes fal's answers, and flows from files, to the recording in progress."""

from __future__ import annotations

import asyncio
import logging

from mitmproxy import http

from falmock.app import App
from falmock.engine.config import Mode
from falmock.proxy import flows
from falmock.proxy.flows import FORWARDED
from falmock.proxy.record import captures
from falmock.proxy.record.bodies import comes_in_pieces
from falmock.proxy.record.current import Recordings
from falmock.proxy.record.session import RecordingSession
from falmock.wire.message import header_map

logger = logging.getLogger(__name__)
PATIENCE = 10.0
"""How long (seconds) an answer waits for its recording, if the disk does not respond."""


class RecordingHooks:
    """Gives flows to the recording in progress; in mode auto, what it writes is replayed from the next call on."""

    def __init__(self, app: App, recordings: Recordings) -> None:
        self._app = app
        self._recordings = recordings
        self._settling: set[asyncio.Task[None]] = set()

    def request_began(self, flow: http.HTTPFlow, host: str | None, recording: RecordingSession) -> None:
        """The headers of a request are here; `host` is its fal host, None if it is not to fal."""
        if host is None or self._app.engines.passes(header_map(flow.request.headers.fields)):
            recording.requestheaders(flow, host or flows.asked_host(flow.request))

    def answer_began(self, flow: http.HTTPFlow) -> None:
        """The headers of fal's answer are here: let a stream pass on as it comes."""
        if self._recordings.current is not None:
            self._recordings.current.responseheaders(flow)
        elif flow.response is not None and (
            "json" not in flow.response.headers.get("content-type", "") or comes_in_pieces(flow)
        ):
            flow.response.stream = True

    async def answered(self, flow: http.HTTPFlow) -> None:
        """A flow has its complete answer."""
        recording = self._recordings.current
        if recording is None:
            return
        host = flow.metadata.get(FORWARDED)
        if host is not None:
            recording.response(flow, host)
            await self._replay_now(recording)
        elif recording.is_delivery(flow):
            recording.delivery(flow)
        elif not flow.live and flow.is_replay is None:
            captures.take_flow(recording, flow, flows.host_of(flow.request, self._app.config.hosts))

    def broke_off(self, flow: http.HTTPFlow) -> None:
        """A flow ended without a complete answer."""
        if self._recordings.current is not None:
            self._recordings.current.error(flow, flow.metadata.get(FORWARDED))

    def said(self, flow: http.HTTPFlow) -> None:
        """A message came on the WebSocket of a flow."""
        host = flow.metadata.get(FORWARDED)
        if host is not None and flow.live and self._recordings.current is not None:
            self._recordings.current.websocket_message(flow, host)

    async def hung_up(self, flow: http.HTTPFlow) -> None:
        """The WebSocket of a flow is closed."""
        recording = self._recordings.current
        if recording is None:
            return
        host = flow.metadata.get(FORWARDED)
        if not flow.live:
            captures.take_socket(recording, flow, host or flows.host_of(flow.request, self._app.config.hosts))
        elif host is not None:
            recording.websocket_end(flow, host)
            await self._replay_now(recording)

    async def _replay_now(self, recording: RecordingSession) -> None:
        if self._app.config.mode is not Mode.AUTO or not recording.is_writing:
            return
        # The answer waits for this, so that the app's next call is replayed and not billed again.
        task = asyncio.get_running_loop().create_task(self._settled(recording))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        if (await asyncio.wait((task,), timeout=PATIENCE))[0]:
            task.result()
        else:
            logger.warning(
                "falmock: what was recorded is not on disk after %g s. Until it is, the same call goes to fal again",
                PATIENCE,
            )

    async def _settled(self, recording: RecordingSession) -> None:
        await recording.settle()
        await self._app.fixtures.look()
