"""HTTP requests, headers and contents as plain values, independent of any HTTP library."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from falmock.wire.handshake import BadHandshake
from falmock.wire.storage import digest

Header = tuple[bytes, bytes]
_COOKIE = "cookie"
_JOINED = (
    _COOKIE,
    "content-encoding",
    "connection",
    "upgrade",
    "sec-websocket-version",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
)
"""The ends of the names of headers whose values are joined if they are repeated."""

REASONS: Mapping[int, bytes] = {
    101: b"Switching Protocols",
    201: b"Created",
    200: b"OK",
    202: b"Accepted",
    204: b"No Content",
    206: b"Partial Content",
    304: b"Not Modified",
    400: b"Bad Request",
    401: b"Unauthorized",
    402: b"Payment Required",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    409: b"Conflict",
    410: b"Gone",
    412: b"Precondition Failed",
    413: b"Request Entity Too Large",
    415: b"Unsupported Media Type",
    416: b"Requested Range Not Satisfiable",
    418: b"I'm a Teapot",
    421: b"Misdirected Request",
    422: b"Unprocessable Entity",
    426: b"Upgrade Required",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    499: b"Client Closed Request",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
    507: b"Insufficient Storage",
}
"""Reason phrases of Python servers (uvicorn, aiohttp).

The JS client uses the phrase as ``ApiError.message`` if a body has no ``message``. The list is here because the standard
library changed its wording in 3.13.
"""


_LAST_LATIN_1 = "\xff"
_CONTROLS = bytes((*range(9), *range(10, 32), 127))
_SPACES = (b" ", b"\t")
_CONTROL = re.compile(rb"[\x00-\x08\n-\x1f\x7f]")


def header_value(text: str) -> bytes:
    """Text from outside as the value of a header of an answer: all but printable Latin-1 is percent-encoded (as UTF-8).

    A control character could end its header (RFC 9110 section 5.5), and HTTP/2 would pass it on.
    """
    if text.isascii() and text.isprintable():
        return text.strip(" ").encode()
    kept = text.strip(" \t")
    return "".join(
        each if each.isprintable() and each <= _LAST_LATIN_1 else quote(each, safe="", errors="replace")
        for each in kept
    ).encode()


def sendable(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    """The headers of an answer without control characters (percent-encoded) and without spaces around values."""
    values = b"\n".join([value for _, value in headers])  # looked at together, which is far faster than one by one
    if len(values.translate(None, _CONTROLS)) + max(len(headers) - 1, 0) != len(values) or _has_outer_space(values):
        return tuple((name, _CONTROL.sub(_encoded, value.strip(b" \t"))) for name, value in headers)
    return headers


def _has_outer_space(lines: bytes) -> bool:
    """Whether any of these lines begins or ends with a space or a tab."""
    if lines[:1] in _SPACES or lines[-1:] in _SPACES:
        return True
    return b" \n" in lines or b"\n " in lines or (b"\t" in lines and (b"\t\n" in lines or b"\n\t" in lines))


def _encoded(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


def reason(status: int) -> bytes:
    """The reason phrase of `status`; b"" if it has none."""
    return REASONS.get(status, b"")


class Request(NamedTuple):
    """One HTTP request as fal's servers would see it.

    `host` is without port, as `hosts.normalize` makes it; `path` is raw (still percent-encoded) and starts with ``/``;
    `query` is the raw text after ``?``; `headers` has lower-case names, and of a repeated header the last value, or all of
    them if it is a list; `body` is decoded from any content encoding. If the body is on disk, it is `content` and `body` is
    empty. `too_large` says how large the body is, and how large it may be, if that is why it was not read; `body` is empty
    then, and the text "" for any other request. `scope` is the name of the scope. If the request was sent to falmock itself,
    `peer` is the client's address and `door` the name of the gateway that took it, else both are "". `lenient`: URLs about
    a job may have any path before the request id.
    `bad_handshake` says what is wrong with the handshake of a request for a WebSocket.
    """

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    content: Content | None = None
    scope: str = ""
    peer: str = ""
    door: str = ""
    lenient: bool = False
    bad_handshake: BadHandshake | None = None
    too_large: str = ""

    def with_path(self, path: str) -> Request:
        """The same request for another path. `_replace` would take three times as long, and most calls need it."""
        return Request._make((*self[:_PATH], path, *self[_PATH + 1 :]))

    def with_body(self, body: bytes) -> Request:
        """The same request with another body; see `with_path`."""
        return Request._make((*self[:_BODY], body, *self[_BODY + 1 :]))

    @property
    def undecoded(self) -> str:
        """The content encoding of a body that could not be decoded with it; "" for any other body."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding == "identity" or self.too_large:
            return ""
        # A compressed body is never empty, so an empty one was not decoded.
        return encoding[:100] if not self.body and self.content is None else ""

    @property
    def uploaded(self) -> Content:
        """The body as content."""
        return self.content or content_of(self.body)


_PATH, _BODY = map(Request._fields.index, ("path", "body"))


def header_map(fields: Iterable[Header]) -> dict[str, str]:
    """Header fields by lower-case name. Of a repeated field the last value counts.

    Cookies, encodings, and the fields of a WebSocket handshake are joined. Bytes that are not UTF-8 are read as Latin-1.
    """
    result: dict[str, str] = {}
    for name, value in fields:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        key = name.decode("latin-1").lower()
        if key in result and key.endswith(_JOINED):
            text = f"{result[key]}{'; ' if key.endswith(_COOKIE) else ', '}{text}"
        result[key] = text
    return result


class Content(NamedTuple):
    """The content of a body: its SHA-256 (hex), its size in bytes, and the bytes in memory (`data`) or in a file.

    A body that was only hashed while it passed (a recorded upload) has neither `data` nor `file`.
    """

    sha256: str
    size: int
    data: bytes | None = None
    file: str | None = None


def content_of(data: bytes) -> Content:
    """The content of bytes in memory."""
    return Content(digest(data), len(data), data=data)
