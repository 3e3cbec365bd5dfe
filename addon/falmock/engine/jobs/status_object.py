"""The status object of a job, shown by polls, status streams and submits (PROTOCOL.md sections 3.1 and 3.2)."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from functools import lru_cache
from typing import Any

from falmock.engine.jobs.job import Job
from falmock.fixtures.model import Log
from falmock.wire import errors
from falmock.wire.calls import REQUEST_ID
from falmock.wire.lifecycle import VIEWS
from falmock.wire.lifecycle import State


def status_object(job: Job, now: float, *, logs: bool) -> dict[str, Any]:
    """The status of a job that was advanced to `now` (seconds since the epoch); the keys have the recorded order."""
    state = job.state
    urls = job.urls
    url = f"https://{job.host}/{job.app}/requests/{job.request_id}"
    body: dict[str, Any] = {
        "status": VIEWS[state].word,
        "request_id": job.request_id,
        "response_url": _url(job, urls.response) if urls.response else url,
        "status_url": _url(job, urls.status) if urls.status else f"{url}/status",
        "cancel_url": _url(job, urls.cancel) if urls.cancel else f"{url}/cancel",
        "logs": _log_entries(job, now) if logs and state is not State.QUEUED else None,
        "metrics": {},
    }
    if state is State.QUEUED:
        body["queue_position"] = job.position(now)
    elif state is State.FINISHED or (state is State.CANCELLED and job.awaits_cancel):
        if job.inference_time is not None:
            body["metrics"] = {"inference_time": job.inference_time}
        if job.error is not None:
            body["error"] = job.error
        if job.error_type is not None:
            body["error_type"] = job.error_type
    elif state is State.CANCELLED:
        body["error"], body["error_type"] = errors.CANCELLED_TEXT, "client_cancelled"
    elif state is State.EXPIRED:
        body["error"], body["error_type"] = errors.TIMED_OUT_TEXT, "request_timeout"
    return body


def _url(job: Job, form: str) -> str:
    return f"https://{job.host}/{form.replace(REQUEST_ID, job.request_id)}"


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
