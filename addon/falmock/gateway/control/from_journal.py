"""A call in the journal becomes a fixture: its input is matched, its answer is the one that was made, or another."""

from __future__ import annotations

import re
from typing import Any
from typing import NamedTuple

from falmock.engine.additions import TooMany
from falmock.engine.effects import Reply
from falmock.fixtures.format import codec
from falmock.fixtures.matching.canonical import FILE
from falmock.fixtures.matching.canonical import NotCanonical
from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.user_message import prompt_text
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Problem
from falmock.gateway.control import assets as control_assets
from falmock.gateway.control import fixtures
from falmock.gateway.control.operation import ERROR
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import problem
from falmock.gateway.control.operation import ref
from falmock.gateway.journal_view import ASKS
from falmock.gateway.journal_view import JournalLine
from falmock.gateway.journal_view import JournalView
from falmock.wire import storage
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse

_BETWEEN = re.compile(r"[^A-Za-z0-9._-]+")
_URL = "https://"
_OK = 200


class _Unfit(ValueError):
    """A call cannot become a fixture; the text says why."""


class _Draft(NamedTuple):
    """An entry of a fixture file, and the files that it refers to by digest."""

    entry: dict[str, Any]
    files: dict[str, Asset]


def _from(call: Call) -> Reply:
    line = next((each for each in JournalView(call.engine) if each.number == call.body["call"]), None)
    if line is None:
        return problem(404, f"The journal of this scope has no call {call.body['call']}")
    try:
        draft = _draft(call, line)
    except _Unfit as error:
        return problem(409, str(error))
    if call.body.get("to", "memory") == "memory":
        return _in_memory(call, draft)
    return _on_disk(call, draft, line)


def _draft(call: Call, line: JournalLine) -> _Draft:
    """The fixture for a call. Raises _Unfit."""
    if line.call not in ASKS or not line.endpoint:
        raise _Unfit(f"Call {line.number} asks no model for anything: it is a {line.call}")
    if line.entry.left_out or line.entry.cut:
        raise _Unfit(f"The input of call {line.number} was too long to be kept whole: write its fixture by hand")
    sent = JournalView(call.engine).input(line)
    if sent is None and line.entry.body:
        raise _Unfit(f"The body of call {line.number} is no JSON object: write its fixture by hand")
    given = {} if sent is None else sent
    files: dict[str, Asset] = {}
    way = call.body.get("input", "exact")
    match: dict[str, Any] = {"model": line.endpoint}
    try:
        if way == "exact":
            match |= {"input": canonical(given, call.engine.digest_of), "exact": True}
        elif way == "prompt":
            match["userMessage"] = prompt_text(given) or ""
        response = call.body.get("response")
        answers = _made(call, line, sent, files) if response is None else {"response": response}
    except (NotCanonical, ValueError, RecursionError) as error:
        raise _Unfit(f"Call {line.number} cannot become a fixture: {error}") from None
    return _Draft({"match": match, **answers}, files)


def _made(call: Call, line: JournalLine, sent: dict[str, Any] | None, files: dict[str, Asset]) -> dict[str, Any]:
    """The answers that are made for a call, by their keys in a fixture; `files` gets the files in them. Raises ValueError."""
    used = line.entry.fixture
    if used is not None and any(used == each.label for each in call.engine.fixtures):
        raise ValueError(f"the fixture {used} answered it: copy that one, or give another answer as `response`")
    made = call.engine.made_answer(line.endpoint, sent)
    if made is None:
        raise ValueError(
            f"nothing is known of what {line.endpoint} answers: give its answer as `response`, or put its schema into "
            f"_schemas/{line.endpoint}.json (falmock schemas fetch {line.endpoint})"
        )
    response = {"json": _with_files(jsontext.loads_exact(made.answer.body), call, files)}
    if made.answer.status != _OK:
        return {"response": {"status": made.answer.status, **response}}
    if made.streamed is None:
        return {"response": response}
    told = sse.Parser().feed(b"".join(piece.data for piece in made.streamed.pieces))
    events = [{"json": _with_files(jsontext.loads_exact(each.data.encode()), call, files)} for each in told]
    return {"response": response, "stream": events}


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


