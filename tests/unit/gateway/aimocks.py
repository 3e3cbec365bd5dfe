"""Calls aimock's routes as clients do, without a network: this module does the proxy's part with answers."""

from __future__ import annotations

import json
from typing import Any

from falmock.engine import scopes
from falmock.engine.config import Config
from falmock.engine.config import Dialect
from falmock.engine.effects import Forward
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.engine.jobs.pace import parse_pace
from falmock.gateway.aimock.door import Aimock
from falmock.gateway.aimock.steering import Steering
from falmock.gateway.door import FALS_ANSWER
from falmock.gateway.door import FalCall
from falmock.gateway.door import as_it_is
from falmock.wire.calls import Call
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.engine.calls import index_of
from unit.gateway.awaiting import answered

NOW = 1_752_619_398.0
HERE = "localhost:8080"
QUEUE, RUN, REST = "queue.fal.run", "fal.run", "rest.fal.ai"


class Sent:
    """An answer: its status, its headers by lower-case name, and its body."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.status = reply.status
        self.headers = {name.decode().lower(): value.decode() for name, value in reply.headers}
        assert isinstance(reply.body, bytes)
        self.body = reply.body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def told(self) -> tuple[int, Any]:
        return self.status, self.json


class Mock:
    """falmock with these fixtures. `forwarded` holds what went on to the real fal, which answers with `fal`."""

    def __init__(self, *fixtures: dict[str, Any], dialect: str = "fal", pace: str = "instant", **config: Any) -> None:
        counter = iter(range(10**6))
        self.now = NOW
        self.forwarded: list[Request] = []
        self.fal = Reply(200, (), b"{}", FALS_ANSWER)
        self.steering = Steering()
        config = {"dialect": Dialect(dialect), "pace": parse_pace(pace), **config}

        def new_id(now: float) -> str:
            return uuid7(now, next(counter))

        self.engines = Engines(Config(**config), index_of(*fixtures), new_id, b"falmock")
        self.door = Aimock(self.engines, new_id, self.steering)

    def ask(self, method: str, path: str, body: Any = None, host: str = "", **headers: str) -> Sent:
        """The answer to a request to falmock itself; `host` is that of `x-fal-target-host`."""
        path, _, query = path.partition("?")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        all_headers = {"host": HERE, **({"x-fal-target-host": host} if host else {}), **named}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request(method, "localhost", path, query, all_headers, content, scope=scopes.named(all_headers))
        assert self.door.claims(request)
        effect = answered(self.door.answer(request, self._ask, self.now))
        if isinstance(effect, FalCall):
            effect = self._decided(*effect)
        assert isinstance(effect, Reply)
        return Sent(effect)

    def proxied(self, method: str, url: str, body: Any = None, scope: str = "") -> Sent:
        """The answer to the same call through the proxy."""
        host, _, path = url.removeprefix("https://").partition("/")
        content = b"" if body is None else json.dumps(body).encode()
        effect = self.engines.handle(Request(method, host, f"/{path}", "", {}, content, scope=scope), self.now)
        assert isinstance(effect, Reply)
        return Sent(effect)

    async def _ask(self, request: Request, rewrite: Rewrite = as_it_is) -> Reply:
        effect = self._decided(request, rewrite)
        assert isinstance(effect, Reply)
        return effect

    def _decided(
        self, request: Request, rewrite: Rewrite, instead: InsteadOfFal | None = None, call: Call | None = None
    ) -> Reply | Stream:
        effect = self.engines.handle(request, self.now, rewrite, instead, call)
        if isinstance(effect, Forward):
            self.forwarded.append(request)
            return rewrite(self.fal)
        assert isinstance(effect, Reply | Stream)
        return effect

    def submit(self, model: str, body: Any = None, **headers: str) -> str:
        """The request id of a job that was submitted by the routes."""
        sent = self.ask("POST", f"/fal/{model}", body or {}, QUEUE, **headers)
        assert sent.status == 200, sent.body
        return str(sent.json["request_id"])
