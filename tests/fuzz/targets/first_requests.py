"""The first bytes of a connection that may be for another host: what reaches it is the same however they are cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from hypothesis import strategies as st

from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.handler import Tunnel
from falmock.serving.outgoing.first_request import FirstRequest
from falmock.serving.outgoing.first_request import LastAnswer
from falmock.serving.outgoing.first_request import Passing
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from fuzz.strategies import http_requests
from fuzz.strategies.mutation import CUTS
from fuzz.strategies.mutation import cut

CASES = st.tuples(http_requests.BYTES, CUTS)


class _Kept:
    """A session that keeps what it gets."""

    wake_at: float | None = None
    ending = Ending.OPEN
    reads = True
    is_socket = False

    def __init__(self) -> None:
        self.got = b""

    def receive(self, data: bytes, now: float) -> None:  # noqa: ARG002
        self.got += data

    def wake(self, now: float) -> None:
        pass

    def gone(self) -> None:
        pass

    def take(self) -> bytes:
        return b""


class _World:
    def __init__(self) -> None:
        self.here, self.there = _Kept(), _Kept()
        self._coming: list[Awaitable[Play]] = []
        self.session = FirstRequest(self, self.here, self._passes)

    def play_later(self, session: Later, coming: Awaitable[Play]) -> None:  # noqa: ARG002
        self._coming.append(coming)

    def _passes(self, head: Head) -> Passing | None:
        return Passing("x.test", "/a", self._connected()) if b"://" in head.target else None

    async def _connected(self) -> Tunnel:
        return Tunnel(self.there)

    def receive(self, data: bytes) -> None:
        self.session.receive(data, 0.0)
        while self._coming:
            self.session.play(asyncio.run(_result(self._coming.pop())), 0.0)


async def _result(coming: Awaitable[Play]) -> Play:
    return await coming


def _came(parts: list[bytes]) -> tuple[bytes, bytes]:
    world = _World()
    for part in parts:
        world.receive(part)
    if world.session.wake_at is not None:  # the head is not complete
        assert (world.here.got, world.there.got) == (b"", b"")
        world.session.wake(world.session.wake_at)
        assert world.session.take().startswith(b"HTTP/1.1 408 ")
    return world.here.got, world.there.got


def check(case: tuple[bytes, list[int]]) -> None:
    data, cuts = case
    here, there = _came(cut(data, ()))
    assert not (here and there)
    assert _came(cut(data, cuts)) == (here, there)
    outs = []
    for parts in (cut(data, cuts), cut(data, ())):
        answer = LastAnswer()
        outs.append(b"".join(answer.take(part, is_over=False) for part in parts) + answer.take(b"", is_over=True))
    assert outs[0] == outs[1]
