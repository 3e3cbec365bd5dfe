"""What SIGINT and SIGTERM do to a server."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from falmock.cli import signals


def test_the_second_signal_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[Any] = []
    monkeypatch.setattr(os, "_exit", came.append)

    async def signalled() -> None:
        signals.on_end(lambda: came.append("stop"), lambda: came.append("at once"))
        for number in (signal.SIGINT, signal.SIGINT):
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)

    asyncio.run(signalled())
    assert came[:3] == ["stop", "at once", signals.INTERRUPTED]
