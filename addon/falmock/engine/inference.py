"""Runs and the queue: what a call to an endpoint, or about a job, is answered with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from datetime import datetime
from typing import Any

from falmock.engine import inputs
from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.jobs import Job
from falmock.engine.jobs import TooManyJobs
from falmock.engine.pace import schedule
from falmock.engine.scopes import Scope
from falmock.fixtures import miss
from falmock.fixtures.index import Index
from falmock.fixtures.index import for_call
from falmock.fixtures.index import last_named
from falmock.fixtures.match import Query
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.wire import errors
from falmock.wire.endpoint import EndpointId
from falmock.wire.hosts import QUEUE_HOST
from falmock.wire.hosts import Role
from falmock.wire.lifecycle import TERMINAL
from falmock.wire.lifecycle import VIEWS
from falmock.wire.lifecycle import State
from falmock.wire.message import Request
from falmock.wire.routes import Cancel
from falmock.wire.routes import Result
from falmock.wire.routes import Run
from falmock.wire.routes import Status
from falmock.wire.routes import Submit

DEFAULT_DEADLINE = 3600.0
MIN_DEADLINE = 0.1
NewId = Callable[[float], str]


class Inference:
    """Answers the calls to endpoints and jobs of one scope, from one set of fixtures."""

    def __init__(self, config: Config, index: Index, scope: Scope, new_id: NewId) -> None:
        self.config = config
        self.index = index
        self.scope = scope
        self.new_id = new_id
        self.misses: dict[str, miss.Miss] = {}

    # calls to endpoints

    def run(self, request: Request, call: Run, now: float) -> Reply:
        """A sync run: the fixture's answer, after the time that the pace gives it."""
        found = self._find(request, call.endpoint)
        if isinstance(found, Reply):
            return found
        fixture, deadline = found
        request_id = self.new_id(now)
        plan = schedule(self.config.pace, fixture.timeline)
        if not plan.by_polls and plan.started > deadline:
            late = replies.request_error(
                "request_timeout", errors.TIMED_OUT_TEXT, request_id, "start deadline passed", by_user=True
            )
            return late._replace(delay=deadline, fixture=fixture.label)
        delay = 0.0 if plan.by_polls else plan.completed
        return self._answer(fixture.answer, call.endpoint.app, request_id, fixture.label, _why(fixture), delay)

    def submit(self, request: Request, call: Submit, now: float) -> Reply:
        """A job for the queue: accepted when a fixture knows how it will end."""
        app = call.endpoint.app
        if call.max_queue_length:
            refused = self._queue_is_full(call.max_queue_length, app, now)
            if refused is not None:
                return refused
        found = self._find(request, call.endpoint)
        if isinstance(found, Reply):
            return found
        fixture, deadline = found
        timeline = fixture.timeline
        why = _why(fixture)
        if call.webhook:
            why += "; fal_webhook is not delivered"
        job = Job(
            request_id=self.new_id(now),
            app=app,
            host=self._queue_host(request.host),
            submitted=now,
            deadline=deadline,
            schedule=schedule(self.config.pace, timeline),
            answer=fixture.answer,
            logs=timeline.logs,
            inference_time=timeline.inference_time,
            honours_cancel=timeline.honours_cancel,
            fixture=fixture.label,
            why=why,
        )
        # A submit shows the job as it enters the queue, even where the pace ends it at once.
        body = self._status_object(job, now, logs=False)
        try:
            self.scope.jobs.add(job, now)
        except TooManyJobs:
            return replies.problem(
                507,
                f"falmock holds {self.config.max_jobs} jobs that are not over: finish or cancel some, or raise fal_max_jobs",
                "too many unfinished jobs",
            )
        return replies.queue_reply(200, body, why, job.fixture)

    def _find(self, request: Request, endpoint: EndpointId) -> tuple[Fixture, float] | Reply:
        """The fixture that answers a call and its start deadline in seconds, or what is wrong with the call."""
        deadline = _deadline(request)
        if isinstance(deadline, Reply):
            return deadline
        query = inputs.read(request, str(endpoint), self.resolve)
        if isinstance(query, Reply):
            return query
        fixture = self._select(query)
        return fixture if isinstance(fixture, Reply) else (fixture, deadline)

    def resolve(self, url: str) -> str | None:
        """The digest of the content that a URL names, if it is one of the files known here."""
        host, _, path = url[len("https://") :].partition("/")
        role = self.config.hosts.role(host)
        if role is not Role.CDN and role is not Role.GCS:
            return None
        return self.scope.assets.digest_of("/" + path.partition("?")[0])

    def _select(self, query: Query) -> Fixture | Reply:
        repeated = None
        for group in self.index.matching(query):
            if len(group) == 1 and group[0].match.sequence_index is None:
                return group[0]
            key = group[0].group
            count = self.scope.calls[key]
            self.scope.calls[key] += 1
            fixture = for_call(group, count)
            if fixture is not None:
                return fixture
            # None is for this call: a less specific match goes before a repetition.
            repeated = repeated or last_named(group, count)
        return repeated or replies.miss_reply(self._miss(query))

    def _miss(self, query: Query) -> miss.Miss:
        key = f"{query.method} {query.endpoint} {query.text} {query.context}"
        report = self.misses.get(key)
        if report is None:
            report = miss.report(self.index, query)
            if len(self.misses) < 1000:
                self.misses[key] = report
        return report

    def _answer(self, answer: Answer, app: str, request_id: str, label: str, why: str, delay: float = 0.0) -> Reply:
        body: bytes | FileBody = answer.body
        if answer.asset is not None:
            asset = self.index.assets.get(answer.asset)
            if asset is None:
                return replies.problem(410, "The asset of this answer is no longer in the fixtures", "asset gone")
            body = asset.data if asset.data is not None else FileBody(asset.file or "", 0, asset.size)
        headers = replies.model_headers(answer, app, request_id, label)
        return Reply(answer.status, headers, body, why, label, delay)

    def _queue_is_full(self, text: str, app: str, now: float) -> Reply | None:
        if not text.isascii() or not text.isdigit():
            return replies.problem(
                400, f"fal_max_queue_length should be a whole number, found {text[:40]!r}", "bad fal_max_queue_length"
            )
        waiting = self.scope.jobs.queued(app, now)
        if waiting <= int(text[:12]):
            return None
        # The body is recorded nowhere (section 12.4): the shape of fal's other 429.
        body = {
            "detail": f"Queue length {waiting} exceeds the limit of {text}",
            "type": "max_queue_length",
            "data": {"limit": int(text[:12]), "queue_length": waiting},
        }
        return replies.queue_reply(429, body, "fal_max_queue_length exceeded")

    def _queue_host(self, host: str) -> str:
        """The host that a job's URLs name: fal's own, also for its backup and router hosts; or the user's."""
        return host if host in self.config.hosts.extra else QUEUE_HOST

    # calls about jobs

    def status(self, call: Status, now: float) -> Reply:
        """A poll."""
        job = self._poll(call.request_id, now)
        if job is None:
            return _unknown()
        body = self._status_object(job, now, logs=call.logs)
        return replies.queue_reply(VIEWS[job.state].poll_status, body, job.why, job.fixture)

    def result(self, call: Result, now: float) -> Reply:
        """What a job came to, any number of times; 400 while it is not over."""
        job = self._poll(call.request_id, now)
        if job is None:
            return _unknown()
        if job.state is State.CANCELLED:
            reply = replies.request_error("client_cancelled", errors.CANCELLED_TEXT, job.request_id, "cancelled")
            return reply._replace(fixture=job.fixture)
        if job.state is State.EXPIRED:
            reply = replies.request_error(
                "request_timeout", errors.TIMED_OUT_TEXT, job.request_id, "start deadline passed", by_user=True
            )
            return reply._replace(fixture=job.fixture)
        if job.state is not State.FINISHED:
            return replies.queue_reply(400, errors.UNFINISHED, "result asked before the job is over", job.fixture)
        return self._answer(job.answer, job.app, job.request_id, job.fixture, job.why)

    def cancel(self, call: Cancel, now: float) -> Reply:
        """The wish that a job stop, answered by where it is."""
        job = self.scope.jobs.get(call.request_id, now)
        if job is None:
            return _unknown()
        view = VIEWS[job.state]
        if job.state not in TERMINAL:
            job.cancel(now)
            self.scope.jobs.settle(job)
        return replies.queue_reply(view.cancel_status, {"status": view.cancel_word}, "cancel", job.fixture)

    def _poll(self, request_id: str, now: float) -> Job | None:
        jobs = self.scope.jobs
        job = jobs.get(request_id, now)
        if job is not None and job.schedule.by_polls:
            job.poll(now)
            jobs.settle(job)
        return job

    def _status_object(self, job: Job, now: float, *, logs: bool) -> dict[str, Any]:
        """A job as a status object, keys in the recorded order (section 3.1)."""
        state = job.state
        url = f"https://{job.host}/{job.app}/requests/{job.request_id}"
        body: dict[str, Any] = {
            "status": VIEWS[state].word,
            "request_id": job.request_id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
            "logs": _log_entries(job, now) if logs and state is not State.QUEUED else None,
            "metrics": {},
        }
        if state is State.QUEUED:
            body["queue_position"] = job.position(now)
        elif state is State.FINISHED:
            if job.inference_time is not None:
                body["metrics"] = {"inference_time": job.inference_time}
            if job.answer.error is not None:
                body["error"], body["error_type"] = job.answer.error, job.answer.error_type
        elif state is State.CANCELLED:
            body["error"], body["error_type"] = errors.CANCELLED_TEXT, "client_cancelled"
        elif state is State.EXPIRED:
            body["error"], body["error_type"] = errors.TIMED_OUT_TEXT, "request_timeout"
        return body


