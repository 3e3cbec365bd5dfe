"""The schedule of webhooks: which deliveries are due, and what the answers lead to.

A delivery waits for the end of its job, whatever ends it. It is then tried until it is delivered or given up. A new
attempt starts only after the last one has ended.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.context import Context
from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.engine.journal import WEBHOOK
from falmock.engine.journal import JournalEntry
from falmock.engine.miss_log import MOST
from falmock.engine.webhooks import destination
from falmock.engine.webhooks.delivery import ONCE
from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.engine.webhooks.delivery import WebhookDelivery
from falmock.engine.webhooks.delivery import end_of
from falmock.engine.webhooks.delivery import end_text
from falmock.engine.webhooks.delivery import policy_for
from falmock.engine.webhooks.destination import RefusedDestination
from falmock.engine.webhooks.request import Attempt
from falmock.wire import webhook
from falmock.wire.webhook import AttemptOutcome
from falmock.wire.webhook import WebhookTarget

Outcome = Callable[[str, Job], Reply]
"""From the name of a scope and an ended job of it to the job's result."""


class AttemptResult(NamedTuple):
    """What an attempt leads to, and the text for the log."""

    outcome: AttemptOutcome
    text: str


class PostedAttempt(NamedTuple):
    """What an attempt leads to, and its entry for the journal of `scope`; None if that scope was dropped."""

    result: AttemptResult
    entry: JournalEntry
    scope: str | None


class _Awaited(NamedTuple):
    """A job that is not known to be over, and the keys of its deliveries."""

    job: Job
    keys: list[int]


class WebhookSchedule:
    """The webhooks of all scopes; at most `fal_max_jobs` are undelivered at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.used = False
        """Whether a webhook was ever registered here."""
        self._open: dict[int, WebhookDelivery] = {}
        self._waiting: dict[str, _Awaited] = {}
        self._yielding: set[int] = set()
        self._dates: list[tuple[float, int]] = []
        self._count = 0
        self._refused: set[str] = set()

    def __len__(self) -> int:
        return len(self._open)

    def in_scope(self, context: Context) -> WebhookSchedule:  # noqa: ARG002 - there is one for all scopes
        """The schedule for the jobs of another scope."""
        return self

    def tell(self, effect: Callable[[], None]) -> None:
        """Have an effect outside the schedule, as soon as what was scheduled is kept."""
        effect()

    @property
    def standing(self) -> list[str]:
        """The state of each undelivered webhook in a few words, the oldest first."""
        return [delivery.standing for delivery in self._open.values()]

    def has_any_of(self, scope: str) -> bool:
        """Whether a scope has undelivered webhooks."""
        return any(delivery.scope == scope for delivery in self._open.values())

    # what to post

    def check(self, now: float) -> Reply | None:
        """The reply if there is no room for one more webhook; None if there is room."""
        limit = self._context.config.max_jobs
        if len(self._open) >= limit:
            self._forget_lost(now)
        return no_room(limit) if len(self._open) >= limit else None

    def undelivered(self, target: WebhookTarget) -> str | None:
        """Why nothing is posted to this target's name, in a few words; None if its address decides."""
        try:
            destination.check_name(self._context.config, target)
        except RefusedDestination as error:
            return str(error)
        return None

    def note_refusal(self, target: WebhookTarget) -> bool:
        """Note that a webhook is refused. Returns whether it is the host's first: the log names each host once, up to MOST."""
        is_first = target.host not in self._refused and len(self._refused) < MOST
        if is_first:
            self._refused.add(target.host)
        return is_first

    def register(self, job: Job, scope: str, target: WebhookTarget, plan: DeliveryPlan = ONCE) -> None:
        """Schedule the webhook of a new job, to be posted to `target` when the job is over."""
        self.used = True
        policy = policy_for(self._context.config.pace)
        # Only one yields at a time: if all of a row did, all would be late, but in order.
        yields = plan.yields and not any(self._open[key].scope == scope for key in self._yielding)
        for delay in plan.delays if yields or not plan.yields else (0.0,):
            self._count += 1
            delivery = self._open[self._count] = WebhookDelivery(
                job.request_id, scope, job.fixture, job.submitted, end_of(job), None, target, policy, plan, delay
            )
            if yields:
                self._yielding.add(self._count)
            self._waiting.setdefault(job.request_id, _Awaited(job, [])).keys.append(self._count)
            self._schedule(self._count, delivery.first())

    def awaits(self, job: Job) -> bool:
        """Whether webhooks wait for the end of a job."""
        return job.request_id in self._waiting

    def ended(self, job: Job, result: Reply) -> None:
        """Schedule the webhooks of a job that is over, with its `result`."""
        for key in self._waiting.pop(job.request_id, _Awaited(job, [])).keys:
            delivery = self._open[key]
            delivery.over, delivery.result = job.ended, result
            self._schedule(key, delivery.first())

    def forget(self, scope: str) -> None:
        """Drop the webhooks of a scope, except attempts under way."""
        for key, delivery in list(self._open.items()):
            if delivery.scope != scope:
                continue
            if delivery.due is not None or delivery.attempt == 0:
                self._waiting.pop(delivery.request_id, None)
                self._close(key)
            elif scope:
                delivery.scope = None  # a new scope of this name is another one

    def next(self) -> float | None:
        """When something is due next (seconds since the epoch); None if nothing is scheduled."""
        dates = self._dates
        while dates and not self._is_current(*dates[0]):
            heapq.heappop(dates)
        return dates[0][0] if dates else None

    def due(self, now: float, outcome: Outcome, most: int = 1000) -> list[Attempt]:
        """The attempts to make at `now`, at most `most`; the caller reports the end of each to `posted`."""
        attempts: list[Attempt] = []
        while len(attempts) < most and (when := self.next()) is not None and when <= now:
            _, key = heapq.heappop(self._dates)
            delivery = self._open[key]
            delivery.due = None
            result = delivery.result
            if result is None:
                job = self._waiting[delivery.request_id].job
                job.look(now)
                if job.ended is None:
                    continue  # `ended` will schedule it
                result = outcome(delivery.scope or "", job)
                self.ended(job, result)
                delivery.due = None
            first = delivery.first()
            if first is not None and first > now and delivery.attempt == 0:
                self._schedule(key, first)
                continue
            attempts.append(self._attempt(key, delivery, result))
        return attempts

    def _schedule(self, key: int, when: float | None) -> None:
        self._open[key].due = when
        if when is not None:
            heapq.heappush(self._dates, (when, key))

    def _is_current(self, when: float, key: int) -> bool:
        delivery = self._open.get(key)
        return delivery is not None and delivery.due == when

    def _close(self, key: int) -> None:
        self._yielding.discard(key)
        del self._open[key]

    def _forget_lost(self, now: float) -> None:
        """Drop the deliveries of jobs that will never be over: unused for longer than `job_ttl`."""
        ttl = self._context.config.job_ttl
        for request_id, (job, keys) in list(self._waiting.items()):
            if all(self._open[key].due is None for key in keys) and now - job.touched > ttl:
                del self._waiting[request_id]
                for key in keys:
                    self._close(key)

    def _attempt(self, key: int, delivery: WebhookDelivery, result: Reply) -> Attempt:
        delivery.attempt += 1
        self._yielding.discard(key)
        return attempt_of(key, delivery, result)

    # the ends of attempts

    def posted(
        self, key: int, status: int | None, problem: str, now: float, *, is_refused: bool = False
    ) -> PostedAttempt:
        """An attempt has ended with `status`, or without an answer (None): `problem` then says why in a few words.

        `is_refused`: nothing was sent, because the target is not allowed. It is not tried again.
        """
        delivery = self._open[key]
        posted = judged(delivery, status, problem, now, is_refused=is_refused)
        outcome = posted.result.outcome
        if outcome is AttemptOutcome.AGAIN:
            self._schedule(key, now + delivery.policy.wait_after(delivery.attempt))
        else:
            self._close(key)
        if outcome is AttemptOutcome.DELIVERED:
            self._release_yielding(key, delivery)
        return posted

    def _release_yielding(self, key: int, delivered: WebhookDelivery) -> None:
        """A webhook was delivered: webhooks of earlier jobs of its scope that yield to it no longer wait."""
        for earlier in sorted(self._yielding):
            delivery = self._open[earlier]
            if earlier < key and delivery.scope == delivered.scope and delivery.request_id != delivered.request_id:
                self._yielding.discard(earlier)
                delivery.delay = 0.0
                if delivery.due is not None:
                    self._schedule(earlier, delivery.first())


