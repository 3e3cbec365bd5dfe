"""What the calls in a journal say about jobs: which call submitted each, and when clients asked for it."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from falmock.engine.jobs.job import LOOKS
from falmock.engine.journal import LIMIT
from falmock.engine.journal import JournalEntry
from falmock.wire import calls

T = TypeVar("T")
_LOOKS = (calls.Status, calls.StatusStream, calls.Result)


class JobCalls:
    """The calls up to the one with the number `last`. Entries of a log never change, so each is read once."""

    def __init__(self) -> None:
        self.last = 0
        self.submits: dict[str, int] = {}
        """The numbers of the calls that submitted jobs, by request id."""
        self.looks: dict[str, deque[float]] = {}
        """When clients asked for a status or a result, by request id: the last LOOKS times."""

    def add(self, number: int, entry: JournalEntry) -> None:
        """Take in one call."""
        call = entry.call
        if isinstance(call, calls.Submit):
            if entry.job:
                _put(self.submits, entry.job, number)
        elif isinstance(call, _LOOKS) and entry.fixture is not None:  # else the job was not looked at
            looks = self.looks.get(call.request_id) or deque(maxlen=LOOKS)
            looks.append(entry.at)
            _put(self.looks, call.request_id, looks)


def _put(table: dict[str, T], key: str, value: T) -> None:
    table[key] = value
    if len(table) > LIMIT:
        del table[next(iter(table))]
