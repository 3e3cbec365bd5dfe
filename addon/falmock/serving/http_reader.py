"""Reads the requests of one HTTP/1 connection: bytes in, parts of requests out. It does no I/O.

httptools parses. It refuses what servers read in different ways (two lengths, a length beside chunks, a bare CR, folded
headers), so that no request can hide in another one.
"""

from __future__ import annotations

import re
from typing import Any
from typing import NamedTuple

import httptools

from falmock.wire.message import Header

MAX_HEAD = 128 * 1024
"""The largest size of a request's line and headers (bytes)."""
MAX_FIELDS = 200
"""How many headers a request may have."""


class Head(NamedTuple):
    """The line and the headers of a request; `target` is as it was sent. `upgrades` if it asks for another protocol."""

    method: str
    target: bytes
    fields: tuple[Header, ...]
    is_http11: bool = True
    keeps_alive: bool = True
    upgrades: bool = False

    def get(self, name: bytes) -> bytes:
        """The value of the first header with this name in lower case; b"" if there is none."""
        return next((value for found, value in self.fields if found.lower() == name), b"")


NO_HEAD = Head("", b"", ())
"""In place of a head that could not be read."""


class EndOfRequest(NamedTuple):
    """The request is complete."""


class BadRequest(NamedTuple):
    """The bytes are no request that can be answered as one: the status to refuse it with, and why. Nothing follows."""

    status: int
    why: str


Part = Head | bytes | EndOfRequest | BadRequest
"""What a reader finds: a head, pieces of its body, its end."""
_END = EndOfRequest()
_ODD = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]")
"""What httptools takes neither in a path nor, but for what is not ASCII, in a header. Servers read it in the same way, and clients send it."""
_TO_MARK = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f~\x7f-\xff]")
_MARKED = re.compile(rb"~([0-9a-f]{2})")
"""An odd byte, or a tilde, while httptools reads."""
_END_OF_HEAD = b"\r\n\r\n"
_TAKE_OVER = (b"websocket",)
"""The protocols to which a connection can be upgraded; another upgrade is ignored (RFC 9110, section 7.8)."""


class RequestReader:
    """Finds the parts of requests. What follows an upgrade or CONNECT is not read: see `rest`."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        """The parts that were found and not taken yet."""
        self.rest: bytes | None = None
        """The bytes behind an upgrade or a CONNECT; None before there is one."""
        self._is_over = self._in_body = self._is_marked = False
        self._begun: bytes | bytearray | None = None
        """The head that has begun; None for one that began behind another request in the same bytes."""
        self._restart()

    def _restart(self) -> None:
        self._parser: Any = httptools.HttpRequestParser(self)
        self._in_head = False
        self._size = 0

    def stop(self) -> None:
        """Read no more. Reader and parser refer to each other, which only the garbage collector would find."""
        self._is_over = True
        self._parser = None

    def feed(self, data: bytes) -> None:
        """Read the next bytes, split anywhere."""
        if self._is_over:
            return
        if self.rest is not None:
            self.rest += data
            return
        if not self._in_head and not self._in_body:
            self._begun = data
        elif self._in_head and self._begun is not None:
            data = self._more_of_head(self._begun, data)
        self._parse(data)

    def _more_of_head(self, begun: bytes | bytearray, data: bytes) -> bytes:
        """The next bytes, of which the first belong to the head; they are marked if it is."""
        before = len(begun)
        begun = self._begun = begun if isinstance(begun, bytearray) else bytearray(begun)
        begun += data
        if not self._is_marked:
            return data
        end = begun.find(_END_OF_HEAD, max(before - 3, 0))
        size = len(data) if end < 0 else end + len(_END_OF_HEAD) - before
        return _marked(data[:size]) + data[size:]

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(data[upgrade.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            self._refuse(501, "its method is not known")
        except httptools.HttpParserError as error:
            if not self._read_marked():
                self._refuse(*self._problem(str(error.__context__ or error)))
        else:
            if self._in_head:
                self._size = self._size + len(data) if self._begun is None else len(self._begun)
                if self._size > MAX_HEAD:
                    self._refuse(431, f"its head has more than {MAX_HEAD} bytes")

    def _read_marked(self) -> bool:
        """Read the head again, with its odd bytes replaced; returns whether there are any."""
        head, end, rest = bytes(self._begun or b"").partition(_END_OF_HEAD)
        if self._is_marked or not _ODD.search(head):
            return False
        self._restart()
        self._is_marked = True
        self._parse(_marked(head) + end + rest)
        return True

    def go_on(self) -> None:
        """Read what follows an upgrade or a CONNECT that was refused as further requests."""
        if self.rest is not None:
            rest, self.rest = self.rest, None
            self._restart()
            self.feed(rest)

    def _problem(self, why: str) -> tuple[int, str]:
        if len(self._fields) > MAX_FIELDS:
            return 431, f"it has more than {MAX_FIELDS} headers"
        return 400, why

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
        self._in_head = True
        self._size = 0

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self._url += _restored(url) if self._is_marked else url

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools. A trailer is ignored."""
        if self._in_head:
            if self._is_marked:
                name, value = _restored(name), _restored(value)
                if _ODD.search(name):
                    raise ValueError("Invalid header token")
            self._fields.append((name, value))
            if len(self._fields) > MAX_FIELDS:
                raise ValueError

    def on_headers_complete(self) -> None:
        """See httptools."""
        parser = self._parser
        self._in_head, self._in_body, self._begun = False, True, None
        version = parser.get_http_version()
        upgrades = parser.should_upgrade()
        head = Head(
            parser.get_method().decode("ascii"),
            self._url,
            tuple(self._fields),
            version != "1.0",
            parser.should_keep_alive(),
        )
        if upgrades:
            head = head._replace(upgrades=head.get(b"upgrade").strip().lower() in _TAKE_OVER)
        self._head = head
        self._is_marked = False
        self.parts.append(head)

    def on_body(self, data: bytes) -> None:
        """See httptools."""
        self.parts.append(data)

    def on_message_complete(self) -> None:
        """See httptools. An upgrade that is not made still has its body to come."""
        self._in_body = False
        if not (self._parser.should_upgrade() and self._head.method != "CONNECT" and not self._head.upgrades):
            self.parts.append(_END)


def as_text(sent: bytes) -> str:
    """A target, or a part of a head, as text. `as_bytes` gives the same bytes back, whatever they are."""
    return sent.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    """What `as_text` was made of."""
    return text.encode("utf-8", "surrogateescape")


def _marked(text: bytes) -> bytes:
    return _TO_MARK.sub(lambda odd: b"~%02x" % odd[0][0], text)


def _restored(text: bytes) -> bytes:
    return _MARKED.sub(lambda mark: bytes.fromhex(mark[1].decode()), text)
