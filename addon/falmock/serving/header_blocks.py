"""Reads requests whose headers are those of one before on the connection, without the parser, as it would read them.

Most requests of a client are such: only the first line differs, and the body.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from falmock.serving.request_parts import Head
from falmock.serving.request_parts import WholeRequest
from falmock.wire.message import Header

_LENGTH = b"content-length"
_EMPTY_LINE = b"\r\n\r\n"
_PLAIN_LINE = re.compile(rb"(GET|POST|PUT|DELETE) (/[A-Za-z0-9/_.?=&%:@,+-]*) HTTP/1\.1")
"""A request line that every parser reads in the same way."""
_KNOWN_BLOCKS, _LONGEST_BLOCK, _LONGEST_LINE = 4, 4096, 4096
"""How many blocks of headers a connection keeps, and how long (bytes) these and a line before them may be."""


class _Block(NamedTuple):
    """What the parser made of the headers of a request: its headers, and the size of its body in bytes."""

    fields: tuple[Header, ...]
    size: int


class HeaderBlocks:
    """The blocks of headers that requests in one piece had, from the end of their first line to the body."""

    def __init__(self) -> None:
        self._kept: dict[bytes, _Block] = {}
        self._last = b""

    def request(self, data: bytes) -> WholeRequest | None:
        """The request that these bytes are, if its headers are known; None for all others."""
        line = data.find(b"\r\n", 0, _LONGEST_LINE) if self._kept else -1
        if line < 0:
            return None
        end = data.find(_EMPTY_LINE, line) + len(_EMPTY_LINE)
        headers = data[line:end]
        block = self._kept.get(headers)
        if block is None or len(data) - end != block.size:
            return None
        found = _PLAIN_LINE.fullmatch(data, 0, line)
        if found is None:
            return None
        self._last = headers
        method, target = found.groups()
        return WholeRequest(Head(method.decode(), target, block.fields), data[end:])

    def keep(self, data: bytes, head: Head) -> None:
        """Keep the headers of bytes in which the parser found one request or more, the last of them with this head.

        Those of one request are kept: after another line, the parser would read them in the same way.
        """
        line, end = data.find(b"\r\n"), data.find(_EMPTY_LINE) + len(_EMPTY_LINE)
        size = int(head.get(_LENGTH) or b"0")
        is_one = len(data) - end == size and _PLAIN_LINE.fullmatch(data, 0, line)
        if is_one and end - line <= _LONGEST_BLOCK:
            if len(self._kept) >= _KNOWN_BLOCKS:
                del self._kept[next(block for block in self._kept if block != self._last)]
            self._kept[data[line:end]] = _Block(head.fields, size)
