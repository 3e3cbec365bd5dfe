"""One WebSocket as it went over the wire, from handshake to end: what the recorder is fed of it."""

from __future__ import annotations

from typing import NamedTuple

from falmock.wire.formats.frames import Close
from falmock.wire.message import Request


class Message(NamedTuple):
    """A whole message: text is str, binary is bytes. `at` is when it passed (seconds since the epoch)."""

    at: float
    from_client: bool
    content: str | bytes


class Session(NamedTuple):
    """A socket that was accepted. Times in seconds since the epoch.

    `close` is what the server ended it with; None where the client did. `lost` says why it is not whole: it broke off,
    or nobody knows how it went on.
    """

    request: Request
    opened: float
    messages: tuple[Message, ...]
    ended: float
    close: Close | None = None
    lost: str = ""
