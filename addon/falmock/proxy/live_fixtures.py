"""The fixtures in use: loaded from disk, given to the engine, and read again when they change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from falmock.engine.engines import Engines
from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.disk.loader import LoadedFixtures
from falmock.fixtures.matching.index import Index
from falmock.proxy.banner import counted
from falmock.proxy.miss_log import MissLog

logger = logging.getLogger(__name__)


class LiveFixtures:
    """What is loaded at the moment, and from where; `store` is None until something is."""

    def __init__(self, engine: Engines, misses: MissLog) -> None:
        self.store: FixtureLoader | None = None
        self.library = LoadedFixtures(Index(), 0, ())
        self._engine = engine
        self._misses = misses
        self._watcher: Watcher | None = None

    def load(self, store: FixtureLoader) -> None:
        """Use the fixtures of this store, and no others. Raises FixtureErrors, and then nothing changes."""
        library = store.load()
        self.stop_watching()
        self.store = store
        self._take(library)

    def reload(self) -> str:
        """Read the fixtures again now, and tell what is loaded.

        Raises FixtureErrors, or OSError where there are none.
        """
        if self.store is None:
            raise OSError("there are no fixtures: falmock is not configured")
        library = self.store.load()
        self._take(library)
        return f"fixtures read again: {counted(library)}"

    def watch(self) -> None:
        """Notice from now on what changes on disk; needs a running event loop."""
        if self.store is not None and self._watcher is None:
            self._watcher = Watcher(self.store, self._reloaded)
            self._watcher.start()

    def stop_watching(self) -> None:
        """Look at the disk no more."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def poke(self) -> None:
        """Something is known to have changed on disk: read it soon, if it is watched."""
        if self._watcher is not None:
            self._watcher.poke()

    async def look(self) -> None:
        """Have what changed on disk in use, if it is watched."""
        if self._watcher is not None:
            await self._watcher.look()

    def _reloaded(self, library: LoadedFixtures) -> None:
        self._take(library)
        logger.info("falmock: fixtures changed on disk: %s", counted(library))

    def _take(self, library: LoadedFixtures) -> None:
        self.library = library
        self._engine.use_fixtures(library.index)
        self._engine.use_faults(library.faults)
        self._misses.clear()
        for warning in library.warnings:
            logger.warning("falmock: %s", warning)


INTERVAL = 0.5
SHARE = 0.01
"""The share of the time that looking may take: large folders are looked at less often."""
LONGEST = 10.0
"""Seconds after which it looks in any case: a machine may be slow for a moment."""


class Watcher:
    """Looks at a store in the background and hands every good new load to `use`."""

    def __init__(self, store: FixtureLoader, use: Callable[[LoadedFixtures], None]) -> None:
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
