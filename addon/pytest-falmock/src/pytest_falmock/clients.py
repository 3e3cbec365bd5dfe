"""Clients in this process that keep the addresses of their proxy."""

from __future__ import annotations

import sys
from typing import Any

_KEPT = "_client"
"""Where fal_client's clients keep the httpx client that they make at their first call, with the environment of that time."""


class Renewed:
    """fal_client's own clients, without what they kept. `undo` gives them back what they had."""

    def __init__(self) -> None:
        module = sys.modules.get("fal_client")
        self._clients = [
            vars(client) for name in ("sync_client", "async_client") if (client := _of(module, name)) is not None
        ]
        self._before = [kept.pop(_KEPT, None) for kept in self._clients]

    def undo(self) -> None:
        """Forget what they keep now."""
        for kept, before in zip(self._clients, self._before, strict=True):
            kept.pop(_KEPT, None)
            if before is not None:
                kept[_KEPT] = before


def _of(module: Any, name: str) -> Any:
    client = getattr(module, name, None)
    return client if hasattr(client, "__dict__") else None
