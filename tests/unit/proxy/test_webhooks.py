from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from mitmproxy import http

from falmock.engine.effects import FileBody
from falmock.engine.webhooks.request import NoKey
from falmock.proxy import webhooks
from falmock.proxy.webhooks import AT_ONCE
from falmock.proxy.webhooks import Webhooks
from unit.engine.calls import Client
from unit.proxy.mitm import mitmproxy

QUICK = {"match": {"model": "acme/quick"}, "response": {"json": {}}}
HOOK = "fal_webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhook"


class Wire:
    """Replaces what sends requests: holds them until the test answers them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[http.HTTPFlow] = []
        self._ends: dict[str, asyncio.Future[None]] = {}
        self._came = asyncio.Event()
        monkeypatch.setattr(webhooks, "_replay", self._replay)

    async def _replay(self, flow: http.HTTPFlow, _: object) -> None:
        self.sent.append(flow)
        self._came.set()
        self._ends[flow.id] = asyncio.get_running_loop().create_future()
        await self._ends[flow.id]

    async def wait(self, count: int) -> list[http.HTTPFlow]:
        """The requests so far, once there are `count`."""
        while len(self.sent) < count:
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), 30)
        return self.sent

    def answer(self, flow: http.HTTPFlow, status: int = 200, error: Exception | None = None) -> None:
        if error is not None:
            self._ends[flow.id].set_exception(error)
            return
        flow.response = http.Response.make(status)
        self._ends[flow.id].set_result(None)


def play(monkeypatch: pytest.MonkeyPatch, story: Callable[[Client, Webhooks, Wire], Awaitable[None]]) -> None:
    """Run a story with an engine whose webhooks are posted to a wire of ours."""

    async def told() -> None:
        posting = Webhooks(lambda: client.engines)
        client = Client(QUICK, edge=posting)
        wire = Wire(monkeypatch)
        try:
            await story(client, posting, wire)
        finally:
            posting.stop()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with mitmproxy():
        asyncio.run(told())


@pytest.fixture(autouse=True)
def _key_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_in = webhooks.webhook_key.kept_in
    monkeypatch.setattr(webhooks.webhook_key, "kept_in", lambda _: kept_in(tmp_path))


def submit(client: Client) -> str:
    reply = client.submit(f"acme/quick?{HOOK}")
    return str(json.loads(reply.body)["request_id"])


def test_what_is_due_is_posted_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(client: Client, posting: Webhooks, wire: Wire) -> None:
        request_id = submit(client)
        (flow,) = await wire.wait(1)
        assert (flow.request.method, flow.request.pretty_url) == ("POST", "http://127.0.0.1:9/hook")
        assert webhooks.is_delivery(flow)
        assert flow.comment == f"falmock: webhook of job {request_id}, attempt 1 of 31"
        flow.response = http.Response.make(204)
        posting.ended(flow)
        assert flow.comment == f"falmock: webhook of job {request_id}: delivered (status 204)"
        posting.ended(flow)  # once is enough
        assert [entry.status for entry in client.engine.scope.journal.entries] == [200, 204]
        wire.answer(flow)
        await asyncio.sleep(0)
        assert len(client.engine.webhooks) == 0

    play(monkeypatch, story)


def test_no_more_than_so_many_at_once_and_the_next_when_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        for _ in range(AT_ONCE + 2):
            submit(client)
        await wire.wait(AT_ONCE)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(wire.sent) == AT_ONCE
        wire.answer(wire.sent[3])
        await wire.wait(AT_ONCE + 1)
        wire.answer(wire.sent[0], 500)
        await wire.wait(AT_ONCE + 2)

    play(monkeypatch, story)


def test_a_post_that_fails_in_mitmproxy_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        submit(client)
        (flow,) = await wire.wait(1)
        wire.answer(flow, error=ValueError("no such thing"))
        await wire.wait(2)
        assert "attempt 1 of 31: mitmproxy failed to post it; again in 0.015 s: http://127.0.0.1:9/hook" in caplog.text

    play(monkeypatch, story)


def test_no_timer_and_no_task_without_a_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(client: Client, posting: Webhooks, _: Wire) -> None:
        client.submit("acme/quick")
        assert posting._timer is None
        assert len(asyncio.all_tasks()) == 1

    play(monkeypatch, story)


def test_what_was_not_delivered_is_told_at_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        submit(client)
        submit(client)
        await wire.wait(2)

    play(monkeypatch, story)
    for place in range(2):
        job = f"01981041-b370-7000-8000-{place:012}"
        assert f"job {job} to 127.0.0.1 (attempt 1 of 31 broken off)" in caplog.text
    assert "/hook" not in caplog.text


def test_what_it_signs_verifies_by_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(_: Client, posting: Webhooks, __: Wire) -> None:
        Ed25519PublicKey.from_public_bytes(posting.public_key()).verify(posting.sign(b"message"), b"message")

    play(monkeypatch, story)


def test_it_reads_results_that_are_on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(_: Client, posting: Webhooks, __: Wire) -> None:
        (tmp_path / "big.json").write_bytes(b'{"a": 1}')
        assert posting.read(FileBody(str(tmp_path / "big.json"), 0, 8)) == b'{"a": 1}'

    play(monkeypatch, story)


def test_a_key_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(client: Client, posting: Webhooks, _: Wire) -> None:
        (tmp_path / webhooks.webhook_key.FILE).write_text("nothing")
        with pytest.raises(NoKey):
            posting.public_key()
        assert client.submit(f"acme/quick?{HOOK}").status == 500

    play(monkeypatch, story)
