"""The page's files, as they are in the package."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

PAGE = "index.html"
_TYPES = {
    "css": b"text/css; charset=utf-8",
    "html": b"text/html; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
    "txt": b"text/plain; charset=utf-8",
}


class StaticFile(NamedTuple):
    """A file of the page; `etag` changes with its content."""

    content: bytes
    content_type: bytes
    etag: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """All files of the page, by their path below `static/`. Those of other kinds than pages have are left out."""
    return dict(_below(resources.files("falmock.gateway.inspector") / "static", ""))


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, StaticFile]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _below(each, f"{prefix}{each.name}/")
        elif (kind := _TYPES.get(each.name.rpartition(".")[2])) is not None:
            content = each.read_bytes()
            yield f"{prefix}{each.name}", StaticFile(content, kind, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
