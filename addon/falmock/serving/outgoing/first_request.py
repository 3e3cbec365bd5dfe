"""Looks at the first request of a connection: one for another host is passed on to it, and so is what follows."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from collections.abc import Callable
from typing import NamedTuple
from typing import Protocol

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.serving import http_answer
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.handler import Tunnel
from falmock.serving.http_reader import MAX_HEAD
from falmock.serving.http_reader import RequestReader
from falmock.serving.http_reader import as_bytes
from falmock.serving.http_session import HEAD_TIME
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from falmock.serving.session import Session

_END = b"\r\n\r\n"
"""The end of a head."""
_INTERIM = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d ")
_UPGRADED = re.compile(rb"HTTP/1\.\d 101 ")
_DROPPED = (b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive", b"host")
"""Headers that are between a client and its proxy (RFC 9110, section 7.6.1), and the one that is written anew."""


class Passing(NamedTuple):
    """Where a request is passed on to: the Host header and the target that it gets there, and the coming connection."""

    authority: str
    target: str
    coming: Awaitable[Reply | Tunnel]


class Carrier(Protocol):
    """The connection of a session."""

    def play_later(self, session: Later, coming: Awaitable[Play]) -> None:
        """Play what this returns."""


class FirstRequest:
    """Carries `inner` unless `passes` returns where the first request goes; see `Session`."""

    def __init__(self, carrier: Carrier, inner: Session, passes: Callable[[Head], Passing | None]) -> None:
        self._carrier = carrier
        self._session = inner
        self._passes = passes
        self._reader: RequestReader | None = RequestReader()
        self._until: float | None = None
        """When the first head must be here."""
        self._data = b""
        self._head = Head("", b"", ())
        self._passed = b""
        self._is_waiting = self._passes_on = False
        self._refusal = b""
        self._is_refused = False
        self._answer: LastAnswer | None = None

    @property
    def wake_at(self) -> float | None:
        """See `Session`."""
        return self._session.wake_at if self._until is None else self._until

    @property
    def ending(self) -> Ending:
        """See `Session`."""
        return Ending.CLOSE if self._is_refused else self._session.ending

    @property
    def reads(self) -> bool:
        """See `Session`."""
        return not self._is_waiting and self._session.reads

    @property
    def is_socket(self) -> bool:
        """See `Session`."""
        return self._session.is_socket

    @property
    def successor(self) -> Session | None:
        """See `Session`."""
        return self._session if self._reader is None and not self._passes_on else None

    def receive(self, data: bytes, now: float) -> None:
        """See `Session`."""
        if self._reader is None:
            if self._is_waiting:
                self._data += data
            else:
                self._session.receive(data, now)
            return
        self._data = (self._data + data).lstrip(b"\r\n")  # empty lines may come before a request
        is_connect = self._data.startswith(b"CONNECT ")  # none is passed on, and reading it twice costs time
        if not is_connect:
            self._reader.feed(data)
        if not is_connect and not self._reader.parts and len(self._data) <= MAX_HEAD:
            self._until = self._until or now + HEAD_TIME
            return
        head = self._reader.parts[0] if self._reader.parts else None
        self._reader.stop()
        self._reader = self._until = None
        passing = self._passes(head) if isinstance(head, Head) else None
        if passing is None or not isinstance(head, Head):
            data, self._data = self._data, b""
            self._session.receive(data, now)
        else:
            self._head, self._is_waiting, self._passes_on = head, True, True
            self._passed = passed_on(head, passing)
            self._data = self._data.partition(_END)[2]
            self._carrier.play_later(self, passing.coming)

    def play(self, play: Play, now: float) -> None:
        """The other host is connected, or cannot be."""
        self._is_waiting = False
        if isinstance(play, Tunnel):
            self._session, self._answer = play.session, LastAnswer()
            self._session.receive(self._passed + self._data, now)
        elif isinstance(play, Reply) and isinstance(play.body, bytes):
            start = http_answer.head(
                self._head, play.status, play.headers, len(play.body), closes=True, over_time=False
            )
            self._refusal, self._is_refused = start.data + (play.body if start.has_body else b""), True
        self._data = self._passed = b""

    def wake(self, now: float) -> None:
        """See `Session`."""
        if self._until is None:
            self._session.wake(now)
        elif now >= self._until:
            self._reader = self._until = None
            self.play(replies.problem(408, "The head of the request did not come in time", "bad request"), now)

    def gone(self) -> None:
        """See `Session`."""
        self._session.gone()

    def take(self) -> bytes:
        """See `Session`."""
        out, self._refusal = self._refusal, b""
        out = out or self._session.take()
        if self._answer is None:
            return out
        return self._answer.take(out, is_over=self._session.ending is not Ending.OPEN)


class LastAnswer:
    """The answer of another host, on its way to the client: it says that the connection ends, so that it is not used again."""

    def __init__(self) -> None:
        self._head: bytes | None = b""
        """What came of a head; None behind it."""

    def take(self, data: bytes, *, is_over: bool) -> bytes:
        """The next bytes, as the client gets them; `is_over` says that these are the last."""
        if self._head is None:
            return data
        self._head += data
        out = b""
        while self._head is not None:
            head, end, rest = self._head.partition(_END)
            if not end:
                if not is_over and len(self._head) <= MAX_HEAD:
                    return out
                out, self._head = out + self._head, None
            elif _INTERIM.match(head):
                out, self._head = out + head + end, rest
            else:
                out, self._head = out + _closing(head) + end + rest, None
        return out


def _closing(head: bytes) -> bytes:
    if _UPGRADED.match(head):
        return head
    kept = [
        line for line in head.split(b"\r\n") if line.partition(b":")[0].lower() not in (b"connection", b"keep-alive")
    ]
    return b"\r\n".join((*kept, b"Connection: close"))


def passed_on(head: Head, passing: Passing) -> bytes:
    """The head of a request as another host gets it. Its answer is the last one of its connection."""
    upgrades = bool(head.get(b"upgrade")) and b"upgrade" in head.get(b"connection").lower()
    fields = [
        (b"Host", as_bytes(passing.authority)),
        *((name, value) for name, value in head.fields if name.lower() not in _DROPPED),
        (b"Connection", b"Upgrade" if upgrades else b"close"),
    ]
    start = as_bytes(f"{head.method} {passing.target} HTTP/1.1\r\n")
    return start + b"".join(b"%s: %s\r\n" % field for field in fields) + b"\r\n"
