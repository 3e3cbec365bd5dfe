"""The agenda of webhooks: which deliveries are due, and what follows from how they were answered.

A delivery waits for its job to be over, however that comes about, and is then tried until it is taken or given up. It
is tried again only after the attempt before has ended.
"""

from __future__ import annotations

import fnmatch
import heapq
from collections.abc import Callable
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.context import Context
from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.engine.journal import JournalEntry
from falmock.engine.webhooks.delivery import ONCE
from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.engine.webhooks.delivery import WebhookDelivery
from falmock.engine.webhooks.delivery import end_of
from falmock.engine.webhooks.delivery import last_words
from falmock.engine.webhooks.delivery import policy_for
from falmock.engine.webhooks.request import Attempt
from falmock.wire import webhook
from falmock.wire.webhook import AttemptOutcome
from falmock.wire.webhook import WebhookTarget

Outcome = Callable[[str, Job], Reply]
"""From the name of a scope and a job of it that is over to what that came to."""


class AttemptResult(NamedTuple):
    """What follows from an attempt, and how to say so."""

    outcome: AttemptOutcome
    text: str


class PostedAttempt(NamedTuple):
    """What follows from an attempt, and the entry of it for the journal of `scope`, None where that was dropped."""

    result: AttemptResult
    entry: JournalEntry
    scope: str | None


class _Awaited(NamedTuple):
    """A job that is not known to be over, and its deliveries."""

    job: Job
    keys: list[int]


