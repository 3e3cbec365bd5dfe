from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from falmock.engine.effects import SocketStep
from falmock.proxy.origin import socket_reset
from falmock.proxy.origin.socket_reset import SocketReset
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Cut
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Reset
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from unit.proxy.mitm import mitmproxy


class Scripted:
    """A conversation that plays one turn after the other."""

    def __init__(self, *turns: SocketStep) -> None:
        self._turns = list(turns)

    def opened(self, _: float) -> SocketStep:
        return self._turns.pop(0)

    def received(self, _: str | bytes, __: float) -> SocketStep:
        return self._turns.pop(0)

    def due(self, _: float) -> SocketStep:
        return self._turns.pop(0)


def said(*frames: Frame) -> tuple[Frame, ...]:
    """The frames that are sent for a conversation's frames."""
    return SocketReset(Scripted(SocketStep(frames))).opened(0).frames


def word() -> str:
    (frame,) = said(Reset())
    assert isinstance(frame, Text)
    return frame.text


def flow(content: str | bytes, *, from_client: bool = False) -> http.HTTPFlow:
    made = tflow.twebsocketflow()
    assert made.websocket is not None
    raw = content.encode() if isinstance(content, str) else content
    made.websocket.messages[:] = [WebSocketMessage(Opcode.BINARY, from_client, raw)]
    return made


def test_only_a_reset_is_said_in_other_words() -> None:
    frames = (Text("a"), Binary(b"b"), Close(1011, "c"))
    assert said(*frames) == frames
    both = SocketReset(Scripted(SocketStep((Text("a"),), 5.0), SocketStep((), 7.0), SocketStep((Reset(),))))
    assert both.opened(0) == SocketStep((Text("a"),), 5.0)
    assert both.due(5) == SocketStep((), 7.0)
    (last,) = both.received("x", 6).frames
    assert last == Text(word())


def test_a_message_that_was_begun_is_gone_on_with_in_its_kind() -> None:
    assert said(Binary(b"a", final=False), Reset()) == (Binary(b"a", final=False), Binary(word().encode()))
    assert said(Text("a", final=False), Reset()) == (Text("a", final=False), Text(word()))
    assert said(Binary(b"a"), Reset()) == (Binary(b"a"), Text(word()))
    half = Stored("a.mp4", 0, 1, final=False)
    assert said(half, Reset()) == (half, Binary(word().encode()))


def test_a_frame_that_is_cut_is_a_message_that_is_begun() -> None:
    assert said(Cut(Text("abcd"), reset=True)) == (Text("ab", final=False), Text(word()))
    assert said(Cut(Binary(b"abcd"))) == (Binary(b"ab", final=False), Binary(word().encode()))


@pytest.mark.parametrize("content", ["", "hello", b"\x00"])
def test_other_messages_pass(content: str | bytes) -> None:
    made = flow(content)
    assert not socket_reset.breaks(made)
    assert made.websocket is not None
    assert len(made.websocket.messages) == 1
    assert not socket_reset.breaks(flow(word(), from_client=True)), "a client cannot say it"
    assert not socket_reset.breaks(tflow.tflow())


@pytest.mark.parametrize("begun", ["", "half a mess"])
def test_the_client_is_cut_off_and_the_word_is_not_kept(begun: str) -> None:
    made = flow(begun + word())
    assert made.websocket is not None
    message = made.websocket.messages[0]
    with mitmproxy() as context:
        context.master.addons.add(proxyserver())
        assert socket_reset.breaks(made)
    assert message.dropped
    assert made.websocket.messages == [message], "other addons look at the last one"
    assert message.content == begun.encode()


def proxyserver(**connections: Any) -> Any:
    return SimpleNamespace(name="proxyserver", connections=connections)


def test_only_this_clients_connection_is_reset() -> None:
    made = flow(word())

    async def resets() -> list[bool]:
        sockets = [socket.socketpair() for _ in range(2)]
        pairs = [await asyncio.open_connection(sock=ours) for ours, _ in sockets]
        other = tflow.tclient_conn()
        handlers = {
            name: SimpleNamespace(client=client, transports={client.id: 0})
            for name, client in (("ours", made.client_conn), ("other", other))
        }
        for handler, (_, writer) in zip(handlers.values(), pairs, strict=True):
            handler.transports = {handler.client: SimpleNamespace(writer=writer)}
        with mitmproxy() as context:
            context.master.addons.add(proxyserver(**handlers))
            assert socket_reset.breaks(made)
        closing = [writer.transport.is_closing() for _, writer in pairs]
        sock = pairs[0][1].get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == b"\x01\x00\x00\x00\x00\x00\x00\x00"
        pairs[1][1].close()
        await pairs[1][1].wait_closed()
        for _, theirs in sockets:
            theirs.close()
        return closing

    assert asyncio.run(resets()) == [True, False]
