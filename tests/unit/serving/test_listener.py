"""The listener: what it answers, what it passes on, and what it never reaches."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import ssl
from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falmock.app import ForwardedCall
from falmock.engine.effects import Forward
from falmock.serving import listener as listener_
from falmock.serving.call_lines import CallLine
from falmock.serving.call_lines import CallLines
from falmock.serving.client_hello import ClientHello
from falmock.serving.gate import Caller
from falmock.serving.listener import Listener
from falmock.serving.outgoing import http_client
from falmock.serving.outgoing import names
from falmock.serving.outgoing import relay
from falmock.serving.outgoing.http_client import Answered
from falmock.serving.outgoing.http_client import Destination
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.tls_session import TlsFailure
from falmock.serving.upload_spool import SpoolFolder
from falmock.wire.message import Request
from unit.apps import app_of
from unit.proxy.loopback import until

FIXTURE = {"match": {"model": "a/b"}, "response": {"json": {"seed": 1}}}
RUN = b"POST /a/b HTTP/1.1\r\nHost: fal.run\r\nContent-Length: 2\r\n\r\n{}"


class Lines(CallLines):
    """Keeps the lines of calls."""

    def __init__(self, redactor: Any) -> None:
        super().__init__(redactor)
        self.seen: list[CallLine] = []

    def add(self, line: Callable[[], CallLine]) -> None:
        self.seen.append(line())


class World:
    """A listener on loopback, and another host whose address every name of it resolves to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app = app_of(FIXTURE)
        self.lines = Lines(self.app.redactor)
        self.called: list[str] = []
        self.uploads = SpoolFolder()
        self.listener = Listener(self.app, self.uploads, folder, self.lines, self.called.append)
        self.folder = folder
        self.port = self.other_port = 0
        self.connected: list[tuple[str, int, bool]] = []
        self.heads: list[bytes] = []
        self._monkeypatch = monkeypatch

    def play(self, story: Callable[[World], Awaitable[None]]) -> None:
        async def run() -> None:
            ((_, self.port),) = await self.listener.start("127.0.0.1", 0)
            other = await asyncio.start_server(self._answer, "127.0.0.1", 0)
            self.other_port = other.sockets[0].getsockname()[1]
            connect = relay.connect

            async def connected(
                connection: Any, host: str, port: int, seconds: float, tls: Any, forbids: relay.Forbids
            ) -> relay.Relay:
                self.connected.append((host, port, tls is not None))
                if host == "gone.test":
                    raise TimeoutError
                there = self.other_port if host.endswith((".test", ".co", ".com")) else port
                return await connect(connection, "127.0.0.1", there, seconds, None, forbids)

            self._monkeypatch.setattr(relay, "connect", connected)
            try:
                await asyncio.wait_for(story(self), 30)
            finally:
                self.listener.stop()
                self.listener.stop()  # twice is harmless
                await until(lambda: not self.listener.server.connections)
                other.close()
                self.uploads.stop()
                await asyncio.sleep(0.01)

        asyncio.run(run())

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
            await writer.drain()
        finally:
            writer.close()

    async def ask(self, data: bytes, tunnel: str = "", tls: str = "") -> bytes:
        """What comes for these bytes, through a tunnel and TLS with the name `tls` if they are given."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            if tunnel:
                writer.write(f"CONNECT {tunnel} HTTP/1.1\r\n{USER}User-Agent: x/1\r\n\r\n".encode("latin-1"))
                head = await reader.readuntil(b"\r\n\r\n")
                if b" 200 " not in head:
                    return head + await reader.readexactly(length(head))
            if tls:
                context = ssl.create_default_context(cafile=str(self.folder / "mitmproxy-ca-cert.pem"))
                await writer.start_tls(context, server_hostname=tls)
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            return head + await reader.readexactly(length(head))
        finally:
            writer.transport.abort()


USER = f"Proxy-Authorization: Basic {base64.b64encode(b'my-test:x').decode()}\r\n"


def length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conf")


@pytest.fixture
def world(folder: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(folder, monkeypatch)


def test_calls_to_fal_are_answered(world: World) -> None:
    async def story(world: World) -> None:
        answer = await world.ask(RUN, "fal.run:443", "fal.run")
        assert (answer[9:12], answer[-10:]) == (b"200", b'{"seed":1}')
        for scheme in (b"http", b"https"):
            plain = await world.ask(RUN.replace(b"POST /", b"POST %s://fal.run/" % scheme))
            assert plain[9:12] == b"200"
        health = await world.ask(b"GET /__falmock/scopes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert health[9:12] == b"200"

    world.play(story)
    assert [(line.origin + line.path, line.status) for line in world.lines.seen] == [
        ("https://fal.run/a/b", 200),
        ("https://fal.run/a/b", 200),
        ("https://fal.run/a/b", 200),
        ("http://127.0.0.1/__falmock/scopes", 200),
    ]
    assert (world.called, world.connected) == (["fal.run"], [])


def test_other_hosts_are_passed_on(world: World) -> None:
    async def story(world: World) -> None:
        assert (await world.ask(b"GET / HTTP/1.1\r\nHost: x.test\r\n\r\n", "x.test:443")).endswith(b"other")
        plain = await world.ask(b"GET http://x.test:81/a?b HTTP/1.1\r\nHost: x.test:81\r\n\r\n")
        assert plain == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nother"
        assert world.heads[1] == b"GET /a?b HTTP/1.1\r\nHost: x.test:81\r\nConnection: close\r\n\r\n"

        for url in (b"https://x.test/a", b"WSS://x.test/a"):
            await world.ask(b"GET %s HTTP/1.1\r\nHost: x.test\r\n\r\n" % url)

    world.play(story)
    assert world.connected == [("x.test", 443, False), ("x.test", 81, False), *[("x.test", 443, True)] * 2]
    assert world.lines.seen == []


@pytest.mark.parametrize(
    ("host", "path", "is_fals"),
    [
        ("router.huggingface.co", "/fal-ai/a/b", True),
        ("router.huggingface.co", "/together/a/b", False),
        ("storage.googleapis.com", "/falserverless/none.png", True),
        ("storage.googleapis.com", "/mine/x.png", False),
        ("huggingface.co", "/api/models/x", False),
    ],
)
def test_hosts_that_fal_shares_are_told_apart_by_the_path(world: World, host: str, path: str, *, is_fals: bool) -> None:
    async def story(world: World) -> None:
        for data in (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n{{}}",
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        ):
            answer = await world.ask(data.encode(), f"{host}:443", host)
            assert b"\r\nConnection: close\r\n" in answer
            assert answer.endswith(b"other") is not is_fals

    world.play(story)
    assert world.connected == ([] if is_fals else [(host, 443, True)] * 2)


@pytest.mark.parametrize(
    ("tunnel", "why"),
    [
        ("gone.test:443", "cannot connect to gone.test:443: it did not answer within 30 s"),
        ("127.0.0.1:1", "cannot connect to 127.0.0.1:1: "),
        ("x.test:99999", "cannot connect to x.test:0: "),
        ("fal.run%lo:443", "is not a valid host name"),
        (":443", "is not a valid host name"),
    ],
)
def test_what_cannot_be_reached_is_told(world: World, monkeypatch: pytest.MonkeyPatch, tunnel: str, why: str) -> None:
    async def story(world: World) -> None:
        if "99999" in tunnel:
            monkeypatch.setattr(relay, "connect", refused)
        answer = await world.ask(b"", tunnel)
        assert answer[9:12] == b"502"
        assert why in json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]

    async def refused(*_: object) -> None:
        raise OSError(111, "Connection refused")

    world.play(story)
    assert all(not host.endswith("run") for host, *_ in world.connected)


@pytest.mark.parametrize("is_tls", [True, False])
def test_a_tunnel_to_an_address_does_not_lead_to_fal(
    world: World, caplog: pytest.LogCaptureFixture, *, is_tls: bool
) -> None:
    async def story(world: World) -> None:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await world.ask(RUN, "10.0.0.1.test:443", "queue.fal.run" if is_tls else "")
        assert world.heads == []

    world.play(story)
    assert "falmock refused a tunnel to 10.0.0.1.test" in caplog.text


def forwarded(world: World, host: str = "huggingface.co") -> Any:
    request = Request(
        "GET", host, "/api/models/x", "expand=a", {"host": host, "x-a": "é", "proxy-authorization": "x"}, b""
    )
    return asyncio.run(world.listener.forward(ForwardedCall(Forward("why"), request)))


def test_a_call_that_may_leave(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Destination, bytes]] = []

    async def fetch(to: Destination, data: bytes, *_: object) -> Answered:
        sent.append((to, data))
        return Answered(200, ((b"X", b"1"), (b"Content-Length", b"2")), b"hi")

    async def found(*_: object) -> tuple[str, ...]:
        return ("10.0.0.1",)

    monkeypatch.setattr(http_client, "fetch", fetch)
    monkeypatch.setattr(names, "addresses_of", found)
    answer = forwarded(world)
    assert (answer.status, answer.headers, answer.body, answer.why) == (200, ((b"X", b"1"),), b"hi", "why")
    ((to, data),) = sent
    assert (to.addresses, to.name) == (("10.0.0.1",), "huggingface.co")
    assert data == (
        b"GET /api/models/x?expand=a HTTP/1.1\r\nhost: huggingface.co\r\nx-a: \xe9\r\nConnection: close\r\n\r\n"
    )
    assert forwarded(world, "fal.run").status == 502
    assert len(sent) == 1

    async def fails(*_: object) -> Answered:
        raise NoAnswer("no answer within 1 s")

    monkeypatch.setattr(http_client, "fetch", fails)
    assert b"no answer within 1 s" in forwarded(world).body


def test_handshakes_that_fail(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    hello = ClientHello("fal.run", (b"h2",), ())
    world.listener.tls_failed("fal.run", Caller(), TlsFailure("its client speaks only h2", hello, is_h2_only=True))
    world.listener.tls_failed("fal.run", Caller(agent="curl/8"), TlsFailure("TLSV1_ALERT_UNKNOWN_CA", hello))
    first, second = (record.getMessage() for record in caplog.records)
    assert "its client speaks only h2, and falmock serve speaks HTTP/1.1" in first
    assert f"set CURL_CA_BUNDLE={world.folder / 'mitmproxy-ca-cert.pem'}" in second


@pytest.mark.parametrize(
    ("authority", "port"),
    [("a", 443), ("a:80", 80), ("[::1]", 443), ("[::1]:8", 8), ("a:0x", 0), ("a:70000", 0), ("a:9999999", 0)],
)
def test_ports(authority: str, port: int) -> None:
    assert listener_._port_in(authority, 443) == port


def test_certificates_of_other_hosts_are_verified(world: World) -> None:
    context = world.listener._to_others()
    assert context is world.listener._to_others()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
