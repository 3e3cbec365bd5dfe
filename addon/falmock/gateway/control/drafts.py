"""The fixture that is made of a call in the journal: what it matches, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.fixtures.format.fault import BadFault
from falmock.fixtures.format.fault import read_text
from falmock.fixtures.format.written_answer import written_answers
from falmock.fixtures.matching.canonical import NotCanonical
from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.user_message import prompt_text
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.fixtures.suggest import did_you_mean
from falmock.gateway.control.draft_files import DraftFiles
from falmock.gateway.control.draft_files import with_first_file
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.journal_view import ASKS
from falmock.gateway.journal_view import JournalLine
from falmock.gateway.journal_view import JournalView
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse

ANSWERS = ("response", "like", "error", "asset")
"""The keys of a body that say what the fixture answers: one of them, or none for the answer that is made."""
_OK = 200


class Unfit(ValueError):
    """A call cannot become a fixture; the text says why."""


class BadChoice(ValueError):
    """What is asked for does not exist, or does not go together; the text says what is expected."""


class Draft(NamedTuple):
    """An entry of a fixture file, and the files that it refers to by digest."""

    entry: dict[str, Any]
    files: Mapping[str, Asset]


class _Asked(NamedTuple):
    """The call that becomes a fixture, and what it sent: None if it had no input."""

    call: Call
    line: JournalLine
    sent: dict[str, Any] | None
    files: DraftFiles


def draft(call: Call, line: JournalLine) -> Draft:
    """The fixture for a call. Raises Unfit, BadChoice."""
    chosen = [key for key in ANSWERS if key in call.body]
    if len(chosen) > 1:
        raise BadChoice(f"expected at most one of {', '.join(ANSWERS)}, found {' and '.join(chosen)}")
    asked = _Asked(call, line, _sent(call, line), DraftFiles(call.seen))
    try:
        match = _match(asked)
        answers = _WAYS[chosen[0]](asked) if chosen else _made(asked)
    except BadChoice:
        raise
    except (NotCanonical, ValueError, RecursionError) as error:
        raise Unfit(f"Call {line.number} cannot become a fixture: {error}") from None
    return Draft({"match": match, **answers}, asked.files.found)


def _sent(call: Call, line: JournalLine) -> dict[str, Any] | None:
    """What a call sent. Raises Unfit."""
    if line.call not in ASKS or not line.endpoint:
        raise Unfit(f"Call {line.number} asks no model for anything: it is a {line.call}")
    if line.entry.left_out or line.entry.cut:
        raise Unfit(f"The input of call {line.number} was too long to be kept whole: write its fixture by hand")
    sent = JournalView(call.seen).input(line)
    if not isinstance(sent, dict) and (sent is not None or line.entry.body):
        raise Unfit(f"The body of call {line.number} is no JSON object: write its fixture by hand")
    return sent


def _match(asked: _Asked) -> dict[str, Any]:
    given, way = asked.sent or {}, asked.call.body.get("input", "exact")
    match: dict[str, Any] = {"model": asked.line.endpoint}
    if way == "exact":
        return match | {"input": canonical(given, asked.call.seen.digest_of), "exact": True}
    return match | {"userMessage": prompt_text(given)} if way == "prompt" else match


def _given(asked: _Asked) -> dict[str, Any]:
    return {"response": asked.call.body["response"]}


def _like(asked: _Asked) -> dict[str, Any]:
    """The answers of another fixture."""
    engine, label = asked.call.seen, asked.call.body["like"]
    fixture = engine.fixture(label)
    if fixture is None:
        hint = did_you_mean(label, [each.label for each in engine.fixtures])
        raise BadChoice(f"like: there is no fixture {label[:200]!r}{hint or f': GET {PREFIX}/fixtures lists all'}")
    if fixture.only_frames and asked.line.call != "message":
        raise ValueError(f"{label} answers only messages on a socket, and this call is a {asked.line.call}")
    return written_answers(fixture, asked.files.of_fixtures)


def _error(asked: _Asked) -> dict[str, Any]:
    """One of fal's errors, as a fault names it."""
    error = asked.call.body["error"]
    try:
        read_text(jsontext.dump_shown({"error": error}))
    except BadFault as bad:
        raise BadChoice(f"error: {bad}. GET {PREFIX}/errors lists all") from None
    return {"fault": {"error": error}}


def _asset(asked: _Asked) -> dict[str, Any]:
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


def _output(asked: _Asked) -> Any:
    """The output for a call, by the schema of its model or else of the nearest fixture. Raises ValueError."""
    made = asked.call.seen.made_answer(asked.line.endpoint, asked.sent)
    if made is not None and made.answer.status == _OK:
        return asked.files.of_made(jsontext.loads_exact(made.answer.body))
    for fixture in _nearest(asked):
        if fixture.fault is None and fixture.answer.status == _OK and not fixture.only_frames:
            value = written_answers(fixture, asked.files.of_fixtures).get("response", {}).get("json")
            if value is not None:
                return value
    raise ValueError(
        f"nothing is known of what {asked.line.endpoint} answers with this input: give its answer as `response`"
    )


def _nearest(asked: _Asked) -> list[Fixture]:
    """The fixtures nearest to a call that missed, the nearest first; the one that answered another call."""
    number, journal = asked.line.number, asked.call.seen.scope.journal
    found = [missed for _, missed in journal.missed if number in missed.numbers]
    answered = asked.call.seen.fixture(asked.line.entry.fixture)
    return [near.fixture for missed in found for near in missed.miss.nearest] + ([answered] if answered else [])


def _made(asked: _Asked) -> dict[str, Any]:
    """The answers that are made for a call, by their keys in a fixture. Raises ValueError."""
    line, used = asked.line, asked.line.entry.fixture
    if used is not None and any(used == each.label for each in asked.call.seen.fixtures):
        raise ValueError(f"the fixture {used} answered it: name it as `like`, or give another answer as `response`")
    made = asked.call.seen.made_answer(line.endpoint, asked.sent)
    if made is None:
        raise ValueError(
            f"nothing is known of what {line.endpoint} answers: give its answer as `response`, `like`, `error` or `asset`, or put its "
            f"schema into _schemas/{line.endpoint}.json (falmock schemas fetch {line.endpoint})"
        )
    response = {"json": asked.files.of_made(jsontext.loads_exact(made.answer.body))}
    if made.answer.status != _OK:
        return {"response": {"status": made.answer.status, **response}}
    if made.streamed is None:
        return {"response": response}
    told = sse.Parser().feed(b"".join(piece.data for piece in made.streamed.pieces))
    events = [{"json": asked.files.of_made(jsontext.loads_exact(each.data.encode()))} for each in told]
    return {"response": response, "stream": events}


_WAYS = {"response": _given, "like": _like, "error": _error, "asset": _asset}
