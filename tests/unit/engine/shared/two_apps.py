"""Several falmocks on one store, as a balancer sees them: each request goes to one of them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any
from typing import TypeVar
from urllib.parse import urlsplit

from falmock.edge import Client
from falmock.engine import scopes
from falmock.engine.effects import Reply
from falmock.fixtures.matching.index import Index
from falmock.sharing.state import SharedState
from falmock.store.memory import MemoryStore
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.apps import TestEdge
from unit.apps import app_of

T = TypeVar("T")
CONTROL = "/__falmock"


class Told:
    """An answer: its status and its JSON."""

    def __init__(self, reply: Reply) -> None:
        assert isinstance(reply.body, bytes)
        self.status = reply.status
        self.body = reply.body

    @property
    def value(self) -> Any:
        return json.loads(self.body) if self.body else None

    def __repr__(self) -> str:
        return f"{self.status} {self.body[:300]!r}"


class Apps:
    """`count` falmocks with these fixtures and this configuration on one store; one without a store if `is_alone`."""

    def __init__(
        self,
        *fixtures: dict[str, Any],
        count: int = 2,
        is_alone: bool = False,
        index: Index | None = None,
        **config: Any,
    ) -> None:
        self.edges = [TestEdge() for _ in range(1 if is_alone else count)]
        self.store = MemoryStore(lambda: self.edges[0].time)
        self.apps = [
            app_of(*fixtures, edge=edge, index=index, new_id=_new_ids(place), **config)
            for place, edge in enumerate(self.edges)
        ]
        for app in self.apps:
            if not is_alone:
                app.share(self.store, b"x" * 32)

    def state(self, app: int) -> SharedState:
        """The shared state as one of the apps has it."""
        shared = self.apps[app].shared
        assert shared is not None
        return shared

    def through(self, make: Callable[[MemoryStore], T]) -> list[T]:
        """From now on, each app asks its own one of these stores. Call it before the first call."""
        stores = [make(self.store) for _ in self.apps]
        for place, store in enumerate(stores):
            self.state(place).calls.store = store  # type: ignore[assignment]
        return stores

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        for edge in self.edges:
            edge.time += seconds

    async def asked(self, app: int, method: str, url: str, body: Any = None, **headers: str) -> Told:
        """The answer to a call to fal at one of the apps."""
        target = urlsplit(url)
        return await self._sent(app, method, target.netloc, target.path, target.query, body, Client(), headers)

    async def told(self, app: int, method: str, path: str, body: Any = None, **headers: str) -> Told:
        """The answer of a door at one of the apps."""
        target = urlsplit(path)
        return await self._sent(
            app, method, "127.0.0.1", target.path, target.query, body, Client(is_direct=True), headers
        )

    async def _sent(
        self, app: int, method: str, host: str, path: str, query: str, body: Any, client: Client, given: dict[str, str]
    ) -> Told:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in given.items()},
        }
        peer = "127.0.0.1" if client.is_direct else ""
        request = Request(method, host, path, query, headers, content, scope=scopes.named(headers), peer=peer)
        reply = await self.apps[app % len(self.apps)].answer(request, client)
        assert isinstance(reply, Reply), reply
        return Told(reply)


def _new_ids(place: int) -> Any:
    rolled = random.Random(place)
    return lambda now: uuid7(now, rolled.getrandbits(60))


def run(coming: Any) -> Any:
    """Run a test."""
    return asyncio.run(coming)
