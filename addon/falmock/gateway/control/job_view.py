"""A job as the control API shows it."""

from __future__ import annotations

from typing import Any

from falmock.engine.engine import Engine
from falmock.engine.jobs.job import Job
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.wire.errors import text_of
from falmock.wire.formats import jsontext
from falmock.wire.lifecycle import VIEWS
from falmock.wire.lifecycle import State

STATES = [state.value for state in State]
SCHEMA = closed(
    request_id={"type": "string"},
    endpoint={"type": "string"},
    state={"type": "string", "enum": STATES},
    status={"type": "string", "description": "What the client sees."},
    held={"type": "boolean", "description": "Whether it is held, so that neither time nor polls move it."},
    queue_position=or_null("integer"),
    submitted={"type": "number", "description": "Seconds since the epoch."},
    ended=or_null("number"),
    polls={"type": "integer", "description": "Counted at the pace polls:n,m."},
    fixture={"type": "string"},
    why={"type": "string"},
    error=or_null("string"),
)


def shown(engine: Engine, job: Job, now: float) -> dict[str, Any]:
    """A job of a scope at `now` (seconds since the epoch) as a JSON value, which may have secrets."""
    return {
        "request_id": job.request_id,
        "endpoint": job.endpoint,
        "state": job.state.value,
        "status": VIEWS[job.state].word,
        "held": job.held and job.ended is None,
        "queue_position": job.position(now) if job.state is State.QUEUED else None,
        "submitted": job.submitted,
        "ended": job.ended,
        "polls": job.polls,
        "fixture": job.fixture,
        "why": job.why,
        "error": _error(engine, job) if job.state is State.FINISHED else None,
    }


def _error(engine: Engine, job: Job) -> str | None:
    """Why a job failed, also if its status does not say so; None if it did not fail."""
    result = engine.scope.answer_of(job)
    if job.error is not None or result.status < 400:
        return job.error
    return text_of(result.status, jsontext.value_of(result.body))
