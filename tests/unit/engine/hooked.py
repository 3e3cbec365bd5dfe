"""Clients that request webhooks, and the sender of these webhooks."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.webhooks.request import NoKey
from falmock.engine.webhooks.request import WebhookPost
from falmock.engine.webhooks.request import post
from falmock.engine.webhooks.schedule import AttemptResult
from unit.engine.calls import FAILING
from unit.engine.calls import FLUX
from unit.engine.calls import Client
from unit.engine.calls import read

HOOK = "http://127.0.0.1:9000/hook?a=1&b=2"
PUBLIC = bytes(range(32))
CAT = {"prompt": "a cat"}
PICTURE = {"match": {"model": "acme/picture"}, "response": {"text": "not JSON"}}
QUICK = {"match": {"model": "acme/quick"}, "response": {"json": {"done": True}}, "queue": {"completed": 0}}
WAITS = {
    "match": {"model": "acme/waits"},
    "response": {"json": {}},
    "queue": {"started": 60, "completed": 60},
}
GOES_ON = {
    "match": {"model": "acme/goes-on"},
    "response": {"json": {"stopped": False}},
    "queue": {"started": 0, "completed": 8, "cancel": "ignored"},
}


class Edge:
    """A webhook edge for tests: it counts `changed`, and keeps warnings and signed messages."""

    def __init__(self) -> None:
        self.woken = 0
        self.warnings: list[str] = []
        self.signed: list[bytes] = []
        self.broken = ""
        self.files: dict[str, bytes] = {}

    def public_key(self) -> bytes:
        if self.broken:
            raise NoKey(self.broken)
        return PUBLIC

    def sign(self, message: bytes) -> bytes:
        self.signed.append(message)
        return b"\x01\xff"

    def read(self, body: FileBody) -> bytes:
        if body.file not in self.files:
            raise FileNotFoundError(body.file)
        return self.files[body.file]

    def changed(self) -> None:
        self.woken += 1

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class Hooked(Client):
    """A client that submits jobs with webhooks; the edge and the schedule can be inspected."""

    def __init__(self, *fixtures: dict[str, Any], **config: Any) -> None:
        self.edge = Edge()
        super().__init__(*fixtures, edge=self.edge, **config)
        self.schedule = self.engine.webhooks
        self.start = self.now

    def ask(self, endpoint: str, body: Any = None, hook: str = HOOK, **headers: str) -> Reply:
        return self.submit(f"{endpoint}?fal_webhook={quote(hook, safe='')}", body, **headers)

    def order(self, endpoint: str, body: Any = None) -> str:
        """The URL of a new job with a webhook."""
        return str(read(self.ask(endpoint, body))["response_url"])

    def at(self, seconds: float) -> list[WebhookPost]:
        """The posts that are due at this many seconds after the start."""
        self.now = self.start + seconds
        return self.due()

    def due(self, most: int = 1000) -> list[WebhookPost]:
        """The posts that are due now."""
        return [post(self.edge, attempt, self.now) for attempt in self.engines.due_webhooks(self.now, most)]

    def next(self) -> float | None:
        """When something is due next, in seconds after the start."""
        when = self.schedule.next()
        return None if when is None else pytest.approx(when - self.start, abs=1e-4)

    def answer(self, post: WebhookPost, status: int | None = 200, problem: str = "no answer") -> AttemptResult:
        return self.engines.webhook_posted(post.key, status, problem, self.now)


def paced(pace: str = "recorded", **config: Any) -> Hooked:
    return Hooked(FLUX, FAILING, PICTURE, QUICK, WAITS, GOES_ON, pace=parse_pace(pace), **config)


def field(post: WebhookPost, name: str) -> str:
    return {key.decode(): value.decode() for key, value in post.headers}[f"X-Fal-Webhook-{name}"]
