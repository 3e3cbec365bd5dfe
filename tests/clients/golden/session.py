"""A WebSocket through a proxy, frame by frame."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType
from wsproto import WSConnection
from wsproto import events
from wsproto.utilities import LocalProtocolError

from clients.golden import bodies

SECONDS = 20
"""The most that an answer may take."""


class Session:
    """A WebSocket, frame by frame."""

    def __init__(self, line: ssl.SSLSocket, plain: Callable[[str], str]) -> None:
        self._line = line
        self._plain = plain
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._events = self._received()
        self._is_over = False
        self._end = "broken"

    def open(self, host: str, target: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
        """The answer to the handshake."""
        self._send(events.Request(host=host, target=target, extra_headers=headers))
        event = next(self._events, None)
        if event is None:
            return {"status": self._end}
        status = 101 if isinstance(event, events.AcceptConnection) else event.status_code
        lines = (event.extra_headers if status == 101 else event.headers) or ()
        told = {"status": status, "headers": [self._plain(f"{n.decode()}: {v.decode()}") for n, v in lines]}
        if status == 101:
            return told
        body = b"".join(part.data for part in self._events if isinstance(part, events.RejectData))
        return told | (bodies.as_json(self._plain(body.decode()), "json") or {"text": bodies.lines(body.decode())})

    def say(self, message: str | bytes | None, frames: int) -> list[Any]:
        """So many frames that come for a message; of an ended socket as many as there are."""
        if message is not None:
            self._send(events.Message(message))
        heard: list[Any] = []
        while len(heard) < frames and not self._is_over:
            event = next(self._events, None)
            heard.append(self._frame(event))
            if isinstance(event, events.Ping):
                self._send(event.response())
        return heard

    def rest(self) -> list[Any]:
        """What comes though nothing more was expected; the socket is closed then."""
        if self._is_over:
            return []
        self._send(events.Ping(b"all?"))
        heard = []
        for event in self._events:
            if isinstance(event, events.Pong):
                break
            heard.append(self._frame(event))
        with suppress(LocalProtocolError):
            self._send(events.CloseConnection(1000))
        return heard

    def _frame(self, event: Any) -> Any:
        if event is None:
            self._is_over = True
            return self._end
        if isinstance(event, events.CloseConnection):
            self._is_over = True
            return {"close": [event.code, event.reason]}
        if isinstance(event, events.Ping):
            return {"ping": bytes(event.payload).decode()}
        if isinstance(event, events.TextMessage):
            text = self._plain(event.data)
            return bodies.as_json(text, "json") or {"text": text}
        return bodies.as_msgpack(bytes(event.data), self._plain) or {"base64": bodies.base64(bytes(event.data))}

    def _send(self, event: Any) -> None:
        with suppress(OSError):  # the server may have ended it meanwhile: what it said before that is read
            self._line.sendall(self._connection.send(event))

    def _received(self) -> Iterator[Any]:
        """Events as they come, those of a message as one, until the connection ends."""
        parts: list[Any] = []
        while True:
            data = b""
            try:
                data = self._line.recv(65536)
            except TimeoutError:
                self._end = "silent"
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b""
            if not data:
                return
            self._connection.receive_data(data)
            for event in self._connection.events():
                if isinstance(event, events.Message):
                    parts.append(event.data)
                    if event.message_finished:
                        yield type(event)(data=type(parts[0])().join(parts))
                        parts = []
                else:
                    yield event
                    if isinstance(event, events.RejectData) and event.body_finished:
                        return


def tunnel(proxy: str, ca: Path, host: str) -> ssl.SSLSocket:
    """A connection to a host through a proxy."""
    address = urlsplit(proxy)
    line = socket.create_connection((address.hostname, address.port), timeout=SECONDS)
    line.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    reply = line.recv(65536)
    assert b" 200 " in reply, reply
    return ssl.create_default_context(cafile=str(ca)).wrap_socket(line, server_hostname=host)
