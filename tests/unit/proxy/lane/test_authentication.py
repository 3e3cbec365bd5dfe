"""mitmproxy's `proxyauth`, asked by hand."""

from __future__ import annotations

import base64

import pytest
from mitmproxy.addons.proxyauth import ProxyAuth

from falmock.engine.effects import Reply
from falmock.proxy.lane import authentication
from unit.proxy.mitm import mitmproxy


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def answered(option: str | None, header: str) -> str | Reply:
    addon = ProxyAuth()
    with mitmproxy(addon) as context:
        context.configure(addon, proxyauth=option)
        assert authentication.is_required() is (option is not None)
        return authentication.user_or_refusal(header)


@pytest.mark.parametrize(
    ("option", "header", "user"),
    [
        (None, "", ""),
        (None, basic("my-test:x"), "my-test"),
        ("any", basic("my-test:x"), "my-test"),
        ("me:secret", basic("me:secret"), "me"),
    ],
)
def test_who_is_let_in(option: str | None, header: str, user: str) -> None:
    assert answered(option, header) == user


@pytest.mark.parametrize("option", ["any", "me:secret"])
@pytest.mark.parametrize("header", ["", "Basic", "Basic ?", "Bearer x", basic("nobody")])
def test_who_is_not(option: str, header: str) -> None:
    reply = answered(option, header)
    assert isinstance(reply, Reply)
    assert reply.status == 407
    assert dict(reply.headers) == {b"Proxy-Authenticate": b'Basic realm="mitmproxy"'}
    assert b"407 Proxy Authentication Required" in reply.body  # type: ignore[operator]


def test_a_wrong_password() -> None:
    assert isinstance(answered("me:secret", basic("me:other")), Reply)


def test_without_that_addon() -> None:
    with mitmproxy():
        assert not authentication.is_required()
        assert authentication.user_or_refusal(basic("me:x")) == "me"
