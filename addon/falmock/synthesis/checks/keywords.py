"""Reads the keywords of a JSON Schema that may be anything: what is not as it should be says nothing."""

from __future__ import annotations

import math
from typing import Any

_NUMBERS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}
_MOST = 2**63
"""Counts and constants are 64-bit integers in pydantic-core."""
_LONGEST_NAME = 200


def reference_in(schema: Any) -> str | None:
    """What a schema refers to, which may stand in an `allOf` beside a title and a default; None if it does not."""
    if not isinstance(schema, dict):
        return None
    parts = schema.get("allOf")
    if isinstance(parts, list) and len(parts) == 1 and isinstance(parts[0], dict):
        schema = parts[0]
    reference = schema.get("$ref")
    return reference if isinstance(reference, str) else None


def are_constants(values: Any) -> bool:
    """Whether these are the values of an enum: texts, numbers that fit 64 bits, truth values, null."""
    return isinstance(values, list) and bool(values) and all(map(_is_constant, values))


def _is_constant(value: Any) -> bool:
    return not isinstance(value, dict | list | int) or (isinstance(value, int) and -_MOST <= value < _MOST)


def is_model(schema: dict[str, Any]) -> bool:
    """Whether a schema is that of a class."""
    return isinstance(schema.get("properties"), dict) and schema.get("type", "object") == "object"


def ordered(properties: dict[str, Any], order: Any) -> list[str]:
    """The names of properties, first those in `x-fal-order-properties`, in its order."""
    first = [name for name in order if isinstance(name, str) and name in properties] if isinstance(order, list) else []
    return list(dict.fromkeys([*first, *properties]))


def limits(schema: dict[str, Any], kind: type[int | float]) -> dict[str, Any]:
    """The limits of a number, by pydantic's names; without those that no number of this type can be."""
    found: dict[str, Any] = {}
    for key, name in _NUMBERS.items():
        limit = schema.get(key)
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            continue
        try:
            exact = kind(limit)
            is_finite = math.isfinite(exact)
        except (OverflowError, ValueError):  # beyond the range of a float; infinite; NaN
            continue
        # pydantic-core ends in a division by zero.
        if exact == limit and is_finite and (exact > 0 or key != "multipleOf"):
            found[name] = exact
    return found


def count(schema: dict[str, Any], key: str) -> int | None:
    """A length; None if there is none."""
    found = schema.get(key)
    return found if type(found) is int and 0 <= found < _MOST else None


def class_name(title: Any) -> str:
    """The name of a class with this title, without what Python does not take, cut; "" if nothing is left."""
    return "".join(letter for letter in title[:_LONGEST_NAME] if letter.isprintable()) if isinstance(title, str) else ""
