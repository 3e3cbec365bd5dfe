"""The files that a JSON value refers to, such as the images in an output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from falmock.engine.engine import Engine
from falmock.gateway.control.operation import closed

MOST = 200
"""How many files are found at most."""
LONGEST = 2000
"""A longer text (characters) is no URL of a file."""
SCHEMA = closed(
    url={"type": "string"},
    sha256={"type": "string"},
    type={"type": "string"},
    size={"type": "integer", "minimum": 0},
    name={"type": "string"},
)


def files_in(engine: Engine, *values: Any) -> list[dict[str, Any]]:
    """The files whose URLs are in JSON values and whose content is here, in the order of the values; each URL once."""
    found: dict[str, dict[str, Any]] = {}
    engine.expect_files(_urls_in(list(values)))
    for url in _urls_in(list(values)):
        file = None if url in found else engine.file_of(url)
        if file is not None:
            asset = file.asset
            found[url] = {
                "url": url,
                "sha256": asset.sha256,
                "type": file.content_type,
                "size": asset.size,
                "name": asset.name,
            }
            if len(found) == MOST:
                break
    return list(found.values())


def _urls_in(value: Any) -> Iterator[str]:
    """The texts in a JSON value that may be URLs of files, in order."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if value.startswith("https://") and len(value) <= LONGEST:
                yield value
        elif isinstance(value, dict | list):
            waiting += reversed(value.values() if isinstance(value, dict) else value)
