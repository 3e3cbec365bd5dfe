from __future__ import annotations

from typing import Any

import pytest

from falmock.synthesis.checks import keywords


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"$ref": "#/a"}, "#/a"),
        ({"allOf": [{"$ref": "#/a"}], "default": 1}, "#/a"),
        ({"allOf": [{"$ref": "#/a"}, {"$ref": "#/b"}]}, None),
        ({"allOf": [5]}, None),
        ({"$ref": 5}, None),
        ({"type": "string"}, None),
        ("#/a", None),
    ],
)
def test_references(schema: Any, expected: str | None) -> None:
    assert keywords.reference_in(schema) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", 1, 1.5, True, None], True),
        ([-(2**63), 2**63 - 1], True),
        ([2**63], False),
        ([["a"]], False),
        ([{}], False),
        ([], False),
        ("ab", False),
    ],
)
def test_constants(values: Any, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert keywords.are_constants(values) is expected


def test_models() -> None:
    assert keywords.is_model({"properties": {}})
    assert keywords.is_model({"type": "object", "properties": {}})
    assert not keywords.is_model({"type": "string", "properties": {}})
    assert not keywords.is_model({"type": "object", "properties": []})


def test_the_order_of_properties() -> None:
    properties = dict.fromkeys("abc")
    assert keywords.ordered(properties, ["c", "x", [], "a", "c"]) == ["c", "a", "b"]
    assert keywords.ordered(properties, None) == ["a", "b", "c"]


def test_limits_are_of_the_type_of_the_number() -> None:
    schema = {"minimum": 1.0, "maximum": 2**70, "multipleOf": 8}
    assert keywords.limits(schema, int) == {"ge": 1, "le": 2**70, "multiple_of": 8}
    assert all(type(limit) is float for limit in keywords.limits(schema, float).values())
    assert keywords.limits({"exclusiveMinimum": 0.5, "exclusiveMaximum": 2}, float) == {"gt": 0.5, "lt": 2.0}


@pytest.mark.parametrize("limit", [True, "1", None, float("inf"), float("nan"), 10**400, [1]])
def test_what_is_no_limit(limit: Any) -> None:
    assert keywords.limits({"minimum": limit}, float) == {}
    assert keywords.limits({"multipleOf": limit}, int) == {}


def test_a_limit_that_no_integer_is_and_a_multiple_of_nothing() -> None:
    assert keywords.limits({"minimum": 0.5, "multipleOf": 0}, int) == {}
    assert keywords.limits({"multipleOf": -2}, float) == {}


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (5, 5), (-1, None), (2**63, None), (True, None), ("5", None)])
def test_counts(value: Any, expected: int | None) -> None:
    assert keywords.count({"maxItems": value}, "maxItems") == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Output[File]", "Output[File]"),
        ("a\x00\ud800\nb", "ab"),
        ("x" * 300, "x" * 200),
        (None, ""),
    ],
)
def test_names_of_classes(title: Any, expected: str) -> None:
    assert keywords.class_name(title) == expected
