from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.checks.core_schema import translation
from falmock.synthesis.checks.known_keys import MAX_TOLD
from falmock.synthesis.checks.known_keys import may_have_unknown
from falmock.synthesis.checks.known_keys import unknown
from unit.synthesis.checks.drawn_inputs import Drawer
from unit.synthesis.checks.written_models import ENDPOINT
from unit.synthesis.checks.written_models import REF
from unit.synthesis.checks.written_models import WRITTEN
from unit.synthesis.checks.written_models import component
from unit.synthesis.checks.written_models import document

TEXT = {"type": "string"}
SIZE = component("ImageSize", width=TEXT, height=TEXT)


def told(schema: Any, value: Any, **components: Any) -> tuple[tuple[str, str], ...]:
    known = translation(document(component("Input", x=schema), components), ENDPOINT).known
    found = unknown({"x": value}, known)
    assert may_have_unknown({"x": value}, known) >= bool(found)
    return found


def names(schema: Any, value: Any, **components: Any) -> list[str]:
    return [path for path, _ in told(schema, value, **components)]


def test_a_key_gets_the_name_that_was_meant() -> None:
    assert told(SIZE, {"widht": 1, "colour": 2}) == (("x.widht", ", did you mean 'width'?"), ("x.colour", ""))


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (SIZE, {"width": "1"}, []),
        (SIZE, {"a": 1}, ["x.a"]),
        (SIZE, [{"a": 1}], []),
        (SIZE, "a", []),
        (TEXT, {"a": 1}, []),
        ({}, {"a": 1}, []),
        ({"type": "object"}, {"a": 1}, []),
        ({"type": "object", "additionalProperties": SIZE}, {"k": {"a": 1}}, ["x.k.a"]),
        ({"type": "array", "items": SIZE}, [{"width": "1"}, {"a": 1}, 5], ["x[1].a"]),
        ({"type": "array", "items": {"type": "array", "items": SIZE}}, [[], [{"a": 1}]], ["x[1][0].a"]),
        ({"anyOf": [SIZE, TEXT]}, {"a": 1}, ["x.a"]),
        ({"anyOf": [SIZE, component("B", a=SIZE)]}, {"a": {"b": 1}, "width": "1", "c": 2}, ["x.a.b", "x.c"]),
        ({"anyOf": [SIZE, {"type": "object"}]}, {"a": 1}, []),
        ({"anyOf": [SIZE, {"type": "array", "items": SIZE}]}, [{"a": 1}], ["x[0].a"]),
        ({**SIZE, "additionalProperties": True}, {"a": 1}, []),
        ({"$ref": f"{REF}Node"}, {"next": {"next": {"nxt": 1}}}, ["x.next.next.nxt"]),
    ],
)
def test_where_keys_are_unknown(schema: Any, value: Any, expected: list[str]) -> None:
    assert names(schema, value, Node=component("Node", next={"$ref": f"{REF}Node"})) == expected


def test_no_more_than_some_are_told_and_long_keys_in_part() -> None:
    assert len(names(SIZE, {str(number): 1 for number in range(1000)})) == MAX_TOLD
    assert told(SIZE, {"width" * 100_000: 1}) == ((f"x.{'width' * 12}...", ""),)


def test_keys_that_are_no_texts_are_left_alone() -> None:
    assert names(SIZE, {5: 1}) == []


@given(name=st.sampled_from(sorted(WRITTEN)), random=st.randoms(use_true_random=False))
def test_a_quick_look_misses_none(name: str, random: Random) -> None:
    written = WRITTEN[name]
    known = translation(written.document, ENDPOINT).known
    value = Drawer(written.document, random).body(written.schema)
    assert may_have_unknown(value, known) >= bool(unknown(value, known))
