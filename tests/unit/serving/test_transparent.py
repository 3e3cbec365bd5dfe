"""Answering without a proxy: names, connections to fal's hosts, and the hosts that fal shares with others."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from falmock.serving.gate import Caller
from falmock.serving.listener import Listener
from falmock.serving.transparent import Transparent
from falmock.serving.upload_spool import SpoolFolder
from unit.apps import app_of
from unit.proxy.loopback import until
from unit.serving.test_listener import RUN
from unit.serving.test_listener import Lines
from unit.serving.test_listener import length
from unit.serving.test_name_server import query

FIXTURE = {"match": {"model": "a/b"}, "response": {"json": {"seed": 1}}}


class Seen:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, ...]] = []

    def asked(self, host: str, port: int, *, exists: bool) -> None:  # noqa: ARG002
        self.all.append(("asked", host, exists))

    def connected(self, caller: Caller, port: int, *, is_past: bool) -> None:  # noqa: ARG002
        self.all.append(("connected", caller.peer, is_past))

    def named(self, caller: Caller, host: str) -> None:  # noqa: ARG002
        self.all.append(("named", host))

    def refused(self, caller: Caller, host: str, ciphers: tuple[int, ...]) -> None:
        self.all.append(("refused", host, caller.agent, bool(ciphers)))

    def answered(self, caller: Caller, host: str, agent: str, *, is_socket: bool) -> None:  # noqa: ARG002
        self.all.append(("answered", host, agent, is_socket))


class World:
    """A transparent listener on a free port of loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = app_of(FIXTURE)
        self.uploads = SpoolFolder()
        lines = Lines(self.app.redactor)
        self.listener = Listener(self.app, self.uploads, folder, lines, lambda _: None, leads_out=False)
        self.seen = Seen()
        self.listener.sightings = self.seen  # type: ignore[assignment]
        self.port = self.name_port = self.proxy_port = 0

    def play(self, story: Callable[[World], Awaitable[None]]) -> None:
        async def run() -> None:
            with socket.socket() as probe, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                probe.bind(("127.0.0.1", 0))
                other.bind(("127.0.0.1", 0))
                self.port, self.name_port = probe.getsockname()[1], other.getsockname()[1]
            transparent = Transparent(self.listener, IPv4Address("127.0.0.1"), self.name_port)
            ((_, self.proxy_port),) = await self.listener.start("127.0.0.1", 0)
            await transparent.start([self.port])
            try:
                await asyncio.wait_for(story(self), 30)
            finally:
                transparent.stop()
                transparent.stop()  # twice is harmless
                self.listener.stop()
                await until(lambda: not self.listener.server.connections)
                self.uploads.stop()
                await asyncio.sleep(0.01)

        asyncio.run(run())

    async def ask(self, data: bytes, tls: str = "", *, trusts: bool = True) -> bytes:
        """What comes for these bytes, over TLS with the name `tls` if it is given."""
        file = str(self.folder / "mitmproxy-ca-cert.pem") if trusts else None
        context = ssl.create_default_context(cafile=file) if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context, server_hostname=tls or None)
        try:
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            return head + await reader.readexactly(length(head))
        finally:
            writer.transport.abort()

    async def look_up(self, name: str) -> bytes:
        """The answer to a query for a name."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(("127.0.0.1", self.name_port))
            client.send(query(name))
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 512), 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conf")


@pytest.fixture
def world(folder: Path) -> World:
    return World(folder)


def test_a_call_is_answered_and_seen(world: World) -> None:
    async def story(world: World) -> None:
        answer = await world.ask(RUN.replace(b"\r\n\r\n", b"\r\nUser-Agent: x/1\r\n\r\n"), "fal.run")
        assert answer.endswith(b'{"seed":1}')

    world.play(story)
    assert world.seen.all == [
        ("connected", "127.0.0.1", True),
        ("named", "fal.run"),
        ("answered", "fal.run", "x/1", False),
    ]


def test_a_call_without_tls(world: World) -> None:
    async def story(world: World) -> None:
        assert (await world.ask(RUN)).endswith(b'{"seed":1}')

    world.play(story)


def test_names(world: World) -> None:
    async def story(world: World) -> None:
        address = bytes((127, 0, 0, 1))
        for name in ("fal.run", "QUEUE.fal.run", "new.fal.media", "router.huggingface.co", "huggingface.co"):
            assert (await world.look_up(name)).endswith(address), name
        for name in ("example.com", "notfal.run", ""):
            answer = await world.look_up(name)
            assert not answer.endswith(address)
            assert answer[3] & 0xF == 3, name

    world.play(story)
    assert world.seen.all == [
        ("asked", "fal.run", True),
        ("asked", "queue.fal.run", True),
        ("asked", "new.fal.media", True),
        ("asked", "example.com", False),
        ("asked", "notfal.run", False),
    ]


def test_a_shared_host_is_answered_where_it_is_fals(world: World) -> None:
    async def story(world: World) -> None:
        run = RUN.replace(b" /a/b ", b" /fal-ai/a/b ").replace(b"fal.run", b"router.huggingface.co")
        assert (await world.ask(run, "router.huggingface.co")).endswith(b'{"seed":1}')
        for path in (b"/other", b"/api/models/a/b?expand=inferenceProviderMapping"):
            get = b"GET %s HTTP/1.1\r\nHost: huggingface.co\r\n\r\n" % path
            answer = await world.ask(get, "huggingface.co")
            assert answer.startswith(b"HTTP/1.1 502 ")
            assert b"nothing leads out of this network" in answer

    world.play(story)
    assert ("named", "huggingface.co") not in world.seen.all


def test_another_host_is_refused(world: World) -> None:
    async def story(world: World) -> None:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await world.ask(RUN, "example.com")

    world.play(story)
    assert world.seen.all == [("connected", "127.0.0.1", True)]


def test_a_client_that_does_not_trust_the_ca(world: World) -> None:
    async def story(world: World) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            await world.ask(RUN, "fal.run", trusts=False)
        await until(lambda: len(world.seen.all) == 3)

    world.play(story)
    assert world.seen.all[-1] == ("refused", "fal.run", "", True)


def test_a_client_that_comes_to_the_proxy(world: World) -> None:
    async def story(world: World) -> None:
        world.port = world.proxy_port
        assert (await world.ask(RUN)).endswith(b'{"seed":1}')
        await world.ask(b"GET /__falmock/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    world.play(story)
    came = ("connected", "127.0.0.1", False)
    assert world.seen.all == [came, ("answered", "fal.run", "", False), came]


def test_without_anybody_who_wants_to_know(world: World) -> None:
    world.listener.sightings = None

    async def story(world: World) -> None:
        assert await world.look_up("fal.run")
        assert (await world.ask(RUN, "fal.run")).endswith(b'{"seed":1}')

    world.play(story)


def test_a_port_that_is_taken(world: World) -> None:
    async def story(world: World) -> None:
        with pytest.raises(OSError, match="in use"):
            await Transparent(world.listener, IPv4Address("127.0.0.1"), world.name_port).start([0, 0])

    world.play(story)
