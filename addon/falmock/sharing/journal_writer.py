"""Appends to the logs of a store what waits behind the answers: all scopes in one trip, soon after the calls."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from falmock.engine.shared.behind import Behind
from falmock.engine.shared.behind import Item
from falmock.engine.shared.errors import UnknownForm
from falmock.sharing.calls import SharedCalls
from falmock.store.interface import Append
from falmock.store.interface import Unavailable
from falmock.store.interface import Unknown

logger = logging.getLogger(__name__)
SOON = 0.05
"""How long (seconds) an entry waits for others at most."""
BATCH = 128
"""How many entries do not wait longer."""
MOST = 512
"""How many entries are appended in one trip at most."""
_LOGS = 1000
_ANY, _NEVER = 1, 1 << 62
"""With how many items that wait the writer is to be woken."""
_HEAD, _TURN = 500, 16_000
"""About how many bytes of an entry are no body, and how many are made in one go."""
AGAIN = 1.0
"""After how many seconds a store that is away is tried again."""


class JournalWriter:
    """Appends what waits in `behind`; `name` is the name of this falmock among all of the store."""

    def __init__(self, shared: SharedCalls, behind: Behind, name: str) -> None:
        self._shared = shared
        self._behind = behind
        self._name = name
        self._count = 0
        self._timer: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._in_doubt = False
        self._told_dropped = 0
        self._lasts: dict[str, int] = {}
        self.reason = ""
        """Why the last attempt failed; "" if it did not."""
        behind.wake = self._wake

    @property
    def dropped(self) -> int:
        """How many entries were lost while the store was away too long."""
        return self._behind.dropped

    @property
    def waiting(self) -> int:
        """How many entries wait."""
        return len(self._behind)

    @property
    def lag(self) -> float:
        """How long the oldest entry has waited, in seconds; 0 if none waits."""
        since = self._behind.since
        return 0.0 if since is None else max(0.0, self._shared.now() - since)

    def _wake(self) -> None:
        """Something waits. Without an event loop it waits for `flush`."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if loop is not self._loop:
            self._use(loop)
        if self._flushing is not None and not self._flushing.done():
            return
        if len(self._behind) >= BATCH and not self.reason:
            self._start()
            return
        if self._timer is None:
            self._timer = loop.create_task(self._start_after(AGAIN if self.reason else SOON))
        self._behind.enough = _NEVER if self.reason else BATCH

    async def _start_after(self, seconds: float) -> None:
        """A task, and no timer: a loop that ends cancels its tasks, but does not end what a timer starts by then."""
        await asyncio.sleep(seconds)
        self._timer = None
        self._start()

    def _use(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._timer, self._flushing, self._lock = loop, None, None, asyncio.Lock()
        self._behind.enough = _ANY

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop is not None and (self._flushing is None or self._flushing.done()):
            self._behind.enough = _NEVER
            self._flushing = self._loop.create_task(self._flush_behind())

    async def _flush_behind(self) -> None:
        try:
            await self.flush()
        except (Unavailable, UnknownForm):
            pass  # told already
        finally:
            self._flushing = None
            self._behind.enough = _ANY
            task = asyncio.current_task()
            if len(self._behind) and task is not None and not task.cancelling():
                self._wake()

    async def flush(self) -> None:
        """Append all that waits now. Raises Unavailable, UnknownForm: it waits on then."""
        if not len(self._behind):
            return
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._use(loop)
        async with self._lock:
            try:
                await self._place()
                left = len(self._behind)
                while left > 0 and len(self._behind):
                    left -= await self._append(self._behind.first(MOST))
            except (Unavailable, UnknownForm) as error:
                self._failed(error)
                raise
            self._succeeded()

    async def _place(self) -> None:
        if self._behind.has_unplaced:
            placed = await self._shared.run(lambda _: self._behind.place())
            placed()

    async def _append(self, items: list[Item]) -> int:
        """Append these; returns how many they were. Raises Unavailable."""
        written, size = [], 0
        for item in items:
            data = item.made
            if data is None:
                data = self._data(item)
                size += item.size + _HEAD
            if data is not None:
                written.append((item, data))
            if size > _TURN:  # to hide secrets takes time, and calls are not to wait for it
                size = 0
                await asyncio.sleep(0)
        if self._in_doubt:
            written = await self._missing(written)
        by_log: dict[str, list[tuple[Item, bytes]]] = {}
        for item, data in written:
            by_log.setdefault(item.log, []).append((item, data))
        appends = [
            Append(log, [data for _, data in each], each[0][0].keep, each[0][0].ttl) for log, each in by_log.items()
        ]
        try:
            if appends:
                self._look_at(appends, await self._shared.store.append(appends))
        except Unknown:
            self._in_doubt = True
            raise
        self._in_doubt = False
        self._behind.done(items)
        return len(items)

    def _look_at(self, appends: list[Append], numbers: list[int]) -> None:
        """See whether a log began anew: the store has lost what it had."""
        lasts = self._lasts
        is_new = False
        for append, number in zip(appends, numbers, strict=True):
            is_new |= number <= lasts.pop(append.log, 0)
            lasts[append.log] = number
        while len(lasts) > _LOGS:
            del lasts[next(iter(lasts))]
        if is_new:
            logger.warning("falmock: the store has lost a part of the journal: it begins anew")
            self._behind.say_again()

    async def _missing(self, written: list[tuple[Item, bytes]]) -> list[tuple[Item, bytes]]:
        """Those that are not yet in their logs: an attempt before may have succeeded without an answer."""
        there: dict[str, set[bytes]] = {}
        for log in dict.fromkeys(item.log for item, _ in written if item.is_single):
            first, last = await self._shared.store.bounds(log)
            found = await self._shared.store.read(log, max(first, last - 2 * MOST) - 1, 2 * MOST + 1)
            there[log] = {data for _, data in found}
        return [(item, data) for item, data in written if data not in there.get(item.log, ())]

    def _data(self, item: Item) -> bytes | None:
        """The bytes of an item; None if there are none, which must not keep others from being written."""
        try:
            return item.data(self._new_name)
        except Exception:
            logger.exception("falmock: an entry for %s cannot be written", item.log)
            return None

    def _new_name(self) -> str:
        self._count += 1
        return f"{self._name}.{self._count}"

    def _failed(self, error: Exception) -> None:
        if not self.reason:
            logger.warning("falmock: the journal waits for its store: %s", error)
        self.reason = str(error)

    def _succeeded(self) -> None:
        if self.reason:
            dropped = self._behind.dropped - self._told_dropped
            self._told_dropped = self._behind.dropped
            lost = f"; {dropped} entries were dropped, as too many waited" if dropped else ""
            logger.info("falmock: the journal is written again%s", lost)
        self.reason = ""

    async def stop(self) -> None:
        """Write what waits, if the store is there."""
        with suppress(Unavailable, UnknownForm):
            await self.flush()
        left = [task for task in (self._timer, self._flushing) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._timer = None
        self._behind.enough = _ANY
