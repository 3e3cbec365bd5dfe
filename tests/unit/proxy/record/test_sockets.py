from __future__ import annotations

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketData
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from falmock.proxy.record import sockets
from falmock.proxy.record.sockets import SocketListeners
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.wire.formats.frames import Close

HOST = "fal.run"


def socket() -> http.HTTPFlow:
    flow = tflow.twebsocketflow()
    flow.request.path = "/a/b/realtime?fal_jwt_token=x"
    flow.websocket = WebSocketData()
    return flow


def say(
    listeners: SocketListeners, flow: http.HTTPFlow, content: bytes, kind: Opcode = Opcode.TEXT, *, back: bool = False
) -> bool:
    """Add a message, a second after the one before."""
    assert flow.websocket is not None
    at = 1000.0 + len(captured_of(listeners, flow))
    flow.websocket.messages.append(WebSocketMessage(kind, not back, content, at))
    return listeners.message(flow, HOST)


def captured_of(listeners: SocketListeners, flow: http.HTTPFlow) -> list[Message]:
    found = listeners._captures.get(flow.id)
    return found.messages if found else []


def end(
    listeners: SocketListeners, flow: http.HTTPFlow, code: int | None = 1000, reason: str = "", *, by_client: bool
) -> Session:
    assert flow.websocket is not None
    flow.websocket.close_code, flow.websocket.close_reason = code, reason
    flow.websocket.closed_by_client, flow.websocket.timestamp_end = by_client, 1009.0
    return listeners.ended(flow, HOST)


def test_what_was_said_both_ways_and_when() -> None:
    listeners, flow = SocketListeners(), socket()
    assert not say(listeners, flow, "é".encode())
    assert not say(listeners, flow, b"\0\xff", Opcode.BINARY, back=True)
    ended = end(listeners, flow, by_client=True)
    assert ended.messages == (Message(1000.0, True, "é"), Message(1001.0, False, b"\0\xff"))
    assert (ended.request.host, ended.request.path, ended.request.query) == (HOST, "/a/b/realtime", "fal_jwt_token=x")
    assert (ended.ended, ended.close, ended.lost) == (1009.0, None, "")
    assert listeners.cut() == []


@pytest.mark.parametrize(
    ("code", "by_client", "close", "lost"),
    [
        (1000, False, Close(1000, "why"), ""),
        (1011, False, Close(1011, "why"), ""),
        (1005, False, Close(1005, "why"), ""),
        (4000, True, None, ""),
        (1006, False, None, sockets.BROKE_OFF),
        (1006, True, None, sockets.BROKE_OFF),
        (None, None, None, sockets.BROKE_OFF),
    ],
)
def test_how_it_ended(code: int | None, close: Close | None, lost: str, *, by_client: bool) -> None:
    ended = end(SocketListeners(), socket(), code, "why", by_client=by_client)
    assert (ended.close, ended.lost) == (close, lost)


def test_of_a_long_session_nothing_more_is_kept_by_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "LIMIT", 3000)
    listeners, flow = SocketListeners(), socket()
    assert flow.websocket is not None
    assert [say(listeners, flow, bytes(1000), back=True) for _ in range(4)] == [False, False, True, False]
    assert len(flow.websocket.messages) == 1, "the last is still to be passed on"
    ended = end(listeners, flow, by_client=False)
    assert len(ended.messages) == 2
    assert (ended.close, ended.lost) == (None, sockets.TOO_LONG)


def test_sockets_that_are_open_at_the_end() -> None:
    listeners, flow = SocketListeners(), socket()
    say(listeners, flow, b"x")
    (ended,) = listeners.cut()
    assert (ended.messages, ended.lost) == ((Message(1000.0, True, "x"),), sockets.CUT_SHORT)
    assert listeners.cut() == []


def test_a_flow_from_a_file_tells_all_by_itself() -> None:
    flow = tflow.twebsocketflow()
    ended = sockets.session(flow, HOST)
    assert [message.content for message in ended.messages] == [b"hello binary", "hello text", "it's me"]
    assert [message.from_client for message in ended.messages] == [True, True, False]


@pytest.mark.parametrize("less", ["websocket", "response"])
def test_what_is_no_socket(less: str) -> None:
    flow = tflow.twebsocketflow()
    setattr(flow, less, None)
    with pytest.raises(ValueError, match="no session"):
        sockets.session(flow, HOST)
