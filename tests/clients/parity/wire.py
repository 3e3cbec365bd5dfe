"""Connections to a falmock byte by byte, and the answers that come on them."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from clients.running import Mitmdump

SECONDS = 20
"""The most that an answer may take."""
DELAYED = 0.8
"""What takes this long (seconds) was delayed on purpose."""


class Answer(NamedTuple):
    """An answer: `end` says how it ended ("whole", "broken", "reset" or "silent"); without a status, what came instead of one."""

    status: str
    headers: tuple[str, ...] = ()
    body: bytes = b""
    end: str = "whole"
    interim: tuple[str, ...] = ()
    """The status lines of answers before it."""
    is_late: bool = False
    """Whether the head was delayed."""
    is_slow: bool = False
    """Whether the body was delayed."""

    def get(self, name: str) -> str:
        """The value of the first header with this name in lower case; "" if there is none."""
        lines = (line.partition(": ") for line in self.headers)
        return next((value for found, _, value in lines if found.lower() == name), "")


class Over(Exception):
    """No more bytes come: the connection has ended, or is silent."""


class Line:
    """A connection on which requests are sent as bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = b""

    def send(self, data: bytes, sizes: Iterator[int] | None = None) -> None:
        """Send bytes, in pieces of these sizes if any are given. Nothing happens if the connection has ended."""
        with suppress(OSError):
            while sizes is not None and data:
                size = next(sizes, len(data))
                self.connection.sendall(data[:size])
                data = data[size:]
            self.connection.sendall(data)

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, to a request with this method."""
        begun = time.monotonic()
        interim: list[str] = []
        try:
            while True:
                lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
                if " 1" not in lines[0][8:10] or lines[0].startswith("HTTP/1.1 101"):
                    break
                interim.append(lines[0])
        except Over as over:
            came, self._buffer = self._buffer, b""
            return Answer("", (), came, str(over), tuple(interim), time.monotonic() - begun >= DELAYED)
        answer = Answer(lines[0], tuple(lines[1:]), interim=tuple(interim))
        head_after = time.monotonic()
        body, end = self._body(answer, method)
        is_slow = time.monotonic() - head_after >= DELAYED
        return answer._replace(body=body, end=end, is_late=head_after - begun >= DELAYED, is_slow=is_slow)

    def _body(self, answer: Answer, method: str) -> tuple[bytes, str]:
        status, length = answer.status[9:12], answer.get("content-length")
        body = b""
        if method == "HEAD" or status in ("101", "204", "304") or (method == "CONNECT" and status == "200"):
            return b"", "whole"
        try:
            if answer.get("transfer-encoding") == "chunked":
                while size := int(self._until(b"\r\n"), 16):
                    body += self._take(size)
                    assert self._take(2) == b"\r\n"
                self._take(2)
            elif length:
                body = self._take(int(length))
            else:
                while True:
                    self._more()
        except Over as over:
            came, self._buffer = self._buffer, b""
            is_end = str(over) == "broken" and not length and "transfer-encoding" not in str(answer.headers).lower()
            return body + came, "whole" if is_end else str(over)
        return body, "whole"

    def has_answer(self) -> bool:
        """Whether something of an answer is here."""
        self.connection.settimeout(0.001)
        with suppress(Over):
            self._more()
        self.connection.settimeout(SECONDS)
        return bool(self._buffer)

    def rest(self) -> bytes:
        """All that comes until the connection ends, or is silent."""
        with suppress(Over):
            while True:
                self._more()
        return self._buffer

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> None:
        try:
            came = self.connection.recv(65536)
        except TimeoutError:
            raise Over("silent") from None
        except ConnectionResetError:
            # Within TLS, some versions of Python take a reset for the end.
            raise Over("broken" if isinstance(self.connection, ssl.SSLSocket) else "reset") from None
        except OSError:
            came = b""
        if not came:
            raise Over("broken")
        self._buffer += came


@cache
def trust(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))


@contextmanager
def connected(mock: Mitmdump, host: str = "", *, is_tls: bool = True) -> Iterator[Line]:
    """A connection to a host through the proxy, or to falmock itself if there is no host."""
    with socket.create_connection(("127.0.0.1", mock.ports[0]), timeout=SECONDS) as plain:
        line = Line(plain)
        if not host:
            yield line
            return
        line.send(b"CONNECT %b:443 HTTP/1.1\r\nHost: %b:443\r\n\r\n" % (host.encode(), host.encode()))
        answer = line.answer("CONNECT")
        assert answer.status[9:12] == "200", answer
        if not is_tls:
            yield line
            return
        with trust(mock.ca).wrap_socket(plain, server_hostname=host) as wrapped:
            yield Line(wrapped)
