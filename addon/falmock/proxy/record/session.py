"""The recording edge: listens to forwarded flows, has the recorder read them, and the writer keep what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.hooks import UpdateHook

from falmock.fixtures.disk.walk import ASSETS
from falmock.proxy import flows
from falmock.proxy.record.bodies import BodyListeners
from falmock.proxy.record.fetch import Fetches
from falmock.proxy.record.sockets import TOO_LONG
from falmock.proxy.record.sockets import SocketListeners
from falmock.proxy.record.write_queue import GATHER
from falmock.proxy.record.write_queue import WriteQueue
from falmock.proxy.record.write_queue import WriteResult
from falmock.recording import webhook_results
from falmock.recording.disk import atomic
from falmock.recording.disk.writer import Writer
from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Session
from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import Tell
from falmock.recording.outcome import carry_out
from falmock.recording.recorder import Recorder
from falmock.recording.uploads import File
from falmock.recording.uploads import url_key
from falmock.wire.message import Content

logger = logging.getLogger(__name__)
AT_ONCE = 8
"""How many files are fetched at a time."""
ONE_BY_ONE = 5
"""How many fixtures that were written together are named in the log."""
_LOUDNESS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING}


class RecordingSession:
    """One recording, from its start to its end. Files are written in a thread of their own, in order.

    `at_once` says that what is written will be asked for soon; `assets` says that files which answers name and nobody
    downloaded are fetched at the end; `learned` hears of every file URL whose content became known; `wrote` is called
    after fixtures changed on disk.
    """

    def __init__(
        self,
        recorder: Recorder,
        writer: Writer,
        *,
        assets: bool,
        at_once: bool,
        learned: Callable[[File], None],
        wrote: Callable[[], None],
    ) -> None:
        self.recorder = recorder
        self.writer = writer
        self.counts: Counter[str] = Counter()
        self.imported = False
        self._assets = assets
        self._learned = learned
        self._wrote = wrote
        self._queue = WriteQueue(writer, self._kept, 0.0 if at_once else GATHER)
        self._peers: set[str] = set()
        self._listeners = BodyListeners(writer.folder.root / ASSETS)
        self._sockets = SocketListeners()
        self._fetches = Fetches(self._listeners.received)
        self._turn = asyncio.Semaphore(AT_ONCE)

    # flows on their way

    def expects(self, flow: http.HTTPFlow) -> bool:
        """Whether a request to a host that is not fal's is part of an upload that fal asked for."""
        return self.recorder.uploads.expects(flow.request.method, flows.url_of(flow.request, flow.request.pretty_host))

    def requestheaders(self, flow: http.HTTPFlow, host: str) -> None:
        """A request to this host begins: a body that is a file is listened to while it streams."""
        sink = self.recorder.sink(flow.request.method, host, flow.request.path.partition("?")[0])
        self._listeners.on_request(flow, sink)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """An answer begins: what is not a short text is listened to while it streams."""
        self._listeners.on_response(flow)

    def response(self, flow: http.HTTPFlow, host: str) -> None:
        """A flow to a fal host, or to an upload URL, is complete."""
        self._learn_peer(flow.client_conn.peername)
        self.take(self._listeners.complete(flow, host), flow)
        self._fetches.ended(flow)

    def _learn_peer(self, peer: tuple[Any, ...] | None) -> None:
        if peer and peer[0] not in self._peers:
            self._peers.add(peer[0])
            self.recorder.redactor.learn_value(peer[0])

    def error(self, flow: http.HTTPFlow, host: str | None) -> None:
        """A flow broke off: nothing of it is kept, but what a stream of events told by then may be of use."""
        exchange = self._listeners.broke_off(flow, host)
        if exchange is not None:
            self.take(exchange, flow)
        self._fetches.ended(flow)

    def is_delivery(self, flow: http.HTTPFlow) -> bool:
        """Whether a request to somebody else is a webhook that fal sent to the app through here."""
        return flow.is_replay is None and webhook_results.REQUEST_ID in flow.request.headers

    def delivery(self, flow: http.HTTPFlow) -> None:
        """A webhook was delivered."""
        with contextlib.suppress(ValueError):  # the app will have wondered as well
            request = flows.read(flow, flow.request.pretty_host)
            for outcome in self.recorder.note_delivery(request, flow.request.timestamp_start):
                self.carry_out(outcome, flow)

    def websocket_message(self, flow: http.HTTPFlow, host: str) -> None:
        """Something was said on a socket to a fal host."""
        if self._sockets.message(flow, host):
            url = flows.url_of(flow.request, host)
            self.tell(Tell(f"the socket to {url}: {TOO_LONG}, what follows is not recorded", Level.WARNING))

    def websocket_end(self, flow: http.HTTPFlow, host: str) -> None:
        """A socket to a fal host is closed."""
        self._learn_peer(flow.client_conn.peername)
        self.take(self._sockets.ended(flow, host), flow)

    # what comes of them

    def take(self, heard: Exchange | Session, flow: http.HTTPFlow | None = None) -> None:
        """Have the recorder read an exchange or a session, and see to what comes of it."""
        self.counts["exchanges"] += 1
        try:
            outcomes = self.recorder.note(heard) if isinstance(heard, Exchange) else self.recorder.note_session(heard)
        except Exception:  # the app must not notice
            logger.exception("falmock: %s %s could not be recorded", heard.request.method, heard.request.host)
            return
        for outcome in outcomes:
            self.carry_out(outcome, flow)
        if isinstance(heard, Exchange):
            self._drop_unused(heard, outcomes)

    def carry_out(self, outcome: Outcome, flow: http.HTTPFlow | None = None) -> None:
        """See to one outcome."""
        carry_out(outcome, tell=self.tell, learn=self._learned, write=lambda kept: self._queue.put(kept, flow))

    def tell(self, outcome: Tell) -> None:
        """Log what the user should know."""
        self.counts["not used"] += outcome.level is Level.WARNING
        logger.log(_LOUDNESS[outcome.level], "falmock: %s", self.recorder.redactor.text(outcome.text))

    def _drop_unused(self, exchange: Exchange, outcomes: list[Outcome]) -> None:
        """Remove the file of a body that nothing came of."""
        content = exchange.received
        if content is not None and content.file is not None:
            used = any(isinstance(outcome, Save | Link) for outcome in outcomes)
            if not used:
                Path(content.file).unlink(missing_ok=True)

    def _kept(self, done: list[WriteResult]) -> None:
        """Tell what was written, in one line: mitmproxy's log costs more for each than writing does."""
        saved = [kept for kept in done if isinstance(kept.outcome, Save) and kept.problem is None]
        self.counts["fixtures"] += len(saved)
        if saved:
            named = ", ".join("{} in {}".format(*_named(kept)) for kept in saved[:ONE_BY_ONE])
            more = f" and {len(saved) - ONE_BY_ONE} more" if len(saved) > ONE_BY_ONE else ""
            logger.info("falmock: recorded %s%s", named, more)
        for kept in done:
            self._tell_of(kept)
        if any(kept.problem is None for kept in done):
            self._wrote()

    def _tell_of(self, kept: WriteResult) -> None:
        if kept.problem is not None:
            text = "falmock: %s could not be written: %s. What was recorded before is as it was"
            logger.error(text, _what(kept.outcome), kept.problem)
            self.counts["not used"] += 1
        elif isinstance(kept.outcome, Link):
            content = kept.outcome.content
            self._learned(File(kept.outcome.url, content.sha256, content.size, kept.outcome.content_type))
            logger.info("falmock: kept the file %s for %s", kept.outcome.url, ", ".join(kept.paths) or "later")
        elif kept.flow is not None:
            kept.flow.metadata["falmock.recorded"] = kept.paths[0]
            kept.flow.comment = f"falmock: recorded in {kept.paths[0]}"
            _show(kept.flow)

    # the end

    @property
    def is_writing(self) -> bool:
        """Whether something that was recorded is not on disk yet."""
        return self._queue.is_busy

    async def settle(self) -> None:
        """Wait until everything is written that was seen so far."""
        await self._queue.settle()

    async def finish(self) -> None:
        """End the recording: tell of the jobs that are not over, fetch what is missing, and write it all."""
        self._finish()
        await self.settle()
        if self._assets:
            await self.fetch_wanted()
        if self.imported:
            self._sum_up()
        self.close()

    def _finish(self) -> None:
        for session in self._sockets.cut():
            self.take(session)
        for outcome in self.recorder.finish():
            self.carry_out(outcome)

    def _sum_up(self) -> None:
        """Tell what an import came to; the lines before it tell what was not used, and why."""
        counts = self.counts
        logger.info(
            "falmock: read %d calls to fal: %d fixtures; not used: %d; to other hosts: %d",
            counts["exchanges"],
            counts["fixtures"],
            counts["not used"],
            counts["other hosts"],
        )

    async def fetch_assets(self) -> int:
        """Fetch the files that fixtures name, recorded now or long ago, and nobody downloaded; how many came."""
        await self.settle()
        for url in self.writer.survey(self.recorder.files.is_file_url):
            self.recorder.files.name(url_key(url))
        return await self.fetch_wanted()

    async def fetch_wanted(self) -> int:
        """Fetch the files that this recording's answers name and nobody downloaded; how many came."""
        came = await asyncio.gather(*map(self._fetch, self.writer.wanted()))
        await self.settle()
        return sum(came)

    async def _fetch(self, url: str) -> bool:
        async with self._turn:
            problem = await self._fetches.download(url)
        if problem is not None:
            shown = url_key(url)
            logger.warning(
                "falmock: the file %s could not be fetched (%s): its URL stays in the fixture", shown, problem
            )
        return problem is None

    def close(self) -> None:
        """End the recording at once, without fetching anything."""
        self._finish()
        self._queue.close()
        atomic.remove_own(self.writer.folder.root / ASSETS)


def join(parts: list[Content]) -> Content:
    """The digest of several contents in a row; their files are removed. For `Uploads`."""
    whole = hashlib.sha256()
    size = 0
    for part in parts:
        size += part.size
        if part.data is not None:
            whole.update(part.data)
        elif part.file is not None:
            with Path(part.file).open("rb") as opened:
                while chunk := opened.read(1 << 20):
                    whole.update(chunk)
            Path(part.file).unlink(missing_ok=True)
    return Content(whole.hexdigest(), size)


def _what(outcome: Save | Link) -> str:
    return outcome.about if isinstance(outcome, Save) else f"the file {outcome.url}"


def _named(kept: WriteResult) -> tuple[str, str]:
    answers = f" (answer {kept.answers} of this match)" if kept.answers > 1 else ""
    return _what(kept.outcome), f"{kept.paths[0]}{answers}"


def _show(flow: http.HTTPFlow) -> None:
    """Have mitmproxy's screens, where there are any, show what changed on a flow."""
    if ctx.master.addons.get("view") is not None:
        ctx.master.addons.trigger(UpdateHook([flow]))
