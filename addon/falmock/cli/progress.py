"""Shows on a terminal how far long work is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import IO
from typing import TypeVar

T = TypeVar("T")
_DELAY, _EVERY = 0.5, 0.1
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """A line on standard error, if it is a terminal; work that takes less than half a second shows none."""

    def __init__(self, file: IO[str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = sys.stderr if file is None else file
        self._clock = clock

    def through(self, items: Sequence[T], what: str) -> Iterator[T]:
        """The items one by one, with their number and this text on the line, which is removed at the end."""
        if not self._file.isatty():
            yield from items
            return
        due = self._clock() + _DELAY
        shown = False
        try:
            for place, item in enumerate(items):
                now = self._clock()
                if now >= due:
                    due, shown = now + _EVERY, True
                    self._show(f"{_CLEAR}{what}: {place} of {len(items)} files")
                yield item
        finally:
            if shown:
                self._show(_CLEAR)

    def _show(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
