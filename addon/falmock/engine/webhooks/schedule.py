"""The agenda of webhooks: which deliveries are due, and what follows from how they were answered.

A delivery waits for its job to be over, however that comes about, and is then tried until it is taken or given up. It
is tried again only after the attempt before has ended.
"""

from __future__ import annotations

import fnmatch
import heapq
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.engine.journal import Journal
from falmock.engine.journal import JournalEntry
from falmock.engine.webhooks import request
from falmock.engine.webhooks.delivery import ONCE
from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.engine.webhooks.delivery import WebhookDelivery
from falmock.engine.webhooks.delivery import last_words
from falmock.engine.webhooks.delivery import policy_for
from falmock.engine.webhooks.request import NoKey
from falmock.engine.webhooks.request import WebhookEdge
from falmock.engine.webhooks.request import WebhookPost
from falmock.wire import webhook
from falmock.wire.webhook import AttemptOutcome
from falmock.wire.webhook import WebhookTarget


class AttemptResult(NamedTuple):
    """What follows from an attempt, and how to say so."""

    outcome: AttemptOutcome
    text: str


class WebhookSchedule:
    """The webhooks of all scopes, at most `fal_max_jobs` of them undelivered."""

    def __init__(self, answers: Answers) -> None:
        self.edge: WebhookEdge | None = None
        """Set by an edge that posts: without one there are no webhooks."""
        self.used = False
        """Whether a webhook was ever registered here."""
        self._context = answers.context
        self._answers = answers
        self._open: dict[int, WebhookDelivery] = {}
        self._waiting: dict[str, list[int]] = {}
        self._yielding: set[int] = set()
        self._dates: list[tuple[float, int]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def standing(self) -> list[str]:
        """How those that are not delivered stand, in a few words each, the oldest first."""
        return [delivery.standing for delivery in self._open.values()]

    # what is to be posted

    def check(self, target: WebhookTarget, now: float) -> Reply | None:
        """Why a submit with this webhook is refused; None when it is not."""
        if self.edge is None or self.undelivered(target) is not None:
            return None
        limit = self._context.config.max_jobs
        if len(self._open) >= limit:
            self._forget_lost(now)
        if len(self._open) >= limit:
            message = (
                f"falmock holds {limit} webhooks that are not delivered yet: "
                "answer some with 2xx, or raise fal_max_jobs"
            )
            return replies.problem(507, message, "too many undelivered webhooks")
        try:
            self.edge.public_key()
        except NoKey as error:
            return replies.problem(500, str(error), "webhooks cannot be signed")
        return None

    def undelivered(self, target: WebhookTarget) -> str | None:
        """Why nothing is posted to this target, in a few words; None when it is."""
        config = self._context.config
        if config.hosts.claims(target.host, target.path):
            return f"{target.host} is a host of fal's"
        if config.webhook_hosts and not any(fnmatch.fnmatchcase(target.host, glob) for glob in config.webhook_hosts):
            return f"{target.host} is not among fal_webhook_hosts"
        return None

    def register(self, job: Job, journal: Journal, target: WebhookTarget, plan: DeliveryPlan = ONCE) -> str:
        """Follow a new job, and post to `target` when it is over; `journal` is its scope's.

        What comes of it, in a few words.
        """
        why = self.undelivered(target)
        if self.edge is None or why is not None:
            text = f"fal_webhook is not delivered: {why or 'nothing here posts'}"
            if self.edge is not None:
                self.edge.warn(f"job {job.request_id}: {text}")
            return text
        self.used = True
        policy = policy_for(self._context.config.pace)
        # Where one yields to this, they change places: else all of a row that yields would come late, and in order.
        yields = plan.yields and not any(self._open[key].journal is journal for key in self._yielding)
        for delay in plan.delays if yields or not plan.yields else (0.0,):
            self._count += 1
            delivery = self._open[self._count] = WebhookDelivery(job, journal, target, policy, plan, delay)
            if yields:
                self._yielding.add(self._count)
            if job.ended is None:
                self._waiting.setdefault(job.request_id, []).append(self._count)
            self._schedule(self._count, delivery.first())
        self.edge.changed()
        return f"fal_webhook goes to {target.host}"

    def ended(self, job: Job) -> None:
        """A job is over, whatever ended it."""
        keys = self._waiting.pop(job.request_id, ())
        for key in keys:
            self._schedule(key, self._open[key].first())
        if keys and self.edge is not None:
            self.edge.changed()

    def forget(self, journal: Journal) -> None:
        """Post nothing more of the jobs of the scope that this journal is of, but for what is under way."""
        for key, delivery in list(self._open.items()):
            if delivery.journal is journal and (delivery.due is not None or delivery.attempt == 0):
                self._waiting.pop(delivery.job.request_id, None)
                self._close(key)

    def next(self) -> float | None:
        """When something is due next (seconds since the epoch); None while nothing is."""
        dates = self._dates
        while dates and not self._stands(*dates[0]):
            heapq.heappop(dates)
        return dates[0][0] if dates else None

    def due(self, now: float, most: int = 1000) -> list[WebhookPost]:
        """The attempts to be made at `now`, at most so many; of each `posted` is to be told how it went."""
        posts: list[WebhookPost] = []
        while len(posts) < most and (when := self.next()) is not None and when <= now:
            _, key = heapq.heappop(self._dates)
            delivery = self._open[key]
            delivery.due = None
            delivery.job.advance(now)
            if delivery.job.ended is None:
                continue  # `ended` will tell
            first = delivery.first()
            if first is not None and first > now and delivery.attempt == 0:
                self._schedule(key, first)
                continue
            posts.append(self._post(key, delivery, now))
        return posts

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
        for request_id, keys in list(self._waiting.items()):
            job = self._open[keys[0]].job
            if all(self._open[key].due is None for key in keys) and now - job.touched > ttl:
                del self._waiting[request_id]
                for key in keys:
                    self._close(key)

    def _post(self, key: int, delivery: WebhookDelivery, now: float) -> WebhookPost:
        if self.edge is None:
            raise RuntimeError("webhooks are posted by an edge")
        delivery.attempt += 1
        self._yielding.discard(key)
        self._waiting.pop(delivery.job.request_id, None)
        return request.post(self.edge, key, delivery, self._answers.outcome(delivery.job), now)

    # how it went

    def posted(self, key: int, status: int | None, problem: str, now: float) -> AttemptResult:
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
        text = f"webhook of job {delivery.job.request_id}: {text}"
        target = delivery.target
        path = target.path.partition("?")[0]
        entry = JournalEntry(
            now, "POST", target.host, path, status, delivery.job.fixture, text, None, delivery.plan.fault
        )
        entry = entry._replace(job=delivery.job.request_id, kind="webhook")
        delivery.journal.add(entry)
        return AttemptResult(outcome, text)

    def _let_follow(self, key: int, overtaker: WebhookDelivery) -> None:
        """A webhook was delivered: those of earlier jobs of its scope that yield to one need not wait any more."""
        for earlier in sorted(self._yielding):
            delivery = self._open[earlier]
            if earlier < key and delivery.journal is overtaker.journal and delivery.job is not overtaker.job:
                self._yielding.discard(earlier)
                delivery.delay = 0.0
                if delivery.due is not None:
                    self._schedule(earlier, delivery.first())
