"""The store in memory: its clock, and what it forgets."""

from __future__ import annotations

import asyncio
import hashlib

from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Outcome
from falmock.store.interface import Put
from falmock.store.interface import Score
from falmock.store.memory import MemoryStore


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_everything_ends_by_the_clock_that_was_given() -> None:
    async def play() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        digest = hashlib.sha256(b"x").hexdigest()
        await store.commit(Commit(puts={"a": Put(b"1", 10)}, scores=[Score("s", b"x", 1)], score_ttl=10))
        await store.append([Append("log", [b"1", b"2", b"3"], 2, 10)])
        await store.put_blob(digest, b"x", 10)
        assert await store.now() == 1000.0
        clock.now = 1009.9
        assert await store.load(["a"]) == [b"1"]
        assert await store.bounds("log") == (2, 3)
        assert await store.read("log", 0, 9) == [(2, b"2"), (3, b"3")]
        assert await store.take("s", 1, 5, 9) == [b"x"]
        assert await store.blob(digest) == b"x"
        clock.now = 1010
        assert await store.load(["a"]) == [None]
        assert await store.bounds("log") == (1, 0)
        assert await store.ranged("s", 0, 9, 9) == []
        assert await store.blob(digest) is None
        assert await store.commit(Commit({"a": None}, limits={"s": 1})) is Outcome.DONE
        assert not any(store._kinds)
        assert not store._ends

    asyncio.run(play())


def test_what_is_written_again_and_again_takes_no_more_memory() -> None:
    async def play() -> None:
        store = MemoryStore(Clock())
        for _ in range(1000):
            await store.commit(Commit(puts={"a": Put(b"1", 10), "b": Put(b"1", 10)}))
            await store.commit(Commit(puts={"b": Put(None, 0)}, scores=[Score("s", b"x", 1)]))
            await store.commit(Commit(scores=[Score("s", b"x", None)]))
        assert len(store._due) < 200
        assert set(store._ends) == {(0, "a")}

    asyncio.run(play())


def test_clients_share_one_store() -> None:
    async def play() -> None:
        store = MemoryStore()
        watching = asyncio.create_task(store.watch({"log": 0}, 5))
        await asyncio.sleep(0)
        await store.close()
        await store.append([Append("log", [b"1"], 9, 60)])
        assert await watching == {"log"}
        assert not store._watchers

    asyncio.run(play())
