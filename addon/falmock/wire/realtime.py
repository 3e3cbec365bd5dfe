"""Realtime messages: inputs and results in msgpack, notices in JSON text frames (PROTOCOL.md section 5.3)."""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped, unused-ignore]

from falmock.wire.formats import jsontext
from falmock.wire.formats.frames import Text
from falmock.wire.formats.jsontext import MAX_DEPTH
from falmock.wire.formats.jsontext import MAX_VALUES
from falmock.wire.routes import query_value

ERROR_TYPE = "x-fal-error"
MESSAGE_TYPE = "x-fal-message"
TIMEOUT = "TIMEOUT"
INTERNAL_ERROR = "INTERNAL_ERROR"
MISS = "MISS"
"""No fixture answers a message. fal does not have this error."""
MAX_BUFFERING = 60
"""The largest `max_buffering` that a client may request, in messages."""
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

    try:
        value = msgpack.unpackb(
            data, raw=False, timestamp=0, ext_hook=_extension, list_hook=counted, object_hook=counted
        )
    except BadMessage:
        raise
    except (msgpack.UnpackException, ValueError) as error:
        raise BadMessage(f"not a msgpack message: {str(error) or type(error).__name__}") from None
    return _plain(value, 0)


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
    elif isinstance(value, jsontext.Spelled) and value in (float("inf"), float("-inf")):
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
