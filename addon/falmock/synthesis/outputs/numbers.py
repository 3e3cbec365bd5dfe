"""Numbers as clients write them in inputs."""

from __future__ import annotations

import math
import re
from typing import Any

_NUMBER = re.compile(r"\s{0,4}(-?\d{1,15}(?:\.\d{1,15})?)\s?[a-z]{0,8}")
_MOST_TEXT = 40
_LARGEST = 1e15


def number_of(value: Any) -> float | None:
    """A number, or the number in a text such as `5`, `8s` or `10 seconds`, at most 1e15; None for anything else.

    Infinity is the largest, and NaN is none.
    """
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value[:_MOST_TEXT].lower()) if value else None
        return None if found is None else float(found[1])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    return float(max(-_LARGEST, min(_LARGEST, value)))


def first_number(values: Any, names: tuple[str, ...]) -> float | None:
    """The first of these inputs that is a positive number."""
    for name in names:
        value = values.get(name)
        if value is not None:
            number = number_of(value)
            if number is not None and number > 0:
                return number
    return None
