"""An example of a model's output, from the model's OpenAPI document."""

from __future__ import annotations

from typing import Any

from falmock.wire.model_document import output_schema
from falmock.wire.model_document import resolved

MAX_DEPTH = 20
"""Deeper values are null."""
_BY_TYPE: dict[str, Any] = {"string": "", "integer": 0, "number": 0.0, "boolean": False, "object": {}, "array": []}
_COMBINED = ("allOf", "anyOf", "oneOf")


def example_output(document: Any, name: str) -> Any:
    """An example of the output of the model `name`; None if its document has no schema of it.

    A value is the schema's own example, default, constant or first member where it has one, else the simplest of its
    type. An object has its required keys, and those with an example.
    """
    schema = output_schema(document, name)
    return None if schema is None else _example(document, schema, MAX_DEPTH)


def _example(document: Any, schema: Any, depth: int) -> Any:
    schema = resolved(document, schema)
    if not isinstance(schema, dict) or not depth:
        return None
    own = _own(schema)
    if own is not None:
        return own[0]
    for key in _COMBINED:
        options = schema.get(key)
        if isinstance(options, list):
            kept = [each for each in options if not (isinstance(each, dict) and each.get("type") == "null")]
            return _example(document, kept[0], depth - 1) if kept else None
    properties = schema.get("properties")
    if isinstance(properties, dict):
        required = schema.get("required")
        needed = required if isinstance(required, list) else []
        return {
            key: _example(document, each, depth - 1)
            for key, each in _ordered(properties, schema.get("x-fal-order-properties"))
            if key in needed or (isinstance(each, dict) and _own(each) is not None)
        }
    if isinstance(schema.get("items"), dict):
        return [_example(document, schema["items"], depth - 1)]
    kind = schema.get("type")
    return _BY_TYPE.get(kind) if isinstance(kind, str) else None


def _own(schema: dict[str, Any]) -> tuple[Any] | None:
    """The value that a schema itself gives, as a tuple of one, since it may be null; None if it gives none."""
    for key in ("examples", "enum"):
        values = schema.get(key)
        if isinstance(values, list) and values:
            return (values[0],)
    return next(((schema[key],) for key in ("example", "const", "default") if key in schema), None)


def _ordered(properties: dict[str, Any], order: Any) -> list[tuple[str, Any]]:
    names = [name for name in order if isinstance(name, str) and name in properties] if isinstance(order, list) else []
    return [(name, properties[name]) for name in dict.fromkeys([*names, *properties])]
