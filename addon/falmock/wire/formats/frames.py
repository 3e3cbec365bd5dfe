"""WebSocket messages and frames (RFC 6455) as plain values, independent of any WebSocket library."""

from __future__ import annotations

from typing import NamedTuple

NORMAL_CLOSURE = 1000
TRY_AGAIN_LATER = 1013
MAX_CONTROL = 125
"""How many bytes a ping may have (RFC 6455, section 5.5)."""
MAX_REASON = MAX_CONTROL - 2
"""How many bytes the reason of a close may have: its code takes two."""
_NEVER_SENT = frozenset({1004, 1005, 1006, 1015})


class Text(NamedTuple):
    """A text message. If `final` is false, its first part only: the rest is never sent."""

    text: str
    final: bool = True


class Binary(NamedTuple):
    """A binary message; `final` is as for Text."""

    data: bytes
    final: bool = True


class Stored(NamedTuple):
    """A binary message on disk: bytes `start` to `stop` (exclusive) of `file`; `final` is as for Text."""

    file: str
    start: int
    stop: int
    final: bool = True


class Ping(NamedTuple):
    """A ping. The pong is ignored."""

    payload: bytes = b""


class Close(NamedTuple):
    """Closes the socket with a code."""

    code: int = NORMAL_CLOSURE
    reason: str = ""


class Reset(NamedTuple):
    """Resets the connection without a close frame (the peer sees code 1006)."""


class Cut(NamedTuple):
    """Sends the first half of a message's bytes, then ends without a close frame (the peer sees code 1006).

    The connection is closed, or reset if `reset` is true.
    """

    message: Text | Binary | Stored
    reset: bool = False


def begun(message: Text | Binary | Stored) -> Text | Binary | Stored:
    """The first half of a message, as a part that is not final."""
    if isinstance(message, Text):
        return Text(message.text[: len(message.text) // 2], final=False)
    if isinstance(message, Stored):
        return message._replace(stop=(message.start + message.stop) // 2, final=False)
    return Binary(message.data[: len(message.data) // 2], final=False)


def is_sendable(code: int) -> bool:
    """Whether an endpoint may send this close code (RFC 6455, section 7.4): 1000 to 1014 except three, 3000 to 4999."""
    return (1000 <= code < 1015 and code not in _NEVER_SENT) or 3000 <= code < 5000


Frame = Text | Binary | Stored | Ping | Close | Reset | Cut
