"""The journal of a scope through the control API."""

from __future__ import annotations

from falmock.engine.effects import Reply
from falmock.gateway import door
from falmock.gateway.control.operation import PAGING
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.gateway.control.operation import page_of
from falmock.gateway.control.operation import paged
from falmock.gateway.journal_view import NAMES
from falmock.gateway.journal_view import JournalFilter
from falmock.gateway.journal_view import JournalView

SCHEMA = closed(
    number={"type": "integer", "minimum": 1, "description": "Its place among all calls of the scope."},
    at={"type": "number", "description": "Seconds since the epoch."},
    scope={"type": "string"},
    call={"type": "string", "enum": list(NAMES)},
    door={
        "type": ["string", "null"],
        "enum": [*door.NAMES, None],
        "description": "The door of falmock's own address that it came in by; null for a call by the proxy.",
    },
    method={"type": "string"},
    host={"type": "string"},
    path={"type": "string"},
    endpoint={"type": "string", "description": "The endpoint id it was about; empty for none."},
    request_id={"type": "string", "description": "That of its job or run; empty for none."},
    status={"type": ["integer", "null"], "description": "What it was answered with; null for one that fal answered."},
    forwarded={"type": "boolean", "description": "Whether it went on to fal."},
    fixture=or_null("string"),
    why={"type": "string"},
    miss={"type": ["string", "null"], "description": "The report, where no fixture answered."},
    fault={"type": ["string", "null"], "description": "The fault that struck it."},
    delay={"type": "number", "description": "The seconds it was made to wait."},
    input={"description": "What it came with, secrets hidden and long texts cut; null for nothing."},
    left_out={"type": "integer", "description": "The size in bytes of an input that was too long to be kept, else 0."},
)


def _list(call: Call) -> Reply:
    engine = call.seen
    view = JournalView(engine)
    query = {name: value for name, value in call.query.items() if name in JournalFilter._fields}
    wanted = JournalFilter(**query)
    found = [told for told in view if wanted.holds(told)]
    value = paged("entries", found, call.query, lambda told: view.shown(told, call.scope))
    return answer(200, {**value, "calls": engine.scope.journal.total, "kept": len(engine.scope.journal)}, "journal")


def _clear(call: Call) -> Reply:
    journal = call.engine.scope.journal
    cleared = journal.total
    journal.clear()
    return answer(200, {"cleared": cleared}, "the journal was cleared")


_TEXT = {"type": "string"}
SINCE = {"type": "number", "maximum": 1e11}
"""The schema of a time: no milliseconds, after which there would seem to be no calls."""
_WHOLE = {"type": "integer", "minimum": 0}
_PAGE = page_of("entries", "Entry")
_WHOLE_PAGE = closed(
    **_PAGE["properties"],
    calls={**_WHOLE, "description": "All calls there were since the journal was cleared."},
    kept={**_WHOLE, "description": "How many of them, the last, are still here."},
)

OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/journal",
        "readJournal",
        "The calls of a scope, the oldest first, that fit all parameters.",
        _list,
        {200: ("A page of calls.", _WHOLE_PAGE)},
        (
            Parameter("call", {"type": "string", "enum": list(NAMES)}, "What it was in fal's terms."),
            Parameter("endpoint", _TEXT, "An endpoint id, or a glob."),
            Parameter("request_id", _TEXT, "That of a job or a run."),
            Parameter("status", {"type": "integer"}, "The HTTP status of its answer."),
            Parameter("fixture", _TEXT, "The id of the fixture that answered, or a glob."),
            Parameter("fault", _TEXT, "The name of the fault that struck it, or a glob."),
            Parameter("miss", {"type": "boolean"}, "true: no fixture answered; false: all others."),
            Parameter("since", SINCE, "Seconds since the epoch: no earlier calls."),
            Parameter("door", {"type": "string", "enum": list(door.NAMES)}, "The door that it came in by."),
            *PAGING,
        ),
    ),
    Operation(
        "DELETE",
        f"{PREFIX}/journal",
        "clearJournal",
        "Forget the calls of a scope, and which fixtures answered them.",
        _clear,
        {200: ("How many there were.", closed(cleared=_WHOLE))},
    ),
)
