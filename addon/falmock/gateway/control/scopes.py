"""Health, faults, reset and scopes in the control API."""

from __future__ import annotations

from typing import Any

import falmock
from falmock.engine import scopes
from falmock.engine.config import Inspector
from falmock.engine.effects import EVERY_JOB
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.engine.jobs.pace import BadPace
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.fault import Rule
from falmock.fixtures.format.fault_rules import read_rules
from falmock.gateway.control.operation import ERROR
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.gateway.control.operation import problem
from falmock.gateway.control.operation import ref
from falmock.wire.formats import jsontext


def _health(call: Call) -> Reply:
    config = call.engines.config
    value = {
        "status": "ok",
        "version": falmock.__version__,
        "mode": config.mode.value,
        "pace": config.pace_text,
        "fixtures": len(call.seen.fixtures),
        "scopes": len(call.engines.names),
        "inspector": config.inspector.value,
        "connect": call.engines.connect._asdict(),
    }
    return answer(200, value, "health")


def _rule(rule: Rule) -> dict[str, Any]:
    match = rule.match
    return {
        "id": rule.source,
        "added": rule.source.startswith("added/"),
        "fault": rule.fault.name,
        "model": match.model,
        "calls": sorted(match.calls),
        "method": match.method,
        "host": match.host,
        "path": match.path,
    }


RULE = closed(
    id={"type": "string", "description": "file#index, or the index among the rules that were set."},
    added={"type": "boolean"},
    fault={"type": "string"},
    model=or_null("string"),
    calls={"type": "array", "items": {"type": "string"}},
    method=or_null("string"),
    host=or_null("string"),
    path=or_null("string"),
)


def _rules(engine: Engine, why: str) -> Reply:
    return answer(200, {"faults": [_rule(rule) for rule in engine.faults]}, why)


def _faults(call: Call) -> Reply:
    return _rules(call.seen, "faults")


def _set_faults(call: Call) -> Reply:
    engine = call.engine
    read = read_rules(jsontext.dump_exact(call.body, indent=None).encode("utf-8", "replace"), engine.added.name())
    if read.problems:
        return problem(400, "These are not rules for faults: see problems. Nothing was set", read.problems)
    engine.add_faults(read.rules)
    return _rules(engine, "faults were set")


def _clear_faults(call: Call) -> Reply:
    call.engine.add_faults(())
    return _rules(call.engine, "faults were cleared")


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
    is_new = call.engines.named(name) not in ("", *call.engines.names)
    engine = call.engines.of(name)
    if pace is not None:
        engine.use_pace(pace, body["pace"])
    return answer(201 if is_new else 200, _scope(call.engines.named(name), engine), "scope")


def _drop(call: Call) -> Reply:
    name = call.path["name"]
    if not call.engines.drop(name):
        return problem(404, f"There is no scope {name[:100]!r}: GET {PREFIX}/scopes lists the existing ones")
    return answer(200, {"dropped": name}, "a scope was dropped", EVERY_JOB)


_RULES = {
    200: (
        "The rules of the scope, in order; the first that applies is used.",
        closed(faults={"type": "array", "items": ref("Rule")}),
    )
}
_ONE_SCOPE = f"{PREFIX}/scopes/{{name}}"

OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/health",
        "health",
        "Whether falmock is running, and its settings.",
        _health,
        {
            200: (
                "It is running.",
                closed(
                    status={"const": "ok"},
                    version={"type": "string"},
                    mode={"type": "string"},
                    pace={"type": "string"},
                    fixtures={**_WHOLE, "description": "The number of fixtures in the scope."},
                    scopes={**_WHOLE, "description": "The number of named scopes."},
                    inspector={"enum": [access.value for access in Inspector]},
                    connect=closed(
                        proxy={**or_null("string"), "description": "The URL of the proxy."},
                        ca={
                            **or_null("string"),
                            "description": "The path of the CA's certificate, where falmock runs.",
                        },
                    ),
                ),
            )
        },
    ),
    Operation("GET", f"{PREFIX}/faults", "listFaults", "The rules for faults of a scope.", _faults, _RULES),
    Operation(
        "PUT",
        f"{PREFIX}/faults",
        "setFaults",
        "Set the rules for faults of a scope, in place of those set before. They take precedence over those in files.",
        _set_faults,
        _RULES,
        body=Body(
            {"type": "object"},
            'The content of a file of fal_faults: {"faults": [...]}.',
            {"faults": [{"match": {"model": "fal-ai/flux/*"}, "fault": {"error": "runner_disconnected", "times": 1}}]},
        ),
    ),
    Operation(
        "DELETE", f"{PREFIX}/faults", "clearFaults", "Remove the rules that were set in a scope.", _clear_faults, _RULES
    ),
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
        {200: ("All scopes.", closed(scopes={"type": "array", "items": ref("Scope")}))},
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
