"""Realtime messages: msgpack for inputs and results, and the JSON text frames about them (PROTOCOL.md section 5.3)."""

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
"""Falmock's own: no fixture answers a message."""
MAX_BUFFERING = 60
"""The largest `max_buffering` that a client may ask for."""
_TIMEOUT_REASON = "no inputs, reconnect when needed!"


class BadMessage(ValueError):
    """Bytes that are no msgpack message, more of one than is sensible, or a value that msgpack cannot write."""


def max_buffering(query: str) -> int | None:
    """How many messages the client wants to wait at most; None where its query does not say, or not what it may."""
    text = query_value(query, "max_buffering")
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_BUFFERING else None


def decode(data: bytes) -> Any:
    """The value that one msgpack message is: JSON's kinds, and bytes.

    A timestamp (what the JS client makes of a Date) becomes the text that JSON has for it. Raises BadMessage for what
    fal's runtime cannot read either (bytes behind the message, keys that are no text, text that is not UTF-8) and for
    other extension types, more than about MAX_VALUES values, or more than MAX_DEPTH levels.
    """
    count = 0

    def tally(items: Any) -> Any:
        nonlocal count
        count += len(items)
        if count > MAX_VALUES:
            raise BadMessage(f"more than {MAX_VALUES} values in one message")
        return items

    try:
        value = msgpack.unpackb(data, raw=False, timestamp=0, ext_hook=_extension, list_hook=tally, object_hook=tally)
    except BadMessage:
        raise
    except (msgpack.UnpackException, ValueError) as error:
        raise BadMessage(f"not a msgpack message: {str(error) or type(error).__name__}") from None
    return _plain(value, 0)


def _extension(code: int, data: bytes) -> Any:
    raise BadMessage(f"extension type {code} of {len(data)} bytes, which stands for nothing here")


def _plain(value: Any, depth: int) -> Any:
    """The value with its timestamps as text. Raises BadMessage."""
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
        raise BadMessage(f"a timestamp that is no date: {error}") from None
    return text.replace("+00:00", "Z")


def encode(value: Any) -> bytes:
    """One msgpack message as the clients and the runtime write it: integers in the fewest bytes, floats (1.0 too) in eight.

    Raises BadMessage for integers beyond 64 bits, floats that are infinite though they are written in digits, lone
    surrogates and what JSON has not, bytes excepted.
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
        raise BadMessage(f"{value!r} is more than a float can be")


def json_frame(value: Any) -> Text:
    """A text frame with compact JSON, as the runtime writes those about messages."""
    return Text(jsontext.dump_model(value).decode("utf-8", "surrogatepass"))


def error_frame(error: str, reason: str) -> Text:
    """What tells a client that something went wrong."""
    return json_frame({"type": ERROR_TYPE, "error": error, "reason": reason})


def timeout_frame() -> Text:
    """What ends a session that brought no inputs for too long; the JS client passes over it."""
    return error_frame(TIMEOUT, _TIMEOUT_REASON)


def is_timeout(frame: object) -> bool:
    """Whether a frame tells that no inputs came for too long."""
    if not isinstance(frame, Text) or ERROR_TYPE not in frame.text:
        return False
    value = jsontext.object_of(frame.text)
    return value is not None and value.get("type") == ERROR_TYPE and value.get("error") == TIMEOUT


UNAUTHORIZED = json_frame({"status": "error", "error": "Unauthorized"})
"""The gateway's word to a socket whose token will not do: the JS client gets a new one and reconnects at its next
send."""
