"""Reads the input of a call, however a client sent it, as a query for matching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.fixtures.format.aimock import prompt_text
from falmock.fixtures.matching.canonical import NotCanonical
from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.canonical import canonical_text
from falmock.fixtures.matching.match import Query
from falmock.wire.formats import jsontext
from falmock.wire.formats.media import media_type
from falmock.wire.message import Request
from falmock.wire.query import parameters

_JSON = "application/json"


def read(request: Request, endpoint: str, resolve: Callable[[str], str | None]) -> Query | Reply:
    """The matching query for a call, or the 4xx reply for a bad body.

    The input is the JSON object in the body; without a body, the query string; without either, `{}`.
    """
    if request.body and request.method != "GET":
        value = _body(request)
        if isinstance(value, Reply):
            return value
    elif request.query:
        value = parameters(request.query)
    else:
        value = {}
    try:
        meant = canonical(value, resolve)
        text = canonical_text(meant)
    except (NotCanonical, ValueError, RecursionError) as error:
        return replies.invalid_body(f"The input cannot be read: {error}")
    context = request.headers.get("x-aimock-context")
    return Query(endpoint, request.method, meant, text, prompt_text(value), request.path, context)


def read_plain(request: Request, resolve: Callable[[str], str | None]) -> Query:
    """The matching query for a call to no endpoint: its input is the JSON object in the body, or the query string."""
    try:
        value = _plain_input(request)
        meant = canonical(value, resolve)
        text = canonical_text(meant)
    except (ValueError, RecursionError):  # a bad input is no error here: few of these calls have one
        value, meant, text = {}, {}, "{}"
    context = request.headers.get("x-aimock-context")
    return Query("", request.method, meant, text, prompt_text(value), request.path, context, request.host)


def _plain_input(request: Request) -> dict[str, Any]:
    if request.method != "GET" and request.body and "json" in request.headers.get("content-type", ""):
        return jsontext.object_of(request.body) or {}
    return parameters(request.query)


def _body(request: Request) -> dict[str, Any] | Reply:
    content_type = request.headers.get("content-type", "")
    if content_type and content_type != _JSON:
        plain = media_type(content_type)
        if plain != _JSON and not (plain.startswith("application/") and plain.endswith("+json")):
            return replies.invalid_body(
                f"Input should be a JSON object sent as application/json, found Content-Type {plain[:80]!r}",
                "model_attributes_type",
            )
    try:
        value = jsontext.loads(request.body)
    except jsontext.BadJSON as error:
        message = f"JSON decode error at character {error.position}: {error}"
        return replies.invalid_body(message, status=413 if error.too_large else 422)
    if not isinstance(value, dict):
        return replies.invalid_body(
            f"Input should be a JSON object, found {type(value).__name__.replace('NoneType', 'null')}",
            "model_attributes_type",
        )
    return value
