"""What a run recorded for one match: the answers, in the order in which they were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from falmock.recording.comparison import alike
from falmock.recording.values import Entry


@dataclass(slots=True)
class RecordedRun:
    """Where this run records one match, what stood there before, and when the answers were asked for.

    As the last answer repeats, those at the end that are like it are only counted: `repeats`. `cut` says of each answer
    whether its client left before it was whole.
    """

    path: Path
    before: list[Entry] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    cut: list[bool] = field(default_factory=list)
    repeats: int = 0

    def former(self, place: int) -> Entry | None:
        """What stood before this run in the place of an answer."""
        return self.before[place] if place < len(self.before) else None

    def turns(self, place: int) -> list[float]:
        """When the answer in this place was asked for; of the last, every time."""
        last = len(self.asked) - 1 - self.repeats
        return self.asked[place:] if place >= last else self.asked[place : place + 1]


def fold(answers: list[Entry]) -> int:
    """Remove the answers at the end that are like the one before them; how many they were."""
    count = len(answers)
    while len(answers) > 1 and alike(answers[-2], answers[-1]):
        answers.pop()
    return count - len(answers)
