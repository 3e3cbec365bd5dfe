"""The journal as people and tests ask for it: what each call was in fal's terms, found by that, its input shown."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from falmock.engine.engine import Engine
from falmock.engine.journal import CUT
from falmock.engine.journal import LONG
from falmock.engine.journal import JournalEntry
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import query
from falmock.wire.formats import jsontext

OTHER = "other"
PREFLIGHT = "preflight"
IMAGES, MODELS, DOWNLOAD = "images", "models", calls.KINDS[calls.FileGet].name
NAMES = (*calls.NAMES, "message", "webhook", IMAGES, MODELS, PREFLIGHT, OTHER)
"""What calls are called: those to fal as they are there, and `message` (on a socket), `webhook` (one that falmock posts),
`images` and `models` (of OpenAI's clients, where nothing was asked of fal)."""
ASKS = frozenset({"run", "submit", "stream", "message"})
"""The calls that ask a model for something."""
_REQUEST_ID = b"x-fal-request-id"
_DEEP = 50
"""What is nested deeper is not shown."""


class JournalLine(NamedTuple):
    """One call: its number in the journal (from 1), and what it was.

    `endpoint` and `request_id` are "" where it has none.
    """

    number: int
    entry: JournalEntry
    call: str
    endpoint: str
    request_id: str


class JournalFilter(NamedTuple):
    """Which calls are asked for: all that is set must hold. `endpoint`, `fixture` and `fault` may be globs."""

    call: str | None = None
    endpoint: str | None = None
    request_id: str | None = None
    status: int | None = None
    fixture: str | None = None
    fault: str | None = None
    miss: bool | None = None
    since: float | None = None
    door: str | None = None

    def holds(self, told: JournalLine) -> bool:
        """Whether a call is one of them."""
        entry = told.entry
        return (
            (self.call is None or self.call == told.call)
            and (self.endpoint is None or is_named(told.endpoint, self.endpoint))
            and (self.request_id is None or self.request_id == told.request_id)
            and (self.status is None or self.status == entry.status)
            and (self.fixture is None or is_named(entry.fixture, self.fixture))
            and (self.fault is None or is_named(entry.fault, self.fault))
            and (self.miss is None or self.miss is (entry.miss is not None))
            and (self.since is None or entry.at >= self.since)
            and (self.door is None or self.door == entry.door)
        )


def is_named(name: str | None, pattern: str) -> bool:
    """Whether a name is this one, or fits this glob."""
    return name is not None and (name == pattern or fnmatch.fnmatchcase(name, pattern))


class JournalView:
    """The calls of one scope, the oldest first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._journal = engine.scope.journal

    def __iter__(self) -> Iterator[JournalLine]:
        for number, entry in self._journal.numbered():
            yield self.told(number, entry)

    def told(self, number: int, entry: JournalEntry) -> JournalLine:
        """What a call was; `number` is its number in the journal."""
        if entry.kind == "webhook":
            return JournalLine(number, entry, entry.kind, self._endpoint_of(entry, entry.job), entry.job)
        if entry.method == "OPTIONS":
            return JournalLine(number, entry, PREFLIGHT, "", "")
        call = entry.call
        name = entry.kind or calls.name_of(call) or OTHER
        about = calls.endpoint_of(call, entry.path)
        if isinstance(call, calls.ABOUT_JOB):
            return JournalLine(number, entry, name, self._endpoint_of(entry, call.request_id) or about, call.request_id)
        return JournalLine(number, entry, name, about, entry.job or _answered_id(entry))

    def _endpoint_of(self, entry: JournalEntry, request_id: str) -> str:
        if entry.about is not None:
            return entry.about
        job = self._engine.scope.jobs.peek(request_id)
        return "" if job is None else job.endpoint

    def input(self, told: JournalLine) -> Any:
        """What a call came with, as it was; None where there was no input, or it was not kept."""
        entry = told.entry
        if entry.body:
            try:
                return jsontext.loads_exact(entry.body)
            except (jsontext.BadJSON, RecursionError):
                return None
        if entry.query and told.call in ("run", "stream", "submit"):
            return query.parameters(entry.query)
        return None

    def shown(self, told: JournalLine, scope: str) -> dict[str, Any]:
        """A call as a JSON value, secrets hidden and long texts cut."""
        brief = self.brief(told, scope)
        left_out = brief.pop("left_out")
        asked = shown_value(self._engine.redactor, self.input(told))
        return {**brief, "input": asked, "left_out": left_out}

    def brief(self, told: JournalLine, scope: str) -> dict[str, Any]:
        """As `shown`, without the input."""
        entry = self._journal.shown(told.entry)
        return {
            "number": told.number,
            "at": entry.at,
            "scope": self._engine.redactor.value(scope),
            "call": told.call,
            "door": entry.door or None,
            "method": entry.method,
            "host": entry.host,
            "path": entry.path,
            "endpoint": self._engine.redactor.text(told.endpoint),
            "request_id": self._engine.redactor.value(told.request_id),
            "status": entry.status,
            "forwarded": entry.status is None and not entry.kind,
            "fixture": entry.fixture,
            "why": entry.why,
            "miss": entry.miss,
            "warning": entry.warning or None,
            "fault": entry.fault,
            "delay": entry.delay,
            "left_out": entry.left_out,
        }


def shown_value(redactor: Redactor, value: Any) -> Any:
    """A JSON value as people see it: secrets hidden, long texts cut, and without what is nested too deep."""
    return _bounded(redactor.value(_bounded(value, LONG, _DEEP)), CUT, _DEEP)


def _answered_id(entry: JournalEntry) -> str:
    return next((value.decode("latin-1") for name, value in entry.answered if name.lower() == _REQUEST_ID), "")


def _bounded(value: Any, longest: int, depth: int) -> Any:
    """A JSON value with its long texts cut, and without what is nested too deep."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}... ({len(value)} characters)"
    if isinstance(value, list | dict) and depth == 0:
        return "..."
    if isinstance(value, list):
        return [_bounded(item, longest, depth - 1) for item in value]
    if isinstance(value, dict):
        return {key: _bounded(item, longest, depth - 1) for key, item in value.items()}
    return value
