"""The queue of recordings to write. A separate thread writes them in order, so that no call waits for the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from mitmproxy import http

from falmock.recording.disk.writer import LostContent
from falmock.recording.disk.writer import Writer
from falmock.recording.document import NotAFixture
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save

logger = logging.getLogger(__name__)
GATHER = 0.25
"""How long (seconds) outcomes are collected: passing and reporting them one by one costs more than the writing."""


class Item(NamedTuple):
    """An outcome to write, and the flow it came from, if any."""

    outcome: Save | Link
    flow: http.HTTPFlow | None


class WriteResult(NamedTuple):
    """The result of writing an outcome: the paths written, the number of answers of its match, and any problem."""

    outcome: Save | Link
    flow: http.HTTPFlow | None
    paths: Sequence[str] = ()
    answers: int = 0
    problem: str | None = None


class WriteQueue:
    """Passes outcomes to the writer; `written` is called with the results, in the event loop. `gather` is in seconds."""

    def __init__(self, writer: Writer, written: Callable[[list[WriteResult]], None], gather: float = GATHER) -> None:
        self._writer = writer
        self._gather = gather
        self._written = written
        self._waiting: list[Item] = []
        self._thread = ThreadPoolExecutor(1, "falmock-writer")
        self._open = 0

    @property
    def is_busy(self) -> bool:
        """Whether an outcome is not written or not reported yet."""
        return self._open > 0

    def put(self, outcome: Save | Link, flow: http.HTTPFlow | None) -> None:
        """Write an outcome soon; needs a running event loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(self._gather, self._hand_over)
        self._waiting.append(Item(outcome, flow))
        self._open += 1

    async def settle(self) -> None:
        """Wait until all outcomes are written and reported."""
        self._hand_over()
        await asyncio.get_running_loop().run_in_executor(self._thread, list)
        await asyncio.sleep(0)

    def close(self) -> None:
        """Write the waiting outcomes, and accept no more."""
        items, self._waiting = self._waiting, []
        self._thread.shutdown(wait=True)
        if items:
            self._report([self._write(item) for item in items])

    def _hand_over(self) -> None:
        items, self._waiting = self._waiting, []
        if items:
            loop = asyncio.get_running_loop()
            self._thread.submit(self._write_all, items, loop)

    def _write_all(self, items: list[Item], loop: asyncio.AbstractEventLoop) -> None:
        done = [self._write(item) for item in items]
        loop.call_soon_threadsafe(self._report, done)

    def _report(self, done: list[WriteResult]) -> None:
        self._open -= len(done)
        self._written(done)

    def _write(self, item: Item) -> WriteResult:
        """Write one outcome; in the thread, except at `close`."""
        outcome = item.outcome
        try:
            return WriteResult(*item, *self._writer.write(outcome))
        except (OSError, NotAFixture, LostContent) as error:
            problem = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        except Exception as error:
            logger.exception("falmock: a recording could not be written")
            problem = type(error).__name__
        contents = [outcome.content] if isinstance(outcome, Link) else [content for content, _ in outcome.contents]
        for content in contents:
            if content.file is not None:
                Path(content.file).unlink(missing_ok=True)
        return WriteResult(*item, problem=problem)
