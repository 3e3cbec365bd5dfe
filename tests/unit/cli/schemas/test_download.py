"""Downloading a document."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from falmock.cli.schemas import download
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.http_client import Proxy
from unit.cli.schemas.site import site

TLS = download.tls_context()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_document_comes_up_to_the_limit() -> None:
    with site({"a/b": (200, b"0123456789")}) as there:
        answered = download.get(f"{there.url}/x?endpoint_id=a/b", TLS, 100, 5)
        assert (answered.status, answered.body) == (200, b"0123456789")
        assert len(download.get(f"{there.url}/x?endpoint_id=a/b", TLS, 4, 5).body) == 5
    target, headers = there.asked[0]
    assert target == "/x?endpoint_id=a/b"
    assert headers == {
        "host": urlsplit(there.url).netloc,
        "accept": "application/json",
        "user-agent": "falmock",
        "connection": "close",
    }


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://localhost.invalid/"])
def test_what_does_not_answer(url: str) -> None:
    with pytest.raises(NoAnswer):
        download.get(url, TLS, 10, 5)


def test_a_proxy_of_the_environment_is_asked_for_the_whole_url(monkeypatch: pytest.MonkeyPatch) -> None:
    with site({"a/b": (200, b"by proxy")}) as there:
        monkeypatch.setenv("http_proxy", there.url.replace("//", "//me:pass%20word@"))
        answered = download.get("http://fal.invalid/x?endpoint_id=a/b", TLS, 100, 5)
    assert answered.body == b"by proxy"
    target, headers = there.asked[0]
    assert target == "http://fal.invalid/x?endpoint_id=a/b"
    assert headers["proxy-authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    assert headers["host"] == "fal.invalid"


def proxy_for(url: str) -> Proxy | None:
    return download.proxy_for(urlsplit(url))


def test_which_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https://fal.ai/") is None
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    assert proxy_for("https://fal.ai/") == Proxy("http", "proxy.example", 3128)
    assert proxy_for("http://fal.ai/") is None
    assert proxy_for("https://127.0.0.1/") is None
    assert proxy_for("https://localhost/") is None
    monkeypatch.setenv("no_proxy", "fal.ai")
    assert proxy_for("https://fal.ai/") is None
    monkeypatch.setenv("all_proxy", "https://u@other.example")
    assert proxy_for("http://x.example/") == Proxy("https", "other.example", 443, "u:")


@pytest.mark.parametrize(
    ("text", "message"),
    [("socks5://x:1", "found one at socks5://"), ("http://x:y", "is no URL"), ("http://", "found one")],
)
def test_a_proxy_that_is_none(text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", text)
    with pytest.raises(NoAnswer, match=message):
        proxy_for("https://fal.ai/")


def test_a_ca_that_cannot_be_read() -> None:
    with pytest.raises(OSError, match="No such file"):
        download.tls_context("/nowhere.pem")
