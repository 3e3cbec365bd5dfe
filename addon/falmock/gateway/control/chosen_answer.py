"""The answer that somebody chose for a fixture: a response, that of another fixture, an error, or a file."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.fixtures.call_forms import is_literal
from falmock.fixtures.format.fault import BadFault
from falmock.fixtures.format.fault import read_text
from falmock.fixtures.format.written_answer import written_answers
from falmock.fixtures.matching.canonical import FILE
from falmock.fixtures.model import Fixture
from falmock.fixtures.suggest import did_you_mean
from falmock.gateway.control.draft_files import DraftFiles
from falmock.gateway.control.draft_files import with_first_file
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.journal_view import JournalLine
from falmock.wire.formats import jsontext

INSTEAD = "give its answer as `response`, `like`, `error` or `asset`"
OK = 200


class BadChoice(ValueError):
    """What is asked for does not exist, or does not go together; the text says what is expected."""


class Asked(NamedTuple):
    """The call that becomes a fixture, and what it sent: None if it had no input. `files` are those that the answer has."""

    call: Call
    line: JournalLine
    sent: dict[str, Any] | None
    files: DraftFiles

    @property
    def lacks_files(self) -> bool:
        """Whether the call had files that the journal does not have."""
        return self.line.call == "message" and FILE.encode() in self.line.entry.body

    def made(self) -> Fixture | None:
        """The answer that is made for the call; None if nothing is known of the model. Raises NotCanonical, ValueError."""
        entry = self.line.entry
        # The engine does not keep how numbers were written.
        given = jsontext.loads(entry.body) if entry.body else self.sent
        is_empty = not given and not entry.body and entry.method != "GET"
        return self.call.seen.made_answer(self.line.endpoint, None if is_empty else given or {})


def chosen(asked: Asked) -> dict[str, Any]:
    """The chosen answers by their keys in a fixture; none if none was chosen. Raises BadChoice, ValueError."""
    found = [key for key in _WAYS if key in asked.call.body]
    if len(found) > 1:
        raise BadChoice(f"expected at most one of {', '.join(_WAYS)}, found {' and '.join(found)}")
    return _WAYS[found[0]](asked) if found else {}


def _given(asked: Asked) -> dict[str, Any]:
    return {"response": asked.call.body["response"]}


def _like(asked: Asked) -> dict[str, Any]:
    """The answers of another fixture."""
    engine, label = asked.call.seen, asked.call.body["like"]
    fixture = engine.fixture(label)
    if fixture is None:
        hint = did_you_mean(label, [each.label for each in engine.fixtures])
        raise BadChoice(f"like: there is no fixture {label[:200]!r}{hint or f': GET {PREFIX}/fixtures lists all'}")
    if fixture.only_frames and asked.line.call != "message":
        raise ValueError(f"{label} answers only messages on a socket, and this call is a {asked.line.call}")
    return written_answers(fixture, asked.files.of_fixtures)


def _error(asked: Asked) -> dict[str, Any]:
    """One of fal's errors, as a fault names it."""
    error = asked.call.body["error"]
    try:
        read_text(jsontext.dump_shown({"error": error}))
    except BadFault as bad:
        raise BadChoice(f"error: {bad}. GET {PREFIX}/errors lists all") from None
    return {"fault": {"error": error}}


def _asset(asked: Asked) -> dict[str, Any]:
    """An output with this file as its first one: the one that is made, else that of the nearest fixture."""
    digest = asked.call.body["asset"]
    asset = asked.files.by_digest(digest)
    if asset is None:
        hint = did_you_mean(digest, asked.call.seen.assets)
        raise BadChoice(f"asset: falmock has no file with the SHA-256 {digest}{hint or ': upload it first'}")
    output = _output(asked)
    changed = with_first_file(output, asset)
    if changed is None:
        raise ValueError(f"the output of {asked.line.endpoint} has no file to replace: give its answer as `response`")
    asked.files.keep(asset)
    return {"response": {"json": changed}}


def _output(asked: Asked) -> Any:
    """The output for a call, by the schema of its model or else of the nearest fixture. Raises ValueError."""
    made = None if asked.lacks_files else asked.made()
    if made is not None and made.answer.status == OK:
        value = jsontext.loads_exact(made.answer.body)
        if is_literal(value):
            return asked.files.of_made(value)
    for fixture in _nearest(asked):
        if fixture.fault is None and fixture.answer.status == OK and not fixture.only_frames:
            value = written_answers(fixture, asked.files.of_fixtures).get("response", {}).get("json")
            if value is not None:
                return value
    raise ValueError(
        f"nothing is known of what {asked.line.endpoint} answers with this input: give its answer as `response`"
    )


def _nearest(asked: Asked) -> list[Fixture]:
    """The fixtures nearest to a call that missed, the nearest first; the one that answered another call."""
    number, engine = asked.line.number, asked.call.seen
    missed = [missed for _, missed in engine.scope.journal.missed if number in missed.numbers]
    near = [near.fixture for each in missed for near in each.miss.nearest]
    found = [engine.fixture(each) if isinstance(each, str) else each for each in near]
    answered = engine.fixture(asked.line.entry.fixture)
    return [each for each in (*found, answered) if each is not None]


_WAYS: Mapping[str, Callable[[Asked], dict[str, Any]]] = {
    "response": _given,
    "like": _like,
    "error": _error,
    "asset": _asset,
}
"""The keys of a body that choose the answer."""
