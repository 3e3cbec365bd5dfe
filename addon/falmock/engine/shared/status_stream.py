"""Status streams of jobs in shared state: others may move the job, so the stream looks at it again and again."""

from __future__ import annotations

from falmock.engine.effects import End
from falmock.engine.effects import StreamStep
from falmock.engine.jobs.status_stream import SeenJob
from falmock.engine.jobs.status_stream import StatusEvents
from falmock.engine.shared.background import Background
from falmock.engine.shared.background import LookingSource
from falmock.engine.shared.background import sooner

BETWEEN_LOOKS = 0.25
"""Seconds between two looks at a job that nothing here moves: as late is news of other falmocks at most."""


class SharedStatusEvents(LookingSource[SeenJob]):
    """See StatusEvents. A stream whose job cannot be looked at is cut: clients ask again."""

    def __init__(self, events: StatusEvents, background: Background) -> None:
        super().__init__(background)
        self._events = events

    def look(self, now: float) -> SeenJob:
        """See LookingSource."""
        return self._events.look(now)

    def shown(self, seen: SeenJob, now: float) -> StreamStep:
        """See LookingSource."""
        step = self._events.shown(seen, now)
        return step if step.end is not End.OPEN else step._replace(again=sooner(step.again, now + BETWEEN_LOOKS))

    def unseen(self, now: float) -> StreamStep:  # noqa: ARG002
        """See LookingSource."""
        return StreamStep(end=End.CUT)
