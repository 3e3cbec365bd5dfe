"""Reads HTTP archives (HAR 1.2): exports of browsers and of other tools, which are often incomplete.

HAR does not define socket messages; Chrome writes them to `_webSocketMessages`, which we read.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any
from typing import NamedTuple
from urllib.parse import urlsplit

from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.wire.hosts import normalize
from falmock.wire.message import Request
from falmock.wire.message import header_map

_MESSAGES = "_webSocketMessages"
_TEXT, _BINARY = 1, 2
"""Opcodes (RFC 6455, section 5.2)."""


class NotAHar(ValueError):
    """A file that is not a HAR; the text says why."""


class Unusable(NamedTuple):
    """An entry that cannot be used: what it is, and why."""

    what: str
    why: str


HarEntry = Exchange | Session | Unusable


def read(raw: bytes) -> list[HarEntry]:
    """The entries of a HAR, in the order of their start. Raises NotAHar."""
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotAHar(f"it is not JSON: {error}") from None
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise NotAHar("expected an object with log.entries, a list")
    found = [_entry(entry, place) for place, entry in enumerate(entries)]
    return sorted(found, key=_started)


def _started(entry: HarEntry) -> float:
    if isinstance(entry, Unusable):
        return 0.0
    return entry.started if isinstance(entry, Exchange) else entry.opened


def _entry(entry: Any, place: int) -> HarEntry:
    what = f"entry {place}"
    try:
        request, response = entry["request"], entry["response"]
        what = f"entry {place}, {request['method']} {str(request['url']).partition('?')[0]},"
        if not response.get("status"):
            return Unusable(what, "it has no answer (blocked, failed or still under way)")
        exchange = _exchange(entry, request, response)
        messages = entry.get(_MESSAGES)
        return exchange if messages is None else _session(exchange, messages)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Unusable(what, f"it does not follow HAR 1.2: {type(error).__name__} {error}")


def _exchange(entry: dict[str, Any], request: dict[str, Any], response: dict[str, Any]) -> Exchange:
    url = urlsplit(request["url"])
    started = datetime.fromisoformat(str(entry["startedDateTime"])).timestamp()
    sent, lost_there = _posted(request)
    received, lost_here = _content(response.get("content") or {}, response)
    asked = Request(
        str(request["method"]).upper(),
        normalize(url.hostname or ""),
        url.path or "/",
        url.query,
        _headers(request.get("headers")),
        sent,
    )
    ended = started + max(float(entry.get("time") or 0.0), 0.0) / 1000
    headers = _headers(response.get("headers"))
    content_type = (response.get("content") or {}).get("mimeType")
    if "content-type" not in headers and isinstance(content_type, str) and content_type:
        headers["content-type"] = content_type
    return Exchange(asked, started, int(response["status"]), headers, received, ended, lost=lost_there or lost_here)


def _session(exchange: Exchange, messages: list[dict[str, Any]]) -> Session:
    """A socket as Chrome's developer tools export it, which is without its close."""
    read = tuple(
        Message(
            float(message["time"]),
            message["type"] == "send",
            base64.b64decode(message["data"], validate=True) if message["opcode"] == _BINARY else str(message["data"]),
        )
        for message in messages
        if message["type"] in ("send", "receive") and message["opcode"] in (_TEXT, _BINARY)
    )
    ended = max(exchange.ended, read[-1].at if read else 0.0)
    return Session(exchange.request, exchange.started, read, ended)


def _headers(fields: Any) -> dict[str, str]:
    """Headers in the form of HAR, or as pairs, which some tools write."""
    pairs = ((field["name"], field["value"]) if isinstance(field, dict) else field[:2] for field in fields or ())
    return header_map((str(name).encode(), str(value).encode()) for name, value in pairs)


def _posted(request: dict[str, Any]) -> tuple[bytes, str]:
    """The body of a request, and what is missing ("" if nothing)."""
    posted = request.get("postData")
    if not isinstance(posted, dict):
        missing = request["method"] == "PUT" and not str(request["url"]).partition("?")[0].endswith("/cancel")
        return b"", "the HAR does not have what was uploaded" if missing else ""
    text = posted.get("text")
    if not isinstance(text, str):
        return b"", "the HAR does not have the body of the request"
    body, lost = _decoded(text, posted.get("encoding"))
    if not body and request["method"] == "PUT":
        return body, "the HAR does not have what was uploaded"
    return body, lost


def _content(content: dict[str, Any], response: dict[str, Any]) -> tuple[bytes, str]:
    """The decoded body of an answer, and what is missing ("" if nothing)."""
    text, size = content.get("text"), content.get("size")
    if not isinstance(text, str):
        expected = isinstance(size, int) and size > 0 and response.get("status") not in (204, 304)
        return b"", "the HAR does not have the body of the answer" if expected else ""
    body, lost = _decoded(text, content.get("encoding"))
    if not lost and isinstance(size, int) and size > len(body) and not _is_compressed(response):
        lost = f"the HAR has {len(body)} of the {size} bytes of the answer"
    return body, lost


def _is_compressed(response: dict[str, Any]) -> bool:
    return "content-encoding" in _headers(response.get("headers"))


def _decoded(text: str, encoding: Any) -> tuple[bytes, str]:
    if encoding != "base64":
        return text.encode("utf-8", "surrogatepass"), ""
    try:
        return base64.b64decode(text, validate=True), ""
    except (binascii.Error, ValueError):
        return b"", "its base64 was cut"
