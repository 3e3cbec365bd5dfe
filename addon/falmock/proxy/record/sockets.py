"""Listens to WebSockets that pass through mitmproxy: what was said, and when.

mitmproxy keeps every message of a socket for as long as that is open, and so do we, up to a limit: of what is said
beyond it neither of us keeps anything.
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
"""How much of a session is kept (bytes)."""
OVERHEAD = 500
"""What a message takes besides its content (bytes)."""
ABNORMAL = 1006
"""What mitmproxy has for the code of a socket that ended without a close (RFC 6455, section 7.4.1)."""
TOO_LONG = f"more than {LIMIT >> 20} MiB were said"
BROKE_OFF = "the connection broke off"
CUT_SHORT = "it was still open when the recording ended"


class _Heard:
    """One socket to a host of fal's."""

    def __init__(self, flow: http.HTTPFlow, host: str) -> None:
        self.flow = flow
        self.host = host
        self.messages: list[Message] = []
        self.size = 0


class SocketListeners:
    """The sockets that are open."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def message(self, flow: http.HTTPFlow, host: str) -> bool:
        """Something was said; whether from here on nothing more of this socket is kept."""
        heard = self._heard.setdefault(flow.id, _Heard(flow, host))
        messages = flow.websocket.messages if flow.websocket else []
        last = messages[-1]
        before = heard.size
        heard.size += len(last.content) + OVERHEAD
        if heard.size <= LIMIT:
            heard.messages.append(_message(last))
            return False
        del messages[:-1]  # the last is still to be passed on
        return before <= LIMIT

    def ended(self, flow: http.HTTPFlow, host: str) -> Session:
        """A socket is closed: what was said on it."""
        heard = self._heard.pop(flow.id, None) or _Heard(flow, host)
        return session(flow, host, heard.messages, TOO_LONG if heard.size > LIMIT else "")

    def cut(self) -> list[Session]:
        """What was said so far on the sockets that are still open: they are listened to no more."""
        found = [session(heard.flow, heard.host, heard.messages, CUT_SHORT) for heard in self._heard.values()]
        self._heard.clear()
        return found


def session(flow: http.HTTPFlow, host: str, messages: Iterable[Message] | None = None, lost: str = "") -> Session:
    """The session on a flow, of what mitmproxy has kept of it where no messages are given."""
    talk, response = flow.websocket, flow.response
    if talk is None or response is None:
        raise ValueError("a flow without a socket is no session")
    if messages is None:
        messages = map(_message, talk.messages)
    code = talk.close_code
    if not lost and (code is None or code == ABNORMAL):
        lost = BROKE_OFF
    close = None if lost or talk.closed_by_client or code is None else Close(code, talk.close_reason or "")
    ended = talk.timestamp_end or time.time()
    return Session(flows.read(flow, host), response.timestamp_start, tuple(messages), ended, close, lost)


def _message(message: websocket.WebSocketMessage) -> Message:
    content = message.content.decode("utf-8", "replace") if message.is_text else message.content
    return Message(message.timestamp, message.from_client, content)
