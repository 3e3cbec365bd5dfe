"""A transport without a socket, for sessions that get bytes and write bytes."""

from __future__ import annotations

import asyncio
from typing import Any

from falmock.engine.effects import SocketStep
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Text


class Wire:
    """Keeps what is written, and whether the connection is closed. Tells its protocol of the end, as asyncio does."""

    def __init__(self, protocol: Any = None) -> None:
        self.written = b""
        self.is_closed = False
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        assert not self.is_closed, "it writes to a closed connection"
        self.written += data

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            if self._protocol is not None:
                asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def write_eof(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, *_: object) -> None:
        return None


class Echo:
    """A conversation that says each message again."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []

    def opened(self, _: float) -> SocketStep:
        return SocketStep()

    def received(self, message: str | bytes, _: float) -> SocketStep:
        self.messages.append(message)
        return SocketStep((Text(message) if isinstance(message, str) else Binary(message),))

    def due(self, _: float) -> SocketStep:
        return SocketStep()
