"""JSON as fal reads and writes it: a strict reader, fal's two styles of output, and an exact one for files."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from falmock.wire.formats import spelled
from falmock.wire.formats.spelled import Spelled

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


class TooDeep(BadJSON):
    """A text is nested deeper than falmock reads; it may be JSON all the same."""

    def __init__(self) -> None:
        super().__init__(f"nested more than {MAX_NESTING} levels deep")


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
    bytes or about MAX_VALUES values, nesting of more than MAX_NESTING levels (TooDeep).
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


def loads_as_python(raw: bytes) -> Any:
    """Parse JSON as Python's own `json` does, and so FastAPI: UTF-16 and UTF-32 too, NaN, Infinity, the last of equal keys.

    Raises what `json.loads` raises: JSONDecodeError, UnicodeDecodeError, RecursionError, or ValueError for an integer with
    too many digits; and BadJSON for what is larger than `loads` takes, TooDeep for what is nested deeper.
    """
    _check_size(raw)
    value = json.loads(raw)
    _check_depth(raw, value)
    return value


def _check_size(raw: bytes) -> None:
    if len(raw) > MAX_BYTES:
        raise BadJSON(
            f"{len(raw)} bytes of JSON, more than the {MAX_BYTES} accepted; upload files and pass their URLs",
            too_large=True,
        )
    # Commas limit the number of values, and counting them is a thousand times cheaper than parsing.
    if len(raw) > MAX_VALUES and raw.count(b",") + raw.count(b"[") > MAX_VALUES:
        raise BadJSON(f"more than {MAX_VALUES} values in one JSON text", too_large=True)


def _check_depth(raw: bytes, value: Any) -> None:
    if raw.count(b"[") + raw.count(b"{") > MAX_NESTING and _is_too_deep(raw, value):
        raise TooDeep


def _parse(raw: bytes, decode: Callable[[str], Any]) -> Any:
    _check_size(raw)
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
        raise TooDeep from None
    except BadJSON:
        raise
    except ValueError as error:  # an integer with more digits than Python converts
        raise BadJSON(str(error)) from None
    _check_depth(raw, value)
    return value


_NESTED = (dict, list)
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


_queue_style = json.JSONEncoder(allow_nan=False).encode
_model_style = json.JSONEncoder(ensure_ascii=False, separators=spelled.COMPACT, allow_nan=False).encode


def dump_queue(value: Any) -> bytes:
    """JSON as the queue gateway writes it: ``", "`` and ``": "``, ASCII (recorded; aiohttp's style).

    Numbers are as in `dump_model`.
    """
    return _dumped(_queue_style, value, spelled.SPACED).encode()


def dump_model(value: Any) -> bytes:
    """JSON as models write it: compact, UTF-8 without escapes (recorded; FastAPI's style).

    NaN and infinity, which JSON does not have, are `null`, as JavaScript writes them. A Spelled number beyond the range
    of a float is written as it was read.
    """
    text = _dumped(_model_style, value, spelled.COMPACT)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return spelled.surrogates_escaped(text).encode()


def dump_shown(value: Any, *, ensure_ascii: bool = True) -> str:
    """JSON on one line for people and programs that look at what came in: every number as `loads_exact` read it.

    It is spaced as by `dump_queue`. NaN and infinity are `null`; a value that JSON does not have is its `str`.
    """
    text = None
    if not spelled.has_spelled(value):
        with contextlib.suppress(ValueError, TypeError):  # not a finite number, or a key that is no text
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    if text is None:
        text = "".join(spelled.flat(spelled.finite(value), spelled.SPACED, spelled.shown))
    return _NOT_ASCII.sub(_escaped, text) if ensure_ascii else spelled.surrogates_escaped(text)


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def dump_exact(value: Any, *, indent: int | None) -> str:
    """JSON text with every number as `loads_exact` read it, keys in the given order, only lone surrogates escaped.

    If `indent` is None, it is compact, as models write it. Else it is for people and diffs: `indent` spaces per level
    and a newline at the end. A list or an object without another in it is on one line if that line has at most
    MAX_COLUMNS columns (with indent, key and comma); every other has a line for each item. Raises ValueError for NaN,
    infinity and endless nesting.
    """
    try:
        if indent is None:
            text = "".join(spelled.flat(value, spelled.COMPACT)) if spelled.has_spelled(value) else _model_style(value)
        else:
            parts: list[str] = []
            spelled.put_lines(parts.append, value, "\n", " " * indent, 0, 0)
            text = "".join(parts) + "\n"
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return text if text.isascii() else spelled.surrogates_escaped(text)


def _dumped(encode: Callable[[Any], str], value: Any, style: tuple[str, str]) -> str:
    try:
        return encode(value)
    except ValueError:  # not a finite number
        text = "".join(spelled.flat(spelled.finite(value), style))
        return _NOT_ASCII.sub(_escaped, text) if encode is _queue_style else spelled.surrogates_escaped(text)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
