from __future__ import annotations

import pytest

from falmock.engine.effects import Reply
from falmock.fixtures.format.fault import read_text
from falmock.gateway.control.faults import OPERATIONS
from falmock.wire.error_table import ERRORS
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

RULES = [
    {"match": {"model": "t/*"}, "fault": {"error": "runner_disconnected", "nth": [2, 3]}},
    {"match": {"model": "t/e", "call": "run"}, "fault": {"error": "internal_error", "rate": 0.5}},
]


def test_its_operations() -> None:
    assert [each.name for each in OPERATIONS] == ["listFaults", "setFaults", "clearFaults", "listErrors"]


def test_a_rule_is_shown_as_it_was_set_and_counted() -> None:
    steered = Steered(answering(1))
    steered.ask("PUT", "/faults", {"faults": RULES[:1]})
    statuses = [steered.call("POST", "https://fal.run/t/e", {}).status for _ in range(4)]  # type: ignore[union-attr]
    assert statuses == [200, 503, 503, 200]
    (rule,) = steered.ask("GET", "/faults")["faults"]
    assert (rule["rule"], rule["rate"], rule["nth"], rule["struck"]) == (RULES[0], 1.0, [2, 3], 2)
    steered.ask("PUT", "/faults", {"seed": 7, "faults": [*RULES, {"fault": "internal_error"}]})
    found = steered.ask("GET", "/faults")["faults"]
    assert [each["rate"] for each in found] == [1.0, 0.5, 1.0]
    assert found[2]["rule"] == {"fault": {"seed": 7, "error": "internal_error"}}
    again = steered.ask("PUT", "/faults", {"faults": [each["rule"] for each in found]})["faults"]
    assert [each["rule"] for each in again] == [each["rule"] for each in found]


def test_only_what_struck_counts() -> None:
    own = {"match": {"model": "t/own"}, "response": {"json": 1}, "fault": "bad_request"}
    steered = Steered(answering(1), own)
    first = {"fault": {"error": "internal_error", "nth": 1}}
    steered.ask("PUT", "/faults", {"faults": [first, {"fault": {"job": "fails-late"}}]})
    steered.call("POST", "https://fal.run/t/e", {}, **{"x-falmock-fault": "bad_request"})
    steered.run("t/own")
    steered.submit("t/e")
    assert [each["struck"] for each in steered.ask("GET", "/faults")["faults"]] == [0, 1]


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_one_that_a_fault_takes(name: str) -> None:
    steered = Steered(answering(1))
    told = next(each for each in steered.ask("GET", "/errors")["errors"] if each["name"] == name)
    error = read_text(name).error
    assert error is not None
    assert told["status"] == ERRORS[name].status
    assert ("submit" in told["for"]) == error.kind.turns_away or told["for"] == ["platform"]
    steered.ask("PUT", "/faults", {"faults": [{"fault": name}]})
    reply = steered.call("POST", "https://fal.run/t/e", {})
    assert isinstance(reply, Reply)
    assert reply.status == told["status"]
    assert told["type"] is None or told["type"].encode() in bytes(reply.body)  # type: ignore[arg-type]


def test_what_is_wrong_is_told_and_rules_can_be_cleared() -> None:
    steered = Steered(answering(1))
    steered.ask("PUT", "/faults", {"faults": RULES})
    assert steered.ask("PUT", "/faults", {"faults": [{"fault": "no_such"}]}, 400)["problems"]
    assert len(steered.ask("GET", "/faults")["faults"]) == 2
    assert steered.ask("DELETE", "/faults") == {"faults": []}
