"""Which sockets become tunnels, and which addons see their TCP flows."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.proxy.layers.tcp import TcpEndHook
from mitmproxy.proxy.layers.tcp import TcpErrorHook
from mitmproxy.proxy.layers.tcp import TcpMessageHook
from mitmproxy.proxy.layers.tcp import TcpStartHook
from mitmproxy.test import taddons
from mitmproxy.test import tflow

from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.proxy.origin import socket_tunnel
from falmock.proxy.origin.socket_reset import SocketReset
from falmock.proxy.origin.socket_tunnel import Hidden
from falmock.proxy.origin.socket_tunnel import Resetting
from falmock.wire.formats.frames import Cut
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Reset
from falmock.wire.formats.frames import Text
from unit.proxy.mitm import mitmproxy

ORIGIN = ("127.0.0.1", 4711)
HOOKS = (TcpStartHook, TcpMessageHook, TcpEndHook, TcpErrorHook)


class Says:
    """A conversation that always says this."""

    def __init__(self, *frames: Frame) -> None:
        self._turn = SocketStep(frames)

    def opened(self, _: float) -> SocketStep:
        return self._turn

    def received(self, _: str | bytes, __: float) -> SocketStep:
        return self._turn

    def due(self, _: float) -> SocketStep:
        return self._turn


def handshake() -> http.HTTPFlow:
    made = tflow.twebsocketflow()
    assert made.websocket is not None
    return made


def prepared(flow: http.HTTPFlow, *, exact: bool, **options: Any) -> Socket:
    with mitmproxy() as context:
        context.options.update(**options)
        return socket_tunnel.prepared(flow, Socket(Says(Text("a")), "why", exact=exact))


def test_only_what_has_to_come_as_it_is_goes_through_a_tunnel() -> None:
    for exact, kind in ((False, SocketReset), (True, Resetting)):
        flow = handshake()
        made = prepared(flow, exact=exact)
        assert (type(made.conversation), made.exact) == (kind, exact)
        assert made.conversation.opened(0) == SocketStep((Text("a"),))
        socket_tunnel.open_through(flow)
        assert (flow.websocket is None) is exact
        assert not flow.metadata


def test_without_rawtcp_a_message_is_passed_on_whole_or_not_at_all_and_that_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flow = handshake()
    made = prepared(flow, exact=True, rawtcp=False)
    assert (type(made.conversation), made.exact) == (SocketReset, False)
    socket_tunnel.open_through(flow)
    assert flow.websocket is not None
    assert "only if the option rawtcp is true" in caplog.text


@pytest.mark.parametrize(
    ("frames", "is_reset"),
    [((Text("a"),), False), ((Cut(Text("a")),), False), ((Text("a"), Reset()), True), ((Cut(Text("a"), True),), True)],
)
def test_the_client_sees_what_was_sent_and_then_a_reset(*, frames: tuple[Frame, ...], is_reset: bool) -> None:
    async def talk() -> None:
        accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        server = await asyncio.start_server(lambda _, writer: accepted.put_nowait(writer), "127.0.0.1", 0)
        here = socket.create_connection(server.sockets[0].getsockname())
        there = await accepted.get()
        flow = handshake()
        with mitmproxy() as context:
            handler = SimpleNamespace(
                client=flow.client_conn, transports={flow.client_conn: SimpleNamespace(writer=there)}
            )
            context.master.addons.add(SimpleNamespace(name="proxyserver", connections={1: handler}))
            both = Resetting(Says(*frames), flow)
            turns = (both.opened(0), both.received("x", 1), both.due(2))
        assert turns == (SocketStep(frames),) * 3
        there.write(b"half")
        await there.drain()
        there.close()
        await there.wait_closed()
        assert here.recv(99) == b"half"
        if is_reset:
            with pytest.raises(ConnectionResetError):
                here.recv(99)
        else:
            assert here.recv(99) == b""
        here.close()
        server.close()
        await server.wait_closed()

    asyncio.run(asyncio.wait_for(talk(), 30))


class Watcher:
    """An addon after falmock's in the chain."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        for hook in HOOKS:
            setattr(self, hook.name, lambda _, name=hook.name: self.seen.append(name))


@pytest.mark.parametrize(("port", "is_seen"), [(4711, False), (4712, True)])
def test_nobody_sees_the_tunnels_to_the_origin_nor_are_their_bytes_kept(port: int, *, is_seen: bool) -> None:
    watcher = Watcher()
    flow = tflow.ttcpflow()
    flow.server_conn.address = ("127.0.0.1", port)

    async def happen(context: taddons.context) -> None:
        for hook in HOOKS:
            await context.master.addons.handle_lifecycle(hook(flow))

    with mitmproxy(Hidden({ORIGIN}), watcher) as context:
        asyncio.run(happen(context))
    assert watcher.seen == ([hook.name for hook in HOOKS] if is_seen else [])
    assert bool(flow.messages) is is_seen
