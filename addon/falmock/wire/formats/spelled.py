"""JSON text in which every number is as it was written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import Self

SPACED, COMPACT = (", ", ": "), (",", ":")
"""The separators after an item and after a key."""
MAX_COLUMNS = 100
"""How long a line of `dump_exact` may be; a longer list or object gets a line for each item."""
_any_style = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=str).encode
_SURROGATE = re.compile("[\ud800-\udfff]")
_spaced_style = json.JSONEncoder(ensure_ascii=False, separators=SPACED, allow_nan=False).encode
_quoted = json.encoder.encode_basestring
_NESTED = (dict, list)


class Spelled(float):
    """A number that Python would write in another way: `1e5`, `1.10`, `1e400` (infinite as a float), `-0`.

    It is used as a float; `text` is how it was written.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """The number that is written `text`."""
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __repr__(self) -> str:
        return self.text


def finite(value: Any) -> Any:
    """A value with `null` for numbers that are not finite, unless they are Spelled."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if type(value) is float and not math.isfinite(value) else value


def surrogates_escaped(text: str) -> str:
    """JSON text with lone surrogates, which UTF-8 cannot express, as escapes."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def has_spelled(value: Any) -> bool:
    """Whether a number in this value is to be written as it was written."""
    rest = [value]
    while rest:
        value = rest.pop()
        kind = type(value)
        if kind is dict:
            rest.extend(value.values())
        elif kind is list:
            rest.extend(value)
        elif kind is Spelled:
            return True
    return False


def _key(key: Any) -> str:
    """A key as text: that of a msgpack map may be anything."""
    if isinstance(key, str):
        return _quoted(key)
    return _quoted(_spaced_style(key) if key is None or isinstance(key, bool) else str(key))


def shown(value: Any) -> str:
    """The text of a value that is no list or object; of one that JSON does not have, its `str`."""
    return value.text if type(value) is Spelled else _any_style(value)


def exact(value: Any) -> str:
    """The text of a value that is no list or object. Raises TypeError for what JSON does not have."""
    kind = type(value)
    return _quoted(value) if kind is str else value.text if kind is Spelled else _spaced_style(value)


def flat(value: Any, style: tuple[str, str], scalar: Callable[[Any], str] = exact) -> Iterator[str]:
    """The text of a value on one line; `style` has the separators after an item and after a key."""
    comma, colon = style
    if isinstance(value, dict):
        for place, (key, item) in enumerate(value.items()):
            yield comma if place else "{"
            yield _key(key) + colon
            yield from flat(item, style, scalar)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield comma if place else "["
            yield from flat(item, style, scalar)
        yield "]" if value else "[]"
    else:
        yield scalar(value)


def put_lines(put: Callable[[str], None], value: Any, newline: str, step: str, before: int, after: int) -> None:
    """Write the text of a value; each further line begins with `newline`.

    `before` and `after` are the columns that its line needs for other text.
    """
    if not isinstance(value, _NESTED):
        put(exact(value))
        return
    is_object = isinstance(value, dict)
    items = value.values() if isinstance(value, dict) else value
    kinds = set(map(type, items))
    if kinds.isdisjoint(_NESTED):
        line = "".join(flat(value, SPACED)) if Spelled in kinds else _spaced_style(value)
        if is_object and items:
            line = f"{{ {line[1:-1]} }}"
        if not items or len(newline) - 1 + before + len(line) + after <= MAX_COLUMNS:
            put(line)
            return
    opening, closing = "{}" if is_object else "[]"
    inner, last = newline + step, len(items) - 1
    put(opening)
    for place, item in enumerate(value):
        comma = "," if place < last else ""
        key = f"{_key(item)}: " if is_object else ""
        put(inner + key)
        put_lines(put, value[item] if key else item, inner, step, len(key), len(comma))
        put(comma)
    put(newline + closing)
