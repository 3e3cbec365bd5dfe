"""Reads a message on a socket as an input for matching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.canonical import canonical_text
from falmock.fixtures.matching.canonical import file_reference
from falmock.fixtures.matching.match import Query
from falmock.fixtures.matching.proposed import MESSAGE
from falmock.fixtures.matching.user_message import prompt_text
from falmock.wire import realtime
from falmock.wire.formats import jsontext
from falmock.wire.message import Request
from falmock.wire.storage import digest


class NoInput(ValueError):
    """A message that was read but cannot be an input, such as one with a number that cannot be compared."""


def input_of(message: str | bytes, *, is_realtime: bool) -> dict[str, Any]:
    """The input in a message; bytes in it become references to files by content, as data URIs do.

    A map, in msgpack or JSON text, is the input itself. Other text becomes `{"text": ...}`. On a `/realtime` socket
    other msgpack becomes `{"value": ...}`, and bytes that are no msgpack raise BadMessage. On a socket of an app's own,
    other bytes become `{"binary": {"$file": ...}}`.
    """
    if isinstance(message, str):
        value = jsontext.object_of(message)
        return {"text": message} if value is None else value
    try:
        value = realtime.decode(message)
    except realtime.BadMessage:
        if is_realtime:
            raise
        value = None
    if isinstance(value, dict):
        return {key: _without_bytes(item) for key, item in value.items()}
    return {"value": _without_bytes(value)} if is_realtime else {"binary": file_reference(digest(message))}


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return file_reference(digest(value))
    if isinstance(value, dict):
        return {key: _without_bytes(item) for key, item in value.items()}
    return [_without_bytes(item) for item in value] if isinstance(value, list) else value


def read(value: dict[str, Any], handshake: Request, endpoint: str, resolve: Callable[[str], str | None]) -> Query:
    """The matching query for a message with this input, on the socket that `handshake` opened. Raises NoInput."""
    try:
        meant = canonical(value, resolve)
        text = canonical_text(meant)
    except (ValueError, RecursionError) as error:
        raise NoInput(f"The input cannot be read: {error}") from None
    context = handshake.headers.get("x-aimock-context")
    return Query(endpoint, MESSAGE, meant, text, prompt_text(value), handshake.path, context, given=value)
