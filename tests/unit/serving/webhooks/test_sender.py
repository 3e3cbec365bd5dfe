"""Webhooks that are due are posted, and what became of them is reported."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from falmock.engine.config import Config
from falmock.engine.effects import FileBody
from falmock.engine.webhooks.destination import RefusedDestination
from falmock.engine.webhooks.request import WebhookPost
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.names import UnresolvedName
from falmock.serving.webhooks.sender import AT_ONCE
from falmock.serving.webhooks.sender import NAMED
from falmock.serving.webhooks.sender import WebhookSender
from unit.engine.calls import Client
from unit.proxy.loopback import until

QUICK = {"match": {"model": "acme/quick"}, "response": {"json": {}}}
Story = Callable[[Client, WebhookSender, Any], Awaitable[None]]


class Poster:
    """Posts nothing: each post waits for what the test says about it."""

    def __init__(self) -> None:
        self.posts: list[tuple[WebhookPost, asyncio.Future[int]]] = []

    async def post(self, config: Config, post: WebhookPost) -> int:  # noqa: ARG002
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.posts.append((post, answer))
        return await answer

    async def wait(self, count: int) -> list[tuple[WebhookPost, asyncio.Future[int]]]:
        await until(lambda: len(self.posts) >= count)
        return self.posts


def play(folder: Path, story: Story, **config: Any) -> None:
    async def told() -> None:
        poster: Any = Poster()
        sender = WebhookSender(lambda: client.engines, poster, lambda: folder)
        client = Client(QUICK, edge=sender, **config)
        try:
            await story(client, sender, poster)
        finally:
            sender.stop()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(told())


def submit(client: Client) -> str:
    reply = client.submit("acme/quick?fal_webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhook")
    return str(json.loads(reply.body)["request_id"])


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_delivery(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story(client: Client, sender: WebhookSender, poster: Poster) -> None:
        request_id = submit(client)
        ((post, answer),) = await poster.wait(1)
        assert (post.request_id, post.target.shown) == (request_id, "http://127.0.0.1:9/hook")
        answer.set_result(204)
        await asyncio.sleep(0.01)
        assert len(client.engine.webhooks) == 0
        assert [entry.status for entry in client.engine.scope.journal.entries] == [200, 204]
        assert sender.report(post, 204, "") == ""  # once is enough
        assert lines(caplog) == [
            f"falmock: webhook of job {request_id}: delivered (status 204): http://127.0.0.1:9/hook"
        ]

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("error", "text", "is_over"),
    [
        (NoAnswer("no answer within 1 s"), "no answer within 1 s", False),
        (UnresolvedName("x cannot be resolved"), "x cannot be resolved", False),
        (RefusedDestination("x is no private address"), "x is no private address", True),
        (RuntimeError("a fault"), "falmock failed to post it", False),
    ],
)
def test_what_fails_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception, text: str, *, is_over: bool
) -> None:
    caplog.set_level(logging.INFO)

    async def story(client: Client, _: WebhookSender, poster: Poster) -> None:
        submit(client)
        ((_, answer),) = await poster.wait(1)
        answer.set_exception(error)
        await asyncio.sleep(0.01)
        assert text in lines(caplog)[-1]
        assert len(client.engine.webhooks) == (0 if is_over else 1)

    play(tmp_path, story)


def test_no_more_than_so_many_at_once(tmp_path: Path) -> None:
    async def story(client: Client, _: WebhookSender, poster: Poster) -> None:
        for _ in range(AT_ONCE + 1):
            submit(client)
        await poster.wait(AT_ONCE)
        await asyncio.sleep(0.01)
        assert len(poster.posts) == AT_ONCE
        poster.posts[3][1].set_result(200)
        await poster.wait(AT_ONCE + 1)

    play(tmp_path, story)


def test_what_is_left_is_told_at_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(client: Client, _: WebhookSender, poster: Poster) -> None:
        for _ in range(NAMED + 2):
            submit(client)
        await poster.wait(NAMED + 2)

    play(tmp_path, story)
    assert "webhooks that were not delivered: " in lines(caplog)[-1]
    assert lines(caplog)[-1].endswith("; and 2 more")


def test_the_key_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"abc")

    async def story(_: Client, sender: WebhookSender, __: Poster) -> None:
        Ed25519PublicKey.from_public_bytes(sender.public_key()).verify(sender.sign(b"message"), b"message")
        assert sender.read(FileBody(str(file), 0, 3)) == b"abc"
        sender.warn("a warning")
        assert lines(caplog)[-1] == "falmock: a warning"

    play(tmp_path, story)
    assert (tmp_path / "falmock-webhook-key.pem").exists()
