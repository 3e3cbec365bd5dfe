"""The queue: submits, and all calls about a job."""

from __future__ import annotations

from falmock.engine import follow_ups
from falmock.engine import replies
from falmock.engine.answers import NO_DEADLINE
from falmock.engine.answers import Answers
from falmock.engine.answers import Found
from falmock.engine.config import Dialect
from falmock.engine.effects import Reply
from falmock.engine.effects import Source
from falmock.engine.effects import Stream
from falmock.engine.faults import jobs as fault_jobs
from falmock.engine.faults.replies import applied
from falmock.engine.faults.replies import error_reply
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.job import WebhookAttempts
from falmock.engine.jobs.keep_alive import KeepAlive
from falmock.engine.jobs.pace import PaceKind
from falmock.engine.jobs.status_object import status_body
from falmock.engine.jobs.status_object import status_object
from falmock.engine.jobs.status_stream import StatusEvents
from falmock.engine.jobs.table import TooManyJobs
from falmock.engine.shared.status_stream import SharedStatusEvents
from falmock.engine.webhooks.job_webhooks import JobWebhooks
from falmock.wire import errors
from falmock.wire import webhook
from falmock.wire.calls import Cancel
from falmock.wire.calls import FollowUp
from falmock.wire.calls import Result
from falmock.wire.calls import Status
from falmock.wire.calls import StatusStream
from falmock.wire.calls import Submit
from falmock.wire.formats import jsontext
from falmock.wire.hosts import QUEUE_HOST
from falmock.wire.lifecycle import TERMINAL
from falmock.wire.lifecycle import VIEWS
from falmock.wire.message import Request

_REFUSED = 300
"""From this status on, an answer to a cancel means that the job goes on."""


