"""Counts what became of the calls of a recording: each is recorded, needs no fixture, or is not recorded for a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import SelfAnswered
from falmock.recording.outcome import Tell

MAX_REASONS = 1000
"""How many different reasons are counted apart."""
_OTHER_REASONS = "other reasons, see the log"
_NOT_WRITTEN = "it could not be written"


class Tally:
    """The counts of a recording."""

    def __init__(self) -> None:
        self.seen = 0
        self.recorded = 0
        self.fixtures = 0
        self.warnings = 0
        """Warnings about calls that are recorded all the same."""
        self.unwritten = 0
        """Outcomes that could not be written."""
        self.self_answered: Counter[str] = Counter()
        self.not_recorded: Counter[str] = Counter()

    def add(self, outcomes: Iterable[Outcome], seen: int = 1) -> None:
        """Count the outcomes of this many calls."""
        self.seen += seen
        for outcome in outcomes:
            if isinstance(outcome, Save):
                self.recorded += outcome.calls
                self.fixtures += 1
            elif isinstance(outcome, Link):
                self.recorded += outcome.calls
            elif isinstance(outcome, SelfAnswered):
                self.self_answered[outcome.what] += 1
            elif isinstance(outcome, NotRecorded) and outcome.calls:
                self._miss(outcome.why, outcome.calls)
            elif isinstance(outcome, NotRecorded | Tell):
                self.warnings += outcome.level is Level.WARNING

    def failed(self, outcome: Save | Link) -> None:
        """An outcome that was counted could not be written."""
        self.unwritten += 1
        self.fixtures -= isinstance(outcome, Save)
        self.recorded -= outcome.calls
        if outcome.calls:
            self._miss(_NOT_WRITTEN, outcome.calls)

    def _miss(self, why: str, calls: int) -> None:
        known = why in self.not_recorded or len(self.not_recorded) < MAX_REASONS
        self.not_recorded[why if known else _OTHER_REASONS] += calls

    @property
    def open(self) -> int:
        """How many calls belong to jobs that are not over."""
        return self.seen - self.recorded - self.self_answered.total() - self.not_recorded.total()

    def summary(self) -> str:
        """All counts in a sentence; they add up."""
        parts = [f"{self.recorded} recorded in {_many(self.fixtures, 'fixture')}"]
        if self.self_answered:
            kinds = ", ".join(f"{count} {what}" for what, count in self.self_answered.most_common())
            parts.append(f"{self.self_answered.total()} that falmock answers by itself in replay ({kinds})")
        if self.open:
            parts.append(f"{self.open} about jobs that are not over")
        if self.not_recorded:
            whys = "; ".join(f"{count}: {why}" for why, count in self.not_recorded.most_common())
            parts.append(f"{self.not_recorded.total()} not recorded ({whys})")
        told = f". {_many(self.warnings, 'warning')} about recorded calls" if self.warnings else ""
        return f"{_many(self.seen, 'call')} to fal: {', '.join(parts)}{told}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
