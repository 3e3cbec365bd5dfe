"""What a connection plays, and the interface of what decides it."""

from __future__ import annotations

from typing import NamedTuple
from typing import Protocol

from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import Head
from falmock.serving.session import Session
from falmock.wire.message import Content


class Sink(Protocol):
    """Takes the body of a request as it comes."""

    def write(self, data: bytes) -> None:
        """The next bytes. Raises TooLarge."""

    def drop(self) -> None:
        """The client disconnected before the end: discard what came."""

    def content(self) -> Content:
        """The body is complete: its content."""


class TooLarge(ValueError):
    """A body is larger than its sink takes; the text says so."""


class Tunnel(NamedTuple):
    """A CONNECT that is accepted: the session of what comes through the tunnel."""

    session: Session
    delay: float = 0.0


Play = Reply | Stream | Socket | Tunnel
"""What is played to a request."""
PLAYS = (Reply, Stream, Socket, Tunnel)


class Later(Protocol):
    """A session that waits for what to play."""

    def play(self, play: Play, now: float) -> None:
        """Play this to the request under way."""


class Handler(Protocol):
    """Decides what a connection plays. It belongs to one connection.

    `closes`: the connection ends after the request that has begun.
    """

    closes: bool

    def begins(self, head: Head, now: float) -> Sink | Play | None:
        """A request begins: where its body goes, or what is played without it; None closes the connection."""

    def complete(self, head: Head, sink: Sink, session: Later, now: float) -> Play | None:
        """The body of a request is in its sink: what to play; None if `session` gets it later."""

    def refused(self, bad: BadRequest, now: float) -> Play | None:
        """What came is no request: the answer to it; None closes the connection."""

    def plays(self, play: Play) -> None:
        """This begins to play."""

    def ended(self, play: Play) -> None:
        """This plays no more."""
