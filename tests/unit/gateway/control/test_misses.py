from __future__ import annotations

import json

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.gateway.control.misses import OPERATIONS
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

ID, OTHER = "0190a000-0000-7000-8000-000000000000", "0190b111-1111-7111-8111-111111111111"
SECRET = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"


def test_it_is_one_operation() -> None:
    assert [(each.method, each.path) for each in OPERATIONS] == [("GET", "/__falmock/misses")]


def test_what_was_asked_with_the_nearest_fixture() -> None:
    steered = Steered(answering(1, input={"prompt": "a cat", "id": ID}, exact=True))
    asked = {"prompt": "a dog", "id": OTHER, "more": 1}
    steered.run("t/e", asked)
    steered.now += 5
    steered.call("POST", "https://queue.fal.run/t/e", asked)
    page = steered.ask("GET", "/misses")
    (miss,) = page["misses"]
    assert (page["total"], miss["count"], miss["numbers"], miss["at"]) == (1, 2, [1, 2], steered.now)
    assert (miss["endpoint"], miss["call"], miss["input"], miss["scope"]) == ("t/e", "submit", asked, "")
    (near,) = miss["nearest"]
    assert (near["fixture"], near["endpoint"]) == ("test.json#0", "t/e")
    told = {each.pop("path"): tuple(each.values()) for each in near["differences"]}
    assert told == {
        "$.prompt": ('"a cat"', '"a dog"', False, None),
        "$.id": (f'"{ID}"', f'"{OTHER}"', True, "t/e=id"),
        "$.more": ("nothing", "1", False, "t/e=more"),
    }
    for path, (expected, found, _, _) in told.items():
        assert f"{path}: expected {expected}, found {found}" in miss["text"]


def test_they_are_of_a_scope_and_go_with_its_journal() -> None:
    steered = Steered()
    steered.run("t/e", {"a": 1}, scope="one")
    assert steered.ask("GET", "/misses")["misses"] == []
    assert steered.ask("GET", "/misses", scope="one")["misses"][0]["scope"] == "one"
    steered.ask("DELETE", "/journal", scope="one")
    assert steered.ask("GET", "/misses", scope="one")["misses"] == []
    steered.run("t/e", {"a": 1}, scope="one")
    steered.ask("POST", "/reset", scope="one")
    assert steered.ask("GET", "/misses", scope="one")["total"] == 0


def test_no_secret_shows() -> None:
    steered = Steered(answering(1, input={"api_key": "x", "prompt": "y"}))
    steered.run("t/e", {"api_key": "canary-by-name", "prompt": f"with {SECRET}", SECRET: 1})
    told = json.dumps(steered.ask("GET", "/misses"))
    assert "differences" in told
    assert SECRET not in told
    assert "canary-by-name" not in told


CALLS = st.tuples(st.sampled_from(["t/e", "t/x", "a/b"]), st.sampled_from([{}, {"a": 1}, {"a": 2}, {"b": "x"}]))


@settings(max_examples=40, deadline=None)
@given(st.lists(CALLS, max_size=12))
def test_the_counts_are_those_of_the_journal(calls: list[tuple[str, dict[str, int]]]) -> None:
    steered = Steered(answering(1, input={"a": 1}))
    for endpoint, body in calls:
        steered.run(endpoint, body)
    missed = steered.ask("GET", "/misses")["misses"]
    entries = steered.ask("GET", "/journal", miss="true")["entries"]
    assert sum(each["count"] for each in missed) == len(entries) == steered.engines.common.scope.journal.misses
    assert sorted(number for each in missed for number in each["numbers"]) == [each["number"] for each in entries]
    last = {each["number"]: each for each in entries}
    for each in missed:
        newest = last[each["numbers"][-1]]
        assert all(each[name] == newest[name] for name in ("at", "scope", "endpoint", "call", "input"))
        assert each["text"] == newest["miss"]
        assert {json.dumps(last[number]["input"]) for number in each["numbers"]} == {json.dumps(each["input"])}
