"""Fixtures that tests add and remove, and those on disk."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine import additions
from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.volatile import Ignores
from falmock.fixtures.model import Problem
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

ON_DISK = (
    answering({"from": "disk"}, input={"prompt": "a cat"}, exact=True),
    answering({"from": "another"}, model="t/other"),
)
MISS = None


def ids(value: Any) -> list[str]:
    return [fixture["id"] for fixture in value["fixtures"]]


def test_what_is_added_wins_over_a_file_however_specific_that_is() -> None:
    steered = Steered(*ON_DISK)
    added = steered.ask("POST", "/fixtures", answering({"from": "test"}, model="t/*"), 201)
    assert (added["added"], ids(added)) == ("1", ["added/1#0"])
    assert steered.run("t/e", {"prompt": "a cat"}) == {"from": "test"}
    assert steered.run("t/new") == {"from": "test"}
    assert ids(steered.ask("GET", "/fixtures")) == ["added/1#0", "test.json#0", "test.json#1"]
    assert steered.ask("GET", "/health")["fixtures"] == 3
    assert steered.ask("DELETE", "/fixtures/1") == {"removed": ["added/1#0"]}
    assert (steered.run("t/e", {"prompt": "a cat"}), steered.run("t/new")) == ({"from": "disk"}, MISS)
    assert "'1'" in steered.ask("DELETE", "/fixtures/1", status=404)["message"]


def test_what_is_added_later_wins_over_what_was_added_before() -> None:
    steered = Steered(*ON_DISK)
    for value in (1, 2, 3):
        steered.ask("POST", "/fixtures", answering(value), 201)
    assert [steered.run("t/e") for _ in range(3)] == [3, 3, 3]
    steered.ask("DELETE", "/fixtures/3")
    assert steered.run("t/e") == 2
    assert steered.ask("DELETE", "/fixtures") == {"removed": ["added/1#0", "added/2#0"]}
    assert steered.run("t/e") is MISS


def test_a_sequence_begins_when_it_is_added() -> None:
    steered = Steered(answering("disk 1"), answering("disk 2"))
    assert [steered.run("t/e") for _ in range(2)] == ["disk 1", "disk 2"]
    steered.ask("POST", "/fixtures", {"fixtures": [answering(1), answering(2)]}, 201)
    assert [steered.run("t/e") for _ in range(3)] == [1, 2, 2]
    steered.ask("POST", "/fixtures", {"fixtures": [answering(3), answering(4)]}, 201)
    assert [steered.run("t/e") for _ in range(2)] == [3, 4]
    steered.ask("DELETE", "/fixtures")
    assert [steered.run("t/e") for _ in range(2)] == ["disk 1", "disk 2"]


def test_each_scope_has_its_own_and_they_go_with_it() -> None:
    steered = Steered(*ON_DISK)
    steered.ask("POST", "/fixtures", answering("one"), 201, scope="one")
    steered.ask("POST", "/fixtures", answering("two"), 201, scope="two")
    assert [steered.run("t/e", scope=scope) for scope in ("one", "two", "", "three")] == ["one", "two", MISS, MISS]
    assert steered.ask("GET", "/fixtures", scope="one", added="true")["total"] == 1
    steered.ask("DELETE", "/scopes/one")
    assert steered.run("t/e", scope="one") is MISS
    steered.ask("POST", "/reset", scope="two")
    assert steered.run("t/e", scope="two") is MISS


def test_they_outlive_a_reload_and_know_what_does_not_count() -> None:
    steered = Steered(*ON_DISK, ignore=Ignores([parse_ignore("seed")]))
    steered.ask("POST", "/fixtures", answering("added", input={"prompt": "x", "seed": 1}, exact=True), 201)
    assert steered.run("t/e", {"prompt": "x", "seed": 2}) == "added"
    steered.engines.use_fixtures(steered.engines.common._files)
    assert steered.run("t/e", {"prompt": "x", "seed": 3}) == "added"


def test_a_job_under_way_ends_as_it_was_to_end() -> None:
    steered = Steered(*ON_DISK)
    steered.ask("POST", "/fixtures", answering("added"), 201)
    job = steered.submit("t/e")
    steered.ask("DELETE", "/fixtures")
    assert steered.status("t/e", job)["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("body", "path", "said"),
    [
        ({"match": {"model": "t/e"}, "respons": {}}, "$.fixtures[0]", "did you mean 'response'"),
        (
            {"match": {"model": "no endpoint"}, "response": {"json": 1}},
            "$.fixtures[0].match.model",
            "not an endpoint id",
        ),
        ({"fixtures": []}, None, "no fixture for fal"),
        ({"fixtures": {}}, "$.fixtures", "expected"),
        (
            {"match": {"model": "t/e"}, "response": {"file": "nowhere.png"}},
            "$.fixtures[0].response.file",
            "expected a file in",
        ),
    ],
)
def test_what_is_no_fixture_is_told_and_not_added(body: Any, path: str | None, said: str) -> None:
    steered = Steered(*ON_DISK)
    told = steered.ask("POST", "/fixtures", body, 400)
    assert said in repr(told)
    assert [found["path"] for found in told.get("problems", ())][:1] == ([path] if path else [])
    assert steered.ask("GET", "/fixtures", added="true")["total"] == 0


def test_there_is_an_end_to_adding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(additions, "LIMIT", 2)
    steered = Steered()
    steered.ask("POST", "/fixtures", {"fixtures": [answering(1), answering(2)]}, 201)
    assert "2 added fixtures" in steered.ask("POST", "/fixtures", answering(3), 409)["message"]
    assert steered.ask("GET", "/fixtures")["total"] == 2


def test_the_list() -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz012345"
    steered = Steered(*ON_DISK)
    steered.engines.common.redactor.learn_value(secret)
    steered.ask("POST", "/fixtures", answering(1, input={"prompt": f"a {secret}"}), 201)
    steered.run("t/other")
    listed = steered.ask("GET", "/fixtures")["fixtures"]
    assert [(each["id"], each["added"], each["used"], each["model"]) for each in listed] == [
        ("added/1#0", "1", False, "t/e"),
        ("test.json#0", None, False, "t/e"),
        ("test.json#1", None, True, "t/other"),
    ]
    assert secret not in repr(listed)
    assert listed[1]["input"] == '{"prompt": "a cat"}'
    assert ids(steered.ask("GET", "/fixtures", model="t/other")) == ["test.json#1"]
    assert ids(steered.ask("GET", "/fixtures", model="t/o*")) == ["test.json#1"]
    assert ids(steered.ask("GET", "/fixtures", added="false", offset=1, limit=1)) == ["test.json#1"]


def test_reading_those_on_disk_again() -> None:
    steered = Steered()
    assert steered.ask("POST", "/fixtures/reload") == {"message": "read"}

    def broken() -> str:
        raise FixtureErrors([Problem("a.json", "$.fixtures[0]", "expected more")])

    steered.disk.read_again = broken
    assert steered.ask("POST", "/fixtures/reload", status=409)["problems"] == [
        {"path": "a.json: $.fixtures[0]", "message": "expected more"}
    ]

    def gone() -> str:
        raise OSError("no disk")

    steered.disk.read_again = gone
    assert "no disk" in steered.ask("POST", "/fixtures/reload", status=409)["message"]


def test_whether_any_scope_used_a_fixture() -> None:
    """What a scope used counts when the scope is dropped, and when its journal is cleared."""
    steered = Steered(*ON_DISK, answering("unused", model="t/unused"))
    steered.ask("POST", "/fixtures", answering("added", model="t/added"), 201, scope="one")
    steered.run("t/other", scope="one")
    steered.run("t/added", scope="one")
    steered.run("t/e", {"prompt": "a cat"})
    steered.ask("DELETE", "/journal")
    steered.ask("DELETE", "/scopes/one")

    def used(**query: Any) -> dict[str, bool]:
        return {each["id"]: each["used"] for each in steered.ask("GET", "/fixtures", **query)["fixtures"]}

    assert used(scope="*") == {"test.json#0": True, "test.json#1": True, "test.json#2": False}
    assert used() == {"test.json#0": False, "test.json#1": False, "test.json#2": False}
    assert list(used(scope="*", model="t/other")) == ["test.json#1"]
    assert used(scope="*", added="true") == {}
    assert steered.engines.names == []
