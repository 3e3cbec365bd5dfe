"""One HTTP request and one header block as plain values, free of any HTTP library."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

from falmock.wire.storage import digest

Header = tuple[bytes, bytes]

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
    422: b"Unprocessable Entity",
    426: b"Upgrade Required",
    429: b"Too Many Requests",
    499: b"Client Closed Request",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    507: b"Insufficient Storage",
}
"""Reason phrases as Python servers (uvicorn, aiohttp) word them.

The JS client's ``ApiError.message`` is the phrase when a body has no ``message``, so they are part of
the wire. Spelled out here because the standard library changed its wording in 3.13.
"""


def reason(status: int) -> bytes:
    """The reason phrase of `status`; empty for a code nobody has named."""
    return REASONS.get(status, b"")


class Request(NamedTuple):
    """One HTTP request as fal's servers would see it.

    `host` is lower-case without port or trailing dot; `path` is raw (still percent-encoded) and starts with ``/``;
    `query` is the raw text behind ``?``, without it; `headers` has lower-case names (of a repeated header the last
    value); `body` is decoded from any content encoding. A body that was put on disk is `content`, and `body` is empty
    then. `scope` names the scope that it belongs to. Of one that was sent to falmock itself `peer` is the address of the
    client, and `door` the name of what took it there.
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

    @property
    def undecoded(self) -> str:
        """The content encoding of a body that is not encoded so, and was not read; "" for any other."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        # Nobody compresses nothing.
        return encoding[:100] if encoding != "identity" and not self.body and self.content is None else ""

    @property
    def uploaded(self) -> Content:
        """The content that the request carries."""
        return self.content or content_of(self.body)


def header_map(fields: Iterable[Header]) -> dict[str, str]:
    """Header fields as a dict of lower-case names, of a repeated one the last value; of cookies all.

    Bytes that are not UTF-8 are read as Latin-1.
    """
    result: dict[str, str] = {}
    for name, value in fields:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        key = name.decode("latin-1").lower()
        result[key] = f"{result[key]}; {text}" if key.endswith("cookie") and key in result else text
    return result


class Content(NamedTuple):
    """The bytes of a body by their digest (SHA-256, hex), and where they are: in memory, in a file, or gone.

    A body that was only hashed on its way (a recorded upload) has neither `data` nor `file`.
    """

    sha256: str
    size: int
    data: bytes | None = None
    file: str | None = None


def content_of(data: bytes) -> Content:
    """The content that some bytes in memory are."""
    return Content(digest(data), len(data), data=data)
