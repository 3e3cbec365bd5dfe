from __future__ import annotations

from typing import Any

import pytest

from falmock.recording.document import scrubbed
from falmock.redaction.redactor import Redactor
from unit.fixtures.build import decoded

SECRET = "s3cret-s3cret"


def redactor() -> Redactor:
    known = Redactor()
    known.learn_value(SECRET)
    return known


def entry(match: Any = None, **more: Any) -> dict[str, Any]:
    return {"match": match or {"model": "a/b"}, "response": {"json": {"n": 1}}, **more}


def test_an_entry_without_secrets_is_the_same_object() -> None:
    clean = entry({"model": "a/b", "input": {"prompt": "a cat", "seed": 1.0}}, queue={"started": 0.5}, _note="mine")
    assert scrubbed(clean, redactor()) is clean


def test_what_is_matched_becomes_a_matcher() -> None:
    match = {"model": "a/b", "input": {"prompt": f"with {SECRET}", "list": [SECRET], "n": 1}, "exact": True}
    told = scrubbed(entry(match), redactor())
    assert told["match"] == {
        "model": "a/b",
        "input": {"prompt": {"$any": True}, "list": [{"$any": True}], "n": 1},
        "exact": True,
    }
    assert decoded(told).problems == []


@pytest.mark.parametrize(
    ("match", "clean"),
    [
        ({"model": f"a/{SECRET}"}, {"model": "a/*"}),
        (
            {"method": "GET", "path": f"/files/my-{SECRET}.png", "host": "v3.fal.media"},
            {"method": "GET", "path": "/files/my-*.png", "host": "v3.fal.media"},
        ),
        (
            {"model": "a/b", "body": [{"name": "api_key", "content": "hunter2"}, {"name": "n", "content": "c"}]},
            {"model": "a/b", "body": [{"name": "api_key", "content": {"$any": True}}, {"name": "n", "content": "c"}]},
        ),
        ({"model": "a/b", "body": [{"name": SECRET, "content": "c"}]}, {"model": "a/b", "body": {"$any": True}}),
        (
            {"model": "a/b", "body": [{"name": "n", "filename": f"{SECRET}.png", "content": "c"}]},
            {"model": "a/b", "body": {"$any": True}},
        ),
        ({"model": "a/b", "body": "a=b&api_key=hunter2"}, {"model": "a/b", "body": {"$any": True}}),
    ],
)
def test_whatever_is_matched_has_no_secret_and_still_matches(match: dict[str, Any], clean: dict[str, Any]) -> None:
    told = scrubbed(entry(match), redactor())
    assert told["match"] == clean
    assert decoded(told).problems == []
    assert scrubbed(told, redactor()) is told


def test_what_is_told_is_hidden_in_place() -> None:
    told = scrubbed(
        entry(
            queue={"started": 1, "logs": [{"at": 1, "message": f"key {SECRET}"}]},
            recorded={"at": "2025-07-15T22:43:18Z", "client": f"app/{SECRET}"},
            _note=SECRET,
        )
        | {"response": {"headers": {"x-fal-note": SECRET}, "json": {"a": SECRET, "seed": 18446744073709551615}}},
        redactor(),
    )
    assert SECRET not in str(told)
    assert told["queue"] == {"started": 1, "logs": [{"at": 1, "message": "key [hidden]"}]}
    assert told["response"]["json"] == {"a": "[hidden]", "seed": 18446744073709551615}
    assert list(told) == ["match", "response", "queue", "recorded", "_note"]


def test_other_keys_and_odd_entries_are_left_alone() -> None:
    odd = {"match": SECRET, "chaos": {"a": SECRET}}
    assert scrubbed(odd, redactor()) is odd


def test_scrubbing_twice_changes_nothing_more() -> None:
    once = scrubbed(entry({"model": "a/b", "input": {"a": SECRET}}, recorded={"client": SECRET}), redactor())
    assert scrubbed(once, redactor()) is once


def test_secrets_in_a_query_and_a_body_become_matchers() -> None:
    match = {
        "model": "a/b",
        "query": {"api_key": "0123456789abcdef0123", "x": "1"},
        "body": "a=1&api_key=0123456789abcdef0123",
    }
    clean = scrubbed({"match": match, "response": {"json": 1}}, Redactor())
    assert clean["match"]["body"] == {"$any": True}
    fields = [{"name": "api_key", "content": "0123456789abcdef0123"}, {"name": "x", "content": "1"}]
    form = {"match": {"model": "a/b", "body": fields}, "response": {"json": 1}}
    assert scrubbed(form, Redactor())["match"]["body"] == [{"name": "api_key", "content": {"$any": True}}, fields[1]]
    assert scrubbed({"match": {"body": fields[1:]}}, Redactor()) == {"match": {"body": fields[1:]}}
    assert clean["match"]["query"] == {"api_key": {"$any": True}, "x": "1"}
    assert "0123456789abcdef0123" not in str(clean)
