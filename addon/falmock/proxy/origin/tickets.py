"""Tickets: what waits to be played at the origin, and for whom."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Awaitable
from collections.abc import Callable
from typing import NamedTuple
from typing import Protocol

from falmock.engine.effects import EVERY_JOB
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.wire.message import Content

HEADER = "x-falmock-ticket"
"""The request header that carries a ticket, between mitmproxy and the origin only."""


class Sink(Protocol):
    """Takes the body of a request as it comes."""

    def write(self, data: bytes) -> None:
        """The next bytes."""

    def drop(self) -> None:
        """The client is gone before the end: forget what came."""

    def content(self) -> Content:
        """The whole body came."""


class UploadTicket(NamedTuple):
    """A request whose body goes to `sink`; `answer` is then asked for what to reply."""

    sink: Sink
    answer: Callable[[Content], Awaitable[Reply]]


Play = Reply | Stream | Socket | UploadTicket
"""What a ticket is for."""


class OriginConnection(Protocol):
    """One connection to the origin."""

    def wake(self) -> None:
        """Something changed that its stream tells of."""

    def abort(self) -> None:
        """Break off at once."""


class Tickets:
    """Each ticket is good for one request. `clock` is in seconds since the epoch; `taken` hears of each that comes."""

    def __init__(self, clock: Callable[[], float], taken: Callable[[str], None] = lambda _: None) -> None:
        self.clock = clock
        self._taken = taken
        self.players: set[OriginConnection] = set()
        self._plays: dict[str, Play] = {}
        self._listeners: defaultdict[str, set[OriginConnection]] = defaultdict(set)

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

    def withdraw(self, ticket: str) -> None:
        """Nobody will come with this ticket any more."""
        play = self._plays.pop(ticket, None)
        if isinstance(play, UploadTicket):
            play.sink.drop()

    def withdraw_all(self) -> None:
        """Nobody will come any more."""
        for ticket in tuple(self._plays):
            self.withdraw(ticket)

    def listen(self, key: str, player: OriginConnection) -> None:
        """From now on `wake(key)` wakes this player."""
        if key:
            self._listeners[key].add(player)

    def rewrite(self, key: str, player: OriginConnection) -> None:
        """`wake(key)` wakes this player no more."""
        listeners = self._listeners.get(key)
        if listeners is not None:
            listeners.discard(player)
            if not listeners:
                del self._listeners[key]

    def wake(self, key: str) -> None:
        """The job with this request id changed, or any (EVERY_JOB): streams that tell of it are asked again."""
        keys = tuple(self._listeners) if key == EVERY_JOB else (key,)
        for player in tuple(player for each in keys for player in self._listeners.get(each, ())):
            player.wake()