class Queue:
    """Answers the calls to the queue host; every answer is a view of one job."""

    def __init__(self, answers: Answers, webhooks: JobWebhooks, faults: FaultSelector) -> None:
        self._context = answers.context
        self._answers = answers
        self._faults = faults
        self._jobs = answers.context.scope.jobs
        self._webhooks = webhooks

    def submit(self, request: Request, call: Submit, now: float, injected: InjectedFault | None = None) -> Reply:
        """Submit a job: accepted if a fixture or the injected fault gives its result."""
        app = call.endpoint.app
        if call.max_queue_length:
            refused = self._queue_is_full(call.max_queue_length, app, now)
            if refused is not None:
                return refused
        request_id = self._context.new_id(now)
        found = self._find(request, call, request_id, now, injected)
        if isinstance(found, Reply):
            return found
        fixture, deadline, warning = found
        known = self._answers.prepared(fixture)
        label = known.label
        own = None if injected is not None else self._faults.of_fixture(label)
        injected = injected or own
        if own is not None and own.fault.turns_away and own.fault.error is not None:
            called = self._faults.called(request, call, now)
            refused = error_reply(own, own.fault.error, called, self._context.new_id(now))
            return applied(own, refused)._replace(fixture=label)
        if fixture.timeline.refused:
            return self._answers.plain(fixture, f"{known.why}; the submit is refused", *replies.GATEWAY)
        target = self._webhook_target(call.webhook, label, now)
        if isinstance(target, Reply):
            return target
        plan = known.plan if injected is None else fault_jobs.applied(injected, known.plan, call.endpoint)
        digest = plan.digest
        timeline, config = fixture.timeline, self._context.config
        job = Job(
            request_id=request_id,
            app=app,
            host=self._queue_host(request.host),
            submitted=now,
            deadline=deadline,
            schedule=plan.schedule,
            answer=digest,
            logs=timeline.logs,
            inference_time=timeline.inference_time,
            honours_cancel=plan.honours_cancel,
            fixture=label,
            why=known.why,
            endpoint=str(call.endpoint),
            injected=own,
            held=config.pace.kind is PaceKind.MANUAL,
            failure=plan.failure,
            error=plan.error,
            error_type=plan.error_type,
            urls=timeline.urls,
            cancel_answer=timeline.cancel_answer,
            webhook=None if target is None else WebhookAttempts(target.host),
        )
        # At this pace a job would be over before any cancel. aimock's jobs are.
        is_cancellable = timeline.cancel_answer is None or timeline.cancel_answer.status < _REFUSED
        is_instant = config.pace.kind is PaceKind.INSTANT and config.dialect is not Dialect.AIMOCK
        job.unseen = is_instant and is_cancellable and not job.awaits_cancel
        if plan.failure is None:
            self._context.scope.keep_answer(digest, plan.answer)
        return replies.warned(self._accept(job, target, injected, now), warning)

    def _find(
        self, request: Request, call: Submit, request_id: str, now: float, injected: InjectedFault | None
    ) -> Found | Reply:
        """As `Answers.find`; if no fixture answers, the fault may give the result of the job."""
        found = self._answers.find(request, call.endpoint, request_id, now)
        if isinstance(found, Reply) and found.miss is not None and injected is not None:
            instead = fault_jobs.stand_in(injected)
            return found if instead is None else Found(instead, NO_DEADLINE)
        return found

    def _accept(
        self, job: Job, target: webhook.WebhookTarget | None, injected: InjectedFault | None, now: float
    ) -> Reply:
        """Add a new job, if there is room; its webhook goes to `target`."""
        # A submit shows the job as it enters the queue, even where the pace ends it at once.
        if target is None:
            body = status_body(job, now, logs=False)
        else:  # the page on webhooks shows one more key
            shown = {**status_object(job, now, logs=False), "gateway_request_id": job.request_id}
            body = jsontext.dump_queue(shown)
        try:
            self._jobs.add(job, now)
        except TooManyJobs:
            full = replies.problem(
                507,
                f"falmock holds {self._context.config.max_jobs} jobs that are not over: finish or cancel some, or raise fal_max_jobs",
                "too many unfinished jobs",
            )
            return full._replace(fixture=job.fixture)  # a fixture matches, so in auto the call must not go to fal
        why = job.why
        if target is not None:
            why += f"; {self._webhooks.register(job, target, fault_jobs.webhook_plan(injected))}"
        headers = replies.job_headers(job.fixture, job.request_id)
        reply = Reply(200, headers, body, why, job.fixture, job=job.request_id)
        return reply if injected is None else fault_jobs.marked(injected, reply)

    def _webhook_target(self, url: str, fixture: str, now: float) -> webhook.WebhookTarget | Reply | None:
        """The target of a job's webhook, None if the submit has none, or the reply that refuses the submit."""
        if not url:
            return None
        try:
            target = webhook.target(url)
        except webhook.BadWebhookTarget as error:
            refused = replies.problem(422, f"fal_webhook: {error}", "bad fal_webhook")
        else:
            full = self._webhooks.check(target, now)
            if full is None:
                return target
            refused = full
        # A fixture matches, so in auto the call must not go to fal.
        return refused._replace(fixture=fixture)

    def _queue_is_full(self, text: str, app: str, now: float) -> Reply | None:
        if not text.isascii() or not text.isdigit():
            return replies.problem(
                400, f"fal_max_queue_length should be a whole number, found {text[:40]!r}", "bad fal_max_queue_length"
            )
        waiting = self._jobs.queued(app, now)
        if waiting <= int(text[:12]):
            return None
        # No recording has this body (PROTOCOL.md section 12.4): it has the shape of fal's other 429.
        body = {
            "detail": f"Queue length {waiting} exceeds the limit of {text}",
            "type": "max_queue_length",
            "data": {"limit": int(text[:12]), "queue_length": waiting},
        }
        full = replies.queue_reply(429, body, "fal_max_queue_length exceeded")
        return full._replace(headers=(*full.headers, errors.WORTH_RETRYING))

    def _queue_host(self, host: str) -> str:
        """The host in a job's URLs: the user's own host, or fal's queue host, also for its backup and router hosts."""
        return host if host in self._context.config.hosts.extra else QUEUE_HOST

    def follow_up(self, call: FollowUp, now: float) -> Reply | Stream:
        """Answer a call about a job, if fal serves its URL."""
        job = self._jobs.get(call.request_id, now)
        if job is None:
            return replies.queue_reply(404, errors.NOT_FOUND, "unknown request id")
        url = follow_ups.unusual(call, job)
        if url is not None and url.refused:
            refused = replies.problem(
                405, url.text, "the URL has the endpoint's path", *replies.fixture_headers(job.fixture)
            )
            return replies.warned(refused._replace(fixture=job.fixture), url.text)
        answer: Reply | Stream
        if isinstance(call, Cancel):
            answer = self._cancel(job, now)
        elif isinstance(call, StatusStream):
            answer = self._status_stream(job, now, logs=call.logs)
        else:
            answer = self.about(job, call, now)
        return answer if url is None else replies.warned(answer, url.text)

    def about(self, job: Job, call: Status | Result, now: float) -> Reply:
        """The status or the result of a job; its URL is one that fal serves."""
        return self._status(job, now, logs=call.logs) if isinstance(call, Status) else self._result(job, now)

    def _status(self, job: Job, now: float, *, logs: bool) -> Reply:
        """The status of a job; this counts as a poll."""
        self._look(job, now)
        headers = replies.job_headers(job.fixture, job.request_id)
        body, view = status_body(job, now, logs=logs), VIEWS[job.state]
        progress = f"{job.endpoint or job.app} is {view.word}"
        return Reply(view.poll_status, headers, body, job.why, job.fixture, progress=progress)

    def _status_stream(self, job: Job, now: float, *, logs: bool) -> Stream:
        """The status of a job as a stream, until it is over."""
        self._jobs.note_look(job, now)
        headers = (
            replies.EVENTS_TYPE,
            (b"Cache-Control", b"no-cache"),
            *replies.GATEWAY,
            *replies.fixture_headers(job.fixture),
        )
        events = StatusEvents(job, self._jobs, now, self._webhooks.note_ended, logs=logs)
        background = self._context.background
        source: Source = events if background is None else SharedStatusEvents(events, background)
        return Stream(200, headers, KeepAlive(source), job.why, job.fixture, key=job.request_id)

    def _result(self, job: Job, now: float) -> Reply:
        """The result of a job, any number of times; 400 while it is not over."""
        self._look(job, now)
        if job.state not in TERMINAL:
            return replies.queue_reply(400, errors.UNFINISHED, "result requested before the job is over", job.fixture)
        if job.erased:
            return replies.queue_reply(404, errors.NOT_FOUND, "its payloads were deleted", job.fixture)
        return self._answers.outcome(job)

    def _cancel(self, job: Job, now: float) -> Reply:
        """Cancel a job; the answer depends on its state, or is the one in its fixture."""
        view = VIEWS[job.state]
        status, value = view.cancel_status, {"status": view.cancel_word}
        if job.cancel_answer is not None and job.state not in TERMINAL:
            status, value = job.cancel_answer
        if job.state not in TERMINAL:
            job.cancel_requested = True
            self._jobs.note(job)
        reply = replies.queue_reply(status, value, "cancel", job.fixture)
        if status >= _REFUSED:
            return reply
        job.cancel(now)
        self._jobs.settle(job)
        return reply._replace(wakes=job.request_id)

    def _look(self, job: Job, now: float) -> None:
        self._jobs.note_look(job, now)
        if job.schedule.by_polls:
            job.poll(now)
            self._jobs.settle(job)