def no_room(limit: int) -> Reply:
    """The reply to a submit with a webhook when so many are not delivered yet."""
    message = f"falmock holds {limit} webhooks that are not delivered yet: answer some with 2xx, or raise fal_max_jobs"
    return replies.problem(507, message, "too many undelivered webhooks")


def attempt_of(key: int | str, delivery: WebhookDelivery, result: Reply) -> Attempt:
    """The attempt to make, of a delivery that counts it already."""
    policy, plan, number = delivery.policy, delivery.plan, delivery.attempt
    timeout = policy.timeout_of(number)
    return Attempt(key, delivery.request_id, number, policy.tries, delivery.target, timeout, plan.forged, result)


def judged(
    delivery: WebhookDelivery, status: int | None, problem: str, now: float, *, is_refused: bool
) -> PostedAttempt:
    """What the end of an attempt leads to: see `WebhookSchedule.posted`."""
    policy, attempt = delivery.policy, delivery.attempt
    outcome = AttemptOutcome.GIVEN_UP if is_refused else webhook.judge(policy, attempt, status)
    answer = f"status {status}" if status is not None else problem
    if outcome is AttemptOutcome.AGAIN:
        text = f"attempt {attempt} of {policy.tries}: {answer}; again in {policy.wait_after(attempt):.3g} s"
    else:
        text = f"refused: {problem}" if is_refused else end_text(outcome, attempt, answer, status)
    text = f"webhook of job {delivery.request_id}: {text}"
    entry = entry_of(delivery.request_id, delivery.target, delivery.fixture, now, status, text, delivery.plan.fault)
    return PostedAttempt(AttemptResult(outcome, text), entry, delivery.scope)


def entry_of(
    request_id: str, target: WebhookTarget, fixture: str, now: float, status: int | None, why: str, fault: str | None
) -> JournalEntry:
    """The entry of a webhook in the journal: of an attempt that ended with `status`, or got no answer (None)."""
    path = target.path.partition("?")[0]
    entry = JournalEntry(now, "POST", target.host, path, status, fixture, why, None, fault)
    return entry._replace(job=request_id, kind=WEBHOOK)
