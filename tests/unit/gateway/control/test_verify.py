"""What tests expect of the calls in their scope."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.journal import LIMIT
from falmock.gateway.control.verify import Expected
from falmock.gateway.control.verify import disorder
from falmock.wire.storage import digest
from unit.gateway.steering import Steered
from unit.gateway.steering import answering


def played(*calls: tuple[str, Any]) -> Steered:
    steered = Steered(answering(1, model="t/a"), answering(2, model="t/b"), answering(3, model="t/never"))
    for endpoint, asked in calls:
        steered.run(endpoint, asked)
    return steered


def problems(steered: Steered, expected: Any) -> list[str]:
    reply = steered.reply("POST", "/verify", expected)
    told = json.loads(bytes(reply.body))
    assert (reply.status, told["ok"]) == ((406, False) if told["problems"] else (200, True))
    found: list[str] = told["problems"]
    assert told["text"] == "; ".join(found) or not found
    return found


CALLS = (("t/a", {"prompt": "a cat"}), ("t/b", {"prompt": "a dog"}), ("t/a", {"prompt": "a fish", "seed": 1}))


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"endpoint": "t/a", "times": 2}, None),
        ({"endpoint": "t/a"}, None),
        ({"endpoint": "t/*", "at_least": 3, "at_most": 3}, None),
        ({"call": "run", "times": 3}, None),
        ({"call": "submit", "times": 0}, None),
        ({"call": "submit", "at_most": 0}, None),
        ({"endpoint": "t/a", "input": {"prompt": {"$contains": "cat"}}, "times": 1}, None),
        ({"input": {"prompt": {"$regex": "^a (cat|dog)$"}}, "times": 2}, None),
        ({"input": {"seed": 1}, "times": 1}, None),
        ({"input": {}, "times": 3}, None),
        ({"fixture": "test.json#1", "times": 1}, None),
        ({"endpoint": "t/a", "times": 1}, "calls[0]: expected 1 of any call of a model, endpoint t/a, found 2"),
        ({"endpoint": "t/c"}, "calls[0]: expected at least 1 of any call of a model, endpoint t/c, found 0"),
        (
            {"endpoint": "t/a", "at_most": 1},
            "calls[0]: expected at most 1 of any call of a model, endpoint t/a, found 2",
        ),
        ({"endpoint": "t/a", "at_least": 3, "at_most": 4}, "calls[0]: expected 3 to 4 of"),
        (
            {"input": {"prompt": "a bird"}},
            'calls[0]: expected at least 1 of any call of a model, input {"prompt": "a bird"}, found 0',
        ),
        ({"status": 500}, "calls[0]: expected at least 1 of any call of a model, status 500, found 0"),
    ],
)
def test_how_often(expected: Any, said: str | None) -> None:
    found = problems(played(*CALLS), {"calls": [expected]})
    assert len(found) == (said is not None)
    assert said is None or found[0].startswith(said), found


def test_polls_are_no_calls_of_a_model_but_can_be_asked_for() -> None:
    steered = played()
    job = steered.submit("t/a")
    steered.status("t/a", job)
    steered.status("t/a", job)
    assert (
        problems(steered, {"calls": [{"times": 1}, {"call": "status", "times": 2}, {"request_id": job, "times": 1}]})
        == []
    )


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (["t/a", "t/b", "t/a"], None),
        (["t/a", "t/a"], None),
        (["t/b"], None),
        ([], None),
        (
            ["t/b", "t/b"],
            "order: expected any call of a model, endpoint t/b (calls[1]) after call 2 (run t/b), found none",
        ),
        (
            ["t/b", "t/a", "t/b"],
            "order: expected any call of a model, endpoint t/b (calls[2]) after call 3 (run t/a), found none",
        ),
        (["t/c"], "calls[0]"),
    ],
)
def test_in_order(order: list[str], said: str | None) -> None:
    expected = {"calls": [{"endpoint": endpoint} for endpoint in order], "in_order": True}
    found = problems(played(*CALLS), expected)
    assert bool(found) is (said is not None)
    assert said is None or found[0].startswith(said), found


def test_whole_numbers_that_are_written_as_decimals() -> None:
    expected = {"calls": [{"endpoint": "t/a", "times": 2.0}, {"at_least": 0.0, "at_most": 3.0}], "in_order": True}
    assert problems(played(*CALLS), expected) == []
    wrong = {"calls": [{"endpoint": "t/b", "times": 1e300}], "in_order": True}
    assert len(problems(played(*CALLS), wrong)) == 2


def test_a_number_of_calls_in_order() -> None:
    steered = played(("t/a", {}), ("t/b", {}), ("t/b", {}), ("t/a", {}))
    good = [{"endpoint": "t/a"}, {"endpoint": "t/b", "times": 2}, {"endpoint": "t/a"}]
    assert problems(steered, {"calls": good, "in_order": True}) == []
    bad = [{"endpoint": "t/b", "times": 2}, {"endpoint": "t/a", "at_least": 2}]
    assert len(problems(steered, {"calls": bad, "in_order": True})) == 1
    assert problems(steered, {"calls": bad}) == []


def test_nothing_unmatched() -> None:
    steered = played(*CALLS)
    assert problems(steered, {"nothing_unmatched": True}) == []
    steered.run("t/nowhere")
    assert problems(steered, {"nothing_unmatched": True}) == [
        "unmatched: expected a fixture for every call, found none for 1: run t/nowhere"
    ]


@pytest.mark.parametrize("body", [{}, {"in_order": True}])
def test_that_nothing_is_expected_is_a_mistake(body: Any) -> None:
    assert "Nothing is expected" in played().ask("POST", "/verify", body, 400)["message"]


@pytest.mark.parametrize(
    ("expected", "instead"),
    [
        ({"endpoint": "t/c"}, "; found calls: run t/a (2), run t/b (1)"),
        ({"endpoint": "t/a", "times": 3}, "; found calls: run t/a (2), run t/b (1)"),
        (
            {"endpoint": "t/a", "input": {"prompt": "a fish", "seed": 2}},
            "; the nearest is call 3: $.seed: expected 2, found 1",
        ),
        ({"endpoint": "t/b", "input": {"n": 1}}, "; the nearest is call 2: $.n: expected 1, found nothing"),
        ({"endpoint": "t/c", "input": {"n": 1}}, "; found calls: run t/a (2), run t/b (1)"),
        ({"endpoint": "t/a", "at_most": 1}, ""),  # there were too many: nothing is missing
    ],
)
def test_what_there_was_instead(expected: Any, instead: str) -> None:
    (found,) = problems(played(*CALLS), {"calls": [expected]})
    assert found.partition("found ")[2][1:] == instead


def test_nothing_was_called_at_all() -> None:
    (found,) = problems(played(), {"calls": [{"endpoint": "t/a"}]})
    assert found.endswith("found 0")


def test_every_fixture_used() -> None:
    steered = played(*CALLS)
    assert problems(steered, {"fixtures_used": "all"}) == [
        "unused: expected every fixture to answer, found 1 that did not: test.json#2"
    ]
    assert problems(steered, {"fixtures_used": "added"}) == []
    steered.ask("POST", "/fixtures", {"fixtures": [answering(1, model="t/x"), answering(1, model="t/y")]}, 201)
    steered.run("t/x")
    assert problems(steered, {"fixtures_used": "added"}) == [
        "unused: expected every fixture to answer, found 1 that did not: added/1#1"
    ]


def test_calls_that_are_not_kept_any_more_are_told() -> None:
    steered = played(*[("t/a", {})] * (LIMIT + 2))
    (said,) = problems(steered, {"calls": [{"endpoint": "t/a", "at_least": 5}], "fixtures_used": "added"})
    assert said == f"the first 2 of {LIMIT + 2} calls are no longer kept: clear the journal more often"


def test_a_file_by_its_content() -> None:
    steered = played(("t/a", {"image_url": "data:image/png;base64,QUJD"}))
    for content, times in ((b"ABC", 1), (b"ABD", 0)):
        expected = {"input": {"image_url": {"$file": f"sha256:{digest(content)}"}}, "times": times}
        assert problems(steered, {"calls": [expected]}) == []


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ({"input": {"a": {"$regx": "x"}}}, "$.calls[0].input.a"),
        ({"input": {"a": {"$regex": "("}}}, "$.calls[0].input.a"),
        ({"input": {"a": {"$file": "a.png"}}}, "$.calls[0].input.a"),
        ({"input": []}, "$.calls[0].input"),
        ({"times": -1}, "$.calls[0].times"),
        ({"times": 1.5}, "$.calls[0].times"),
        ({"times": 1, "at_most": 1}, "$.calls[0]"),
        ({"at_least": 3, "at_most": 1}, "$.calls[0]"),
        ({"since": 1_763_757_000_000}, "$.calls[0].since"),  # as JavaScript tells the time
        ({"call": "runs"}, "$.calls[0].call"),
        ({"model": "t/a"}, "$.calls[0]"),
    ],
)
def test_what_cannot_be_verified(call: Any, path: str) -> None:
    told = played().ask("POST", "/verify", {"calls": [call]}, 400)
    assert all(problem["path"].startswith(path) for problem in told["problems"]), told


def test_keys_are_not_told() -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz012345"
    steered = played()
    steered.engines.common.redactor.learn_value(secret)
    told = steered.ask("POST", "/verify", {"calls": [{"endpoint": secret}, {"input": {"a": secret}}]}, 406)
    assert secret not in repr(told)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from("ab"), max_size=8),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), max_size=4),
)
def test_order_holds_where_any_choice_of_calls_has_it(made: list[str], expected: list[tuple[str, int]]) -> None:
    steered = played(*[(f"t/{name}", {}) for name in made])
    calls = [{"endpoint": f"t/{name}", "at_least": least} for name, least in expected]
    found = problems(steered, {"calls": calls, "in_order": True})
    wanted = [name for name, least in expected for _ in range(least)]
    rest = iter(made)
    holds = all(name in rest for name in wanted)
    assert any(said.startswith("order: ") for said in found) is not holds


@pytest.mark.parametrize(("least", "most"), list(product((0, 1, 3), (None, 0, 1, 3))))
def test_numbers_in_words(least: int, most: int | None) -> None:
    words = Expected("x", least, most, lambda _: True).number
    assert str(least if most is None else most) in words
    assert disorder([Expected("x", 0, None, lambda _: False)], []) is None
