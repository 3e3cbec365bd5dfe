"""Which effect waits for which request."""

from __future__ import annotations

import pytest

from falmock.engine.effects import EVERY_JOB
from falmock.engine.effects import Reply
from falmock.proxy.origin.tickets import Tickets
from falmock.proxy.origin.tickets import Upload
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
