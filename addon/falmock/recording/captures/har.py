"""Reads HTTP archives (HAR 1.2): exports of browsers and of other tools, which are often incomplete.

HAR does not define socket messages; Chrome writes them to `_webSocketMessages`, which we read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from falmock.recording.captures.capture import LATEST
from falmock.recording.captures.capture import Attached
from falmock.recording.captures.capture import Entry
from falmock.recording.captures.capture import NotACapture
from falmock.recording.captures.capture import NotAttached
from falmock.recording.captures.capture import Unusable
from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.wire.formats import encodings
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.encodings import FILE_LIMIT
from falmock.wire.formats.encodings import FILE_RATIO
from falmock.wire.formats.encodings import TooLarge
from falmock.wire.hosts import normalize
from falmock.wire.message import Request
from falmock.wire.message import header_map

_ENCODING = "content-encoding"
_MESSAGES = "_webSocketMessages"
_SWITCHING = 101
_TEXT, _BINARY = 1, 2
"""Opcodes (RFC 6455, section 5.2)."""
_FAILED = -1
"""Playwright's status for a request without an answer."""
_FILE = "_file"
"""The key for a body in a file beside the HAR, as Playwright writes it."""


def read(document: dict[str, Any], attached: Attached) -> Iterator[Entry]:
    """The entries of a HAR, in the order of their start; `document` has a `log`. Raises NotACapture.

    Each entry is read when it is asked for, so that not all files beside the HAR are in memory at a time.
    """
    log = document["log"]
    version = str(log.get("version", "1.2")) if isinstance(log, dict) else ""
    if version.partition(".")[0] not in ("", "1"):
        raise NotACapture(f"expected a HAR 1.2, found version {version[:40]!r}")
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise NotACapture("expected a HAR, an object with log.entries, a list; found none")
    places = sorted(range(len(entries)), key=lambda place: _started(entries[place]))
    return (_entry(entries[place], place, attached) for place in places)


def _started(entry: Any) -> float:
    """When an entry began (seconds since the epoch); 0 for one that does not say so."""
    try:
        return datetime.fromisoformat(entry["startedDateTime"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return 0.0


def _entry(entry: Any, place: int, attached: Attached) -> Entry:
    what, method, asked = f"entry {place}", "", ""
    try:
        request, response = entry["request"], entry["response"]
        method, asked = str(request["method"]), str(request["url"])
        what = f"entry {place}, {method} {asked.partition('?')[0]},"
        if not response.get("status") or response["status"] == _FAILED:
            return Unusable(what, "it has no answer (blocked, failed or still under way)", method, asked)
        exchange = _exchange(entry, request, response, attached)
        messages = entry.get(_MESSAGES)
        if messages is None and exchange.status == _SWITCHING:
            return Unusable(what, "the HAR does not have the messages of the socket", method, asked)
        return exchange if messages is None else _session(exchange, messages)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Unusable(what, f"it does not follow HAR 1.2: {type(error).__name__} {error}", method, asked)


def _exchange(entry: dict[str, Any], request: dict[str, Any], response: dict[str, Any], attached: Attached) -> Exchange:
    url = urlsplit(request["url"])
    started = datetime.fromisoformat(str(entry["startedDateTime"])).timestamp()
    sent, lost_there = _posted(request, attached)
    received, lost_here = _content(response.get("content") or {}, response, attached)
    asked = Request(
        str(request["method"]).upper(),
        normalize(url.hostname or ""),
        url.path or "/",
        url.query,
        _headers(request.get("headers")),
        sent,
    )
    ended = _time(started + max(float(entry.get("time") or 0.0), 0.0) / 1000)
    headers = _headers(response.get("headers"))
    content_type = (response.get("content") or {}).get("mimeType")
    if "content-type" not in headers and isinstance(content_type, str) and content_type:
        headers["content-type"] = content_type
    return Exchange(asked, started, int(response["status"]), headers, received, ended, lost=lost_there or lost_here)


def _time(seconds: float) -> float:
    """A time (seconds since the epoch). Raises ValueError for one that no clock shows."""
    if not 0 <= seconds < LATEST:
        raise ValueError(f"the time {seconds} is out of range")
    return seconds


def _session(exchange: Exchange, messages: list[dict[str, Any]]) -> Session:
    """A socket as Chrome's developer tools export it, which is without its close."""
    read = tuple(
        Message(
            _time(float(message["time"])),
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


def _posted(request: dict[str, Any], attached: Attached) -> tuple[bytes, str]:
    """The body of a request, and what is missing ("" if nothing)."""
    posted = request.get("postData")
    if _headers(request.get("headers")).get("content-length") == "0":
        return b"", ""
    if not isinstance(posted, dict):
        missing = request["method"] == "PUT" and not str(request["url"]).partition("?")[0].endswith("/cancel")
        return b"", "the HAR does not have what was uploaded" if missing else ""
    if not isinstance(posted.get("text"), str) and _FILE not in posted:
        return b"", "the HAR does not have the body of the request"
    body, lost = _body(posted, request, attached)
    if not body and not lost and request["method"] == "PUT":
        return body, "the HAR does not have what was uploaded"
    return body, lost


def _content(content: dict[str, Any], response: dict[str, Any], attached: Attached) -> tuple[bytes, str]:
    """The decoded body of an answer, and what is missing ("" if nothing)."""
    size = content.get("size")
    if not isinstance(content.get("text"), str) and _FILE not in content:
        expected = isinstance(size, int) and size > 0 and response.get("status") not in (204, 304)
        return b"", "the HAR does not have the body of the answer" if expected else ""
    body, lost = _body(content, response, attached)
    if not lost and isinstance(size, int) and size > len(body) and not _is_compressed(response):
        lost = f"the HAR has {len(body)} of the {size} bytes of the answer"
    return body, lost


def _is_compressed(response: dict[str, Any]) -> bool:
    return _ENCODING in _headers(response.get("headers"))


def _body(part: dict[str, Any], message: dict[str, Any], attached: Attached) -> tuple[bytes, str]:
    """A body in the text of a HAR or in a file beside it, and what is wrong with it ("" if nothing is)."""
    if _FILE in part:
        try:
            return _decoded(attached(str(part[_FILE])), message)
        except NotAttached as error:
            return b"", str(error)
    text = part["text"]
    if part.get("encoding") != "base64":
        return text.encode("utf-8", "surrogatepass"), ""
    try:
        return _decoded(base64.b64decode(text, validate=True), message)
    except (binascii.Error, ValueError):
        return b"", "its base64 was cut"


def _decoded(body: bytes, message: dict[str, Any]) -> tuple[bytes, str]:
    """A body without the encodings that the headers of its message name, and what is wrong with it ("" if nothing is).

    HAR wants it so, but some tools write it as it was sent.
    """
    encoding = _headers(message.get("headers")).get(_ENCODING, "")
    try:
        return (encodings.decoded(body, encoding, FILE_LIMIT, FILE_RATIO), "") if encoding else (body, "")
    except TooLarge as error:
        return b"", f"its body is too large: {error}"
    except BadEncoding:
        return body, ""
