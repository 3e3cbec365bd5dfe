"""Documents of endpoints, made of the client's types."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.fixtures.format import sidecars
from falmock.synthesis.typescript.declarations import MAX_DEPTH
from falmock.synthesis.typescript.endpoints import EndpointTypes
from falmock.synthesis.typescript.tokens import BadTypes
from falmock.wire import model_document
from falmock.wire.formats import jsontext

TEXT = """
export type File = { url: string; };
export type Image = File & { width?: number; };
export interface ImageSize { /** Default value: `512` */ width?: number; }
export type Loop = Loop; export type Ring = { next?: Ring; };
export type BaseInput = { prompt: string; image_size?: ImageSize | "square"; extra?: Gone; loop?: Loop; ring: Ring; };
export type DevInput = OtherInput;
export type OtherInput = BaseInput;
export type DevOutput = { /** All. */ images: Array<Image>; file: File; };
export interface Deep extends Image, Gone {}
export type EndpointTypeMap = {
    "a/b/dev": { input: DevInput; output: DevOutput; };
    "a/b": { input: { a: string; }; output: unknown; };
    "a/none": { input: unknown; output: Array<string>; };
    "a/half": { input: DevInput; };
    "a/deep": { input: Deep; output: DevOutput; };
};
"""
TYPES = EndpointTypes(TEXT, "a note")


def parts(endpoint: str) -> tuple[Any, Any, Any]:
    """The input, the output and the components of a document."""
    document = TYPES.document(endpoint)
    assert document is not None
    content = document["paths"][f"/{endpoint}"]["post"]["requestBody"]["content"]
    given = model_document.resolved(document, content["application/json"]["schema"])
    made = model_document.resolved(document, model_document.output_schema(document, endpoint))
    return given, made, document["components"]["schemas"]


def test_the_ids() -> None:
    assert TYPES.ids == ("a/b/dev", "a/b", "a/none", "a/half", "a/deep")
    assert EndpointTypes("type A = string;", "").ids == ()


def test_a_document() -> None:
    given, made, components = parts("a/b/dev")
    ref = "#/components/schemas/"
    assert given["title"] == "BaseInput"
    assert given["required"] == ["prompt", "ring"]
    assert given["properties"] == {
        "prompt": {"type": "string"},
        "image_size": {"anyOf": [{"$ref": f"{ref}ImageSize"}, {"type": "string", "enum": ["square"]}]},
        "extra": {},
        "loop": {},
        "ring": {"$ref": f"{ref}Ring"},
    }
    assert made["properties"]["images"] == {
        "type": "array",
        "items": {"$ref": f"{ref}Image"},
        "description": "All.",
    }
    assert components["ImageSize"] == {
        "title": "ImageSize",
        "type": "object",
        "properties": {"width": {"type": "number", "default": 512}},
    }
    assert components["Ring"]["properties"] == {"next": {"$ref": f"{ref}Ring"}}
    assert set(components) == {"Image", "ImageSize", "File", "Ring", "BDevInput", "BDevOutput", "QueueStatus"}


def test_types_that_add_to_others_are_one_object() -> None:
    _, _, components = parts("a/b/dev")
    assert components["Image"] == {
        "title": "Image",
        "type": "object",
        "properties": {"url": {"type": "string"}, "width": {"type": "number"}},
        "required": ["url"],
    }


def test_types_that_add_to_an_unknown_one_are_any_value() -> None:
    given, _, _ = parts("a/deep")
    assert given == {"title": "Deep"}


def test_an_inline_input_and_an_unknown_output() -> None:
    given, made, _ = parts("a/b")
    assert given["properties"] == {"a": {"type": "string"}}
    assert "properties" not in made


def test_what_the_types_say_nothing_about() -> None:
    assert [TYPES.document(name) for name in ("a/none", "a/half", "a/other")] == [None] * 3


def test_the_note() -> None:
    document = TYPES.document("a/b")
    assert document is not None
    assert document["info"]["description"] == "a note"


@pytest.mark.parametrize("form", ["{ a: %s }[][][] | null", "(%s)[][][] | null", "Array<%s>[][][] | null"])
def test_the_deepest_types_make_a_document_that_loads(form: str) -> None:
    deepest = "string"
    for _ in range(MAX_DEPTH - 1):
        deepest = form % deepest
    head, tail = "type A = ", '; type EndpointTypeMap = { "a/b": { input: { a: A }; output: { a: A } } };'
    document = EndpointTypes(f"{head}{deepest}{tail}", "").document("a/b")
    assert document is not None
    assert not sidecars.read_schema(jsontext.dump_exact(document, indent=2).encode(), "", "a/b").problems
    with pytest.raises(BadTypes, match="nested more than"):
        EndpointTypes(f"{head}{form % deepest}{tail}", "")


def test_many_bases_are_any_value() -> None:
    chain = "".join(f"interface A{n} extends A{n + 1} {{}} " for n in range(5000)) + "interface A5000 {}"
    text = f'{chain} type EndpointTypeMap = {{ "a/b": {{ input: A0; output: {{ a: string }} }} }};'
    document = EndpointTypes(text, "").document("a/b")
    assert document is not None
    assert document["components"]["schemas"]["BInput"] == {"title": "A0"}
