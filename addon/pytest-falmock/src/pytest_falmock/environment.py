"""Changes environment variables for a while: those of this process, which its subprocesses inherit."""

from __future__ import annotations

import os
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
        self.before: dict[str, str | None] = {name: environ.get(name) for name in values}
        """What they were; None for those that were not set."""
        environ.update(values)

    def undo(self) -> None:
        """Set the variables to what they were before."""
        put(self._environ, self.before)
        self.before = {}


def put(environ: MutableMapping[str, str], values: Mapping[str, str | None]) -> None:
    """Set variables, and remove those whose value is None."""
    for name, value in values.items():
        if value is None:
            environ.pop(name, None)
        else:
            environ[name] = value


def python_path(told: str, own: str) -> str:
    """PYTHONPATH: falmock's folder, which comes first in what it `told`, and then our own.

    What else it told is from the command that started it, which may set a PYTHONPATH for falmock alone.
    """
    entries = [told.partition(os.pathsep)[0], *(own.split(os.pathsep) if own else ())]
    return os.pathsep.join(dict.fromkeys(entries))


def scope_name(worker: str, node_id: str) -> str:
    """The scope of a test. It has no character that a URL, a header or a user name cannot have."""
    name = _ODD.sub("-", f"{worker}/{node_id}" if worker else node_id).strip("-")
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}-{name[-_LONGEST // 2 :]}"


def with_scope(url: str, scope: str) -> str:
    """The URL of a proxy, with the scope of the calls through it as user name."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{scope}:x@{parts.netloc}"))
