"""The ordered record of calls and what answered them, free of secrets: no headers, bodies or query values."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from falmock.engine.effects import Effect
from falmock.engine.effects import Reply
from falmock.fixtures.redaction import Redactor
from falmock.wire.message import Request

LIMIT = 1000


class Entry(NamedTuple):
    """One call; `at` in seconds since the epoch. `status` is None for a call that was forwarded."""

    at: float
    method: str
    host: str
    path: str
    status: int | None
    fixture: str | None
    why: str
    miss: str | None


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
        if isinstance(effect, Reply):
            status, fixture, miss = effect.status, effect.fixture, effect.miss.text if effect.miss else None
        else:
            status, fixture, miss = None, None, None
        self._entries.append(Entry(now, request.method, request.host, request.path, status, fixture, effect.why, miss))

    @property
    def entries(self) -> list[Entry]:
        """The calls, the oldest first."""
        return [self._shown(entry) for entry in self._entries]

    def _shown(self, entry: Entry) -> Entry:
        text = self._redactor.text
        miss = None if entry.miss is None else text(entry.miss)
        return entry._replace(path=text(entry.path), why=text(entry.why), miss=miss)
