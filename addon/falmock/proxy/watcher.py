"""Notices changes of the fixtures on disk by looking, which also works on network and container mounts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from falmock.fixtures.store import FixtureErrors
from falmock.fixtures.store import Library
from falmock.fixtures.store import Store

logger = logging.getLogger(__name__)
INTERVAL = 0.5
SHARE = 0.01
"""The share of the time that looking may take: large folders are looked at less often."""


class Watcher:
    """Looks at a store in the background and hands every good new load to `use`."""

    def __init__(self, store: Store, use: Callable[[Library], None]) -> None:
        self._store = store
        self._use = use
        self._task: asyncio.Task[None] | None = None
        self._poked = asyncio.Event()
        self._looking = asyncio.Lock()

    def poke(self) -> None:
        """Look now: something is known to have changed."""
        self._poked.set()

    def start(self) -> None:
        """Begin to look; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        wait = INTERVAL
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), wait)
            self._poked.clear()
            started = time.monotonic()
            await self.look()
            wait = max(INTERVAL, (time.monotonic() - started) / SHARE)

    async def look(self) -> None:
        """Look, and load what changed."""
        async with self._looking:
            with contextlib.suppress(OSError):
                if await asyncio.to_thread(self._store.changed):
                    await self._reload()

    async def _reload(self) -> None:
        try:
            library = await asyncio.to_thread(self._store.load)
        except FixtureErrors as error:
            logger.warning(
                "falmock: fixtures changed on disk and cannot be loaded; the old ones stay in use. %s", error
            )
        else:
            self._use(library)
