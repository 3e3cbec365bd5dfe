"""Converts between mitmproxy's flows and the engine's plain values."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mitmproxy import http

from falmock.engine import scopes
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.faults import selector
from falmock.fixtures.model import Found
from falmock.gateway.door import FALS_ANSWER
from falmock.recording.exchange import Exchange
from falmock.serving import bodies
from falmock.wire import handshake
from falmock.wire.formats import encodings
from falmock.wire.formats import jsontext
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.encodings import FILE_LIMIT
from falmock.wire.formats.encodings import FILE_RATIO
from falmock.wire.formats.encodings import TooLarge
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import named
from falmock.wire.hosts import normalize
from falmock.wire.message import Content
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_map
from falmock.wire.message import reason
from falmock.wire.message import sendable

_OWN_HEADERS = frozenset({selector.HEADER.encode(), scopes.HEADER.encode()})
_DECODES = "falmock.decodes"
"""The key of a flow's metadata that says that the body must be decoded."""
ANSWERED = "falmock.fixture"
"""The key of a flow's metadata for the fixture that answered it; None for no fixture, absent if falmock did not
answer."""

REPORT = "falmock.report"
"""The key of a flow's metadata for the report of a miss, which has several lines: screens show a comment on one."""
MISS_MARK = ":x:"
"""How mitmproxy's and mitmweb's lists show a miss; the filter `~marked` finds it."""

FORWARDED = "falmock.forwarded"
"""The key of a flow's metadata for the fal host that it was forwarded to."""
_SCOPE = "falmock.scope"
"""The key of a flow's metadata for the scope of a forwarded call: fal does not get the header that names it."""

WHY = "falmock.why"
"""The key of a flow's metadata for why it was answered like this, in a few words."""


def host_of(request: http.Request, hosts: Hosts) -> str | None:
    """The fal host of a request, from its address, `:authority` or Host headers; None if it is not for fal.

    In transparent mode the address is an IP, and the Host header has the name; in reverse mode with
    `keep_host_header` it is the other way round. Any of them may decide where a server sends the request.
    """
    path, host = request.path, request.host
    if request.host_header == host and (request.is_http11 or "Host" not in request.headers):  # the usual case
        names = [normalize(host)]
    else:
        said = [*([request.authority] if request.authority else ()), *request.headers.get_all("Host")]
        names = [*map(named, said), normalize(host)]
    return next((name for name in names if hosts.claims(name, path)), None)


def asked_host(request: http.Request) -> str:
    """The host that a request asks for, normalized: from its `:authority` or Host header, else its address."""
    return named(request.host_header or request.host)


def read(flow: http.HTTPFlow, host: str, user: str = "", limit: int | None = None) -> Request:
    """The request of a flow, in the scope that it names, else in that of the proxy's `user`; its body may have `limit` bytes.

    Without a `limit`, it may have as many as JSON. Raises BadEncoding for a body that is not encoded as its headers say.
    """
    return with_body(head(flow, host, user), flow, limit)


def with_body(request: Request, flow: http.HTTPFlow, limit: int | None = None) -> Request:
    """The request of a flow with its body, as `read` does."""
    return bodies.with_body(request, flow.request.raw_content or b"", jsontext.MAX_BYTES if limit is None else limit)


def head(flow: http.HTTPFlow, host: str, user: str = "") -> Request:
    """The request of a flow, without its body."""
    request = flow.request
    path, _, query = request.path.partition("?")
    headers = header_map(request.headers.fields)
    scope = flow.metadata.get(_SCOPE) or scopes.named(headers, user)
    method = request.method.upper()
    bad = handshake.problem(method, request.http_version, headers) if handshake.asks_for_socket(headers) else None
    return Request(method, host, path or "/", query, headers, b"", scope=scope, bad_handshake=bad)


def answer(flow: http.HTTPFlow, reply: Reply, body: bytes) -> None:
    """Put a reply on a flow, and annotate it."""
    length = len(body) if reply.length is None else reply.length
    fields: list[Header] = list(reply.headers)
    if reply.status not in (204, 304):
        fields.insert(1, (b"Content-Length", str(length).encode()))
    if flow.request.method == "HEAD":
        body = b""  # mitmproxy would send it, and the client would read it as the next answer
    now = flow.request.timestamp_end or flow.request.timestamp_start
    flow.response = http.Response(
        b"HTTP/1.1", reply.status, reason(reply.status), http.Headers(fields), body, None, now, now
    )
    annotate(flow, reply)


def annotate(flow: http.HTTPFlow, effect: Reply | Stream | Socket) -> None:
    """Write on a flow what answered it and why, for people and for filters."""
    # On a socket, each message has its own fixture.
    what = effect.fixture or ("a socket" if isinstance(effect, Socket) else "no fixture")
    miss = None
    if isinstance(effect, Reply):
        miss, what = effect.miss, f"{effect.progress}; {what}" if effect.progress else what
    injected = f"; fault: {effect.fault}" if effect.fault else ""
    warning = f"; warning: {effect.warning}" if not isinstance(effect, Socket) and effect.warning else ""
    flow.comment = miss.brief if miss else f"falmock: {what} ({effect.why}{injected}{warning})"
    if miss is not None:
        flow.marked = flow.marked or MISS_MARK
        flow.metadata[REPORT] = miss.text
    flow.metadata[ANSWERED] = effect.fixture
    flow.metadata[WHY] = effect.why
    if effect.fault:
        flow.metadata["falmock.fault"] = effect.fault


