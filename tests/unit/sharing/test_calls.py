"""Decisions on shared state: made again until what they depend on has not changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from falmock.engine.shared.current import Current
from falmock.engine.shared.needs import Blob
from falmock.engine.shared.needs import Bounds
from falmock.engine.shared.needs import Entries
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.needs import Ranged
from falmock.sharing import calls as shared_calls
from falmock.sharing.calls import SharedCalls
from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Put
from falmock.store.interface import Unavailable
from falmock.store.memory import MemoryStore
from unit.stores import Counting


class Counted(Counting):
    """A store that counts its round trips, and does something before one of them."""

    first: Callable[[str], Any] | None = None

    async def before(self, name: str) -> None:
        await super().before(name)
        if self.first is not None:
            await self.first(name)


class Falmock:
    def __init__(self, memory: MemoryStore | None = None, offset: float = 0.0) -> None:
        self.memory = memory or MemoryStore(lambda: 100.0)
        self.store = Counted(self.memory)
        self.current = Current()
        self.calls = SharedCalls(self.store, self.current, lambda: 100.0 - offset, offset)  # type: ignore[arg-type]

    def add(self, key: str) -> Callable[[float], int]:
        def decide(_: float) -> int:
            transaction = self.current.transaction
            count = int(transaction.get(key) or b"0") + 1
            transaction.put(key, str(count).encode(), 60.0)
            return count

        return decide

    def read(self, key: str) -> Callable[[float], bytes | None]:
        return lambda _: self.current.transaction.get(key)


def test_one_trip_to_load_and_one_to_commit() -> None:
    falmock = Falmock()
    assert asyncio.run(falmock.calls.run(falmock.add("a"))) == 1
    assert falmock.store.trips == ["load", "commit"]


def test_the_time_is_the_stores() -> None:
    falmock = Falmock(offset=10.0)
    assert asyncio.run(falmock.calls.run(lambda now: now)) == 100.0
    assert falmock.store.trips == []


def test_what_is_believed_is_looked_at_before_the_answer() -> None:
    falmock, other = Falmock(), None
    asyncio.run(falmock.calls.run(falmock.read("s:setup")))
    falmock.store.trips.clear()
    assert asyncio.run(falmock.calls.run(falmock.read("s:setup"))) is None
    assert falmock.store.trips == ["load"]
    other = Falmock(falmock.memory)
    asyncio.run(other.calls.run(other.add("s:setup")))
    assert asyncio.run(falmock.calls.run(falmock.read("s:setup"))) == b"1"
    falmock.store.trips.clear()
    assert asyncio.run(falmock.calls.run(falmock.add("s:setup"))) == 2
    assert falmock.store.trips == ["commit"], "the commit looks at it as well"
    assert asyncio.run(other.calls.run(other.add("s:setup"))) == 3, "what it believed is not true any more"


def test_others_in_between_are_not_overwritten() -> None:
    falmock = Falmock()
    left = 3

    async def interfere(name: str) -> None:
        nonlocal left
        if name == "commit" and left:
            left -= 1
            found = await falmock.memory.load(["a"])
            count = int(found[0] or b"0") + 10
            await falmock.memory.commit(Commit(puts={"a": Put(str(count).encode(), 60.0)}))

    falmock.store.first = interfere
    assert asyncio.run(falmock.calls.run(falmock.add("a"))) == 31


def test_no_end_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_calls, "ATTEMPTS", 5)
    falmock = Falmock()
    count = 0

    async def interfere(_: str) -> None:
        nonlocal count
        count += 1
        await falmock.memory.commit(Commit(puts={"a": Put(str(count).encode(), 60.0)}))

    falmock.store.first = interfere
    with pytest.raises(Unavailable, match="others changed"):
        asyncio.run(falmock.calls.run(falmock.add("a")))


def test_what_is_loaded_is_of_one_moment() -> None:
    falmock = Falmock()

    async def interfere(name: str) -> None:
        if name == "load" and falmock.store.trips.count("load") == 2:
            await falmock.memory.commit(Commit(puts={key: Put(b"new", 60.0) for key in ("a", "b")}))

    falmock.store.first = interfere

    def decide(_: float) -> tuple[bytes | None, bytes | None]:
        transaction = falmock.current.transaction
        return transaction.get("a"), transaction.get("b")

    assert asyncio.run(falmock.calls.run(decide)) == (b"new", b"new")


def test_all_that_can_be_needed() -> None:
    falmock = Falmock()

    async def prepare() -> None:
        await falmock.memory.append([Append("log", [b"one", b"two"], 10, 60.0)])
        await falmock.memory.put_blob("ab", b"content", 60.0)

    asyncio.run(prepare())
    needs = (Ranged("set", 0.0, 9.0, 5), Entries("log", 1, 5), Bounds("log"), Blob("ab"))

    def decide(_: float) -> list[Any]:
        transaction = falmock.current.transaction
        try:
            return [transaction.need(each) for each in needs]
        except NotLoaded:
            raise NotLoaded(*needs) from None

    assert asyncio.run(falmock.calls.run(decide)) == [[], [(2, b"two")], (1, 2), None]


def test_effects_come_after_the_commit() -> None:
    falmock = Falmock()
    happened: list[list[str]] = []

    def decide(_: float) -> None:
        falmock.add("a")(0.0)
        falmock.current.transaction.later(lambda: happened.append(list(falmock.store.trips)))

    asyncio.run(falmock.calls.run(decide))
    assert happened == [["load", "commit"]]


def test_a_store_that_is_away_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    falmock = Falmock()
    caplog.set_level(logging.INFO)
    for _ in range(3):
        falmock.calls.note_failure(Unavailable("it is away"))
    asyncio.run(falmock.calls.run(falmock.add("a")))
    asyncio.run(falmock.calls.run(falmock.add("a")))
    assert [record.message for record in caplog.records] == [
        "falmock: the shared state is not available: it is away",
        "falmock: the shared state is available again",
    ]


def test_in_the_background() -> None:
    async def work() -> tuple[int, bool]:
        falmock = Falmock()
        task = falmock.calls.start(falmock.add("a"))
        stopped = falmock.calls.start(falmock.add("b"))
        result = await task
        again = falmock.calls.start(falmock.add("b"))
        falmock.calls.stop()
        await asyncio.wait((again, stopped))
        return result, again.cancelled()

    assert asyncio.run(work()) == (1, True)


def test_the_clock_is_looked_at_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    time = 100.0
    memory = MemoryStore(lambda: time + 3.0)
    falmock = Falmock(memory)
    calls = SharedCalls(falmock.store, falmock.current, lambda: time)  # type: ignore[arg-type]

    async def work() -> list[float]:
        nonlocal time
        offsets = []
        for seconds in (1.0, shared_calls.BETWEEN_LOOKS, 1.0, -500.0):
            time += seconds
            await calls.run(lambda now: now)
            await asyncio.sleep(0.01)
            offsets.append(calls.offset)
        falmock.store.first = away
        time += 100.0
        await calls.run(lambda now: now)
        await asyncio.sleep(0.01)
        return offsets

    async def away(_: str) -> None:
        raise Unavailable("it is away")

    assert asyncio.run(work()) == [0.0, 3.0, 3.0, 3.0]
    assert [record.message for record in caplog.records] == [
        "falmock: the clock here is 3 s behind the store's; all falmocks go by the store's"
    ]
    assert falmock.store.trips.count("now") == 3


def test_hundreds_at_once_all_succeed() -> None:
    memory = MemoryStore(lambda: 100.0)
    falmocks = [Falmock(memory) for _ in range(3)]

    async def pause(_: str) -> None:
        await asyncio.sleep(0)

    async def all_at_once() -> list[int]:
        for falmock in falmocks:
            falmock.store.first = pause
        return list(await asyncio.gather(*(falmock.calls.run(falmock.add("a")) for falmock in falmocks * 150)))

    assert sorted(asyncio.run(all_at_once())) == list(range(1, 451))


def test_what_others_see_meanwhile_is_not_taken_for_what_was_read() -> None:
    """A call believes an old record; before it looks, another call of the same falmock sees the new one."""
    falmock = Falmock()
    other = Falmock(falmock.memory)
    asyncio.run(falmock.calls.run(falmock.read("s:setup")))
    is_first = True

    async def meanwhile(name: str) -> None:
        nonlocal is_first
        if name == "load" and is_first:
            is_first = False
            await other.calls.run(other.add("s:setup"))
            assert await falmock.calls.run(falmock.read("s:setup")) == b"1"

    falmock.store.first = meanwhile
    assert asyncio.run(falmock.calls.run(falmock.read("s:setup"))) == b"1"


def begun(falmock: Falmock) -> Falmock:
    """Calls of the scope `s` begin with its setup, and are about records that begin with `r:`."""

    def decide(_: float) -> None:
        falmock.current.transaction.value("s:setup", int)
        falmock.current.transaction.note_start("r:")

    asyncio.run(falmock.calls.run(decide, scope="s"))
    falmock.store.trips.clear()
    return falmock


def test_what_a_call_is_about_is_loaded_before_it_is_decided_once() -> None:
    falmock, decided = begun(Falmock()), []

    def decide(_: float) -> bytes | None:
        decided.append(1)
        return falmock.current.transaction.get("r:a")

    assert asyncio.run(falmock.calls.run(decide, scope="s", about="a")) is None
    assert (falmock.store.trips, len(decided)) == (["load"], 1)
    assert asyncio.run(falmock.calls.run(decide, scope="other", about="a")) is None
    assert len(decided) == 3, "how that begins is not known"


def test_how_a_call_begins_is_looked_at_when_what_it_is_about_is_loaded() -> None:
    falmock = begun(Falmock())
    other = Falmock(falmock.memory)
    asyncio.run(other.calls.run(other.add("s:setup")))
    read: list[int | None] = []

    def decide(_: float) -> int | None:
        transaction = falmock.current.transaction
        read.append(transaction.value("s:setup", int))
        if transaction.start is None:
            transaction.note_start("q:")
        return read[-1]

    assert asyncio.run(falmock.calls.run(decide, scope="s", about="a")) == 1
    assert (falmock.store.trips, read) == (["load"], [1])
    assert asyncio.run(falmock.calls.run(decide, scope="s")) == 1
    assert (falmock.store.trips, read) == (["load", "load"], [1, 1]), "it begins as the last one"


def test_how_a_call_begins_is_looked_at_before_its_answer() -> None:
    falmock = begun(Falmock())
    other = Falmock(falmock.memory)
    asyncio.run(other.calls.run(other.add("s:setup")))
    read: list[int | None] = []

    def decide(_: float) -> int | None:
        read.append(falmock.current.transaction.value("s:setup", int))
        return read[-1]

    assert asyncio.run(falmock.calls.run(decide, scope="s")) == 1
    assert read == [None, 1]
    asyncio.run(other.calls.run(other.add("s:setup")))
    asyncio.run(falmock.calls.run(falmock.add("s:setup"), scope="s"))
    assert asyncio.run(falmock.calls.run(decide, scope="s")) == 3
    assert read == [None, 1, 3], "what it wrote itself is believed"


def test_only_so_many_beginnings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_calls, "_REMEMBERED", 2)
    falmock = Falmock()

    def decide(_: float) -> bool:
        is_known = falmock.current.transaction.start is not None
        falmock.current.transaction.note_start("")
        return is_known

    for scope, is_known in (("a", False), ("b", False), ("b", True), ("c", False), ("a", False)):
        assert asyncio.run(falmock.calls.run(decide, scope=scope)) is is_known


def test_a_record_that_is_awaited_is_written_without_loading_it() -> None:
    falmock = begun(Falmock())
    make_awaited(falmock)
    falmock.store.trips.clear()
    assert asyncio.run(falmock.calls.run(falmock.add("r:a"), scope="s", about="a")) == 8
    assert falmock.store.trips == ["commit"]
    assert asyncio.run(falmock.calls.run(falmock.read("r:a"), scope="s", about="a")) == b"8"


def make_awaited(falmock: Falmock) -> None:
    def create(_: float) -> None:
        transaction = falmock.current.transaction
        transaction.create("r:a", b"7", 60.0)
        transaction.awaited["r:a"] = b"7"

    asyncio.run(falmock.calls.run(create))


def test_a_record_that_is_awaited_is_looked_at_before_an_answer_that_writes_nothing() -> None:
    falmock = begun(Falmock())
    make_awaited(falmock)
    other = Falmock(falmock.memory)
    asyncio.run(other.calls.run(other.add("r:a")))
    assert asyncio.run(falmock.calls.run(falmock.read("r:a"), scope="s", about="a")) == b"8"


def test_an_awaited_record_that_others_wrote_is_loaded() -> None:
    falmock = begun(Falmock())
    make_awaited(falmock)
    other = Falmock(falmock.memory)
    asyncio.run(other.calls.run(other.add("r:a")))
    falmock.store.trips.clear()
    assert asyncio.run(falmock.calls.run(falmock.add("r:a"), scope="s", about="a")) == 9
    assert falmock.store.trips == ["commit", "load", "commit"]
