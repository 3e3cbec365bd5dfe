"""Where a webhook is posted to, and how."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from clients.upstream import certificates
from falmock.engine.config import Config
from falmock.engine.webhooks.destination import RefusedDestination
from falmock.engine.webhooks.request import WebhookPost
from falmock.serving.outgoing import http_client
from falmock.serving.outgoing.http_client import Answered
from falmock.serving.outgoing.http_client import Destination
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.http_client import Proxy
from falmock.serving.webhooks import poster
from falmock.serving.webhooks.poster import PostingRules
from falmock.serving.webhooks.poster import WebhookPoster
from falmock.wire import webhook

PROXY = Proxy("http", "proxy.test", 3128, "me:x")
LISTED = Config(webhook_hosts=("hooks.test", "8.8.8.8"))


class Posted:
    """Replaces the network: names resolve to `found`, and each request is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
        self.sent: list[tuple[Destination, bytes]] = []
        self.asked: list[str] = []
        self.problem = ""
        self._found = found
        monkeypatch.setattr(poster, "addresses_of", self._addresses)
        monkeypatch.setattr(http_client, "fetch", self._fetch)

    async def _addresses(self, host: str, _: int, __: float) -> tuple[str, ...]:
        self.asked.append(host)
        return self._found

    async def _fetch(self, to: Destination, data: bytes, limit: int, seconds: float) -> Answered:
        assert (limit, seconds) == (poster.ENOUGH, 5)
        self.sent.append((to, data))
        if self.problem:
            raise NoAnswer(self.problem)
        return Answered(204, (), b"")


def post(url: str, config: Config = Config(), rules: PostingRules = PostingRules()) -> int:  # noqa: B008 - constants
    target = webhook.target(url)
    made = WebhookPost(1, "id", 1, 31, target, ((b"Host", target.authority.encode()),), b"{}", 5)
    return asyncio.run(WebhookPoster(lambda: rules).post(config, made))


def test_a_name_is_looked_up_once_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    posted = Posted(monkeypatch, "8.8.8.8", "10.0.0.1")
    assert post("https://hooks.test/a?b=1") == 204
    ((to, data),) = posted.sent
    assert (to.addresses, to.port, to.name, to.proxy) == (("10.0.0.1",), 443, "hooks.test", None)
    assert to.tls is not None
    assert data.startswith(b"POST /a?b=1 HTTP/1.1\r\nHost: hooks.test\r\nContent-Length: 2\r\n")
    assert posted.asked == ["hooks.test"]


@pytest.mark.parametrize(
    ("url", "config"),
    [
        ("https://fal.run/x", Config()),
        ("http://hooks.test/", Config()),
        ("http://8.8.8.8/", Config()),
        ("http://other.test/", LISTED),
    ],
)
def test_what_the_rule_forbids_is_not_sent(monkeypatch: pytest.MonkeyPatch, url: str, config: Config) -> None:
    posted = Posted(monkeypatch, "8.8.8.8")
    with pytest.raises(RefusedDestination):
        post(url, config)
    assert posted.sent == []


@pytest.mark.parametrize("url", ["http://hooks.test/", "http://8.8.8.8/"])
def test_what_the_user_lists_is_sent_anywhere(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    posted = Posted(monkeypatch, "8.8.8.8")
    post(url, LISTED)
    assert [to.addresses for to, _ in posted.sent] == [("8.8.8.8",)]


def test_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    posted, rules = Posted(monkeypatch), PostingRules(proxy=PROXY)
    post("http://127.0.0.1:8000/a", rules=rules)
    post("https://hooks.test/a", LISTED, rules)
    with pytest.raises(RefusedDestination, match="resolved by the upstream proxy"):
        post("http://hooks.test/a", rules=rules)
    (plain, sent), (secure, _) = posted.sent
    assert sent.startswith(b"POST http://127.0.0.1:8000/a HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nProxy-Authorization: ")
    assert (plain.proxy, plain.tls, secure.addresses) == (PROXY, None, ())
    assert posted.asked == []


def test_what_makes_a_ca_trusted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    posted = Posted(monkeypatch)
    posted.problem = "Certificate verify failed: self-signed certificate"
    with pytest.raises(NoAnswer, match=r"self-signed certificate \(to trust it: do this\)"):
        post("https://127.0.0.1/", rules=PostingRules(to_trust="do this"))
    posted.problem = "refused"
    with pytest.raises(NoAnswer, match=r"^refused$"):
        post("https://127.0.0.1/", rules=PostingRules(to_trust="do this"))


def test_cas_are_trusted_besides_the_systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    posted = Posted(monkeypatch)
    ca, _ = certificates.write(tmp_path, ["hooks.test"])
    rules = PostingRules((str(ca),))
    made = poster.WebhookPoster(lambda: rules)
    target = webhook.target("https://127.0.0.1/")
    for _ in range(2):
        asyncio.run(made.post(Config(), WebhookPost(1, "id", 1, 31, target, (), b"", 5)))
    first, second = (to.tls for to, _ in posted.sent)
    assert first is second  # made once
    assert first is not None
    assert b"Stand-in CA" in b"".join(first.get_ca_certs(binary_form=True))
    assert first.verify_mode is ssl.CERT_REQUIRED
    post("https://127.0.0.1/", rules=PostingRules(is_verified=False))
    last: Any = posted.sent[-1][0].tls
    assert (last.verify_mode, last.check_hostname) == (ssl.CERT_NONE, False)
    with pytest.raises(NoAnswer, match=r"the CA in \S+ cannot be used"):
        post("https://127.0.0.1/", rules=PostingRules((str(tmp_path / "none"),)))
