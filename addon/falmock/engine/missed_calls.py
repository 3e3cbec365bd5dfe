"""The calls of a scope that no fixture answered, grouped by what they asked for."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import NamedTuple

from falmock.fixtures.matching.ignorable import ignorable
from falmock.fixtures.matching.miss import Miss
from falmock.fixtures.matching.miss import Near
from falmock.redaction.redactor import Redactor

if TYPE_CHECKING:
    from falmock.engine.journal import JournalEntry

LIMIT = 200
"""How many different calls are kept."""
NUMBERS = 20
"""How many numbers of equal calls are kept."""
MOST_DIFFERENCES = 100
"""How many differences are told of a fixture."""
_DIGITS = 32


class ToldDifference(NamedTuple):
    """A difference between a call and a fixture, without secrets.

    `volatile`: such values change from run to run. `rule` is the value of `fal_ignore` that removes it, None if there is no single one.
    """

    path: str
    expected: str
    found: str
    volatile: bool
    rule: str | None


class ToldNear(NamedTuple):
    """A fixture (its label) that almost matched, the endpoint id it was compared with, and how they differ; without secrets."""

    fixture: str
    endpoint: str
    differences: tuple[ToldDifference, ...]


class ToldMiss(NamedTuple):
    """A call that no fixture answers, without secrets; `key` is an opaque text that is equal for equal calls."""

    key: str
    text: str
    nearest: tuple[ToldNear, ...]


def told(miss: Miss, redactor: Redactor) -> ToldMiss:
    """A miss without secrets."""
    return ToldMiss(key_of(miss), redactor.text(miss.text), tuple(_near(near, redactor) for near in miss.nearest))


def key_of(miss: Miss | ToldMiss) -> str:
    """An opaque text that is equal for calls that ask for the same."""
    if isinstance(miss, ToldMiss):
        return miss.key
    # A digest, as inputs can be long.
    return hashlib.sha256(miss.key.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _near(near: Near, redactor: Redactor) -> ToldNear:
    rules = [(each.is_volatile, each.rule(near.endpoint)) for each in ignorable(near.differences)]
    return ToldNear(
        redactor.text(near.fixture.label),
        redactor.text(near.endpoint),
        tuple(
            ToldDifference(
                redactor.text(difference.path),
                str(difference.expected(redactor)),  # these may be texts of a type of their own
                str(difference.found(redactor)),
                volatile,
                # One with a secret in it would ignore something else.
                rule if rule is None or redactor.text(rule) == rule else None,
            )
            for difference, (volatile, rule) in zip(near.differences[:MOST_DIFFERENCES], rules, strict=False)
        ),
    )


@dataclass(slots=True)
class MissedCall:
    """Equal calls that no fixture answered: the report and the journal entry of the last one.

    `numbers` are the journal numbers of the last ones, the oldest first.
    """

    miss: Miss | ToldMiss
    last: JournalEntry
    count: int = 0
    numbers: deque[int] = field(default_factory=lambda: deque(maxlen=NUMBERS))

    def told(self, redactor: Redactor) -> ToldMiss:
        """The report of the last one, without secrets."""
        return self.miss if isinstance(self.miss, ToldMiss) else told(self.miss, redactor)


class MissedCalls:
    """The last `limit` different calls that no fixture answered; the longest not asked again is dropped first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._calls: OrderedDict[str, MissedCall] = OrderedDict()

    def add(self, miss: Miss | ToldMiss, number: int, entry: JournalEntry) -> None:
        """Keep what a call missed; `number` is its number in the journal."""
        key = key_of(miss)
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
