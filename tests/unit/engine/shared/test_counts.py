"""Counts in a store: all falmocks count together."""

from __future__ import annotations

import asyncio

from falmock.engine.injected_fault import FaultCounts
from falmock.engine.shared.counts import SharedCounts
from falmock.engine.shared.counts import SharedFaultCounts
from falmock.engine.shared.place import Place
from falmock.fixtures.format.fault import read_text
from unit.engine.shared.table import Table
from unit.engine.shared.table import two

THIRD = read_text('{"error": "runner_disconnected", "nth": 3}')


def counts_of(table: Table) -> SharedCounts:
    return SharedCounts(Place(table.current, "s", 60.0))


def faults_of(table: Table) -> SharedFaultCounts:
    return SharedFaultCounts(Place(table.current, "s", 60.0))


def test_calls_are_counted_together() -> None:
    _, here, there = two()
    for table in (here, there, there):
        counts = counts_of(table)

        def count(_: float, counts: SharedCounts = counts) -> int:
            counts["a rule"] += 1
            return counts["a rule"]

        table.run(count)
    assert here.run(lambda _: counts_of(here)["a rule"]) == 3
    assert here.run(lambda _: counts_of(here)["another"]) == 0
    there.run(lambda _: counts_of(there).restart(["a rule"]))
    assert here.run(lambda _: counts_of(here)["a rule"]) == 0


def test_nobody_counts_the_same_call() -> None:
    _, here, there = two()

    def count(counts: SharedCounts) -> int:
        counts["rule"] += 1
        return counts["rule"]

    async def all_at_once() -> list[int]:
        running = [table.calls.run(lambda _, table=table: count(counts_of(table))) for table in (here, there) * 20]  # type: ignore[misc]
        return list(await asyncio.gather(*running))

    assert sorted(asyncio.run(all_at_once())) == list(range(1, 41))


def test_faults_strike_as_in_one_falmock() -> None:
    _, here, there = two()
    alone = FaultCounts()
    for number in range(5):
        table = there if number % 2 else here
        faults = faults_of(table)
        found = table.run(lambda _, faults=faults: faults.draw(THIRD, "rule", 7))  # type: ignore[misc]
        expected = alone.draw(THIRD, "rule", 7)
        assert (found is None) == (expected is None), number
        if found is not None and expected is not None:
            assert found.share("x") == expected.share("x")
            table.run(lambda _, faults=faults: faults.strike("rule"))  # type: ignore[misc]
    assert here.run(lambda _: faults_of(here).struck("rule")) == 1


def test_a_reset_begins_anew() -> None:
    _, here, there = two()

    def count(_: float) -> None:
        counts_of(here)["rule"] += 1

    here.run(count)
    counts_of(here).clear()
    faults_of(here).clear()
    there.run(lambda _: there.jobs._place.reset())
    assert here.run(lambda _: counts_of(here)["rule"]) == 0
