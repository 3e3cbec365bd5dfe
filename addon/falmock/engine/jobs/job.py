"""One queued job, driven by the clock or by polls: status, result and cancel are views of it at a time.

A job is plain data; `advance` brings it up to a time by firing the events of `wire.lifecycle` that are due.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from dataclasses import field
from typing import NamedTuple

from falmock.engine.injected_fault import InjectedFault
from falmock.engine.jobs.pace import Schedule
from falmock.fixtures.model import USUAL_URLS
from falmock.fixtures.model import CancelAnswer
from falmock.fixtures.model import JobUrls
from falmock.fixtures.model import Log
from falmock.wire.errors import ErrorSpec
from falmock.wire.lifecycle import TERMINAL
from falmock.wire.lifecycle import JobEvent
from falmock.wire.lifecycle import State
from falmock.wire.lifecycle import next_state

LOOKS = 200
"""How many looks of clients at a job are kept."""
ATTEMPTS = 50


class WebhookAttempt(NamedTuple):
    """An attempt that ended at a time (seconds since the epoch) with a status, or without an answer (None)."""

    at: float
    status: int | None
    why: str


@dataclass(slots=True)
class WebhookAttempts:
    """What came of a job's webhook: the host it goes to, and the last ATTEMPTS attempts."""

    host: str
    attempts: deque[WebhookAttempt] = field(default_factory=lambda: deque(maxlen=ATTEMPTS))


