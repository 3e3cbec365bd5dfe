"""The queue: submits, and everything a client asks about a job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from typing import Any

from falmock.engine import replies
from falmock.engine.answers import DEFAULT_DEADLINE
from falmock.engine.answers import Answers
from falmock.engine.answers import reason_of
from falmock.engine.effects import Reply
from falmock.engine.jobs import Job
from falmock.engine.jobs import Jobs
from falmock.engine.jobs import TooManyJobs
from falmock.engine.pace import schedule
from falmock.wire import errors
from falmock.wire import jsontext
from falmock.wire.hosts import QUEUE_HOST
from falmock.wire.lifecycle import TERMINAL
from falmock.wire.lifecycle import VIEWS
from falmock.wire.lifecycle import State
from falmock.wire.message import Request
from falmock.wire.routes import Cancel
from falmock.wire.routes import Result
from falmock.wire.routes import Status
from falmock.wire.routes import StatusStream
from falmock.wire.routes import Submit

EVENTS_TYPE = (b"Content-Type", b"text/event-stream; charset=utf-8")


class Queue:
    """Answers the calls to the queue host: every answer is a view of one job."""

    def __init__(self, answers: Answers, jobs: Jobs) -> None:
        self._answers = answers
        self._jobs = jobs

    def submit(self, request: Request, call: Submit, now: float) -> Reply:
        """A job for the queue: accepted when a fixture knows how it will end."""
        app = call.endpoint.app
        if call.max_queue_length:
            refused = self._queue_is_full(call.max_queue_length, app, now)
            if refused is not None:
                return refused
        found = self._answers.find(request, call.endpoint)
        if isinstance(found, Reply):
            return found
        fixture, deadline = found
        timeline = fixture.timeline
        why = reason_of(fixture)
        if timeline.refused:
            return self._answers.plain(fixture, f"{why}; the submit is refused", *replies.GATEWAY)
        if call.webhook:
            why += "; fal_webhook is not delivered"
        job = Job(
            request_id=self._answers.new_id(now),
            app=app,
            host=self._queue_host(request.host),
            submitted=now,
            deadline=deadline,
            schedule=schedule(self._answers.config.pace, timeline),
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
            self._jobs.add(job, now)
        except TooManyJobs:
            return replies.problem(
                507,
                f"falmock holds {self._answers.config.max_jobs} jobs that are not over: finish or cancel some, or raise fal_max_jobs",
                "too many unfinished jobs",
            )
        return replies.queue_reply(200, body, why, job.fixture)

    def _queue_is_full(self, text: str, app: str, now: float) -> Reply | None:
        if not text.isascii() or not text.isdigit():
            return replies.problem(
                400, f"fal_max_queue_length should be a whole number, found {text[:40]!r}", "bad fal_max_queue_length"
            )
        waiting = self._jobs.queued(app, now)
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
        return host if host in self._answers.config.hosts.extra else QUEUE_HOST

    def status(self, call: Status, now: float) -> Reply:
        """A poll."""
        job = self._poll(call.request_id, now)
        if job is None:
            return _unknown()
        body = self._status_object(job, now, logs=call.logs)
        return replies.queue_reply(VIEWS[job.state].poll_status, body, job.why, job.fixture)

    def status_stream(self, call: StatusStream, now: float) -> Reply:
        """Every status that a job will show, in one piece and when it is over; of the logs each line once."""
        job = self._jobs.get(call.request_id, now)
        if job is None:
            return _unknown()
        if job.awaits_cancel and job.ended is None:
            why = "a job that waits to be cancelled is not streamed"
            return replies.problem(501, f"falmock streams a job's statuses when it is over, and {why}: poll it", why)
        shown: list[dict[str, Any]] = []
        for moment, ahead in self._ahead(job, now):
            status = self._status_object(ahead, moment, logs=call.logs)
            if not shown or status != shown[-1]:
                shown.append(status)
        events = b"".join(b"data: %s\n\n" % jsontext.dump_queue(status) for status in _each_line_once(shown))
        ends = max(job.moments(now)) if not job.schedule.by_polls else now
        headers = (EVENTS_TYPE, (b"Cache-Control", b"no-cache"), *replies.GATEWAY, replies.fixture_header(job.fixture))
        return Reply(200, headers, events, job.why, job.fixture, delay=ends - now)

    def _ahead(self, job: Job, now: float) -> Iterator[tuple[float, Job]]:
        """The job at each moment from `now` to its end. By the clock it is a copy that runs ahead; polls move it itself."""
        if not job.schedule.by_polls:
            ahead = replace(job)
            for moment in job.moments(now):
                ahead.advance(moment)
                yield moment, ahead
            return
        yield now, job
        while job.ended is None:
            job.poll(now)
            yield now, job
        self._jobs.settle(job)

    def result(self, call: Result, now: float) -> Reply:
        """What a job came to, any number of times; 400 while it is not over."""
        job = self._poll(call.request_id, now)
        if job is None:
            return _unknown()
        if job.state is State.CANCELLED and not job.awaits_cancel:
            return replies.cancelled(job.request_id, job.fixture)
        if job.state is State.EXPIRED:
            by_user = job.deadline != DEFAULT_DEADLINE
            return replies.timed_out(job.request_id, job.fixture, by_user=by_user)
        if job.state not in TERMINAL:
            return replies.queue_reply(400, errors.UNFINISHED, "result asked before the job is over", job.fixture)
        return self._answers.reply(job.answer, job.app, job.request_id, job.fixture, job.why)

    def cancel(self, call: Cancel, now: float) -> Reply:
        """The wish that a job stop, answered by where it is."""
        job = self._jobs.get(call.request_id, now)
        if job is None:
            return _unknown()
        view = VIEWS[job.state]
        if job.state not in TERMINAL:
            job.cancel(now)
            self._jobs.settle(job)
        return replies.queue_reply(view.cancel_status, {"status": view.cancel_word}, "cancel", job.fixture)

    def _poll(self, request_id: str, now: float) -> Job | None:
        jobs = self._jobs
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
        elif state is State.FINISHED or (state is State.CANCELLED and job.awaits_cancel):
            if job.inference_time is not None:
                body["metrics"] = {"inference_time": job.inference_time}
            if job.answer.error is not None:
                body["error"] = job.answer.error
            if job.answer.error_type is not None:
                body["error_type"] = job.answer.error_type
        elif state is State.CANCELLED:
            body["error"], body["error_type"] = errors.CANCELLED_TEXT, "client_cancelled"
        elif state is State.EXPIRED:
            body["error"], body["error_type"] = errors.TIMED_OUT_TEXT, "request_timeout"
        return body


def _each_line_once(statuses: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Status objects of a stream: its readers join the logs of all, so each has only what the one before had not."""
    told = 0
    for status in statuses:
        logs = status["logs"]
        yield status if logs is None else {**status, "logs": logs[told:]}
        told = told if logs is None else len(logs)


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
