"""TypeScript declarations as JSON Schemas."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.typescript.declarations import MAX_DEPTH
from falmock.synthesis.typescript.declarations import declarations
from falmock.synthesis.typescript.tokens import BadTypes

STRING, NUMBER = {"type": "string"}, {"type": "number"}
IMAGE = {"$ref": "#/components/schemas/Image"}
WORDS = st.sampled_from(
    [
        "type A =",
        "interface B",
        "extends C",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "|",
        "&",
        "a",
        "?",
        ":",
        ";",
        ",",
        '"x"',
        "1",
        *[
            "string",
            "Blob",
            "undefined",
            "Array",
            "Record",
            "export",
            "/** Default value: `1` */",
            ".",
            "=",
            "readonly",
        ],
    ]
)


def of(text: str) -> Any:
    return declarations(f"export type A = {text};")["A"]


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("string", STRING),
        ("number", NUMBER),
        ("boolean", {"type": "boolean"}),
        ("null", {"type": "null"}),
        ("unknown", {}),
        ("Partial<Image>", {}),
        ("Image", IMAGE),
        ("fal.Image", IMAGE),
        ('"b" | "a" | "b"', {"type": "string", "enum": ["b", "a"]}),
        ("5 | 10", {"type": "integer", "enum": [5, 10]}),
        ("-0.5", {"type": "number", "enum": [-0.5]}),
        ('| "a" | string', {"anyOf": [{"type": "string", "enum": ["a"]}, STRING]}),
        ('Image | "a" | "b"', {"anyOf": [IMAGE, {"type": "string", "enum": ["a", "b"]}]}),
        ("string | string", STRING),
        ("string | null", {"anyOf": [STRING, {"type": "null"}]}),
        ("unknown | number", {}),
        ("string | Blob | File", STRING),
        ("Blob", STRING),
        ("File | string", {"anyOf": [{"$ref": "#/components/schemas/File"}, STRING]}),
        (
            "Array<string | Blob | File> | string | Blob | File",
            {"anyOf": [STRING, {"type": "array", "items": STRING}]},
        ),
        ("Array<Array<number>>", {"type": "array", "items": {"type": "array", "items": NUMBER}}),
        ("readonly string[][]", {"type": "array", "items": {"type": "array", "items": STRING}}),
        ("(string | number)[]", {"type": "array", "items": {"anyOf": [STRING, NUMBER]}}),
        ("[number, number]", {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}),
        ("[string, number,]", {"type": "array", "items": {}, "minItems": 2, "maxItems": 2}),
        ("Record<string, number>", {"type": "object", "additionalProperties": NUMBER}),
        ("{ [key: string]: number }", {"type": "object", "properties": {}, "additionalProperties": NUMBER}),
        ("Image & { a: string }", {"allOf": [IMAGE, of("{ a: string }")]}),
    ],
)
def test_types(text: str, schema: Any) -> None:
    assert of(text) == schema


def test_properties() -> None:
    found = of(
        """{
        /**
         * How many.
         *
         * At most four. Default value: `1`
         */
        num_images?: number;
        /** Default value: `landscape_4_3` */
        image_size?: Image | "square",
        /** Default value: `"a \\"b\\""` */
        text?: string
        , 'a-b': string; plain: number | undefined; /** Told. */ type: Image
    }"""
    )
    assert found == {
        "type": "object",
        "properties": {
            "num_images": {"type": "number", "description": "How many.\n\nAt most four.", "default": 1},
            "image_size": {"anyOf": [IMAGE, {"type": "string", "enum": ["square"]}], "default": "landscape_4_3"},
            "text": {"type": "string", "default": 'a "b"'},
            "a-b": STRING,
            "plain": NUMBER,
            "type": {**IMAGE, "description": "Told."},
        },
        "required": ["a-b", "type"],
    }


def test_optional_booleans_are_false_by_default() -> None:
    found = of("{ a?: boolean; b: boolean; /** Default value: `true` */ c?: boolean; d?: number; e?: boolean | null }")
    assert {name: each.get("default") for name, each in found["properties"].items()} == {
        "a": False,
        "b": None,
        "c": True,
        "d": None,
        "e": None,
    }


def test_interfaces_imports_and_what_else_stands_there() -> None:
    found = declarations(
        'import { x } from "y";\nexport declare const z: { a: () => void };\nexport {};\n'
        "export interface A extends B, C { a: string }\ninterface B { b: string }\ndeclare type D = B;"
    )
    assert list(found) == ["A", "B", "D"]
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in "BC"]
    assert found["A"] == {"allOf": [*refs, of("{ a: string }")]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("export type A string", "line 1, column 15: expected '=', found 'string'"),
        ("type A = {\n  a string }", "line 2, column 5: expected ':', found 'string'"),
        ("type A = { a: string b: string }", "expected ';' or '}', found 'b'"),
        ("type A = { a: ", "line 1, column 15: expected a type, found the end"),
        ("type A = { = }", "expected a property, found '='"),
        ("type = 1", "expected a name, found '='"),
        ("type A = Array<string", "expected '>', found the end"),
        ("type A = string[][][][]", "expected at most 3 times [] behind a type"),
        ("type A = " + "Array<" * MAX_DEPTH * 2, f"nested more than {MAX_DEPTH} levels deep"),
        ("type A = " + "(" * 100_000, f"nested more than {MAX_DEPTH} levels deep"),
    ],
)
def test_what_is_not_understood_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadTypes) as found:
        declarations(text)
    assert message in str(found.value)


@given(st.lists(WORDS).map(" ".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadTypes):
        assert all(isinstance(schema, dict) for schema in declarations(text).values())
