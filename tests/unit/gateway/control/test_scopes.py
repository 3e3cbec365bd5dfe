"""Faults, scopes and reset in the control API."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.effects import EVERY_JOB
from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.format.fault_rules import read_rules
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

ONCE = {"faults": [{"match": {"model": "t/*"}, "fault": {"error": "runner_disconnected", "times": 1}}]}


def status(steered: Steered, scope: str = "") -> int:
    reply = steered.call("POST", "https://fal.run/t/e", {}, scope)
    assert isinstance(reply, Reply)
    return reply.status


def test_faults_of_a_scope() -> None:
    steered = Steered(answering(1))
    (rule,) = steered.ask("PUT", "/faults", ONCE, scope="one")["faults"]
    assert (rule["id"], rule["added"], rule["fault"], rule["model"]) == (
        "added/1#0",
        True,
        "runner_disconnected",
        "t/*",
    )
    assert [status(steered, "one") for _ in range(2)] + [status(steered), status(steered, "two")] == [
        503,
        200,
        200,
        200,
    ]
    assert steered.ask("GET", "/faults") == {"faults": []}
    steered.ask("PUT", "/faults", ONCE, scope="one")
    assert [status(steered, "one") for _ in range(2)] == [503, 200]
    steered.ask("PUT", "/faults", ONCE, scope="one")
    assert steered.ask("DELETE", "/faults", scope="one") == {"faults": []}
    assert status(steered, "one") == 200


def test_they_go_before_those_of_files_which_stay() -> None:
    steered = Steered(answering(1))
    rules = read_rules(
        b'{"faults": [{"match": {"model": "t/e"}, "fault": "internal_server_error"}]}', "faults.json"
    ).rules
    steered.engines.use_faults(rules)
    steered.ask("PUT", "/faults", ONCE)
    assert [rule["id"] for rule in steered.ask("GET", "/faults")["faults"]] == ["added/1#0", "faults.json#0"]
    assert [status(steered) for _ in range(2)] == [503, 500]
    steered.engines.use_faults(())
    assert [rule["id"] for rule in steered.ask("GET", "/faults")["faults"]] == ["added/1#0"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$"),
        ({"faults": [{"fault": "no_such"}]}, "$.faults[0].fault"),
        ({"fault": []}, "$"),
        ({"faults": 1}, "$.faults"),
    ],
)
def test_what_is_no_rule_is_told_and_changes_nothing(body: Any, path: str) -> None:
    steered = Steered(answering(1))
    steered.ask("PUT", "/faults", ONCE)
    told = steered.ask("PUT", "/faults", body, 400)
    assert path in [problem["path"] for problem in told["problems"]], told
    assert len(steered.ask("GET", "/faults")["faults"]) == 1


def full(steered: Steered, scope: str) -> None:
    """Put something of every kind into a scope."""
    steered.submit("t/e", scope=scope)
    steered.run("t/nothing", scope=scope)
    steered.ask("POST", "/fixtures", answering(2), 201, scope=scope)
    steered.ask("PUT", "/faults", ONCE, scope=scope)


EMPTY = {"jobs": 0, "calls": 0, "misses": 0, "added_fixtures": 0, "added_faults": 0}
FULL = {"jobs": 1, "calls": 2, "misses": 1, "added_fixtures": 1, "added_faults": 1}


def scopes_of(steered: Steered) -> dict[str, dict[str, int]]:
    return {scope.pop("name"): scope for scope in steered.ask("GET", "/scopes")["scopes"]}


def test_a_scope_begins_and_ends() -> None:
    steered = Steered(answering(1))
    assert steered.ask("PUT", "/scopes/a%20test%2F1", status=201) == {"name": "a test/1", **EMPTY}
    full(steered, "a test/1")
    assert steered.ask("PUT", "/scopes/a%20test%2F1") == {"name": "a test/1", **FULL}
    assert scopes_of(steered) == {"": EMPTY, "a test/1": FULL}
    assert steered.ask("DELETE", "/scopes/a%20test%2F1") == {"dropped": "a test/1"}
    assert scopes_of(steered) == {"": EMPTY}
    assert "no scope" in steered.ask("DELETE", "/scopes/a%20test%2F1", status=404)["message"]


@pytest.mark.parametrize("name", ["%20", "x" * 201, "%C3%A9" * 201])
def test_a_name_that_no_call_can_give(name: str) -> None:
    steered = Steered()
    steered.ask("PUT", f"/scopes/{name}", status=400)
    assert scopes_of(steered) == {"": EMPTY}


def test_a_scope_with_a_pace_and_an_alias() -> None:
    steered = Steered(answering(1))
    assert steered.ask("PUT", "/scopes/one", {"pace": "manual"}, 201) == {"name": "one", **EMPTY}
    assert steered.ask("PUT", "/scopes/process", {"alias_of": "one"}) == {"name": "one", **EMPTY}
    full(steered, "process")
    assert scopes_of(steered) == {"": EMPTY, "one": FULL}
    assert steered.ask("GET", "/jobs", scope="process")["jobs"][0]["held"]
    assert steered.ask("PUT", "/scopes/process", {"alias_of": None}, 201) == {"name": "process", **EMPTY}
    assert steered.ask("PUT", "/scopes/process", {"alias_of": ""})["name"] == ""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"pace": "slowly"}, "'slowly' is not a pace, expected"),
        ({"pase": "1s"}, "pase"),
        ({"alias_of": "x" * 201}, "alias_of"),
    ],
)
def test_what_no_scope_can_have(body: Any, message: str) -> None:
    steered = Steered()
    assert message in steered.ask("PUT", "/scopes/one", body, 400)["message"]
    assert scopes_of(steered) == {"": EMPTY}


def test_reset_is_of_one_scope() -> None:
    steered = Steered(answering(1))
    for scope in ("", "one", "two"):
        full(steered, scope)
    assert steered.ask("POST", "/reset") == {"reset": ""}
    assert scopes_of(steered) == {"": EMPTY, "one": FULL, "two": FULL}
    assert steered.ask("POST", "/reset", scope="one") == {"reset": "one"}
    assert scopes_of(steered) == {"": EMPTY, "two": FULL}
    full(steered, "")
    assert steered.ask("POST", "/reset", all="true") == {"reset": "all"}
    assert scopes_of(steered) == {"": EMPTY}
    assert [status(steered) for _ in range(2)] == [200, 200]


def test_streams_about_jobs_that_are_gone_hear_of_it() -> None:
    steered = Steered()
    steered.ask("PUT", "/scopes/one", status=201)
    resets = [("POST", "/reset"), ("DELETE", "/scopes/one"), ("POST", "/reset?all=true")]
    assert [steered.reply(method, path).wakes for method, path in resets] == [EVERY_JOB] * 3


def test_sequences_and_faults_begin_again() -> None:
    steered = Steered(answering(1), answering(2))
    assert [steered.run("t/e") for _ in range(2)] == [1, 2]
    steered.ask("POST", "/reset")
    assert [steered.run("t/e") for _ in range(2)] == [1, 2]


def test_what_only_looks_begins_no_scope() -> None:
    steered = Steered(answering(1))
    for path in ("/health", "/fixtures", "/jobs", "/jobs/x", "/journal", "/faults"):
        assert steered.reply("GET", f"{path}?scope=new").status in (200, 404)
    steered.ask("POST", "/verify", {"nothing_unmatched": True}, scope="new")
    assert scopes_of(steered) == {"": EMPTY}


def test_the_scope_of_a_call_is_that_of_its_headers_too() -> None:
    steered = Steered(answering(1))
    steered.run("t/e", scope="mine")
    for query, total in (("", 1), ("?scope=", 0), ("?scope=other", 0)):
        reply = steered.reply("GET", f"/journal{query}", scope="mine")
        assert f'"total": {total}'.encode() in bytes(reply.body)


class Posting:
    """A stand-in for the part that posts webhooks."""

    changes = 0

    def public_key(self) -> bytes:
        return bytes(32)

    def sign(self, message: bytes) -> bytes:
        return message[:64].ljust(64)

    def read(self, body: object) -> bytes:
        raise AssertionError(body)

    def changed(self) -> None:
        self.changes += 1

    def warn(self, text: str) -> None:
        raise AssertionError(text)


@pytest.mark.parametrize("pace", ["manual", "recorded"])
def test_the_webhook_of_a_job_that_is_moved_by_hand(pace: str) -> None:
    steered = Steered({**answering(1), "queue": {"started": 2, "completed": 6}}, edge=Posting(), pace=parse_pace(pace))
    schedule, due = steered.engines.webhooks, steered.engines.due_webhooks
    jobs = [steered.submit("t/e?fal_webhook=http://127.0.0.1:9/hook") for _ in range(3)]
    for job in jobs:
        steered.ask("POST", f"/jobs/{job}/hold")
    steered.now += 5
    assert due(steered.now) == []
    steered.ask("POST", f"/jobs/{jobs[0]}/complete")
    assert [post.request_id for post in due(steered.now)] == jobs[:1]
    steered.ask("POST", f"/jobs/{jobs[1]}/release")
    steered.now += 2
    assert [post.request_id for post in due(steered.now)] == jobs[1:2]
    done = steered.submit("t/e?fal_webhook=http://127.0.0.1:9/hook")
    steered.ask("POST", f"/jobs/{done}/complete")
    assert schedule.next() is not None
    steered.ask("POST", "/reset")
    steered.now += 100
    assert due(steered.now) == []
    assert schedule.next() is None
