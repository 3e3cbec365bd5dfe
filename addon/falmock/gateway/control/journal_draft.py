"""The fixture for a call in the journal: it matches the call's input, and answers as the call was answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.engine import replies
from falmock.fixtures.call_forms import is_literal
from falmock.fixtures.matching.canonical import FILE
from falmock.fixtures.matching.canonical import NotCanonical
from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.user_message import own_prompt
from falmock.fixtures.model import MADE
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.gateway.control.chosen_answer import INSTEAD
from falmock.gateway.control.chosen_answer import OK
from falmock.gateway.control.chosen_answer import Asked
from falmock.gateway.control.chosen_answer import BadChoice
from falmock.gateway.control.chosen_answer import chosen
from falmock.gateway.control.draft_files import DraftFiles
from falmock.gateway.control.operation import Call
from falmock.gateway.journal_view import ASKS
from falmock.gateway.journal_view import JournalLine
from falmock.gateway.journal_view import JournalView
from falmock.redaction.patterns import HIDDEN
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse

_STATUSES = {"submit": 200, "message": 101}
"""What the journal has for calls whose answer comes later, or is no reply."""


class Unfit(ValueError):
    """A call cannot become a fixture; the text says why."""


class Draft(NamedTuple):
    """An entry of a fixture file, and the files that it refers to by digest."""

    entry: dict[str, Any]
    files: Mapping[str, Asset]


def draft_of(call: Call, line: JournalLine) -> Draft:
    """The fixture for a call. Raises Unfit, BadChoice."""
    entry = line.entry
    if line.call not in ASKS or not line.endpoint:
        raise Unfit(f"Call {line.number} asks no model for anything: it is a {line.call}")
    if entry.left_out or entry.cut:
        raise Unfit(f"The input of call {line.number} was too long to be kept whole: write its fixture by hand")
    sent = JournalView(call.seen).input(line)
    if entry.why.startswith(replies.BAD_BODY) or (entry.body and not isinstance(sent, dict)):
        raise Unfit(f"The body of call {line.number} is no JSON object: write its fixture by hand")
    asked = Asked(call, line, sent, DraftFiles(call.seen))
    try:
        match = {"model": line.endpoint, **_matching(call, sent or {})}
        answers = chosen(asked) or _made(asked)
    except BadChoice:
        raise
    except (NotCanonical, ValueError, RecursionError) as error:
        raise Unfit(f"Call {line.number} cannot become a fixture: {error}") from None
    return Draft({"match": match, **answers}, asked.files.found)


def _matching(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """What the fixture asks of an input. Raises ValueError."""
    way, hides = call.body.get("input", "exact"), call.seen.scope.journal.hides_at_once
    if way == "exact":
        meant = canonical(given, call.seen.digest_of)
        if _has_matcher(meant):
            raise ValueError(
                'its input has a key that begins with $, which a fixture takes for a matcher: ask for `"input": "any"`'
            )
        return {"input": _open(meant) if hides else meant, "exact": True}
    if way == "any":
        return {}
    prompt = own_prompt(given)
    if prompt is None:
        raise ValueError('its input has no prompt: ask for `"input": "exact"` or `"any"`')
    if hides and HIDDEN in prompt:
        raise ValueError('its prompt has a secret, which is not kept: ask for `"input": "exact"` or `"any"`')
    return {"userMessage": prompt}


def _open(value: Any) -> Any:
    """A canonical input that matches any value where a secret was hidden."""
    if isinstance(value, str):
        return {"$any": True} if HIDDEN in value else value
    if isinstance(value, list):
        return list(map(_open, value))
    if isinstance(value, dict):
        return (
            {"$any": True} if any(HIDDEN in key for key in value) else {key: _open(each) for key, each in value.items()}
        )
    return value


def _made(asked: Asked) -> dict[str, Any]:
    """The answers that were made for a call, or would be, by their keys in a fixture. Raises ValueError."""
    line, entry = asked.line, asked.line.entry
    told = f"it was answered with {entry.status} ({entry.why})"
    if entry.fixture is not None and not entry.fixture.startswith(MADE):
        is_there = asked.call.seen.fixture(entry.fixture) is not None
        way = f"name it as `like`, or {INSTEAD}" if is_there else f"it is no longer there, {INSTEAD}"
        raise ValueError(f"the fixture {entry.fixture} answered it ({entry.why}): {way}")
    if entry.fault is not None:
        raise ValueError(f"the fault {entry.fault} was injected into it: {INSTEAD}")
    if entry.fixture is None and entry.miss is None:
        raise ValueError(f"{told if entry.status else 'fal answered it'}, and no model's answer was made: {INSTEAD}")
    if asked.lacks_files:
        raise ValueError(f"the journal does not have the files in a message, and so no answer can be made: {INSTEAD}")
    made = asked.made()
    if made is None:
        raise ValueError(
            f"nothing is known of what {line.endpoint} answers: {INSTEAD}, or put its schema into "
            f"_schemas/{line.endpoint}.json (falmock schemas fetch {line.endpoint})"
        )
    status = _STATUSES.get(line.call, made.answer.status)
    is_same = made.label == entry.fixture and entry.status == status and entry.why.startswith(made.made_for)
    if entry.miss is None and not is_same:
        raise ValueError(f"{told}, and now {made.label} would answer it with {status} ({made.made_for}): {INSTEAD}")
    return _answers(made, asked.files)


def _answers(made: Fixture, files: DraftFiles) -> dict[str, Any]:
    """The answers of a made fixture by their keys in a file."""
    key, value = _written(made.answer.body, files)
    response = {key: value} if key == "json" else {"text": value, "headers": {"content-type": made.answer.content_type}}
    if made.answer.status != OK:
        response["status"] = made.answer.status
    if made.streamed is None:
        return {"response": response}
    told = sse.Parser().feed(b"".join(piece.data for piece in made.streamed.pieces))
    return {"response": response, "stream": [dict([_written(each.data.encode(), files)]) for each in told]}


def _written(body: bytes, files: DraftFiles) -> tuple[str, Any]:
    """A JSON body as `json`, with its files as assets; as `data` where `json` would mean something else."""
    value = jsontext.loads_exact(body)
    return ("json", files.of_made(value)) if is_literal(value) else ("data", body.decode())


def _has_matcher(value: Any) -> bool:
    """Whether a canonical input has a key that a fixture would take for a matcher."""
    if isinstance(value, dict):
        return any(key.startswith("$") and key != FILE for key in value) or any(map(_has_matcher, value.values()))
    return isinstance(value, list) and any(map(_has_matcher, value))
