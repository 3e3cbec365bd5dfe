"""One delivery of a webhook: when it is due, how often it is tried, and how to say what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.pace import Pace
from falmock.engine.jobs.pace import PaceKind
from falmock.wire.lifecycle import State
from falmock.wire.webhook import AttemptOutcome
from falmock.wire.webhook import Policy
from falmock.wire.webhook import WebhookTarget

HEAD_START = 0.1
"""Seconds from a submit to the first delivery at least: an app has to know a request id before it is told of it."""
HURRIED = 1000.0
"""How much faster than fal deliveries are tried again at a pace that is not the recorded one, or a multiple of it."""
HURRIED_TIMEOUT, SHORTEST_TIMEOUT = 5.0, 3.0
"""Seconds that an answer may take at such a pace, and at least at any."""


class DeliveryPlan(NamedTuple):
    """How often a webhook is delivered, and how: once for each of `delays` (seconds after the job's end), never for none.

    `forged` has it signed by a signature that does not hold. One that `yields` is not delayed for longer than it takes
    until the webhook of a later job of its scope is delivered. `fault` names what asks for all that.
    """

    delays: tuple[float, ...] = (0.0,)
    forged: bool = False
    yields: bool = False
    fault: str | None = None


ONCE = DeliveryPlan()


@dataclass(slots=True)
class WebhookDelivery:
    """A webhook that is not delivered yet. Times are seconds since the epoch, `delay` is in seconds after the job's end.

    `scope` is the name of the job's scope, None where that was dropped since. `over` is when the job ends as far as is
    known, `result` what it came to, None before that. `due` is when it is to be looked at, None while something else
    comes first.
    """

    request_id: str
    scope: str | None
    fixture: str
    submitted: float
    over: float | None
    result: Reply | None
    target: WebhookTarget
    policy: Policy
    plan: DeliveryPlan
    delay: float
    attempt: int = 0
    due: float | None = None

    def first(self) -> float | None:
        """When the job is over and this due, as far as the clock tells.

        None where only polls or a cancel end the job.
        """
        return None if self.over is None else max(self.over + self.delay, self.submitted + HEAD_START)

    @property
    def standing(self) -> str:
        """How it stands, in a few words without secrets."""
        if self.attempt == 0:
            how = "not tried yet" if self.result is not None else "its job is not over"
        else:
            how = f"attempt {self.attempt} of {self.policy.tries} {'broken off' if self.due is None else 'failed'}"
        return f"job {self.request_id} to {self.target.host} ({how})"


def end_of(job: Job) -> float | None:
    """When a job ended, or the clock will end it (seconds since the epoch); None when only polls or a cancel do."""
    if job.ended is not None:
        return job.ended
    if job.awaits_cancel or job.held:
        return None
    if job.schedule.by_polls:
        return job.submitted + job.deadline + 1e-6 if job.state is State.QUEUED else None
    return job.moments(job.submitted)[-1]


def policy_for(pace: Pace) -> Policy:
    """How deliveries are tried at a pace: as documented at the recorded one, faster at others."""
    documented = Policy()
    if pace.kind is not PaceKind.SCALED:
        return Policy(
            documented.tries,
            HURRIED_TIMEOUT,
            HURRIED_TIMEOUT,
            documented.first_wait / HURRIED,
            documented.longest_wait / HURRIED,
        )
    return Policy(
        documented.tries,
        max(SHORTEST_TIMEOUT, documented.first_timeout / pace.value),
        max(SHORTEST_TIMEOUT, documented.timeout / pace.value),
        documented.first_wait / pace.value,
        documented.longest_wait / pace.value,
    )


def last_words(outcome: AttemptOutcome, attempt: int, said: str, status: int | None) -> str:
    """What came of a delivery that is over; `said` is how its last attempt ended."""
    if outcome is AttemptOutcome.DELIVERED:
        return f"delivered ({said})" if attempt == 1 else f"delivered at attempt {attempt} ({said})"
    if status is not None and status < 400:
        return f"given up: {said}, and fal does not follow redirects"
    return f"given up after {attempt} attempts: {said}"
