"""An app with one fixture of each kind, and calls to it."""

from __future__ import annotations

from functools import cache
from typing import Any

from falmock.app import App
from falmock.edge import Answer
from falmock.edge import Client
from falmock.edge import ForwardedCall
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.matching.index import Index
from falmock.wire.formats import jsontext
from falmock.wire.formats.frames import Frame
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.message import content_of
from fuzz.harness import clock
from fuzz.oracles import check_answer
from fuzz.oracles import check_hidden
from fuzz.strategies.texts import SECRETS
from unit.apps import TestEdge
from unit.apps import app_of
from unit.engine.calls import index_of

MOST_STEPS = 30
"""How many steps a conversation has at most."""
KEY, TOKEN, COOKIE = SECRETS
CREDENTIALS = {"authorization": f"Key {KEY}", "cookie": f"sid={COOKIE}", "x-token": TOKEN}
"""Headers that plant secrets in every call."""
FIXTURES: tuple[dict[str, Any], ...] = (
    {"match": {"model": "a/b"}, "response": {"json": {"images": [{"url": "https://v3.fal.media/files/a/x.png"}]}}},
    {"match": {"model": "a/b", "input": {"prompt": "a cat", "seed": 1}, "exact": True}, "response": {"json": 1}},
    {
        "match": {"model": "fal-ai/flux/dev", "userMessage": "cat"},
        "response": {"json": {"seed": 2**64}, "billableUnits": 1.5},
    },
    {"match": {"model": "fal-ai/flux/dev", "input": {"a": {"$regex": "x+"}}}, "response": {"text": "t"}},
    {"match": {"model": "a/e/stream"}, "stream": [{"json": {"a": 1}}, {"at": 1, "data": "x", "event": "e", "id": "7"}]},
    {"match": {"model": "a/g"}, "realtime": [{"msgpack": {"a": 1}}, {"at": 1, "json": 1}, {"text": "t"}]},
    {"match": {"model": "a/f"}, "response": {"error": {"type": "content_policy_violation", "message": "No."}}},
    {"match": {"method": "GET", "path": "/v1/thing"}, "response": {"text": "", "headers": {"x-a": "b"}}},
    {
        "match": {"model": "workflows/u/x"},
        "response": {"json": {}},
        "queue": {
            "started": 1,
            "completed": 3,
            "logs": [{"at": 2, "message": "half"}],
            "positions": [{"at": 0, "position": 1}],
        },
    },
)


class _Edge(TestEdge):
    """An edge with the loop's clock, without a disk."""

    def now(self) -> float:
        return clock()

    async def join(self, parts: tuple[Content, ...]) -> Content:
        return content_of(b"".join(part.data or b"" for part in parts))


def app(*, index: Index | None = None, pace: str = "instant", **config: Any) -> App:
    """An app with FIXTURES, or with this index; it needs a running loop."""
    return app_of(edge=_Edge(), index=index or _index(), pace=parse_pace(pace), **config)


@cache
def _index() -> Index:
    return index_of(*FIXTURES)


class Caller:
    """Calls an app; `job` is the id of the latest job."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.job = "00000000-0000-7000-8000-000000000000"

    async def call(
        self,
        method: str,
        host: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
        *,
        direct: bool = False,
    ) -> Answer:
        """The answer to one request, which carries the planted secrets."""
        named = {"host": host, **headers, **CREDENTIALS}
        request = Request(method, host, path, query, named, body, peer="127.0.0.1" if direct else "")
        answer = await self.app.answer(request, Client(is_direct=direct))
        if isinstance(answer, Reply) and isinstance(answer.body, bytes):
            told = jsontext.object_of(answer.body) or {}
            self.job = str(told.get("request_id") or self.job)[:100]
        return answer

    async def check_journal(self) -> None:
        """The journal, as the control API shows it, is JSON without a planted secret."""
        answer = await self.call("GET", "127.0.0.1", "/__falmock/journal", "limit=1000", {}, b"", direct=True)
        check_answer(answer)
        assert isinstance(answer, Reply)
        assert isinstance(answer.body, bytes)
        check_hidden(answer.body.decode())


def is_faulty(answer: Answer, headers: dict[str, str]) -> bool:
    """Whether a call asked for what it got: an error of the server's, or a body that is not JSON."""
    injected = not isinstance(answer, ForwardedCall) and answer.fault is not None
    return injected or (isinstance(answer, Reply) and answer.status == 501) or "x-falmock-fault" in headers


def converse(socket: Socket, messages: list[str | bytes], now: float) -> list[Frame]:
    """Say these messages on a socket, and let what is due come: the frames that are sent."""
    talk = socket.conversation
    steps = [talk.opened(now)]
    for message in messages:
        now += 1
        steps.append(talk.received(message, now))
    while len(steps) < MOST_STEPS and (again := steps[-1].again) is not None:
        now = max(again, now)
        steps.append(talk.due(now))
    return [frame for step in steps for frame in step.frames]
