"""Tells how far long work is, now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)
EVERY = 5.0
"""How many seconds are between two lines, and before the first."""


class Progress:
    """Logs a line every few seconds; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + EVERY

    def step(self, text: Callable[[], str]) -> None:
        """Some work is done: log this text if it is time for a line."""
        now = self._clock()
        if now >= self._next:
            self._next = now + EVERY
            logger.info("falmock: %s", text())
