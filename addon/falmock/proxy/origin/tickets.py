"""Tickets: the effects that wait at the origin, each for one request."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.serving.connection import Connection
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.handler import Sink
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import Head
from falmock.serving.waiting_streams import WaitingStreams
from falmock.wire.message import Content
from falmock.wire.message import Header

logger = logging.getLogger(__name__)
HEADER = "x-falmock-ticket"
"""The request header that carries a ticket, between mitmproxy and the origin only."""


class Upload(NamedTuple):
    """A request whose body goes to `sink`; then `answer` returns the reply."""

    sink: Sink
    answer: Callable[[Content], Awaitable[Reply]]


TicketPlay = Play | Upload
"""What a ticket is good for."""


class Tickets(WaitingStreams):
    """Each ticket is valid for one request. `clock` returns seconds since the epoch; `taken` is called with each used ticket."""

    def __init__(self, clock: Callable[[], float], taken: Callable[[str], None] = lambda _: None) -> None:
        super().__init__()
        self.clock = clock
        self._taken = taken
        self.connections: set[Connection] = set()
        self._plays: dict[str, TicketPlay] = {}

    def issue(self, play: TicketPlay) -> str:
        """Issue a ticket for this effect."""
        ticket = secrets.token_urlsafe(32)
        self._plays[ticket] = play
        return ticket

    def take(self, ticket: str) -> TicketPlay | None:
        """The effect of a ticket; None if the ticket is unknown or was used before."""
        play = self._plays.pop(ticket, None)
        if play is not None:
            self._taken(ticket)
        return play

    def for_request(self, headers: Iterable[Header]) -> TicketPlay | None:
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

    def handler(self, connection: Connection) -> TicketHandler:
        """Decides what a connection to the origin plays."""
        return TicketHandler(self, connection)


class TicketHandler:
    """Plays the effect of each request's ticket; see `Handler`."""

    def __init__(self, tickets: Tickets, connection: Connection) -> None:
        self._tickets = tickets
        self._connection = connection
        self._upload: Upload | None = None
        self.closes = False

    def begins(self, head: Head, now: float) -> Sink | Play | None:  # noqa: ARG002
        """See `Handler`."""
        play = self._tickets.for_request(head.fields)
        if head.method == "CONNECT":  # an answer would begin a tunnel
            if isinstance(play, Upload):
                play.sink.drop()
            return None
        if isinstance(play, Upload):
            self._upload = play
            return play.sink
        return play

    def complete(self, head: Head, sink: Sink, session: Later, now: float) -> None:  # noqa: ARG002
        """See `Handler`."""
        if self._upload is not None:
            self._connection.play_later(session, _stored(self._upload))

    def refused(self, bad: BadRequest, now: float) -> None:
        """See `Handler`: only mitmproxy gets an answer here."""

    def plays(self, play: Play) -> None:
        """See `Handler`."""
        if isinstance(play, Stream):
            self._tickets.listen(play.key, self._connection)

    def ended(self, play: Play) -> None:
        """See `Handler`."""
        if isinstance(play, Stream):
            self._tickets.stop_listening(play.key, self._connection)


async def _stored(upload: Upload) -> Reply:
    """The answer to an upload whose body is on disk."""
    try:
        return await upload.answer(upload.sink.content())
    except Exception:
        logger.exception("falmock: an upload could not be taken")
        return replies.problem(500, "falmock failed to take this upload; its log has the details", "internal error")
