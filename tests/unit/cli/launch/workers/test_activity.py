"""Calls that workers tell of."""

from __future__ import annotations

import asyncio

import pytest

from falmock.cli.launch.workers import activity
from falmock.cli.launch.workers.activity import Activity


def test_calls_put_the_end_off() -> None:
    async def run() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        with Activity(0.2) as idle:
            began = loop.time()
            for later in (0.05, 0.1, 0.15):
                loop.call_later(later, activity.tell, idle.writing)
            assert await idle.ends()
            first = loop.time() - began
            assert await idle.ends()
            return first, loop.time() - began - first

    with_calls, without = asyncio.run(run())
    assert with_calls >= 0.34
    assert without >= 0.19


def test_without_an_idle_time_there_is_no_end() -> None:
    async def run() -> None:
        with Activity(None) as idle:
            assert idle.writing == -1
            await asyncio.wait_for(idle.ends(), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(run())


def test_nobody_listens() -> None:
    with Activity(1.0) as idle:
        pass
    activity.tell(idle.writing)
