"""Calls the door for OpenAI's clients as a client does, with a clock and a fal that the test controls."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import TypeVar

from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.fixtures.matching.index import Index
from falmock.gateway.door import FalCall
from falmock.gateway.openai.door import OpenAIImages
from falmock.wire.formats import jsontext
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.engine.calls import index_of

T = TypeVar("T")
GENERATIONS = "/v1/images/generations"
NOW = 1_752_619_398.5
Answers = Callable[[Request], Reply]


def made(*urls: str, status: int = 200, **more: Any) -> Reply:
    body = {"images": [{"url": f"https://v3.fal.media/{url}"} for url in urls], **more}
    return Reply(status, ((b"x-fal-request-id", b"the-id"),), jsontext.dump_model(body), "made")


def failed(status: int, detail: str = "No.") -> Reply:
    return Reply(status, (), jsontext.dump_model({"detail": detail}), "failed")


async def at_once(decide: Callable[[], T]) -> T:
    return decide()


async def together(calls: Sequence[Awaitable[Reply]]) -> list[Reply]:
    return list(await asyncio.gather(*calls))


class App:
    """A client of the door. `fal` or the engine answers the calls to fal."""

    def __init__(self, index: Index | None = None, fal: Answers | None = None, **config: Any) -> None:
        numbers = itertools.count(1)
        new_id = lambda now: uuid7(now, next(numbers))  # noqa: E731
        self.engines = Engines(Config(**config), index or Index(), new_id, b"falmock")
        self.told: list[str] = []
        self.asked: list[Request] = []
        self.door = OpenAIImages(self.engines, at_once, together, self._pause, self.told.append)
        self.now = NOW
        self._fal = fal
        self._jobs: list[Reply] = []

    async def _ask(self, request: Request) -> Reply:
        self.asked.append(request)
        if self._fal is not None:
            return self._queue(self._fal, request)
        effect = self.engines.handle(request, self.now)
        assert isinstance(effect, Reply)
        return effect

    async def _pause(self, seconds: float) -> None:
        self.now += seconds

    def _queue(self, fal: Answers, request: Request) -> Reply:
        """A queue in which every job is completed at once, with the answer of `fal` to its submit.

        What that refuses by name there is no job of.
        """
        if request.host != "queue.fal.run":
            return fal(request)
        if request.method == "POST":
            outcome = fal(request)
            if outcome.status in (401, 403, 404, 429):
                return outcome
            self._jobs.append(outcome)
            return Reply(200, (), jsontext.dump_queue({"request_id": str(len(self._jobs) - 1)}), "submitted")
        if request.path.endswith("/status"):
            return Reply(200, (), jsontext.dump_queue({"status": "COMPLETED"}), "over")
        return self._jobs[int(request.path.rpartition("/")[2])]

    def send(self, method: str, path: str, body: bytes = b"", scope: str = "", **headers: str) -> Reply | FalCall:
        named = {"host": "here:80", **{name.replace("_", "-"): value for name, value in headers.items()}}
        request = Request(method, "here", path, "", named, body, scope=scope)
        assert self.door.claims(request)
        result = asyncio.run(self.door.answer(request, self._ask, self.now))
        assert isinstance(result, Reply | FalCall)
        return result

    def reply(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        result = self.send(method, path, body, **headers)
        assert isinstance(result, Reply)
        return result

    def generate(self, headers: dict[str, str] | None = None, **wanted: Any) -> Any:
        """The answer's body, with the status for an error."""
        given = json.dumps({"model": "a/b", "prompt": "x", **wanted}).encode()
        reply = self.reply("POST", GENERATIONS, given, **(headers or {}))
        body = read(reply)
        return body if reply.status == 200 else (reply.status, body["error"]["code"])

    @property
    def submits(self) -> list[Request]:
        return [request for request in self.asked if request.host == "queue.fal.run" and request.method == "POST"]

    @property
    def runs(self) -> list[Any]:
        return [json.loads(request.body) for request in self.submits]


def read(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


def names(answer: Any) -> list[str]:
    return [image["url"].rpartition("/")[2] for image in answer["data"]]


def forwarding(fal: Answers, *keys: str, mode: Mode = Mode.PASSTHROUGH, **config: Any) -> App:
    return App(None, fal, mode=mode, fal_keys=keys, openai_access_key="secret-enough", **config)


BEARER = {"authorization": "Bearer secret-enough"}


def document(endpoint: str = "a/b", **properties: Any) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": {"properties": properties}}}}
    return {"paths": {f"/{endpoint}": {"post": {"requestBody": body}}}}


def knowing(*fixtures: dict[str, Any], **properties: Any) -> Index:
    index = index_of(*fixtures)
    return Index(index.fixtures, index.assets, schemas={"a/b": document(prompt={"type": "string"}, **properties)})


ANY = {"match": {"model": "a/b"}, "response": {"json": {"images": ["https://v3.fal.media/1"], "prompt": "better"}}}
