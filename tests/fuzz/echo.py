"""A conversation for sessions that get bytes and return bytes."""

from __future__ import annotations

from falmock.engine.effects import SocketStep
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Text


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
