from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.openai import model_inputs
from falmock.gateway.openai.model_inputs import Field
from falmock.gateway.openai.model_inputs import inputs_of

PRESETS = ["square_hd", "landscape_4_3"]


def document(properties: Any, endpoint: str = "fal-ai/flux/dev", **schemas: Any) -> dict[str, Any]:
    """A document in the form of fal's."""
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Flux~1DevInput"}}}}
    named = {"Flux/DevInput": {"type": "object", "properties": properties}, **schemas}
    other = {"get": {"parameters": []}}
    return {
        "paths": {f"/{endpoint}/requests/{{id}}": other, f"/{endpoint}": {"post": {"requestBody": body}}},
        "components": {"schemas": named},
    }


def test_the_inputs_of_a_model() -> None:
    properties = {
        "prompt": {"type": "string", "title": "Prompt"},
        "num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "image_size": {
            "anyOf": [{"$ref": "#/components/schemas/ImageSize"}, {"enum": PRESETS, "type": "string"}],
            "default": "landscape_4_3",
        },
        "output_format": {"enum": ["jpeg", "png"], "type": "string", "default": "jpeg"},
        "image_urls": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "odd": True,
    }
    size = {"type": "object", "properties": {"width": {"type": "integer"}, "height": {"type": "integer"}}}
    inputs = inputs_of(document(properties, ImageSize=size), "fal-ai/flux/dev")
    assert inputs is not None
    assert inputs == {
        "prompt": Field(frozenset({"string"}), is_open=True),
        "num_images": Field(frozenset({"integer"}), default=1, maximum=4),
        "image_size": Field(frozenset({"object", "string"}), tuple(PRESETS), default="landscape_4_3"),
        "output_format": Field(frozenset({"string"}), ("jpeg", "png"), default="jpeg"),
        "image_urls": Field(frozenset({"array"}), most=3),
        "seed": Field(frozenset({"integer", "null"})),
        "odd": Field(),
    }


def test_inputs_in_parts() -> None:
    parts = {"allOf": [{"$ref": "#/components/schemas/A"}, {"properties": {"b": {"const": "x"}}}]}
    found = document({}, A={"properties": {"a": {"type": "string"}}})
    found["components"]["schemas"]["Flux/DevInput"] = parts
    inputs = inputs_of(found, "fal-ai/flux/dev")
    assert inputs is not None
    assert set(inputs) == {"a", "b"}
    assert inputs["b"].choices == ("x",)


@pytest.mark.parametrize(
    "found",
    [None, [], {}, {"paths": []}, {"paths": {"/a/b": {"post": None}}}, document({}), document({"prompt": {}}, "a/c")],
)
def test_what_tells_nothing(found: Any) -> None:
    assert inputs_of(found, "a/b") is None


def test_a_schema_that_means_itself() -> None:
    loop = {"anyOf": [{"$ref": "#/components/schemas/Loop"}] * 30, "type": "string"}
    found = inputs_of(document({"a": {"$ref": "#/components/schemas/Loop"}}, Loop=loop), "fal-ai/flux/dev")
    assert found == {"a": Field(frozenset({"string"}), is_open=True)}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (Field(frozenset({"string"}), ("jpeg", "png")), ["png"], ["webp", 5, None]),
        (Field(frozenset({"string"}), ("a",), is_open=True), ["a", "b"], [5]),
        (Field(frozenset({"integer", "null"})), [5], ["5", 5.5, True]),
        (Field(frozenset({"number"})), [5, 5.5], ["5"]),
        (Field(), [5, "a", True], []),
    ],
)
def test_values_that_will_do(field: Field, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not field.takes(value)] == []
    assert [value for value in bad if field.takes(value)] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["string", "#/components"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "enum", "anyOf", "allOf", "$ref", "properties", "maximum", "const"]), inner
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_document_can_be_read(schema: Any) -> None:
    found = model_inputs.inputs_of(document({"a": schema}, ImageSize=schema), "fal-ai/flux/dev")
    assert found is not None
    assert set(found) >= {"a"}
