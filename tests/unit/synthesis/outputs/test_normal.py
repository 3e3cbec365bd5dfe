"""One form for schemas that say the same."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.synthesis.outputs.normal import normal
from unit.synthesis.outputs.schemas import document
from unit.synthesis.outputs.schemas import ref

LOOP = {"$ref": "#/components/schemas/Loop"}
DOCUMENT = document({}, Loop=LOOP, Named={"title": "Class", "type": "integer", "minimum": 1, "default": 3})


@pytest.mark.parametrize(
    ("schema", "expected", "nullable"),
    [
        ({"type": "string"}, {"type": "string"}, False),
        (ref("Named"), {"title": "Class", "type": "integer", "minimum": 1, "default": 3}, False),
        (ref("Named", default=4, title="T"), {"title": "T", "type": "integer", "minimum": 1, "default": 4}, False),
        (
            {"allOf": [ref("Named")], "default": 4},
            {"title": "Class", "type": "integer", "minimum": 1, "default": 4},
            False,
        ),
        ({"anyOf": [{"type": "null"}, {"type": "string"}], "title": "T"}, {"title": "T", "type": "string"}, True),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "string"}, False),
        ({"anyOf": [{"type": "null"}]}, {}, True),
        ({"anyOf": 5}, {}, False),
        ({"type": ["null", "integer"]}, {"type": "integer"}, True),
        ({"type": ["null"]}, {"type": "null"}, True),
        ({"type": "string", "nullable": True}, {"type": "string", "nullable": True}, True),
        (ref("Gone", type="string"), {"type": "string"}, False),
        (LOOP, {}, False),
        (None, {}, False),
    ],
)
def test_the_normal_form(schema: Any, expected: dict[str, Any], *, nullable: bool) -> None:
    found = normal(DOCUMENT, schema)
    assert (found.schema, found.nullable) == (expected, nullable)


def test_the_class_names_itself() -> None:
    assert normal(DOCUMENT, ref("Named", title="Video")).title == "Class"
    assert normal(DOCUMENT, {"title": "Own"}).title == "Own"
    assert normal(DOCUMENT, ref("Gone")).title == "Gone"
    assert normal(DOCUMENT, {"title": 5}).title == ""


def test_what_was_referred_to() -> None:
    assert normal(DOCUMENT, {"allOf": [ref("Named")]}).references == ("#/components/schemas/Named",)


def test_properties_stand_in_the_order_of_the_class() -> None:
    schema = {
        "properties": {"a": {}, "b": {}, "c": {}},
        "required": ["a", 5],
        "x-fal-order-properties": ["b", "z", 5, "a"],
    }
    found = normal(DOCUMENT, schema)
    assert list(found.properties) == ["b", "a", "c"]
    assert found.required == {"a"}
    assert found.kind == "object"


def test_parts_that_hold_together_are_united() -> None:
    parts = [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}, 5]
    found = normal(DOCUMENT, {"allOf": parts})
    assert set(found.properties) == {"a", "b"}
    assert found.required == {"a", "b"}


def test_what_is_no_schema_has_nothing() -> None:
    found = normal(DOCUMENT, {"properties": 5, "required": 5, "type": 5})
    assert (found.properties, found.required, found.kind) == ({}, frozenset(), "")
