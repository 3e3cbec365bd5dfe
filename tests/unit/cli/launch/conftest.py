from __future__ import annotations

import pytest

from falmock.cli.launch import server


@pytest.fixture(autouse=True)
def _no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers get a Python of their own: a copy of pytest would print into its capture."""
    monkeypatch.setattr(server.threading, "active_count", lambda: 2)
