"""Clients in this process that outlive a test: those of fal_client's module keep what they made at their first call."""

from __future__ import annotations

import sys
from typing import Any

_KEPT = "_client"
"""Where they keep an httpx client, which has the environment of that time, and if it is async the event loop."""


class Renewed:
    """fal_client's own clients as if new, for one test.

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
