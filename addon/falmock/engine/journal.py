"""The ordered record of calls and what answered them, free of secrets: no headers, bodies or query values."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from falmock.engine.effects import Effect
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.fixtures.miss import MESSAGE
from falmock.fixtures.redaction import Redactor
from falmock.wire.message import Request

LIMIT = 1000


class Entry(NamedTuple):
    """One call; `at` in seconds since the epoch. `status` is None for a call that was forwarded, `fault` names what struck it."""

    at: float
    method: str
    host: str
    path: str
    status: int | None
    fixture: str | None
    why: str
    miss: str | None
    fault: str | None = None


class Journal:
    """The last calls, at most `limit` of them; `total` counts all there were.

    Secrets are hidden when entries are read: that costs the calls nothing, and hides what was learned since, too.
    """

    def __init__(self, redactor: Redactor, limit: int = LIMIT) -> None:
        self._redactor = redactor
        self._entries: deque[Entry] = deque(maxlen=limit)
        self.total = 0

    def note(self, request: Request, effect: Effect, now: float) -> None:
        """Record one call and what it was answered with."""
        self.total += 1
        status = fixture = miss = fault = None
        if not isinstance(effect, Forward):
            fixture, fault = effect.fixture, effect.fault
            status = effect.status if isinstance(effect, Reply | Stream) else 101 if isinstance(effect, Socket) else 200
        if isinstance(effect, Reply) and effect.miss is not None:
            miss = effect.miss.text
        self._entries.append(
            Entry(now, request.method, request.host, request.path, status, fixture, effect.why, miss, fault)
        )

    def add(self, entry: Entry) -> None:
        """Record a call that falmock made itself."""
        self.total += 1
        self._entries.append(entry)

    def note_message(self, handshake: Request, now: float, fixture: str | None, why: str, miss: str | None) -> None:
        """Record one message on the socket that a request opened, and what it was answered with."""
        self.total += 1
        entry = Entry(now, MESSAGE, handshake.host, handshake.path, 101, fixture, why, miss)
        self._entries.append(entry)

    @property
    def entries(self) -> list[Entry]:
        """The calls, the oldest first."""
        return [self._shown(entry) for entry in self._entries]

    def _shown(self, entry: Entry) -> Entry:
        text = self._redactor.text
        miss = None if entry.miss is None else text(entry.miss)
        return entry._replace(path=text(entry.path), why=text(entry.why), miss=miss)
