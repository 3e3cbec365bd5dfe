"""The report of a run in the control API: what was answered in all scopes."""

from __future__ import annotations

from typing import Any

import falmock
from falmock.engine.effects import Reply
from falmock.fixtures import age
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import ref

_WHOLE = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}
MISSED = closed(
    endpoint={**_TEXT, "description": "The endpoint id that was called; empty for none."},
    scope={**_TEXT, "description": "The scope of the first such call; empty for the default scope."},
    text={**_TEXT, "description": "The report: the nearest fixtures, and each difference."},
    count={**_WHOLE, "description": "How many calls got it."},
)
_REPORT = closed(
    version=_TEXT,
    mode=_TEXT,
    calls=_WHOLE,
    replayed=_WHOLE,
    synthesized={**_WHOLE, "description": "Calls with made answers, and those about their jobs."},
    misses=_WHOLE,
    forwarded={**_WHOLE, "description": "Calls that went on to fal."},
    without_fixture={**_WHOLE, "description": "Calls that were answered without a fixture, such as uploads."},
    missed={"type": "array", "items": ref("Missed"), "description": "What the misses were, the first 200 of them."},
    fixtures={**_WHOLE, "description": "The number of fixtures on disk."},
    unused={"type": "array", "items": _TEXT, "description": "Those that answered no call, as file#index."},
)


def _report(call: Call) -> Reply:
    engines = call.engines
    totals, fixtures, since = engines.totals, engines.files.fixtures, call.query.get("since")
    value: dict[str, Any] = {
        "version": falmock.__version__,
        "mode": engines.config.mode.value,
        "calls": totals.calls,
        "replayed": totals.replayed,
        "synthesized": totals.synthesized,
        "misses": totals.misses,
        "forwarded": totals.forwarded,
        "without_fixture": totals.without_fixture,
        "missed": [
            {"endpoint": missed.endpoint, "scope": missed.scope, "text": text, "count": missed.count}
            for text, missed in totals.missed.items()
        ],
        "fixtures": len(fixtures),
        "unused": [
            fixture.label
            for fixture in (fixtures if since is None else age.there_before(fixtures, since))
            if fixture.label not in totals.used
        ],
    }
    return answer(200, value, "the report")


def _clear(call: Call) -> Reply:
    call.engines.totals.clear()
    return answer(200, {"cleared": True}, "the report was cleared")


OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/report",
        "report",
        "What this process answered in all scopes since the start, also in those that were dropped: others with the same store count apart.",
        _report,
        {200: ("The report.", _REPORT)},
        (
            Parameter(
                "since",
                {"type": "number"},
                "Fixtures recorded since then (seconds since the epoch) do not count as unused.",
            ),
        ),
        of_scope=False,
    ),
    Operation(
        "DELETE",
        f"{PREFIX}/report",
        "clearReport",
        "Begin a new report: all counts become 0.",
        _clear,
        {200: ("It was cleared.", closed(cleared={"const": True}))},
        of_scope=False,
    ),
)
