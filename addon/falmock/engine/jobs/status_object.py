"""The status object of a job, shown by polls, status streams and submits (PROTOCOL.md sections 3.1 and 3.2)."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from functools import lru_cache
from typing import Any

from falmock.engine.jobs.job import Job
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
    """The log lines, with the keys that any client reads."""
    return [
        {
            "message": log.message,
            "level": log.level,
            "source": log.source,
            "timestamp": _timestamp(at),
            "labels": {"level": log.level, "source": log.source},
        }
        for at, log in job.logs_until(now)
    ]


@lru_cache(maxsize=4096)
def _timestamp(at: float) -> str:
    # Cached, as every poll repeats all earlier lines.
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