def exchange(
    flow: http.HTTPFlow, host: str, sent_content: Content | None = None, received_content: Content | None = None
) -> Exchange:
    """The exchange of an answered flow, with the captured contents of bodies that streamed through.

    A streamed body that was not captured is marked as lost, so that it does not count as an empty one.
    """
    request, response = flow.request, flow.response
    if response is None:
        raise ValueError("a flow without an answer is no exchange")
    path, _, query = request.path.partition("?")
    asked_with, headers = header_map(request.headers.fields), header_map(response.headers.fields)
    sent, lost_there = _content(request, asked_with)
    received, lost_here = _content(response, headers)
    scope = flow.metadata.get(_SCOPE) or scopes.named(asked_with)
    asked = Request(request.method.upper(), host, path or "/", query, asked_with, sent, scope=scope)
    started = request.timestamp_start
    ended = response.timestamp_end or time.time()
    return Exchange(
        asked,
        started,
        response.status_code,
        headers,
        received,
        ended,
        sent_content,
        received_content,
        lost=(lost_there if sent_content is None else "") or (lost_here if received_content is None else ""),
    )


def _content(message: http.Message, headers: Mapping[str, str]) -> tuple[bytes, str]:
    """A decoded body, and what is wrong with it ("" if nothing is); `headers` are the message's."""
    if message.raw_content is None:
        return b"", "its body is not there"
    encoding = headers.get("content-encoding", "")
    if not encoding:
        return message.raw_content, ""
    try:
        return encodings.decoded(message.raw_content, encoding, FILE_LIMIT, FILE_RATIO), ""
    except TooLarge as error:
        return b"", f"its body is too large: {error}"
    except BadEncoding as error:
        return message.raw_content, f"its body is not encoded as its headers say: {error}"


def url_of(request: http.Request, host: str) -> str:
    """The URL of a request at this host, without the query."""
    return f"https://{host}{request.path.partition('?')[0]}"


def target_of(request: http.Request, host: str) -> str:
    """The URL of a request at this host, with the query."""
    return f"https://{host}{request.path}"


def turn_into(request: http.Request, call: Request) -> None:
    """Turn a flow's request into this call: host, path, query, headers and body, without headers that are only for falmock."""
    request.scheme, request.host, request.port = "https", call.host, 443
    request.method = call.method
    request.path = f"{call.path}?{call.query}" if call.query else call.path
    host = {"host": call.host} if not request.is_http2 else {}
    framing = ("host", "content-length", "transfer-encoding", "connection")
    kept = {
        name: value
        for name, value in call.headers.items()
        if name not in framing and not name.startswith(("x-falmock-", "x-aimock-"))
    }
    fields = tuple(
        (name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in {**host, **kept}.items()
    )
    request.headers = http.Headers(sendable(fields))
    if request.is_http2:
        request.authority = call.host
    request.content = call.body


def rewrite_head(flow: http.HTTPFlow, rewrite: Callable[[Reply | Stream], Reply | Stream]) -> None:
    """Change status and headers of fal's answer as a door rewrites them; the body is not changed.

    If the door drops `content-encoding`, `decode` decodes the body when it is complete.
    """
    if flow.response is None:
        return
    rewritten = rewrite(Reply(flow.response.status_code, tuple(flow.response.headers.fields), b"", FALS_ANSWER))
    flow.response.status_code = rewritten.status
    before = flow.response.headers
    flow.response.headers = http.Headers(rewritten.headers)
    if "content-encoding" in before and "content-encoding" not in flow.response.headers:
        flow.metadata[_DECODES] = True
    for name in ("content-encoding", "content-length", "transfer-encoding"):  # they describe the body as it is sent
        if name in before:
            flow.response.headers[name] = before[name]


def decode(flow: http.HTTPFlow) -> None:
    """Decode the body of an answer if a door dropped its content encoding.

    A streamed body keeps its encoding and its header, and so does one that is too large to be decoded.
    """
    if flow.metadata.pop(_DECODES, False) and flow.response is not None and flow.response.raw_content is not None:
        encoding = flow.response.headers.get("content-encoding", "")
        with suppress(BadEncoding, TooLarge):
            body = encodings.decoded(flow.response.raw_content, encoding, jsontext.MAX_BYTES)
            del flow.response.headers["content-encoding"]
            flow.response.content = body


def mark_forwarded(flow: http.HTTPFlow, request: Request) -> None:
    """Note on a flow that this request of its client goes on to fal."""
    flow.metadata[FORWARDED] = request.host
    if request.scope:
        flow.metadata[_SCOPE] = request.scope


def hand_on(request: http.Request, files: Iterable[tuple[str, Found]]) -> None:
    """Prepare a request for the real fal: remove the headers that ask falmock for a fault or a scope.

    Replace URLs of these files in the body, which only falmock knows, by data URIs with their content. Raises OSError.
    """
    if any(name.lower() in _OWN_HEADERS for name, _ in request.headers.fields):  # `pop` is slow
        for header in (selector.HEADER, scopes.HEADER):
            request.headers.pop(header, None)
    found_files = list(files)
    if not found_files:
        return
    # What is changed goes on without its encoding.
    encoding = request.headers.pop("content-encoding", "")
    body = encodings.decoded(request.raw_content or b"", encoding, jsontext.MAX_BYTES)
    for url, found in found_files:
        asset = found.asset
        data = asset.data if asset.data is not None else Path(asset.file or "").read_bytes()
        inline = f"data:{found.content_type};base64,{base64.b64encode(data).decode()}"
        body = body.replace(url.encode(), inline.encode())
    request.content = body
