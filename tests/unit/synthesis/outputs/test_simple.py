"""Values by a schema's own example, default or limits."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from falmock.synthesis.outputs.normal import normal
from falmock.synthesis.outputs.simple import own_value
from falmock.synthesis.outputs.simple import scalar
from unit.synthesis.outputs.schemas import asked


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, None),
        ({"examples": ["x"], "default": "y"}, ("x",)),
        ({"example": "x", "default": "y"}, ("x",)),
        ({"default": "y"}, ("y",)),
        ({"const": 5, "examples": [5]}, (5,)),
        ({"enum": ["png", "jpeg"]}, ("png",)),
        ({"examples": [1], "type": "string", "default": "y"}, ("y",)),
        ({"examples": [None], "anyOf": [{"type": "string"}, {"type": "null"}]}, (None,)),
        ({"examples": ["https://v3.fal.media/gone.png"], "type": "string"}, None),
        ({"examples": [{"a": ["http://x"]}]}, None),
        ({"examples": [[]], "type": "array"}, ([],)),
        ({"examples": 5, "enum": []}, None),
    ],
)
def test_what_a_schema_says_itself(schema: dict[str, Any], expected: Any) -> None:
    assert own_value(None, normal(None, schema)) == expected


def test_an_example_that_is_too_deep_is_left_out() -> None:
    deep: Any = 1
    for _ in range(30):
        deep = [deep]
    assert own_value(None, normal(None, {"examples": [deep]})) is None


def made(name: str, schema: dict[str, Any], values: dict[str, Any] | None = None, at: int = 0) -> Any:
    return scalar(name, normal(None, schema))(asked(values), at)


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("x", {"type": "string"}, "falmock"),
        ("x", {"type": "string", "maxLength": 3}, "fal"),
        ("x", {"type": "string", "minLength": 9}, "falmock.."),
        ("x", {"type": "string", "minLength": -5, "maxLength": "x"}, "falmock"),
        ("x", {"type": "string", "format": "date-time"}, "2026-01-01T00:00:00Z"),
        ("x", {"type": "string", "format": 5}, "falmock"),
        ("actual_prompt", {"type": "string"}, "a cat"),
        ("x", {"type": "integer"}, 0),
        ("x", {"type": "integer", "minimum": 3}, 3),
        ("x", {"type": "integer", "maximum": -3}, -3),
        ("x", {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 8}, 8),
        ("x", {"type": "integer", "exclusiveMaximum": 0}, -1),
        ("x", {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0.5),
        ("x", {"type": "number", "exclusiveMinimum": 0}, 1.0),
        ("x", {"type": "boolean"}, False),
        ("x", {}, None),
        ("seed", {"type": "integer", "minimum": 7, "maximum": 7}, 7),
    ],
)
def test_a_plain_value(name: str, schema: dict[str, Any], expected: Any) -> None:
    assert made(name, schema, {"prompt": "a cat"}) == expected


def test_a_text_that_is_spoken_is_the_sentence() -> None:
    assert "not by fal-ai/thing" in made("output", {"type": "string"}, {})
    assert len(made("output", {"type": "string", "maxLength": 10}, {})) == 10


def test_an_id_looks_like_one_and_depends_on_the_input() -> None:
    ids = {made("task_id", {"type": "string"}, {"prompt": prompt}, at) for prompt in "ab" for at in (0, 1)}
    assert len(ids) == 4
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", each) for each in ids)


def test_a_seed_depends_on_the_input_and_on_its_place() -> None:
    schema = {"type": "integer"}
    seeds = {made("seed", schema, {"prompt": prompt}, at) for prompt in "ab" for at in (0, 1)}
    assert len(seeds) == 4
    assert all(0 <= each < 2**31 for each in seeds)
    assert {made("seeds", {"type": "integer", "minimum": 4, "maximum": 6}, {"p": p}) for p in range(30)} == {4, 5, 6}


@given(
    st.sampled_from(["x", "seed"]),
    st.sampled_from(["integer", "number"]),
    st.integers(-10, 10),
    st.integers(2, 10),
    st.sampled_from(["minimum", "exclusiveMinimum"]),
    st.sampled_from(["maximum", "exclusiveMaximum"]),
)
def test_a_number_is_within_its_limits(name: str, kind: str, low: int, width: int, least: str, most: str) -> None:
    schema = {"type": kind, least: low, most: low + width}
    Draft202012Validator(schema).validate(made(name, schema, {}))
