"""The status of a job as server-sent events (PROTOCOL.md section 3.3): each change once, then the end.

A stream reads the live job, so it shows a cancel. Changes by the clock between two steps are not lost: a copy of the
job is advanced through them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from typing import NamedTuple

from falmock.engine.effects import End
from falmock.engine.effects import StreamStep
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.status_object import status_object
from falmock.engine.jobs.table import Jobs
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse
from falmock.wire.lifecycle import State

BETWEEN_POLLS = 0.005
"""Seconds between two steps of a stream, each of which counts as a poll for a job that is paced by polls."""


class SeenJob(NamedTuple):
    """A job as a stream saw it. `is_lost`: it was dropped, and can never complete."""

    job: Job
    is_lost: bool = False


class StatusEvents:
    """The statuses of one job from `now` on (seconds since the epoch).

    Each log line is sent once, as readers join them. `note_ended` is called after each step, since jobs may have ended.
    """

    def __init__(self, job: Job, jobs: Jobs, now: float, note_ended: Callable[[], None], *, logs: bool) -> None:
        self._job = job
        self._jobs = jobs
        self._note_ended = note_ended
        self._logs = logs
        self._copy = replace(job)
        self._until = now
        self._last: dict[str, Any] | None = None
        self._lines_sent = 0

    def step(self, now: float) -> StreamStep:
        """The events that are due at `now`; the last is COMPLETED, unless the job was dropped and can never complete."""
        return self.shown(self.look(now), now)

    def look(self, now: float) -> SeenJob:
        """The job at `now`; this counts as a poll, but for the first look."""
        found = self._jobs.get(self._job.request_id, now)
        job = self._job if found is None else found
        if found is None:  # the table dropped the job: the stream still sends the rest
            job.advance(now)
            if job.ended is None and (job.held or job.awaits_cancel):  # a dropped job cannot be moved or cancelled
                return SeenJob(job, is_lost=True)
        if job.schedule.by_polls and not job.held and self._last is not None:
            job.poll(now)
            if found is not None:
                self._jobs.settle(job)
        self._note_ended()
        return SeenJob(job)

    def shown(self, seen: SeenJob, now: float) -> StreamStep:
        """The events that show a job as it was seen at `now`."""
        if seen.is_lost:
            return StreamStep(end=End.CUT)
        self._job = job = seen.job
        if job.held:
            return self._held(now)
        self._copy.held = False
        if job.schedule.by_polls:
            return self._polled(now)
        pieces, again = self._by_clock(now if job.state is not State.CANCELLED else min(now, job.ended or now))
        return self._step(pieces, now, again)

    def _held(self, now: float) -> StreamStep:
        """The step of a held job: the control API moves it, so the next change has no time."""
        self._copy, self._until = replace(self._job), now
        return self._step(self._changed(self._job, now), now, None)

    def _polled(self, now: float) -> StreamStep:
        job = self._job
        pieces = self._changed(job, now)
        # Only a cancel moves a job that awaits it.
        is_waiting = job.awaits_cancel and job.state is job.schedule.reaches and not pieces
        return self._step(pieces, now, None if is_waiting else now + BETWEEN_POLLS)

    def _step(self, pieces: list[bytes], now: float, again: float | None) -> StreamStep:
        if self._job.ended is None:
            return StreamStep(tuple(pieces), again)
        pieces += self._changed(self._job, now)
        return StreamStep(tuple(pieces), end=End.WHOLE)

    def _by_clock(self, now: float) -> tuple[list[bytes], float | None]:
        """The events for what the clock changed by `now`, and the time of the next change; None if there is none."""
        pieces: list[bytes] = []
        for moment in self._copy.moments(self._until):
            if moment > now:
                return pieces, moment
            self._copy.advance(moment)
            self._until = moment
            pieces += self._changed(self._copy, moment)
        return pieces, None

    def _changed(self, job: Job, now: float) -> list[bytes]:
        """The event with the status of a job; an empty list if the status was already sent."""
        status = status_object(job, now, logs=self._logs)
        last, self._last = self._last, status
        if status == last:
            return []
        logs = status["logs"]
        if logs is not None:
            status = {**status, "logs": logs[self._lines_sent :]}
            self._lines_sent = len(logs)
        return [sse.event(jsontext.dump_queue(status).decode())]
