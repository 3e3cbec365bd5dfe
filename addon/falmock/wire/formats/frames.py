"""What goes over a WebSocket, as plain values (RFC 6455), free of any WebSocket library."""

from __future__ import annotations

from typing import NamedTuple

NORMAL_CLOSURE = 1000
TRY_AGAIN_LATER = 1013
MAX_CONTROL = 125
"""How many bytes a ping may carry (RFC 6455, section 5.5)."""
MAX_REASON = MAX_CONTROL - 2
"""How many bytes the reason of a close may have beside its code."""
_NEVER_SENT = frozenset({1004, 1005, 1006, 1015})


class Text(NamedTuple):
    """A text message; with `final` false its first part, after which nothing more of it comes."""

    text: str
    final: bool = True


class Binary(NamedTuple):
    """A binary message; with `final` false its first part, after which nothing more of it comes."""

    data: bytes
    final: bool = True


class Stored(NamedTuple):
    """A binary message whose data is on disk: bytes `start` to `stop` of `file`; `final` is as a Binary's."""

    file: str
    start: int
    stop: int
    final: bool = True


class Ping(NamedTuple):
    """A ping; the peer's pong is nobody's concern."""

    payload: bytes = b""


class Close(NamedTuple):
    """The end of the socket, with a close code."""

    code: int = NORMAL_CLOSURE
    reason: str = ""


class Reset(NamedTuple):
    """The connection breaks off without a word (the peer sees code 1006)."""


class Cut(NamedTuple):
    """The first half of the bytes that a message would be sent as, then the end without a word (the peer sees 1006).

    The connection is closed, with `reset` it breaks off.
    """

    message: Text | Binary | Stored
    reset: bool = False


def begun(message: Text | Binary | Stored) -> Text | Binary | Stored:
    """The first half of a message, as its first part."""
    if isinstance(message, Text):
        return Text(message.text[: len(message.text) // 2], final=False)
    if isinstance(message, Stored):
        return message._replace(stop=(message.start + message.stop) // 2, final=False)
    return Binary(message.data[: len(message.data) // 2], final=False)


def is_sendable(code: int) -> bool:
    """Whether an endpoint may send this close code (RFC 6455, section 7.4): 1000 to 1014 but for three, 3000 to 4999."""
    return (1000 <= code < 1015 and code not in _NEVER_SENT) or 3000 <= code < 5000


Frame = Text | Binary | Stored | Ping | Close | Reset | Cut
