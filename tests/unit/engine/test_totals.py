from __future__ import annotations

from falmock.engine.totals import Totals
from unit.gateway.steering import Steered
from unit.gateway.steering import answering


def test_each_call_counts_once() -> None:
    totals = Totals()
    totals.add("a#0", is_miss=False, is_forwarded=False)
    totals.add("a#0", is_miss=False, is_forwarded=True)  # a fixture answers the handshake of a socket that goes on
    totals.add(None, is_miss=True, is_forwarded=False)
    totals.add(None, is_miss=False, is_forwarded=True)
    totals.add(None, is_miss=False, is_forwarded=False)
    assert (totals.replayed, totals.misses, totals.forwarded, totals.without_fixture) == (2, 1, 1, 1)
    assert (totals.calls, totals.used) == (5, {"a#0"})


def test_all_scopes_count_and_nothing_is_taken_back() -> None:
    steered = Steered(answering(1), answering(2, model="t/other"))
    for number in range(1100):  # more than a journal keeps
        steered.run("t/e", {"n": number}, scope="one")
    steered.run("t/other", scope="two")
    steered.run("t/none")
    steered.engines.drop("one")
    steered.engines.reset_all()
    totals = steered.engines.totals
    assert (totals.calls, totals.replayed, totals.misses) == (1102, 1101, 1)
    assert totals.used == {"test.json#0", "test.json#1"}
