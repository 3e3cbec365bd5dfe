"""Faults in the control API: the rules of a scope, and the errors that they may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.fixtures.fault import Rule
from falmock.fixtures.format.fault_rules import read_rules
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import list_of
from falmock.gateway.control.operation import or_null
from falmock.gateway.control.operation import problem
from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import ErrorKind
from falmock.wire.error_table import NamedError
from falmock.wire.formats import jsontext

_JOB_ENDS = ("run", "result", "stream", "socket")
_TURNED_AWAY = ("run", "submit", "stream", "socket")
_ANSWERED_WITH: Mapping[ErrorKind, tuple[str, ...]] = {
    ErrorKind.MODEL: _JOB_ENDS,
    ErrorKind.APP: _JOB_ENDS,
    ErrorKind.REQUEST: _JOB_ENDS,
    ErrorKind.GATEWAY: _TURNED_AWAY,
    ErrorKind.PAGE: _TURNED_AWAY,
    ErrorKind.PLATFORM: ("platform",),
}
"""The calls that fal answers with each kind of error."""
_CALLS = ("run", "submit", "result", "stream", "socket", "platform")
_TYPED = (ErrorKind.MODEL, ErrorKind.REQUEST, ErrorKind.PLATFORM)


def _rule(rule: Rule, engine: Engine) -> dict[str, Any]:
    match, selection = rule.match, rule.fault.selection
    return {
        "id": rule.source,
        "added": rule.source.startswith("added/"),
        "fault": rule.fault.name,
        "model": match.model,
        "calls": sorted(match.calls),
        "method": match.method,
        "host": match.host,
        "path": match.path,
        "rule": rule.written,
        "rate": selection.rate,
        "nth": sorted(selection.nth),
        "struck": engine.scope.faults.struck(rule.source),
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
    rule={
        "type": "object",
        "description": "The rule as it was set, with the seed of its file: what `faults` of setFaults takes.",
    },
    rate={"type": "number", "description": "The share of the calls that it applies to, from 0 to 1."},
    nth={
        "type": "array",
        "items": {"type": "integer", "minimum": 1},
        "description": "The numbers of the calls that it applies to; empty for all.",
    },
    struck={
        "type": "integer",
        "minimum": 0,
        "description": "How many calls of the scope got the fault from this rule.",
    },
)
ERROR = closed(
    **{
        "name": {"type": "string", "description": "What `error` of a fault takes."},
        "status": {"type": "integer"},
        "type": {**or_null("string"), "description": "The type in the answer; null if it has none."},
        "message": {
            "type": "string",
            "description": "The text. {app}, {alias} and {path} stand for what was called.",
        },
        "for": {
            "type": "array",
            "items": {"enum": list(_CALLS)},
            "description": "The calls that fal answers with it. A job can end with those that have `result`.",
        },
    }
)


def _error(name: str, error: NamedError) -> dict[str, Any]:
    kind = (error.error_type or name) if error.kind in _TYPED else error.more.get("type")
    return {
        "name": name,
        "status": error.status,
        "type": kind,
        "message": error.message,
        "for": list(_ANSWERED_WITH[error.kind]),
    }


def _errors(_: Call) -> Reply:
    return answer(200, {"errors": [_error(*each) for each in ERRORS.items()]}, "the errors of faults")


def _rules(engine: Engine, why: str) -> Reply:
    return answer(200, {"faults": [_rule(rule, engine) for rule in engine.faults]}, why)


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


_RULES = {
    200: (
        "The rules of the scope, in order; the first that applies is used.",
        closed(faults=list_of("Rule")),
    )
}

OPERATIONS = (
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
        "GET",
        f"{PREFIX}/errors",
        "listErrors",
        "The errors that faults and failing jobs may name.",
        _errors,
        {200: ("All of them.", closed(errors=list_of("NamedError")))},
        of_scope=False,
    ),
)
