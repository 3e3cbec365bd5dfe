"""Conversations whose answers are looked up apart from the socket: where state is in a store, that takes time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from falmock.engine.effects import Conversation
from falmock.engine.effects import SocketStep

Turn = Callable[[], SocketStep]
"""Answers what was looked up: changes the conversation, and returns what is due."""


class Deciding(Conversation, Protocol):
    """A conversation in two steps.

    What looks up changes nothing of the conversation, so it can be done again. Each Turn is called once, in the order of
    the messages.
    """

    def look_up_opening(self, now: float) -> Turn:
        """Look up what is sent when the socket opens."""

    def look_up(self, message: str | bytes, now: float) -> Turn:
        """Look up the answer to a message."""
