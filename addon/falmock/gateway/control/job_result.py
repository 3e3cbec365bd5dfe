"""What a job was given and answered, in the control API."""

from __future__ import annotations

from typing import Any

from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.engine.jobs.job import Job
from falmock.gateway.control.files_in import files_in
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.gateway.control.operation import ref
from falmock.gateway.journal_view import JournalView
from falmock.gateway.journal_view import shown_value
from falmock.wire.formats import jsontext
from falmock.wire.message import header_map

SCHEMA = closed(
    status={"type": ["integer", "null"], "description": "The status of its result; null while it is not over."},
    content_type={"type": "string", "description": "That of its result; empty while it is not over."},
    output={"description": "Its result, with secrets hidden and long texts cut; null if it is no JSON, or deleted."},
    input={"description": "Its input, as in the journal; null if that is not kept."},
    logs={
        "type": "array",
        "items": closed(at={"type": "number"}, level=or_null("string"), message={"type": "string"}),
        "description": "The lines so far.",
    },
    files={
        "type": "array",
        "items": ref("File"),
        "description": "The files of its input and output whose content falmock has.",
    },
    fixture={"type": "string"},
    why={"type": "string"},
)


def result(engine: Engine, job: Job, now: float) -> dict[str, Any]:
    """The result of a job of a scope at `now` (seconds since the epoch) as a JSON value, which may have secrets."""
    reply = engine.outcome(job) if job.ended is not None else None
    output = None if reply is None or job.erased else _output(reply)
    given = None if job.erased else _input(engine, job)
    return {
        "status": None if reply is None else reply.status,
        "content_type": "" if reply is None else header_map(reply.headers).get("content-type", ""),
        "output": shown_value(engine.redactor, output),
        "input": shown_value(engine.redactor, given),
        "logs": [{"at": at, "level": log.level, "message": log.message} for at, log in job.logs_until(now)],
        "files": files_in(engine, given, output),
        "fixture": job.fixture,
        "why": job.why,
    }


def _output(reply: Reply) -> Any:
    return None if isinstance(reply.body, FileBody) else jsontext.value_of(reply.body)


def _input(engine: Engine, job: Job) -> Any:
    """The input of a job, if the journal has it."""
    journal = engine.scope.journal
    number = journal.submit_of(job)
    entry = None if number is None else journal.get(number)
    if number is None or entry is None:
        return None
    view = JournalView(engine)
    return view.input(view.told(number, entry))
