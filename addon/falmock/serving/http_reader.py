"""Reads the requests of one HTTP/1 connection: bytes in, parts of requests out. It does no I/O.

httptools parses. It refuses what servers read in different ways (two lengths, a length beside chunks, a bare CR, folded
headers), so that no request can hide in another one. It also refuses what is only odd: such heads are read once more.
"""

from __future__ import annotations

import re
from typing import Any

import httptools

from falmock.serving.header_blocks import HeaderBlocks
from falmock.serving.request_parts import NO_HEAD
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import EndOfRequest
from falmock.serving.request_parts import Head
from falmock.serving.request_parts import Part
from falmock.serving.request_parts import WholeRequest
from falmock.wire.message import Header

MAX_HEAD = 128 * 1024
"""The largest size of a request's line and headers (bytes)."""
MAX_FIELDS = 200
"""How many headers a request may have."""


_END = EndOfRequest()
_TAKE_OVER = (b"websocket",)
"""The protocols to which a connection can be upgraded; another upgrade is ignored (RFC 9110, section 7.8)."""
_EMPTY_LINE = b"\r\n\r\n"
_LENGTH = b"content-length"
_VERSIONS = ("1.0", "1.1")
_BAD_VALUE = "Invalid header value char"
"""What the parser says of a control character in a value."""
_LINE = re.compile(rb"[!-~]+ [^ \r\n]+ HTTP/1\.[01]\r?\n")
_ODD = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]")
"""What httptools takes neither in a path nor, but for what is not ASCII, in a header. Servers read it in the same way, and clients send it."""
_TO_MARK = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f~\x7f-\xff]")
_MARKED = re.compile(rb"~([0-9a-f]{2})")
"""An odd byte, or a tilde, while httptools reads."""


