"""Reset and scopes in the control API."""

from __future__ import annotations

from typing import Any

from falmock.engine import scopes
from falmock.engine.effects import EVERY_JOB
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.engine.jobs.pace import BadPace
from falmock.engine.jobs.pace import parse_pace
from falmock.gateway.control.operation import ERROR
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import list_of
from falmock.gateway.control.operation import problem
from falmock.gateway.control.operation import ref


def _reset(call: Call) -> Reply:
    if call.query.get("all"):
        call.engines.reset_all()
    else:
        call.engines.reset(call.scope)
    return answer(200, {"reset": "all" if call.query.get("all") else call.scope}, "reset", EVERY_JOB)


def _scope(name: str, engine: Engine) -> dict[str, Any]:
    scope = engine.scope
    return {
        "name": name,
        "jobs": len(scope.jobs),
        "calls": scope.journal.total,
        "misses": scope.journal.misses,
        "added_fixtures": len(engine.added),
        "added_faults": len(engine.added.rules),
    }


_WHOLE = {"type": "integer", "minimum": 0}
SCOPE = closed(
    name={"type": "string", "description": "Empty for the default scope."},
    jobs=_WHOLE,
    calls=_WHOLE,
    misses=_WHOLE,
    added_fixtures=_WHOLE,
    added_faults=_WHOLE,
)


def _scopes(call: Call) -> Reply:
    names = ["", *call.engines.names]
    return answer(200, {"scopes": [_scope(name, call.engines.peek(name)) for name in names]}, "scopes")


def _create(call: Call) -> Reply:
    name = call.path["name"]
    if len(name) > scopes.MAX_NAME or not name.strip():
        return problem(400, f"The name of a scope has 1 to {scopes.MAX_NAME} characters, not all of them spaces")
    body = call.body or {}
    try:
        pace = parse_pace(body["pace"]) if "pace" in body else None
    except BadPace as error:
        return problem(400, f"pace: {error}")
    if "alias_of" in body:
        call.engines.use_alias(name, body["alias_of"])
    is_new = call.engines.existing(name) is None
    engine = call.engines.of(name)
    if pace is not None:
        engine.use_pace(pace, body["pace"])
    return answer(201 if is_new else 200, _scope(call.engines.named(name), engine), "scope")


def _drop(call: Call) -> Reply:
    name = call.path["name"]
    if not call.engines.drop(name):
        return problem(404, f"There is no scope {name[:100]!r}: GET {PREFIX}/scopes lists the existing ones")
    return answer(200, {"dropped": name}, "a scope was dropped", EVERY_JOB)


_ONE_SCOPE = f"{PREFIX}/scopes/{{name}}"

OPERATIONS = (
    Operation(
        "POST",
        f"{PREFIX}/reset",
        "reset",
        "Reset a scope: remove its jobs, journal, counts, and added fixtures and faults. Uploaded files stay.",
        _reset,
        {200: ("What was reset.", closed(reset={"type": "string"}))},
        (Parameter("all", {"type": "boolean"}, "true: reset every scope, and remove the named ones."),),
    ),
    Operation(
        "GET",
        f"{PREFIX}/scopes",
        "listScopes",
        "The existing scopes; the one used last is at the end.",
        _scopes,
        {200: ("All scopes.", closed(scopes=list_of("Scope")))},
        of_scope=False,
    ),
    Operation(
        "PUT",
        _ONE_SCOPE,
        "createScope",
        "Create a scope, or set its pace. This is optional: the first call that names a scope creates it.",
        _create,
        {200: ("It existed before.", ref("Scope")), 201: ("It is new.", ref("Scope"))},
        body=Body(
            {
                "type": "object",
                "properties": {
                    "pace": {
                        "type": "string",
                        "description": "The pace of its new jobs, as in fal_pace, until the scope is reset or dropped.",
                    },
                    "alias_of": {
                        "type": ["string", "null"],
                        "maxLength": scopes.MAX_NAME,
                        "description": "The scope that calls with this name belong to from now on, until either is dropped; null: this "
                        "one again. So one client can serve several tests, each with a scope of its own.",
                    },
                },
                "additionalProperties": False,
            },
            "What is special about it.",
            {"pace": "manual"},
            required=False,
        ),
        of_scope=False,
    ),
    Operation(
        "DELETE",
        _ONE_SCOPE,
        "dropScope",
        "Remove a scope and everything in it.",
        _drop,
        {200: ("It was removed.", closed(dropped={"type": "string"})), 404: ("There is no such scope.", ERROR)},
        of_scope=False,
    ),
)