def _log_entries(job: Job, now: float) -> list[dict[str, Any]]:
    """Log lines in the superset of the shapes that clients know (section 3.2)."""
    return [
        {
            "message": log.message,
            "level": log.level,
            "source": log.source,
            "timestamp": datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds"),
            "labels": {"level": log.level, "source": log.source},
        }
        for at, log in job.logs_until(now)
    ]


def _unknown() -> Reply:
    return replies.queue_reply(404, errors.NOT_FOUND, "unknown request id")


def _why(fixture: Fixture) -> str:
    match = fixture.match
    if match.exact:
        return "exact input"
    parts = [
        name
        for name, held in (
            ("model", match.model),
            ("input", match.input),
            ("userMessage", match.user_message),
            ("path", match.path),
            ("context", match.context),
        )
        if held is not None
    ]
    return f"matches by {', '.join(parts)}" if parts else "matches every call"


def _deadline(request: Request) -> float | Reply:
    """The start deadline in seconds, from X-Fal-Request-Timeout."""
    text = request.headers.get("x-fal-request-timeout")
    if text is None:
        return DEFAULT_DEADLINE
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not MIN_DEADLINE < seconds < 1e9:
        return replies.problem(
            400,
            f"X-Fal-Request-Timeout should be a number of seconds above {MIN_DEADLINE}, found {text[:40]!r}",
            "bad X-Fal-Request-Timeout",
        )
    return seconds
