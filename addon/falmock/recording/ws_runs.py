"""Converts runs over a socket of `ws.fal.run` to exchanges (PROTOCOL.md section 5.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.wire import ws_run
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse
from falmock.wire.formats.media import sniffed
from falmock.wire.message import Request


def exchanges(session: Session) -> Iterator[Exchange]:
    """The runs in the order of their inputs, without runs whose answer did not end."""
    inputs: deque[Message] = deque()
    start: dict[str, Any] | None = None
    body: list[Message] = []
    for message in session.messages:
        if message.from_client:
            inputs.append(message)
            continue
        meta = None if isinstance(message.content, bytes) else ws_run.meta(message.content)
        if meta is None:
            body.append(message)
        elif meta["type"] == "start":
            start, body = meta, []
        elif meta["type"] == "end" and start is not None:
            if inputs:
                yield _exchange(session.request, inputs.popleft(), start, body, message.at)
            start = None


def _exchange(request: Request, sent: Message, start: dict[str, Any], body: list[Message], ended: float) -> Exchange:
    listed = start.get("headers")
    headers = {str(name).lower(): str(value) for name, value in listed.items()} if isinstance(listed, dict) else {}
    headers.setdefault("x-fal-request-id", str(start["request_id"]))
    pieces = [(message.at, _raw(message.content)) for message in body]
    content = b"".join(piece for _, piece in pieces)
    headers.setdefault("content-type", _type(content, body))
    request_headers = dict(request.headers) | {"content-type": "application/json"}
    is_stream = headers["content-type"].startswith(sse.MEDIA_TYPE)
    if is_stream:
        request_headers["accept"] = sse.MEDIA_TYPE  # as the client would have sent it over HTTP
    status = start.get("status")
    return Exchange(
        request._replace(method="POST", query="", headers=request_headers, body=_raw(sent.content)),
        sent.at,
        status if isinstance(status, int) else 200,
        headers,
        content,
        ended,
        chunks=tuple(pieces) if is_stream else (),
    )


def _raw(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "replace")


def _type(content: bytes, body: list[Message]) -> str:
    """The content type of a body that was sent without one."""
    if any(isinstance(message.content, bytes) for message in body):
        return sniffed(content)
    return "application/json" if jsontext.is_json(content) else "text/plain; charset=utf-8"
