"""Follows the jobs of a recording, each from its submit to its result, by request id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from falmock.recording.composer import Composer
from falmock.recording.exchange import Exchange
from falmock.recording.job_trace import JobTrace
from falmock.recording.match import NotAnInput
from falmock.recording.outcome import Level
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import SelfAnswered
from falmock.recording.outcome import Tell
from falmock.recording.response import BuiltResponse
from falmock.recording.response import NotAnAnswer
from falmock.recording.webhook_results import WebhookResult
from falmock.wire.calls import Cancel
from falmock.wire.calls import FollowUp
from falmock.wire.calls import Result
from falmock.wire.calls import Status
from falmock.wire.calls import StatusStream
from falmock.wire.calls import Submit
from falmock.wire.errors import ALREADY_COMPLETED
from falmock.wire.errors import CANCELLED_TEXT
from falmock.wire.errors import NOT_FOUND
from falmock.wire.errors import UNFINISHED
from falmock.wire.formats import jsontext
from falmock.wire.formats.sse import Parser

_NO_SUCH_URL = (404, 405)
_BY_WEBHOOK = (
    "it is recorded when its result is fetched from the queue, or when the webhook comes to the app through here "
    "(mitmproxy's mode reverse)"
)
_NAMES: Mapping[type, str] = MappingProxyType(
    {Status: "status", StatusStream: "status stream", Result: "result", Cancel: "cancel"}
)
DONE_LIMIT = 10_000
"""How many request ids are remembered after their job is recorded or reported."""


class JobTraces:
    """Follows at most `limit` jobs at a time; beyond that, the oldest is given up."""

    def __init__(self, composer: Composer, limit: int) -> None:
        self._composer = composer
        self._limit = limit
        self._jobs: OrderedDict[str, JobTrace] = OrderedDict()
        self._done: OrderedDict[str, str] = OrderedDict()
        """By request id: why a job that is over is not recorded; "" if it is."""

    def submit(self, call: Submit, exchange: Exchange) -> list[Outcome]:
        """Handle a submit: from now on the job is followed."""
        endpoint = str(call.endpoint)
        about = f"a submit to {endpoint}"
        why = exchange.lost or self._composer.trouble(exchange)
        if why:
            return [NotRecorded(about, why)]
        try:
            match = self._composer.matches.of_endpoint(exchange.request, endpoint)
            if exchange.status >= 300:
                return [self._refused(endpoint, match, exchange)]
        except (NotAnInput, NotAnAnswer) as error:
            return [NotRecorded(about, str(error))]
        answer = _object(exchange.body)
        request_id = answer.get("request_id")
        if not isinstance(request_id, str):
            return [NotRecorded(about, "it was answered without a request_id")]
        job = JobTrace(
            request_id,
            about=f"job {request_id} of {endpoint}",
            entry={"match": match, "recorded": self._composer.recorded(exchange, request_id)},
            asked=exchange.started,
            submitted=exchange.ended,
            app=call.endpoint.app,
            webhook=bool(call.webhook),
        )
        job.observe(answer, exchange.ended)
        job.observe_urls(answer)
        known = self._jobs.get(request_id)
        outcomes = [] if known is None else self._unfetched(known)
        self._jobs[request_id] = job
        self._done.pop(request_id, None)
        if len(self._jobs) > self._limit:
            outcomes += self._unfetched(next(iter(self._jobs.values())))
        if job.webhook:
            outcomes.append(Tell(f"{job.about} has a webhook: {_BY_WEBHOOK}"))
        return outcomes

    def _refused(self, endpoint: str, match: dict[str, Any], exchange: Exchange) -> Save:
        answered = self._composer.answer(exchange)
        entry = {
            "match": match,
            "response": answered.response,
            "queue": {"refused": True},
            "recorded": self._composer.recorded(exchange),
        }
        return self._composer.save(entry, f"the refused submit to {endpoint}", exchange.started, answered)

    def follow_up(self, call: FollowUp, exchange: Exchange) -> list[Outcome]:
        """Handle a poll, a status stream, a cancel, or the result, which completes the fixture."""
        job = self._jobs.get(call.request_id)
        if job is None:
            return self._unknown_job(call.request_id, exchange)
        why = self._why_not_part(call, exchange)
        if why:
            return [NotRecorded(f"the {_NAMES[type(call)]} of {job.about}", why)]
        job.calls += 1
        is_served = exchange.status not in _NO_SUCH_URL and self._composer.trouble(exchange) is None
        if is_served:
            job.observe_served(call.form)
        if isinstance(call, Result):
            return self._result(job, exchange)
        if isinstance(call, Cancel):
            if is_served:
                _observe_cancel(job, exchange)
        elif isinstance(call, StatusStream):
            job.observe_stream(_events(exchange))
        else:
            job.observe(_object(exchange.body), exchange.ended)
        return []

    def _why_not_part(self, call: FollowUp, exchange: Exchange) -> str | None:
        """Why an answer shows nothing of its job; None if it does."""
        why = self._composer.trouble(exchange)
        if why or isinstance(call, Result):
            return why
        if isinstance(call, Status) and exchange.lost:
            return exchange.lost
        if exchange.status in ((200, 202, 400) if isinstance(call, Cancel) else (200, 202)):
            return None
        return f"it was answered {exchange.status}, and in replay jobs answer by themselves"

    def _unknown_job(self, request_id: str, exchange: Exchange) -> list[Outcome]:
        """Handle a call about a job that was submitted before the recording, or that is already recorded."""
        why_not = self._done.get(request_id)
        if why_not == "":
            return [SelfAnswered("calls about jobs that were recorded before")]
        if why_not is None and exchange.status == 404:
            return [SelfAnswered("calls about jobs that fal does not know")]
        level = Level.WARNING if why_not is None else Level.DEBUG
        why_not = why_not or "it was submitted before the recording began, so its input is unknown"
        self._close(request_id, why_not)
        return [NotRecorded(f"job {request_id}", why_not, level=level)]

    def _close(self, request_id: str, why_not: str = "") -> None:
        """Stop following this job; nothing more is reported about it. `why_not` says why it is not recorded, if it is not."""
        self._jobs.pop(request_id, None)
        self._done[request_id] = why_not
        if len(self._done) > DONE_LIMIT:
            self._done.popitem(last=False)

    def _given_up(self, job: JobTrace, why: str) -> list[Outcome]:
        """End a job that cannot be recorded."""
        self._close(job.request_id, why)
        return [NotRecorded(job.about, why, job.calls)]

    def _saved(self, job: JobTrace, entry: dict[str, Any], answered: BuiltResponse) -> list[Outcome]:
        """End a job that is recorded."""
        self._close(job.request_id)
        return [self._composer.save(entry, job.about, job.asked, answered)._replace(calls=job.calls)]

    def finish(self) -> list[Outcome]:
        """End the recording: write cancelled jobs, and report the others as not recorded."""
        outcomes: list[Outcome] = []
        for job in list(self._jobs.values()):
            outcomes += self._unfetched(job)
        return outcomes

    def _result(self, job: JobTrace, exchange: Exchange) -> list[Outcome]:
        if _is_unfinished(job, exchange):
            return []
        try:
            answered = self._composer.answer(exchange)
        except NotAnAnswer as error:
            return self._given_up(job, str(error))
        return self._saved(job, _job_entry(job, exchange, answered.response), answered)

    def deliver(self, delivered: WebhookResult) -> list[Outcome]:
        """Handle a webhook of fal, which completes the fixture as a result does; empty if the job is unknown."""
        job = self._jobs.get(delivered.request_id)
        if job is None:
            return []
        exchange = delivered.result
        why = "it has no result" if exchange is None else self._composer.trouble(exchange)
        if exchange is None or why:
            return [NotRecorded(f"the webhook of {job.about}", why or "", calls=0)]
        job.completed = exchange.ended if job.completed is None else job.completed
        return self._result(job, exchange)

    def _unfetched(self, job: JobTrace) -> list[Outcome]:
        """Give up a job whose result was not fetched; if it was cancelled, write it."""
        ran_on = job.inference_time is not None and job.error is None  # an app that does not stop when asked to
        if job.cancel_asked is None or ran_on:
            how = f"; {_BY_WEBHOOK}" if job.webhook else ""
            return self._given_up(job, f"its result was never fetched{how}")
        # The result of a cancelled job is documented, so it is written with a note that it was not fetched.
        response = {"error": {"type": "client_cancelled", "message": job.error or CANCELLED_TEXT}}
        queue = _cancelled_timeline(job, job.cancel_asked) | _shown_error(job, 499)
        recorded = job.entry["recorded"] | {"note": "The result was not fetched after the cancel."}
        entry = {"match": job.entry["match"], "response": response, "queue": queue, "recorded": recorded}
        return self._saved(job, entry, BuiltResponse())


def _observe_cancel(job: JobTrace, exchange: Exchange) -> None:
    """Note from the answer to a cancel whether the job is to stop, or was completed before."""
    was_known = job.cancel_asked is not None or job.completed is not None
    if exchange.status < 300:
        job.cancel_asked = exchange.ended if job.cancel_asked is None else job.cancel_asked
    elif job.completed is None and _object(exchange.body) == ALREADY_COMPLETED:
        job.completed = exchange.started
    value = jsontext.value_of(exchange.body, exact=True)
    if not was_known and value is not None:
        job.cancel_answer = {"status": exchange.status, "json": value}


def _events(exchange: Exchange) -> Iterator[tuple[float, dict[str, Any]]]:
    """The status objects of a stream, each with its arrival time."""
    parser = Parser()
    for at, chunk in exchange.chunks:
        for event in parser.feed(chunk):
            yield at, _object(event.data.encode())


def _is_unfinished(job: JobTrace, exchange: Exchange) -> bool:
    """Whether the answer is not the model's: the job is not complete, or lost (PROTOCOL.md section 3.4)."""
    if exchange.status == 202:
        return True
    body = _object(exchange.body) if exchange.status in (400, 404) else {}
    return body == NOT_FOUND or (body == UNFINISHED and job.completed is None)


