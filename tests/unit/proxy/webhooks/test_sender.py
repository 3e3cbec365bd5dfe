from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from mitmproxy import http
from mitmproxy.addons.upstream_auth import UpstreamAuth

from falmock.engine.config import Config
from falmock.engine.effects import FileBody
from falmock.engine.journal import JournalEntry
from falmock.engine.webhooks.request import NoKey
from falmock.engine.webhooks.request import WebhookPost
from falmock.proxy.webhooks import sender
from falmock.proxy.webhooks.sender import Webhooks
from falmock.serving.outgoing.http_client import Proxy
from falmock.serving.outgoing.names import UnresolvedName
from falmock.serving.webhooks import key
from falmock.serving.webhooks import poster
from falmock.serving.webhooks.poster import PostingRules
from falmock.serving.webhooks.poster import WebhookPoster
from falmock.serving.webhooks.sender import AT_ONCE
from unit.engine.calls import Client
from unit.proxy.mitm import mitmproxy

QUICK = {"match": {"model": "acme/quick"}, "response": {"json": {}}}
HOOK = "fal_webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhook"


class Wire:
    """Replaces what sends requests: holds them until the test answers them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[http.HTTPFlow] = []
        self.addresses: list[tuple[str, ...]] = []
        self._ends: dict[str, asyncio.Future[None]] = {}
        self._came = asyncio.Event()
        monkeypatch.setattr(sender, "_replay", self._replay)

    async def _replay(self, flow: http.HTTPFlow, _: object, addresses: tuple[str, ...]) -> None:
        self.sent.append(flow)
        self.addresses.append(addresses)
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


def play(
    monkeypatch: pytest.MonkeyPatch, story: Callable[[Client, Webhooks, Wire], Awaitable[None]], **config: Any
) -> None:
    """Run a story with an engine whose webhooks are posted to a wire of ours."""

    async def told() -> None:
        posting = Webhooks(lambda: client.engines)
        client = Client(QUICK, edge=posting, **config)
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
    kept_in = key.kept_in
    monkeypatch.setattr(key, "kept_in", lambda _: kept_in(tmp_path))


def submit(client: Client, hook: str = HOOK) -> str:
    reply = client.submit(f"acme/quick?{hook}")
    return str(json.loads(reply.body)["request_id"])


def test_what_is_due_is_posted_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(client: Client, posting: Webhooks, wire: Wire) -> None:
        request_id = submit(client)
        (flow,) = await wire.wait(1)
        assert (flow.request.method, flow.request.pretty_url) == ("POST", "http://127.0.0.1:9/hook")
        assert sender.is_delivery(flow)
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
        (tmp_path / key.FILE).write_text("nothing")
        with pytest.raises(NoKey):
            posting.public_key()
        assert client.submit(f"acme/quick?{HOOK}").status == 500

    play(monkeypatch, story)


# where webhooks may go


class Names:
    """Replaces the resolver: names and their addresses. `asked` are the names that were looked up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **addresses: tuple[str, ...]) -> None:
        self.asked: list[str] = []
        self._addresses = addresses
        monkeypatch.setattr(poster, "addresses_of", self._find)

    async def _find(self, host: str, _: int, __: float) -> tuple[str, ...]:
        self.asked.append(host)
        found = self._addresses.get(host, ())
        if not found:
            raise UnresolvedName(f"{host} cannot be resolved: unknown")
        return found


async def ended(client: Client, count: int) -> list[JournalEntry]:
    """The webhooks in the journal, once there are `count`."""
    while True:
        found = [entry for entry in client.engine.scope.journal.entries if entry.kind == "webhook"]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.01)


def test_the_addresses_that_a_name_has_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, mine=("::1", "203.0.113.9", "127.0.0.1"))

    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        submit(client, "fal_webhook=http%3A%2F%2Fmine%3A9%2Fhook")
        (flow,) = await wire.wait(1)
        assert wire.addresses == [("::1", "127.0.0.1")]
        assert flow.request.headers["Host"] == "mine:9"

    play(monkeypatch, story)
    assert names.asked == ["mine"]


