"""Reads the input of a call, however a client sent it, as a query for matching."""

from __future__ import annotations

from typing import Any

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.fixtures.matching.body import as_sent
from falmock.fixtures.matching.canonical import NotCanonical
from falmock.fixtures.matching.canonical import Resolve
from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.canonical import canonical_text
from falmock.fixtures.matching.match import Query
from falmock.fixtures.matching.user_message import prompt_text
from falmock.synthesis.checks import envelope
from falmock.wire import query
from falmock.wire.formats import jsontext
from falmock.wire.message import Request

_CONTEXT = "x-aimock-context"


def read(request: Request, endpoint: str, resolve: Resolve) -> Query | Reply:
    """The matching query for a call, or the 4xx reply for a bad body.

    The input is the JSON object in the body, whatever its content type (PROTOCOL.md section 3.1); without a body, the
    query string; without either, `{}`.
    """
    value: dict[str, Any] | Reply
    if request.body and request.method != "GET":
        value = _body(request.body)
        if isinstance(value, Reply):
            return value
    else:
        value = query.parameters(request.query)
    try:
        meant = canonical(value, resolve)
        text = canonical_text(meant)
        asked = _asked(query.parameters(request.query, query.NOT_ASKED), resolve)
    except (NotCanonical, ValueError, RecursionError) as error:
        return replies.invalid_body(f"The input cannot be read: {error}")
    context = request.headers.get(_CONTEXT)
    parts = (request.path, context)
    return Query(endpoint, request.method, meant, text, prompt_text(value), *parts, parameters=asked, given=value)


def read_as_sent(request: Request, endpoint: str, resolve: Resolve) -> Query:
    """The matching query for a call whose body is no input: only fixtures for this very body match it."""
    sent = canonical(as_sent(request), resolve)
    asked = _asked(query.parameters(request.query, query.NOT_ASKED), resolve)
    context = request.headers.get(_CONTEXT)
    return Query(endpoint, request.method, {}, "{}", "", request.path, context, parameters=asked, body=sent)


def read_plain(request: Request, resolve: Resolve, *, takes_files: bool) -> Query:
    """The matching query for a call to no endpoint: its input is the JSON object in the body, or the query string.

    On a host that `takes_files`, a body without a JSON content type is a file.
    """
    asked = query.of_plain_call(request.query)
    value = query.plain_input(request, takes_files=takes_files)
    value = asked if value is None else value
    try:
        meant = canonical(value, resolve)
        text = canonical_text(meant)
    except (ValueError, RecursionError):  # a bad input is no error here: few of these calls have one
        value, meant, text = {}, {}, "{}"
    context = request.headers.get(_CONTEXT)
    parts = (request.path, context, request.host, _asked(asked, resolve))
    return Query("", request.method, meant, text, prompt_text(value), *parts, given=value)


def _asked(parameters: dict[str, Any], resolve: Resolve) -> Any:
    """Parameters of a query in canonical form; None if there are none."""
    return canonical(parameters, resolve) if parameters else None


def _body(body: bytes) -> dict[str, Any] | Reply:
    """The object in a body, or the reply of fal's runtime to one without."""
    try:
        value = jsontext.loads(body)
    except jsontext.BadJSON as error:
        problem = error
    else:
        if isinstance(value, dict):
            return value
        problem = jsontext.BadJSON("no object")
    is_ours = problem.too_large or isinstance(problem, jsontext.TooDeep)  # fal may read it
    refused = None if is_ours else envelope.parsed(body)
    if isinstance(refused, envelope.Refused):
        return replies.refused_body(refused.status, refused.body)
    # Python's JSON has NaN, and takes a key twice: no fixture could be compared with such an input.
    message = f"JSON decode error at character {problem.position}: {problem}"
    return replies.invalid_body(message, status=413 if problem.too_large else 422)
