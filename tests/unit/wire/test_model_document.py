from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.model_document import fields_of
from falmock.wire.model_document import input_schema
from falmock.wire.model_document import is_made_up
from falmock.wire.model_document import made_up
from falmock.wire.model_document import model_document
from falmock.wire.model_document import resolved

NAME = "fal-ai/flux/dev"
GIVEN = {"type": "object", "properties": {"prompt": {"type": "string"}}}
MADE = {"type": "object", "properties": {"images": {"type": "array"}}}


def test_the_document_has_what_fals_has() -> None:
    document = model_document(NAME, "text-to-image", GIVEN, MADE, "a note")
    assert document["info"]["title"] == "Queue OpenAPI for fal-ai/flux/dev"
    assert document["info"]["x-fal-metadata"]["category"] == "text-to-image"
    assert document["servers"] == [{"url": "https://queue.fal.run"}]
    job = f"/{NAME}/requests/{{request_id}}"
    calls = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert calls == {(f"/{NAME}", "post"), (f"{job}/status", "get"), (f"{job}/cancel", "put"), (job, "get")}
    schemas = document["components"]["schemas"]
    assert schemas["FluxDevInput"]["properties"] == GIVEN["properties"]
    assert schemas["QueueStatus"]["properties"]["status"]["enum"] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert set(_references(document)) == {f"#/components/schemas/{name}" for name in schemas}


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if not isinstance(value, dict):
        return []
    return [value["$ref"]] if "$ref" in value else [found for item in value.values() for found in _references(item)]


def test_what_falmock_made_is_marked() -> None:
    document = model_document(NAME, "", GIVEN, MADE, "a note")
    assert made_up(document)["info"] == {**document["info"], "x-falmock-synthesized": True}


def test_a_reference_may_have_escapes() -> None:
    document = {"components": {"a/b~1": {"type": "null"}}}
    assert resolved(document, {"$ref": "#/components/a~1b~01"}) == {"type": "null"}


def test_the_fields_are_read_back() -> None:
    document = model_document(NAME, "", GIVEN, MADE, "")
    assert fields_of(document, NAME) == ({"prompt"}, {"images"})
    assert fields_of(document, "fal-ai/other") == (frozenset(), frozenset())


@pytest.mark.parametrize("reference", ["#/nowhere", "https://example.com/x", 3, "#/paths"])
def test_a_reference_to_nowhere_has_no_fields(reference: Any) -> None:
    document = model_document(NAME, "", GIVEN, MADE, "")
    content = document["paths"][f"/{NAME}"]["post"]["requestBody"]["content"]
    content["application/json"]["schema"] = {"$ref": reference}
    assert fields_of(document, NAME) == (frozenset(), {"images"})


@given(
    st.recursive(
        st.none() | st.text(max_size=4), lambda inner: st.dictionaries(st.text(max_size=4), inner) | st.lists(inner)
    )
)
def test_any_document_is_read_without_a_fault(document: Any) -> None:
    assert fields_of({"paths": document}, NAME) == fields_of(document, NAME) == (frozenset(), frozenset())


def test_the_input_of_a_model_and_of_what_is_below_it() -> None:
    document = model_document(NAME, "text-to-image", GIVEN, MADE, "a note")
    expected = {"$ref": "#/components/schemas/FluxDevInput"}
    for name in (NAME, f"{NAME}/stream", "fal-ai/flux"):
        assert input_schema(document, name) == expected
    document["paths"][f"/{NAME}/stream"] = {"post": {"requestBody": {"content": {"application/json": {"schema": 5}}}}}
    assert input_schema(document, f"{NAME}/stream") == 5
    assert input_schema(document, NAME) == expected
    assert input_schema(document, f"{NAME}-two") is input_schema(document, "acme/other") is None
    assert input_schema({"paths": [5]}, NAME) is None


def test_what_schemas_refer_to_is_beside_them() -> None:
    given = {"properties": {"size": {"$ref": "#/components/schemas/Size"}}}
    document = model_document(NAME, "", given, MADE, "", {"Size": {"type": "object"}})
    schema = resolved(document, input_schema(document, NAME))
    assert resolved(document, schema["properties"]["size"]) == {"type": "object"}


@pytest.mark.parametrize("document", [None, {}, {"info": {"title": "a"}}, {"info": 3}])
def test_only_our_own_documents_are_made_up(document: Any) -> None:
    assert not is_made_up(document)
    assert not is_made_up(model_document(NAME, "", GIVEN, MADE, ""))
    assert is_made_up(made_up(model_document(NAME, "", GIVEN, MADE, "")))
