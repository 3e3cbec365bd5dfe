"""Keeps the messages of open sockets from filling the memory: mitmproxy holds all of a socket's until it closes."""

from __future__ import annotations

from mitmproxy import http

MOST = 10_000
"""How many messages all open sockets together may hold."""
MOST_BYTES = 64 * 1024 * 1024
"""How many bytes these messages may have."""


class MessageLimit:
    """Counts the messages that open sockets hold.

    While there are too many, each socket that gets another message drops the older half of its own. So mitmproxy has all
    messages of a few sockets, and the last messages of many or of long ones.
    """

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, int]] = {}
        self._count = 0
        self._bytes = 0

    def came(self, flow: http.HTTPFlow) -> None:
        """A message came on the socket of this flow; it is the last that it holds."""
        if flow.websocket is None:
            return
        messages = flow.websocket.messages
        _, size = self._held.get(flow.id, (0, 0))
        self._hold(flow, len(messages), size + len(messages[-1].content))
        if self._count > MOST or self._bytes > MOST_BYTES:
            # In place, and not the last one: mitmproxy appends to this list, and still has to pass the last one on.
            del messages[: len(messages) // 2]
            self._hold(flow, len(messages), sum(len(message.content) for message in messages))

    def ended(self, flow: http.HTTPFlow) -> None:
        """The socket is closed: its messages no longer count."""
        count, size = self._held.pop(flow.id, (0, 0))
        self._count -= count
        self._bytes -= size

    def _hold(self, flow: http.HTTPFlow, count: int, size: int) -> None:
        self.ended(flow)
        self._held[flow.id] = (count, size)
        self._count += count
        self._bytes += size
