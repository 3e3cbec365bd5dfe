"""A call in the journal becomes a fixture: its input is matched, its answer is the one that was made, or another."""

from __future__ import annotations

import re

from falmock.engine.additions import TooMany
from falmock.engine.effects import Reply
from falmock.fixtures.format import codec
from falmock.fixtures.model import Problem
from falmock.gateway.control import assets as control_assets
from falmock.gateway.control import fixtures
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
from falmock.gateway.control.operation import problem
from falmock.gateway.control.operation import ref
from falmock.gateway.journal_view import JournalLine
from falmock.gateway.journal_view import JournalView
from falmock.wire import storage
from falmock.wire.formats import jsontext

_BETWEEN = re.compile(r"[^A-Za-z0-9._-]+")


def _from(call: Call) -> Reply:
    line = next((each for each in JournalView(call.engine) if each.number == call.body["call"]), None)
    if line is None:
        return problem(404, f"The journal of this scope has no call {call.body['call']}")
    try:
        draft = draft_of(call, line)
    except Unfit as error:
        return problem(409, str(error))
    if call.body.get("to", "memory") == "memory":
        return _in_memory(call, draft)
    return _on_disk(call, draft, line)


def _in_memory(call: Call, draft: Draft) -> Reply:
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


def _on_disk(call: Call, draft: Draft, line: JournalLine) -> Reply:
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
