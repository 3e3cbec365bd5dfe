"""Which effect waits for which request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from falmock.engine.effects import EVERY_JOB
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.proxy.origin.tickets import HEADER
from falmock.proxy.origin.tickets import TicketPlay
from falmock.proxy.origin.tickets import Tickets
from falmock.proxy.origin.tickets import Upload
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.http_session import HttpSession
from falmock.serving.memory_sink import Memory
from falmock.serving.session import Ending
from falmock.wire.message import Content

HELLO = Reply(200, (), b"hello", "test")


class Sink:
    def __init__(self) -> None:
        self.drops = 0

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    def drop(self) -> None:
        self.drops += 1

    def content(self) -> Content:
        raise NotImplementedError


class Woken:
    """A connection that counts how often it is woken, and may act on it."""

    def __init__(self, tickets: Tickets, leaves: str = "") -> None:
        self.times = 0
        self._tickets = tickets
        self._leaves = leaves

    def wake(self) -> None:
        self.times += 1
        self._tickets.stop_listening(self._leaves, self)

    def abort(self) -> None:
        raise NotImplementedError


async def _never(_: Content) -> Reply:
    raise NotImplementedError


@pytest.fixture
def tickets() -> Tickets:
    return Tickets(lambda: 0.0)


def test_tickets_are_long_all_different_and_good_once(tickets: Tickets) -> None:
    issued = [tickets.issue(HELLO) for _ in range(100)]
    assert len(set(issued)) == 100
    assert min(len(ticket) for ticket in issued) >= 43
    assert tickets.take(issued[0]) is HELLO
    assert tickets.take(issued[0]) is None
    assert tickets.take("") is None


def test_what_is_withdrawn_is_gone_and_an_upload_is_told(tickets: Tickets) -> None:
    sinks = [Sink(), Sink()]
    issued = [tickets.issue(play) for play in (HELLO, Upload(sinks[0], _never), Upload(sinks[1], _never))]
    tickets.withdraw(issued[0])
    tickets.withdraw(issued[1])
    tickets.withdraw(issued[1])
    assert [sink.drops for sink in sinks] == [1, 0]
    tickets.withdraw_all()
    assert [sink.drops for sink in sinks] == [1, 1]
    assert [tickets.take(ticket) for ticket in issued] == [None] * 3


def test_those_who_listen_to_a_job_are_woken_until_they_leave(tickets: Tickets) -> None:
    one, two, other, silent = (Woken(tickets) for _ in range(4))
    for key, player in (("job", one), ("job", two), ("other", other), ("", silent)):
        tickets.listen(key, player)
    tickets.wake("job")
    tickets.stop_listening("job", one)
    tickets.stop_listening("job", one)
    tickets.wake("job")
    tickets.wake("")
    tickets.wake("nobody's")
    assert [player.times for player in (one, two, other, silent)] == [1, 2, 0, 0]
    tickets.stop_listening("job", two)
    tickets.stop_listening("other", other)
    assert not tickets._listeners


def test_all_who_listen_to_any_job_are_woken(tickets: Tickets) -> None:
    one, other, silent = (Woken(tickets) for _ in range(3))
    for key, player in (("job", one), ("other", other), ("", silent)):
        tickets.listen(key, player)
    tickets.wake(EVERY_JOB)
    assert [player.times for player in (one, other, silent)] == [1, 1, 0]


def test_who_leaves_when_woken_disturbs_no_other(tickets: Tickets) -> None:
    players = [Woken(tickets, leaves="job") for _ in range(5)]
    for player in players:
        tickets.listen("job", player)
    tickets.wake("job")
    assert [player.times for player in players] == [1] * 5
    assert not tickets._listeners


class Carrier:
    """A connection to the origin without a network."""

    def __init__(self) -> None:
        self.coming: list[tuple[Later, Awaitable[Play]]] = []
        self.wakes = 0

    def play_later(self, session: Later, coming: Awaitable[Play]) -> None:
        self.coming.append((session, coming))

    def wake(self) -> None:
        self.wakes += 1


class Origin:
    """A connection to the origin, and what it is asked."""

    def __init__(self, tickets: Tickets) -> None:
        self.carrier: Any = Carrier()
        self.session = HttpSession(tickets.handler(self.carrier))

    def ask(self, ticket: str, method: str = "GET", body: bytes = b"") -> bytes:
        head = f"{method} / HTTP/1.1\r\n{HEADER}: {ticket}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.session.receive(head.encode() + body, 0.0)
        for session, coming in self.carrier.coming:
            session.play(asyncio.run(_awaited(coming)), 0.0)
        return self.session.take()


async def _awaited(coming: Awaitable[Play]) -> Play:
    return await coming


def test_a_ticket_is_played_to_one_request(tickets: Tickets) -> None:
    taken: list[str] = []
    tickets = Tickets(lambda: 0.0, taken.append)
    ticket = tickets.issue(HELLO)
    assert Origin(tickets).ask(ticket).endswith(b"hello")
    assert taken == [ticket]
    for unknown in (ticket, "never issued", ""):
        again = Origin(tickets)
        assert (again.ask(unknown), again.session.ending) == (b"", Ending.ABORT)
    assert taken == [ticket]


@pytest.mark.parametrize("is_upload", [False, True])
def test_a_ticket_makes_no_tunnel(tickets: Tickets, is_upload: bool) -> None:  # noqa: FBT001
    sink = Sink()
    play: TicketPlay = Upload(sink, _never) if is_upload else HELLO
    origin = Origin(tickets)
    assert origin.ask(tickets.issue(play), "CONNECT") == b""
    assert (origin.session.ending, sink.drops) == (Ending.ABORT, int(is_upload))


def test_an_upload_is_answered_once_it_is_whole(tickets: Tickets) -> None:
    async def answer(content: Content) -> Reply:
        return HELLO._replace(body=b"%d bytes" % content.size)

    assert Origin(tickets).ask(tickets.issue(Upload(Memory(), answer)), "PUT", b"12345").endswith(b"5 bytes")


def test_an_upload_that_cannot_be_taken(tickets: Tickets, caplog: pytest.LogCaptureFixture) -> None:
    async def answer(_: Content) -> Reply:
        raise OSError("the disk is gone")

    answered = Origin(tickets).ask(tickets.issue(Upload(Memory(), answer)), "PUT", b"12345")
    assert answered.startswith(b"HTTP/1.1 500 ")
    assert b"failed to take this upload" in answered
    assert "falmock: an upload could not be taken" in caplog.text


class Silent:
    def step(self, now: float) -> StreamStep:  # noqa: ARG002
        return StreamStep()


def test_a_stream_listens_to_its_job_while_it_plays(tickets: Tickets) -> None:
    origin = Origin(tickets)
    origin.ask(tickets.issue(Stream(200, (), Silent(), "test", key="job")))
    tickets.wake("job")
    origin.session.gone()
    tickets.wake("job")
    assert origin.carrier.wakes == 1


def test_what_is_no_request_gets_no_answer(tickets: Tickets) -> None:
    origin = Origin(tickets)
    origin.session.receive(b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 0.0)
    assert (origin.session.take(), origin.session.ending) == (b"", Ending.CLOSE)
