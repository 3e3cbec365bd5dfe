"""What happens in a scope, told while it happens: a stream of server-sent events in the control API."""

from __future__ import annotations

import re
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.jobs.keep_alive import KeepAlive
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.scope_events import Place
from falmock.gateway.control.scope_events import ScopeEvents
from falmock.gateway.control.shared_events import SharedScopeEvents
from falmock.wire.formats import sse

LAST_ID = "last-event-id"
"""The header with which a client that connects again names the last event it got."""
_PLACE = r"(\d{1,15})(?:\.(\d{1,30}))?"
_ID = re.compile(_PLACE, re.ASCII)
_HEADERS = (replies.EVENTS_TYPE, (b"Cache-Control", b"no-store"), (b"X-Content-Type-Options", b"nosniff"))


class _Named(NamedTuple):
    name: str
    about: str


_EVENTS = (
    _Named("hello", '{"scope", "calls", "first"}: how many calls there were, and the number of the oldest kept one'),
    _Named("call", "a call as in GET /journal without its input, and `miss` as true or false"),
    _Named("job", "a job as in GET /jobs, when it is new or changed, also by the clock"),
    _Named("gap", '{"lost"}: this many calls are no longer kept'),
    _Named("reset", "{}: the scope was reset or its journal cleared; forget what came before"),
    _Named("fixtures, faults, assets, scopes", '{"count"}'),
    _Named("settings", '{"mode", "pace"}'),
)


def place_of(text: str) -> Place | None:
    """The place that the id of an event names; None if the text is none."""
    found = _ID.fullmatch(text)
    return None if found is None else Place(int(found[1]), found[2] or "")


def _events(call: Call) -> Reply | Stream:
    text = call.request.headers.get(LAST_ID, "") or call.query.get("after", "")
    # An id that falmock never gave is that of a journal that is gone.
    place = (place_of(text) or Place(0, "?")) if text else None
    events, background = ScopeEvents(call.engines, call.scope, place), call.engines.background
    source = events if background is None else SharedScopeEvents(events, background)
    return Stream(200, _HEADERS, KeepAlive(source), "events")


OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/events",
        "readEvents",
        "What happens in a scope, from now on: all that is kept first, then each change, until the client disconnects.",
        _events,
        {
            200: (
                "Events whose data is one line of JSON: "
                + "; ".join(f"{name}: {about}" for name, about in _EVENTS)
                + ".",
                {"type": "string"},
            )
        },
        (
            Parameter(
                "after",
                {"type": "string", "pattern": f"^(?:{_PLACE})$"},
                "Only calls after this one: the id of an event (the header Last-Event-ID takes precedence), or a number in "
                "the journal. The id has the number, and behind the point which journal that is: numbers begin at 1 again.",
            ),
        ),
        media=sse.MEDIA_TYPE,
    ),
)
