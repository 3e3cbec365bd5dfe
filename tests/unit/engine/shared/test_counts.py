"""Counts in a store: all falmocks count together."""

from __future__ import annotations

import asyncio

from falmock.engine.injected_fault import FaultCounts
from falmock.engine.shared.counts import SharedCounts
from falmock.engine.shared.counts import SharedFaultCounts
from falmock.engine.shared.counts import restart_in_all
from falmock.engine.shared.place import Place
from falmock.fixtures.format.fault import read_text
from unit.engine.shared.table import Table
from unit.engine.shared.table import two

THIRD = read_text('{"error": "runner_disconnected", "nth": 3}')


def counts_of(table: Table, scope: str = "s") -> SharedCounts:
    return SharedCounts(Place(table.current, scope, 60.0))


def count(table: Table, scope: str = "s", rule: str = "rule") -> int:
    """Count a call in a scope; returns its number."""
    counts = counts_of(table, scope)

    def decide(_: float) -> int:
        counts[rule] += 1
        return counts[rule]

    return table.run(decide)


def faults_of(table: Table) -> SharedFaultCounts:
    return SharedFaultCounts(Place(table.current, "s", 60.0))


def test_calls_are_counted_together() -> None:
    _, here, there = two()
    assert [count(table) for table in (here, there, there)] == [1, 2, 3]
    assert here.run(lambda _: counts_of(here)["another"]) == 0
    there.run(lambda _: counts_of(there).restart(["rule"]))
    assert here.run(lambda _: counts_of(here)["rule"]) == 0


def test_counts_that_begin_anew_in_all_scopes_do_so_where_nobody_knows_the_scope() -> None:
    _, here, there = two()
    for scope in ("s", "t"):
        assert [count(here, scope), count(here, scope), count(here, scope, "other")] == [1, 2, 1]
    there.run(lambda _: restart_in_all(Place(there.current, "", 60.0), ["rule"]))
    for scope in ("s", "t"):
        assert [count(table, scope) for table in (here, there)] == [1, 2]
        assert count(there, scope, "other") == 2
    here.run(lambda _: counts_of(here).restart(["rule", "other"]))
    assert [count(there, scope) for scope in ("s", "t")] == [1, 3]
    there.run(lambda _: restart_in_all(Place(there.current, "", 60.0), ["rule"]))
    assert [count(here, scope) for scope in ("s", "t")] == [1, 1]


def test_nobody_counts_the_same_call() -> None:
    _, here, there = two()

    def counted(table: Table) -> int:
        counts = counts_of(table)
        counts["rule"] += 1
        return counts["rule"]

    async def all_at_once() -> list[int]:
        running = [table.calls.run(lambda _, table=table: counted(table)) for table in (here, there) * 20]  # type: ignore[misc]
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

    count(here)
    counts_of(here).clear()
    faults_of(here).clear()
    there.run(lambda _: there.jobs._place.reset())
    assert here.run(lambda _: counts_of(here)["rule"]) == 0
