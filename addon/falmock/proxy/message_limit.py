"""Keeps the messages of open sockets from filling the memory: mitmproxy holds all of a socket's until it closes."""

from __future__ import annotations

from mitmproxy import http

MOST = 10_000
"""How many messages all open sockets together may hold."""
MOST_BYTES = 64 * 1024 * 1024
"""How many bytes these may have."""


class MessageLimit:
    """Counts what open sockets hold.

    While it is too much, each that gets another message gives up the older half of its own.

    So what mitmproxy writes and shows of a few sockets is whole, and of hundreds or of hours it is how they ended.
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
            # In place, and not the last: mitmproxy adds to this list, and passes that on yet.
            del messages[: len(messages) // 2]
            self._hold(flow, len(messages), sum(len(message.content) for message in messages))

    def ended(self, flow: http.HTTPFlow) -> None:
        """The socket is closed: from now on what it holds is the affair of whoever keeps its flow."""
        count, size = self._held.pop(flow.id, (0, 0))
        self._count -= count
        self._bytes -= size

    def _hold(self, flow: http.HTTPFlow, count: int, size: int) -> None:
        self.ended(flow)
        self._held[flow.id] = (count, size)
        self._count += count
        self._bytes += size