def _in_memory(call: Call, draft: _Draft) -> Reply:
    engine = call.engine
    name = engine.added.name()
    find = control_assets.finder(draft.files, engine.assets)
    read = codec.check({"fixtures": [draft.entry]}, name, find, lambda asset: asset.data or b"")
    if read.problems:
        return problem(400, "This is no fixture: see problems. Nothing was added", read.problems)
    try:
        engine.add_fixtures(name, read.fixtures, read.assets)
    except TooMany as error:
        return problem(409, str(error))
    shown = fixtures.view(engine)
    value = {"file": None, "added": name.removeprefix("added/"), "fixtures": [shown(each) for each in read.fixtures]}
    return answer(201, value, "a call became a fixture")


def _on_disk(call: Call, draft: _Draft, line: JournalLine) -> Reply:
    """Secrets are hidden: where the input has one, any value matches."""
    redactor = call.engine.redactor
    answers = {key: redactor.value(value) for key, value in draft.entry.items() if key != "match"}
    entry = {"match": redactor.proposed(draft.entry["match"]), **answers}
    find = control_assets.finder(draft.files, call.engine.assets)
    read = codec.check({"fixtures": [entry]}, "it", find, lambda asset: asset.data or b"")
    if read.problems:
        return problem(400, "This is no fixture: see problems. Nothing was written", read.problems)
    text = jsontext.dump_exact({"fixtures": [entry]}, indent=2)
    digest = storage.digest(jsontext.dump_shown(entry["match"]).encode())[:8]
    name = call.body.get("file") or f"{_BETWEEN.sub('-', redactor.text(line.endpoint))}-{digest}"
    try:
        path = call.disk.save(name, text, draft.files)
        call.disk.reload()
    except (OSError, ValueError) as error:
        found: tuple[Problem, ...] = getattr(error, "problems", ())
        return problem(409, f"The fixture could not be written: {error}", found)
    shown = fixtures.view(call.engine)
    written = [shown(each) for each in call.engine.fixtures if each.source == path]
    return answer(201, {"file": path, "added": None, "fixtures": written}, "a call became a fixture on disk")


OPERATIONS = (
    Operation(
        "POST",
        f"{PREFIX}/fixtures/from",
        "addFixtureFrom",
        "Make a fixture of a call in the journal: it matches the call's input, and answers as was made for it, or as `response` says. In "
        "memory it is as if added; on disk it is a new file, and nothing that exists is changed.",
        _from,
        {
            201: (
                "It answers from now on. `file` is where it was written, null in memory.",
                closed(
                    file={"type": ["string", "null"]},
                    added={"type": ["string", "null"]},
                    fixtures={"type": "array", "items": ref("Fixture")},
                ),
            ),
            404: ("There is no such call.", ERROR),
            409: ("It cannot become a fixture, or not be written.", ERROR),
        },
        body=Body(
            {
                "type": "object",
                "required": ["call"],
                "properties": {
                    "call": {"type": "integer", "minimum": 1, "description": "Its number in the journal."},
                    "input": {
                        "enum": ["exact", "prompt", "any"],
                        "description": "What it matches: the whole input (the default), the prompt alone, or any input.",
                    },
                    "to": {"enum": ["memory", "disk"], "description": "memory is the default."},
                    "file": {
                        "type": "string",
                        "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,9}$",
                        "description": "The file's path in the fixtures folder, without .json. By default one is made of the endpoint id.",
                    },
                    "response": {
                        "type": "object",
                        "description": "The answer, as in a fixture. By default one is made.",
                    },
                },
                "additionalProperties": False,
            },
            "Which call, and what to do with it.",
            {"call": 1, "input": "exact", "to": "memory", "response": {"json": {"seed": 7}}},
        ),
    ),
)
