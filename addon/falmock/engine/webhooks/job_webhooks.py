"""The webhooks of one scope's jobs: adds them to the schedule that all scopes share, and notifies the edge that posts."""

from __future__ import annotations

from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.engine.webhooks.request import NoKey
from falmock.engine.webhooks.request import WebhookEdge
from falmock.engine.webhooks.schedule import WebhookSchedule
from falmock.engine.webhooks.schedule import entry_of
from falmock.wire.webhook import WebhookTarget


class JobWebhooks:
    """Registers webhooks of one scope. Without an `edge`, nothing is posted."""

    def __init__(self, answers: Answers, schedule: WebhookSchedule, edge: WebhookEdge | None) -> None:
        self.schedule = schedule
        self.edge = edge
        self._answers = answers
        self._scope = answers.context.scope

    def check(self, target: WebhookTarget, now: float) -> Reply | None:
        """The reply that refuses a submit with this webhook; None if it is accepted."""
        if self.edge is None or self.schedule.undelivered(target) is not None:
            return None
        full = self.schedule.check(now)
        if full is not None:
            return full
        try:
            self.edge.public_key()
        except NoKey as error:
            return replies.problem(500, str(error), "webhooks cannot be signed")
        return None

    def register(self, job: Job, target: WebhookTarget, plan: DeliveryPlan) -> str:
        """Post to `target` when a new job is over. The text for the log: where it goes, or why it is not delivered."""
        edge = self.edge
        if edge is None:
            return "fal_webhook is not delivered: no edge posts webhooks"
        why = self.schedule.undelivered(target)
        if why is not None:
            text = f"fal_webhook is not delivered: {why}"
            self.schedule.tell(lambda: self._warn_once(edge, job, target, text))
            told = f"webhook of job {job.request_id}: refused: {why}"
            entry = entry_of(job.request_id, target, job.fixture, job.submitted, None, told, plan.fault)
            self._scope.journal.add(entry)
            self._scope.note_webhook(entry)
            return text
        self.schedule.register(job, self._scope.name, target, plan)
        if job.ended is not None:
            self.schedule.ended(job, self._answers.outcome(job))
        self.schedule.tell(edge.changed)
        return f"fal_webhook goes to {target.host}"

    def _warn_once(self, edge: WebhookEdge, job: Job, target: WebhookTarget, text: str) -> None:
        if self.schedule.note_refusal(target):
            edge.warn(f"job {job.request_id}: {text}")

    def note_ended(self) -> None:
        """Schedule the webhooks of jobs that ended."""
        for job in self._scope.jobs.take_ended():
            if self.edge is not None and self.schedule.awaits(job):
                self.schedule.ended(job, self._answers.outcome(job))
                self.schedule.tell(self.edge.changed)
