"""The table of queued jobs, bounded in size and time."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from itertools import takewhile

from falmock.engine.jobs.job import LOOKS
from falmock.engine.jobs.job import Job
from falmock.wire.lifecycle import State


class TooManyJobs(Exception):
    """The table is full of jobs that are not over."""


class Jobs:
    """The jobs of one scope: at most `limit`, each kept `ttl` seconds after its end.

    A job that the clock does not end is kept `ttl` seconds after its last use. When the table is full, the job that
    ended first is dropped; one that is unseen counts as ended at its submit. Any other job that is not over is never
    dropped for another.
    """

    def __init__(self, limit: int, ttl: float) -> None:
        self.limit = limit
        self.ttl = ttl
        self._live: OrderedDict[str, Job] = OrderedDict()
        self._over: OrderedDict[str, Job] = OrderedDict()
        self._unseen: OrderedDict[str, Job] = OrderedDict()
        self._due: list[tuple[float, str]] = []
        self._changed: OrderedDict[str, Job] = OrderedDict()
        self.changes: int = 0
        """Counts up whenever a job may have changed, except by the clock."""
        self.ended: list[Job] = []
        """Jobs that ended since the last `take_ended`; not those that were over when they were added."""

    def __iter__(self) -> Iterator[Job]:
        """Every job, without advancing it."""
        for table in self._tables:
            yield from table.values()

    @property
    def _tables(self) -> tuple[OrderedDict[str, Job], ...]:
        return self._over, self._unseen, self._live

    def take_ended(self) -> list[Job]:
        """The jobs that ended since the last call."""
        ended, self.ended = self.ended, []
        return ended

    def __len__(self) -> int:
        return len(self._live) + len(self._unseen) + len(self._over)

    def note(self, job: Job) -> None:
        """Note that a job of this table may have changed, except by the clock."""
        self.changes = job.change = self.changes + 1
        self._changed[job.request_id] = job
        self._changed.move_to_end(job.request_id)

    def changed_since(self, change: int) -> list[Job]:
        """The jobs that may have changed since `changes` was `change`, the last change at the end."""
        found = list(takewhile(lambda job: job.change > change, reversed(self._changed.values())))
        return found[::-1]

    def load_together(self, request_ids: Iterable[str]) -> None:
        """Have these jobs at hand: they are looked at next."""

    def add(self, job: Job, now: float) -> None:
        """Add a new job. Raises TooManyJobs."""
        job.touched = now
        job.advance(now)
        self.expire(now)
        if len(self) >= self.limit:
            self._make_room(now)
        self.note(job)
        if job.ended is not None:
            self._over[job.request_id] = job
        elif job.unseen:
            self._unseen[job.request_id] = job
        else:
            self._live[job.request_id] = job
            self._await_end(job)

    def _make_room(self, now: float) -> None:
        """Drop the job that ended first. Raises TooManyJobs."""
        over, unseen = next(iter(self._over.values()), None), next(iter(self._unseen.values()), None)
        if unseen is not None and (over is None or unseen.submitted < (over.ended or 0.0)):
            unseen.look(max(now, unseen.submitted))  # a clock may be set back
            self.settle(unseen)
            self._drop(unseen.request_id)
        elif over is not None:
            self._drop(over.request_id)
        else:
            raise TooManyJobs

    def _drop(self, request_id: str) -> None:
        for table in (*self._tables, self._changed):
            table.pop(request_id, None)

    def look(self, job: Job, now: float) -> None:
        """A client asks for the status or the result of a job: from now on, the clock moves it."""
        if job.unseen:
            job.look(now)
            self.settle(job)

    def note_look(self, job: Job, now: float) -> None:
        """As `look`, for one that counts among the looks of clients."""
        if job.looks is None:
            job.looks = deque(maxlen=LOOKS)
        job.looks.append(now)
        if job.request_id in self._changed:
            self.note(job)
        self.look(job, now)

    def _await_end(self, job: Job) -> None:
        """Schedule the check of a live job for the time when the clock ends it."""
        if not job.schedule.by_polls and not job.held:
            ends = min(job.schedule.completed, max(job.deadline, job.schedule.started))
            heapq.heappush(self._due, (job.submitted + ends, job.request_id))

    def release(self, job: Job, now: float) -> None:
        """Let clock and polls move a held job again."""
        job.held = False
        job.advance(now)
        if job.ended is None:
            self._await_end(job)
        self.settle(job)

    def all(self, now: float) -> list[Job]:
        """Every job, advanced to `now`, in the order of submits."""
        self.expire(now)
        for job in (*self._unseen.values(), *self._live.values()):
            job.advance(now)
            if job.ended is not None:
                self.settle(job)
        return sorted(self, key=lambda job: (job.submitted, job.request_id))

    def clear(self) -> None:
        """Forget all jobs."""
        for table in (*self._tables, self._changed):
            table.clear()
        self._due.clear()
        self.ended.clear()

    def get(self, request_id: str, now: float) -> Job | None:
        """The job with this id, advanced to `now`; None if there is none or its `ttl` is over."""
        job = self._over.get(request_id)
        if job is None:
            job = self._live.get(request_id) or self._unseen.get(request_id)
            if job is None:
                return None
            job.advance(now)
            self.settle(job)
        if self._is_past(job, now):
            self._drop(request_id)
            return None
        job.touched = now
        return job

    def peek(self, request_id: str) -> Job | None:
        """The job with this id, without advancing it or counting as a use."""
        return next((table[request_id] for table in self._tables if request_id in table), None)

    def advanced(self, request_id: str, now: float) -> Job | None:
        """The job with this id, advanced to `now` but not counted as used; None if there is none."""
        job = self.peek(request_id)
        if job is not None and request_id not in self._over:
            job.advance(now)
            if job.ended is not None:
                self.settle(job)
        return job

    def settle(self, job: Job) -> None:
        """Note that a job that was not over was used, and may have ended or changed otherwise."""
        request_id = job.request_id
        if request_id in self._changed:
            self.note(job)
        if job.ended is not None:
            if self._live.pop(request_id, None) or self._unseen.pop(request_id, None):
                self._over[request_id] = job
                self.ended.append(job)
        elif request_id in self._live:
            self._live.move_to_end(request_id)
        elif not job.unseen:
            self._live[request_id] = self._unseen.pop(request_id)
            self._await_end(job)

    def _is_past(self, job: Job, now: float) -> bool:
        if job.ended is None:
            return self._is_stale(job, now) and not job.ends_by_itself
        return now - job.ended > self.ttl

    def _is_stale(self, job: Job, now: float) -> bool:
        return now - job.touched > self.ttl

    def queued(self, app: str, now: float) -> int:
        """How many jobs of an app wait for a runner at `now`."""
        self._settle(now)
        waiting = 0
        for job in list(self._live.values()):
            job.advance(now)
            waiting += job.app == app and job.state is State.QUEUED and not self._is_past(job, now)
        return waiting

    def expire(self, now: float) -> None:
        """Drop the jobs whose `ttl` is over."""
        self._settle(now)
        for table in self._tables:
            while table:
                job = next(iter(table.values()))
                if self._is_past(job, now):
                    self._drop(job.request_id)
                elif job.ended is None and self._is_stale(job, now):  # the jobs after it may be past
                    job.touched = now
                    job.advance(now)
                    self.settle(job)
                else:
                    break

    def _settle(self, now: float) -> None:
        """Move the jobs that the clock ended by `now` to the ended ones, earliest end first."""
        while self._due and self._due[0][0] <= now:
            _, request_id = heapq.heappop(self._due)
            job = self._live.get(request_id)
            if job is not None:
                job.advance(now)
                if job.ended is not None:
                    del self._live[request_id]
                    self._over[request_id] = job
                    self.ended.append(job)
                    self.note(job)
