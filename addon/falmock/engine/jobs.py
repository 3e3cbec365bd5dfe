"""Queued jobs: one job's life by clock or by polls, and the bounded table they are kept in.

A job is plain data. Everything it shows (status, result, cancel) is a view of it at a moment; `advance` brings it
up to that moment by firing the events of `wire.lifecycle` that are due.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from falmock.engine.pace import Schedule
from falmock.engine.strike import Strike
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Log
from falmock.wire.lifecycle import TERMINAL
from falmock.wire.lifecycle import Event
from falmock.wire.lifecycle import State
from falmock.wire.lifecycle import next_state


@dataclass(slots=True)
class Job:
    """One queued request. Times are seconds since the epoch, `deadline` seconds after `submitted`."""

    request_id: str
    app: str
    host: str
    submitted: float
    deadline: float
    schedule: Schedule
    answer: Answer
    logs: tuple[Log, ...]
    inference_time: float | None
    honours_cancel: bool
    fixture: str
    why: str
    state: State = State.QUEUED
    polls: int = 0
    ended: float | None = None
    touched: float = 0.0
    retried: int = 0
    endpoint: str = ""
    """The endpoint id it was submitted to."""
    strike: Strike | None = None
    """The fault that is in the fixture which answers it."""
    held: bool = False
    """Whether neither clock nor polls move it."""
    erased: bool = False
    """Whether its input and output were deleted."""

    def fire(self, event: Event, now: float) -> None:
        """Let an event happen. Raises ImpossibleEvent where the table does not have it."""
        self.state = next_state(self.state, event)
        if self.state in TERMINAL:
            self.ended = now

    def advance(self, now: float) -> None:
        """Fire what is due by the clock at `now`."""
        if self.held:
            return
        if self.awaits_cancel:
            self._advance_to_its_place(now)
            return
        while self.ended is None and self._step(now - self.submitted):
            pass

    def _step(self, elapsed: float) -> bool:
        """Fire the next event that is due by the clock; False when none is.

        `elapsed` is in seconds after the submit.
        """
        schedule = self.schedule
        if self.state is State.QUEUED:
            lost, starts = schedule.retries[self.retried - 1] if self.retried else (0.0, schedule.started)
            starts_in_time = not schedule.by_polls and starts <= self.deadline
            if starts_in_time and elapsed >= starts:
                self.fire(Event.START, self.submitted + starts)
            elif not starts_in_time and elapsed >= max(lost, self.deadline):
                self.fire(Event.EXPIRE, self.submitted + max(lost, self.deadline))
            else:
                return False
            return True
        leaves = self._leaves_runner
        if self.state is not State.RUNNING or schedule.by_polls or elapsed < leaves:
            return False
        self._leave_runner(self.submitted + leaves)
        return True

    @property
    def _leaves_runner(self) -> float:
        """When a running job is done with its runner, well or not: seconds after the submit."""
        retries = self.schedule.retries
        return retries[self.retried].requeued if self.retried < len(retries) else self.schedule.completed

    def move(self, now: float) -> None:
        """Fire the next event by hand, whatever clock and polls would have; only for a job that is not over."""
        if self.state is State.QUEUED:
            self.fire(Event.START, now)
        else:
            self._leave_runner(now)

    def complete(self, now: float) -> None:
        """Fire by hand all events to its end; only for a job that is not over."""
        while self.ended is None:
            self.move(now)

    def _leave_runner(self, at: float) -> None:
        if self.retried < len(self.schedule.retries):
            self.fire(Event.RETRY, at)
            self.retried += 1
        else:
            self.fire(Event.FINISH, at)

    @property
    def awaits_cancel(self) -> bool:
        """Whether this is a job that its client cancelled: it goes as far as it went then, and waits to be cancelled."""
        return self.schedule.reaches is not State.FINISHED

    @property
    def ends_by_itself(self) -> bool:
        """Whether the clock ends it, be it asked for or not."""
        return not (self.schedule.by_polls or self.held or self.awaits_cancel)

    def _advance_to_its_place(self, now: float) -> None:
        schedule = self.schedule
        starts = schedule.reaches is State.RUNNING and not schedule.by_polls
        if starts and self.state is State.QUEUED and now - self.submitted >= schedule.started:
            self.fire(Event.START, self.submitted + schedule.started)

    def poll(self, now: float) -> None:
        """Bring the job up to `now` for a client that asks after it; polls are what moves a job paced by them."""
        self.advance(now)
        schedule = self.schedule
        if not schedule.by_polls or self.ended is not None or self.held:
            return
        # At most one step a poll: every client sees IN_PROGRESS once (aimock's rule).
        self.polls += 1
        if self.state is schedule.reaches:
            return
        if self.state is State.QUEUED:
            if self.polls >= schedule.polls_to_start:
                self.fire(Event.START, now)
        elif self.polls >= schedule.polls_to_finish:
            self._leave_runner(now)

    def moments(self, now: float) -> list[float]:
        """When, from `now` on, something about the job changes by the clock; `now` is the first."""
        if self.ended is not None or self.held:
            return [now]
        schedule = self.schedule
        lost, starts = schedule.retries[-1] if schedule.retries else (0.0, schedule.started)
        ends = schedule.completed if starts <= self.deadline else max(lost, self.deadline)
        changes = [schedule.started, ends, *schedule.log_times, *(position.at for position in schedule.positions)]
        changes += [at for retry in schedule.retries for at in retry]
        # A microsecond later than they are due: in floats, submitted + at - submitted may be less than at.
        later = (self.submitted + at + 1e-6 for at in changes if at <= ends)
        return sorted({now, *(moment for moment in later if moment > now)})

    def cancel(self, now: float) -> None:
        """Ask the job to stop; only for one that is not over."""
        self.fire(Event.CANCEL if self.honours_cancel else Event.CANCEL_IGNORED, now)

    def position(self, now: float) -> int:
        """The place in the queue at `now`; 0 is next."""
        schedule = self.schedule
        if schedule.by_polls:
            return max(0, schedule.polls_to_start - self.polls)
        place = schedule.positions[0].position
        for at, position in schedule.positions:
            if self.submitted + at > now:
                break
            place = position
        return place

    def logs_until(self, now: float) -> list[tuple[float, Log]]:
        """The log lines written by `now`, each with its time (seconds since the epoch)."""
        schedule = self.schedule
        if self.state is State.FINISHED:
            until = float("inf")
        elif schedule.by_polls:
            # No clock tells how far it is: half way through the run.
            until = self.submitted + (schedule.started + schedule.completed) / 2
        else:
            until = now if self.ended is None else self.ended
        times = (self.submitted + at for at in schedule.log_times)
        return [(at, log) for at, log in zip(times, self.logs, strict=True) if at <= until]


class TooManyJobs(Exception):
    """The table is full of jobs that are not over, so there is no room for another."""


class Jobs:
    """The jobs of one scope: at most `limit`, each kept `ttl` seconds after its end.

    One that no clock ends is kept so long after it was last asked for. When the table is full the job that ended first goes. A job that is not over is never dropped for another.
    """

    def __init__(self, limit: int, ttl: float) -> None:
        self.limit = limit
        self.ttl = ttl
        self.on_end: Callable[[Job], None] = lambda _: None
        """Called with every job that is found to be over after it was taken in."""
        self._live: OrderedDict[str, Job] = OrderedDict()
        self._over: OrderedDict[str, Job] = OrderedDict()
        self._due: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._live) + len(self._over)

    def add(self, job: Job, now: float) -> None:
        """Take in a new job. Raises TooManyJobs."""
        job.touched = now
        job.advance(now)
        self.expire(now)
        if len(self._live) + len(self._over) >= self.limit:
            if not self._over:
                raise TooManyJobs
            self._over.popitem(last=False)
        if job.ended is not None:
            self._over[job.request_id] = job
        else:
            self._live[job.request_id] = job
            self._await_end(job)

    def _await_end(self, job: Job) -> None:
        """Have a live job looked at when the clock ends it."""
        if not job.schedule.by_polls and not job.held:
            ends = min(job.schedule.completed, max(job.deadline, job.schedule.started))
            heapq.heappush(self._due, (job.submitted + ends, job.request_id))

    def release(self, job: Job, now: float) -> None:
        """Have a held job move again as it would have."""
        job.held = False
        job.advance(now)
        if job.ended is None:
            self._await_end(job)
        self.settle(job)

    def all(self, now: float) -> list[Job]:
        """Every job, brought up to `now` by the clock, in the order of their submits."""
        self.expire(now)
        for job in list(self._live.values()):
            job.advance(now)
            if job.ended is not None:
                self.settle(job)
        return sorted((*self._over.values(), *self._live.values()), key=lambda job: (job.submitted, job.request_id))

    def clear(self) -> list[Job]:
        """Forget all jobs: these."""
        jobs = [*self._over.values(), *self._live.values()]
        self._over.clear()
        self._live.clear()
        self._due.clear()
        return jobs

    def get(self, request_id: str, now: float) -> Job | None:
        """The job with this id, brought up to `now` by the clock; None when there is none or its time is over."""
        job = self._over.get(request_id)
        if job is None:
            job = self._live.get(request_id)
            if job is None:
                return None
            job.advance(now)
            self.settle(job)
        if self._is_past(job, now):
            self._over.pop(request_id, None)
            self._live.pop(request_id, None)
            return None
        job.touched = now
        return job

    def peek(self, request_id: str) -> Job | None:
        """The job with this id as it was last seen, kept no longer for it."""
        return self._over.get(request_id) or self._live.get(request_id)

    def settle(self, job: Job) -> None:
        """Note that a live job was asked for, and may have ended."""
        if job.ended is None:
            self._live.move_to_end(job.request_id)
        elif self._live.pop(job.request_id, None) is not None:
            self._over[job.request_id] = job
            self.on_end(job)

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
            waiting += job.app == app and job.state is State.QUEUED
        return waiting

    def expire(self, now: float) -> None:
        """Drop the jobs whose time is over."""
        self._settle(now)
        for table in (self._over, self._live):
            while table:
                job = next(iter(table.values()))
                if self._is_past(job, now):
                    del table[job.request_id]
                elif job.ended is None and self._is_stale(job, now):  # those behind it may be past
                    job.touched = now
                    job.advance(now)
                    self.settle(job)
                else:
                    break

    def _settle(self, now: float) -> None:
        """Move the jobs that the clock has ended by `now` to those that are over, oldest end first."""
        while self._due and self._due[0][0] <= now:
            _, request_id = heapq.heappop(self._due)
            job = self._live.get(request_id)
            if job is not None:
                job.advance(now)
                if job.ended is not None:
                    del self._live[request_id]
                    self._over[request_id] = job
                    self.on_end(job)
