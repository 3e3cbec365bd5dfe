"""Tickets: the effects that wait at the origin, each for one request."""

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
    """Each ticket is valid for one request. `clock` returns seconds since the epoch; `taken` is called with each used ticket."""

    def __init__(self, clock: Callable[[], float], taken: Callable[[str], None] = lambda _: None) -> None:
        self.clock = clock
        self._taken = taken
        self.connections: set[Connection] = set()
        self._plays: dict[str, Play] = {}
        self._listeners: defaultdict[str, set[Connection]] = defaultdict(set)

    def issue(self, play: Play) -> str:
        """Issue a ticket for this effect."""
        ticket = secrets.token_urlsafe(32)
        self._plays[ticket] = play
        return ticket

    def take(self, ticket: str) -> Play | None:
        """The effect of a ticket; None if the ticket is unknown or was used before."""
        play = self._plays.pop(ticket, None)
        if play is not None:
            self._taken(ticket)
        return play

    def for_request(self, headers: Iterable[Header]) -> Play | None:
        """The effect of the ticket in a request's headers; None if there is none, or it was used before."""
        ticket = next((value for name, value in headers if name == HEADER.encode()), b"")
        return self.take(ticket.decode("latin-1"))

    def withdraw(self, ticket: str) -> None:
        """Make a ticket invalid."""
        play = self._plays.pop(ticket, None)
        if isinstance(play, Upload):
            play.sink.drop()

    def withdraw_all(self) -> None:
        """Make all tickets invalid."""
        for ticket in tuple(self._plays):
            self.withdraw(ticket)

    def listen(self, key: str, connection: Connection) -> None:
        """Let `wake(key)` wake this connection from now on; does nothing for an empty key."""
        if key:
            self._listeners[key].add(connection)

    def stop_listening(self, key: str, connection: Connection) -> None:
        """Let `wake(key)` no longer wake this connection."""
        listeners = self._listeners.get(key)
        if listeners is not None:
            listeners.discard(connection)
            if not listeners:
                del self._listeners[key]

    def wake(self, key: str) -> None:
        """The job with this request id changed, or any job (EVERY_JOB): wake the streams that report on it."""
        keys = tuple(self._listeners) if key == EVERY_JOB else (key,)
        for connection in tuple(connection for each in keys for connection in self._listeners.get(each, ())):
            connection.wake()
