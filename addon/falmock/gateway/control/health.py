"""How falmock stands, in the control API: also while the store is away in which its state is."""

from __future__ import annotations

from typing import Any

import falmock
from falmock.engine.config import Inspector
from falmock.engine.effects import Reply
from falmock.engine.standing import Standing
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.gateway.health import CHECK


def _health(call: Call) -> Reply:
    engines = call.engines
    config = engines.config
    standing = None if engines.standing is None else engines.standing()
    value: dict[str, Any] = {
        "status": "ok",
        "version": falmock.__version__,
        "mode": config.mode.value,
        "pace": config.pace_text,
        "fixtures": len(call.seen.fixtures if engines.is_readable else engines.files.fixtures),
        "scopes": len(engines.names) if engines.is_readable else engines.scopes_here,
        "inspector": config.inspector.value,
        "connect": engines.connect._asdict(),
    }
    if standing is None:
        return answer(200, value, CHECK)
    status = 503 if standing.unready and call.query.get("ready") else 200
    return answer(status, {**value, **_shared(standing)}, CHECK)


def _shared(standing: Standing) -> dict[str, Any]:
    store = standing.store
    return {
        "ready": not standing.unready,
        "replica": standing.own,
        "store": {
            "address": store.address,
            "state": "up" if store.is_up else "away",
            "reason": store.reason,
            "lag": round(store.lag, 3),
            "waiting": store.waiting,
            "dropped": store.dropped,
        },
        "replicas": [each._asdict() for each in standing.replicas],
    }


_TEXT = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
_ALWAYS = closed(
    status={"const": "ok"},
    version=_TEXT,
    mode=_TEXT,
    pace=_TEXT,
    fixtures={
        **_WHOLE,
        "description": "The number of fixtures in the scope; of those on disk, while the store is away.",
    },
    scopes={**_WHOLE, "description": "The number of named scopes; of those seen here, while the store is away."},
    inspector={"enum": [access.value for access in Inspector]},
    connect=closed(
        proxy={**or_null("string"), "description": "The URL of the proxy."},
        ca={**or_null("string"), "description": "The path of the CA's certificate, where falmock runs."},
    ),
)
_SHARED = closed(
    ready={"type": "boolean", "description": "Whether it can answer calls now."},
    replica={**_TEXT, "description": "Which of the replicas answers this."},
    store=closed(
        address={**_TEXT, "description": "Its address, without a password."},
        state={"enum": ["up", "away"]},
        reason={**_TEXT, "description": "Why it is away; empty if it is not."},
        lag={**_SECONDS, "description": "How long the oldest call waits to be written into the journal, in seconds."},
        waiting={**_WHOLE, "description": "How many entries wait to be written."},
        dropped={**_WHOLE, "description": "How many entries were lost, as too many waited while the store was away."},
    ),
    replicas={
        "type": "array",
        "items": closed(
            id=_TEXT,
            version=_TEXT,
            fixtures={**_TEXT, "description": "A digest of its fixtures on disk: equal for equal ones."},
            started={"type": "number", "description": "Seconds since the epoch."},
            seen={"type": "number", "description": "When it last told that it is there, in seconds since the epoch."},
            lag=_SECONDS,
        ),
        "description": "The falmocks of the store.",
    },
)
_HEALTH = {**_ALWAYS, "properties": {**_ALWAYS["properties"], **_SHARED["properties"]}}

OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/health",
        "health",
        "Whether falmock is running, and its settings. If its state is in a store (fal_store): how that stands, and which falmocks share it. "
        "Balancers ask GET /ready, which needs no token: 200, or 503 while the store is away.",
        _health,
        {
            200: ("It is running.", _HEALTH),
            503: ("It is running and cannot answer calls now; only if that was asked for (ready).", _HEALTH),
        },
        (Parameter("ready", {"type": "boolean"}, "true: the status is 503 while it cannot answer calls."),),
        stateless=True,
    ),
)
