"""Where recordings wait to be written: in a thread of their own, in order, so that no call waits for a disk."""

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
"""Seconds in which what comes is gathered: handing over and telling one by one costs more than the writing."""


class Item(NamedTuple):
    """An outcome to be written, and the flow it came from."""

    outcome: Save | Link
    flow: http.HTTPFlow | None


class WriteResult(NamedTuple):
    """What became of an outcome: the files written, how many answers of its match there are, or what went wrong."""

    outcome: Save | Link
    flow: http.HTTPFlow | None
    paths: Sequence[str] = ()
    answers: int = 0
    problem: str | None = None


class WriteQueue:
    """Hands outcomes to the writer; `kept` hears of them in the event loop, when they are on disk."""

    def __init__(self, writer: Writer, kept: Callable[[list[WriteResult]], None], gather: float = GATHER) -> None:
        self._writer = writer
        self._gather = gather
        self._kept = kept
        self._waiting: list[Item] = []
        self._thread = ThreadPoolExecutor(1, "falmock-writer")
        self._open = 0

    @property
    def is_busy(self) -> bool:
        """Whether something that was put here is not written yet, or not told."""
        return self._open > 0

    def put(self, outcome: Save | Link, flow: http.HTTPFlow | None) -> None:
        """Have an outcome written soon; needs a running event loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(self._gather, self._hand_over)
        self._waiting.append(Item(outcome, flow))
        self._open += 1

    async def settle(self) -> None:
        """Wait until all that was put here is written, and told."""
        self._hand_over()
        await asyncio.get_running_loop().run_in_executor(self._thread, list)
        await asyncio.sleep(0)

    def close(self) -> None:
        """Write what is waiting, and take no more."""
        items, self._waiting = self._waiting, []
        self._thread.shutdown(wait=True)
        if items:
            self._tell([self._write(item) for item in items])

    def _hand_over(self) -> None:
        items, self._waiting = self._waiting, []
        if items:
            loop = asyncio.get_running_loop()
            self._thread.submit(self._write_all, items, loop)

    def _write_all(self, items: list[Item], loop: asyncio.AbstractEventLoop) -> None:
        done = [self._write(item) for item in items]
        loop.call_soon_threadsafe(self._tell, done)

    def _tell(self, done: list[WriteResult]) -> None:
        self._open -= len(done)
        self._kept(done)

    def _write(self, item: Item) -> WriteResult:
        """Write one outcome; in the thread, but for the last."""
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