class _Refused(ValueError):
    """A head is refused with this status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class RequestReader:
    """Finds the parts of requests. What follows an upgrade or CONNECT is not read: see `rest`."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        """The parts that were found and not taken yet."""
        self.rest: bytes | None = None
        """The bytes behind an upgrade or a CONNECT; None before there is one."""
        self.is_in_head = True
        """Whether a head is read, or comes next; else a body."""
        self.has_begun = False
        """Whether a request has begun and is not complete."""
        self._blocks = HeaderBlocks()
        self._is_over = False
        self._is_http: bool | None = None
        self._head = NO_HEAD
        self._kept = bytearray()
        """What came of the head so far, or the last bytes of chunks."""
        self._restart()

    def _restart(self) -> None:
        self._parser: Any = httptools.HttpRequestParser(self)
        self._why = ""
        """Why the parser refused the head that is coming."""
        self._until = b""
        """The head is looked at again when this of it is here."""
        self._is_marked = False
        self._begin()

    def _begin(self) -> None:
        self.is_in_head = True
        self.has_begun = False
        self._kept.clear()
        self._left: int | None = None

    def stop(self) -> None:
        """Read no more. Reader and parser refer to each other, which only the garbage collector would find."""
        self._is_over = True
        self._parser = None

    def feed(self, data: bytes) -> None:
        """Read the next bytes, split anywhere."""
        if self._is_http is None and (begins := data.lstrip(b"\r\n")):
            self._is_http = begins[:1].isalpha()
        if not self.has_begun and len(data) <= MAX_HEAD and self._is_read_at_once(data):
            return
        # The parser gets nothing beyond the end of a head or a body at once: what it refuses is known to be in that part.
        while data and not self._is_over:
            if self.rest is not None:
                self.rest += data
                return
            if self.is_in_head:
                data = self._feed_head(data)
            elif self._left is None:
                size = self._behind_end(data)
                self._kept = bytearray(self._kept + data[max(0, size - 3) : size])[-3:]
                data = self._parse_part(data, size)
            else:
                data = self._parse_part(data, self._left)

    def whole(self, data: bytes) -> WholeRequest | None:
        """The request that these bytes are, if it came in one piece with headers that are known; `feed` reads all others."""
        is_under_way = self.has_begun or self.parts or self.rest is not None
        return None if is_under_way or self._is_over or not self._head.keeps_alive else self._blocks.request(data)

    def _is_read_at_once(self, data: bytes) -> bool:
        """Read bytes that begin with a request, as nearly all do; returns False if they have to be read part by part."""
        if self._is_over or self.rest is not None:
            return False
        before, is_not_first = len(self.parts), self._head is not NO_HEAD
        self._parse(data)
        if self._is_over or not self.has_begun:
            if is_not_first and not self._is_over and self.rest is None:
                self._blocks.keep(data, self._head)
            return True
        if not self.is_in_head:
            self._kept += data[-3:]
            return True
        while len(self.parts) > before:
            self.parts.pop()
        self._restart()
        return False

    def _behind_end(self, data: bytes) -> int:
        """Where in `data` an empty line ends, which may have begun before; its length if none does."""
        tail = bytes(self._kept[-3:]) if self._kept else b""
        at = (tail + data).find(_EMPTY_LINE)
        return len(data) if at < 0 else at + len(_EMPTY_LINE) - len(tail)

    def _feed_head(self, data: bytes) -> bytes:
        end = self._behind_end(data)
        size = min(end, MAX_HEAD - len(self._kept))
        rest = data[size:] if self._why else self._parse_part(data, size)
        if self.is_in_head and self.has_begun:
            self._kept += data[:size] if self._kept else data[:size].lstrip(b"\r\n")
            if self._why and self._until in self._kept[-size - 3 :]:
                self._look_again()
            elif size < end:
                self._refuse(431, f"its head has more than {MAX_HEAD} bytes")
        return rest

    def _parse_part(self, data: bytes, size: int) -> bytes:
        """Have the parser read that much; returns the rest."""
        if size >= len(data):
            self._parse(data)
            return b""
        self._parse(data[:size])
        return data[size:]

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._problem(error)

    def _problem(self, error: httptools.HttpParserError) -> None:
        cause, why = error.__context__, str(error)
        if isinstance(cause, _Refused):
            self._refuse(cause.status, str(cause))
        elif isinstance(error, httptools.HttpParserInvalidMethodError):
            self._why, self._until = "its method is not known", b"\n"
            if self._head is not NO_HEAD or not self._is_http:
                self._refuse(501 if self._is_http else 0, self._why)
        elif (
            self.is_in_head
            and not self._is_marked
            and (why == _BAD_VALUE or isinstance(error, httptools.HttpParserInvalidURLError))
        ):
            self._why, self._until = why, _EMPTY_LINE
        else:
            self._refuse(400, why)

    def _look_again(self) -> None:
        """Read a complete head again with its odd bytes replaced, if it has any; or the line of one with an odd method."""
        head, why = bytes(self._kept), self._why
        if self._until != _EMPTY_LINE:
            self._refuse(501 if _LINE.match(head) else 0, why)
        elif not _ODD.search(head):
            self._refuse(400, why)
        else:
            self._restart()
            self._is_marked = True
            self._parse(_TO_MARK.sub(lambda odd: b"~%02x" % odd[0][0], head))

    def go_on(self) -> None:
        """Read what follows an upgrade or a CONNECT that was refused as further requests."""
        if self.rest is not None:
            rest, self.rest = self.rest, None
            self._restart()
            self.feed(rest)

    def _refuse(self, status: int, why: str) -> None:
        self._is_over = True
        self.parts.append(BadRequest(status, why))

    def _upgraded(self, rest: bytes) -> None:
        """The parser stopped behind a head. An upgrade that nobody makes is no reason to stop: read its body."""
        head = self._head
        if head.method == "CONNECT" or head.upgrades:
            self.rest = rest
            return
        length, chunks = head.get(b"content-length"), head.get(b"transfer-encoding")
        framing = (
            b"Content-Length: %s\r\n" % length if length else b"Transfer-Encoding: %s\r\n" % chunks if chunks else b""
        )
        found, self.parts = self.parts, []
        self._restart()
        self.feed(b"POST / HTTP/1.1\r\n%s\r\n" % framing)
        self.parts = [*found, *(part for part in self.parts if not isinstance(part, Head))]
        self.feed(rest)

    # called by the parser

    def on_message_begin(self) -> None:
        """See httptools."""
        self._url = b""
        self._fields: list[Header] = []
        self.has_begun = True

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self._url += _restored(url) if self._is_marked else url

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools. A trailer is ignored."""
        if self.is_in_head:
            if self._is_marked:
                name, value = _restored(name), _restored(value)
                if _ODD.search(name):
                    raise _Refused(400, "Invalid header token")
            self._fields.append((name, value))
            if len(self._fields) > MAX_FIELDS:
                raise _Refused(431, f"it has more than {MAX_FIELDS} headers")
            if len(name) == len(_LENGTH) and name.lower() == _LENGTH:
                self._left = int(value)

    def on_headers_complete(self) -> None:
        """See httptools."""
        parser = self._parser
        version = parser.get_http_version()
        if version not in _VERSIONS:
            raise _Refused(505, f"its version is HTTP/{version}, expected HTTP/1.1")
        upgrades = parser.should_upgrade()
        head = Head(
            parser.get_method().decode("ascii"),
            self._url,
            tuple(self._fields),
            version != "1.0",
            parser.should_keep_alive(),
        )
        if not head.is_http11 and head.get(b"transfer-encoding"):
            raise _Refused(400, "HTTP/1.0 has no transfer encodings")
        if upgrades:
            head = head._replace(upgrades=head.get(b"upgrade").strip().lower() in _TAKE_OVER)
        self._head = head
        self.is_in_head = self._is_marked = False
        self._kept.clear()
        self.parts.append(head)

    def on_body(self, data: bytes) -> None:
        """See httptools."""
        if self._left is not None:
            self._left -= len(data)
        self.parts.append(data)

    def on_message_complete(self) -> None:
        """See httptools. An upgrade that is not made still has its body to come."""
        if not (self._parser.should_upgrade() and self._head.method != "CONNECT" and not self._head.upgrades):
            self.parts.append(_END)
        self._begin()


def as_text(sent: bytes) -> str:
    """A target, or a part of a head, as text. `as_bytes` gives the same bytes back, whatever they are."""
    return sent.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    """What `as_text` was made of."""
    return text.encode("utf-8", "surrogateescape")


def _restored(text: bytes) -> bytes:
    return _MARKED.sub(lambda mark: bytes.fromhex(mark[1].decode()), text)