@pytest.mark.parametrize("host", ["public", "203.0.113.9", "[fe80::1]"])
def test_nothing_is_posted_elsewhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    Names(monkeypatch, public=("203.0.113.9", "169.254.169.254"))

    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        job = submit(client, f"fal_webhook=http%3A%2F%2F{host}%2Fhook")
        await ended(client, 1)
        submit(client, f"fal_webhook=http%3A%2F%2F{host}%2Fhook")
        first, second = await ended(client, 2)
        assert first.why.startswith(f"webhook of job {job}: refused: {host.strip('[]')} is ")
        assert f"To post there: --set fal_webhook_hosts={host.strip('[]')} (" in second.why
        assert wire.sent == []
        assert len(client.engine.webhooks) == 0

    play(monkeypatch, story)
    assert caplog.text.count("refused: ") == 1


def test_hosts_that_the_user_lists_are_left_to_mitmproxy(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)

    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        submit(client, "fal_webhook=https%3A%2F%2Fa.ex.com%2Fhook")
        await wire.wait(1)
        assert wire.addresses == [()]

    play(monkeypatch, story, webhook_hosts=("*.ex.com",))
    assert names.asked == []


def test_options_that_change_after_the_submit_count(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        submit(client)
        client.engines.use_config(replace(client.engines.config, webhook_hosts=("ex.com",)))
        (entry,) = await ended(client, 1)
        assert entry.why.endswith("refused: 127.0.0.1 is not among fal_webhook_hosts")
        assert wire.sent == []

    play(monkeypatch, story)


def test_a_name_that_cannot_be_resolved_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)

    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        submit(client, "fal_webhook=http%3A%2F%2Fgone%2Fhook")
        (first, *_) = await ended(client, 2)
        assert first.why.endswith("attempt 1 of 31: gone cannot be resolved: unknown; again in 0.015 s")
        assert wire.sent == []

    play(monkeypatch, story)
    assert names.asked[:2] == ["gone", "gone"]


def test_behind_an_upstream_proxy_names_must_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, mine=("127.0.0.1",))
    monkeypatch.setattr(sender, "_is_chained", lambda: True)

    async def story(client: Client, _: Webhooks, wire: Wire) -> None:
        submit(client, "fal_webhook=http%3A%2F%2Fmine%2Fhook")
        (entry,) = await ended(client, 1)
        assert "refused: mine would be resolved by the upstream proxy. To post there: --set fal_webhook" in entry.why
        submit(client, "fal_webhook=http%3A%2F%2F203.0.113.9%2Fhook")
        assert "refused: 203.0.113.9 is not a loopback" in (await ended(client, 2))[1].why
        submit(client)
        await wire.wait(1)
        client.engines.use_config(replace(client.engines.config, webhook_hosts=("mine",)))
        submit(client, "fal_webhook=http%3A%2F%2Fmine%2Fhook")
        await wire.wait(2)
        assert wire.addresses == [("127.0.0.1",), ()]

    play(monkeypatch, story)
    assert names.asked == []


# where nobody looks at flows


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ({}, PostingRules(to_trust="--set ssl_verify_upstream_trusted_ca=FILE")),
        (
            {"ssl_verify_upstream_trusted_ca": "ca.pem", "ssl_insecure": True},
            PostingRules(("ca.pem",), is_verified=False, to_trust="--set ssl_verify_upstream_trusted_ca=FILE"),
        ),
        (
            {"mode": ["upstream:http://proxy.test:3128@8081"], "upstream_auth": "me:x"},
            PostingRules(
                proxy=Proxy("http", "proxy.test", 3128, "me:x"), to_trust="--set ssl_verify_upstream_trusted_ca=FILE"
            ),
        ),
        (
            {"mode": ["upstream:https://proxy.test"]},
            PostingRules(proxy=Proxy("https", "proxy.test", 443), to_trust="--set ssl_verify_upstream_trusted_ca=FILE"),
        ),
    ],
)
def test_falmocks_own_poster_reaches_receivers_as_mitmproxy_does(options: dict[str, Any], rules: PostingRules) -> None:
    with mitmproxy(UpstreamAuth()) as context:
        context.options.update(**options)
        assert sender._rules() == rules


def test_without_flows_falmock_posts_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[WebhookPost] = []

    async def post(_: object, __: Config, post: WebhookPost) -> int:
        posted.append(post)
        return 204

    monkeypatch.setattr(WebhookPoster, "post", post)

    async def told() -> None:
        posting = Webhooks(lambda: client.engines, lambda: "")
        client = Client(QUICK, edge=posting)
        wire = Wire(monkeypatch)
        submit(client)
        await asyncio.sleep(0.01)
        assert len(posted) == 1
        assert wire.sent == []
        assert len(client.engine.webhooks) == 0
        posting.stop()

    with mitmproxy():
        asyncio.run(told())
