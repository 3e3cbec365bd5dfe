"""Realtime messages: inputs and results in msgpack, notices in JSON text frames (PROTOCOL.md section 5.3)."""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped, unused-ignore]

from falmock.wire.formats import jsontext
from falmock.wire.formats.frames import Text
from falmock.wire.formats.jsontext import MAX_DEPTH
from falmock.wire.formats.jsontext import MAX_VALUES
from falmock.wire.formats.spelled import Spelled
from falmock.wire.routes import query_value

ERROR_TYPE = "x-fal-error"
MESSAGE_TYPE = "x-fal-message"
TIMEOUT = "TIMEOUT"
INTERNAL_ERROR = "INTERNAL_ERROR"
MISS = "MISS"
"""No fixture answers a message. fal does not have this error."""
MAX_BUFFERING = 60
"""The largest `max_buffering` that a client may request, in messages."""
_CHECKED_ABOVE = 4096
"""A message of at most this many bytes cannot reserve much memory."""
_SIZES = {
    **dict.fromkeys((0xC0, 0xC1, 0xC2, 0xC3), (0, 0)),
    **{0xC4 + i: (0, 1 << i) for i in range(3)},  # bytes
    **{0xC7 + i: (1, 1 << i) for i in range(3)},  # extensions
    0xCA: (4, 0),
    0xCB: (8, 0),  # floats
    **{0xCC + i: (1 << i % 4, 0) for i in range(8)},  # integers
    **{0xD4 + i: (1 + (1 << i), 0) for i in range(5)},  # extensions of a fixed size
    **{0xD9 + i: (0, 1 << i) for i in range(3)},  # text
}
"""By the first byte of a msgpack value: how many bytes follow in any case, and how many of them are a length of more."""
_TIMEOUT_REASON = "no inputs, reconnect when needed!"


class BadMessage(ValueError):
    """A message is not valid msgpack or too large, or msgpack cannot express a value."""


def max_buffering(query: str) -> int | None:
    """How many messages may wait, as the query of a client says; None if it does not say or is out of range."""
    text = query_value(query, "max_buffering")
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_BUFFERING else None


def decode(data: bytes) -> Any:
    """Decode one msgpack message into a value of JSON's types and bytes.

    A timestamp (the JS client sends a Date as one) becomes text, as in JSON. Raises BadMessage for what fal's runtime
    does not read either (bytes after the message, keys that are not text, text that is not UTF-8), and for other
    extension types, more than about MAX_VALUES values, or more than MAX_DEPTH levels.
    """
    count = 0

    def counted(items: Any) -> Any:
        nonlocal count
        count += len(items)
        if count > MAX_VALUES:
            raise BadMessage(f"more than {MAX_VALUES} values in one message")
        return items

    if len(data) > _CHECKED_ABOVE:
        _check_announced(data)
    try:
        value = msgpack.unpackb(
            data, raw=False, timestamp=0, ext_hook=_extension, list_hook=counted, object_hook=counted
        )
    except BadMessage:
        raise
    except (msgpack.UnpackException, ValueError) as error:
        raise BadMessage(f"not a msgpack message: {str(error) or type(error).__name__}") from None
    return _plain(value, 0)


def _check_announced(data: bytes) -> None:
    """Check that all lists and maps together announce at most MAX_VALUES values. Raises BadMessage.

    A header of five bytes makes msgpack reserve eight bytes for each value that it announces, and a thousand may be nested.
    """
    place, open_values, announced = 0, 1, 0
    while open_values and place < len(data):
        open_values -= 1
        kind = data[place]
        place += 1
        if kind < 0x80 or kind >= 0xE0:  # a small number
            continue
        if kind < 0xA0:
            count, is_map = kind & 15, kind < 0x90
        elif kind < 0xC0:
            place += kind & 31
            continue
        elif kind >= 0xDC:
            width = 4 if kind & 1 else 2
            count, is_map = int.from_bytes(data[place : place + width]), kind >= 0xDE
            place += width
        else:
            fixed, width = _SIZES[kind]
            place += fixed + width + int.from_bytes(data[place : place + width])
            continue
        announced += count
        open_values += 2 * count if is_map else count
        if announced > MAX_VALUES:
            raise BadMessage(f"more than {MAX_VALUES} values in one message")


def _extension(code: int, data: bytes) -> Any:
    raise BadMessage(f"extension type {code} of {len(data)} bytes is not supported")


def _plain(value: Any, depth: int) -> Any:
    """The value with timestamps as text. Raises BadMessage."""
    if isinstance(value, dict | list) and depth > MAX_DEPTH:
        raise BadMessage(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise BadMessage(f"expected text as a key, found {type(key).__name__}")
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    return _moment(value) if isinstance(value, msgpack.Timestamp) else value


def _moment(stamp: Any) -> str:
    """A timestamp as JavaScript's `Date.toJSON` writes it. Raises BadMessage."""
    try:
        text: str = stamp.to_datetime().isoformat(timespec="milliseconds")
    except (OverflowError, ValueError) as error:
        raise BadMessage(f"a timestamp that is not a date: {error}") from None
    return text.replace("+00:00", "Z")


def encode(value: Any) -> bytes:
    """Encode one msgpack message as clients and the runtime do: integers in the fewest bytes, floats (1.0 too) in eight.

    Raises BadMessage for integers of more than 64 bits, numbers that are too large for a float, lone surrogates, and
    values of other types than JSON's and bytes.
    """
    _check(value, 0)
    try:
        packed: bytes = msgpack.packb(value, use_bin_type=True)
    except (ValueError, OverflowError, TypeError) as error:
        raise BadMessage(f"msgpack cannot write it: {error}") from None
    return packed


def _check(value: Any, depth: int) -> None:
    if isinstance(value, dict | list) and depth > MAX_DEPTH:
        raise BadMessage(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        for item in value.values():
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, Spelled) and value in (float("inf"), float("-inf")):
        raise BadMessage(f"{value!r} is too large for a float")


def json_frame(value: Any) -> Text:
    """A text frame with compact JSON, as the runtime writes notices."""
    return Text(jsontext.dump_model(value).decode("utf-8", "surrogatepass"))


def error_frame(error: str, reason: str) -> Text:
    """The frame that reports an error to a client."""
    return json_frame({"type": ERROR_TYPE, "error": error, "reason": reason})


def timeout_frame() -> Text:
    """The last frame of a session that got no input for too long. The JS client ignores it."""
    return error_frame(TIMEOUT, _TIMEOUT_REASON)


def is_timeout(frame: object) -> bool:
    """Whether a frame is a `timeout_frame`."""
    if not isinstance(frame, Text) or ERROR_TYPE not in frame.text:
        return False
    value = jsontext.object_of(frame.text)
    return value is not None and value.get("type") == ERROR_TYPE and value.get("error") == TIMEOUT


UNAUTHORIZED = json_frame({"status": "error", "error": "Unauthorized"})
"""The gateway's frame to a socket with an invalid token. The JS client requests a new token and reconnects at its next
send."""
