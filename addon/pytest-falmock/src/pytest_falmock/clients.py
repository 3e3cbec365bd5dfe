"""Clients in this process that would not use the environment of a test."""

from __future__ import annotations

import sys
from typing import Any

_KEPT = "_client"
"""Where fal_client's clients keep an httpx client, made at their first call, which has the environment of that time, and if it is async the event loop."""

_TRUST = "trust_env"


class EnvironmentOfAiohttp:
    """aiohttp's sessions with the proxy of the environment, which they use only where they are told to (`trust_env`)."""

    def __init__(self) -> None:
        session = getattr(sys.modules.get("aiohttp.client"), "ClientSession", None)
        self._defaults: dict[str, Any] = getattr(getattr(session, "__init__", None), "__kwdefaults__", None) or {}
        self._before = self._defaults.get(_TRUST)
        if self._before is False:
            self._defaults[_TRUST] = True

    def undo(self) -> None:
        """Let them use it only where they are told to."""
        if self._before is False:
            self._defaults[_TRUST] = False


class Renewed:
    """The clients of fal_client's module as if new, for one test.

    The async one always, since each test has an event loop of its own. The other one if the environment `differs`: `undo`
    gives it back what it had.
    """

    def __init__(self, *, differs: bool) -> None:
        _kept("async_client").pop(_KEPT, None)
        self._sync = _kept("sync_client") if differs else {}
        self._before = self._sync.pop(_KEPT, None)

    def undo(self) -> None:
        """Forget what they made since."""
        _kept("async_client").pop(_KEPT, None)
        self._sync.pop(_KEPT, None)
        if self._before is not None:
            self._sync[_KEPT] = self._before


def _kept(name: str) -> dict[str, Any]:
    client = getattr(sys.modules.get("fal_client"), name, None)
    return getattr(client, "__dict__", {})
