"""JSON as fal reads and writes it: a strict reader, fal's two styles of output, and an exact one for files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from typing import Any
from typing import Self

MAX_BYTES = 64 * 1024 * 1024
MAX_VALUES = 500_000
MAX_DEPTH = 100
"""How many levels deep an input may be nested: those who read one check for it."""
MAX_NESTING = 220
"""How many levels deep any JSON text may be nested, so that no function that goes down into a value ends in RecursionError."""


class BadJSON(ValueError):
    """A text is not JSON (RFC 8259), or too large for a model input.

    `position` is the character offset of the error, 0 if it has no single place; `too_large` says that the text is
    refused for its size.
    """

    def __init__(self, message: str, position: int = 0, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.position = position
        self.too_large = too_large


def _refuse_constant(name: str) -> Any:
    raise BadJSON(f"{name} is not a JSON value")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadJSON(f"the key {key!r} occurs twice in one object")
            seen.add(key)
    return result


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


def _float(text: str) -> float:
    value = float(text)
    return value if repr(value) == text else Spelled(text)


def _integer(text: str) -> float:
    return int(text) if text != "-0" else Spelled(text)


_decode = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique).decode
_exact_decoder = partial(
    json.JSONDecoder, parse_float=_float, parse_constant=_refuse_constant, object_pairs_hook=_unique
)
_decode_exactly = _exact_decoder().decode
_decode_zeros_exactly = _exact_decoder(parse_int=_integer).decode


def loads(raw: bytes) -> Any:
    """Parse JSON from UTF-8 bytes (a leading byte order mark is allowed).

    Raises BadJSON for anything else: other encodings, NaN and Infinity, a key that occurs twice, more than MAX_BYTES
    bytes or about MAX_VALUES values, nesting of more than MAX_NESTING levels.
    """
    return _parse(raw, _decode)


def loads_exact(raw: bytes) -> Any:
    """Like `loads`, but numbers that Python would write in another way are Spelled, so that `dump_exact` keeps them."""
    # A hook for every integer would take twice as long, and `-0` is rare.
    return _parse(raw, _decode_zeros_exactly if b"-0" in raw else _decode_exactly)


def value_of(raw: bytes | str, *, exact: bool = False) -> Any:
    """The value of a text, read by `loads_exact` if `exact`, else by `loads`; None if it is not JSON, or `null`."""
    encoded = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw  # lone surrogates are not JSON
    try:
        return loads_exact(encoded) if exact else loads(encoded)
    except BadJSON:
        return None


def object_of(raw: bytes | str, *, exact: bool = False) -> dict[str, Any] | None:
    """The object in a text, read as by `value_of`; None if it is anything else."""
    value = value_of(raw, exact=exact)
    return value if isinstance(value, dict) else None


def is_json(raw: bytes) -> bool:
    """Whether `loads` reads a text."""
    try:
        loads(raw)
    except BadJSON:
        return False
    return True


def _parse(raw: bytes, decode: Callable[[str], Any]) -> Any:
    if len(raw) > MAX_BYTES:
        raise BadJSON(
            f"{len(raw)} bytes of JSON, more than the {MAX_BYTES} accepted; upload files and pass their URLs",
            too_large=True,
        )
    # Commas limit the number of values, and counting them is a thousand times cheaper than parsing.
    if len(raw) > MAX_VALUES and raw.count(b",") + raw.count(b"[") > MAX_VALUES:
        raise BadJSON(f"more than {MAX_VALUES} values in one JSON text", too_large=True)
    try:
        text = raw.decode("utf-8-sig" if raw[:3] == b"\xef\xbb\xbf" else "utf-8")
    except UnicodeDecodeError as error:
        good = error.object[: error.start].decode()  # `object` does not include the byte order mark
        raise BadJSON(f"not UTF-8: byte 0x{error.object[error.start]:02x}", len(good)) from None
    try:
        value = decode(text)
    except json.JSONDecodeError as error:
        raise BadJSON(error.msg, error.pos) from None
    except RecursionError:
        raise BadJSON(_TOO_DEEP) from None
    except BadJSON:
        raise
    except ValueError as error:  # an integer with more digits than Python converts
        raise BadJSON(str(error)) from None
    if raw.count(b"[") + raw.count(b"{") > MAX_NESTING and _is_too_deep(raw, value):
        raise BadJSON(_TOO_DEEP)
    return value


_NESTED = (dict, list)
_TOO_DEEP = f"nested more than {MAX_NESTING} levels deep"


_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _is_too_deep(raw: bytes, value: Any) -> bool:
    brackets, before = raw.translate(None, _NO_BRACKETS), b""
    for _ in range(MAX_NESTING):  # much faster than a look at the values, which brackets in texts may make necessary
        if brackets in (b"", before):
            break
        before, brackets = brackets, brackets.replace(b"[]", b"").replace(b"{}", b"")
    if not brackets:
        return False
    level = [value] if isinstance(value, _NESTED) else []
    for _ in range(MAX_NESTING):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [item for items in inner for item in items if isinstance(item, _NESTED)]
    return bool(level)


_COMPACT = (",", ":")
_SPACED = (", ", ": ")
_queue_style = json.JSONEncoder(allow_nan=False).encode
_model_style = json.JSONEncoder(ensure_ascii=False, separators=_COMPACT, allow_nan=False).encode


def dump_queue(value: Any) -> bytes:
    """JSON as the queue gateway writes it: ``", "`` and ``": "``, ASCII (recorded; aiohttp's style).

    Numbers are as in `dump_model`.
    """
    return _dumped(_queue_style, value, _SPACED).encode()


def dump_model(value: Any) -> bytes:
    """JSON as models write it: compact, UTF-8 without escapes (recorded; FastAPI's style).

    NaN and infinity, which JSON does not have, are `null`, as JavaScript writes them. A Spelled number beyond the range
    of a float is written as it was read.
    """
    text = _dumped(_model_style, value, _COMPACT)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _surrogates_escaped(text).encode()


def dump_shown(value: Any, *, ensure_ascii: bool = True) -> str:
    """JSON on one line for people and programs that look at what came in: every number as `loads_exact` read it.

    It is spaced as by `dump_queue`. NaN and infinity are `null`; a value that JSON does not have is its `str`.
    """
    try:
        if not _has_spelled(value):
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
        else:
            text = "".join(_flat(finite(value), _SPACED))
    except (ValueError, TypeError):  # not a finite number, or a key that is no text
        text = "".join(_flat(finite(value), _SPACED))
    return _NOT_ASCII.sub(_escaped, text) if ensure_ascii else _surrogates_escaped(text)


MAX_COLUMNS = 100
"""How long a line of `dump_exact` may be; a longer list or object gets a line for each item."""
_any_style = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=str).encode
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_spaced_style = json.JSONEncoder(ensure_ascii=False, separators=_SPACED, allow_nan=False).encode


def dump_exact(value: Any, *, indent: int | None) -> str:
    """JSON text with every number as `loads_exact` read it, keys in the given order, only lone surrogates escaped.

    If `indent` is None, it is compact, as models write it. Else it is for people and diffs: `indent` spaces per level
    and a newline at the end. A list or an object without another in it is on one line if that line has at most
    MAX_COLUMNS columns (with indent, key and comma); every other has a line for each item. Raises ValueError for NaN,
    infinity and endless nesting.
    """
    try:
        if indent is None:
            text = "".join(_flat(value, _COMPACT)) if _has_spelled(value) else _model_style(value)
        else:
            parts: list[str] = []
            _put_lines(parts.append, value, "\n", " " * indent, 0, 0)
            text = "".join(parts) + "\n"
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return text if text.isascii() else _surrogates_escaped(text)


def _dumped(encode: Callable[[Any], str], value: Any, style: tuple[str, str]) -> str:
    try:
        return encode(value)
    except ValueError:  # not a finite number
        text = "".join(_flat(finite(value), style))
        return _NOT_ASCII.sub(_escaped, text) if encode is _queue_style else _surrogates_escaped(text)


def _key(key: Any) -> str:
    """A key as text: that of a msgpack map may be anything."""
    return _model_style(key if isinstance(key, str) else str(key))


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def finite(value: Any) -> Any:
    """A value with `null` for numbers that are not finite, unless they are Spelled."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if type(value) is float and not math.isfinite(value) else value


def _surrogates_escaped(text: str) -> str:
    """JSON text with lone surrogates, which UTF-8 cannot express, as escapes."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _has_spelled(value: Any) -> bool:
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


def _flat(value: Any, style: tuple[str, str]) -> Iterator[str]:
    """The text of a value on one line; `style` has the separators after an item and after a key."""
    comma, colon = style
    if isinstance(value, dict):
        for place, (key, item) in enumerate(value.items()):
            yield comma if place else "{"
            yield _key(key) + colon
            yield from _flat(item, style)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield comma if place else "["
            yield from _flat(item, style)
        yield "]" if value else "[]"
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    return value.text if type(value) is Spelled else _any_style(value)


def _put_lines(put: Callable[[str], None], value: Any, newline: str, step: str, before: int, after: int) -> None:
    """Write the text of a value; each further line begins with `newline`.

    `before` and `after` are the columns that its line needs for other text.
    """
    if not isinstance(value, _NESTED):
        put(_scalar(value))
        return
    is_object = isinstance(value, dict)
    items = value.values() if isinstance(value, dict) else value
    if not any(isinstance(item, _NESTED) for item in items):
        line = _spaced_style(value) if not _has_spelled(value) else "".join(_flat(value, _SPACED))
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
        _put_lines(put, value[item] if key else item, inner, step, len(key), len(comma))
        put(comma)
    put(newline + closing)