class WebhookSchedule:
    """The webhooks of all scopes, at most `fal_max_jobs` of them undelivered."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.used = False
        """Whether a webhook was ever registered here."""
        self._open: dict[int, WebhookDelivery] = {}
        self._waiting: dict[str, _Awaited] = {}
        self._yielding: set[int] = set()
        self._dates: list[tuple[float, int]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def standing(self) -> list[str]:
        """How those that are not delivered stand, in a few words each, the oldest first."""
        return [delivery.standing for delivery in self._open.values()]

    def has_any_of(self, scope: str) -> bool:
        """Whether any webhook of a scope is not delivered."""
        return any(delivery.scope == scope for delivery in self._open.values())

    # what is to be posted

    def check(self, now: float) -> Reply | None:
        """Why there is no room for one more webhook; None when there is."""
        limit = self._context.config.max_jobs
        if len(self._open) >= limit:
            self._forget_lost(now)
        if len(self._open) >= limit:
            message = (
                f"falmock holds {limit} webhooks that are not delivered yet: "
                "answer some with 2xx, or raise fal_max_jobs"
            )
            return replies.problem(507, message, "too many undelivered webhooks")
        return None

    def undelivered(self, target: WebhookTarget) -> str | None:
        """Why nothing is posted to this target, in a few words; None when it is."""
        config = self._context.config
        if config.hosts.claims(target.host, target.path):
            return f"{target.host} is a host of fal's"
        if config.webhook_hosts and not any(fnmatch.fnmatchcase(target.host, glob) for glob in config.webhook_hosts):
            return f"{target.host} is not among fal_webhook_hosts"
        return None

    def register(self, job: Job, scope: str, target: WebhookTarget, plan: DeliveryPlan = ONCE) -> None:
        """Follow a new job of a scope, and have it posted to `target` when it is over."""
        self.used = True
        policy = policy_for(self._context.config.pace)
        # Where one yields to this, they change places: else all of a row that yields would come late, and in order.
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

    def awaits(self, request_id: str) -> bool:
        """Whether webhooks wait for the end of a job."""
        return request_id in self._waiting

    def ended(self, job: Job, result: Reply) -> None:
        """A job is over, whatever ended it; `result` is what it came to."""
        for key in self._waiting.pop(job.request_id, _Awaited(job, [])).keys:
            delivery = self._open[key]
            delivery.over, delivery.result = job.ended, result
            self._schedule(key, delivery.first())

    def forget(self, scope: str) -> None:
        """Post nothing more of the jobs of a scope, but for what is under way."""
        for key, delivery in list(self._open.items()):
            if delivery.scope != scope:
                continue
            if delivery.due is not None or delivery.attempt == 0:
                self._waiting.pop(delivery.request_id, None)
                self._close(key)
            elif scope:
                delivery.scope = None  # the next one of this name is another

    def next(self) -> float | None:
        """When something is due next (seconds since the epoch); None while nothing is."""
        dates = self._dates
        while dates and not self._stands(*dates[0]):
            heapq.heappop(dates)
        return dates[0][0] if dates else None

    def due(self, now: float, outcome: Outcome, most: int = 1000) -> list[Attempt]:
        """The attempts to be made at `now`, at most so many; of each `posted` is to be told how it went."""
        attempts: list[Attempt] = []
        while len(attempts) < most and (when := self.next()) is not None and when <= now:
            _, key = heapq.heappop(self._dates)
            delivery = self._open[key]
            delivery.due = None
            result = delivery.result
            if result is None:
                job = self._waiting[delivery.request_id].job
                job.advance(now)
                if job.ended is None:
                    continue  # `ended` will tell
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

    def _stands(self, when: float, key: int) -> bool:
        delivery = self._open.get(key)
        return delivery is not None and delivery.due == when

    def _close(self, key: int) -> None:
        self._yielding.discard(key)
        del self._open[key]

    def _forget_lost(self, now: float) -> None:
        """Drop the deliveries of jobs that will never be over: their time is up, and nobody asks for them."""
        ttl = self._context.config.job_ttl
        for request_id, (job, keys) in list(self._waiting.items()):
            if all(self._open[key].due is None for key in keys) and now - job.touched > ttl:
                del self._waiting[request_id]
                for key in keys:
                    self._close(key)

    def _attempt(self, key: int, delivery: WebhookDelivery, result: Reply) -> Attempt:
        delivery.attempt += 1
        self._yielding.discard(key)
        policy, plan, number = delivery.policy, delivery.plan, delivery.attempt
        timeout = policy.timeout_of(number)
        return Attempt(key, delivery.request_id, number, policy.tries, delivery.target, timeout, plan.forged, result)

    # how it went

    def posted(self, key: int, status: int | None, problem: str, now: float) -> PostedAttempt:
        """An attempt has ended, answered with `status` or not at all (None): `problem` says why in a few words."""
        delivery = self._open[key]
        policy, attempt = delivery.policy, delivery.attempt
        outcome = webhook.judge(policy, attempt, status)
        said = f"status {status}" if status is not None else problem
        if outcome is AttemptOutcome.AGAIN:
            wait = policy.wait_after(attempt)
            self._schedule(key, now + wait)
            text = f"attempt {attempt} of {policy.tries}: {said}; again in {wait:.3g} s"
        else:
            self._close(key)
            text = last_words(outcome, attempt, said, status)
        if outcome is AttemptOutcome.DELIVERED:
            self._let_follow(key, delivery)
        text = f"webhook of job {delivery.request_id}: {text}"
        target = delivery.target
        path = target.path.partition("?")[0]
        entry = JournalEntry(now, "POST", target.host, path, status, delivery.fixture, text, None, delivery.plan.fault)
        entry = entry._replace(job=delivery.request_id, kind="webhook")
        return PostedAttempt(AttemptResult(outcome, text), entry, delivery.scope)

    def _let_follow(self, key: int, overtaker: WebhookDelivery) -> None:
        """A webhook was delivered: those of earlier jobs of its scope that yield to one need not wait any more."""
        for earlier in sorted(self._yielding):
            delivery = self._open[earlier]
            if earlier < key and delivery.scope == overtaker.scope and delivery.request_id != overtaker.request_id:
                self._yielding.discard(earlier)
                delivery.delay = 0.0
                if delivery.due is not None:
                    self._schedule(earlier, delivery.first())
