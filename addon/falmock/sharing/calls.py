"""Calls whose state is in a store: loads what a call needs, lets the engine decide, and commits what it decided."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import TypeVar

from falmock.engine.shared.behind import Behind
from falmock.engine.shared.current import Current
from falmock.engine.shared.needs import Blob
from falmock.engine.shared.needs import Bounds
from falmock.engine.shared.needs import Entries
from falmock.engine.shared.needs import FileContent
from falmock.engine.shared.needs import Flushed
from falmock.engine.shared.needs import Needed
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.needs import Ranged
from falmock.engine.shared.needs import Record
from falmock.engine.shared.transaction import Start
from falmock.engine.shared.transaction import Transaction
from falmock.sharing.contents import SharedContents
from falmock.store.interface import Outcome
from falmock.store.interface import Store
from falmock.store.interface import Unavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")
ATTEMPTS = 100
"""How often a call is decided at most, when others change what it depends on again and again."""
BETWEEN_LOOKS = 60.0
"""Seconds between two looks at the store's clock."""
MUCH = 0.25
"""How far (seconds) the clock here may be from the store's without a warning."""
SHORTEST, LONGEST = 0.0005, 0.05
"""How long (seconds) a call waits at most that was disturbed, the second time and after many."""
_REMEMBERED, _SHORT = 2000, 4096
"""How many records are believed at most, and how long (bytes) that of a new job may be."""
SCORE_TTL = 30 * 24 * 3600.0
"""How long (seconds) sorted sets live after the last write; their items end by their scores."""


