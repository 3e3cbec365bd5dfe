"""One recording: passes forwarded flows to the recorder, and its results to the writer."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.hooks import UpdateHook

from falmock.fixtures.disk.walk import ASSETS
from falmock.proxy import flows
from falmock.proxy.record.bodies import BodyListeners
from falmock.proxy.record.fetch import Fetches
from falmock.proxy.record.progress import Progress
from falmock.proxy.record.schemas import SchemaFetches
from falmock.proxy.record.sockets import TOO_LONG
from falmock.proxy.record.sockets import SocketListeners
from falmock.proxy.record.write_queue import WriteQueue
from falmock.proxy.record.write_queue import WriteResult
from falmock.recording import webhook_results
from falmock.recording.composer import warn
from falmock.recording.disk import atomic
from falmock.recording.disk.schemas import SchemaFolder
from falmock.recording.disk.writer import Writer
from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Session
from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import Tell
from falmock.recording.outcome import carry_out
from falmock.recording.outcome import uncounted
from falmock.recording.outcome import what_of
from falmock.recording.recorder import Recorder
from falmock.recording.tally import Tally
from falmock.recording.uploads import File
from falmock.recording.uploads import url_key
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.message import Content

logger = logging.getLogger(__name__)
AT_ONCE = 8
"""How many files are fetched at the same time."""
NAMED = 5
"""How many of the fixtures that were written together the log names."""
_LOG_LEVELS = {Level.DEBUG: logging.DEBUG, Level.INFO: logging.INFO, Level.WARNING: logging.WARNING}


class RecordingSession:
    """One recording, from its start to its end. A separate thread writes the files, in order.

    `at_once`: write without delay, because the fixtures may be replayed soon. `assets`: at the end, fetch the files that
    answers name and the app did not download. `has_schema`: at the end, fetch the schemas of the recorded endpoints for which it
    is false; None: of none. `learned` is called with every file URL whose content became known;
    `wrote` is called after fixtures changed on disk.
    """

    def __init__(
        self,
        recorder: Recorder,
        writer: Writer,
        *,
        assets: bool,
        has_schema: Callable[[str], bool] | None = None,
        at_once: bool,
        learned: Callable[[File], None],
        wrote: Callable[[], None],
    ) -> None:
        self.recorder = recorder
        self.writer = writer
        self.tally = Tally()
        self.counts: Counter[str] = Counter()
        """Flows from files that are passed over, by kind."""
        self._assets = assets
        self._learned = learned
        self._wrote = wrote
        self._queue = WriteQueue(writer, self._written, recorder.redactor.text, at_once=at_once)
        self._listeners = BodyListeners(writer.folder.root / ASSETS)
        self._sockets = SocketListeners()
        self._fetches = Fetches(self._listeners.received)
        self._slots = asyncio.Semaphore(AT_ONCE)
        folder = SchemaFolder(writer.folder.root)
        self._schemas = None if has_schema is None else SchemaFetches(folder, has_schema, recorder.redactor.value)

    # flows on their way

    def expects(self, flow: http.HTTPFlow) -> bool:
        """Whether a request to a host that is not fal's is part of what is recorded."""
        return self.recorder.expects(flow.request.method, flows.target_of(flow.request, flows.asked_host(flow.request)))

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is falmock's own request for a schema: it goes to fal, and is not recorded."""
        return self._schemas is not None and self._schemas.is_own(flow)

    def requestheaders(self, flow: http.HTTPFlow, host: str) -> None:
        """A request to this host begins: capture a body that is a file while it streams."""
        sink = self.recorder.sink(flow.request.method, host, flow.request.path.partition("?")[0])
        self._listeners.on_request(flow, sink)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """An answer begins: capture it while it streams, unless it is a short text."""
        self._listeners.on_response(flow)

    def response(self, flow: http.HTTPFlow, host: str) -> None:
        """A flow to a fal host, or to an upload URL, is complete."""
        self._learn_peer(flow.client_conn.peername)
        if flow.response is not None and flow.response.status_code == 101:
            self._sockets.began(flow, host)
        self.take(self._listeners.complete(flow, host), flow)

    def _learn_peer(self, peer: tuple[Any, ...] | None) -> None:
        """Of a flow from a file; the addon sees those of live ones."""
        if peer:
            self.recorder.redactor.learn_peer(peer[0])

    def error(self, flow: http.HTTPFlow, host: str | None) -> None:
        """A flow failed: discard it, except for what an event stream has sent."""
        exchange = self._listeners.broke_off(flow, host)
        if exchange is not None:
            self.take(exchange, flow)
        elif host is not None and flow.websocket is None and not self._fetches.is_own(flow):
            about = f"{flow.request.method} {flows.url_of(flow.request, host)}"
            why = flow.error.msg.rstrip(".") if flow.error else "unknown"
            self.note([NotRecorded(about, f"no whole answer came ({why})")])

    def is_delivery(self, flow: http.HTTPFlow) -> bool:
        """Whether a request to another host is a webhook that fal sent to the app through this proxy."""
        return flow.is_replay is None and webhook_results.REQUEST_ID in flow.request.headers

    def delivery(self, flow: http.HTTPFlow) -> None:
        """A webhook was delivered."""
        try:
            request = flows.read(flow, flows.asked_host(flow.request))
        except BadEncoding as error:
            self.note(
                [NotRecorded("a webhook", f"its body is not encoded as its headers say: {error}", calls=0)], calls=0
            )
        else:
            self.note(self.recorder.note_delivery(request, flow.request.timestamp_start), flow, calls=0)

    def websocket_message(self, flow: http.HTTPFlow, host: str) -> None:
        """A message came on a WebSocket to a fal host."""
        if self._sockets.message(flow, host):
            url = flows.url_of(flow.request, host)
            self.note([warn(f"the socket to {url}: {TOO_LONG}, what follows is not recorded")], calls=0)

    def websocket_end(self, flow: http.HTTPFlow, host: str) -> None:
        """A WebSocket to a fal host is closed."""
        self._learn_peer(flow.client_conn.peername)
        self.take(self._sockets.ended(flow, host), flow)

    # results

    def take(self, recorded: Exchange | Session, flow: http.HTTPFlow | None = None) -> None:
        """Pass an exchange or a session to the recorder, and carry out its outcomes."""
        try:
            outcomes = (
                self.recorder.note(recorded) if isinstance(recorded, Exchange) else self.recorder.note_session(recorded)
            )
        except Exception:  # the app's call must not fail
            logger.exception("falmock: %s %s could not be recorded", recorded.request.method, recorded.request.host)
            name = f"{recorded.request.method} {recorded.request.host}"
            outcomes = [NotRecorded(name, "falmock failed", level=Level.DEBUG)]
        if flow is not None and self._fetches.is_own(flow):
            # Whatever else came instead of the file, the app did not ask for it; `_fetch` tells why it did not come.
            self.note(uncounted([one for one in outcomes if isinstance(one, Link)]), flow, calls=0)
        else:
            self.note(outcomes, flow)
        if isinstance(recorded, Exchange):
            self._drop_unused(recorded, outcomes)

    def note(self, outcomes: list[Outcome], flow: http.HTTPFlow | None = None, calls: int = 1) -> None:
        """Count and carry out the outcomes of this many calls."""
        self.tally.add(outcomes, calls)
        for outcome in outcomes:
            carry_out(outcome, tell=self._tell, learn=self._learned, write=lambda item: self._queue.put(item, flow))

    def _tell(self, outcome: Tell) -> None:
        """Log a message for the user, without secrets."""
        logger.log(_LOG_LEVELS[outcome.level], "falmock: %s", self.recorder.redactor.text(outcome.text))

    def _drop_unused(self, exchange: Exchange, outcomes: list[Outcome]) -> None:
        """Remove the file of a body that no outcome uses."""
        content = exchange.received
        if content is not None and content.file is not None:
            used = any(isinstance(outcome, Save | Link) for outcome in outcomes)
            if not used:
                Path(content.file).unlink(missing_ok=True)

    def _written(self, done: list[WriteResult]) -> None:
        """Log what was written, on one line: a line of mitmproxy's log costs more than the writing."""
        saved = [result for result in done if isinstance(result.outcome, Save) and result.problem is None]
        if saved:
            named = ", ".join("{} in {}".format(*_named(result)) for result in saved[:NAMED])
            more = f" and {len(saved) - NAMED} more" if len(saved) > NAMED else ""
            logger.info("falmock: recorded %s%s", named, more)
        for result in done:
            self._report(result)
            if self._schemas is not None and isinstance(result.outcome, Save):
                self._schemas.want(result.outcome.entry["match"].get("model"))
        if any(result.problem is None for result in done):
            self._wrote()

    def _report(self, result: WriteResult) -> None:
        if result.problem is not None:
            text = "falmock: %s could not be written: %s. What was recorded before is as it was"
            logger.error(text, what_of(result.outcome), result.problem)
            self.tally.failed(result.outcome)
        elif isinstance(result.outcome, Link):
            content = result.outcome.content
            self._learned(File(result.outcome.url, content.sha256, content.size, result.outcome.content_type))
            logger.info("falmock: kept the file %s for %s", result.outcome.url, ", ".join(result.paths) or "later")
        elif result.flow is not None:
            result.flow.metadata["falmock.recorded"] = result.paths[0]
            result.flow.comment = f"falmock: recorded in {result.paths[0]}"
            _show(result.flow)

    # the end

    @property
    def is_writing(self) -> bool:
        """Whether some recorded results are not on disk yet."""
        return self._queue.is_busy

    async def settle(self) -> None:
        """Wait until everything recorded so far is written."""
        await self._queue.settle()

    async def finish(self) -> None:
        """End the recording: report unfinished jobs, fetch missing files, and write everything."""
        self._finish()
        await self.settle()
        if self._assets:
            await self.fetch_wanted()
        if self._schemas is not None and await self._schemas.fetch():
            self._wrote()
        if not self._fetches.is_stopped:
            self.close()

    def _finish(self) -> None:
        for session in self._sockets.cut():
            self.take(session)
        self.note(self.recorder.finish(), calls=0)

    def _log_totals(self) -> None:
        """Log what became of all calls, which earlier lines named one by one."""
        if self.tally.seen or self.counts:
            others = "".join(f"; {what}: {count}" for what, count in self.counts.items())
            logger.info("falmock: %s%s", self.recorder.redactor.text(self.tally.summary()), others)

    async def fetch_assets(self) -> int:
        """Fetch the files that any fixtures name and that are not on disk; returns how many came."""
        await self.settle()
        for url in self.writer.survey(self.recorder.files.is_file_url):
            self.recorder.files.name(url_key(url))
        return await self.fetch_wanted()

    async def fetch_wanted(self) -> int:
        """Fetch the files that this recording's answers name and the app did not download; returns how many came."""
        wanted, progress, ended = self.writer.wanted(), Progress(), count(1)

        async def fetch(url: str) -> bool:
            came = await self._fetch(url)
            place = next(ended)
            progress.step(lambda: f"{place} of {len(wanted)} files fetched or given up")
            return came

        came = sum(await asyncio.gather(*map(fetch, wanted)))
        if self._fetches.is_stopped:
            logger.warning(
                "falmock: the recording ended before all files were fetched: %d of %d URLs stay in the fixtures",
                len(wanted) - came,
                len(wanted),
            )
        else:
            await self.settle()
        return came

    async def _fetch(self, url: str) -> bool:
        async with self._slots:
            problem = await self._fetches.download(url)
        if problem is not None and not self._fetches.is_stopped:
            shown = url_key(url)
            logger.warning(
                "falmock: the file %s could not be fetched (%s): its URL stays in the fixture", shown, problem
            )
        return problem is None

    def close(self) -> None:
        """End the recording at once: files that have not come yet are not fetched."""
        self._fetches.stop()
        if self._schemas is not None:
            self._schemas.stop()
        self._finish()
        is_written = self._queue.close()
        self._log_totals()
        if is_written:  # else the log names some
            atomic.remove_own(self.writer.folder.root / ASSETS)


def join(parts: list[Content]) -> Content:
    """Join contents: the digest and size of all parts in a row, whose files are removed. Raises OSError."""
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


def _named(result: WriteResult) -> tuple[str, str]:
    answers = f" (answer {result.answers} of this match)" if result.answers > 1 else ""
    return what_of(result.outcome), f"{result.paths[0]}{answers}"


def _show(flow: http.HTTPFlow) -> None:
    """Update mitmproxy's screens, if there are any, after a flow changed."""
    if ctx.master.addons.get("view") is not None:
        ctx.master.addons.trigger(UpdateHook([flow]))
