"""Ends a server by SIGINT and SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

INTERRUPTED = 130


def on_end(stop: Callable[[], None], at_once: Callable[[], None] = lambda: None) -> None:
    """Call `stop` at the first SIGINT or SIGTERM; the second ends the process at once, after a call of `at_once`."""
    loop = asyncio.get_running_loop()
    has_come = False

    def came() -> None:
        nonlocal has_come
        if has_come:
            at_once()
            os._exit(INTERRUPTED)
        has_come = True
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, came)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(came))
