"""What bodies and messages hold, as JSON that tells it to the last byte and is to be read."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgpack  # type: ignore[import-untyped, unused-ignore]

WIDTH = 140
LONGEST = 160
"""A binary body of more bytes than this is told by its digest."""
COMPACT = (",", ":")
SPACED = (", ", ": ")
_NUMBER = "\ue000"


def base64(data: bytes) -> str:
    """Bytes in base64."""
    return b64encode(data).decode()


def sha256(data: bytes) -> str:
    """The digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def as_json(text: str, key: str) -> dict[str, Any] | None:
    """The value of JSON that is written in one of two usual ways, so that it tells the text to the last digit.

    None of other text.
    """
    with suppress(ValueError):
        value = loads(text)
        for name, separators in ((key, COMPACT), (f"{key}, spaced", SPACED)):
            if dumps(value, separators) == text:
                return {name: lines(value)}
    return None


def lines(value: Any) -> Any:
    """Texts of several lines as a list of these, and one that falmock says twice as one that it says once."""
    if isinstance(value, dict):
        if "\n" in str(value.get("detail")) and value.get("message") == value["detail"]:
            value = value | {"message": "{detail}"}
        return {name: lines(item) for name, item in value.items()}
    if isinstance(value, list):
        return [lines(item) for item in value]
    return {"lines": value.split("\n")} if isinstance(value, str) and "\n" in value else value


def as_msgpack(data: bytes, plain: Callable[[str], str]) -> dict[str, Any] | None:
    """The value of msgpack that is packed as usual; None of other bytes."""
    with suppress(ValueError, msgpack.UnpackException):
        value = msgpack.unpackb(data)
        if isinstance(value, dict | list | str) and msgpack.packb(value) == data:
            return {"msgpack": loads(plain(json.dumps(value, default=lambda raw: {"$base64": base64(raw)})))}
    return None


def with_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        is_bytes = list(value) == ["$base64"]
        return b64decode(value["$base64"]) if is_bytes else {k: with_bytes(v) for k, v in value.items()}
    return [with_bytes(item) for item in value] if isinstance(value, list) else value


def events(text: str) -> Iterator[Any]:
    """Server-sent events, each by its fields, or as it stands where these do not tell all of it."""
    for block in re.findall(r".*?\n\n|.+$", text, re.DOTALL):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines() if line)
        is_all = "".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n" == block
        yield {key: value for field in fields.items() for key, value in _field(*field)} if is_all else block


def _field(name: str, text: str) -> Iterator[tuple[str, Any]]:
    """A field of an event, as JSON where that cannot be taken for a text."""
    value = None if text.startswith('"') else as_json(text, name)
    yield from (value or {name: text}).items()


def loads(text: str) -> Any:
    """JSON, its numbers as they are written."""
    return json.loads(text, parse_int=_literal, parse_float=_literal)


def _literal(text: str) -> str:
    return _NUMBER + text


def dumps(value: Any, separators: tuple[str, str] = COMPACT) -> str:
    """JSON again, by default as compactly as can be."""
    text = json.dumps(value, ensure_ascii=False, separators=separators)
    return re.sub(f'"{_NUMBER}([^"]*)"', r"\1", text)


def pretty(value: Any, indent: int = 0) -> str:
    """JSON to be read: what fits into a line is on one."""
    flat = dumps(value, SPACED)
    if not isinstance(value, dict | list) or not value or indent + len(flat) <= WIDTH:
        return flat
    start = "\n" + " " * (indent + 2)
    if isinstance(value, dict):
        items = [f"{dumps(name)}: {pretty(item, indent + 2)}" for name, item in value.items()]
    else:
        items = [pretty(item, indent + 2) for item in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return first + start + f",{start}".join(items) + "\n" + " " * indent + last
