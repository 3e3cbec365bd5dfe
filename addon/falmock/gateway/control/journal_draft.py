"""The fixture for a call in the journal: it matches the call's input, and answers as the call was answered."""

from __future__ import annotations

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
from falmock.gateway.control.operation import Call
from falmock.gateway.journal_view import ASKS
from falmock.gateway.journal_view import JournalLine
from falmock.gateway.journal_view import JournalView
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse

_URL = "https://"
_OK = 200
_STATUSES = {"submit": 200, "message": 101}
"""What the journal has for calls whose answer comes later, or is no reply."""


class Unfit(ValueError):
    """A call cannot become a fixture; the text says why."""


class Draft(NamedTuple):
    """An entry of a fixture file, and the files that it refers to by digest."""

    entry: dict[str, Any]
    files: dict[str, Asset]


def draft_of(call: Call, line: JournalLine) -> Draft:
    """The fixture for a call. Raises Unfit."""
    entry = line.entry
    if line.call not in ASKS or not line.endpoint:
        raise Unfit(f"Call {line.number} asks no model for anything: it is a {line.call}")
    if entry.left_out or entry.cut:
        raise Unfit(f"The input of call {line.number} was too long to be kept whole: write its fixture by hand")
    sent = JournalView(call.engine).input(line)
    if entry.why.startswith(replies.BAD_BODY) or (entry.body and not isinstance(sent, dict)):
        raise Unfit(f"The body of call {line.number} is no JSON object: write its fixture by hand")
    given = {} if sent is None else sent
    files: dict[str, Asset] = {}
    try:
        match = {"model": line.endpoint, **_matching(call, given)}
        response = call.body.get("response")
        answers = _made(call, line, sent, files) if response is None else {"response": response}
    except (NotCanonical, ValueError, RecursionError) as error:
        raise Unfit(f"Call {line.number} cannot become a fixture: {error}") from None
    return Draft({"match": match, **answers}, files)


def _matching(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """What the fixture asks of an input. Raises ValueError."""
    way = call.body.get("input", "exact")
    if way == "exact":
        meant = canonical(given, call.engine.digest_of)
        if _has_matcher(meant):
            raise ValueError(
                'its input has a key that begins with $, which a fixture takes for a matcher: ask for `"input": "any"`'
            )
        return {"input": meant, "exact": True}
    if way == "any":
        return {}
    prompt = own_prompt(given)
    if prompt is None:
        raise ValueError('its input has no prompt: ask for `"input": "exact"` or `"any"`')
    return {"userMessage": prompt}


def _made(call: Call, line: JournalLine, sent: dict[str, Any] | None, files: dict[str, Asset]) -> dict[str, Any]:
    """The answers that were made for a call, or would be, by their keys in a fixture; `files` gets the files in them. Raises ValueError."""
    entry = line.entry
    instead = "give its answer as `response`"
    told = f"it was answered with {entry.status} ({entry.why})"
    if entry.fixture is not None and not entry.fixture.startswith(MADE):
        is_there = any(entry.fixture == each.label for each in call.engine.fixtures)
        way = f"copy that one, or {instead}" if is_there else f"it is no longer there, {instead}"
        raise ValueError(f"the fixture {entry.fixture} answered it ({entry.why}): {way}")
    if entry.fault is not None:
        raise ValueError(f"the fault {entry.fault} was injected into it: {instead}")
    if entry.fixture is None and entry.miss is None:
        raise ValueError(f"{told if entry.status else 'fal answered it'}, and no model's answer was made: {instead}")
    if line.call == "message" and FILE.encode() in entry.body:
        raise ValueError(f"the journal does not have the files in a message, and so no answer can be made: {instead}")
    given = jsontext.loads(entry.body) if entry.body else sent  # the engine does not keep how numbers were written
    is_empty = not given and not entry.body and entry.method != "GET"
    made = call.engine.made_answer(line.endpoint, None if is_empty else given or {})
    if made is None:
        raise ValueError(
            f"nothing is known of what {line.endpoint} answers: {instead}, or put its schema into "
            f"_schemas/{line.endpoint}.json (falmock schemas fetch {line.endpoint})"
        )
    status = _STATUSES.get(line.call, made.answer.status)
    is_same = made.label == entry.fixture and entry.status == status and entry.why.startswith(made.made_for)
    if entry.miss is None and not is_same:
        raise ValueError(f"{told}, and now {made.label} would answer it with {status} ({made.made_for}): {instead}")
    return _answers(made, call, files)


def _answers(made: Fixture, call: Call, files: dict[str, Asset]) -> dict[str, Any]:
    """The answers of a made fixture by their keys in a file; `files` gets the files in them."""
    key, value = _written(made.answer.body, call, files)
    response = {key: value} if key == "json" else {"text": value, "headers": {"content-type": made.answer.content_type}}
    if made.answer.status != _OK:
        response["status"] = made.answer.status
    if made.streamed is None:
        return {"response": response}
    told = sse.Parser().feed(b"".join(piece.data for piece in made.streamed.pieces))
    return {"response": response, "stream": [dict([_written(each.data.encode(), call, files)]) for each in told]}


def _written(body: bytes, call: Call, files: dict[str, Asset]) -> tuple[str, Any]:
    """A JSON body as `json`, with its files as assets, which `files` gets; as `data` where `json` would mean something else."""
    value = jsontext.loads_exact(body)
    return ("json", _with_files(value, call, files)) if is_literal(value) else ("data", body.decode())


def _has_matcher(value: Any) -> bool:
    """Whether a canonical input has a key that a fixture would take for a matcher."""
    if isinstance(value, dict):
        return any(key.startswith("$") and key != FILE for key in value) or any(map(_has_matcher, value.values()))
    return isinstance(value, list) and any(map(_has_matcher, value))


def _with_files(value: Any, call: Call, files: dict[str, Asset]) -> Any:
    """The output with its files as assets; `files` gets them."""
    if isinstance(value, dict):
        return {key: _with_files(item, call, files) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_files(item, call, files) for item in value]
    if not isinstance(value, str) or not value.startswith(_URL):
        return value
    path = "/" + value.removeprefix(_URL).partition("/")[2]
    asset = call.engine.scope.assets.made.find(path)
    if asset is None:
        return value
    files[asset.sha256] = asset
    return {FILE: f"sha256:{asset.sha256}", "name": asset.name, "type": asset.content_type}
