"""Hostile and odd documents; `test_core_schema_parity.py` has those that are like fal's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import SchemaValidator
from pydantic_core import ValidationError

from falmock.synthesis.checks.core_schema import MAX_DEPTH
from falmock.synthesis.checks.core_schema import Unresolvable
from falmock.synthesis.checks.core_schema import translation
from unit.synthesis.checks.written_models import ENDPOINT
from unit.synthesis.checks.written_models import REF
from unit.synthesis.checks.written_models import WRITTEN
from unit.synthesis.checks.written_models import component
from unit.synthesis.checks.written_models import document

WRONG: list[Any] = [
    None,
    True,
    5,
    -1,
    1.5,
    "x",
    [],
    [5],
    [[]],
    {},
    {"a": 5},
    2**70,
    10**400,
    float("inf"),
    float("nan"),
]
KEYS = [
    *(
        "$ref",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "default",
        "enum",
        "format",
        "items",
        "nullable",
        "oneOf",
    ),
    *(
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maximum",
        "minimum",
        "multipleOf",
        "maxItems",
        "minItems",
        "uniqueItems",
    ),
    *("maxLength", "minLength", "pattern", "properties", "required", "title", "type", "x-fal-order-properties"),
]
TYPES = ["array", "boolean", "integer", "null", "number", "object", "string"]


def takes(schema: Any, value: Any, **components: Any) -> bool:
    """Whether a field with this schema takes a value."""
    core = translation(document(component("Input", x=schema), components), ENDPOINT).core
    try:
        SchemaValidator(core).validate_python({"x": value}, from_attributes=True)  # type: ignore[arg-type]
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("key", KEYS)
def test_a_wrong_value_of_any_keyword_is_no_trouble(key: str, kind: str) -> None:
    for wrong in WRONG:
        for value in (5, "x", [1], {"a": 1}):
            takes({"type": kind, "items": {}, "properties": {"a": {}}, key: wrong}, value)


SCHEMAS = st.recursive(
    st.sampled_from([*WRONG, *({"type": kind} for kind in TYPES), {"$ref": f"{REF}A"}, {"$ref": f"{REF}B"}]),
    lambda inner: st.dictionaries(
        st.sampled_from(KEYS), inner | st.sampled_from(TYPES) | st.lists(inner, max_size=3), max_size=4
    ),
    max_leaves=8,
)


@given(schema=SCHEMAS, a=SCHEMAS, b=SCHEMAS, value=st.sampled_from(WRONG))
def test_any_document_is_translated_or_unresolvable(schema: Any, a: Any, b: Any, value: Any) -> None:
    try:
        core = translation(document(schema, {"A": a, "B": b}), ENDPOINT, patterns=False).core
    except Unresolvable:
        return
    try:
        SchemaValidator(core).validate_python(value, from_attributes=True)  # type: ignore[arg-type]
    except (ValidationError, TypeError):
        return


NO_INPUT: list[Any] = [
    None,
    5,
    {},
    {"paths": []},
    {"paths": {f"/{ENDPOINT}": {"get": {}}}},
    {"paths": {f"/{ENDPOINT}": {"post": {"requestBody": {"content": []}}}}},
    document("x", {}),
]


@pytest.mark.parametrize("broken", NO_INPUT)
def test_a_document_without_an_input(broken: Any) -> None:
    with pytest.raises(Unresolvable, match="the document of acme/painter/v2 has no POST with a schema"):
        translation(broken, ENDPOINT)


LOOPS: list[dict[str, Any]] = [
    {"A": {"$ref": f"{REF}A"}},
    {"A": {"$ref": f"{REF}B"}, "B": {"allOf": [{"$ref": f"{REF}A"}]}},
    {"B": {}},
    {"A": 5},
]


@pytest.mark.parametrize("components", LOOPS)
def test_a_reference_that_leads_to_nothing(components: dict[str, Any]) -> None:
    with pytest.raises(Unresolvable, match="leads to no schema in its document"):
        translation(document({"$ref": f"{REF}A"}, components), ENDPOINT)
    assert takes({"$ref": f"{REF}A"}, 5, **components)


def test_a_union_with_itself_is_no_endless_work() -> None:
    own = {"anyOf": [{"$ref": f"{REF}A"}, {"type": "string"}]}
    assert takes({"$ref": f"{REF}A"}, "a", A=own)
    assert not takes({"$ref": f"{REF}A"}, 5, A=own)


def test_a_long_chain_of_references() -> None:
    chain = {f"A{place}": {"anyOf": [{"$ref": f"{REF}A{place + 1}"}, {"type": "string"}]} for place in range(3000)}
    assert takes({"$ref": f"{REF}A0"}, "a", **chain)
    models = {f"A{place}": component(f"A{place}", x={"$ref": f"{REF}A{place + 1}"}) for place in range(3000)}
    assert takes({"$ref": f"{REF}A0"}, {"x": {"x": {"x": {}}}}, **models)


def test_schemas_in_schemas_are_read_to_a_depth() -> None:
    schema: dict[str, Any] = {"type": "string"}
    value: Any = 5
    for _ in range(MAX_DEPTH - 1):
        schema, value = {"type": "array", "items": schema}, [value]
    assert not takes(schema, value)
    for _ in range(2000):
        schema = {"type": "array", "items": schema}
    for _ in range(10):
        value = [value]
    assert takes(schema, value)


def test_a_class_is_named_by_its_title_as_far_as_python_takes_it() -> None:
    def named(title: Any, name: str = "A") -> str:
        core = translation(
            document({"$ref": f"{REF}{name}"}, {name: {"title": title, "properties": {}}}), ENDPOINT
        ).core
        return str(core["definitions"][0]["cls"].__name__)

    assert named("TextToImageInput") == "TextToImageInput"
    assert named("Output[File]") == "Output[File]"
    assert named("a\x00\ud800b") == "ab"
    assert named(None, "FluxInput") == named("", "FluxInput") == named(5, "FluxInput") == "FluxInput"
    assert len(named("x" * 5000)) == 200
    assert named("\x00", "\x01") == "Model"


def test_patterns_can_be_left_out() -> None:
    schema = document(component("Input", x={"type": "string", "pattern": "a"}), {})
    assert "pattern" in str(translation(schema, ENDPOINT).core)
    assert "pattern" not in str(translation(schema, ENDPOINT, patterns=False).core)


def test_the_fields_whose_values_json_does_not_have() -> None:
    assert translation(WRITTEN["URLs"].document, ENDPOINT).rough == ("image_url", "any_url", "mask_url", "urls")
    assert translation(WRITTEN["exclusive limits and multiples"].document, ENDPOINT).rough == ()
    assert translation(document({"type": "string"}, {}), ENDPOINT).rough == ()


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"anyOf": [{"type": "null"}]}, None, 5),
        ({"anyOf": []}, 5, ...),
        ({"type": "string", "format": "date"}, "2026-01-02", "x"),
        ({"type": "string", "format": "uuid"}, "3d1a8c9e-0b1f-1c7a-9a55-6c6f2b1d7e10", "x"),
        ({"type": "string", "format": "password"}, "x", 5),
        ({"type": "object", "title": "Inner", "properties": {"a": {"type": "integer"}}}, {"a": 1}, {"a": "x"}),
        ({"allOf": [{"type": "string"}, {"minLength": 2}]}, 5, ...),
        ({"enum": [[1]]}, 5, ...),
    ],
)
def test_rarer_schemas(schema: Any, good: Any, bad: Any) -> None:
    assert takes(schema, good)
    assert bad is ... or not takes(schema, bad)
