"""What was answered in all scopes since the start."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field


@dataclass(slots=True)
class Totals:
    """Counts of calls, and the fixtures that answered (by label).

    The journals of all scopes count here. Nothing takes anything back: neither a journal that is cleared or full, nor a
    scope that is dropped. Each call counts once: as replayed, as a miss, as forwarded, or as answered without a fixture.
    """

    replayed: int = 0
    misses: int = 0
    forwarded: int = 0
    without_fixture: int = 0
    used: set[str] = field(default_factory=set)

    @property
    def calls(self) -> int:
        """The number of calls."""
        return self.replayed + self.misses + self.forwarded + self.without_fixture

    def add(self, fixture: str | None, *, is_miss: bool, is_forwarded: bool) -> None:
        """Count one call."""
        if fixture is not None:
            self.used.add(fixture)
            self.replayed += 1
        elif is_miss:
            self.misses += 1
        elif is_forwarded:
            self.forwarded += 1
        else:
            self.without_fixture += 1
