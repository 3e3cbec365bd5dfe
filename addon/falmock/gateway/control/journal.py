"""The journal of a scope in the control API."""

from __future__ import annotations

import re

from falmock.engine.effects import Reply
from falmock.gateway import door
from falmock.gateway.control.files_in import files_in
from falmock.gateway.control.operation import ERROR
from falmock.gateway.control.operation import PAGING
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import list_of
from falmock.gateway.control.operation import or_null
from falmock.gateway.control.operation import page_of
from falmock.gateway.control.operation import paged
from falmock.gateway.control.operation import problem
from falmock.gateway.control.operation import ref
from falmock.gateway.control.pieces import pieces_of
from falmock.gateway.journal_view import NAMES
from falmock.gateway.journal_view import JournalFilter
from falmock.gateway.journal_view import JournalView

SCHEMA = closed(
    number={"type": "integer", "minimum": 1, "description": "Its number among all calls of the scope."},
    at={"type": "number", "description": "Seconds since the epoch."},
    scope={"type": "string"},
    call={"type": "string", "enum": list(NAMES)},
    door={
        "type": ["string", "null"],
        "enum": [*door.NAMES, None],
        "description": "The door at falmock's own address by which it came; null if it came through the proxy.",
    },
    method={"type": "string"},
    host={"type": "string"},
    path={"type": "string"},
    endpoint={"type": "string", "description": "The endpoint id; empty if there is none."},
    request_id={"type": "string", "description": "The request id of its job or run; empty if there is none."},
    status={"type": ["integer", "null"], "description": "The status of its answer; null if fal answered it."},
    forwarded={"type": "boolean", "description": "Whether it was forwarded to fal."},
    fixture=or_null("string"),
    why={"type": "string"},
    miss={"type": ["string", "null"], "description": "The report, if no fixture answered; else null."},
    warning={
        "type": ["string", "null"],
        "description": "What its answer warns of, as in the header x-falmock-warning; null if nothing.",
    },
    fault={"type": ["string", "null"], "description": "The fault that was injected; null if none."},
    delay={"type": "number", "description": "The injected delay in seconds."},
    input={"description": "The input, with secrets hidden and long texts cut; null if there is none."},
    left_out={"type": "integer", "description": "The size in bytes of an input that was too long to keep, else 0."},
)


def _list(call: Call) -> Reply:
    engine = call.seen
    view = JournalView(engine)
    query = {name: value for name, value in call.query.items() if name in JournalFilter._fields}
    selected = JournalFilter(**query)
    found = [line for line in view if selected.holds(line)]
    value = paged("entries", found, call.query, lambda line: view.shown(line, call.scope))
    return answer(200, {**value, "calls": engine.scope.journal.total, "kept": len(engine.scope.journal)}, "journal")


def _show(call: Call) -> Reply:
    engine, text = call.seen, call.path["number"]
    journal = engine.scope.journal
    entry = journal.get(int(text)) if _NUMBER.fullmatch(text) else None
    if entry is None:
        kept = f"{journal.first} to {journal.total} are kept" if len(journal) else "the journal is empty"
        return problem(404, f"There is no call {text[:100]!r} in the journal of this scope: {kept}")
    view = JournalView(engine)
    line = view.told(int(text), entry)
    value = {
        "entry": view.shown(line, call.scope),
        "files": files_in(engine, view.input(line)),
        "pieces": pieces_of(engine, entry),
    }
    return answer(200, value, "a call")


def _clear(call: Call) -> Reply:
    journal = call.engine.scope.journal
    cleared = journal.total
    journal.clear()
    return answer(200, {"cleared": cleared}, "the journal was cleared")


_NUMBER = re.compile(r"\d{1,15}", re.ASCII)
_TEXT = {"type": "string"}
SINCE = {"type": "number", "maximum": 1e11}
"""The schema of a time in seconds; the maximum rejects milliseconds, for which the result would be empty."""
_WHOLE = {"type": "integer", "minimum": 0}
_PAGE = page_of("entries", "Entry")
_WHOLE_PAGE = closed(
    **_PAGE["properties"],
    calls={**_WHOLE, "description": "The number of all calls since the journal was cleared."},
    kept={**_WHOLE, "description": "How many of them, the latest, are kept."},
)

OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/journal",
        "readJournal",
        "The calls of a scope that match all parameters, the oldest first. Several falmocks with one store (fal_store) have one journal.",
        _list,
        {200: ("A page of calls.", _WHOLE_PAGE)},
        (
            Parameter("call", {"type": "string", "enum": list(NAMES)}, "The kind of call."),
            Parameter("endpoint", _TEXT, "An endpoint id, or a glob."),
            Parameter("request_id", _TEXT, "The request id of a job or run."),
            Parameter("status", {"type": "integer"}, "The HTTP status of its answer."),
            Parameter("fixture", _TEXT, "The id of the fixture that answered, or a glob."),
            Parameter("fault", _TEXT, "The name of the injected fault, or a glob."),
            Parameter("miss", {"type": "boolean"}, "true: no fixture answered; false: all others."),
            Parameter("since", SINCE, "Only calls from this time on (seconds since the epoch)."),
            Parameter("door", {"type": "string", "enum": list(door.NAMES)}, "The door by which it came."),
            *PAGING,
        ),
    ),
    Operation(
        "GET",
        f"{PREFIX}/journal/{{number}}",
        "showCall",
        "One call, the files in its input, and what came of it over time.",
        _show,
        {
            200: (
                "The call.",
                closed(
                    entry=ref("Entry"),
                    files=list_of("File"),
                    pieces=list_of("Piece"),
                ),
            ),
            404: ("There is no such call.", ERROR),
        },
    ),
    Operation(
        "DELETE",
        f"{PREFIX}/journal",
        "clearJournal",
        "Clear the calls of a scope, and which fixtures answered them.",
        _clear,
        {200: ("How many calls were cleared.", closed(cleared=_WHOLE))},
    ),
)
