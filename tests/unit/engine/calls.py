"""A client of an engine: it sends plain requests and returns replies. The test sets the clock."""

from __future__ import annotations

import json
from typing import Any

from falmock.engine.config import Config
from falmock.engine.effects import Effect
from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.webhooks.request import WebhookEdge
from falmock.fixtures.format import codec
from falmock.fixtures.format.entry import MissingAsset
from falmock.fixtures.matching.index import Index
from falmock.fixtures.model import Asset
from falmock.wire.formats.sse import Parser
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request

FLUX = {
    "match": {"model": "fal-ai/flux/dev", "input": {"prompt": "a cat"}},
    "response": {
        "json": {"images": [], "seed": 15738016505585340234, "prompt": "é"},
        "billableUnits": 1.0,
        "headers": {"X-Fal-Runner-Hints": "lora:a"},
    },
    "queue": {
        "started": 2,
        "completed": 6,
        "inferenceTime": 4.25,
        "positions": [{"at": 0, "position": 1}, {"at": 1, "position": 0}],
        "logs": [{"at": 3, "message": "half", "level": "WARN"}],
    },
}
FAILING = {
    "match": {"model": "fal-ai/flux/dev", "input": {"prompt": "bad"}},
    "response": {"error": {"type": "content_policy_violation", "message": "No.", "loc": ["body", "prompt"]}},
}
RECORDED = parse_pace("recorded")


def index_of(*fixtures: dict[str, Any]) -> Index:
    """An index of fixtures, written as in a file."""

    def no_asset(name: str) -> Asset:
        raise MissingAsset(name)

    decoded = codec.decode(json.dumps({"fixtures": fixtures}).encode(), "test.json", no_asset)
    assert not decoded.problems, decoded.problems
    return Index(decoded.fixtures, decoded.assets)


class Client:
    """An engine with these fixtures; tests set the time in `now`. `edge` posts webhooks."""

    def __init__(self, *fixtures: dict[str, Any], edge: WebhookEdge | None = None, **config: Any) -> None:
        counter = iter(range(10**6))
        self.now = 1_752_619_398.0
        new_id = lambda now: uuid7(now, next(counter))  # noqa: E731
        self.engines = Engines(Config(**config), index_of(*fixtures), new_id, b"falmock", edge)
        self.engine = self.engines.common

    def effect(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Effect:
        host, _, rest = url.removeprefix("https://").partition("/")
        path, _, query = rest.partition("?")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        default = {} if body is None else {"content-type": "application/json"}
        request = Request(method, host, f"/{path}", query, {**default, **(headers or {})}, content)
        return self.engine.handle(request, self.now)

    def send(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        effect = self.effect(method, url, body, headers)
        assert isinstance(effect, Reply)
        return effect

    def listen(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Listener:
        effect = self.effect(method, url, body, headers)
        assert isinstance(effect, Stream), effect
        return Listener(self, effect)

    def run(self, endpoint: str, body: Any = None, **headers: str) -> Reply:
        return self.send("POST", f"https://fal.run/{endpoint}", {} if body is None else body, named(headers))

    def submit(self, endpoint: str, body: Any = None, **headers: str) -> Reply:
        return self.send("POST", f"https://queue.fal.run/{endpoint}", {} if body is None else body, named(headers))

    def job(self, endpoint: str, body: Any = None) -> str:
        """The URL of a new job, to which /status and /cancel are added."""
        return str(read(self.submit(endpoint, body))["response_url"])

    def status(self, job: str, query: str = "") -> Any:
        return read(self.send("GET", f"{job}/status{query}"))


SILENCE = 20
"""After so many keep-alive comments in a row a listener does not wait any more."""


class Listener:
    """Reads a stream: `pieces` are those so far, each with its time in seconds after the stream was opened.

    `pings` are the times of its keep-alive comments, which are no pieces.
    """

    def __init__(self, client: Client, stream: Stream) -> None:
        self.stream = stream
        self.pieces: list[tuple[float, bytes]] = []
        self.pings: list[float] = []
        self.end = End.OPEN
        self.again: float | None = client.now
        self._client = client
        self._opened = client.now

    @property
    def open_for(self) -> float:
        return self._client.now - self._opened

    def look(self) -> Listener:
        """Read what is due by now."""
        assert self.end is End.OPEN
        step = self.stream.source.step(self._client.now)
        if step.keep_alive:
            assert step.pieces == (b": ping\n\n",)
            self.pings.append(self.open_for)
        else:
            self.pieces += [(self.open_for, piece) for piece in step.pieces]
        self.end, self.again = step.end, step.again
        assert self.end is End.OPEN or self.again is None
        assert self.again is None or self.again > self._client.now
        return self

    def wait(self) -> Listener:
        """Read until the stream ends, or is silent for minutes but for keep-alive comments."""
        self.look()
        told, pings = len(self.pieces), len(self.pings)
        while self.again is not None and len(self.pings) < pings + SILENCE:
            self._client.now = self.again
            self.look()
            if len(self.pieces) > told:
                told, pings = len(self.pieces), len(self.pings)
        return self

    @property
    def data(self) -> list[Any]:
        """The JSON of each event so far."""
        parser = Parser()
        return [json.loads(event.data) for _, piece in self.pieces for event in parser.feed(piece)]


def named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def read(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


def header(reply: Reply | Stream, name: str) -> str | None:
    values = [value.decode() for key, value in reply.headers if key.decode().lower() == name]
    assert len(values) < 2, values
    return values[0] if values else None


def paced(**config: Any) -> Client:
    return Client(FLUX, FAILING, pace=RECORDED, **config)


TEXT = {"content-type": "text/plain"}


def upload(client: Client, content: bytes = b"content", **headers: str) -> str:
    reply = client.send("POST", "https://v3.fal.media/files/upload", content, {**TEXT, **headers})
    assert reply.status == 200
    return str(read(reply)["access_url"])
