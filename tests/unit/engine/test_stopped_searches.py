from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.effects import Reply
from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.volatile import Ignores
from falmock.wire.formats.regex import one_call
from unit.engine.calls import Client
from unit.engine.calls import header

SLOW = "^(a|a)*$"
HOSTILE = "a" * 40 + "!"
URL = "https://fal.run/fal-ai/flux/dev"
ENOUGH = 1.0
"""Seconds of CPU: more than one call may take, and much less than one search that is not stopped."""


def fixture(prompt: Any, **answer: Any) -> dict[str, Any]:
    return {"match": {"model": "fal-ai/flux/dev", "input": {"prompt": prompt}}, "response": {"json": answer}}


def test_a_stopped_search_is_no_match_and_told() -> None:
    client = Client(fixture({"$regex": SLOW}, slow=True))
    missed = client.send("POST", URL, {"prompt": HOSTILE})
    told = f"the regular expression /{SLOW}/ took more than 0.2 s for a text of 41 characters"
    assert missed.status == 404
    assert missed.miss is not None
    assert f"expected text matching /{SLOW}/ (stopped: it takes too long)" in missed.miss.text
    assert told in missed.warning
    assert header(missed, "x-falmock-warning") == missed.warning
    assert client.engine.scope.journal.entries[-1].warning == missed.warning
    assert client.send("POST", URL, {"prompt": "aaa"}).warning == ""


def test_another_fixture_answers() -> None:
    client = Client(fixture({"$regex": SLOW}, slow=True), fixture({"$contains": "!"}, slow=False))
    answer = client.send("POST", URL, {"prompt": HOSTILE})
    assert (answer.status, bytes(answer.body)) == (200, b'{"slow":false}')
    assert "took more than 0.2 s" in answer.warning


def test_a_thousand_slow_patterns_have_one_budget() -> None:
    client = Client(*(fixture({"$regex": f"{SLOW}|{number}"}) for number in range(1000)))
    with one_call() as budget:
        missed = client.send("POST", URL, {"prompt": HOSTILE})
        assert budget.left > -ENOUGH
    assert "and 997 more: counted as no match" in missed.warning


@pytest.mark.parametrize("rule", ["/(a|a)+$/", "/(a|aa)+$/"])
def test_a_rule_of_fal_ignore_that_is_stopped_ignores_nothing(rule: str) -> None:
    client = Client(fixture(HOSTILE, same=True), ignore=Ignores([parse_ignore(rule)]))
    answer = client.effect("POST", URL, {"prompt": HOSTILE})
    assert isinstance(answer, Reply)
    assert answer.status == 200
    assert "took more than" in answer.warning
