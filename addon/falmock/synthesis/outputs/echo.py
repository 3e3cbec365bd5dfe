"""Outputs that repeat the input: `prompt`, `seed` and others of the same name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from falmock.synthesis.outputs.asked import Asked
from falmock.synthesis.outputs.fits import taker
from falmock.synthesis.outputs.simple import SEEDS
from falmock.synthesis.outputs.simple import Maker

_MISSING = object()
_MOST_ITEMS = 1000


def echoing(document: Any, schema: Any, name: str, otherwise: Maker) -> Maker:
    """What repeats the input of this name as the client wrote it, or its default, if the schema takes it.

    Only plain values and lists of them are repeated. A negative seed asks for any, so it is not repeated.
    """
    takes = taker(document, schema)

    def make(asked: Asked, at: int) -> Any:
        for values in (asked.given, asked.values):
            value = _plain(values, name)
            if value is not _MISSING and takes(value):
                return value
        return otherwise(asked, at)

    return make


def _plain(values: Mapping[str, Any], name: str) -> Any:
    value = values.get(name)
    if not isinstance(value, list) and not _is_plain(value):  # checked inputs have sets and URLs of pydantic's, too
        return _MISSING
    if isinstance(value, list):
        return value if len(value) <= _MOST_ITEMS and all(map(_is_plain, value)) else _MISSING
    if name in SEEDS and isinstance(value, (int, float)) and value < 0:
        return _MISSING
    return value


def _is_plain(value: Any) -> bool:
    """Whether it is a text, a number or a boolean that JSON has."""
    return isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
