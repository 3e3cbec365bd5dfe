"""Scopes: what one test does is not seen by another, though both use one mock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine import scoped_engines
from falmock.engine import scopes
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.volatile import Ignores
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.engine.calls import index_of

NOW = 1_752_619_398.0
TWO = [
    {"match": {"model": "test/turns"}, "response": {"json": {"turn": 1}}},
    {"match": {"model": "test/turns"}, "response": {"json": {"turn": 2}}},
]


class Mock:
    """Engines with these fixtures."""

    def __init__(self, *fixtures: dict[str, Any], **config: Any) -> None:
        counter = iter(range(10**6))
        self.engines = Engines(Config(**config), index_of(*fixtures), lambda now: uuid7(now, next(counter)), b"falmock")

    def send(self, scope: str, method: str, url: str, body: Any = None, **headers: str) -> Reply:
        host, _, path = url.removeprefix("https://").partition("/")
        content = b"" if body is None else json.dumps(body).encode()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(method, host, f"/{path}", "", headers, content, scope=scopes.named(headers, scope))
        effect = self.engines.handle(request, NOW)
        assert isinstance(effect, Reply)
        return effect

    def told(self, scope: str, method: str, url: str, body: Any = None, **headers: str) -> Any:
        reply = self.send(scope, method, url, body, **headers)
        assert isinstance(reply.body, bytes)
        return json.loads(reply.body)

    def turn(self, scope: str, **headers: str) -> int:
        return int(self.told(scope, "POST", "https://fal.run/test/turns", {}, **headers)["turn"])


def test_each_scope_has_the_sequence_from_its_start() -> None:
    mock = Mock(*TWO)
    assert [mock.turn("a"), mock.turn("b"), mock.turn(""), mock.turn("a"), mock.turn("b"), mock.turn("")] == [
        *(1, 1, 1),
        *(2, 2, 2),
    ]


def test_a_job_is_known_in_its_scope_alone() -> None:
    mock = Mock(*TWO)
    url = mock.told("a", "POST", "https://queue.fal.run/test/turns", {})["status_url"]
    assert mock.told("a", "GET", url)["status"] == "COMPLETED"
    for other in ("b", ""):
        assert mock.send(other, "GET", url).status == 404


def test_a_file_is_known_in_every_scope() -> None:
    # A browser that follows its URL brings no name.
    mock = Mock(*TWO)
    url = mock.told("a", "POST", "https://v3.fal.media/files/upload", "photo")["access_url"]
    assert mock.send("", "GET", url).body == mock.send("b", "GET", url).body == b'"photo"'


def test_each_scope_has_a_journal_of_its_own() -> None:
    mock = Mock(*TWO)
    mock.turn("a")
    mock.turn("a")
    mock.turn("")
    assert [mock.engines.of(scope).scope.journal.total for scope in ("a", "b", "")] == [2, 0, 1]


@pytest.mark.parametrize(
    ("headers", "user", "scope"),
    [
        ({}, "", ""),
        ({}, "worker-1", "worker-1"),
        ({"x-test-id": "t"}, "worker-1", "t"),
        ({"x-falmock-scope": "s", "x-test-id": "t"}, "worker-1", "s"),
        ({"x-falmock-scope": "  "}, "worker-1", "worker-1"),
        ({"x-falmock-scope": " s "}, "", "s"),
        ({"x-test-id": "t" * 200}, "", "t" * 200),
    ],
)
def test_what_names_a_scope(headers: dict[str, str], user: str, scope: str) -> None:
    assert scopes.named(headers, user) == scope


@pytest.mark.parametrize("by", ["x-falmock-scope", "x-test-id", "user"])
def test_long_names_that_differ_in_their_ends_name_different_scopes(by: str) -> None:
    """The names are like test titles that include the file and the describe blocks."""
    names = [f"spec.ts > {'very ' * 60}long > {end}" for end in ("one", "two", "one")]
    found = [scopes.named({}, name) if by == "user" else scopes.named({by: name}) for name in names]
    assert found[0] == found[2] != found[1]
    assert {len(name) for name in found} == {scopes.MAX_NAME}
    assert found[0].startswith("spec.ts > very ")


def test_a_new_scope_works_as_the_others_do() -> None:
    mock = Mock()
    mock.engines.use_config(Config(pace=parse_pace("3s"), ignore=Ignores([parse_ignore("seed")])))
    mock.engines.use_fixtures(
        index_of({"match": {"model": "a/b", "input": {"seed": 1}, "exact": True}, "response": {"json": 1}})
    )
    for scope in ("a", ""):
        reply = mock.send(scope, "POST", "https://fal.run/a/b", {"seed": 2}, content_type="application/json")
        assert (reply.status, reply.delay) == (200, 3.0)


def test_what_changes_changes_for_all() -> None:
    mock = Mock(*TWO)
    mock.turn("a")
    mock.engines.use_fixtures(index_of({"match": {"model": "test/turns"}, "response": {"json": {"turn": 7}}}))
    assert [mock.turn("a"), mock.turn("b")] == [7, 7]
    mock.engines.use_config(Config(mode=Mode.REPLAY, pace=parse_pace("3s")))
    assert mock.send("a", "POST", "https://fal.run/test/turns", {}).delay == 3.0


def test_secrets_are_known_to_all() -> None:
    mock = Mock(*TWO)
    mock.turn("a", authorization="Key kid:a-long-secret")
    assert "a-long-secret" not in mock.engines.of("b").redactor.text("it is a-long-secret")


def test_scopes_are_bounded_and_can_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoped_engines, "LIMIT", 2)
    mock = Mock(*TWO)
    assert [mock.turn(name) for name in ("a", "b", "a", "c")] == [1, 1, 2, 1]
    assert mock.engines.names == ["a", "c"]
    assert [mock.turn("b"), mock.turn("c")] == [1, 2]
    assert mock.engines.drop("c")
    assert not mock.engines.drop("c")
    assert mock.turn("c") == 1


ADDED = {"match": {"model": "test/added"}, "response": {"json": {"done": True}}}


def test_a_miss_names_the_scopes_in_which_an_added_fixture_answers() -> None:
    mock = Mock(*TWO)
    url = "https://fal.run/test/added"

    def scopes_named(scope: str) -> str:
        miss = mock.send(scope, "POST", url, {}).miss
        assert miss is not None
        (line,) = [line for line in miss.text.splitlines() if "another scope" in line] or [""]
        return line.partition(": ")[2].partition(". ")[0]

    assert scopes_named("a") == ""
    fixtures = index_of(ADDED).fixtures
    mock.engines.of("b").add_fixtures("added/1", fixtures, {})
    assert [scopes_named("a"), scopes_named("")] == ["b", "b"]
    mock.engines.common.add_fixtures("added/1", fixtures, {})
    assert scopes_named("a") == "the shared scope, b"
    assert mock.send("b", "POST", url, {}).status == 200
    mock.engines.of("b").remove_fixtures()
    assert [scopes_named("a"), scopes_named("b")] == ["the shared scope"] * 2
    mock.engines.reset("")
    assert scopes_named("a") == ""


def test_fixtures_for_all_scopes_are_below_those_of_one() -> None:
    mock = Mock(*TWO)
    mock.turn("a")
    mock.engines.add_to_all("added/all-1", index_of({**TWO[0], "response": {"json": {"turn": 5}}}).fixtures, {})
    assert [mock.turn("a"), mock.turn("new"), mock.turn("")] == [5, 5, 5]
    mock.engines.of("a").add_fixtures("added/1", index_of({**TWO[0], "response": {"json": {"turn": 6}}}).fixtures, {})
    assert [mock.turn("a"), mock.turn("new")] == [6, 5]
    mock.engines.use_fixtures(index_of(*TWO))
    assert [mock.turn("a"), mock.turn("new")] == [6, 5]
    mock.engines.remove_from_all()
    assert [mock.turn("a"), mock.turn("new")] == [6, 1]


def test_calls_of_an_alias_belong_to_the_other_scope() -> None:
    mock = Mock(*TWO)
    mock.engines.use_alias("process", "one")
    assert [mock.turn("process"), mock.turn("one"), mock.turn("two")] == [1, 2, 1]
    assert mock.engines.names == ["one", "two"]
    assert mock.engines.peek("process") is mock.engines.of("one")
    mock.engines.use_alias("process", "two")
    assert mock.turn("process") == 2
    mock.engines.use_alias("process", None)
    assert [mock.turn("process"), mock.engines.names] == [1, ["one", "two", "process"]]


def test_there_are_not_more_and_more_aliases() -> None:
    mock = Mock(*TWO)
    for number in range(1001):
        mock.engines.use_alias(f"process {number}", "one")
    assert mock.engines.named("process 0") == "process 0"
    assert {mock.engines.named(f"process {number}") for number in (1, 1000)} == {"one"}


def test_an_alias_of_an_alias_is_of_the_same_scope_and_there_are_no_circles() -> None:
    mock = Mock(*TWO)
    mock.engines.use_alias("a", "b")
    mock.engines.use_alias("c", "a")
    mock.engines.use_alias("b", "c")
    assert [mock.engines.named(name) for name in "abc"] == ["b", "b", "b"]


def test_an_alias_lasts_until_either_is_dropped() -> None:
    mock = Mock(*TWO)
    for dropped in ("process", "one"):
        mock.engines.use_alias("process", "one")
        mock.turn("process")
        mock.engines.reset("process")
        assert (mock.engines.named("process"), mock.engines.names) == ("one", [])
        mock.turn("process")
        mock.engines.reset_all()
        assert (mock.engines.named("process"), mock.engines.names) == ("one", [])
        mock.engines.drop(dropped)
        assert mock.engines.named("process") == "process"


def test_a_scope_has_a_pace_of_its_own_until_it_is_reset() -> None:
    mock = Mock(*TWO)
    mock.engines.of("slow").use_pace(parse_pace("manual"), "manual")
    mock.engines.use_config(Config(job_ttl=7.0))
    told = {name: mock.engines.of(name).config for name in ("slow", "other", "")}
    assert {name: config.pace_text for name, config in told.items()} == {
        "slow": "manual",
        "other": "instant",
        "": "instant",
    }
    assert {config.job_ttl for config in told.values()} == {7.0}
    submitted = [mock.told(name, "POST", "https://queue.fal.run/test/turns", {}) for name in ("slow", "other")]
    status = [
        mock.told(name, "GET", job["status_url"])["status"]
        for name, job in zip(("slow", "other"), submitted, strict=True)
    ]
    assert status == ["IN_QUEUE", "COMPLETED"]
    mock.engines.reset("slow")
    assert mock.engines.of("slow").config.pace_text == "instant"


def test_a_scope_is_read_without_being_made() -> None:
    mock = Mock()
    assert (mock.engines.existing("one"), mock.engines.existing(""), len(mock.engines)) == (
        None,
        mock.engines.common,
        0,
    )
    made = mock.engines.of("one")
    assert (mock.engines.existing("one"), len(mock.engines)) == (made, 1)
    assert 0 <= mock.engines.run < 10_000


def test_a_pace_of_the_default_scope_is_its_own() -> None:
    mock = Mock()
    mock.engines.common.use_pace(parse_pace("manual"), "manual")
    assert (mock.engines.common.config.pace_text, mock.engines.of("one").config.pace_text) == ("manual", "instant")
    mock.engines.common.use_shared_pace()
    assert mock.engines.common.config.pace_text == "instant"
