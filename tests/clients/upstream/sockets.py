"""WebSockets over a connection that asked for one: the handshake, messages both ways, and what goes wrong."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from clients.upstream.messages import Asked

TICK = 0.2
"""Seconds between two looks at whether the server stops."""


class Gone(Exception):
    """The client left, or the server stops."""


class Silent(Exception):
    """Nothing came for as long as was to be waited for."""


class Line:
    """One socket, used by one thread. Messages are str or bytes.

    `most` is how many messages may wait: of more the oldest is dropped, as fal's runtime does.
    """

    def __init__(self, connection: socket.socket, asked: Asked, stopping: Callable[[float], bool]) -> None:
        self.asked = asked
        self.most: int | None = None
        self._connection = connection
        self._stopping = stopping
        self._waiting: deque[str | bytes] = deque()
        self._parts: list[Frame] = []
        self._protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()], max_size=None)
        head = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        query = f"?{asked.query}" if asked.query else ""
        self._protocol.receive_data(f"GET {asked.path}{query} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
        (request,) = self._protocol.events_received()
        assert isinstance(request, Request)
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()

    def send(self, *messages: str | bytes) -> None:
        """Send messages whole, all at once, so that no client can leave between them. Raises Gone."""
        if self._protocol.state is not State.OPEN:
            raise Gone
        for message in messages:
            if isinstance(message, str):
                self._protocol.send_text(message.encode())
            else:
                self._protocol.send_binary(message)
        self._flush()

    def ping(self, payload: bytes) -> None:
        self._protocol.send_ping(payload)
        self._flush()

    def receive(self, seconds: float) -> str | bytes:
        """The next message, if one comes in this time. Raises Silent, Gone."""
        self._read(time.monotonic() + seconds, lambda: bool(self._waiting))
        if not self._waiting:
            raise Silent
        return self._waiting.popleft()

    def pause(self, seconds: float) -> None:
        """Be at work for so long; what comes meanwhile waits. Raises Gone."""
        self._read(time.monotonic() + seconds, lambda: False)

    def close(self, code: int = 1000, reason: str = "", last: str = "") -> None:
        """Close, and wait for the client's close.

        `last` is a final message. It is sent in the same write, so that no client can leave between the two.
        """
        if self._protocol.state is State.OPEN:
            if last:
                self._protocol.send_text(last.encode())
            self._protocol.send_close(code, reason)
            self._flush()
        with suppress(Gone):
            self._read(time.monotonic() + 5, lambda: False)
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def _flush(self) -> None:
        try:
            if data := b"".join(self._protocol.data_to_send()):
                self._connection.settimeout(10)
                self._connection.sendall(data)
        except OSError:
            raise Gone from None

    def _read(self, until: float, enough: Callable[[], bool]) -> None:
        """Take in what comes until a time (by the monotonic clock), or until there is enough of it. Raises Gone."""
        while not enough():
            left = until - time.monotonic()
            if self._stopping(0) or self._protocol.state is State.CLOSED:
                raise Gone
            if left <= 0:
                return
            self._connection.settimeout(min(left, TICK))
            try:
                data = self._connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                raise Gone from None
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            for event in self._protocol.events_received():
                assert isinstance(event, Frame)
                self._take(event)
            self._flush()
            if not data or self._protocol.close_expected() or self._protocol.state is not State.OPEN:
                raise Gone

    def _take(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return  # what there is to answer, the protocol answers
        self._parts.append(frame)
        if not frame.fin:
            return
        whole, first = b"".join(bytes(part.data) for part in self._parts), self._parts[0]
        self._parts.clear()
        self._waiting.append(whole.decode() if first.opcode is Opcode.TEXT else whole)
        if self.most is not None and len(self._waiting) > self.most:
            self._waiting.popleft()
