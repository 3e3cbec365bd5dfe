"""What one run recorded for one match: the answers in the order of their requests."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from falmock.recording import document
from falmock.recording.comparison import alike
from falmock.recording.values import Entry


@dataclass(slots=True)
class RecordedRun:
    """The file for one match, its entries before this run, and the request times of this run's answers.

    `asked` is in seconds since the epoch. In replay the last answer repeats, so equal ones at the end are only counted
    (`repeats`). `cut` says for each answer whether its client left before it was complete.
    """

    path: Path
    before: list[Entry] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    cut: list[bool] = field(default_factory=list)
    repeats: int = 0

    def former(self, place: int) -> Entry | None:
        """The entry that was in this place before this run; None if there was none."""
        return self.before[place] if place < len(self.before) else None

    def turns(self, place: int) -> list[float]:
        """When the answer in this place was requested; for the last, including its repeats."""
        last = len(self.asked) - 1 - self.repeats
        return self.asked[place:] if place >= last else self.asked[place : place + 1]


def fold(answers: list[Entry]) -> int:
    """Remove answers at the end that are like the one before them, which keeps their URLs; returns how many."""
    count = len(answers)
    while len(answers) > 1 and alike(answers[-2], answers[-1]):
        repeated = answers.pop()
        answers[-1] = document.with_urls(answers[-1], document.urls_of(repeated))
    return count - len(answers)
