"""Reads the inputs of a model from its OpenAPI document (PROTOCOL.md section 8)."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.wire.model_document import input_schema
from falmock.wire.model_document import resolved

URL_HOST = "fal.ai"
URL_PATH = "/api/openapi/queue/openapi.json"


class Field(NamedTuple):
    """One input of a model: its types, its choices (empty: any value), and its limits.

    `maximum` limits a number, `most` the items of a list; `is_open`: texts that are not among the choices are valid too.
    """

    types: frozenset[str] = frozenset()
    choices: tuple[Any, ...] = ()
    default: Any = None
    maximum: int | None = None
    most: int | None = None
    is_open: bool = False

    def takes(self, value: Any) -> bool:
        """Whether a value of a simple type is valid by types and choices."""
        if value in self.choices:
            return True
        if self.choices and not (self.is_open and isinstance(value, str)):
            return False
        names: Mapping[type, tuple[str, ...]] = {
            str: ("string",),
            bool: ("boolean",),
            int: ("integer", "number"),
            float: ("number",),
        }
        return not self.types or not self.types.isdisjoint(names.get(type(value), ()))


Inputs = Mapping[str, Field]
"""The inputs of a model by name."""


def inputs_of(document: Any, endpoint: str) -> Inputs | None:
    """The inputs in a model's OpenAPI document; None if it has none."""
    schema = input_schema(document, endpoint)
    fields: dict[str, Field] = {}
    for variant in _variants(document, schema):
        properties = variant.get("properties")
        if isinstance(properties, dict):
            fields |= {str(name): _field(document, value) for name, value in properties.items()}
    return fields or None


def _field(document: Any, schema: Any) -> Field:
    variants = list(_variants(document, schema))
    types: set[str] = set()
    choices: list[Any] = []
    is_open = False
    for variant in variants:
        kind = variant.get("type")
        types.update(name for name in (kind if isinstance(kind, list) else [kind]) if isinstance(name, str))
        listed = variant.get("enum", [variant["const"]] if "const" in variant else None)
        if isinstance(listed, list):
            choices += listed
        elif kind == "string":
            is_open = True
    default = next((variant["default"] for variant in variants if "default" in variant), None)
    return Field(
        frozenset(types), tuple(choices), default, _most(variants, "maximum"), _most(variants, "maxItems"), is_open
    )


def _most(variants: list[Mapping[str, Any]], name: str) -> int | None:
    found = (variant.get(name) for variant in variants)
    return next((int(value) for value in found if isinstance(value, int | float) and abs(value) < 1e9), None)


def _variants(document: Any, schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schema itself and all schemas that it combines, with references resolved; each once."""
    waiting, seen = [schema], set()
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        lists = [each for name in ("allOf", "anyOf", "oneOf") if isinstance(each := schema.get(name), list)]
        waiting += reversed([resolved(document, schema), *(part for parts in lists for part in parts)])
