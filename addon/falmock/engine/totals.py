"""What was answered in all scopes since the start."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

from falmock.fixtures.model import MADE

MOST = 200
"""How many different misses are kept."""


@dataclass(slots=True)
class Missed:
    """One report of a miss: the model that was called ("" for none), its scope, and how often it came."""

    endpoint: str
    scope: str
    count: int = 0


@dataclass(slots=True)
class Totals:
    """Counts of calls, and the fixtures that answered (by label).

    The journals of all scopes count here. Nothing takes anything back: neither a journal that is cleared or full, nor a
    scope that is dropped; only `clear` begins anew. Each call counts once: as replayed, as synthesized (a made answer, or a call about its
    job), as a miss, as forwarded, or as answered without a fixture.
    """

    replayed: int = 0
    misses: int = 0
    forwarded: int = 0
    without_fixture: int = 0
    synthesized: int = 0
    used: set[str] = field(default_factory=set)
    journals: int = 0
    """How often a journal began, which `clear` leaves as it is."""
    missed: dict[str, Missed] = field(default_factory=dict)
    """What the first misses were, by the text of their report."""

    @property
    def calls(self) -> int:
        """The number of calls."""
        return self.replayed + self.synthesized + self.misses + self.forwarded + self.without_fixture

    def add(self, fixture: str | None, *, is_miss: bool, is_forwarded: bool) -> None:
        """Count one call."""
        if fixture is not None:
            self.used.add(fixture)
            if fixture.startswith(MADE):
                self.synthesized += 1
            else:
                self.replayed += 1
        elif is_miss:
            self.misses += 1
        elif is_forwarded:
            self.forwarded += 1
        else:
            self.without_fixture += 1

    def add_miss(self, text: str, endpoint: str, scope: str) -> None:
        """Keep what a miss was; `text` is its report."""
        missed = self.missed.get(text)
        if missed is None:
            if len(self.missed) >= MOST:
                return
            missed = self.missed[text] = Missed(endpoint, scope)
        missed.count += 1

    def clear(self) -> None:
        """Begin anew."""
        self.replayed = self.synthesized = self.misses = self.forwarded = self.without_fixture = 0
        self.used.clear()
        self.missed.clear()
