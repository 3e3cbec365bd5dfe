"""A job's life as server-sent events (PROTOCOL.md section 3.3): each change once, then the end.

A stream looks at the live job, so a cancel shows in it. What happened between two steps is not lost: by the clock, a
copy of the job goes through it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from falmock.engine.effects import End
from falmock.engine.effects import StreamStep
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.status_object import status_object
from falmock.engine.jobs.table import Jobs
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse
from falmock.wire.lifecycle import State

BETWEEN_POLLS = 0.005
"""Seconds between the polls that a stream stands for, where polls are what moves a job."""


class StatusEvents:
    """The statuses of one job from `now` on (seconds since the epoch).

    Of the logs each line once, as readers join them. `note_ended` is called when jobs may have ended by a step.
    """

    def __init__(self, job: Job, jobs: Jobs, now: float, note_ended: Callable[[], None], *, logs: bool) -> None:
        self._job = job
        self._jobs = jobs
        self._note_ended = note_ended
        self._logs = logs
        self._copy = replace(job)
        self._until = now
        self._told: dict[str, Any] | None = None
        self._lines = 0

    def step(self, now: float) -> StreamStep:
        """The events that are due at `now`; the last is COMPLETED, unless the job is forgotten and will never be."""
        step = self._moved(now)
        self._note_ended()
        return step

    def _moved(self, now: float) -> StreamStep:
        job = self._job
        is_kept = self._jobs.get(job.request_id, now) is not None
        if not is_kept:  # its time in the table is over: who reads on is told the rest
            job.advance(now)
            if job.ended is None and (job.held or job.awaits_cancel):  # nobody can move or cancel it any more
                return StreamStep(end=End.CUT)
        if job.held:
            return self._held(now)
        self._copy.held = False
        if job.schedule.by_polls:
            return self._polled(now, is_kept=is_kept)
        pieces, again = self._passed(now if job.state is not State.CANCELLED else min(now, job.ended or now))
        return self._step(pieces, now, again)

    def _held(self, now: float) -> StreamStep:
        """What somebody moved by hand since: there is nothing to look ahead to."""
        self._copy, self._until = replace(self._job), now
        return self._step(self._changed(self._job, now), now, None)

    def _polled(self, now: float, *, is_kept: bool) -> StreamStep:
        job = self._job
        if self._told is not None:
            job.poll(now)
            if is_kept:
                self._jobs.settle(job)
        pieces = self._changed(job, now)
        # A job that waits to be cancelled is moved by nothing else.
        is_there = job.awaits_cancel and job.state is job.schedule.reaches and not pieces
        return self._step(pieces, now, None if is_there else now + BETWEEN_POLLS)

    def _step(self, pieces: list[bytes], now: float, again: float | None) -> StreamStep:
        if self._job.ended is None:
            return StreamStep(tuple(pieces), again)
        pieces += self._changed(self._job, now)
        return StreamStep(tuple(pieces), end=End.WHOLE)

    def _passed(self, now: float) -> tuple[list[bytes], float | None]:
        """What the clock changed by `now`, and when it will change something next."""
        pieces: list[bytes] = []
        for moment in self._copy.moments(self._until):
            if moment > now:
                return pieces, moment
            self._copy.advance(moment)
            self._until = moment
            pieces += self._changed(self._copy, moment)
        return pieces, None

    def _changed(self, job: Job, now: float) -> list[bytes]:
        """The event for what a job shows, none where it was told already."""
        status = status_object(job, now, logs=self._logs)
        told, self._told = self._told, status
        if status == told:
            return []
        logs = status["logs"]
        if logs is not None:
            status = {**status, "logs": logs[self._lines :]}
            self._lines = len(logs)
        return [sse.event(jsontext.dump_queue(status).decode())]
