"""Answers to calls in aimock's form. README.md in the folder above lists the differences."""

from __future__ import annotations

import re
from typing import Any

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Worded
from falmock.wire.formats import jsontext
from falmock.wire.formats.timestamps import utc_text
from falmock.wire.hosts import QUEUE_HOST
from falmock.wire.lifecycle import State
from falmock.wire.message import Header
from falmock.wire.message import header_value

_JSON: Header = (b"Content-Type", b"application/json")
_CORS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"X-Total-Count, X-Request-Id, x-fal-request-id, x-fal-billable-units"),
)
_KEPT = (
    b"x-falmock-fixture",
    b"x-falmock-miss",
    b"x-falmock-fault",
    b"x-falmock-error",
    replies.WARNING_HEADER,
    replies.SYNTHESIZED_HEADER,
)
"""falmock's own headers, which say what answered."""
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_STATUS = {State.QUEUED: "IN_QUEUE", State.RUNNING: "IN_PROGRESS", State.CANCELLED: "CANCELLED"}


def answered(reply: Reply, status: int, value: Any, *extra: Header) -> Reply:
    """The reply with a body in aimock's form."""
    kept = tuple(pair for pair in reply.headers if pair[0].lower() in _KEPT)
    return reply._replace(status=status, headers=(_JSON, *extra, *kept), body=jsontext.dump_model(value), length=None)


def problem(status: int, message: str, kind: str, **more: Any) -> Reply:
    """An error that aimock answers by itself."""
    value = {"error": {"message": message, "type": kind, **more}}
    return Reply(status, (_JSON,), jsontext.dump_model(value), message)


def missed(reply: Reply, *, strict: bool) -> Reply:
    """The answer to a call without a matching fixture."""
    text = "Strict mode: no fixture matched" if strict else "No fixture matched"
    error = {"message": text, "type": "invalid_request_error", "code": "no_fixture_match"}
    return answered(reply, 503 if strict else 404, {"error": error})


def failed(reply: Reply, answer: Answer, worded: Worded) -> Reply:
    """The answer for an `error` of a fixture."""
    kept = {"param": worded.param, "code": worded.code}
    error = {"message": worded.message, "type": worded.kind or "server_error", **kept}
    after = next((value for name, value in answer.headers if name.lower() == "retry-after"), "1")
    extra = ((b"Retry-After", header_value(after)),) if answer.status == 429 else ()
    return answered(reply, answer.status, {"error": error}, *extra)


def refused(reply: Reply) -> Reply:
    """The answer to a call that cannot be read or is not supported."""
    return answered(reply, 400, {"error": {"message": message_in(reply), "type": "invalid_request_error"}})


def no_route(reply: Reply) -> Reply:
    """The answer to a call for which fal has no route."""
    return answered(reply, 404, {"error": {"message": "Not found", "type": "not_found"}})


def unknown_job(reply: Reply, request_id: str) -> Reply:
    """The answer to a call about an unknown job."""
    return answered(reply, 404, {"error": {"message": f"Request {request_id} not found", "type": "not_found"}})


def message_in(reply: Reply) -> str:
    """The message in an error of fal's or falmock's."""
    value = jsontext.object_of(reply.body) if isinstance(reply.body, bytes) else None
    if value is None:
        return reply.why
    detail = value.get("message", value.get("detail"))
    return detail if isinstance(detail, str) else reply.why


def is_cancelled(job: Job) -> bool:
    """Whether a job counts as cancelled."""
    return job.state is State.CANCELLED


def is_over(job: Job) -> bool:
    """Whether a job has a result."""
    return job.state in (State.FINISHED, State.EXPIRED)


def envelope(reply: Reply, job: Job, now: float, *, legacy: bool) -> Reply:
    """The answer to a submit of `job`."""
    url = _url(job)
    value = {
        "request_id": job.request_id,
        "response_url": f"{url}/response" if legacy else url,
        "status_url": f"{url}/status",
        "cancel_url": f"{url}/cancel",
        "queue_position": 0 if legacy or is_over(job) else job.position(now),
    }
    return answered(reply, 200, value)


def status(reply: Reply, job: Job, now: float, code: int, *, legacy: bool) -> Reply:
    """The answer to a poll, or to a result request for a job without a result yet (`code` 202)."""
    state = _STATUS.get(job.state, "COMPLETED")
    value: dict[str, Any] = {"status": state, "request_id": job.request_id, "response_url": _url(job)}
    if legacy:
        return answered(reply, code, value)
    value["logs"] = _logs(job, now)
    if job.state in (State.QUEUED, State.RUNNING):
        value["queue_position"] = job.position(now) if job.state is State.QUEUED else 0
    elif is_over(job) and job.ended is not None:
        value["metrics"] = {"inference_time": round(job.ended - job.submitted, 3)}
    return answered(reply, code, value, (b"x-fal-request-id", header_value(job.request_id)))


def result(reply: Reply, *, of_run: bool, keeps_status: bool) -> Reply:
    """The result of a job or a run. aimock's runs have no request id, and it ignores the status beside `json`."""
    dropped: tuple[bytes, ...] = (b"x-fal-served-from", b"strict-transport-security", b"x-robots-tag")
    if of_run:
        dropped += (b"x-fal-request-id", b"x-fal-billable-units")
    headers = tuple(pair for pair in reply.headers if pair[0].lower() not in dropped)
    return reply._replace(status=reply.status if keeps_status else 200, headers=headers)


def cancelled(reply: Reply) -> Reply:
    """The answer for a job that is cancelled, now or before."""
    return answered(reply, 200, {"status": "CANCELLED"})


def signed(headers: tuple[Header, ...], sent: str, generated: str) -> tuple[Header, ...]:
    """Headers with those of every aimock answer: `sent` is the request's `X-Request-Id`, `generated` replaces an invalid one."""
    own = {name.lower() for name, _ in headers}
    request_id = sent if _ID.fullmatch(sent) else generated
    more = (*_CORS, (b"X-Request-Id", header_value(request_id)))
    return headers + tuple(pair for pair in more if pair[0].lower() not in own)


def _url(job: Job) -> str:
    return f"https://{QUEUE_HOST}/{job.endpoint or job.app}/requests/{job.request_id}"


def _logs(job: Job, now: float) -> list[dict[str, str]]:
    """aimock's log lines of every job, with those of the fixture between them."""
    lines = [(job.submitted, "INFO", "Job enqueued.")]
    if _ran(job):
        latest = now if job.ended is None else job.ended  # at the pace by polls the schedule has no start time
        lines.append((min(latest, job.submitted + job.schedule.started), "INFO", "Job started processing."))
        lines += [(at, log.level or "INFO", log.message) for at, log in job.logs_until(now)]
    if job.ended is not None:
        lines.append((job.ended, "INFO", "Job cancelled." if is_cancelled(job) else "Job completed."))
    if job.schedule.completed == 0 and not job.schedule.by_polls and not job.logs:
        del lines[1:]  # completed at the submit
    return [{"timestamp": _moment(at), "level": level, "message": message} for at, level, message in lines]


def _ran(job: Job) -> bool:
    """Whether a job was ever running."""
    if job.state is not State.CANCELLED:
        return job.state in (State.RUNNING, State.FINISHED)
    schedule = job.schedule
    if schedule.by_polls:
        return 0 < job.polls >= schedule.polls_to_start
    return job.ended is not None and job.ended - job.submitted >= schedule.started


def _moment(at: float) -> str:
    return utc_text(at, "milliseconds")
