"""The bytes of HTTP/1.1 at a session: what comes back is HTTP, and the same however the bytes are cut."""

from __future__ import annotations

from collections.abc import Callable

import h11
from hypothesis import strategies as st

from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.handler import Sink
from falmock.serving.http_session import HttpSession
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from falmock.wire.message import Content
from falmock.wire.message import Header
from falmock.wire.message import content_of
from fuzz.echo import Echo
from fuzz.strategies import http_requests
from fuzz.strategies.mutation import CUTS
from fuzz.strategies.mutation import cut

_PLAYS = st.lists(
    st.sampled_from(["reply", "late", "empty", "stream", "upload", "socket", "nothing"]), min_size=1, max_size=3
)
CASES = st.tuples(http_requests.BYTES, _PLAYS, CUTS)
_TEXT: tuple[Header, ...] = ((b"Content-Type", b"text/plain"),)


class _Events:
    def __init__(self) -> None:
        self._pieces = [b"one", b"", b"two"]

    def step(self, now: float) -> StreamStep:
        if not self._pieces:
            return StreamStep(end=End.WHOLE)
        return StreamStep((self._pieces.pop(0),), again=now + 1)


class _Sink:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def drop(self) -> None:
        pass

    def content(self) -> Content:
        return content_of(self.data)


class Plays:
    """Plays one of a list to each request, in turn, and notes the methods of the requests; see `Handler`."""

    def __init__(self, names: list[str]) -> None:
        self.closes = False
        self.methods: list[bytes] = []
        self._names = names

    def begins(self, head: Head, now: float) -> _Sink | Play | None:  # noqa: ARG002
        name = self._names[len(self.methods) % len(self._names)]
        self.methods.append(head.method.encode())
        made: dict[str, Callable[[], _Sink | Play | None]] = {
            "reply": lambda: Reply(200, _TEXT, b"hello", "test"),
            "late": lambda: Reply(404, _TEXT, b"late", "test", delay=2.0),
            "empty": lambda: Reply(204, (), b"", "test"),
            "stream": lambda: Stream(200, _TEXT, _Events(), "test"),
            "upload": _Sink,
            "socket": lambda: Socket(Echo(), "test"),
            "nothing": lambda: None,
        }
        return None if head.method == "CONNECT" else made[name]()

    def complete(self, head: Head, sink: Sink, session: Later, now: float) -> Reply:  # noqa: ARG002
        return Reply(200, _TEXT, str(sink.content().size).encode(), "stored")

    def refused(self, bad: BadRequest, now: float) -> Reply | None:  # noqa: ARG002
        return Reply(bad.status, _TEXT, b"refused", "test") if bad.status else None

    def plays(self, play: Play) -> None:
        pass

    def ended(self, play: Play) -> None:
        pass


def _answered(parts: list[bytes], plays: list[str]) -> tuple[bytes, bool, list[bytes]]:
    handler = Plays(plays)
    session = HttpSession(handler)
    now, written = 0.0, b""
    for part in parts:
        if session.ending in (Ending.OPEN, Ending.HALF):
            session.receive(part, now)
            written += session.take()
    while session.wake_at is not None and session.ending in (Ending.OPEN, Ending.HALF):
        now = max(now, session.wake_at)
        session.wake(now)
        written += session.take()
    ending = session.ending
    session.gone()
    return written, ending is not Ending.OPEN, handler.methods


def check(case: tuple[bytes, list[str], list[int]]) -> None:
    data, plays, cuts = case
    written, closed, methods = _answered(cut(data, ()), plays)
    refusals = int(b"refused" in written)
    _check_http(written, [*methods, *[b"GET"] * refusals])
    in_parts, closed_in_parts, _ = _answered(cut(data, cuts), plays)
    without = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert in_parts.replace(without, b"") == written.replace(without, b"")
    assert closed_in_parts == closed


def _check_http(written: bytes, methods: list[bytes]) -> None:
    """The bytes are answers to requests with these methods, one after the other."""
    for method in methods:
        if not written:
            return
        client = h11.Connection(h11.CLIENT)
        name = method if method in (b"HEAD", b"CONNECT") else b"GET"
        client.send(h11.Request(method=name, target="/", headers=[("Host", "x")]))
        client.send(h11.EndOfMessage())
        client.receive_data(written)
        while isinstance(client.next_event(), h11.InformationalResponse | h11.Response | h11.Data):
            if client.their_state is h11.SWITCHED_PROTOCOL:
                return
        written = client.trailing_data[0]
    assert not written, written[:80]
