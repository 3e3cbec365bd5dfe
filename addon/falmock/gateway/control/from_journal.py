"""A call in the journal becomes a fixture: its input is matched, its answer is the one that was made, or another."""

from __future__ import annotations

import re
from typing import Any

from falmock.engine.additions import Source
from falmock.engine.additions import TooMany
from falmock.engine.effects import Reply
from falmock.fixtures.format import codec
from falmock.fixtures.format.entry import Decoded
from falmock.fixtures.model import Problem
from falmock.gateway.control import assets as control_assets
from falmock.gateway.control import fixtures
from falmock.gateway.control.chosen_answer import BadChoice
from falmock.gateway.control.journal_draft import Draft
from falmock.gateway.control.journal_draft import Unfit
from falmock.gateway.control.journal_draft import draft_of
from falmock.gateway.control.operation import ERROR
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import list_of
from falmock.gateway.control.operation import problem
from falmock.gateway.journal_view import JournalView
from falmock.redaction.redactor import Redactor
from falmock.wire import storage
from falmock.wire.formats import jsontext

_BETWEEN = re.compile(r"[^A-Za-z0-9._-]+")


def _from(call: Call) -> Reply:
    line = next((each for each in JournalView(call.seen) if each.number == call.body["call"]), None)
    if line is None:
        return problem(404, f"The journal of this scope has no call {call.body['call']}")
    to_disk = call.body.get("to", "memory") == "disk"
    if "file" in call.body and not to_disk:
        return problem(400, 'file: expected "to": "disk" beside it, as a fixture in memory has no file')
    try:
        draft = draft_of(call, line)
        if call.body.get("preview"):
            return _preview(call, draft, to_disk=to_disk)
        return _on_disk(call, draft) if to_disk else _in_memory(call, draft)
    except BadChoice as error:
        return problem(400, str(error))
    except Unfit as error:
        return problem(409, str(error))


def _checked(call: Call, draft: Draft, name: str, files: dict[str, str] | None = None) -> Decoded:
    """The fixture of a draft; the digests of its files are noted in `files` by their names."""
    find = control_assets.finder(draft.files, call.seen.assets)
    noting = control_assets.noting(find, {} if files is None else files)
    return codec.check({"fixtures": [draft.entry]}, name, noting, lambda asset: asset.data or b"")


def _no_fixture(read: Decoded, outcome: str) -> Reply:
    return problem(400, f"This is no fixture: see problems. Nothing was {outcome}", read.problems)


def _preview(call: Call, draft: Draft, *, to_disk: bool) -> Reply:
    hidden = _hidden(draft, call.seen.redactor) if to_disk else draft
    read = _checked(call, hidden, "it")
    if read.problems:
        return _no_fixture(read, "added")
    shown = hidden if to_disk else draft._replace(entry=_shown(draft.entry, call.seen.redactor))
    text = _text(shown)
    try:
        file = call.disk.place_for(_name(call, shown), text) if to_disk else None
    except OSError as error:
        return problem(409, f"The fixture could not be written: {error}")
    return answer(200, {"file": file, "text": text}, "what a call would become")


def _in_memory(call: Call, draft: Draft) -> Reply:
    engine = call.engine
    name = engine.added.name()
    files: dict[str, str] = {}
    read = _checked(call, draft, name, files)
    if read.problems:
        return _no_fixture(read, "added")
    try:
        engine.add_fixtures(name, read.fixtures, read.assets, Source({"fixtures": [draft.entry]}, files))
    except TooMany as error:
        return problem(409, str(error))
    shown = fixtures.view(engine)
    value = {"file": None, "added": name.removeprefix("added/"), "fixtures": [shown(each) for each in read.fixtures]}
    return answer(201, value, "a call became a fixture")


def _on_disk(call: Call, draft: Draft) -> Reply:
    hidden = _hidden(draft, call.engine.redactor)
    read = _checked(call, hidden, "it")
    if read.problems:
        return _no_fixture(read, "written")
    try:
        path = call.disk.save(_name(call, hidden), _text(hidden), draft.files)
        call.disk.reload()
    except (OSError, ValueError) as error:
        found: tuple[Problem, ...] = getattr(error, "problems", ())
        return problem(409, f"The fixture could not be written: {error}", found)
    shown = fixtures.view(call.engine)
    written = [shown(each) for each in call.engine.fixtures if each.source == path]
    return answer(201, {"file": path, "added": None, "fixtures": written}, "a call became a fixture on disk")


def _shown(entry: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """An entry with its secrets hidden: where the input has one, any value matches."""
    answers = {key: redactor.value(value) for key, value in entry.items() if key != "match"}
    return {"match": redactor.proposed(entry["match"]), **answers}


def _hidden(draft: Draft, redactor: Redactor) -> Draft:
    """A draft with its secrets hidden. Raises Unfit."""
    entry = _shown(draft.entry, redactor)
    prompt = draft.entry["match"].get("userMessage")
    if entry["match"].get("userMessage") != prompt:
        raise Unfit('The prompt has a secret, so no file can match it: match the whole input ("exact"), or any')
    return draft._replace(entry=entry)


def _text(draft: Draft) -> str:
    return jsontext.dump_exact({"fixtures": [draft.entry]}, indent=2)


def _name(call: Call, draft: Draft) -> str:
    """The path of the file in the fixtures folder, without `.json`: as asked for, or else of the model and the match."""
    match = draft.entry["match"]
    digest = storage.digest(jsontext.dump_shown(match).encode())[:8]
    given = call.body.get("file")
    return str(given) if given else f"{_BETWEEN.sub('-', call.seen.redactor.text(match['model']))}-{digest}"


OPERATIONS = (
    Operation(
        "POST",
        f"{PREFIX}/fixtures/from",
        "addFixtureFrom",
        "Make a fixture of a call in the journal: it matches the call's input, and answers as was made for it, or as one of `response`, `like`, "
        "`error` and `asset` says. In memory it is as if added; on disk it is a new file, and nothing that exists is changed.",
        _from,
        {
            200: (
                "With `preview`: the file that would be written, null in memory, and its text. Nothing was written or added.",
                closed(file={"type": ["string", "null"]}, text={"type": "string"}),
            ),
            201: (
                "It answers from now on. `file` is where it was written, null in memory.",
                closed(
                    file={"type": ["string", "null"]},
                    added={"type": ["string", "null"]},
                    fixtures=list_of("Fixture"),
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
                    "like": {
                        "type": "string",
                        "minLength": 1,
                        "description": "The id of a fixture, file#index, whose answer it gets; not the timeline of its job.",
                    },
                    "error": {
                        "type": ["string", "object"],
                        "description": "An error that listErrors names, or an object as in a fault.",
                    },
                    "asset": {
                        "type": "string",
                        "pattern": "^[0-9a-f]{64}$",
                        "description": "The SHA-256 of a file that falmock has: it is the first file in the output, which is made by the model's "
                        "schema, or else is that of the nearest fixture.",
                    },
                    "preview": {
                        "type": "boolean",
                        "description": "true: only show what would be written, and where.",
                    },
                },
                "additionalProperties": False,
            },
            "Which call, and what to do with it.",
            {"call": 1, "input": "exact", "to": "memory", "response": {"json": {"seed": 7}}},
        ),
    ),
)
