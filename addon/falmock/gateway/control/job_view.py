"""A job as the control API shows it."""

from __future__ import annotations

import math
from typing import Any

from falmock.engine.engine import Engine
from falmock.engine.jobs.job import LOOKS
from falmock.engine.jobs.job import Job
from falmock.engine.platform.catalogue import amount
from falmock.fixtures.model import MADE
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.wire.errors import text_of
from falmock.wire.formats import jsontext
from falmock.wire.lifecycle import VIEWS
from falmock.wire.lifecycle import State

STATES = [state.value for state in State]
_MADE = ("schema", "guess")
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
    scope={"type": "string", "description": "Empty for the default scope."},
    number={"type": ["integer", "null"], "description": "The number of its submit in the journal."},
    started={"type": ["number", "null"], "description": "When it began to run."},
    states={
        "type": "array",
        "items": closed(state={"type": "string", "enum": STATES}, at={"type": "number"}),
        "description": "The states so far.",
    },
    poll_times={
        "type": "array",
        "items": {"type": "number"},
        "description": f"When clients asked for its status or result: the last {LOOKS} times.",
    },
    webhook={
        "anyOf": [
            closed(
                url={"type": "string", "description": "The host alone."},
                attempts={
                    "type": "array",
                    "items": closed(at={"type": "number"}, status=or_null("integer"), why={"type": "string"}),
                },
            ),
            {"type": "null"},
        ]
    },
    cost={
        "anyOf": [
            closed(
                units={"type": "number"},
                unit_price={"type": "number"},
                amount={"type": "number"},
                currency={"type": "string"},
                unit={"type": "string"},
            ),
            {"type": "null"},
        ],
        "description": "What it would have cost; null unless _prices.json and the units of its answer say so.",
    },
    synthesized={"enum": ["schema", "guess", None], "description": "What its answer was made from, if it was made."},
    cancel_requested={"type": "boolean"},
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
        "scope": engine.scope.name,
        "number": engine.scope.journal.submit_of(job),
        "started": job.started,
        "states": [{"state": state.value, "at": at} for state, at in job.states],
        "poll_times": engine.scope.journal.looks_of(job),
        "webhook": _webhook(job),
        "cost": _cost(engine, job),
        "synthesized": next((kind for kind in _MADE if job.fixture.startswith(f"{kind}:")), None),
        "cancel_requested": job.cancel_requested,
    }


def _webhook(job: Job) -> dict[str, Any] | None:
    if job.webhook is None:
        return None
    return {"url": job.webhook.host, "attempts": [attempt._asdict() for attempt in job.webhook.attempts]}


def _cost(engine: Engine, job: Job) -> dict[str, Any] | None:
    """What a finished job would have cost; None if that is not known."""
    price = engine.index.prices.get(job.endpoint)
    if price is None or job.state is not State.FINISHED or job.failure is not None or job.fixture.startswith(MADE):
        return None
    units = amount(engine.scope.answer_of(job).units)
    if units is None or not math.isfinite(units):
        return None
    return {"units": units, "amount": round(units * price.unit_price, 12), **price._asdict()}


def _error(engine: Engine, job: Job) -> str | None:
    """Why a job failed, also if its status does not say so; None if it did not fail."""
    result = engine.scope.answer_of(job)
    if job.error is not None or result.status < 400:
        return job.error
    return text_of(result.status, jsontext.value_of(result.body))
