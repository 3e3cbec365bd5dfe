"""Two falmocks on one store, with one clock, and what posts their webhooks."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from falmock.edge import Client
from falmock.edge import SharedWebhooks
from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.journal import JournalEntry
from falmock.engine.webhooks.request import WebhookPost
from falmock.engine.webhooks.request import post
from falmock.engine.webhooks.schedule import AttemptResult
from falmock.store.interface import Store
from falmock.store.memory import MemoryStore
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.apps import TestEdge
from unit.apps import app_of
from unit.engine.calls import FAILING
from unit.engine.calls import FLUX
from unit.engine.calls import read
from unit.engine.hooked import GOES_ON
from unit.engine.hooked import HOOK
from unit.engine.hooked import QUICK
from unit.engine.hooked import WAITS
from unit.engine.hooked import Edge

START = 1_000_000.0
FIXTURES = (FLUX, FAILING, QUICK, WAITS, GOES_ON)
A, B = 0, 1
Story = Callable[["Replicas"], Awaitable[None]]


class Hooks(Edge):
    """A webhook edge for tests that posts what the test asks for."""

    shared: SharedWebhooks

    def share(self, shared: SharedWebhooks) -> Callable[[], str]:
        self.shared = shared
        return str

    async def leave(self) -> None:
        pass


class Replicas:
    """`count` falmocks with the same fixtures and configuration. The first argument of most methods says which."""

    def __init__(
        self,
        *fixtures: dict[str, Any],
        count: int = 2,
        make: Callable[[Callable[[], float]], Store] = MemoryStore,
        **config: Any,
    ) -> None:
        self.time = START
        self.store = make(lambda: self.time)
        self.hooks = [Hooks() for _ in range(count)]
        numbers = itertools.count(1)
        self.apps = []
        for hooks in self.hooks:
            edge = TestEdge()
            edge.now = lambda: self.time  # type: ignore[method-assign]
            app = app_of(*fixtures, edge=edge, new_id=lambda now: uuid7(now, next(numbers)), webhooks=hooks, **config)
            app.share(self.store, b"x" * 32)
            self.apps.append(app)

    async def send(
        self,
        which: int,
        method: str,
        host: str,
        path: str,
        query: str = "",
        body: bytes = b"",
        scope: str = "",
        **headers: str,
    ) -> Reply:
        """The answer to a call."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = await self.apps[which].answer(Request(method, host, path, query, names, body, scope=scope))
        assert isinstance(reply, Reply)
        return reply

    async def ask(self, which: int, endpoint: str, hook: str = HOOK, scope: str = "", **headers: str) -> Reply:
        """The answer to a submit with a webhook."""
        query = f"fal_webhook={quote(hook, safe='')}"
        return await self.send(
            which,
            "POST",
            "queue.fal.run",
            f"/{endpoint}",
            query,
            b"{}",
            scope,
            content_type="application/json",
            **headers,
        )

    async def order(self, which: int, endpoint: str, scope: str = "", **headers: str) -> str:
        """The path of a new job with a webhook."""
        reply = await self.ask(which, endpoint, scope=scope, **headers)
        assert reply.status == 200, reply.body
        return str(read(reply)["response_url"]).removeprefix("https://queue.fal.run")

    async def status(self, which: int, job: str, scope: str = "") -> str:
        return str(read(await self.send(which, "GET", "queue.fal.run", f"{job}/status", scope=scope))["status"])

    async def cancel(self, which: int, job: str, scope: str = "") -> str:
        return str(read(await self.send(which, "PUT", "queue.fal.run", f"{job}/cancel", scope=scope))["status"])

    async def control(self, which: int, method: str, path: str, query: str = "", body: bytes = b"") -> Reply:
        """The answer of the control API."""
        headers = {"content-type": "application/json"}
        request = Request(method, "localhost", f"/__falmock/{path}", query, headers, body, peer="127.0.0.1")
        reply = await self.apps[which].answer(request, Client(is_direct=True))
        assert isinstance(reply, Reply)
        return reply

    async def due(self, which: int, most: int = 1000) -> list[WebhookPost]:
        """The posts that a falmock takes now."""
        hooks = self.hooks[which]
        return [post(hooks, attempt, self.time) for attempt in await hooks.shared.take(most)]

    async def at(self, which: int, seconds: float) -> list[WebhookPost]:
        """The posts that a falmock takes so many seconds after the start."""
        self.time = START + seconds
        return await self.due(which)

    async def end(
        self, which: int, post: WebhookPost, status: int | None = 200, problem: str = "no answer"
    ) -> AttemptResult | None:
        """What the end of an attempt leads to."""
        return await self.hooks[which].shared.posted(str(post.key), status, problem)

    async def journal(self, which: int, scope: str = "") -> list[JournalEntry]:
        """The entries of a scope's journal."""
        app = self.apps[which]
        assert app.shared is not None
        return await app.shared.run(lambda _: list(app.engines.of(scope).scope.journal.entries))


def play(
    story: Story,
    pace: str = "recorded",
    *fixtures: dict[str, Any],
    make: Callable[[Callable[[], float]], Store] = MemoryStore,
    **config: Any,
) -> None:
    """Run a story with two falmocks that have FIXTURES and these. `make` makes their store with their clock."""
    mock = Replicas(*FIXTURES, *fixtures, make=make, pace=parse_pace(pace), **config)
    asyncio.run(story(mock))
