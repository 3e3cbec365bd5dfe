"""JSON as fal reads and writes it: strict on the way in, two house styles on the way out."""

from __future__ import annotations

import json
from typing import Any

MAX_BYTES = 64 * 1024 * 1024
MAX_VALUES = 500_000
MAX_DEPTH = 100


class BadJSON(ValueError):
    """Text that is not JSON as RFC 8259 has it, or more of it than a model input can sensibly be.

    `position` is the character offset of the fault, 0 where there is no single place; `too_large` tells
    a text that is refused for its size.
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
                raise BadJSON(f"the key {key!r} stands twice in one object")
            seen.add(key)
    return result


_decode = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique).decode


def loads(raw: bytes) -> Any:
    """Parse JSON from UTF-8 bytes (a leading byte order mark is allowed).

    Raises BadJSON for anything else: other encodings, NaN and Infinity, a key that stands twice, more
    than MAX_BYTES or about MAX_VALUES values. A lesser depth than Python's recursion limit, which is
    reported as BadJSON too, is for callers to ask.
    """
    if len(raw) > MAX_BYTES:
        raise BadJSON(
            f"{len(raw)} bytes of JSON, more than the {MAX_BYTES} accepted; upload files and pass their URLs",
            too_large=True,
        )
    # Commas bound the number of values: counting them is a thousand times cheaper than parsing.
    if len(raw) > MAX_VALUES and raw.count(b",") + raw.count(b"[") > MAX_VALUES:
        raise BadJSON(f"more than {MAX_VALUES} values in one JSON text", too_large=True)
    try:
        text = raw.decode("utf-8-sig" if raw[:3] == b"\xef\xbb\xbf" else "utf-8")
    except UnicodeDecodeError as error:
        good = error.object[: error.start].decode()  # `object` is without the byte order mark
        raise BadJSON(f"not UTF-8: byte 0x{error.object[error.start]:02x}", len(good)) from None
    try:
        return _decode(text)
    except json.JSONDecodeError as error:
        raise BadJSON(error.msg, error.pos) from None
    except RecursionError:
        raise BadJSON("nested too deeply") from None
    except BadJSON:
        raise
    except ValueError as error:  # an integer of more digits than Python converts
        raise BadJSON(str(error)) from None


_queue_style = json.JSONEncoder().encode
_model_style = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_ascii_model_style = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def dump_queue(value: Any) -> bytes:
    """Bytes as the queue gateway writes them: ``", "`` and ``": "``, ASCII (recorded; aiohttp's style)."""
    return _queue_style(value).encode()


def dump_model(value: Any) -> bytes:
    """Bytes as models answer: compact, UTF-8 unescaped (recorded; FastAPI's style)."""
    try:
        return _model_style(value).encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8: escape it as it was written
        return _ascii_model_style(value).encode()
