"""The webhooks that are due, in a store: each falmock of it may post each of them, and one at a time does.

A delivery is a record, written in one commit with its job. A sorted set has its name by the time at which it is due. Who
takes a due one writes into its record that it makes an attempt, and until when nobody else may: that commit decides who
posts. Jobs of a scope and the webhooks of all scopes have different hash tags, so this needs one server, not a cluster.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from falmock.engine.context import Context
from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.engine.shared import forms
from falmock.engine.shared.delivery import DELIVERY
from falmock.engine.shared.delivery import DeliveryForm
from falmock.engine.shared.delivery import Name
from falmock.engine.shared.delivery import attempted
from falmock.engine.shared.delivery import lease
from falmock.engine.shared.delivery import live
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.needs import Ranged
from falmock.engine.shared.place import Place
from falmock.engine.shared.scope import SharedScope
from falmock.engine.shared.transaction import Transaction
from falmock.engine.webhooks.delivery import ONCE
from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.engine.webhooks.delivery import WebhookDelivery
from falmock.engine.webhooks.delivery import end_of
from falmock.engine.webhooks.delivery import policy_for
from falmock.engine.webhooks.request import Attempt
from falmock.engine.webhooks.schedule import PostedAttempt
from falmock.engine.webhooks.schedule import WebhookSchedule
from falmock.engine.webhooks.schedule import attempt_of
from falmock.engine.webhooks.schedule import judged
from falmock.engine.webhooks.schedule import no_room
from falmock.wire.webhook import AttemptOutcome
from falmock.wire.webhook import WebhookTarget

DUE = "{}:hooks"
"""The sorted set of all deliveries, by when each is to be handled next."""
OPEN = "{}:hooks:open"
"""The sorted set of all deliveries, by when each is forgotten: as many as `fal_max_jobs` may be there."""
USED = "{}:hooks:setup"
"""The record that says that a webhook was registered."""
_USED_TTL = 30 * 24 * 3600.0
_MOST = 2
"""How many deliveries a job has at most: a plan has no more delays."""
_KEPT = 3600.0
"""How long (seconds) a delivery that is due is kept at least while no falmock is there."""


class SharedSchedule(WebhookSchedule):
    """See WebhookSchedule: that of one scope's jobs, in a store. `dates` are when deliveries that were written here are due."""

    def __init__(self, context: Context, dates: list[float] | None = None) -> None:
        self._own_dates: list[float] = [] if dates is None else dates
        super().__init__(context)

    def in_scope(self, context: Context) -> SharedSchedule:
        """See WebhookSchedule."""
        schedule = SharedSchedule(context, self._own_dates)
        schedule._refused = self._refused
        return schedule

    @property
    def _scope(self) -> SharedScope:
        scope = self._context.scope
        if not isinstance(scope, SharedScope):
            raise TypeError(f"expected a scope in a store, found {scope!r}")
        return scope

    @property
    def _place(self) -> Place:
        return self._scope.place

    @property
    def _transaction(self) -> Transaction:
        return self._place.transaction

    @property
    def used(self) -> bool:
        """Whether a webhook was ever registered. Raises NotLoaded."""
        return self._transaction.get(USED) is not None

    @used.setter
    def used(self, _: bool) -> None:
        """Nothing: `register` writes it."""

    def tell(self, effect: Callable[[], None]) -> None:
        """See WebhookSchedule: after the commit."""
        self._transaction.later(effect)

    # all deliveries

    def _all(self) -> list[Name]:
        """The undelivered webhooks of all scopes. Raises NotLoaded."""
        needed = Ranged(OPEN, self._transaction.now, float("inf"), self._context.config.max_jobs + _MOST)
        return [Name.of(item) for item, _ in self._transaction.need(needed)]

    def __len__(self) -> int:
        return len(self._all())

    @property
    def standing(self) -> list[str]:
        """The undelivered webhooks. Raises NotLoaded."""
        return [f"job {name.request_id}" for name in sorted(self._all(), key=lambda name: name.request_id)]

    def has_any_of(self, scope: str) -> bool:
        """See WebhookSchedule. Raises NotLoaded."""
        return any(name.scope == scope for name in self._all())

    def check(self, now: float) -> Reply | None:  # noqa: ARG002 - the store knows the time
        """See WebhookSchedule: that there is room is checked with the commit."""
        limit = self._context.config.max_jobs
        if self._transaction.is_full(OPEN, limit):
            return no_room(limit)
        self._transaction.limit(OPEN, limit)
        return None

    def forget(self, scope: str) -> None:
        """Drop the webhooks of this scope. Those whose attempt is under way are not tried again. Raises NotLoaded."""
        for name in self._all():
            if name.scope == scope:
                self._drop(name)

    # what a job says

    def _name(self, request_id: str, number: int) -> Name:
        return Name(self._place.generation, request_id, number, self._place.scope)

    def register(self, job: Job, scope: str, target: WebhookTarget, plan: DeliveryPlan = ONCE) -> None:
        """See WebhookSchedule."""
        transaction = self._transaction
        if not self.used:
            transaction.put(USED, b"\1", _USED_TTL)
        policy = policy_for(self._context.config.pace)
        # Only one yields at a time: if all of a row did, all would be late, but in order.
        yields = plan.yields and self._yielder() is None
        for number, delay in enumerate(plan.delays if yields or not plan.yields else (0.0,)):
            name = self._name(job.request_id, number)
            delivery = WebhookDelivery(
                job.request_id, scope, job.fixture, job.submitted, end_of(job), None, target, policy, plan, delay
            )
            until = self._write(name, delivery, delivery.first(), job, is_new=True)
            if yields:
                transaction.put(self._place.key("yielding"), name.item, until - transaction.now)
        transaction.notes[f"registered {job.request_id}"] = True

    def awaits(self, job: Job) -> bool:
        """See WebhookSchedule. Raises NotLoaded."""
        if job.webhook is None or f"registered {job.request_id}" in self._transaction.notes:
            return False
        return any(delivery.attempt == 0 for _, delivery in self._of(job.request_id))

    def ended(self, job: Job, result: Reply) -> None:  # noqa: ARG002 - who posts looks for the result
        """Schedule the webhooks of a job that is over, or that the clock ends at another time now. Raises NotLoaded."""
        if f"registered {job.request_id}" in self._transaction.notes:
            return
        for name, delivery in self._of(job.request_id):
            if delivery.attempt == 0:
                delivery.over = end_of(job)
                self._write(name, delivery, delivery.first(), job)

    def _of(self, request_id: str) -> list[tuple[Name, WebhookDelivery]]:
        """The deliveries of a job. Raises NotLoaded."""
        names = [self._name(request_id, number) for number in range(_MOST)]
        self._load(*(name.key for name in names))
        found = ((name, self._transaction.value(name.key, DELIVERY.read)) for name in names)
        return [(name, live(form, name)) for name, form in found if form is not None]

    def _load(self, *keys: str) -> None:
        """Have these records loaded at once. Raises NotLoaded."""
        if not self._transaction.has(*keys):
            raise NotLoaded(*keys)

    # attempts

    def next(self) -> float | None:
        """When something is due next that was written here; what others wrote they post, unless they die."""
        return self._own_dates[0] if self._own_dates else None

    def passed(self, now: float) -> None:
        """What is due at `now` is handled."""
        while self._own_dates and self._own_dates[0] <= now:
            heapq.heappop(self._own_dates)

    def claim(self, name: Name, outcome: Callable[[Job], Reply]) -> Attempt | None:
        """The attempt to make of a delivery of this scope, None if there is none now; `posted_by` reports its end.

        Nobody else makes one until it may have taken its time. Raises NotLoaded, AnswerLost.
        """
        self._load(name.key, self._place.key("job", name.request_id))
        transaction, now = self._transaction, self._transaction.now
        form = self._form(name)
        if form is None:
            return None
        if form.due > now:
            transaction.score(DUE, name.item, form.due)  # another falmock was faster, or its job ends at another time
            return None
        delivery, jobs = live(form, name), self._scope.jobs
        kept = jobs.peek(name.request_id)
        job = forms.job_values(form.job).job() if kept is None else kept
        was_unseen = job.unseen
        job.look(now)
        if job.ended is None:
            if kept is None or now - job.touched > self._place.ttl:
                self._drop(name)  # its job is forgotten: nothing will ever end it
            else:
                self._await_end(name, delivery, job)
            return None
        if was_unseen and kept is not None:
            jobs.settle(job)  # from now on nobody cancels it
        delivery.over = job.ended
        result = outcome(job)
        if delivery.attempt == 0 and delivery.plan.yields and self._yielder() == name:
            self._stop_yielding()
        delivery.attempt += 1
        attempt = attempt_of(f"{delivery.attempt}:{name.text}", delivery, result)
        self._write(name, delivery, now + lease(attempt.timeout), job)
        return attempt

    def _await_end(self, name: Name, delivery: WebhookDelivery, job: Job) -> None:
        """Handle a delivery again when its job is over, or may have been forgotten."""
        delivery.over = end_of(job)
        first = delivery.first()
        is_later = first is not None and first > self._transaction.now
        self._write(name, delivery, first if is_later else None, job)

    def posted_by(
        self, key: str, status: int | None, problem: str, *, is_refused: bool = False
    ) -> PostedAttempt | None:
        """See `WebhookSchedule.posted`. None if the delivery is not this attempt's any more: nothing happens then.

        That is after a reset, and when another falmock took it because this one took too long. Raises NotLoaded.
        """
        number, name = attempted(key)
        self._load(name.key, self._place.key("job", name.request_id), self._place.key("yielding"))
        form = self._form(name)
        if form is None or form.attempt != number:
            return None
        now, delivery = self._transaction.now, live(form, name)
        posted = judged(delivery, status, problem, now, is_refused=is_refused)
        outcome = posted.result.outcome
        if outcome is AttemptOutcome.AGAIN:
            job = forms.job_values(form.job).job()
            self._write(name, delivery, now + delivery.policy.wait_after(number), job)
        else:
            self._drop(name)
        if outcome is AttemptOutcome.DELIVERED:
            self._let_go(name, delivery)
        return posted

    def give_back(self, key: str) -> None:
        """An attempt was broken off: the next one is due. Raises NotLoaded."""
        number, name = attempted(key)
        form = self._form(name)
        if form is not None and form.attempt == number:
            self._write(name, live(form, name), self._transaction.now, forms.job_values(form.job).job())

    def _let_go(self, delivered: Name, by: WebhookDelivery) -> None:
        """A webhook was delivered: that of an earlier job of its scope that yields to it waits no longer."""
        name = self._yielder()
        if name is None or name.request_id == delivered.request_id:
            return
        form = self._form(name)
        if form is not None and (form.submitted, name.request_id) < (by.submitted, delivered.request_id):
            delivery = live(form, name)
            delivery.delay = 0.0
            self._stop_yielding()
            self._write(name, delivery, delivery.first(), forms.job_values(form.job).job())

    # what is kept

    def _yielder(self) -> Name | None:
        """The delivery of this scope that yields to later ones. Raises NotLoaded."""
        return self._transaction.value(self._place.key("yielding"), Name.of)

    def _stop_yielding(self) -> None:
        self._transaction.put(self._place.key("yielding"), None, self._place.ttl)

    def _form(self, name: Name) -> DeliveryForm | None:
        """The record of a delivery; None if it was dropped, or its scope was reset. Raises NotLoaded."""
        form = self._transaction.value(name.key, DELIVERY.read)
        if form is None or name.generation != self._place.generation:
            self._drop(name)
            return None
        return form

    def _write(
        self, name: Name, delivery: WebhookDelivery, due: float | None, job: Job, *, is_new: bool = False
    ) -> float:
        """Write a delivery that is to be handled at `due`; None: when its job is over, which is looked after now and then.

        Returns when it is forgotten, unless it is written again.
        """
        transaction, ttl = self._transaction, self._place.ttl
        when = transaction.now + ttl / 2 if due is None else due
        until = max(when, transaction.now) + max(ttl, _KEPT)
        data = DELIVERY.write(
            DeliveryForm(
                delivery.request_id,
                delivery.fixture,
                delivery.submitted,
                delivery.over,
                delivery.target,
                delivery.policy,
                delivery.plan,
                delivery.delay,
                delivery.attempt,
                when,
                forms.job_bytes(job, None),
            )
        )
        if is_new:
            transaction.create(name.key, data, until - transaction.now)
        else:
            transaction.put(name.key, data, until - transaction.now)
        transaction.score(DUE, name.item, when)
        transaction.score(OPEN, name.item, until)
        transaction.later(lambda: heapq.heappush(self._own_dates, when))
        return until

    def _drop(self, name: Name) -> None:
        self._transaction.put(name.key, None, self._place.ttl, checked=False)
        self._transaction.score(DUE, name.item, None)
        self._transaction.score(OPEN, name.item, None)


def shared(schedule: WebhookSchedule) -> SharedSchedule:
    """A schedule that is in a store."""
    if not isinstance(schedule, SharedSchedule):
        raise TypeError(f"expected a schedule in a store, found {schedule!r}")
    return schedule
