"""Syncs the write-ahead log in a thread of its own: that costs the event loop less than a task for each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SYNC_AFTER = 0.035
"""How long (seconds) the log is not synced after an outcome came. With the sync itself it stays below 50 ms."""


class LogSync:
    """Calls `sync` soon after it is asked to, once for all who ask meanwhile; `failed` is told an OSError, in the thread."""

    def __init__(self, sync: Callable[[], None], failed: Callable[[OSError], object]) -> None:
        self._sync = sync
        self._failed = failed
        self._due = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="falmock-log", daemon=True)
        self._thread.start()

    def soon(self) -> None:
        """Something was appended."""
        if not self._due.is_set():
            self._due.set()

    def close(self) -> None:
        """Sync no more."""
        self._closed.set()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():  # asked first: `clear` below may be after the `set` of `close`
            self._due.wait()
            if self._closed.is_set():
                return
            time.sleep(SYNC_AFTER)
            self._due.clear()
            try:
                self._sync()
            except OSError as error:
                self._failed(error)
