"""What every check runs in: bounds of CPU time and memory, a clock that does not wait, and a look at what was logged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import selectors
import signal
from collections.abc import Coroutine
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from typing import TypeVar

CPU_SECONDS = 5.0
"""How much CPU time one case may take. Ordinary ones take milliseconds: this finds loops and quadratic patterns only."""
MEMORY = 1024 * 1024 * 1024
"""How much more address space one case may take (bytes)."""
LONGEST = 1_000_000.0
"""How long a conversation may last by the loop's own clock (seconds); it takes no real time."""
_STATM = Path("/proc/self/statm")
T = TypeVar("T")


class Unbounded(AssertionError):
    """A case took more than it may."""


class TracebackLogged(AssertionError):
    """An error was caught and logged with a traceback, so it is one that nobody expected."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Limit the CPU time, and on Linux the memory. Raises Unbounded, MemoryError."""
    exceeded = False

    def interrupt(_: int, __: FrameType | None) -> None:
        nonlocal exceeded
        exceeded = True
        raise Unbounded(f"it takes more than {CPU_SECONDS:.0f} s of CPU time")

    before = signal.signal(signal.SIGVTALRM, interrupt)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if _STATM.exists():
        used = int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    if exceeded:  # the code under test caught it
        raise Unbounded(f"it takes more than {CPU_SECONDS:.0f} s of CPU time")


class Log(logging.Handler):
    """Keeps what falmock logs during one case."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def text(self) -> str:
        return "\n".join(record.getMessage() for record in self.records)


@contextlib.contextmanager
def logged() -> Iterator[Log]:
    """What falmock logs. Raises TracebackLogged if a traceback is among it."""
    logger = logging.getLogger("falmock")
    log, level, propagate = Log(), logger.level, logger.propagate
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield log
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)
        logger.propagate = propagate
    for record in log.records:
        if record.exc_info:
            raise TracebackLogged(record.getMessage()) from record.exc_info[1]


class _NoWait(selectors.DefaultSelector):
    """Reports what is ready, and moves a clock forward instead of waiting."""

    now = 1_000_000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Unbounded("it waits for something that never happens")
        self.now += timeout or 0.0
        return ready


class _NoWaitLoop(asyncio.SelectorEventLoop):
    """An event loop that is at the time of its next timer at once."""

    def __init__(self) -> None:
        self._clock = _NoWait()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine without real waiting. Raises Unbounded if it does not end."""

    async def bounded_work() -> T:
        try:
            async with asyncio.timeout(LONGEST):
                return await work
        except TimeoutError:
            raise Unbounded("it does not end") from None

    with asyncio.Runner(loop_factory=_NoWaitLoop) as runner:
        return runner.run(bounded_work())


def clock() -> float:
    """The time of the running loop, which stands in for the time since the epoch."""
    return asyncio.get_running_loop().time()
