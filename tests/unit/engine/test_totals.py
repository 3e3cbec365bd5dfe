from __future__ import annotations

import pytest

from falmock.engine import totals as totals_
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
    totals.add("schema:a/b#0", is_miss=False, is_forwarded=False)
    totals.add("guess:a/b#0", is_miss=False, is_forwarded=False)
    assert (totals.replayed, totals.misses, totals.forwarded, totals.without_fixture) == (2, 1, 1, 1)
    assert (totals.synthesized, totals.calls, totals.used) == (2, 7, {"a#0", "schema:a/b#0", "guess:a/b#0"})


def test_misses_are_kept_by_their_text_and_all_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals_, "MOST", 1)
    totals = Totals(synthesized=1)
    for text in ("one", "one", "two"):
        totals.add_miss(text, "a/b", "s")
    assert {text: missed.count for text, missed in totals.missed.items()} == {"one": 2}
    totals.clear()
    assert totals == Totals()


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
