"""A message on a socket in words, for the screens of a proxy: msgpack reads as JSON, bytes in it as how many they are."""

from __future__ import annotations

import math
import re
from typing import Any

from falmock.engine.describe import MAX_SHOWN
from falmock.engine.describe import shortened
from falmock.redaction.redactor import Redactor
from falmock.wire import realtime
from falmock.wire.formats import jsontext

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")


def describe_message(content: bytes, redactor: Redactor, *, is_text: bool) -> str:
    """The text to show for one message, less its secrets."""
    kind, text = _read(content, redactor, is_text=is_text)
    if len(text) > MAX_SHOWN or not text:
        return f"{kind}, {len(content):,} bytes"
    return redactor.text(f"{kind}:\n{text}" if "\n" in text else f"{kind}: {text}")


def unpacked(content: bytes) -> Any:
    """The map, list or text that a binary message is in msgpack, None when it is none of these.

    Bytes in it are told as `(N bytes)`, and a number that is none as text.
    """
    try:
        value = realtime.decode(content)
    except realtime.BadMessage:
        return None
    # Of short messages that are no msgpack many are a number in it.
    return _plain(value) if isinstance(value, dict | list | str) else None


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _read(content: bytes, redactor: Redactor, *, is_text: bool) -> tuple[str, str]:
    """What a message is, and what it says; "" for what is not to be read."""
    if not is_text:
        value = unpacked(content)
        if value is not None:
            return "msgpack", _indented(value, redactor)
    kind = "text" if is_text else "binary"
    if len(content) > MAX_SHOWN:
        return kind, ""
    try:
        return kind, _indented(jsontext.loads_exact(content), redactor)
    except jsontext.BadJSON:
        text = content.decode("utf-8", "replace")
    return kind, text if is_text or not _UNREADABLE.search(text) else ""


def _indented(value: Any, redactor: Redactor) -> str:
    return jsontext.dump_exact(redactor.value(shortened(value)), indent=2).rstrip("\n")
