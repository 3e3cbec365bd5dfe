"""What no fixture answered, in the control API: grouped by what was asked, with the nearest fixtures."""

from __future__ import annotations

from typing import Any

from falmock.engine.effects import Reply
from falmock.engine.missed_calls import LIMIT
from falmock.engine.missed_calls import NUMBERS
from falmock.engine.missed_calls import MissedCall
from falmock.gateway.control.operation import PAGING
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.gateway.control.operation import page_of
from falmock.gateway.control.operation import paged
from falmock.gateway.journal_view import NAMES
from falmock.gateway.journal_view import JournalView

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 1}
_DIFFERENCE = closed(
    path={**_TEXT, "description": "The JSON path in the input."},
    expected={**_TEXT, "description": "What the fixture expects, as JSON text or in words; cut if it is long."},
    found={**_TEXT, "description": "What the call has."},
    volatile={"type": "boolean", "description": "Whether such values change from run to run: ids, times, signatures."},
    rule={
        **or_null("string"),
        "description": "The value of fal_ignore that removes this difference; null if there is no single one.",
    },
)
SCHEMA = closed(
    key={**_TEXT, "description": "Equal for calls that ask for the same; it has no other meaning."},
    count={**_WHOLE, "description": "How many calls asked for it."},
    numbers={
        "type": "array",
        "items": _WHOLE,
        "description": f"The numbers of the last {NUMBERS} of them in the journal, the oldest first.",
    },
    at={"type": "number", "description": "When the last one came, in seconds since the epoch."},
    scope=_TEXT,
    endpoint={**_TEXT, "description": "The endpoint id; empty if there is none."},
    call={**_TEXT, "enum": list(NAMES), "description": "The kind of the last call."},
    input={"description": "The input, with secrets hidden and long texts cut; null if there is none."},
    text={**_TEXT, "description": "The report."},
    nearest={
        "type": "array",
        "items": closed(
            fixture={**_TEXT, "description": "Its id, file#index."},
            endpoint={**_TEXT, "description": "The endpoint id under which the call was compared with it."},
            differences={"type": "array", "items": _DIFFERENCE},
        ),
        "description": "The nearest fixtures, the nearest first.",
    },
)


def _list(call: Call) -> Reply:
    engine = call.seen
    view, redactor = JournalView(engine), engine.redactor

    def shown(group: tuple[str, MissedCall]) -> dict[str, Any]:
        key, missed = group
        entry = view.shown(view.told(missed.numbers[-1], missed.last), call.scope)
        miss = missed.told(redactor)
        return {
            "key": key,
            "count": missed.count,
            "numbers": list(missed.numbers),
            **{name: entry[name] for name in ("at", "scope", "endpoint", "call", "input")},
            "text": miss.text,
            "nearest": [
                {**near._asdict(), "differences": [each._asdict() for each in near.differences]}
                for near in miss.nearest
            ],
        }

    return answer(200, paged("misses", list(engine.scope.journal.missed), call.query, shown), "misses")


OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/misses",
        "listMisses",
        f"What no fixture answered in a scope, grouped by what was asked, the latest first: the last {LIMIT} different ones since the "
        "journal was cleared. In a store (fal_store): of the calls that the journal keeps.",
        _list,
        {200: ("A page of misses.", page_of("misses", "Miss"))},
        PAGING,
    ),
)
