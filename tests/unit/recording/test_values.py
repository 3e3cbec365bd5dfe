from __future__ import annotations

from typing import Any

from falmock.recording.values import mapped
from falmock.recording.values import references
from falmock.recording.values import steps_of
from falmock.recording.values import texts
from falmock.recording.values import values

ENTRY: dict[str, Any] = {
    "match": {"model": "a/b", "input": {"json": "no"}},
    "response": {"status": 200, "json": "a"},
    "stream": {"events": [{"at": 0, "json": "b"}, {"at": 1, "data": "no"}], "headers": {"json": "no"}},
    "realtime": [{"msgpack": {"x": ["c"]}}, {"json": "d"}, {"text": "no"}],
    "recorded": {"json": "no"},
}


def test_what_an_entry_answers_with() -> None:
    assert list(values(ENTRY)) == ["a", "b", {"x": ["c"]}, "d"]
    assert list(values({"match": {}, "stream": [{"json": 1}, {"end": True}]})) == [1]
    assert list(values({"match": {}})) == []


def test_all_of_it_is_changed_and_nothing_else() -> None:
    changed = mapped(ENTRY, lambda value: [value])
    assert list(values(changed)) == [["a"], ["b"], [{"x": ["c"]}], ["d"]]
    assert mapped(changed, lambda value: value[0]) == ENTRY
    assert changed["match"] == ENTRY["match"]
    assert changed["stream"]["headers"] == {"json": "no"}


def test_no_change_is_the_same_object() -> None:
    assert mapped(ENTRY, lambda value: value) is ENTRY


def test_steps() -> None:
    assert steps_of(None) == []
    assert steps_of([1]) == steps_of({"events": [1]}) == [1]
    assert steps_of({"json": 1}) == [{"json": 1}]


def test_texts() -> None:
    assert list(texts({"a": ["b", {"c": "d"}, 1, None], "e": "f"})) == ["b", "d", "f"]


def test_references() -> None:
    value = {"a": [{"$file": "sha256:1", "name": "x"}, {"b": {"$file": "sha256:2"}}, "sha256:3"], "c": 1}
    assert list(references(value)) == ["sha256:1", "sha256:2"]
