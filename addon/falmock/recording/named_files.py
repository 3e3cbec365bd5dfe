"""The files that recordings name, and about which more may become known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from falmock.fixtures.matching.canonical import FILE
from falmock.recording import document
from falmock.recording.outcome import Save
from falmock.recording.uploads import url_key


def named_in(value: Any) -> Iterator[str]:
    """The files in a value about which more may become known: keys of URLs, and digests without type and size."""
    if isinstance(value, str):
        if value.startswith(("https://", "http://")):
            yield url_key(value)
    elif isinstance(value, dict) and value.keys() == {FILE}:
        yield str(value[FILE])
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from named_in(item)


def named_by(save: Save) -> set[str]:
    """The files that a fixture names in its match and in its answer."""
    return set(save.urls) | save.links | set(named_in(document.compared(save.entry["match"])))
