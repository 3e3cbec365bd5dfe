"""Changes environment variables for a while: those of this process, which its subprocesses inherit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import MutableMapping
from urllib.parse import urlsplit
from urllib.parse import urlunsplit

_LONGEST = 150
_ODD = re.compile(r"[^A-Za-z0-9_.]+")


class Patch:
    """Variables that are set until `undo`."""

    def __init__(self, environ: MutableMapping[str, str], values: Mapping[str, str]) -> None:
        self._environ = environ
        self._before: dict[str, str | None] = {name: environ.get(name) for name in values}
        environ.update(values)

    def undo(self) -> None:
        """Set the variables to what they were before."""
        for name, value in self._before.items():
            if value is None:
                self._environ.pop(name, None)
            else:
                self._environ[name] = value
        self._before = {}

    def without(self) -> dict[str, str]:
        """The environment as it would be without this."""
        found = dict(self._environ)
        for name, value in self._before.items():
            if value is None:
                found.pop(name, None)
            else:
                found[name] = value
        return found


def scope_name(worker: str, node_id: str) -> str:
    """The scope of a test. It has no character that a URL, a header or a user name cannot have."""
    name = _ODD.sub("-", f"{worker}/{node_id}" if worker else node_id).strip("-")
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}-{name[-_LONGEST // 2 :]}"


def with_scope(url: str, scope: str) -> str:
    """The URL of a proxy, with the scope of the calls through it as user name."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{scope}:x@{parts.netloc}"))
