"""Status streams of jobs in shared state: others may move the job, so the stream looks at it again and again."""

from __future__ import annotations

from falmock.engine.effects import End
from falmock.engine.effects import StreamStep
from falmock.engine.jobs.status_stream import SeenJob
from falmock.engine.jobs.status_stream import StatusEvents
from falmock.engine.shared.background import AGAIN
from falmock.engine.shared.background import Background
from falmock.engine.shared.background import Pending
from falmock.engine.shared.background import sooner

BETWEEN_LOOKS = 0.25
"""Seconds between two looks at a job that nothing here moves: as late is news of other falmocks at most."""


class SharedStatusEvents:
    """See StatusEvents."""

    def __init__(self, events: StatusEvents, background: Background) -> None:
        self._events = events
        self._background = background
        self._pending: Pending | None = None

    def step(self, now: float) -> StreamStep:
        """See `Source`. A stream whose job cannot be looked at is cut."""
        if self._pending is None:
            self._pending = self._background(self._events.look)
        if not self._pending.done():
            return StreamStep(again=now + AGAIN)
        try:
            seen: SeenJob = self._pending.result()
        except Exception:  # noqa: BLE001 - whatever the store says: clients ask again
            return StreamStep(end=End.CUT)
        self._pending = None
        step = self._events.shown(seen, now)
        return step if step.end is not End.OPEN else step._replace(again=sooner(step.again, now + BETWEEN_LOOKS))
