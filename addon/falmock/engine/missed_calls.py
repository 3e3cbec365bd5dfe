"""The calls of a scope that no fixture answered, grouped by what they asked for."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from falmock.fixtures.matching.miss import Miss

if TYPE_CHECKING:
    from falmock.engine.journal import JournalEntry

LIMIT = 200
"""How many different calls are kept."""
NUMBERS = 20
"""How many numbers of equal calls are kept."""
_DIGITS = 32


@dataclass(slots=True)
class MissedCall:
    """Equal calls that no fixture answered: the report and the journal entry of the last one.

    `numbers` are the journal numbers of the last ones, the oldest first.
    """

    miss: Miss
    last: JournalEntry
    count: int = 0
    numbers: deque[int] = field(default_factory=lambda: deque(maxlen=NUMBERS))


class MissedCalls:
    """The last `limit` different calls that no fixture answered; the longest not asked again is dropped first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._calls: OrderedDict[str, MissedCall] = OrderedDict()

    def add(self, miss: Miss, number: int, entry: JournalEntry) -> None:
        """Keep what a call missed; `number` is its number in the journal."""
        # A digest, as inputs can be long.
        key = hashlib.sha256(miss.key.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        missed = self._calls.pop(key, None) or MissedCall(miss, entry)
        missed.miss, missed.last = miss, entry
        missed.count += 1
        missed.numbers.append(number)
        self._calls[key] = missed
        if len(self._calls) > self._limit:
            self._calls.popitem(last=False)

    def __iter__(self) -> Iterator[tuple[str, MissedCall]]:
        """What was missed with an opaque key for each, the latest first."""
        return reversed(self._calls.items())

    def __len__(self) -> int:
        return len(self._calls)
