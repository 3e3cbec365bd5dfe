"""Tickets: what waits to be played at the origin, and for whom."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterable

from falmock.engine.effects import EVERY_JOB
from falmock.serving.effect_source import Connection
from falmock.serving.effect_source import Play
from falmock.serving.effect_source import Upload
from falmock.wire.message import Header

HEADER = "x-falmock-ticket"
"""The request header that carries a ticket, between mitmproxy and the origin only."""


class Tickets:
    """Each ticket is good for one request. `clock` is in seconds since the epoch; `taken` hears of each that comes."""

    def __init__(self, clock: Callable[[], float], taken: Callable[[str], None] = lambda _: None) -> None:
        self.clock = clock
        self._taken = taken
        self.connections: set[Connection] = set()
        self._plays: dict[str, Play] = {}
        self._listeners: defaultdict[str, set[Connection]] = defaultdict(set)

    def issue(self, play: Play) -> str:
        """A ticket for this effect."""
        ticket = secrets.token_urlsafe(32)
        self._plays[ticket] = play
        return ticket

    def take(self, ticket: str) -> Play | None:
        """What a ticket is for; None when it is none, or was taken before."""
        play = self._plays.pop(ticket, None)
        if play is not None:
            self._taken(ticket)
        return play

    def for_request(self, headers: Iterable[Header]) -> Play | None:
        """What the ticket in a request's headers is for; None when there is none, or it was taken before."""
        ticket = next((value for name, value in headers if name == HEADER.encode()), b"")
        return self.take(ticket.decode("latin-1"))

    def withdraw(self, ticket: str) -> None:
        """Nobody will come with this ticket any more."""
        play = self._plays.pop(ticket, None)
        if isinstance(play, Upload):
            play.sink.drop()

    def withdraw_all(self) -> None:
        """Nobody will come any more."""
        for ticket in tuple(self._plays):
            self.withdraw(ticket)

    def listen(self, key: str, connection: Connection) -> None:
        """From now on `wake(key)` wakes this connection."""
        if key:
            self._listeners[key].add(connection)

    def stop_listening(self, key: str, connection: Connection) -> None:
        """`wake(key)` wakes this connection no more."""
        listeners = self._listeners.get(key)
        if listeners is not None:
            listeners.discard(connection)
            if not listeners:
                del self._listeners[key]

    def wake(self, key: str) -> None:
        """The job with this request id changed, or any (EVERY_JOB): streams that tell of it are asked again."""
        keys = tuple(self._listeners) if key == EVERY_JOB else (key,)
        for connection in tuple(connection for each in keys for connection in self._listeners.get(each, ())):
            connection.wake()
