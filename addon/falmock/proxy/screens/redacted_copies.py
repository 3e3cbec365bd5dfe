"""Copies of flows and messages without secrets, for printing."""

from __future__ import annotations

import copy
import re
from typing import TypeVar
from urllib.parse import parse_qsl

from mitmproxy import ctx
from mitmproxy import flow as flows_
from mitmproxy import http
from mitmproxy import websocket

from falmock.proxy.screens.describe import MAX_SHOWN
from falmock.proxy.screens.describe import unpacked
from falmock.redaction.known_secrets import is_loopback
from falmock.redaction.patterns import HIDDEN
from falmock.redaction.redactor import Redactor
from falmock.wire import realtime
from falmock.wire.formats import encodings
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.encodings import TooLarge
from falmock.wire.formats.regex import one_call
from falmock.wire.formats.spelled import surrogates_escaped
from falmock.wire.message import header_map

MAX_READ = 1024 * 1024
"""A body longer than this (bytes) is not searched for secrets but left out."""
_SECRET_HEADER = re.compile(
    r"auth|cookie|token|secret|key|password|jwt|credential|signature|forwarded|-ip$", re.IGNORECASE
)
_OPEN = frozenset(
    ["logs", "storage_type", "max_buffering", "fal_max_queue_length", "priority", "_subdomain", "endpoint_id", "limit"]
)
"""Query parameters that hold no secret: a query with only these is printed."""
Flow = TypeVar("Flow", bound=flows_.Flow)
Message = TypeVar("Message", http.Request, http.Response, websocket.WebSocketMessage)


@one_call()
def flow_without_secrets(flow: http.HTTPFlow, redactor: Redactor) -> http.HTTPFlow:
    """A copy of a flow with queries and secrets hidden; the flow itself if none would be printed.

    Bodies are unchanged.
    """
    detailed = ctx.options.flow_detail >= 2
    if detailed or flow.error is not None or flow.websocket is not None:
        _learn(flow, redactor)
    elif _path(flow.request, redactor) == flow.request.path:
        return flow
    shown = copy.copy(flow)
    shown.request = flow.request.copy()
    shown.request.path = _path(flow.request, redactor)
    if detailed:
        shown.response = flow.response.copy() if flow.response else None
        for message in (shown.request, shown.response):
            if message is not None:
                _hide_headers(message, redactor)
    if flow.error is not None:
        shown.error = flows_.Error(redactor.text(flow.error.msg), flow.error.timestamp)
    if flow.websocket is not None:
        shown.websocket = copy.copy(flow.websocket)
        shown.websocket.close_reason = redactor.text(flow.websocket.close_reason or "")
    return shown


def without_peer(flow: Flow) -> Flow:
    """A copy of a flow with the address of its client hidden; the flow itself if the client is on this machine."""
    peer = flow.client_conn.peername
    if peer is None or is_loopback(peer[0]):
        return flow
    shown = copy.copy(flow)
    shown.client_conn = copy.copy(flow.client_conn)
    shown.client_conn.peername = (HIDDEN, *peer[1:])
    return shown


def _learn(flow: http.HTTPFlow, redactor: Redactor) -> None:
    """Teach the redactor the secrets of a flow: they may appear again in what is printed of it."""
    redactor.learn(header_map(flow.request.headers.fields), flow.request.path.partition("?")[2])
    if flow.response is not None:
        redactor.learn(header_map(flow.response.headers.fields))


def _path(request: http.Request, redactor: Redactor) -> str:
    """The path and query to print. A byte that is no text would have mitmproxy fail to print it."""
    path, mark, query = request.path.partition("?")
    if any(name not in _OPEN for name, _ in parse_qsl(query, keep_blank_values=True)):
        query = HIDDEN
    return surrogates_escaped(f"{redactor.text(path)}{mark}{redactor.value(query)}")


def _hide_headers(message: http.Request | http.Response, redactor: Redactor) -> None:
    message.headers = _hidden_fields(message.headers, redactor)
    if message.trailers is not None:
        message.trailers = _hidden_fields(message.trailers, redactor)


def _hidden_fields(headers: http.Headers, redactor: Redactor) -> http.Headers:
    return http.Headers([(name, _hidden_header(name, value, redactor)) for name, value in headers.fields])


def _hidden_header(name: bytes, value: bytes, redactor: Redactor) -> bytes:
    """A header's value with its secrets hidden; all of it for a header that is secret by its name."""
    known = name.decode("latin-1")
    if _SECRET_HEADER.search(known):
        return HIDDEN.encode()
    text = value.decode("utf-8", "surrogateescape")
    return redactor.text(str(redactor.value({known: text})[known])).encode("utf-8", "surrogateescape")


def message_without_secrets(message: Message, redactor: Redactor) -> Message:
    """A message with the secrets in its body hidden, or without a body that is too large; the same message if it has none."""
    if isinstance(message, websocket.WebSocketMessage):
        if not message.content:
            return message
        shown = copy.copy(message)
        shown.content = _message_hidden(message, redactor)
        return shown
    try:
        content = content_of(message)
        too_large = ""
    except TooLarge as error:
        content, too_large = b"", str(error)
    if (
        too_large
    ):  # not above: an error that `copy` keeps would have this one, and with it what was decoded, as its context
        without = message.copy()
        without.headers.pop("content-encoding", None)
        without.raw_content = f"({too_large}: too long to search for secrets)".encode()
        return without
    if not content:
        return message
    hidden = _hidden(content, redactor)
    if hidden == content:
        return message
    changed = message.copy()
    changed.raw_content = hidden
    return changed


def _hidden(content: bytes, redactor: Redactor) -> bytes:
    if len(content) > MAX_READ:
        return _too_long(content)
    try:
        return redactor.text(content.decode()).encode()
    except UnicodeError:  # Latin-1 has a character for every byte
        return redactor.text(content.decode("latin-1")).encode("latin-1", "replace")


def _too_long(content: bytes) -> bytes:
    return f"({len(content):,} bytes, too long to search for secrets)".encode()


def _message_hidden(message: websocket.WebSocketMessage, redactor: Redactor) -> bytes:
    """The content of a WebSocket message without its secrets, and in msgpack also without its bytes."""
    value = None if message.is_text else unpacked(message.content)
    if value is None:
        return _hidden(message.content, redactor)
    content = realtime.encode(redactor.value(value))
    return content if len(content) <= MAX_READ else _too_long(content)


def content_of(message: http.Message | websocket.WebSocketMessage) -> bytes:
    """The body of a message as it is printed: decoded, or raw if its content encoding is wrong.

    Raises TooLarge for one that is longer than MAX_SHOWN when it is decoded: mitmproxy would decode all of it.
    """
    if isinstance(message, websocket.WebSocketMessage):
        return message.content
    body, encoding = message.raw_content or b"", message.headers.get("content-encoding", "")
    try:
        return encodings.decoded(body, encoding, MAX_SHOWN) if encoding else body
    except BadEncoding:
        return body
