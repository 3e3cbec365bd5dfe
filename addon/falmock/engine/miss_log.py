"""Logs calls that no fixture answers, and what answers warn of: each distinct text once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from falmock.engine.effects import Conversation
from falmock.engine.effects import ConversationWrapper
from falmock.engine.effects import SocketStep
from falmock.fixtures.matching.miss import Miss
from falmock.wire.formats.spelled import surrogates_escaped

logger = logging.getLogger(__name__)
MOST = 1000
"""How many distinct misses and warnings are logged; later ones are not."""


class MissLog:
    """Logs each distinct miss and warning once since the fixtures were loaded."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def tell(self, miss: Miss) -> None:
        """Log a miss, unless one with its key was logged before."""
        self._log_once(miss.key, miss.text)

    def warn(self, warning: str) -> None:
        """Log the warning of an answer, unless it was logged before."""
        self._log_once(f"warning {warning}", f"falmock: {warning}")

    def _log_once(self, key: str, text: str) -> None:
        if key not in self._logged and len(self._logged) < MOST:
            self._logged.add(key)
            logger.warning("%s", surrogates_escaped(text))

    def clear(self) -> None:
        """Forget what was logged: the fixtures have changed."""
        self._logged.clear()


class MissReporting(ConversationWrapper):
    """A conversation on a socket; `missed` is called for each message that no fixture answers, `warned` for each warning."""

    def __init__(
        self, conversation: Conversation, missed: Callable[[Miss], None], warned: Callable[[str], None]
    ) -> None:
        super().__init__(conversation)
        self._missed = missed
        self._warned = warned

    def _passed(self, step: SocketStep, now: float) -> SocketStep:  # noqa: ARG002
        for miss in step.misses:
            self._missed(miss)
        for warning in step.warnings:
            self._warned(warning)
        return step
