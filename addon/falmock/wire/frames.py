"""What goes over a WebSocket, as plain values (RFC 6455), free of any WebSocket library."""

from __future__ import annotations

from typing import NamedTuple

NORMAL_CLOSURE = 1000


class Text(NamedTuple):
    """A text message; with `final` false its first part, after which nothing more of it comes."""

    text: str
    final: bool = True


class Binary(NamedTuple):
    """A binary message; with `final` false its first part, after which nothing more of it comes."""

    data: bytes
    final: bool = True


class Stored(NamedTuple):
    """A whole binary message whose data is on disk: bytes `start` to `stop` of `file`."""

    file: str
    start: int
    stop: int


class Ping(NamedTuple):
    """A ping; the peer's pong is nobody's concern."""

    payload: bytes = b""


class Close(NamedTuple):
    """The end of the socket, with a close code."""

    code: int = NORMAL_CLOSURE
    reason: str = ""


class Reset(NamedTuple):
    """The connection breaks off without a word (the peer sees code 1006)."""


Frame = Text | Binary | Stored | Ping | Close | Reset