class SharedCalls:
    """Runs decisions on shared state.

    `clock` returns seconds since the epoch, by this machine; `offset` is what the store's clock is ahead of it in seconds.
    `shown` is the store's address for people.
    """

    contents: SharedContents
    """The content of files; set before the first call."""

    def __init__(
        self, store: Store, current: Current, clock: Callable[[], float], offset: float = 0.0, shown: str = ""
    ) -> None:
        self.store = store
        self.shown = shown
        self._current = current
        self._clock = clock
        self.offset = offset
        self._believed: OrderedDict[str, bytes | None] = OrderedDict()
        self._awaited: dict[str, bytes] = {}
        self._starts: dict[str, Start] = {}
        self._looked = clock()
        self._is_told = False
        if abs(offset) > MUCH:
            self._set_offset(offset)
        self._turn = asyncio.Lock()
        self._is_failing = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self.join: Callable[[], Awaitable[None]] | None = None
        """Called before a call: this falmock is to be known to the others before it answers any."""
        self.has_joined: Callable[[float], bool] = _never
        """Whether it is known at a time, so that `join` need not be called."""
        self.flush_all: Callable[[], Awaitable[None]] = _nothing
        """Has all falmocks of the store append to logs what waits. Raises Unavailable."""

    @property
    def behind(self) -> Behind:
        """What is appended to logs after the commits."""
        return self._current.behind

    def now(self) -> float:
        """The time by the store's clock, in seconds since the epoch."""
        return self._clock() + self.offset

    async def run(
        self,
        decide: Callable[[float], T],
        expected: Sequence[Needed] = (),
        scope: str | None = None,
        about: str = "",
    ) -> T:
        """What `decide` returns for the current time, committed.

        It is called again when something is to be loaded, or was changed by others. `expected` is loaded with what it needs
        first. With a `scope`, it begins as the last one of it began (see `Transaction.note_start`), and the record that it
        is `about` (see Start) is loaded before it is called. Raises Unavailable.
        """
        here = self._clock()
        if self.join is not None and not self.has_joined(here + self.offset):
            await self.join()
        if not 0.0 <= here - self._looked < BETWEEN_LOOKS:
            self._look_at_clock(here)
        start = None if scope is None else self._starts.get(scope)
        transaction = Transaction(here + self.offset, self._believed, start)
        if about and start is not None:
            key = start.about + about
            awaited = self._awaited.pop(key, None)
            if awaited is None:
                names = (*start.records, key)
                transaction.load(zip(names, await self.store.load(names), strict=True))
                transaction.go_on()
            else:
                transaction.hope(key, awaited)
        try:
            result = self._current.decide(transaction, decide)
            is_done = transaction.is_seen or await self._is_committed(transaction)
        except NotLoaded as missing:
            await self._load(transaction, (*missing.needed, *expected))
            is_done = False
        if not is_done:
            result = await self._decided(transaction, decide)
        self._believe(transaction)
        if scope is not None and transaction.start is not start:
            self._keep_start(scope, transaction.noted())
        if self._is_failing:
            logger.info("falmock: the shared state is available again")
            self._is_failing = False
        transaction.after()
        return result

    async def _decided(self, transaction: Transaction, decide: Callable[[float], T]) -> T:
        """What `decide` returns, committed: it was called once already."""
        has_turn = False
        conflicts = 0
        try:
            for _ in range(ATTEMPTS - 1):
                if transaction.conflicts > conflicts:
                    conflicts = transaction.conflicts
                    if conflicts == 1:  # those of this falmock that meet one another take turns
                        has_turn = await self._turn.acquire()
                    else:
                        await asyncio.sleep(random.uniform(0.0, min(LONGEST, SHORTEST * 2**conflicts)))  # noqa: S311
                    await self._load(transaction, ())
                try:
                    result = self._current.decide(transaction, decide)
                except NotLoaded as missing:
                    await self._load(transaction, missing.needed)
                    continue
                if transaction.is_seen or await self._is_committed(transaction):
                    return result
        finally:
            if has_turn:
                self._turn.release()
        raise Unavailable(f"others changed what this call depends on {ATTEMPTS} times while it was decided")

    def start(self, decide: Callable[[float], T]) -> asyncio.Task[T]:
        """As `run`, for a caller who cannot wait and looks whether the task is done."""
        task = asyncio.get_running_loop().create_task(self.run(decide))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def stop(self) -> None:
        """End what goes on in the background."""
        for task in self._tasks:
            task.cancel()

    def _look_at_clock(self, now: float) -> None:
        """See how far the store's clock is from the one here; calls do not wait for it."""
        self._looked = now
        task = asyncio.get_running_loop().create_task(self._take_offset())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_offset(self) -> None:
        before = self._clock()
        try:
            at = await self.store.now()
        except Unavailable:
            return  # the calls tell it
        after = self._clock()
        if 0.0 <= after - before < MUCH:  # else it is not known when the store looked
            self._set_offset(at - (before + after) / 2)

    def _set_offset(self, offset: float) -> None:
        if abs(offset - self.offset) > MUCH or (abs(offset) > MUCH and not self._is_told):
            self._is_told = True
            logger.warning(
                "falmock: the clock here is %.3g s %s the store's; all falmocks go by the store's",
                abs(offset),
                "behind" if offset > 0 else "ahead of",
            )
        self.offset = offset

    def note_failure(self, error: Exception) -> None:
        """A call failed for want of its state: tell it once, until a call succeeds again."""
        if not self._is_failing:
            logger.warning("falmock: the shared state is not available: %s", error)
        self._is_failing = True

    async def _load(self, transaction: Transaction, needed: Iterable[Needed]) -> None:
        """Load what is needed, and again the records read so far: what the engine sees is of one moment."""
        records: dict[str, Record] = {}
        rest: list[Needed] = []
        keys = dict.fromkeys(transaction.keys_read)
        for each in needed:
            if isinstance(each, str):
                keys[each] = None
            elif isinstance(each, Record):
                records[each.key] = each
                keys[each.key] = None
            else:
                rest.append(each)
        names = list(keys)
        if not rest:
            values = await self.store.load(names)
            if not records:
                transaction.load(zip(names, values, strict=True))
                return
            found, others = values, []
        else:
            found, *others = await asyncio.gather(self.store.load(names), *map(self._other, rest))
        for key, value in zip(names, found, strict=True):
            transaction.loaded(records.get(key, key), value)
        for each, other in zip(rest, others, strict=True):
            transaction.loaded(each, other)

    async def _other(self, needed: Needed) -> Any:
        store = self.store
        match needed:
            case Ranged():
                return await store.ranged(*needed)
            case Entries():
                return await store.read(*needed)
            case Bounds():
                return await store.bounds(needed.log)
            case Blob():
                return await store.blob(needed.sha256)
            case Flushed():
                await self.flush_all()
                return True
            case FileContent():
                return await self.contents.get(needed.sha256)
        raise TypeError(f"nothing loads {needed!r}")

    async def _is_committed(self, transaction: Transaction) -> bool:
        if not transaction.writes:
            unseen = transaction.unseen
            if not unseen:
                return True
            await self._load(transaction, unseen)
            return transaction.is_trusting
        for sha256, (content, ttl) in transaction.contents.items():
            if sha256 not in transaction.written:  # who finds the record finds the content
                await self.contents.put(content, ttl)
                transaction.written.add(sha256)
        outcome = await self.store.commit(transaction.commit(SCORE_TTL))
        if outcome is Outcome.FULL:
            transaction.full()
        elif outcome is Outcome.CONFLICT:
            was_hoping = transaction.is_hoping
            transaction.forget()
            if was_hoping:
                await self._load(transaction, ())
        return outcome is Outcome.DONE

    def _believe(self, transaction: Transaction) -> None:
        """Remember the records that most calls depend on, as they are now."""
        found = transaction.to_believe()
        if found:
            believed = self._believed
            for key, value in found:
                believed[key] = value
                believed.move_to_end(key)
            while len(believed) > _REMEMBERED:
                believed.popitem(last=False)
        if transaction.awaited:
            for key, value in transaction.awaited.items():
                if len(value) <= _SHORT:
                    self._awaited[key] = value
            while len(self._awaited) > _REMEMBERED:
                del self._awaited[next(iter(self._awaited))]

    def _keep_start(self, scope: str, start: Start | None) -> None:
        starts = self._starts
        starts.pop(scope, None)
        if start is not None:
            starts[scope] = start
            if len(starts) > _REMEMBERED:
                del starts[next(iter(starts))]


def _never(_: float) -> bool:
    return False


async def _nothing() -> None:
    """Nothing is appended."""
