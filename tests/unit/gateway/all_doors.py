"""One falmock with all its doors, as clients call it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from falmock.engine import scopes
from falmock.engine.config import Config
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.engine.jobs.pace import parse_pace
from falmock.gateway.aimock.door import Aimock
from falmock.gateway.aimock.steering import Steering
from falmock.gateway.control.door import Control
from falmock.gateway.door import Doors
from falmock.gateway.door import FalCall
from falmock.gateway.openai.door import OpenAIImages
from falmock.gateway.server_proxy import ServerProxy
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.engine.calls import index_of
from unit.gateway.awaiting import answered
from unit.gateway.openais import at_once
from unit.gateway.openais import together

MODEL, APP = "acme/film/fast", "acme/film"
FILM = {
    "match": {"model": MODEL},
    "response": {"json": {"images": [{"url": "https://v3.fal.media/files/a/f.png"}]}, "billableUnits": 2},
    "queue": {"started": 1, "completed": 3, "logs": [{"at": 2, "message": "half"}]},
}
HERE = "127.0.0.1:8080"


class World:
    """One falmock with all its doors, at a pace that goes by polls."""

    def __init__(self, pace: str = "polls:2,4") -> None:
        counter = iter(range(10**6))
        self.now = 1_752_619_398.0

        def new_id(now: float) -> str:
            return uuid7(now, next(counter))

        self.engines = Engines(Config(pace=parse_pace(pace)), index_of(FILM), new_id, b"falmock")
        self.pauses: Callable[[], None] = lambda: None
        steering = Steering()
        self.doors = Doors(
            self.engines,
            (
                Control(self.engines, lambda: "read"),
                OpenAIImages(self.engines, at_once, together, self._pause, lambda _: None),
                Aimock(self.engines, new_id, steering),
                ServerProxy(self.engines, os.environ),
            ),
        )

    async def _pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses()

    async def _ask(self, request: Request) -> Reply:
        effect = self.engines.handle(request, self.now)
        assert isinstance(effect, Reply)
        return effect

    def decided(self, request: Request) -> Reply:
        effect = self.engines.handle(request, self.now)
        assert isinstance(effect, Reply)
        return effect

    def direct(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """The answer to a request to falmock itself; `path` may have a query."""
        path, _, query = path.partition("?")
        named = {"host": HERE, **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            named.setdefault("content-type", "application/json")
        scope = scopes.named(named)
        request = Request(method, "127.0.0.1", path, query, named, content, scope=scope, peer="127.0.0.1")
        door = self.doors.find(request)
        if door is None:
            return self.doors.unknown(request, self.now)
        effect: Reply | Stream | FalCall = answered(door.answer(request, self._ask, self.now))
        if isinstance(effect, FalCall):
            effect = self.engines.handle(effect.request, self.now, effect.rewrite, effect.instead)
        assert isinstance(effect, Reply)
        return effect

    def proxied(self, method: str, url: str, body: Any = None) -> Reply:
        host, _, path = url.removeprefix("https://").partition("/")
        content = b"" if body is None else json.dumps(body).encode()
        return self.decided(Request(method, host, f"/{path}", "", {}, content))
