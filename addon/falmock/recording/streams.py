"""The `stream` of a fixture: an answer that came piece by piece, with when each came. Secrets are still in it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from falmock.recording.exchange import Exchange
from falmock.recording.match import NotAnInput
from falmock.recording.match import input_of
from falmock.recording.response import BuiltResponse
from falmock.recording.response import NotAnAnswer
from falmock.recording.response import ResponseBuilder
from falmock.recording.response import units_of
from falmock.recording.values import steps_of
from falmock.wire.calls import Call
from falmock.wire.calls import Stream
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse
from falmock.wire.formats.media import DEFAULT
from falmock.wire.formats.sse import Parser
from falmock.wire.message import Request

_LINGERED = 0.05
"""A stream that ends so many seconds after its last event ends later than with it."""


def is_wanted(call: Call, request: Request) -> bool:
    """Whether a call asks for a stream: by its path, its Accept header, or its input as OpenAI's clients do."""
    if isinstance(call, Stream) or sse.MEDIA_TYPE in request.headers.get("accept", ""):
        return True
    if b'"stream"' not in request.body:
        return False
    try:
        return input_of(request).get("stream") is True
    except NotAnInput:
        return False


def streamed(
    exchange: Exchange, answers: ResponseBuilder, *, broken_too: bool = False
) -> tuple[Any, BuiltResponse] | None:
    """The `stream` of a fixture and what it names; None for an answer that is none, or that is no 200.

    Events keep type, id and data; comments and `retry` are dropped. With `broken_too` one that fal broke off is taken as
    far as it went. Raises NotAnAnswer.
    """
    if exchange.status != 200:
        return None
    if exchange.lost and not (broken_too and exchange.broke_off):
        raise NotAnAnswer(exchange.lost)
    result = BuiltResponse()
    if exchange.content_type == sse.MEDIA_TYPE:
        steps = list(_events(exchange, answers, result))
        if not steps and exchange.body.strip() and not exchange.broke_off:
            return None  # whatever it is, it is not what it says
        implied = sse.TYPE
    elif exchange.chunks and (exchange.broke_off or not _is_whole(exchange)):
        steps = [{"at": at, "bytes": base64.b64encode(chunk).decode()} for at, chunk in _timed(exchange)]
        implied = DEFAULT
    else:
        return None
    ends = _after(exchange, exchange.ended)
    if not exchange.broke_off and (not steps or ends - steps[-1]["at"] >= _LINGERED):
        steps.append({"at": ends, "end": True})
    head = {"headers": answers.headers(exchange, implied), "billableUnits": units_of(exchange)}
    told = {key: value for key, value in head.items() if value not in ({}, None)}
    return {"events": steps, **told} if told else steps, result


def breaking_off(stream: Any) -> dict[str, Any]:
    """The `fault` of a fixture whose `stream` broke off behind its last event."""
    return {"stream": {"after": len(steps_of(stream)), "cut": True}}


def _is_whole(exchange: Exchange) -> bool:
    """Whether an answer is a single text or JSON value, however it was cut on its way."""
    if exchange.content_type.startswith("text/"):
        return len(exchange.chunks) == 1
    return "json" in exchange.content_type and jsontext.is_json(exchange.body)


def _events(exchange: Exchange, answers: ResponseBuilder, result: BuiltResponse) -> Iterator[dict[str, Any]]:
    parser = Parser()
    last_id = ""
    for at, chunk in _timed(exchange):
        for event in parser.feed(chunk):
            told: dict[str, Any] = {"at": at}
            if event.type != "message":
                told["event"] = event.type
            if event.id != last_id:
                told["id"] = last_id = event.id
            yield told | _data(event.data, answers, result)


def _data(text: str, answers: ResponseBuilder, result: BuiltResponse) -> dict[str, Any]:
    try:
        value = jsontext.loads_exact(text.encode())
    except (jsontext.BadJSON, UnicodeEncodeError):
        return {"data": text}
    return {"data": text} if '"$file"' in text else {"json": answers.rendered(value, result)}


def _timed(exchange: Exchange) -> Iterator[tuple[float, bytes]]:
    """The pieces, each with when it came (seconds after the call); a clock that went back is not followed."""
    latest = 0.0
    for at, chunk in exchange.chunks or ((exchange.ended, exchange.body),):
        latest = max(latest, _after(exchange, at))
        yield latest, chunk


def _after(exchange: Exchange, at: float) -> float:
    return round(max(at - exchange.started, 0.0), 2)
