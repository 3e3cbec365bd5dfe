"""What posts the webhooks of a store, in two falmocks at once."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falmock.engine.config import Config
from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.shared import webhooks
from falmock.engine.webhooks.request import NoKey
from falmock.engine.webhooks.request import WebhookPost
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.webhooks import shared_posting
from falmock.serving.webhooks.sender import AT_ONCE
from falmock.serving.webhooks.sender import WebhookSender
from falmock.store.memory import MemoryStore
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.apps import TestEdge
from unit.apps import app_of
from unit.proxy.loopback import until
from unit.stores import Away

QUICK = {"match": {"model": "acme/quick"}, "response": {"json": {}}}
WAITS = {"match": {"model": "acme/waits"}, "response": {"json": {}}, "queue": {"completed": 3600}}


class Poster:
    """Posts nothing: each post gets the answers that the test sets, or waits for ever (None)."""

    def __init__(self) -> None:
        self.posts: list[WebhookPost] = []
        self.answer: int | Exception | None = 200
        self.seconds = 0.0

    async def post(self, config: Config, post: WebhookPost) -> int:  # noqa: ARG002
        self.posts.append(post)
        await asyncio.sleep(self.seconds)
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer


class Falmock:
    """One falmock of a store; its key is in a folder."""

    def __init__(self, store: Any, folder: Path, **config: Any) -> None:
        self.poster: Any = Poster()
        self.sender = WebhookSender(lambda: self.app.engines, self.poster, lambda: folder)
        edge = TestEdge()
        edge.now = time.time  # type: ignore[method-assign]
        self.app = app_of(
            QUICK, WAITS, edge=edge, new_id=lambda now: uuid7(now, secrets.randbits(74)), webhooks=self.sender, **config
        )
        self.app.share(store, b"x" * 32)
        self.app.join()

    async def submit(self, endpoint: str = "acme/quick") -> Reply:
        query = "fal_webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhook"
        reply = await self.app.answer(Request("POST", "queue.fal.run", f"/{endpoint}", query, {}, b"{}"))
        assert isinstance(reply, Reply)
        return reply

    async def order(self, endpoint: str = "acme/quick") -> str:
        reply = await self.submit(endpoint)
        assert isinstance(reply.body, bytes)
        return str(json.loads(reply.body)["request_id"])

    async def end(self) -> None:
        """As if it had died, as far as webhooks go."""
        self.sender.stop()
        assert self.app.shared is not None
        await self.app.shared.replicas.stop()
        self.app.stop()

    @property
    def posted(self) -> list[str]:
        return [post.request_id for post in self.poster.posts]


Story = Callable[[Falmock, Falmock, Away], Awaitable[None]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_posting, "EVERY", 0.05)


def play(tmp_path: Path, story: Story, **config: Any) -> None:
    async def told() -> None:
        store = Away(MemoryStore())
        falmocks = Falmock(store, tmp_path, **config), Falmock(store, tmp_path, **config)
        try:
            await story(*falmocks, store)
        finally:
            for each in falmocks:
                await each.end()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(told())


async def emptied(store: Away) -> None:
    """Wait until nothing is undelivered."""
    await until(lambda: not store.store._sets.get("{}:hooks") and not store.store._sets.get("{}:hooks:open"))


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("falmock")]


def test_each_is_posted_once_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story(a: Falmock, b: Falmock, store: Away) -> None:
        ordered = [await each.order() for each in (a, b) * 10]
        await until(lambda: len(a.posted + b.posted) >= 20)
        await emptied(store)
        assert sorted(a.posted + b.posted) == sorted(ordered)
        assert (
            lines(caplog).count(
                f"falmock: webhook of job {ordered[0]}: delivered (status 200): http://127.0.0.1:9/hook"
            )
            == 1
        )

    play(tmp_path, story)


def test_what_was_scheduled_here_is_posted_without_delay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_posting, "EVERY", 60.0)

    async def story(a: Falmock, b: Falmock, _: Away) -> None:
        await asyncio.sleep(0.05)
        began = time.time()
        await a.order()
        await until(lambda: len(a.posted) == 1)
        assert time.time() - began < 30
        assert b.posted == []

    play(tmp_path, story)


def test_a_failure_is_posted_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(a: Falmock, b: Falmock, store: Away) -> None:
        a.poster.answer = b.poster.answer = NoAnswer("connection refused")
        await a.order()
        await until(lambda: len(a.posted + b.posted) == 3)
        a.poster.answer = b.poster.answer = 204
        await emptied(store)
        posts = a.poster.posts + b.poster.posts
        assert sorted(post.attempt for post in posts) == list(range(1, len(posts) + 1))
        assert len([line for line in lines(caplog) if "connection refused; again in" in line]) == 1

    play(tmp_path, story, pace=parse_pace("x1000"))


def test_one_that_dies_leaves_its_webhooks_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "lease", lambda _: 0.3)

    async def story(a: Falmock, b: Falmock, _: Away) -> None:
        a.poster.answer = None
        await asyncio.sleep(0.05)
        b.sender.stop()  # A takes it
        await a.order()
        await until(lambda: len(a.posted) == 1)
        a.sender.stop()
        again = Falmock(a.app.shared.calls.store, tmp_path)  # type: ignore[union-attr, arg-type]
        await until(lambda: len(again.posted) == 1)
        assert again.poster.posts[0].attempt == 2
        await again.end()

    play(tmp_path, story)


def test_one_that_ends_in_order_gives_its_webhooks_to_others(tmp_path: Path) -> None:
    async def story(a: Falmock, b: Falmock, _: Away) -> None:
        a.poster.answer = None
        await b.sender.leave()
        await a.order()
        await until(lambda: len(a.posted) == 1)
        await a.app.leave()
        again = Falmock(a.app.shared.calls.store, tmp_path)  # type: ignore[union-attr, arg-type]
        await until(lambda: len(again.posted) == 1)
        assert again.poster.posts[0].attempt == 2
        await again.end()

    play(tmp_path, story)


def test_the_end_tells_what_was_broken_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(a: Falmock, b: Falmock, _: Away) -> None:
        b.sender.stop()
        a.poster.answer = None
        await a.order()
        await until(lambda: len(a.posted) == 1)
        a.sender.stop()
        (line,) = [line for line in lines(caplog) if "broken off" in line]
        assert line.startswith("falmock: the posting of 1 webhook was broken off")

    play(tmp_path, story)


def test_posting_pauses_while_the_store_is_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story(a: Falmock, b: Falmock, store: Away) -> None:
        await a.order()
        store.is_away = True
        await asyncio.sleep(0.3)
        assert a.posted + b.posted == []
        store.is_away = False
        await until(lambda: len(a.posted + b.posted) == 1)
        await until(lambda: lines(caplog).count("falmock: webhooks are posted again") == 2)
        told = [line for line in lines(caplog) if "wait for the store" in line]
        assert told == ["falmock: webhooks wait for the store: no route to the store"] * 2

    play(tmp_path, story)


def test_what_became_of_it_is_committed_when_the_store_is_back(tmp_path: Path) -> None:
    async def story(a: Falmock, b: Falmock, store: Away) -> None:
        a.poster.seconds = b.poster.seconds = 0.1
        await a.order()
        await until(lambda: len(a.posted + b.posted) == 1)
        store.is_away = True
        await asyncio.sleep(0.3)
        assert len(await store.store.ranged("{}:hooks", 0, 1e12, 10)) == 1
        store.is_away = False
        await emptied(store)
        assert len(a.posted + b.posted) == 1

    play(tmp_path, story)


def test_no_more_than_so_many_at_once(tmp_path: Path) -> None:
    async def story(a: Falmock, b: Falmock, _: Away) -> None:
        b.sender.stop()
        a.poster.answer = None
        for _ in range(AT_ONCE + 5):
            await a.order()
        await until(lambda: len(a.posted) == AT_ONCE)
        await asyncio.sleep(0.3)
        assert len(a.posted) == AT_ONCE

    play(tmp_path, story)


def test_one_with_another_key_signs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(a: Falmock, b: Falmock, store: Away) -> None:
        await asyncio.sleep(0.05)
        other = Falmock(store, tmp_path / "other")
        await until(lambda: bool(lines(caplog)))
        assert lines(caplog) == [f"falmock: {shared_posting.OTHER_KEY}"]
        refused = await other.submit()
        assert refused.status == 500
        assert isinstance(refused.body, bytes)
        assert b"falmock-webhook-key.pem" in refused.body
        assert other.app.shared is not None
        assert other.app.shared.replicas.standing.unready == shared_posting.OTHER_KEY
        with pytest.raises(NoKey):
            other.sender.public_key()
        a.sender.stop()
        b.sender.stop()
        await a.order("acme/quick")
        await asyncio.sleep(0.3)
        assert other.posted == []
        await other.end()

    play(tmp_path, story)
