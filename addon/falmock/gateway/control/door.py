"""The door through which tests control falmock: `/__falmock/`, requests and answers in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any
from typing import NamedTuple
from urllib.parse import parse_qsl
from urllib.parse import unquote

from falmock.engine import scopes
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.fixtures.format import validate
from falmock.fixtures.model import Problem
from falmock.fixtures.suggest import did_you_mean
from falmock.gateway.control import asset_operations
from falmock.gateway.control import asset_view
from falmock.gateway.control import events
from falmock.gateway.control import faults
from falmock.gateway.control import files_in
from falmock.gateway.control import fixtures
from falmock.gateway.control import from_journal
from falmock.gateway.control import health
from falmock.gateway.control import job_result
from falmock.gateway.control import job_view
from falmock.gateway.control import jobs
from falmock.gateway.control import journal
from falmock.gateway.control import misses
from falmock.gateway.control import pace
from falmock.gateway.control import pieces
from falmock.gateway.control import report
from falmock.gateway.control import schemas
from falmock.gateway.control import scopes as control_scopes
from falmock.gateway.control import verify
from falmock.gateway.control.guard import has_ticket
from falmock.gateway.control.guard import refusal
from falmock.gateway.control.openapi import document
from falmock.gateway.control.operation import MAX_BODY
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import FixturesOnDisk
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import has_content
from falmock.gateway.control.operation import listed
from falmock.gateway.control.operation import problem
from falmock.gateway.door import Ask
from falmock.gateway.door import without_secrets
from falmock.wire.formats import jsontext
from falmock.wire.formats.encodings import excess
from falmock.wire.message import Request

_SCOPE = Parameter("scope", {"type": "string", "maxLength": scopes.MAX_NAME}, "")
_IN_BRACES = re.compile(r"\\\{(\w+)\\\}")
_NOTHING = (b"", b"{}", b"null")
"""Bodies that count as none, because some clients always send JSON."""
_WHOLE = re.compile(r"-?\d{1,15}")
_DECIMAL = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?")


class BadCall(ValueError):
    """A call that does not follow the OpenAPI document; the text says why."""


class Route(NamedTuple):
    """An operation and the pattern of its paths."""

    operation: Operation
    pattern: re.Pattern[str]


class Control:
    """The control API over all scopes."""

    name = f"the control API at {PREFIX}/ (GET {PREFIX}/openapi.json describes it)"

    def __init__(self, engines: Engines, disk: FixturesOnDisk) -> None:
        self._engines = engines
        self._disk = disk

    def claims(self, request: Request) -> bool:
        """Whether a request is for this door."""
        return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")

    def max_body(self, request: Request) -> int:  # noqa: ARG002
        """How many bytes the body of a request may have."""
        return MAX_BODY

    def is_stateless(self, request: Request) -> bool:
        """Whether there is an answer also without what several falmocks share."""
        return request.path in _stateless_paths()

    def answer(self, request: Request, ask: Ask, now: float) -> Reply | Stream:  # noqa: ARG002
        """The answer of an operation, or an error; without secrets."""
        answer = self._answer(request, now)
        if isinstance(answer, Stream) or has_content(answer):
            return answer
        return without_secrets(answer, self._engines.common.redactor)

    def _answer(self, request: Request, now: float) -> Reply | Stream:
        ticket = has_ticket(request, self._engines.tickets, now)
        refused = refusal(request, self._engines.config, has_ticket=ticket)
        if refused is not None:
            return refused
        too_large = request.too_large or excess(len(request.body), MAX_BODY)
        if too_large:
            return problem(413, f"The body has {too_large}")
        found = [(route, match) for route in _routes() if (match := route.pattern.fullmatch(request.path))]
        if not found:
            return problem(404, f"There is nothing at {request.path[:200]}. There are {listed(_paths(), 100)}")
        # A literal path takes precedence over one with a parameter.
        most = max(len(route.operation.path.partition("{")[0]) for route, _ in found)
        found = [each for each in found if len(each[0].operation.path.partition("{")[0]) == most]
        chosen = next((each for each in found if request.method in each[0].operation.methods), None)
        if chosen is None:
            allowed = ", ".join(dict.fromkeys(method for route, _ in found for method in route.operation.methods))
            message = f"{request.path[:200]} is called with {allowed}, not {request.method[:20]}"
            return problem(405, message, extra=((b"Allow", allowed.encode()),))
        route, match = chosen
        try:
            call = self._call(request, route.operation, match.groupdict(), now)
        except BadCall as error:
            return problem(400, str(error), getattr(error, "problems", ()))
        try:
            reply = route.operation.handle(call)
        except RecursionError:
            return problem(400, "The body is nested too deep")
        if not route.operation.stateless:
            call.seen.note_ended()
        return reply

    def _call(self, request: Request, operation: Operation, path: dict[str, str], now: float) -> Call:
        query = _query(request.query, operation)
        scope = query.pop("scope", request.scope)
        if request.undecoded:
            raise BadCall(f"the body is not encoded as it says ({request.undecoded})")
        body = _body(request.body, operation.body)
        named = {name: unquote(value, errors="replace") for name, value in path.items()}
        return Call(self._engines, scope, now, named, query, body, self._disk, request)


def _describe(_: Call) -> Reply:
    return answer(200, openapi_document(), "the control API described")


_OPERATIONS = (
    *health.OPERATIONS,
    *control_scopes.OPERATIONS,
    *faults.OPERATIONS,
    *events.OPERATIONS,
    *fixtures.OPERATIONS,
    *from_journal.OPERATIONS,
    *jobs.OPERATIONS,
    *journal.OPERATIONS,
    *misses.OPERATIONS,
    *pace.OPERATIONS,
    *verify.OPERATIONS,
    *report.OPERATIONS,
    *schemas.OPERATIONS,
    *asset_operations.OPERATIONS,
    Operation(
        "GET",
        f"{PREFIX}/openapi.json",
        "describe",
        "This document.",
        _describe,
        {200: ("OpenAPI 3.1.", {"type": "object"})},
        of_scope=False,
        stateless=True,
    ),
)
_SCHEMAS = {
    "Asset": asset_view.SCHEMA,
    "Fixture": fixtures.SCHEMA,
    "File": files_in.SCHEMA,
    "Job": job_view.SCHEMA,
    "JobResult": job_result.SCHEMA,
    "Piece": pieces.SCHEMA,
    "Entry": journal.SCHEMA,
    "Miss": misses.SCHEMA,
    "Missed": report.MISSED,
    "ModelSchema": schemas.SCHEMA,
    "NamedError": faults.ERROR,
    "Rule": faults.RULE,
    "Scope": control_scopes.SCOPE,
}


@cache
def openapi_document() -> dict[str, Any]:
    """The document that describes all operations."""
    return document(_OPERATIONS, _SCHEMAS)


@cache
def _routes() -> tuple[Route, ...]:
    return tuple(Route(operation, _pattern(operation.path)) for operation in _OPERATIONS)


@cache
def _stateless_paths() -> frozenset[str]:
    return frozenset(operation.path for operation in _OPERATIONS if operation.stateless)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_IN_BRACES.sub(r"(?P<\1>[^/]+)", re.escape(path)))


def _paths() -> list[str]:
    return list(dict.fromkeys(operation.path for operation in _OPERATIONS))


# reading calls


def _query(text: str, operation: Operation) -> dict[str, Any]:
    """The parameters of a query. Raises BadCall."""
    known = {parameter.name: parameter for parameter in (*((_SCOPE,) if operation.of_scope else ()), *operation.query)}
    query: dict[str, Any] = {}
    for name, value in _pairs(text):
        if name not in known:
            hint = did_you_mean(name, known) or f", expected one of {', '.join(known) or 'none'}"
            raise BadCall(f"unknown parameter {name[:100]!r}{hint}")
        if name in query:
            raise BadCall(f"{name}: expected one value, found several")
        query[name] = _value(known[name], value)
    return query


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise BadCall("the query has more than 100 parameters") from None


def _value(parameter: Parameter, text: str) -> Any:
    schema = parameter.schema
    kind = schema["type"]
    found = _typed(kind, text)
    if found is None:
        raise BadCall(f"{parameter.name}: expected {_ARTICLED[kind]}, found {text[:100]!r}")
    problems = [message for _, message in validate.violations_of(validate.validator_of(schema), found)]
    if problems:
        raise BadCall(f"{parameter.name}: {'; '.join(problems)}")
    return found


_ARTICLED = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text"}


def _typed(kind: str, text: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}.get(text)
    if kind == "integer":
        return int(text) if _WHOLE.fullmatch(text) and text.isascii() else None
    if kind == "number":
        return float(text) if _DECIMAL.fullmatch(text) and text.isascii() else None
    return text


class _BadBody(BadCall):
    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


def _body(raw: bytes, wanted: Body | None) -> Any:
    """The JSON of a body. Raises BadCall."""
    if wanted is None:
        if raw.strip() not in _NOTHING:
            raise BadCall("this takes no body: parameters go into the query")
        return None
    if not raw:
        if wanted.required:
            raise BadCall(f"expected a JSON body: {wanted.about}")
        return None
    try:
        value = jsontext.loads_exact(raw)
    except jsontext.BadJSON as error:
        raise BadCall(f"expected a JSON body, found an error at character {error.position}: {error}") from None
    try:
        found = tuple(
            Problem("", *each) for each in validate.violations_of(validate.validator_of(wanted.schema), value)
        )
    except RecursionError:
        raise BadCall("the body is nested too deep") from None
    if found:
        raise _BadBody(f"the body is not as expected: {found[0].path}: {found[0].message}", found)
    return value
