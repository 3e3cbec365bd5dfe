"""What follows from a fixture and a pace alone: worked out once, for all the calls that the fixture answers."""

from __future__ import annotations

from typing import NamedTuple

from falmock.engine.jobs.pace import Pace
from falmock.engine.jobs.pace import Schedule
from falmock.engine.jobs.pace import schedule
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture

LIMIT = 4096
"""How many fixtures this is kept of: all begin anew when there are more."""


class JobPlan(NamedTuple):
    """How a job goes: when it moves, what comes of it, and whether its runner stops when asked to."""

    schedule: Schedule
    answer: Answer
    honours_cancel: bool


class Prepared(NamedTuple):
    """What follows from `fixture` at `pace`: the name people know it by, why it answers, how its jobs go."""

    fixture: Fixture
    pace: Pace
    label: str
    why: str
    plan: JobPlan


class PreparedCache:
    """What was worked out so far."""

    def __init__(self) -> None:
        # By identity, which nothing else can take on while the fixture is held: equal fixtures take long to compare.
        self._known: dict[int, Prepared] = {}

    def of(self, fixture: Fixture, pace: Pace) -> Prepared:
        """What follows from a fixture at a pace."""
        known = self._known.get(id(fixture))
        if known is None or known.pace is not pace:
            if len(self._known) >= LIMIT:
                self._known.clear()
            known = self._known[id(fixture)] = _prepared(fixture, pace)
        return known


def _prepared(fixture: Fixture, pace: Pace) -> Prepared:
    timeline = fixture.timeline
    plan = JobPlan(schedule(pace, timeline), fixture.answer, timeline.honours_cancel)
    return Prepared(fixture, pace, fixture.label, reason_of(fixture), plan)


def reason_of(fixture: Fixture) -> str:
    """Why a fixture answered, in a few words."""
    match = fixture.match
    if match.exact:
        return "exact input"
    parts = [
        name
        for name, held in (
            ("model", match.model),
            ("input", match.input),
            ("userMessage", match.user_message),
            ("host", match.host),
            ("path", match.path),
            ("context", match.context),
        )
        if held is not None
    ]
    return f"matches by {', '.join(parts)}" if parts else "matches every call"
