"""What may go wrong between a server and those who ask it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from clients.upstream.messages import Answer
from clients.upstream.messages import Asked

Send = Callable[[bytes], None]
Wait = Callable[[float], bool]
FOREVER = 3600.0
KINDS = (
    "hang",  # no answer ever
    "reset",  # the connection is reset before the head
    "close",  # the connection is closed before the head
    "garbage",  # what comes is not HTTP
    "half-head",  # closed in the middle of the head
    "cut",  # closed in the middle of the body
    "cut-reset",  # reset in the middle of the body
    "hang-body",  # silent in the middle of the body, for ever
    "no-end",  # a chunked body without its last chunk
    "long-length",  # a content-length beyond the body's
    "short-length",  # a content-length below the body's
    "drip",  # whole and right, but in small pieces
)


@dataclass
class Trouble:
    """What happens to requests whose method, host and path (`Asked.line`) are like `where`.

    Attributes:
        where: A glob, such as "GET queue.fal.run/*/status" or "* rest.fal.ai/*".
        what: One of KINDS, or the answer that is given instead of the right one.
        times: How many requests it happens to; None is all.
    """

    where: str
    what: str | Answer
    times: int | None = None

    def __post_init__(self) -> None:
        assert isinstance(self.what, Answer) or self.what in KINDS, f"no such trouble: {self.what}"

    def strikes(self, asked: Asked) -> bool:
        """Whether it happens to this request; counts it when it does."""
        if self.times == 0 or not fnmatchcase(asked.line, self.where):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Reset(Exception):
    """The connection is to be reset."""


def happen(kind: str, head: bytes, body: bytes, send: Send, wait: Wait) -> None:
    """Send an answer as this trouble has it; the connection is of no more use then. Raises Reset.

    `head` is the status line and the headers with neither a length nor the empty line.
    """
    assert kind in KINDS, f"no such trouble: {kind}"
    if kind == "reset":
        raise Reset
    if kind == "hang":
        wait(FOREVER)
    half = len(body) // 2
    whole = head + b"Content-Length: %d\r\n\r\n" % len(body)
    sent = {
        "garbage": b"\x00\x01\xfe\xffthis is no HTTP\r\n\r\n" + bytes(range(256)),
        "half-head": head[: len(head) // 2],
        "no-end": head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body),
        "long-length": head + b"Content-Length: %d\r\n\r\n" % (len(body) + 10) + body,
        "short-length": head + b"Content-Length: %d\r\n\r\n" % half + body,
        "cut": whole + body[:half],
        "cut-reset": whole + body[:half],
        "hang-body": whole + body[:half],
    }
    if kind == "drip":
        for piece in _pieces(whole + body):
            send(piece)
            wait(0.01)
    send(sent.get(kind, b""))
    if kind == "cut-reset":
        # What was sent shall arrive: a reset throws away what has not.
        wait(0.1)
        raise Reset
    if kind == "hang-body":
        wait(FOREVER)


def _pieces(data: bytes) -> Iterator[bytes]:
    size = max(1, len(data) // 20)
    return (data[start : start + size] for start in range(0, len(data), size))


def reset(connection: socket.socket) -> None:
    """Close a connection so that the other side sees it reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Not `close`: the files that read and write it would hold it open, and TLS would say goodbye.
    socket.close(connection.detach())
