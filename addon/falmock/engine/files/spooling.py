"""Which bodies are put on disk while they come: those of files that are not small."""

from __future__ import annotations

from collections.abc import Mapping

from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.wire import calls
from falmock.wire import routes
from falmock.wire.hosts import Role

SPOOLED_ABOVE = 1024 * 1024
"""Uploaded files longer than this (bytes), or of unknown length, are put on disk."""


def may_be_large(headers: Mapping[str, str]) -> bool:
    """Whether a body may be large when it is decoded, by its headers, with lower-case names."""
    length = headers.get("content-length", "")
    return not length.isdecimal() or int(length) > SPOOLED_ABOVE or bool(headers.get("content-encoding"))


def spools(config: Config, method: str, host: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether to put the body of a request on disk, by its head; `headers` has lower-case names."""
    return may_be_large(headers) and keeps_file(config, method, host, path)


def keeps_file(config: Config, method: str, host: str, path: str) -> bool:
    """Whether the body of a request is a file that is kept here."""
    if config.mode is not Mode.REPLAY or method == "OPTIONS":
        return False
    role = config.hosts.role(host) or Role.OTHER
    return isinstance(routes.route(role, method, path, ""), calls.FILES)
