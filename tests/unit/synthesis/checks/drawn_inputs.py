"""Draws inputs of a model from its schema: a quarter of them valid, the others near it, wrong in one place or wrong throughout.

Every choice is made by a `random.Random`: hypothesis has one whose choices it makes smaller, scripts one with a seed.
"""

from __future__ import annotations

import math
from random import Random
from typing import Any

NUMBERS = (0, 1, -1, 2, 2.0, 2.5, -0.5, 1e300, 2**53 + 1, 2**64, 10**30, True, False)
NUMBER_TEXTS = (
    "5",
    "-3",
    "3.5",
    "two",
    "",
    " 7 ",
    "1_000",
    "+5",
    "1e3",
    "٣",
    "NaN",
    "Infinity",
    "0x10",
    str(2**64),
    "9" * 40,
)
TEXTS = ("", "a cat", "ünïcode ☃", "\ud800", "x" * 300, "true", "maybe", "None")
URLS = (
    "https://v3.fal.media/files/a.png",
    "https://A.B",
    "http://user:pw@example.com:8080/a?b=c#d",
    "ftp://example.com/a",
    "data:text/plain,x",
    "example.com",
    "http://",
    "https://[::1",
    " https://example.com ",
    "https://example.com/" + "a" * 2100,
    "https://bücher.example/ü",
)
TIMES = (
    "3d1a8c9e-0b1f-4c7a-9a55-6c6f2b1d7e10",
    "3d1a8c9e-0b1f-1c7a-9a55-6c6f2b1d7e10",
    "2026-01-02",
    "2026-01-02T03:04:05Z",
)
TRUTHS = (True, False, 1, 0, "true", "yes", "off", "maybe", 2, 1.0, "")
ODD: tuple[Any, ...] = (
    None,
    True,
    5,
    2.5,
    "x",
    "",
    [],
    {},
    [1],
    {"a": 1},
    [[]],
    [None],
    2**64,
    "NaN",
    {"url": "https://a.b"},
    math.nan,
    math.inf,
    "\ud800",
)
UNKNOWN = ("promt", "image_sizes", "_sa_x", "x", "webhook_url", "", "\udfff")


class Drawer:
    """Draws from the schemas of one document."""

    def __init__(self, document: dict[str, Any], random: Random) -> None:
        self._components = document.get("components", {}).get("schemas", {})
        self._random = random

    def body(self, schema: dict[str, Any]) -> Any:
        """A body for an input with this schema."""
        chance = self._random.random()
        if chance < 0.25:
            return self.value(schema, 0.0)
        if chance < 0.28:
            return self._one_of(ODD)
        return self.value(schema, self._one_of((0.05, 0.15, 0.4)))

    def value(self, schema: Any, wrong: float, depth: int = 0) -> Any:
        """A value for a schema, which is `wrong` in about that part of all places."""
        schema = self._resolved(schema)
        is_wrong = self._random.random() < wrong
        if is_wrong and self._random.random() < 0.4:
            return self._one_of(ODD)
        if not isinstance(schema, dict) or not schema or depth > 6:
            return self._one_of(ODD)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self.value(self._one_of(schema[key]), wrong, depth + 1)
        if "enum" in schema:
            return self._member(schema["enum"], is_wrong=is_wrong)
        if "const" in schema:
            return self._member([schema["const"]], is_wrong=is_wrong)
        kind = schema.get("type")
        if kind == "null":
            return None
        if kind in {"integer", "number"}:
            return self._number(schema, is_integer=kind == "integer", is_wrong=is_wrong)
        if kind == "boolean":
            return self._one_of(TRUTHS) if is_wrong else self._one_of((True, False))
        if kind == "string":
            return self._text(schema, is_wrong=is_wrong)
        if kind == "array":
            return self._list(schema, wrong, depth, is_wrong=is_wrong)
        return self._object(schema, wrong, depth)

    def _resolved(self, schema: Any) -> Any:
        for _ in range(9):
            if isinstance(schema, dict) and len(schema.get("allOf", ())) == 1:
                schema = schema["allOf"][0]
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            schema = self._components.get(schema["$ref"].rpartition("/")[2])
        return schema

    def _one_of(self, values: Any) -> Any:
        return values[self._random.randrange(len(values))]

    def _member(self, values: list[Any], *, is_wrong: bool) -> Any:
        value = self._one_of(values)
        if not is_wrong:
            return value
        return self._one_of([str(value).upper(), f"{value} ", str(value), "auto", 7, 5.0, None, [value], {"a": value}])

    def _number(self, schema: dict[str, Any], *, is_integer: bool, is_wrong: bool) -> Any:
        low = schema.get("minimum", schema.get("exclusiveMinimum", -5))
        high = schema.get("maximum", schema.get("exclusiveMaximum", low + 10))
        step = schema.get("multipleOf", 1)
        if is_wrong:
            near = [edge + by for edge in (low, high) for by in (-1, 0, 1, -0.5, 0.5, step, -step)]
            return self._one_of([*near, *map(str, near[:3]), *NUMBERS, *NUMBER_TEXTS])
        if not is_integer:
            return self._one_of([low + (high - low) * part for part in (0.25, 0.5, 0.75)] + [int(low) + step])
        first = -(-int(low) // step) * step if "minimum" in schema else (int(low) // step + 1) * step
        return min(first + step * self._random.randrange(5), max(first, int(high) // step * step))

    def _text(self, schema: dict[str, Any], *, is_wrong: bool) -> Any:
        form = schema.get("format")
        if form == "uri":
            return self._one_of([*URLS, *TEXTS, 5] if is_wrong else URLS[:3])
        if form is not None:
            return self._one_of([*TIMES, *TEXTS, 5, "\x00"] if is_wrong else TIMES)
        low, high = schema.get("minLength", 0), schema.get("maxLength", 40)
        if is_wrong:
            return self._one_of([*TEXTS, "x" * max(low - 1, 0), "x" * (high + 1), "☃" * high, 5, 2.5, [], ["x"]])
        return ("a cat " * 40)[: max(low, min(high, self._random.randrange(1, 30)))]

    def _list(self, schema: dict[str, Any], wrong: float, depth: int, *, is_wrong: bool) -> Any:
        low, high = schema.get("minItems", 0), schema.get("maxItems", 4)
        if is_wrong:
            item = self.value(schema.get("items"), wrong, depth + 1)
            return self._one_of(
                [[item] * (high + 1), [item] * max(low - 1, 0), item, [[item]], {"0": item}, "x", [item, item]]
            )
        count = low + self._random.randrange(max(min(high, low + 3) - low, 0) + 1)
        return [self.value(schema.get("items"), wrong, depth + 1) for _ in range(count)]

    def _object(self, schema: dict[str, Any], wrong: float, depth: int) -> Any:
        properties = schema.get("properties")
        if properties is None:
            keys = ("a", "b", "c")[: self._random.randrange(4)]
            return {key: self.value(schema.get("additionalProperties"), wrong, depth + 1) for key in keys}
        found: dict[str, Any] = {}
        for name in properties:
            needed = name in schema.get("required", ())
            if self._random.random() < (1 - wrong / 2 if needed else 0.4):
                found[name] = self.value(properties[name], wrong, depth + 1)
            elif self._random.random() < wrong / 2:
                found[name] = None
        if wrong and self._random.random() < 0.2:
            found[self._one_of(UNKNOWN)] = self._one_of(ODD)
        return found
