"""Webhooks of two falmocks whose store is a real server."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from falmock.engine.jobs.pace import parse_pace
from unit.engine.hooked import QUICK
from unit.engine.hooked import WAITS
from unit.replicas import Replicas
from unit.store import servers

JOBS = 20


@pytest.mark.parametrize("engine", servers.ENGINES)
def test_each_is_posted_once(engine: str) -> None:
    posted: Counter[str] = Counter()

    async def story(mock: Replicas) -> None:
        waiting = [await mock.order(which, "acme/waits") for which in (0, 1) * JOBS]
        await asyncio.gather(*(mock.order(which, "acme/quick", "other") for which in (0, 1) * JOBS))
        mock.time += 1

        async def take(which: int) -> None:
            while found := await mock.due(which, 7):
                for post in found:
                    posted[post.request_id] += 1
                    assert await mock.end(which, post) is not None

        await asyncio.gather(
            take(0), take(1), take(0), *(mock.cancel(number % 2, job) for number, job in enumerate(waiting[:JOBS]))
        )
        await take(1)
        assert (len(posted), set(posted.values())) == (3 * JOBS, {1})
        mock.time += 100
        await asyncio.gather(take(0), take(1))
        assert (len(posted), set(posted.values())) == (4 * JOBS, {1})
        assert await mock.store.ranged("{}:hooks:open", 0, 1e12, 10) == []

    async def play(running: servers.Server) -> None:
        store = servers.maker(running)()
        try:
            await story(Replicas(QUICK, WAITS, pace=parse_pace("recorded"), make=lambda _: store))
        finally:
            await store.close()

    with servers.server(engine) as running:
        asyncio.run(play(running))
