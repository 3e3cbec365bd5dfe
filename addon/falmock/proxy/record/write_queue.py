"""The queue of recordings to write.

Each goes to the write-ahead log before the app has its answer, so that nothing is lost if the process is killed; a thread
syncs the log soon after. Another thread writes what came to the fixture files, many at a time, so that no call waits for
them. What the disk refuses is kept and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from mitmproxy import http

from falmock.fixtures.disk.walk import ASSETS
from falmock.proxy.record.log_sync import LogSync
from falmock.recording.disk.recovery import text_of
from falmock.recording.disk.write_ahead_log import WriteAheadLog
from falmock.recording.disk.writer import LostContent
from falmock.recording.disk.writer import Writer
from falmock.recording.document import NotAFixture
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.outcome import contents_of
from falmock.recording.outcome import what_of
from falmock.recording.write_ahead import records
from falmock.serving.spool import Spool
from falmock.wire.message import Content

logger = logging.getLogger(__name__)
WRITE_AFTER = 1.0
"""How long (seconds) outcomes are collected before they are written to the fixture files."""
TRY_AGAIN_AFTER = 1.0
"""How long (seconds) after it was refused it is tried again."""
MAX_KEPT = 64 * 1024 * 1024
"""How much (bytes) that is on no disk is kept in memory, to be tried again."""


class Item(NamedTuple):
    """An outcome to write, the flow it came from, if any, and its number in the log, if it is there.

    `size`: how much memory (bytes) it takes, about. `was_refused`: by the disk, before.
    """

    outcome: Save | Link
    flow: http.HTTPFlow | None
    number: int | None
    size: int
    was_refused: bool = False


class WriteResult(NamedTuple):
    """The result of writing an item: the paths written, the number of answers of its match, and any problem."""

    outcome: Save | Link
    flow: http.HTTPFlow | None
    size: int
    paths: Sequence[str] = ()
    answers: int = 0
    problem: str | None = None


class WriteQueue:
    """Passes outcomes to the log and to the writer; `written` is called with the results, in the event loop.

    `redact` takes secrets out of a text. `at_once`: write to the fixture files without delay.
    """

    def __init__(
        self,
        writer: Writer,
        written: Callable[[list[WriteResult]], None],
        redact: Callable[[str], str],
        *,
        at_once: bool = False,
    ) -> None:
        self._writer = writer
        self._written = written
        self._redact = redact
        self._write_after = 0.0 if at_once else WRITE_AFTER
        self._log = WriteAheadLog(writer.folder.root)
        writer.note_before = self._log.note_before
        self._waiting: list[Item] = []
        self._kept: list[tuple[Item, str]] = []
        """What was refused, and why; it is tried again."""
        self._refused = 0
        """How many outcomes were refused and kept since the disk last took all."""
        self._done: deque[tuple[list[WriteResult], list[tuple[Item, str]]]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sync = LogSync(self._log.sync, self._sync_failed)
        self._thread = ThreadPoolExecutor(1, "falmock-writer")
        self._is_due = self._is_closed = False
        self._open = 0
        """How many outcomes are not written or not reported yet."""
        self._size = 0
        """How much memory (bytes) they take, about."""
        self._start()

    def _start(self) -> None:
        with contextlib.suppress(OSError):  # it is tried again whenever something is written
            self._log.start()

    @property
    def is_busy(self) -> bool:
        """Whether an outcome is not written or not reported yet."""
        return self._open > 0

    def put(self, outcome: Save | Link, flow: http.HTTPFlow | None) -> None:
        """Write an outcome to the log now, and to the fixture files soon; needs a running event loop."""
        outcome = self._with_files(outcome)
        record = records.of_outcome(outcome, self._redact)
        number, problem = None, ""
        try:
            number = self._log.append(record)
        except (OSError, ValueError) as error:
            problem = text_of(error)
        size = len(str(record)) if number is None else self._log.size_of(number)
        size += sum(len(content.data or b"") for content, _ in contents_of(outcome))
        item = Item(outcome, flow, number, size)
        self._open += 1
        self._size += size
        if number is None and self._size > MAX_KEPT:
            self._report([self._given_up(item, f"{problem}, and {MAX_KEPT >> 20} MiB wait in memory")])
            return
        self._waiting.append(item)
        if number is not None:
            self._loop = self._loop or asyncio.get_running_loop()
            self._sync.soon()
        soon = 0.0 if number is None else self._write_after
        self._write_soon(TRY_AGAIN_AFTER if self._refused else soon)

    def _with_files(self, outcome: Save | Link) -> Save | Link:
        """The outcome with its contents in temporary files, which the log names."""
        if all(content.data is None for content, _ in contents_of(outcome)):
            return outcome
        contents = tuple((self._in_file(content), content_type) for content, content_type in contents_of(outcome))
        if isinstance(outcome, Save):
            return outcome._replace(contents=contents)
        return outcome._replace(content=contents[0][0])

    def _in_file(self, content: Content) -> Content:
        if content.data is None:
            return content
        spool = Spool(self._writer.folder.root / ASSETS)
        spool(content.data)
        spooled = spool.content()
        return content if spooled.file is None else spooled

    async def settle(self) -> None:
        """Wait until all outcomes are written and reported, or refused."""
        self._hand_over()
        await asyncio.get_running_loop().run_in_executor(self._thread, list)
        self._take_results()

    def close(self) -> bool:
        """Write what is left, and accept no more; returns whether all is written."""
        self._is_closed = True
        self._sync.close()
        self._thread.shutdown(wait=True)
        self._take_results()
        self._done.append(self._write(self._taken()))
        self._take_results()
        rest, self._kept = self._kept, []
        self._report([self._given_up(item, why) for item, why in rest])
        with contextlib.suppress(OSError):
            self._log.sync()
        return self._log.close()

    def _sync_failed(self, error: OSError) -> None:
        logger.warning("falmock: the log of recordings could not be synced: %s", text_of(error))
        if self._loop is not None and not self._is_closed:
            self._loop.call_soon_threadsafe(self._hand_over)

    # the fixture files

    def _write_soon(self, seconds: float) -> None:
        if not self._is_due or not seconds:
            self._is_due = True
            asyncio.get_running_loop().call_later(seconds, self._hand_over)

    def _taken(self) -> list[Item]:
        """What is to be written now."""
        items = [*(item for item, _ in self._kept), *self._waiting]
        self._kept, self._waiting, self._is_due = [], [], False
        return items

    def _hand_over(self) -> None:
        items = [] if self._is_closed else self._taken()
        if items:
            self._thread.submit(self._write_all, items, asyncio.get_running_loop())

    def _write_all(self, items: list[Item], loop: asyncio.AbstractEventLoop) -> None:
        self._done.append(self._write(items))
        loop.call_soon_threadsafe(self._take_results)

    def _write(self, items: list[Item]) -> tuple[list[WriteResult], list[tuple[Item, str]]]:
        """Write outcomes; the results, and what is to be tried again. In the thread, except at `close`."""
        results: list[WriteResult] = []
        kept: list[tuple[Item, str]] = []
        over: list[int] = []
        for item, written in zip(items, self._writer.write([item.outcome for item in items]), strict=True):
            if isinstance(written, OSError):
                kept.append((item, text_of(written)))
                continue
            if isinstance(written, Exception):
                results.append(_failed(item, _reason(written)))
                if item.number is None or isinstance(written, LostContent):
                    _drop(item.outcome)
            else:
                results.append(WriteResult(item.outcome, item.flow, item.size, written.paths, written.answers))
            if item.number is not None and not isinstance(written, NotAFixture):  # that stays in the log
                over.append(item.number)
        with contextlib.suppress(OSError):  # it is written once more after a crash, and is then as it is
            self._log.start()
            self._log.done(over, lambda: self._writer.state(self._redact))
        return results, kept

    def _take_results(self) -> None:
        while self._done:
            results, refused = self._done.popleft()
            if refused:
                results += self._keep(refused)
            self._report(results)
            if self._refused and not refused and not self._kept:
                logger.info(
                    "falmock: the disk takes recordings again: all %d that it refused are written", self._refused
                )
                self._refused = 0

    def _keep(self, refused: list[tuple[Item, str]]) -> list[WriteResult]:
        """Keep what the disk refused; the results of what there is no room for."""
        if not self._refused:
            item, why = refused[0]
            logger.error(_REFUSED, self._redact(what_of(item.outcome)), why)
        given_up = []
        room = MAX_KEPT - sum(item.size for item, _ in self._kept)
        for item, why in refused:
            room -= item.size
            if room < 0:
                given_up.append(self._given_up(item, why))
            else:
                self._refused += not item.was_refused
                self._kept.append((item._replace(was_refused=True), why))
        if self._kept and not self._is_closed:
            self._write_soon(TRY_AGAIN_AFTER)
        return given_up

    def _report(self, results: list[WriteResult]) -> None:
        self._open -= len(results)
        self._size -= sum(result.size for result in results)
        if results:
            self._written(results)

    def _given_up(self, item: Item, why: str) -> WriteResult:
        """The result of an outcome that is not tried again."""
        if item.number is not None:
            return _failed(item, f"{why}. It is in {self._log.path}, and the next recorder writes it")
        _drop(item.outcome)
        return _failed(item, f"{why}. It is lost")


_REFUSED = (
    "falmock: %s could not be written: %s. What was recorded before is as it was. This and what follows is kept, and tried "
    "again until the recording ends"
)


def _reason(error: Exception) -> str:
    if isinstance(error, NotAFixture | LostContent):
        return str(error)
    logger.error("falmock: a recording could not be written", exc_info=error)
    return type(error).__name__


def _failed(item: Item, problem: str) -> WriteResult:
    return WriteResult(item.outcome, item.flow, item.size, problem=problem)


def _drop(outcome: Save | Link) -> None:
    """Remove the temporary files of an outcome that is given up."""
    for content, _ in contents_of(outcome):
        if content.file is not None:
            Path(content.file).unlink(missing_ok=True)
