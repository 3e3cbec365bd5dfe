"""Captures WebSockets that pass through mitmproxy: their messages, and when each came.

mitmproxy keeps every message of an open socket, and so does falmock, up to a limit; beyond it, neither keeps more.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from mitmproxy import http
from mitmproxy import websocket

from falmock.proxy import flows
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.wire.formats.frames import Close

LIMIT = 64 * 1024 * 1024
"""How much of a session is kept at most (bytes)."""
OVERHEAD = 500
"""The memory that a message takes besides its content (bytes)."""
ABNORMAL = 1006
"""mitmproxy's close code for a socket that ended without a close frame (RFC 6455, section 7.4.1)."""
TOO_LONG = f"it has more than {LIMIT >> 20} MiB of messages"
BROKE_OFF = "the connection broke off"
CUT_SHORT = "it was still open when the recording ended"


class _Capture:
    """The captured part of one WebSocket to a fal host."""

    def __init__(self, flow: http.HTTPFlow, host: str) -> None:
        self.flow = flow
        self.host = host
        self.messages: list[Message] = []
        self.size = 0


class SocketListeners:
    """Captures the open WebSockets."""

    def __init__(self) -> None:
        self._captures: dict[str, _Capture] = {}

    def began(self, flow: http.HTTPFlow, host: str) -> None:
        """A socket is open."""
        self._captures[flow.id] = _Capture(flow, host)

    def message(self, flow: http.HTTPFlow, host: str) -> bool:
        """A message came. Returns True once: when the socket exceeds the limit, and nothing more of it is kept."""
        capture = self._captures.setdefault(flow.id, _Capture(flow, host))
        messages = flow.websocket.messages if flow.websocket else []
        last = messages[-1]
        before = capture.size
        capture.size += len(last.content) + OVERHEAD
        if capture.size <= LIMIT:
            capture.messages.append(_message(last))
            return False
        del messages[:-1]  # mitmproxy still has to pass the last one on
        return before <= LIMIT

    def ended(self, flow: http.HTTPFlow, host: str) -> Session:
        """A socket is closed: its session."""
        capture = self._captures.pop(flow.id, None) or _Capture(flow, host)
        return session(flow, host, capture.messages, TOO_LONG if capture.size > LIMIT else "")

    def cut(self) -> list[Session]:
        """Stop capturing the open sockets: their sessions so far."""
        found = [
            session(capture.flow, capture.host, capture.messages, CUT_SHORT) for capture in self._captures.values()
        ]
        self._captures.clear()
        return found


def session(flow: http.HTTPFlow, host: str, messages: Iterable[Message] | None = None, lost: str = "") -> Session:
    """The session of a flow; without `messages`, of the messages that mitmproxy kept. Raises ValueError for no WebSocket."""
    data, response = flow.websocket, flow.response
    if data is None or response is None:
        raise ValueError("a flow without a socket is no session")
    if messages is None:
        messages = map(_message, data.messages)
    code = data.close_code
    if not lost and (code is None or code == ABNORMAL):
        lost = BROKE_OFF
    close = None if lost or data.closed_by_client or code is None else Close(code, data.close_reason or "")
    ended = data.timestamp_end or time.time()
    return Session(flows.head(flow, host), response.timestamp_start, tuple(messages), ended, close, lost)


def _message(message: websocket.WebSocketMessage) -> Message:
    content = message.content.decode("utf-8", "replace") if message.is_text else message.content
    return Message(message.timestamp, message.from_client, content)
