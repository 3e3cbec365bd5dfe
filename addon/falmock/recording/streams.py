"""Builds the `stream` of a fixture: the pieces of an answer and their times. It still contains secrets."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from falmock.fixtures.call_forms import is_literal
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
"""If a stream ends at least this long (seconds) after its last event, the fixture has an `end` step."""


def is_requested(call: Call, request: Request) -> bool:
    """Whether a call requests a stream: by path, Accept header, or `stream` in the input (as OpenAI's clients do)."""
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
    """The `stream` of a fixture and what it refers to; None if the answer is not a stream or its status is not 200.

    Events keep type, id, data and `retry`; comments are dropped. With `broken_too`, a stream that fal broke off is
    recorded up to that point. Raises NotAnAnswer.
    """
    if exchange.status != 200:
        return None
    if exchange.lost and not (broken_too and exchange.broke_off):
        raise NotAnAnswer(exchange.lost)
    result = BuiltResponse()
    if exchange.content_type == sse.MEDIA_TYPE:
        steps = list(_events(exchange, answers, result))
        if not steps and exchange.body.strip() and not exchange.broke_off:
            return None  # the body does not match its content type
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
    present = {key: value for key, value in head.items() if value not in ({}, None)}
    return {"events": steps, **present} if present else steps, result


def breaking_off(stream: Any) -> dict[str, Any]:
    """The `fault` of a fixture whose `stream` broke off after its last event."""
    return {"stream": {"after": len(steps_of(stream)), "cut": True}}


def _is_whole(exchange: Exchange) -> bool:
    """Whether an answer is a single text or JSON value, even if it arrived in several chunks."""
    if exchange.content_type.startswith("text/"):
        return len(exchange.chunks) == 1
    return "json" in exchange.content_type and jsontext.is_json(exchange.body)


def _events(exchange: Exchange, answers: ResponseBuilder, result: BuiltResponse) -> Iterator[dict[str, Any]]:
    parser = Parser()
    last_id = ""
    for at, chunk in _timed(exchange):
        for event, retry in parser.blocks(chunk):
            step: dict[str, Any] = {"at": at} if retry is None else {"at": at, "retry": retry}
            if event is None:
                yield step
                continue
            if event.type != "message":
                step["event"] = event.type
            if event.id != last_id:
                step["id"] = last_id = event.id
            yield step | _data(event.data, answers, result)


def _data(text: str, answers: ResponseBuilder, result: BuiltResponse) -> dict[str, Any]:
    try:
        value = jsontext.loads_exact(text.encode())
    except (jsontext.BadJSON, UnicodeEncodeError):
        return {"data": text}
    return {"json": answers.rendered(value, result)} if is_literal(value) else {"data": text}


def _timed(exchange: Exchange) -> Iterator[tuple[float, bytes]]:
    """The chunks with their times (seconds after the call); times never decrease, even if the clock went back."""
    latest = 0.0
    for at, chunk in exchange.chunks or ((exchange.ended, exchange.body),):
        latest = max(latest, _after(exchange, at))
        yield latest, chunk


def _after(exchange: Exchange, at: float) -> float:
    return round(max(at - exchange.started, 0.0), 2)
