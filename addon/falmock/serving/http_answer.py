"""The first bytes of an answer over HTTP/1: its status line and its headers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from falmock.serving.request_parts import Head
from falmock.wire.message import Header
from falmock.wire.message import reason

_BODILESS = (204, 304)
_COLON = b": "


class AnswerHead(NamedTuple):
    """The bytes, whether a body follows, and whether the connection ends after it."""

    data: bytes
    has_body: bool
    closes: bool


class UnsendableAnswer(ValueError):
    """An answer that HTTP cannot carry."""


@lru_cache(64)
def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %s" % (status, reason(status))


def head(
    request: Head, status: int, headers: Iterable[Header], length: int | None, *, closes: bool, over_time: bool
) -> AnswerHead:
    """The head of the answer to a request. `length` is that of its body in bytes, None if it is not known in advance.

    `headers` are complete but for framing. `over_time`: the body does not follow at once. Raises UnsendableAnswer.
    """
    lines = list(map(_COLON.join, headers))
    has_body = status not in _BODILESS
    if has_body and length is not None:
        # Where mitmproxy has it, which sends the one by itself and gets the other from the origin.
        lines.insert(len(lines) if over_time else 1, b"Content-Length: %d" % length)
    elif has_body and request.is_http11:
        lines.append(b"Transfer-Encoding: chunked")
    elif has_body:  # HTTP/1.0: the end of the connection is that of the body
        closes = True
    if closes:
        lines.append(b"Connection: close")
    elif not request.is_http11:
        lines.append(b"Connection: keep-alive")
    data = b"\r\n".join((_status_line(status), *lines, b"\r\n"))
    if data.count(b"\n") != len(lines) + 2 or b"\0" in data or not 200 <= status <= 999:
        raise UnsendableAnswer(f"an answer with status {status} has a header that HTTP cannot carry")
    return AnswerHead(data, has_body and request.method != "HEAD", closes)