def _job_entry(job: JobTrace, exchange: Exchange, response: dict[str, Any]) -> dict[str, Any]:
    """The fixture of a job whose result was fetched."""
    queue = job.timeline(exchange.ended)
    if job.cancel_asked is not None:
        if exchange.status == 499:
            queue = _cancelled_timeline(job, job.cancel_asked)
        else:
            asked = job.after(job.cancel_asked)
            queue = {"started": asked, **queue, "cancel": "ignored"}
            queue["started"] = min(queue["started"], asked)  # only a running app can ignore a cancel
    queue |= _shown_error(job, exchange.status)
    entry = {"match": job.entry["match"], "response": response}
    if queue:
        entry["queue"] = queue
    return entry | {"recorded": job.entry["recorded"]}


def _shown_error(job: JobTrace, result: int) -> dict[str, Any]:
    """The failure as the COMPLETED status showed it; a status without one is noted if the `result` is an error."""
    texts = {"error": job.error, "errorType": job.error_type}
    shown = {key: text for key, text in texts.items() if text is not None}
    return {"error": None} if job.end_shown and not shown and result >= 400 else shown


def _cancelled_timeline(job: JobTrace, asked: float) -> dict[str, Any]:
    """The `queue` of a job that its client cancelled: in replay it runs until it is cancelled again."""
    queue = job.timeline(asked)
    queue.pop("completed", None)
    queue.pop("inferenceTime", None)
    cancelled = job.after(asked)
    if job.started is None:
        queue.pop("started", None)
    elif "started" in queue:
        queue["started"] = min(queue["started"], cancelled)  # a poll may cross the cancel
    return queue | {"cancelled": cancelled}


def _object(body: bytes) -> dict[str, Any]:
    return jsontext.object_of(body, exact=True) or {}
