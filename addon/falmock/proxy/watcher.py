"""Notices changes of the fixtures on disk by looking, which also works on network and container mounts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.disk.loader import Library
from falmock.fixtures.disk.loader import Store

logger = logging.getLogger(__name__)
INTERVAL = 0.5
SHARE = 0.01
"""The share of the time that looking may take: large folders are looked at less often."""
LONGEST = 10.0
"""Seconds after which it looks in any case: a machine may be slow for a moment."""


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
            wait = min(max(INTERVAL, await self.look() / SHARE), LONGEST)

    async def look(self) -> float:
        """Look, and load what changed; the seconds that looking took."""
        async with self._looking:
            started = time.monotonic()
            changed = False
            with contextlib.suppress(OSError):
                changed = await asyncio.to_thread(self._store.changed)
            took = time.monotonic() - started
            if changed:
                with contextlib.suppress(OSError):
                    await self._reload()
            return took

    async def _reload(self) -> None:
        try:
            library = await asyncio.to_thread(self._store.load)
        except FixtureErrors as error:
            logger.warning(
                "falmock: fixtures changed on disk and cannot be loaded; the old ones stay in use. %s", error
            )
        else:
            self._use(library)
