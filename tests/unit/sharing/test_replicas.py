"""The falmocks of one store: who is there, and that all write their journals when one reads."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from falmock.engine.shared.behind import Item
from falmock.engine.shared.current import Current
from falmock.sharing import replicas
from falmock.sharing.calls import SharedCalls
from falmock.sharing.replicas import Replicas
from falmock.store.interface import Unavailable
from falmock.store.memory import MemoryStore
from unit.stores import Away


class Group:
    """Falmocks on one store, with one clock."""

    def __init__(self, *fixtures: str) -> None:
        self.now = 1000.0
        self.store = MemoryStore(lambda: self.now)
        self.stores = [Away(self.store) for _ in fixtures]
        calls = [SharedCalls(store, Current(), lambda: self.now, shown="redis://box") for store in self.stores]  # type: ignore[arg-type]
        self.all = [Replicas(call, lambda digest=digest: digest) for call, digest in zip(calls, fixtures, strict=True)]  # type: ignore[misc]

    def answered(self, which: int, text: str) -> None:
        """A falmock answers a call."""
        item = Item("calls", lambda _: text.encode(), self.now, keep=100, ttl=60.0, is_single=True)
        self.all[which].writer._behind.put(item)

    async def join(self) -> None:
        for each in self.all:
            await each.join()

    async def leave(self) -> None:
        for each in self.all:
            await each.stop()

    def written(self) -> set[str]:
        log = self.store._logs.get("calls")
        return set() if log is None else {data.decode() for data in log.entries}


def run(test: Callable[[Group], Any], *fixtures: str) -> None:
    async def whole() -> None:
        group = Group(*(fixtures or ("a", "a", "a")))
        await group.join()
        await test(group)
        await group.leave()

    asyncio.run(whole())


def test_who_is_there() -> None:
    async def test(group: Group) -> None:
        last = group.all[-1].standing
        assert {each.id for each in last.replicas} == {each.own for each in group.all}
        assert last.own == group.all[-1].own
        assert (last.store.address, last.store.is_up, last.unready) == ("redis://box", True, "")
        assert {(each.fixtures, each.started, each.seen, each.lag) for each in last.replicas} == {
            ("a", 1000.0, 1000.0, 0.0)
        }
        await group.all[0].stop()
        await group.all[1]._beat()
        assert group.all[0].own not in {each.id for each in group.all[1].standing.replicas}

    run(test)


def test_one_that_leaves_while_it_joins_is_not_there() -> None:
    async def test(group: Group) -> None:
        one = group.all[0]
        await one.stop()
        one.join_soon()
        await one.stop()
        await asyncio.sleep(0.01)
        await group.all[1]._beat()
        assert one.own not in {each.id for each in group.all[1].standing.replicas}
        assert len(asyncio.all_tasks()) == 1 + 2 * 2, "those of the others"

    run(test)


def test_all_write_before_one_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falmock.sharing.journal_writer.SOON", 60.0)
    monkeypatch.setattr(replicas, "PATIENCE", 60.0)

    async def test(group: Group) -> None:
        for which in range(3):
            group.answered(which, f"{which}")
        began = time.monotonic()
        await group.all[1].flush_all()
        assert group.written() == {"0", "1", "2"}
        assert time.monotonic() - began < replicas.PATIENCE / 2

    run(test)


def test_several_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falmock.sharing.journal_writer.SOON", 60.0)

    async def test(group: Group) -> None:
        for which in range(3):
            group.answered(which, f"{which}")
        await asyncio.gather(*(each.flush_all() for each in group.all for _ in range(3)))
        assert group.written() == {"0", "1", "2"}

    run(test)


def test_one_alone_asks_nobody() -> None:
    async def test(group: Group) -> None:
        group.answered(0, "0")
        await group.all[0].flush_all()
        assert group.written() == {"0"}
        assert await group.store.bounds("{}:control") == (1, 0)

    run(test, "a")


def test_one_that_died_is_waited_for_until_it_counts_as_gone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replicas, "PATIENCE", 0.1)
    monkeypatch.setattr(replicas, "ALIVE", 6.0)

    async def test(group: Group) -> None:
        dead = group.all[0]
        for task in dead._tasks:
            task.cancel()
        group.answered(1, "1")
        await group.all[2].flush_all()
        assert group.written() == {"1"}
        assert f"{dead.own} did not write the journal in time" in caplog.text
        caplog.clear()
        group.now += 7
        await group.all[1]._beat()
        await group.all[2].flush_all()
        assert "in time" not in caplog.text

    run(test)


def test_one_that_slept_tells_that_it_is_there_before_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "ALIVE", 6.0)

    async def test(group: Group) -> None:
        group.now += 60
        await group.all[0].join()
        await group.all[1].join()
        assert {each.id for each in group.all[1].standing.replicas} == {group.all[0].own, group.all[1].own}

    run(test)


def test_a_store_whose_logs_are_gone_is_listened_to_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "_WATCH", 0.02)
    monkeypatch.setattr("falmock.sharing.journal_writer.SOON", 60.0)

    async def test(group: Group) -> None:
        for _ in range(3):
            await group.all[0].flush_all()
        group.store._logs.clear()
        await asyncio.sleep(0.1)
        group.answered(1, "1")
        await group.all[0].flush_all()
        assert group.written() == {"1"}

    run(test)


def test_while_the_store_is_away_it_is_not_ready() -> None:
    async def test(group: Group) -> None:
        one = group.all[0]
        group.stores[0].is_away = True
        with pytest.raises(Unavailable):
            await one._beat()
        standing = one.standing
        assert (standing.store.is_up, standing.store.reason) == (False, "no route to the store")
        assert standing.unready == "its store is not available: no route to the store"
        assert one.is_away
        group.answered(0, "0")
        with pytest.raises(Unavailable):
            await one.flush_all()
        group.stores[0].is_away = False
        await one.writer.flush()
        await one._beat()
        assert (one.standing.unready, one.is_away) == ("", False)

    run(test)


def test_a_store_that_is_away_at_first() -> None:
    async def test() -> None:
        group = Group("a")
        group.stores[0].is_away = True
        assert group.all[0].standing.unready == "it is starting"
        with pytest.raises(Unavailable):
            await group.all[0].join()
        assert group.all[0].standing.store.reason == "no route to the store"
        group.stores[0].is_away = False
        await asyncio.sleep(0)
        await group.all[0].join()
        assert group.all[0].standing.unready == ""
        await group.leave()

    asyncio.run(test())


def test_other_fixtures_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async def test(group: Group) -> None:
        with caplog.at_level(logging.WARNING):
            await group.all[0]._beat()
            await group.all[0]._beat()
        other = group.all[1].own
        told = [record.getMessage() for record in caplog.records]
        text = f"falmock: {other} of the same store has other fixtures than this falmock: let all have the same files"
        assert told.count(text) == 1

    run(test, "a", "b")
