"""Access to the JSON values that an entry of a fixture file answers with: whole, in events, or in frames."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from falmock.fixtures.matching.canonical import FILE

Entry = dict[str, Any]

_HOLDING = {"response": ("json",), "stream": ("json",), "realtime": ("json", "msgpack")}
"""The parts of an entry that answer, and the keys of such values in them."""


def steps_of(part: Any) -> list[Entry]:
    """The steps of a part of an entry: the events of a `stream`, the frames of a `realtime`, the one `response`."""
    if isinstance(part, list):
        return part
    if isinstance(part, dict) and "events" in part:
        return list(part["events"])
    return [] if part is None else [part]


def values(entry: Entry) -> Iterator[Any]:
    """Every JSON value that the entry answers with, in order."""
    for part, keys in _HOLDING.items():
        for step in steps_of(entry.get(part)):
            yield from (step[key] for key in keys if key in step)


def mapped(entry: Entry, change: Callable[[Any], Any]) -> Entry:
    """The entry with `change` applied to every JSON value that it answers with; the entry itself if nothing changes."""
    new = {name: _part(value, _HOLDING[name], change) if name in _HOLDING else value for name, value in entry.items()}
    return entry if new == entry else new


def _part(part: Any, keys: tuple[str, ...], change: Callable[[Any], Any]) -> Any:
    if isinstance(part, list):
        return [_part(step, keys, change) for step in part]
    if "events" in part:
        return {**part, "events": _part(part["events"], keys, change)}
    return {key: change(value) if key in keys else value for key, value in part.items()}


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


def references(value: Any) -> Iterator[str]:
    """Every reference to a file in a JSON value, as `sha256:<hex>`."""
    if isinstance(value, dict) and FILE in value:
        yield str(value[FILE])
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from references(item)
