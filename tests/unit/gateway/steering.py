"""A falmock whose control API a test calls: the engines, and a clock that the test sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from falmock.engine.config import Config
from falmock.engine.effects import Effect
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.engine.webhooks.request import WebhookEdge
from falmock.fixtures.model import Asset
from falmock.gateway.control.door import Control
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.engine.calls import index_of

HOST = {"host": "127.0.0.1:8080"}


async def never(request: Request) -> Reply:
    raise AssertionError(request)


class Disk:
    """Fixtures on disk: `saved` has what was written. `read_again` may be replaced."""

    def __init__(self) -> None:
        self.read_again: Callable[[], str] = lambda: "read"
        self.files: dict[str, bytes] = {}
        self.saved: dict[str, tuple[str, Mapping[str, Asset]]] = {}

    def reload(self) -> str:
        return self.read_again()

    def place_for(self, name: str, text: str) -> str:  # noqa: ARG002
        return f"fixtures/{name}.json"

    def read(self, file: str, start: int, stop: int) -> bytes:
        return self.files.get(file, b"")[start:stop]

    def save(self, name: str, text: str, assets: Mapping[str, Asset]) -> str:
        self.saved[name] = text, assets
        return f"fixtures/{name}.json"


class Steered:
    """Engines with these fixtures, and the control API over them."""

    def __init__(self, *fixtures: dict[str, Any], edge: WebhookEdge | None = None, **config: Any) -> None:
        counter = iter(range(10**6))
        self.now = 1_752_619_398.0
        self.engines = Engines(Config(), index_of(*fixtures), lambda now: uuid7(now, next(counter)), b"falmock", edge)
        self.engines.use_config(Config(**config))
        self.disk = Disk()
        self.control = Control(self.engines, self.disk)

    def reply(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        headers = {**HOST, **more.pop("headers", {})}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        host = more.pop("host", headers.get("host", "").rpartition(":")[0])
        given = {"scope": "", "peer": "127.0.0.1", **more}
        request = Request(method, host, f"/__falmock{path}", query, headers, raw, **given)
        assert self.control.claims(request)
        answer: Any = self.control.answer(request, never, self.now)
        return answer

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        """The JSON in the answer to a call, which must have this status."""
        reply = self.reply(method, f"{path}?{urlencode(query)}", body)
        assert isinstance(reply.body, bytes)
        assert reply.status == status, reply.body
        return json.loads(reply.body)

    def call(self, method: str, url: str, body: Any = None, scope: str = "", **headers: str) -> Effect:
        """A call to fal."""
        host, _, rest = url.removeprefix("https://").partition("/")
        path, _, query = rest.partition("?")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        typed = {} if body is None else {"content-type": "application/json"}
        request = Request(method, host, f"/{path}", query, {**typed, **headers}, raw, scope=scope)
        return self.engines.handle(request, self.now)

    def run(self, endpoint: str, body: Any = None, scope: str = "") -> Any:
        """The output of a run; None for a miss."""
        reply = self.call("POST", f"https://fal.run/{endpoint}", body or {}, scope)
        assert isinstance(reply, Reply)
        assert isinstance(reply.body, bytes)
        return None if reply.miss is not None else json.loads(reply.body)

    def submit(self, endpoint: str, body: Any = None, scope: str = "") -> str:
        """The request id of a new job."""
        reply = self.call("POST", f"https://queue.fal.run/{endpoint}", body or {}, scope)
        assert isinstance(reply, Reply)
        return str(json.loads(bytes(reply.body))["request_id"])

    def status(self, app: str, request_id: str, scope: str = "") -> Any:
        reply = self.call("GET", f"https://queue.fal.run/{app}/requests/{request_id}/status?logs=1", scope=scope)
        assert isinstance(reply, Reply)
        return json.loads(bytes(reply.body))


def answering(value: Any, model: str = "t/e", **match: Any) -> dict[str, Any]:
    """A fixture."""
    return {"match": {"model": model, **match}, "response": {"json": value}}
