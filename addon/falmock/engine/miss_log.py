"""Tells the log what no fixture answers: once for each distinct miss."""

from __future__ import annotations

import logging
from collections.abc import Callable

from falmock.engine.effects import Conversation
from falmock.engine.effects import ConversationWrapper
from falmock.engine.effects import SocketStep
from falmock.fixtures.matching.miss import Miss

logger = logging.getLogger(__name__)
MOST = 1000
"""How many misses are remembered; what comes after them is not told."""


class MissLog:
    """Tells the log what no fixture answers: once for each distinct miss since the fixtures were loaded."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, miss: Miss) -> None:
        """A call was missed: tell it, unless one of the same kind was told before."""
        if miss.key not in self._told and len(self._told) < MOST:
            self._told.add(miss.key)
            logger.warning("%s", miss.text)

    def clear(self) -> None:
        """The fixtures are others: what they miss is news."""
        self._told.clear()


class MissReporting(ConversationWrapper):
    """A conversation on a socket; `missed` hears of each message that no fixture answers."""

    def __init__(self, conversation: Conversation, missed: Callable[[Miss], None]) -> None:
        super().__init__(conversation)
        self._missed = missed

    def _passed(self, step: SocketStep, now: float) -> SocketStep:  # noqa: ARG002
        for miss in step.misses:
            self._missed(miss)
        return step
