"""Examples of outputs, from the documents of models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from falmock.synthesis.output_example import MAX_DEPTH
from falmock.synthesis.output_example import example_output
from falmock.synthesis.schema_inference import output_shape
from falmock.wire.model_document import model_document


def of(schema: dict[str, Any], **schemas: Any) -> Any:
    document = model_document("a/b", "", {}, {"type": "object"}, "")
    document["components"]["schemas"].update(schemas)
    content = document["paths"]["/a/b/requests/{request_id}"]["get"]["responses"]["200"]["content"]
    content["application/json"]["schema"] = schema
    return example_output(document, "a/b")


IMAGE = {
    "type": "object",
    "properties": {
        "width": {"type": "integer"},
        "url": {"type": "string", "examples": ["https://v3.fal.media/a.png", "https://v3.fal.media/b.png"]},
        "content_type": {"type": "string", "default": "image/png"},
        "file_data": {"type": "string"},
    },
    "required": ["url"],
    "x-fal-order-properties": ["url", "content_type", "width", "gone", 5],
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, ""),
        ({"type": "integer"}, 0),
        ({"type": "number"}, 0.0),
        ({"type": "boolean"}, False),
        ({"type": "object"}, {}),
        ({"type": "array"}, []),
        ({"type": "array", "items": {"type": "integer"}}, [0]),
        ({"type": ["string", "null"]}, None),
        ({}, None),
        ({"enum": ["png", "jpeg"]}, "png"),
        ({"const": 5}, 5),
        ({"default": None, "type": "string"}, None),
        ({"example": "x", "default": "y"}, "x"),
        ({"examples": [[1], [2]], "type": "array"}, [1]),
        ({"examples": [], "type": "string"}, ""),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 0),
        ({"anyOf": [{"type": "null"}]}, None),
        (
            {"allOf": [{"$ref": "#/components/schemas/Image"}]},
            {"url": "https://v3.fal.media/a.png", "content_type": "image/png"},
        ),
        (
            {
                "properties": {"images": {"type": "array", "items": {"$ref": "#/components/schemas/Image"}}},
                "required": ["images"],
            },
            {"images": [{"url": "https://v3.fal.media/a.png", "content_type": "image/png"}]},
        ),
        ({"$ref": "#/components/schemas/None"}, None),
        ({"$ref": "https://example.com/schema.json"}, None),
        ({"properties": {"a": 5}, "required": 7}, {}),
    ],
)
def test_an_example(schema: dict[str, Any], expected: Any) -> None:
    assert json.dumps(of(schema, Image=IMAGE)) == json.dumps(expected)


def test_a_schema_that_contains_itself_ends() -> None:
    text = json.dumps(
        of(
            {"$ref": "#/components/schemas/Node"},
            Node={"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
        )
    )
    assert text.count("[") == MAX_DEPTH


@pytest.mark.parametrize("document", [None, {}, {"paths": {}}, {"paths": {"/a/b/requests/{request_id}": []}}])
def test_a_document_without_an_output(document: Any) -> None:
    assert example_output(document, "a/b") is None


OUTPUTS = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        st.booleans() | st.integers(0, 9) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@given(st.lists(OUTPUTS, min_size=1, max_size=3))
def test_an_example_is_valid_by_its_schema(outputs: list[Any]) -> None:
    schema = output_shape(outputs)
    example = example_output(model_document("a/b", "", {}, schema, ""), "a/b")
    Draft202012Validator(schema).validate(example)
