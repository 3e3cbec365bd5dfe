"""Which names may be looked up, and what they resolve to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest

from falmock.serving.outgoing import names
from falmock.serving.outgoing.names import ForbiddenName
from falmock.serving.outgoing.names import UnresolvedName
from falmock.serving.outgoing.names import addresses_of
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role

NAME = "hooks.test"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("a_b.test", "a_b.test"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("huggingface.co", "huggingface.co"),
        ("notfal.run", "notfal.run"),
        ("fal.run.example", "fal.run.example"),
    ],
)
def test_other_names_pass(host: str, name: str) -> None:
    assert names.checked(Hosts(), host) == name


@pytest.mark.parametrize(
    "host",
    [
        "fal.run",
        "FAL.run",
        "queue.fal.run.",
        "v3b.fal.media..",
        "any.fal.ai",
        "mine.example",
        # What a resolver would turn into fal's names.
        "f\xaal.run",
        "fal\u3002run",
        "\uff46al.run",
        "fal.run%lo",
        "fal.run\0",
        "a b",
        "",
        ".",
        "user@fal.run",
    ],
)
def test_fals_names_and_those_that_may_become_one_do_not(host: str) -> None:
    with pytest.raises(ForbiddenName):
        names.checked(Hosts({"mine.example": Role.RUN}), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "127.1"])
def test_any_spelling_of_an_address_is_resolved(host: str) -> None:
    assert asyncio.run(addresses_of(host, 80, 30)) == ("127.0.0.1",)


def test_all_addresses_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 80, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert asyncio.run(addresses_of(NAME, 80, 30)) == ("::1", "10.0.0.1")


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", fails)
    with pytest.raises(UnresolvedName, match=rf"{NAME} cannot be resolved: (Name or service not known|label too long)"):
        asyncio.run(addresses_of(NAME, 80, 30))


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", hangs)
    with pytest.raises(UnresolvedName, match=f"{NAME} was not resolved within 0.001 s"):
        asyncio.run(addresses_of(NAME, 80, 0.001))


def hello(name: str) -> bytes:
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(("name", "is_fals"), [("queue.fal.run", True), ("FAL.media", True), ("example.com", False)])
def test_what_comes_through_a_tunnel(name: str, is_fals: bool) -> None:  # noqa: FBT001
    hosts, data = Hosts(), hello(name)
    assert [names.are_for_fal(hosts, data[:size]) for size in (1, 100, len(data) - 1)] == [None] * 3
    assert names.are_for_fal(hosts, data) is is_fals
    assert names.are_for_fal(hosts, f"GET / HTTP/1.1\r\nhost: {name}:80\r\n\r\n".encode()) is is_fals
    assert names.are_for_fal(hosts, b"SSH-2.0-x\r\n") is False


HEAD = b"GET / HTTP/1.1\r\nAccept: */*\r\nHost: u@fal\xe3\x80\x82run:80\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        *((HEAD[:size], None) for size in (1, 3, 5, 14, 16, 30, len(HEAD) - 1)),
        (HEAD, True),
        (b"GET http://fal.run/ HTTP/1.0\r\n\r\n", True),
        (HEAD.replace(b"fal", b"not"), False),
        (HEAD.replace(b"Host", b"host:a\r\nHOST"), True),
        # Other protocols whose clients begin: their servers answer a line.
        (b"EHLO example.com\r\n", False),
        (b"PING\r\n", False),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", False),
        (b"A" * 21, False),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000, False),
    ],
)
def test_a_head_is_read_to_its_end(data: bytes, verdict: bool | None) -> None:  # noqa: FBT001
    assert names.are_for_fal(Hosts(), data) is verdict
