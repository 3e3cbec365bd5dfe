"""The bytes of HTTP/1.1 at a session: what comes back is HTTP, and the same however the bytes are cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Iterable
from typing import cast

import h11
from falmock.serving.effect_source import Connection
from falmock.serving.effect_source import Play
from falmock.serving.effect_source import Upload
from falmock.serving.http import HttpConnection
from hypothesis import strategies as st

from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.wire.message import Content
from falmock.wire.message import Header
from falmock.wire.message import content_of
from fuzz.harness import clock
from fuzz.harness import run
from fuzz.strategies import http_requests
from fuzz.strategies.mutation import CUTS
from fuzz.strategies.mutation import cut
from fuzz.wire import Echo
from fuzz.wire import Wire

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


async def _stored(content: Content) -> Reply:
    return Reply(200, _TEXT, str(content.size).encode(), "stored")


class _Plays:
    """Plays one of a list to each request, in turn."""

    def __init__(self, names: list[str]) -> None:
        self.connections: set[Connection] = set()
        self._names = names
        self._next = 0

    @property
    def clock(self) -> Callable[[], float]:
        return clock

    def for_request(self, _: Iterable[Header]) -> Play | None:
        name = self._names[self._next % len(self._names)]
        self._next += 1
        made: dict[str, Callable[[], Play | None]] = {
            "reply": lambda: Reply(200, _TEXT, b"hello", "test"),
            "late": lambda: Reply(404, _TEXT, b"late", "test", delay=2.0),
            "empty": lambda: Reply(204, (), b"", "test"),
            "stream": lambda: Stream(200, _TEXT, _Events(), "test"),
            "upload": lambda: Upload(_Sink(), _stored),
            "socket": lambda: Socket(Echo(), "test"),
            "nothing": lambda: None,
        }
        return made[name]()

    def listen(self, _: str, __: Connection) -> None:
        pass

    def stop_listening(self, _: str, __: Connection) -> None:
        pass


class _Session(HttpConnection):
    """Notes the methods of the requests that it takes."""

    def __init__(self, plays: _Plays) -> None:
        super().__init__(plays)
        self.methods: list[bytes] = []

    def _enter(self, request: h11.Request) -> None:
        self.methods.append(request.method)
        super()._enter(request)


async def _answered(parts: list[bytes], plays: list[str]) -> tuple[bytes, bool, list[bytes]]:
    session = _Session(_Plays(plays))
    wire = Wire(session)
    session.connection_made(cast("asyncio.Transport", wire))
    for part in parts:
        if not wire.is_closed:
            session.data_received(part)
    await asyncio.sleep(60)
    closed = wire.is_closed
    wire.close()
    await asyncio.sleep(0)
    assert not asyncio.all_tasks() - {asyncio.current_task()}
    return wire.written, closed, session.methods


def check(case: tuple[bytes, list[str], list[int]]) -> None:
    data, plays, cuts = case
    written, closed, methods = run(_answered(cut(data, ()), plays))
    _check_http(written, methods)
    in_parts, closed_in_parts, _ = run(_answered(cut(data, cuts), plays))
    assert in_parts == written
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
