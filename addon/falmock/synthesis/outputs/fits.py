"""Whether a value fits a schema: what an example or an echoed input must, before it is an output."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from falmock.wire.model_document import resolved

MOST_STEPS = 2000
"""What takes more steps does not fit: a document can say more than there is time to check."""
_MOST_DEPTH = 20
_TYPE_ALONE = frozenset({"type", "title", "description", "examples", "default"})
"""The keywords of a schema that takes every value of a type."""


def fits(document: Any, schema: Any, value: Any) -> bool:
    """Whether a value fits, by the keywords that fal's documents use (`pattern`, `uniqueItems` and the like are not read)."""
    return _Check(document).fits(schema, value, 0)


def taker(document: Any, schema: Any) -> Callable[[Any], bool]:
    """What says whether a value fits, for a schema that is asked often."""
    if isinstance(schema, dict) and schema.keys() <= _TYPE_ALONE:
        kind = schema.get("type")
        return lambda value: _has_type(kind, value)
    return lambda value: fits(document, schema, value)


class _Check:
    def __init__(self, document: Any) -> None:
        self._document = document
        self._steps = 0

    def fits(self, schema: Any, value: Any, depth: int) -> bool:
        self._steps += 1
        if depth > _MOST_DEPTH or self._steps > MOST_STEPS:
            return False
        if not isinstance(schema, dict):
            return True
        if "$ref" in schema and not self.fits(resolved(self._document, schema), value, depth + 1):
            return False
        if value is None and schema.get("nullable") is True:
            return True
        return (
            self._combined(schema, value, depth)
            and _has_type(schema.get("type"), value)
            and self._within(schema, value, depth)
        )

    def _combined(self, schema: dict[str, Any], value: Any, depth: int) -> bool:
        every, options = schema.get("allOf"), schema.get("anyOf", schema.get("oneOf"))
        if isinstance(every, list) and not all(self.fits(each, value, depth + 1) for each in every):
            return False
        return not isinstance(options, list) or any(self.fits(each, value, depth + 1) for each in options)

    def _within(self, schema: dict[str, Any], value: Any, depth: int) -> bool:
        choices = schema.get("enum")
        if isinstance(choices, list) and not any(_same(value, each) for each in choices):
            return False
        if "const" in schema and not _same(value, schema["const"]):
            return False
        if isinstance(value, str):
            return _between(len(value), schema.get("minLength"), schema.get("maxLength"))
        if isinstance(value, list):
            return _between(len(value), schema.get("minItems"), schema.get("maxItems")) and self._items(
                schema, value, depth
            )
        if isinstance(value, dict):
            return self._properties(schema, value, depth)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return (
                _between(value, schema.get("minimum"), schema.get("maximum"))
                and not _same(value, schema.get("exclusiveMinimum"))
                and not _same(value, schema.get("exclusiveMaximum"))
                and _between(value, schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
            )
        return True

    def _items(self, schema: dict[str, Any], value: list[Any], depth: int) -> bool:
        first = schema.get("prefixItems")
        leading = first if isinstance(first, list) else []
        items = schema.get("items")
        return all(
            self.fits(leading[at] if at < len(leading) else items, each, depth + 1) for at, each in enumerate(value)
        )

    def _properties(self, schema: dict[str, Any], value: dict[Any, Any], depth: int) -> bool:
        found, required = schema.get("properties"), schema.get("required")
        properties = found if isinstance(found, dict) else {}
        if isinstance(required, list) and not all(name in value for name in required if isinstance(name, str)):
            return False
        more = schema.get("additionalProperties", True)
        if more is False and not value.keys() <= properties.keys():
            return False
        return all(self.fits(properties.get(name, more), each, depth + 1) for name, each in value.items())


def _has_type(kind: Any, value: Any) -> bool:
    if isinstance(kind, list):
        return any(_has_type(each, value) for each in kind)
    if kind == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and value.is_integer()
        )
    if kind == "number":
        return _is_number(value) and (isinstance(value, int) or math.isfinite(value))
    types = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    known = types.get(kind) if isinstance(kind, str) else None
    return known is None or isinstance(value, known)


def _between(number: float, least: Any, most: Any) -> bool:
    return (not _is_number(least) or number >= least) and (not _is_number(most) or number <= most)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(value: Any, other: Any) -> bool:
    """Equal as JSON: `true` is not 1."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)