@dataclass(slots=True)
class Job:
    """One queued request. Times are seconds since the epoch; `deadline` is in seconds after `submitted`, or infinite."""

    request_id: str
    app: str
    host: str
    submitted: float
    deadline: float
    schedule: Schedule
    answer: str
    """The digest of its result, the key in the scope's `answers`; see `failure`."""
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
    failure: ErrorSpec | None = None
    """The error that is its result in place of `answer`."""
    error: str | None = None
    error_type: str | None = None
    """What its status shows after it failed."""
    injected: InjectedFault | None = None
    """The fault of the fixture that answers it."""
    held: bool = False
    """Whether it ignores the clock and polls, and only the control API moves it."""
    erased: bool = False
    """Whether its input and output were deleted."""
    urls: JobUrls = USUAL_URLS
    """The forms of its URLs, where they are not the usual ones."""
    cancel_answer: CancelAnswer | None = None
    """The answer to a cancel while it is not over, if it is not the usual one."""
    unseen: bool = False
    """Whether the clock does not move it before somebody looks at it, so that it can be cancelled at the pace instant."""
    moves: tuple[tuple[State, float], ...] = ()
    """The states after the first, each with the time of its begin."""
    looks: deque[float] | None = None
    """When clients asked for its status or result, the last LOOKS times; None if none did."""
    webhook: WebhookAttempts | None = None
    cancel_requested: bool = False
    """Whether a client asked to cancel it before it was over."""
    journal: int = 0
    number: int = 0
    """The journal of its submit (see `Journal.begun`) and the number there; 0 if there is none."""
    change: int = 0
    """Counts up with what may have changed of the jobs in its table: see `Jobs.changed_since`."""

    @property
    def states(self) -> list[tuple[State, float]]:
        """The states so far, each with the time of its begin."""
        return [(State.QUEUED, self.submitted), *self.moves]

    @property
    def started(self) -> float | None:
        """When it began to run, for the first time; None if it did not."""
        return next((at for state, at in self.moves if state is State.RUNNING), None)

    @property
    def path(self) -> str:
        """The part of its endpoint id after the app."""
        return self.endpoint.removeprefix(self.app).strip("/")

    def fire(self, event: JobEvent, now: float) -> None:
        """Apply an event. Raises ImpossibleEvent if the state does not allow it."""
        before, self.state = self.state, next_state(self.state, event)
        if self.state is not before:
            self.moves += ((self.state, now),)
        if self.state in TERMINAL:
            self.ended = now

    def advance(self, now: float) -> None:
        """Fire all events that are due by the clock at `now`."""
        if self.held:
            return
        if self.unseen:
            # Only a running app can ignore a cancel, so a job of such an app waits for its first look while it runs.
            if not self.honours_cancel and self.state is State.QUEUED:
                self.fire(JobEvent.START, self.submitted)
            return
        if self.awaits_cancel:
            self._advance_until_cancel(now)
            return
        while self.ended is None and self._step(now - self.submitted):
            pass

    def look(self, now: float) -> None:
        """Let the clock move the job from now on, also one that was unseen, and bring it up to `now`."""
        self.unseen = False
        self.advance(now)

    def _step(self, elapsed: float) -> bool:
        """Fire the next event that is due by the clock; False when none is.

        `elapsed` is in seconds after the submit.
        """
        schedule = self.schedule
        if self.state is State.QUEUED:
            lost, starts = schedule.retries[self.retried - 1] if self.retried else (0.0, schedule.started)
            starts_in_time = not schedule.by_polls and starts <= self.deadline
            if starts_in_time and elapsed >= starts:
                self.fire(JobEvent.START, self.submitted + starts)
            elif not starts_in_time and elapsed >= max(lost, self.deadline):
                self.fire(JobEvent.EXPIRE, self.submitted + max(lost, self.deadline))
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
        """When a running job leaves its runner, finished or to be retried: seconds after the submit."""
        retries = self.schedule.retries
        return retries[self.retried].requeued if self.retried < len(retries) else self.schedule.completed

    def move(self, now: float) -> None:
        """Fire the next event now, regardless of clock and polls; only for a job that is not over."""
        if self.state is State.QUEUED:
            self.fire(JobEvent.START, now)
        else:
            self._leave_runner(now)

    def complete(self, now: float) -> None:
        """Fire all events up to its end now; only for a job that is not over."""
        while self.ended is None:
            self.move(now)

    def _leave_runner(self, at: float) -> None:
        if self.retried < len(self.schedule.retries):
            self.fire(JobEvent.RETRY, at)
            self.retried += 1
        else:
            self.fire(JobEvent.FINISH, at)

    @property
    def awaits_cancel(self) -> bool:
        """Whether its client cancelled it when it was recorded: it goes as far as it did then, and waits for a cancel."""
        return self.schedule.reaches is not State.FINISHED

    @property
    def ends_by_itself(self) -> bool:
        """Whether the clock ends it without any request."""
        return not (self.schedule.by_polls or self.held or self.awaits_cancel or self.unseen)

    def _advance_until_cancel(self, now: float) -> None:
        schedule = self.schedule
        starts = schedule.reaches is State.RUNNING and not schedule.by_polls
        if starts and self.state is State.QUEUED and now - self.submitted >= schedule.started:
            self.fire(JobEvent.START, self.submitted + schedule.started)

    def poll(self, now: float) -> None:
        """Bring the job up to `now` for a client that polls; this moves a job that is paced by polls."""
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
                self.fire(JobEvent.START, now)
        elif self.polls >= schedule.polls_to_finish:
            self._leave_runner(now)

    def moments(self, now: float) -> list[float]:
        """The times from `now` on at which the clock changes the job; `now` is the first."""
        if self.ended is not None or self.held:
            return [now]
        schedule = self.schedule
        lost, starts = schedule.retries[-1] if schedule.retries else (0.0, schedule.started)
        ends = schedule.completed if starts <= self.deadline else max(lost, self.deadline)
        changes = [schedule.started, ends, *schedule.log_times, *(position.at for position in schedule.positions)]
        changes += [at for retry in schedule.retries for at in retry]
        # A microsecond late: in floats, submitted + at - submitted may be less than at.
        later = (self.submitted + at + 1e-6 for at in changes if at <= ends)
        return sorted({now, *(moment for moment in later if moment > now)})

    def next_change(self, now: float) -> float | None:
        """When the clock may change it next after `now`; None if the clock does not."""
        if self.ended is not None or self.held or self.unseen:
            return None
        if self.schedule.by_polls:
            expires = self.submitted + self.deadline + 1e-6  # late as in `moments`
            return expires if self.state is State.QUEUED and now < expires < float("inf") else None
        return next(iter(self.moments(now)[1:]), None)

    def cancel(self, now: float) -> None:
        """Cancel the job; only for one that is not over."""
        self.fire(JobEvent.CANCEL if self.honours_cancel else JobEvent.CANCEL_IGNORED, now)

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
            # The clock does not say how far it is: assume half way through the run.
            until = self.submitted + (schedule.started + schedule.completed) / 2
        else:
            until = now if self.ended is None else self.ended
        times = (self.submitted + at for at in schedule.log_times)
        return [(at, log) for at, log in zip(times, self.logs, strict=True) if at <= until]
