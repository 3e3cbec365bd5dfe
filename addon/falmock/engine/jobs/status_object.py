"""The status object of a job, shown by polls, status streams and submits (PROTOCOL.md sections 3.1 and 3.2)."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from functools import lru_cache
from typing import Any
from typing import NamedTuple

from falmock.engine.jobs.job import Job
from falmock.fixtures.model import JobUrls
from falmock.fixtures.model import Log
from falmock.wire import errors
from falmock.wire.calls import REQUEST_ID
from falmock.wire.formats import jsontext
from falmock.wire.lifecycle import VIEWS
from falmock.wire.lifecycle import State

ANY_JOB = "________-____-____-____-____________"
"""In place of the request id of a job, in texts that are kept for all jobs. No text of a user's has it."""


class _Shown(NamedTuple):
    """What a status shows of a job, besides its request id and its log lines."""

    state: State
    host: str
    app: str
    urls: JobUrls
    position: int | None = None
    inference_time: float | None = None
    error: str | None = None
    error_type: str | None = None


def status_object(job: Job, now: float, *, logs: bool) -> dict[str, Any]:
    """The status of a job that was advanced to `now` (seconds since the epoch); the keys have the recorded order."""
    return _object(_shown_of(job, now), job.request_id, _entries_of(job, now, logs=logs))


def status_body(job: Job, now: float, *, logs: bool) -> bytes:
    """The same as JSON. One without log lines is made from the text that other jobs like it had."""
    shown, entries = _shown_of(job, now), _entries_of(job, now, logs=logs)
    if entries:
        return jsontext.dump_queue(_object(shown, job.request_id, entries))
    return _template(shown, has_logs=entries is not None).replace(ANY_JOB.encode(), job.request_id.encode())


@lru_cache(maxsize=1024)
def _template(shown: _Shown, *, has_logs: bool) -> bytes:
    return jsontext.dump_queue(_object(shown, ANY_JOB, [] if has_logs else None))


def _shown_of(job: Job, now: float) -> _Shown:
    state = job.state
    if state is State.QUEUED:
        return _Shown(state, job.host, job.app, job.urls, job.position(now))
    if state is State.FINISHED or (state is State.CANCELLED and job.awaits_cancel):
        return _Shown(state, job.host, job.app, job.urls, None, job.inference_time, job.error, job.error_type)
    if state is State.CANCELLED:
        return _Shown(state, job.host, job.app, job.urls, error=errors.CANCELLED_TEXT, error_type="client_cancelled")
    if state is State.EXPIRED:
        return _Shown(state, job.host, job.app, job.urls, error=errors.TIMED_OUT_TEXT, error_type="request_timeout")
    return _Shown(state, job.host, job.app, job.urls)


def _object(shown: _Shown, request_id: str, entries: list[dict[str, Any]] | None) -> dict[str, Any]:
    host, urls = shown.host, shown.urls
    url = f"https://{host}/{shown.app}/requests/{request_id}"
    body: dict[str, Any] = {
        "status": VIEWS[shown.state].word,
        "request_id": request_id,
        "response_url": _url(host, urls.response, request_id) if urls.response else url,
        "status_url": _url(host, urls.status, request_id) if urls.status else f"{url}/status",
        "cancel_url": _url(host, urls.cancel, request_id) if urls.cancel else f"{url}/cancel",
        "logs": entries,
        "metrics": {} if shown.inference_time is None else {"inference_time": shown.inference_time},
    }
    if shown.position is not None:
        body["queue_position"] = shown.position
    if shown.error is not None:
        body["error"] = shown.error
    if shown.error_type is not None:
        body["error_type"] = shown.error_type
    return body


def _url(host: str, form: str, request_id: str) -> str:
    return f"https://{host}/{form.replace(REQUEST_ID, request_id)}"


def _entries_of(job: Job, now: float, *, logs: bool) -> list[dict[str, Any]] | None:
    """The log lines that a status shows; None if they are not requested, or there can be none yet."""
    if not logs or job.state is State.QUEUED:
        return None
    return _log_entries(job, now) if job.logs else []


def _log_entries(job: Job, now: float) -> list[dict[str, Any]]:
    """The log lines by `now`.

    Their times, like the inference time, are those of the fixture at any pace, to the microsecond. Only after a retry,
    which no fixture has, they are those of the last run.
    """
    entries = []
    for at, log in job.logs_until(now):
        after = at - job.submitted if job.schedule.retries else log.at
        timestamp = _timestamp(job.submitted, after) + log.zone
        entries.append(_raw_entry(log, timestamp) if log.raw else _full_entry(log, timestamp))
    return entries


def _full_entry(log: Log, timestamp: str) -> dict[str, Any]:
    """An entry with the keys that any client reads."""
    level, source = log.level, log.source
    labels = {"level": level, "source": source}
    if log.labels:
        labels.update(log.labels)
    return {"message": log.message, "level": level, "source": source, "timestamp": timestamp, "labels": labels}


def _raw_entry(log: Log, timestamp: str) -> dict[str, Any]:
    """An entry as the recorded stream has it (PROTOCOL.md section 3.2), with further keys only where they are set."""
    entry = {"timestamp": timestamp, "message": log.message, "level": log.level, "source": log.source}
    return {key: value for key, value in {**entry, "labels": log.labels}.items() if value is not None}


@lru_cache(maxsize=4096)
def _timestamp(submitted: float, at: float) -> str:
    # Cached, as every poll repeats all earlier lines. The sum of whole microseconds is exact, that of floats is not.
    time = datetime.fromtimestamp(submitted, UTC) + timedelta(seconds=at)
    return time.replace(tzinfo=None).isoformat(timespec="microseconds")
