"""A store in this process: dicts. Several clients can use one object."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import islice

from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Outcome


class _Log:
    def __init__(self) -> None:
        self.entries: deque[bytes] = deque()
        self.last = 0


class MemoryStore:
    """Keeps values, sorted sets and logs in this process until their time is over.

    `MemoryStore(clock)`: `clock` is called for the time in seconds, `time.time` by default. A test may give its own.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._values: dict[str, bytes] = {}
        self._sets: dict[str, dict[bytes, float]] = {}
        self._logs: dict[str, _Log] = {}
        self._blobs: dict[str, bytes] = {}
        self._kinds: tuple[dict[str, bytes], dict[str, dict[bytes, float]], dict[str, _Log], dict[str, bytes]]
        self._kinds = (self._values, self._sets, self._logs, self._blobs)
        self._ends: dict[tuple[int, str], float] = {}
        self._due: list[tuple[float, int, str]] = []
        self._watchers: set[asyncio.Event] = set()

    async def load(self, keys: Sequence[str]) -> list[bytes | None]:
        """See `Store.load`."""
        self._expire()
        return [self._values.get(key) for key in keys]

    async def commit(self, commit: Commit) -> Outcome:
        """See `Store.commit`."""
        self._expire()
        if any(self._values.get(key) != value for key, value in commit.expected.items()):
            return Outcome.CONFLICT
        if any(self._count(key, commit.now) >= limit for key, limit in commit.limits.items()):
            return Outcome.FULL
        for key, put in commit.puts.items():
            if put.value is None:
                self._drop(0, key)
            else:
                self._values[key] = put.value
                self._lives(0, key, put.ttl)
        for key in commit.limits:
            self._forget_before(key, commit.now)
        for key, item, at in commit.scores:
            if at is None:
                self._remove(key, item)
            else:
                self._sets.setdefault(key, {})[item] = at
        for key in {score.key for score in commit.scores}:
            self._lives(1, key, commit.score_ttl)
        return Outcome.DONE

    async def ranged(self, key: str, low: float, high: float, limit: int) -> list[tuple[bytes, float]]:
        """See `Store.ranged`."""
        return [(item, at) for at, item in self._sorted(key, low, high)[:limit]]

    async def take(self, key: str, until: float, lease_until: float, limit: int) -> list[bytes]:
        """See `Store.take`."""
        items = [item for _, item in self._sorted(key, float("-inf"), until)[:limit]]
        for item in items:
            self._sets[key][item] = lease_until
        return items

    async def append(self, logs: Sequence[Append]) -> list[int]:
        """See `Store.append`."""
        self._expire()
        numbers = []
        for name, entries, keep, ttl in logs:
            log = self._logs.get(name) or _Log()
            if entries:
                self._logs[name] = log
                log.entries.extend(entries)
                log.last += len(entries)
                while len(log.entries) > keep:
                    log.entries.popleft()
                self._lives(2, name, ttl)
            numbers.append(log.last)
        for watcher in self._watchers:
            watcher.set()
        return numbers

    async def read(self, log: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """See `Store.read`."""
        first, last = await self.bounds(log)
        if after >= last:
            return []
        begin = max(first, after + 1)
        entries = self._logs[log].entries
        return list(enumerate(islice(entries, begin - first, begin - first + limit), begin))

    async def bounds(self, log: str) -> tuple[int, int]:
        """See `Store.bounds`."""
        self._expire()
        held = self._logs.get(log) or _Log()
        return held.last - len(held.entries) + 1, held.last

    async def watch(self, logs: Mapping[str, int], seconds: float) -> set[str]:
        """See `Store.watch`. The time passes by the event loop's clock."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            async with asyncio.timeout(seconds):
                while not (ahead := self._ahead(logs)):
                    changed.clear()
                    await changed.wait()
                return ahead
        except TimeoutError:
            return self._ahead(logs)
        finally:
            self._watchers.discard(changed)

    async def put_blob(self, sha256: str, content: bytes, ttl: float) -> None:
        """See `Store.put_blob`."""
        self._blobs[sha256] = content
        self._lives(3, sha256, ttl)

    async def blob(self, sha256: str) -> bytes | None:
        """See `Store.blob`."""
        self._expire()
        content = self._blobs.get(sha256)
        return content if content is not None and hashlib.sha256(content).hexdigest() == sha256 else None

    async def now(self) -> float:
        """See `Store.now`."""
        return self._clock()

    async def close(self) -> None:
        """Does nothing: other clients may use the same store."""

    def _ahead(self, logs: Mapping[str, int]) -> set[str]:
        self._expire()
        return {log for log, number in logs.items() if log in self._logs and self._logs[log].last > number}

    def _sorted(self, key: str, low: float, high: float) -> list[tuple[float, bytes]]:
        self._expire()
        return sorted((at, item) for item, at in self._sets.get(key, {}).items() if low <= at <= high)

    def _count(self, key: str, now: float) -> int:
        return sum(at >= now for at in self._sets.get(key, {}).values())

    def _forget_before(self, key: str, now: float) -> None:
        for item, at in list(self._sets.get(key, {}).items()):
            if at < now:
                self._remove(key, item)

    def _remove(self, key: str, item: bytes) -> None:
        if (items := self._sets.get(key)) is None:
            return
        items.pop(item, None)
        if not items:
            # as Redis does: the key is gone, and a time to live with it
            self._drop(1, key)

    def _lives(self, kind: int, key: str, ttl: float) -> None:
        """Lets a key live this long from now on. A shorter time than before counts too."""
        if key in self._kinds[kind]:
            ends = self._clock() + ttl
            self._ends[kind, key] = ends
            heapq.heappush(self._due, (ends, kind, key))
            if len(self._due) > 2 * len(self._ends) + 100:
                # most are of times that were changed since
                self._due = [(ends, kind, key) for (kind, key), ends in self._ends.items()]
                heapq.heapify(self._due)

    def _drop(self, kind: int, key: str) -> None:
        self._kinds[kind].pop(key, None)
        self._ends.pop((kind, key), None)

    def _expire(self) -> None:
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            ends, kind, key = heapq.heappop(self._due)
            # of several entries for one key the last one counts
            if self._ends.get((kind, key)) == ends:
                self._drop(kind, key)
