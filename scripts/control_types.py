"""Writes addon/npm/control.d.ts: the types of the control API, from its OpenAPI document (scripts/control-types)."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from falmock.gateway.control import door

FILE = Path(__file__).resolve().parents[1] / "addon" / "npm" / "control.d.ts"
_HEAD = """\
// The control API of falmock. Made by scripts/control-types: do not edit.

"""
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_WIDTH = 118


def declarations(document: Mapping[str, Any]) -> str:
    """The types of all schemas, and for each operation those of its query, body and answer."""
    blocks = [_declared(name, schema) for name, schema in document["components"]["schemas"].items()]
    operations = [(path, method, each) for path, ways in document["paths"].items() for method, each in ways.items()]
    for path, method, operation in operations:
        blocks += _of_operation(method.upper(), path, operation)
    return _HEAD + "\n".join(blocks)


def _of_operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    name = operation["operationId"][0].upper() + operation["operationId"][1:]
    about = f"{method} {path}: {operation['summary']}"
    query = [each for each in operation["parameters"] if each["in"] == "query" and each["name"] != "scope"]
    if query:
        properties = {each["name"]: each["schema"] | {"description": each["description"]} for each in query}
        yield _declared(f"{name}Query", {"type": "object", "properties": properties, "additionalProperties": False})
    if "requestBody" in operation:
        yield _declared(f"{name}Body", _schema(operation["requestBody"]), operation["requestBody"]["description"])
    answer = next(each for status, each in operation["responses"].items() if status.startswith("2"))
    yield _declared(f"{name}Answer", _schema(answer), about)


def _schema(content: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = next(iter(content["content"].values()))["schema"]
    return schema


def _declared(name: str, schema: Mapping[str, Any], about: str = "") -> str:
    text = _type(schema, "")
    form = f"export interface {name} {text}\n" if text.startswith("{\n") else f"export type {name} = {text};\n"
    return _comment(about or schema.get("description", ""), "") + form


def _type(schema: Mapping[str, Any], indent: str) -> str:
    """A schema as an expression of TypeScript."""
    if schema.get("format") == "binary":
        return "Blob"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(map(json.dumps, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_type(each, indent) for each in schema["anyOf"])
    kinds = schema.get("type", [])
    if not kinds:
        return "unknown"
    found = [_of_kind(kind, schema, indent) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " | ".join(found)


def _of_kind(kind: str, schema: Mapping[str, Any], indent: str) -> str:
    if kind == "array":
        item = _type(schema.get("items", {}), indent)
        return f"({item})[]" if " | " in item else f"{item}[]"
    if kind != "object":
        return _PLAIN[kind]
    more = schema.get("additionalProperties", True)
    properties = schema.get("properties", {})
    if not properties:
        return "Record<string, unknown>" if more is True else f"Record<string, {_type(more or {}, indent)}>"
    inner = f"{indent}  "
    required = schema.get("required", ())
    lines = [
        f"{_comment(each.get('description', ''), inner)}{inner}{name}{'' if name in required else '?'}: {_type(each, inner)};\n"
        for name, each in properties.items()
    ]
    if more is True:
        lines.append(f"{inner}[name: string]: unknown;\n")
    return "{\n" + "".join(lines) + f"{indent}}}"


def _comment(text: str, indent: str) -> str:
    if not text:
        return ""
    lines = textwrap.wrap(text.replace("*/", "* /"), _WIDTH - len(indent))
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {line}\n" for line in lines) + f"{indent} */\n"


def current() -> str:
    """What the file must contain."""
    return declarations(door.openapi_document())


if __name__ == "__main__":
    FILE.write_text(current(), "utf-8")
