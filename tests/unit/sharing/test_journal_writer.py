"""What is appended behind the answers: in few trips, soon, in order, each entry once, and none is lost for a while without a store."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.shared import behind as behinds
from falmock.engine.shared.behind import Item
from falmock.engine.shared.current import Current
from falmock.sharing import journal_writer
from falmock.sharing.calls import SharedCalls
from falmock.sharing.journal_writer import BATCH
from falmock.sharing.journal_writer import JournalWriter
from falmock.store.interface import Append
from falmock.store.interface import Unavailable
from falmock.store.interface import Unknown
from falmock.store.memory import MemoryStore
from unit.proxy.loopback import until


class Frail(MemoryStore):
    """A store that does as it is told: it fails before it writes ("away") or after ("unknown"), or is "slow"."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.fails: list[str] = []
        self.trips = 0

    async def append(self, logs: Sequence[Append]) -> list[int]:
        self.trips += 1
        how = self.fails.pop(0) if self.fails else ""
        if how == "away":
            raise Unavailable("no route to the store")
        if how == "slow":
            await asyncio.sleep(0.1)
        numbers = await super().append(logs)
        if how == "unknown":
            raise Unknown("the answer did not come")
        return numbers

    def written(self, log: str = "a") -> list[str]:
        return [data.decode() for data in self._logs[log].entries] if log in self._logs else []


