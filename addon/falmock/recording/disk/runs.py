"""What one run recorded for one match: the answers in the order of their requests."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from falmock.recording import comparison
from falmock.recording import document
from falmock.recording.comparison import alike
from falmock.recording.comparison import settled
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

    def place_of(self, asked: float) -> int:
        """The place of the answer to a call of this time."""
        return bisect_right(self.asked, asked)

    def insert(self, same: list[Entry], entry: Entry, asked: float, *, is_cut: bool) -> list[Entry]:
        """Insert an answer among the entries of this run; returns the new ones, or `same` if nothing changes in them."""
        place = self.place_of(asked)
        entry = settled(self.former(place), entry)
        if is_cut:
            entry = comparison.completed(entry, filter(None, (self.former(place), *same)))
        every = same + same[-1:] * self.repeats
        grew = True in self.cut and comparison.complete(every, self.cut, entry)
        if not grew and same and place >= len(same) and alike(same[-1], entry):
            self.repeats += 1
            kept = document.with_urls(same[-1], document.urls_of(entry))
            every = same if kept is same[-1] else [*same[:-1], kept]
        else:
            every.insert(place, entry)
            if place < len(every) - 1:
                every = [settled(self.former(number), item) for number, item in enumerate(every)]
            self.repeats = fold(every)
        self.asked.insert(place, asked)
        self.cut.insert(place, is_cut)
        return every

    def taking_back(self, place: int) -> Callable[[], None]:
        """What takes back the next answer, which is to be in this place, and any other change from now on."""
        path, repeats, answers = self.path, self.repeats, len(self.asked)

        def take_back() -> None:
            self.path, self.repeats = path, repeats
            if len(self.asked) > answers:
                del self.asked[place], self.cut[place]

        return take_back

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
