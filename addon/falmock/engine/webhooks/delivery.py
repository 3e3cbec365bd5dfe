"""One delivery of a webhook: when it is due, how often it is tried, and the log text for its end."""

from __future__ import annotations

import math
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
"""The least seconds from a submit to the first delivery: the client must know the request id before the webhook comes."""
HURRIED = 1000.0
"""How much faster than fal a delivery is retried at a pace other than `recorded` and its multiples."""
HURRIED_TIMEOUT, SHORTEST_TIMEOUT = 5.0, 3.0
"""Timeouts of an attempt (seconds): the one at such a pace, and the least at any pace."""


class DeliveryPlan(NamedTuple):
    """How a webhook is delivered: once for each of `delays` (seconds after the job's end); never if there are none.

    With `forged`, the signature is invalid. With `yields`, the delay ends early when the webhook of a later job of its
    scope is delivered. `fault` names the fault that asks for all this.
    """

    delays: tuple[float, ...] = (0.0,)
    forged: bool = False
    yields: bool = False
    fault: str | None = None


ONCE = DeliveryPlan()


@dataclass(slots=True)
class WebhookDelivery:
    """A webhook that is not delivered yet. Times are seconds since the epoch; `delay` is in seconds after the job's end.

    `scope` is the name of the job's scope, None if that was dropped since. `over` is the end of the job, None if not
    known yet; `result` is None before the end. `due` is when to handle it next, None while it waits for its job or for
    the end of an attempt.
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
        """When the first attempt is due; None while only polls or a cancel can end the job."""
        return None if self.over is None else max(self.over + self.delay, self.submitted + HEAD_START)

    @property
    def standing(self) -> str:
        """Its state in a few words, without secrets."""
        if self.attempt == 0:
            how = "not tried yet" if self.result is not None else "its job is not over"
        else:
            how = f"attempt {self.attempt} of {self.policy.tries} {'broken off' if self.due is None else 'failed'}"
        return f"job {self.request_id} to {self.target.host} ({how})"


def end_of(job: Job) -> float | None:
    """When a job ended, or the clock will end it (seconds since the epoch); None if only polls or a cancel can."""
    if job.ended is not None:
        return job.ended
    if job.awaits_cancel or job.held:
        return None
    if job.schedule.by_polls:
        expires = job.state is State.QUEUED and math.isfinite(job.deadline)
        return job.submitted + job.deadline + 1e-6 if expires else None
    return job.moments(job.submitted)[-1]


def policy_for(pace: Pace) -> Policy:
    """The retries and timeouts at a pace: as documented at `recorded`, faster at others."""
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


def end_text(outcome: AttemptOutcome, attempt: int, answer: str, status: int | None) -> str:
    """The log text for the end of a delivery; `answer` is how its last attempt ended."""
    if outcome is AttemptOutcome.DELIVERED:
        return f"delivered ({answer})" if attempt == 1 else f"delivered at attempt {attempt} ({answer})"
    if status is not None and status < 400:
        return f"given up: {answer}, and fal does not follow redirects"
    return f"given up after {attempt} attempts: {answer}"