class Written:
    """A writer over a store that fails as it is told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.store = Frail()
        shared = SharedCalls(self.store, Current(), lambda: self.now)
        self.behind = shared.behind
        self.writer = JournalWriter(shared, self.behind, "me")

    def put(self, text: str, log: str = "a", **more: Any) -> None:
        given = {"keep": 10_000, "ttl": 60.0, "is_single": True, **more}
        self.behind.put(Item(log, lambda name: f"{text} {name}".encode(), self.now, **given))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writer, "AGAIN", 0.02)


def test_it_writes_soon_and_all_at_once() -> None:
    async def test() -> None:
        written = Written()
        for number in range(3):
            written.put(f"{number}", "ab"[number % 2])
        assert (written.store.trips, written.writer.waiting) == (0, 3)
        await until(lambda: written.writer.waiting == 0)
        assert written.store.trips == 1
        assert [text.split()[0] for text in written.store.written("a")] == ["0", "2"]
        assert [text.split()[0] for text in written.store.written("b")] == ["1"]

    asyncio.run(test())


def test_a_full_batch_does_not_wait() -> None:
    async def test() -> None:
        written = Written()
        for number in range(BATCH):
            written.put(f"{number}")
        for _ in range(3 + BATCH // 32):  # it lets calls pass now and then
            await asyncio.sleep(0)
        assert len(written.store.written()) == BATCH

    asyncio.run(test())


@pytest.mark.parametrize("is_writing", [False, True])
def test_a_loop_that_ends_leaves_no_task_behind(caplog: pytest.LogCaptureFixture, *, is_writing: bool) -> None:
    def take_time() -> None:
        time.sleep(journal_writer.SOON * 2)  # what waits is due while the loop ends

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            take_time()

    async def test() -> None:
        written = Written()
        written.store.fails = ["slow"]
        ending.append(asyncio.create_task(slow_to_end()))
        await asyncio.sleep(0)
        written.put("one")
        if is_writing:
            await asyncio.sleep(journal_writer.SOON * 1.5)

    ending: list[Any] = []
    asyncio.run(test())
    gc.collect()
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert not errors  # "Task was destroyed but it is pending!"


def test_once_stopped_it_has_written_all_and_waits_for_nothing() -> None:
    async def test(*fails: str) -> list[str]:
        written = Written()
        written.store.fails = list(fails)
        written.put("one")
        await asyncio.sleep(0)
        await written.writer.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return written.store.written()

    assert asyncio.run(test()) == ["one me.1"]
    assert asyncio.run(test("away")) == []


def test_it_is_woken_for_the_first_and_for_a_full_batch() -> None:
    async def test() -> None:
        written = Written()
        woken: list[int] = []
        wake = written.behind.wake

        def counted() -> None:
            woken.append(len(written.behind))
            wake()

        written.behind.wake = counted
        for _ in range(2):
            for number in range(BATCH - 1):
                written.put(f"{number}")
            assert woken == [1]
            await asyncio.sleep(journal_writer.SOON * 2)
            woken.clear()
        for number in range(BATCH + 5):
            written.put(f"{number}")
        assert woken == [1, BATCH], "then it writes"
        await asyncio.sleep(journal_writer.SOON * 2)
        assert written.writer.waiting == 0
        written.put("last")
        await written.writer.stop()
        written.put("after")
        assert woken[-1] == 1
        await written.writer.stop()

    asyncio.run(test())


def test_without_a_loop_it_waits_for_a_flush() -> None:
    written = Written()
    written.put("one")
    asyncio.run(written.writer.flush())
    assert written.store.written() == ["one me.1"]


def test_a_flush_while_another_writes_waits_for_it() -> None:
    async def test() -> None:
        written = Written()
        written.put("one")
        first = asyncio.create_task(written.writer.flush())
        await written.writer.flush()
        assert written.store.written() == ["one me.1"]
        await first

    asyncio.run(test())


def test_while_the_store_is_away_entries_wait(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        written = Written()
        written.store.fails = ["away", "away"]
        written.put("one")
        with pytest.raises(Unavailable):
            await written.writer.flush()
        written.now += 7
        assert (written.writer.waiting, written.writer.lag, written.writer.reason) == (1, 7, "no route to the store")
        written.put("two")
        await until(lambda: written.writer.waiting == 0)  # it tries again by itself
        assert [text.split()[0] for text in written.store.written()] == ["one", "two"]
        assert (written.writer.lag, written.writer.reason, written.writer.dropped) == (0, "", 0)

    with caplog.at_level(logging.INFO):
        asyncio.run(test())
    told = [record.getMessage() for record in caplog.records if "journal" in record.getMessage()]
    assert told == [
        "falmock: the journal waits for its store: no route to the store",
        "falmock: the journal is written again",
    ]


def test_too_many_that_wait_are_dropped_and_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behinds, "MOST", 10)

    async def test() -> None:
        written = Written()
        written.store.fails = ["away"]
        written.put("0")
        with pytest.raises(Unavailable):
            await written.writer.flush()
        for number in range(1, 13):
            written.put(f"{number}")
        assert (written.writer.dropped, written.writer.waiting) == (3, 10)
        await written.writer.flush()
        assert [text.split()[0] for text in written.store.written()] == [f"{number}" for number in range(3, 13)]

    with caplog.at_level(logging.INFO):
        asyncio.run(test())
    assert "3 entries were dropped" in caplog.text


def test_large_bodies_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behinds, "BODIES", 100)
    written = Written()
    for number in range(5):
        written.put(f"{number}", size=40)
    assert (written.writer.waiting, written.writer.dropped) == (2, 3)


@given(st.lists(st.sampled_from(["", "away", "unknown"]), max_size=6), st.lists(st.integers(0, 5), max_size=6))
def test_each_entry_is_written_once_and_in_order(fails: list[str], batches: list[int]) -> None:
    async def test() -> None:
        written, put = Written(), 0
        written.store.fails = list(fails)
        for size in batches:
            for _ in range(size):
                written.put(f"{put}", "ab"[put % 2])
                put += 1
            with suppress(Unavailable):
                await written.writer.flush()
        while written.writer.waiting:
            with suppress(Unavailable):
                await written.writer.flush()
        for place, log in enumerate("ab"):
            assert [text.split()[0] for text in written.store.written(log)] == [f"{n}" for n in range(place, put, 2)]

    asyncio.run(test())


def test_what_knows_no_log_is_placed_in_a_transaction() -> None:
    written = Written()
    written.behind.put_unplaced(lambda: written.put("late"))
    assert written.writer.waiting == 1
    asyncio.run(written.writer.flush())
    assert (written.store.written(), written.writer.waiting) == (["late me.1"], 0)


def test_what_cannot_be_written_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: str) -> bytes:
        raise TypeError("no such type")

    written = Written()
    written.behind.put(Item("a", broken, 0.0, keep=10, ttl=60.0))
    written.put("one")
    asyncio.run(written.writer.flush())
    assert (written.store.written(), written.writer.waiting) == (["one me.2"], 0)
    assert "an entry for a cannot be written" in caplog.text
