"""A handler for sessions, and what a client reads from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falmock.engine.effects import Delivery
from falmock.engine.effects import Reply
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.handler import TooLarge
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import Head
from falmock.wire.message import Content

TEXT = (b"Content-Type", b"text/plain")


def reply(body: bytes = b"hello", delivery: Delivery | None = None, **more: Any) -> Reply:
    return Reply(200, (TEXT,), body, "test", delivery=delivery, **more)


class Kept:
    """A sink that keeps what it gets, up to a limit."""

    def __init__(self, limit: int = 1000) -> None:
        self.body = b""
        self.is_dropped = False
        self._limit = limit

    def write(self, data: bytes) -> None:
        self.body += data
        if len(self.body) > self._limit:
            raise TooLarge("too much")

    def drop(self) -> None:
        self.is_dropped = True

    def content(self) -> Content:
        return Content("", len(self.body), data=self.body)


class Recorder:
    """A handler that answers each request with what `act` returns, and keeps what it was asked."""

    def __init__(self, act: Callable[[Head, bytes], Play | None] = lambda _head, body: reply(body or b"hello")) -> None:
        self.closes = False
        self.act = act
        self.early: Play | None = None
        self.takes = True
        self.heads: list[Head] = []
        self.bodies: list[bytes] = []
        self.sinks: list[Kept] = []
        self.bad: list[BadRequest] = []
        self.playing: list[Play] = []
        self.waiting: Later | None = None

    def begins(self, head: Head, now: float) -> Kept | Play | None:  # noqa: ARG002
        self.heads.append(head)
        if not self.takes or self.early is not None:
            return self.early
        self.sinks.append(Kept())
        return self.sinks[-1]

    def complete(self, head: Head, sink: Kept, session: Later, now: float) -> Play | None:  # type: ignore[override]  # noqa: ARG002
        self.bodies.append(sink.body)
        self.waiting = session
        return self.act(head, sink.body)

    def refused(self, bad: BadRequest, now: float) -> Play | None:  # noqa: ARG002
        self.bad.append(bad)
        return None if not bad.status else Reply(bad.status, (TEXT,), bad.why.encode(), "refused")

    def plays(self, play: Play) -> None:
        self.playing.append(play)

    def ended(self, play: Play) -> None:
        self.playing.remove(play)
