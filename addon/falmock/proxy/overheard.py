"""A conversation that is listened to: what nothing answers on a socket has to be told in the log, as for any call."""

from __future__ import annotations

from collections.abc import Callable

from falmock.engine.effects import Conversation
from falmock.engine.effects import Turn
from falmock.fixtures.matching.miss import Miss


class Overheard:
    """Passes everything on; `missed` hears of each message that no fixture answers."""

    def __init__(self, conversation: Conversation, missed: Callable[[Miss], None]) -> None:
        self._conversation = conversation
        self._missed = missed

    def opened(self, now: float) -> Turn:
        """The handshake is done."""
        return self._told(self._conversation.opened(now))

    def received(self, message: str | bytes, now: float) -> Turn:
        """A whole message came."""
        return self._told(self._conversation.received(message, now))

    def due(self, now: float) -> Turn:
        """The time that was asked for has come."""
        return self._told(self._conversation.due(now))

    def _told(self, turn: Turn) -> Turn:
        for miss in turn.misses:
            self._missed(miss)
        return turn
