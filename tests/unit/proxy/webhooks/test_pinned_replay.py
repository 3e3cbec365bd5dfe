from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver

from falmock.proxy.webhooks.pinned_replay import PinnedReplay
from unit.proxy.mitm import mitmproxy

ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
NAME = "hooks.test"


def flow_to(host: str, port: int) -> http.HTTPFlow:
    flow = http.HTTPFlow(
        connection.Client(peername=("127.0.0.1", 0), sockname=("127.0.0.1", 0)), connection.Server(address=None)
    )
    flow.request = http.Request.make("POST", f"http://{host}:{port}/hook", b"{}", {"Host": f"{host}:{port}"})
    flow.is_replay = "request"
    return flow


class Received:
    """A server on 127.0.0.1 that keeps the heads of the requests it gets."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.port = 0

    async def serve(self, story: Callable[[Received], Awaitable[None]]) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            await story(self)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()


def play(story: Callable[[Received], Awaitable[None]]) -> None:
    with mitmproxy(Proxyserver(), NextLayer()):
        asyncio.run(Received().serve(story))


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No name can be looked up; the names for which that was tried."""
    asked: list[str] = []

    def refuse(host: str, *_: Any, **__: Any) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


def test_it_connects_to_the_address_and_names_the_host(looked_up: list[str]) -> None:
    async def story(received: Received) -> None:
        flow = flow_to(NAME, received.port)
        await asyncio.wait_for(PinnedReplay(flow, ctx.options, ("127.0.0.1",)).replay(), 30)
        assert flow.response is not None
        assert flow.response.status_code == 204
        assert f"Host: {NAME}:{received.port}\r\n".encode() in received.heads[0]
        assert flow.request.pretty_host == NAME

    play(story)
    assert looked_up == []


def test_it_tries_one_address_after_the_other(looked_up: list[str]) -> None:
    async def story(received: Received) -> None:
        flow = flow_to(NAME, received.port)
        # Nothing listens at the first two.
        await asyncio.wait_for(PinnedReplay(flow, ctx.options, ("127.9.9.9", "127.9.9.8", "127.0.0.1")).replay(), 30)
        assert flow.response is not None
        assert len(received.heads) == 1

    play(story)
    assert looked_up == []


def test_when_no_address_accepts_the_flow_has_the_error() -> None:
    async def story(received: Received) -> None:
        flow = flow_to(NAME, received.port)
        await asyncio.wait_for(PinnedReplay(flow, ctx.options, ("127.9.9.9", "127.9.9.8")).replay(), 30)
        assert flow.response is None
        assert flow.error is not None
        assert "127.9.9.8" in flow.error.msg

    play(story)


def test_without_addresses_mitmproxy_looks_the_name_up(looked_up: list[str]) -> None:
    async def story(received: Received) -> None:
        flow = flow_to(NAME, received.port)
        await asyncio.wait_for(PinnedReplay(flow, ctx.options, ()).replay(), 30)
        assert flow.error is not None

    play(story)
    assert looked_up == [NAME]


def test_a_replay_that_is_cancelled_while_it_connects_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(received: Received) -> None:
        connecting = asyncio.Event()

        async def never(*_: Any, **__: Any) -> Any:
            connecting.set()
            await asyncio.Event().wait()

        flow = flow_to(NAME, received.port)
        handler = PinnedReplay(flow, ctx.options, ("127.9.9.9", "127.0.0.1"))
        replaying = asyncio.ensure_future(handler.replay())
        monkeypatch.setattr(asyncio, "open_connection", never)
        await asyncio.wait_for(connecting.wait(), 30)
        for transport in list(handler.transports.values()):
            assert transport.handler is not None
            transport.handler.cancel()
        await asyncio.wait_for(replaying, 30)
        assert flow.error is not None
        assert received.heads == []

    play(story)
