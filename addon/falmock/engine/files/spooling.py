"""Which bodies are put on disk while they come: those of files that are not small."""

from __future__ import annotations

from collections.abc import Mapping

from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.wire import calls
from falmock.wire import routes
from falmock.wire.hosts import Role

_TAKES_FILE = frozenset({calls.FilePut, calls.DirectUpload, calls.UploadPart})
SPOOLED_ABOVE = 1024 * 1024
"""Uploaded files longer than this (bytes), or of unknown length, are put on disk."""


def spools(config: Config, method: str, host: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether to put the body of a request on disk, by its head; `headers` has lower-case names."""
    if config.mode is not Mode.REPLAY or method == "OPTIONS":
        return False
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) <= SPOOLED_ABOVE:
        return False
    role = config.hosts.role(host) or Role.OTHER
    return type(routes.route(role, method, path, "")) in _TAKES_FILE
